package simulate

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// The account that stock Antminers come with.
const (
	cgiUser  = "root"
	cgiRealm = "antMiner Configuration"
	cgiNonce = "c6b4f0a2d81e5937"
)

// cgi serves the CGI programs of stock Antminers behind digest authentication.
func (s *Server) cgi() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		host, _, _ := net.SplitHostPort(fmt.Sprint(local))
		u := s.owners[host]
		now := usage.At(s.Now())
		if !u.answers(now) {
			panic(http.ErrAbortHandler)
		}
		if !u.authorised(r) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=MD5, qop="auth"`,
				cgiRealm, cgiNonce))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		u.cgi(w, r, now)
	})
}

// answers says whether the machine's web server is up.
func (u *Unit) answers(at usage.Instant) bool {
	return u != nil && !u.Has(Offline, at) && !u.Has(Silent, at)
}

// cgi answers one request whose password was right.
func (u *Unit) cgi(w http.ResponseWriter, r *http.Request, now usage.Instant) {
	switch r.URL.Path {
	case "/cgi-bin/get_system_info.cgi":
		fmt.Fprintf(w,
			`{"minertype":"%s","nettype":"DHCP","macaddr":"%s","hostname":"Antminer","system_filesystem_version":"simulated","serinum":"%s"}`, u.Machine.Model, strings.ToUpper(u.Machine.MAC), u.Machine.Serial)
	case "/cgi-bin/stats.cgi":
		if u.Machine.Protocol != protocol.AntminerNew {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(u.Answer([]byte(`{"command":"stats","new_api":true}`), now))
	case "/cgi-bin/reboot.cgi":
		u.Restart(now)
	case "/cgi-bin/blink.cgi", "/cgi-bin/get_blink_status.cgi", "/cgi-bin/passwd.cgi":
		u.aside(w, r)
	case "/cgi-bin/upgrade.cgi":
		u.upgrade(w, r, now)
	case "/cgi-bin/get_miner_conf.cgi":
		u.configuration(w)
	// Two generations: the old one takes a form, the new one JSON; what fits one fails at the other.
	case "/cgi-bin/set_miner_conf.cgi":
		if r.Method != http.MethodPost {
			http.Error(w, "bad configuration", http.StatusBadRequest)
			return
		}
		if u.Machine.Protocol == protocol.AntminerOld {
			u.setForm(w, r)
			return
		}
		u.setJSON(w, r)
	default:
		http.NotFound(w, r)
	}
}

// configuration is what the machine is set to, in the words of its firmware's generation.
func (u *Unit) configuration(w http.ResponseWriter) {
	u.mu.Lock()
	mode, fan, sleeping, url, user := u.mode, u.fan, u.sleeping, u.Pool, u.User
	u.mu.Unlock()
	level := `,"bitmain-freq-level":"100"`
	if u.Machine.Protocol == protocol.AntminerOld {
		level = `,"bitmain-freq":"600","bitmain-voltage":"1800"`
	}
	switch {
	case sleeping && u.Machine.Protocol == protocol.AntminerOld:
		mode = 254
	case sleeping:
		mode = 1
	}
	pools := ""
	if url != "" {
		pools = fmt.Sprintf(`{"url":"%s","user":"%s","pass":"x"}`, url, user)
	}
	fmt.Fprintf(w, `{"pools":[%s],"bitmain-fan-ctrl":%t,"bitmain-fan-pwm":"%d","bitmain-work-mode":"%d"%s}`, pools,
		fan > 0, max(fan, 1), mode, level)
}

// aside answers the programs of lamp and password, in the words of the firmware's generation.
func (u *Unit) aside(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	old := u.Machine.Protocol == protocol.AntminerOld
	var asked struct{ Blink, CurPwd, NewPwd string }
	if old {
		_ = r.ParseForm()
	} else if r.Method == http.MethodPost && json.NewDecoder(r.Body).Decode(&asked) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	action := r.PostForm.Get("action")
	switch {
	case old && r.URL.Path != "/cgi-bin/blink.cgi":
		http.NotFound(w, r)
	case old && action == "onPageLoaded":
		fmt.Fprintf(w, `{"isBlinking":%t}`, u.lamp)
	case r.URL.Path == "/cgi-bin/get_blink_status.cgi":
		fmt.Fprintf(w, `{"blink":%t}`, u.lamp)
	case r.URL.Path == "/cgi-bin/blink.cgi":
		// A deaf machine answers that all is well and does nothing, as some do: a farm must look afterwards.
		if !u.Deaf {
			u.lamp = action == "startBlink" || asked.Blink == "true"
		}
		fmt.Fprint(w, `{"code":"B000"}`)
	default:
		if !u.Deaf {
			u.password = asked.NewPwd
		}
		fmt.Fprint(w, `{"stats":"success","code":"P000","msg":"OK!"}`)
	}
}

// upgrade takes a firmware: the first line of a simulated machine's image is its version. It boots with it at once.
func (u *Unit) upgrade(w http.ResponseWriter, r *http.Request, now usage.Instant) {
	r.Body = http.MaxBytesReader(w, r.Body, maxImage)
	file, _, err := r.FormFile("firmware")
	if err != nil {
		http.Error(w, "no firmware", http.StatusBadRequest)
		return
	}
	content, err := io.ReadAll(file)
	version, _, found := strings.Cut(string(content), "\n")
	if err != nil || !found || u.Machine.Protocol != protocol.AntminerNew {
		fmt.Fprint(w, `{"stats":"error","code":"U000","msg":"not an image"}`)
		return
	}
	if !u.Deaf {
		u.mu.Lock()
		u.firmware = version
		u.advance(now)
		u.boot(now, false)
		u.mu.Unlock()
	}
	fmt.Fprint(w, `{"stats":"success","code":"U000","msg":"OK!"}`)
}

// maxImage is the most of an upload that is taken.
const maxImage = 1 << 20

// setFan takes what a configuration says of the fans.
func (u *Unit) setFan(fixed bool, percent string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.fan = 0; fixed {
		_, _ = fmt.Sscan(percent, &u.fan)
	}
}

// Settings are what orders have set: mode, fans in per cent (0: automatic), lamp, and the password ("": as it came).
func (u *Unit) Settings() (mode, fan int, lamp bool, password string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.mode, u.fan, u.lamp, u.password
}

// setForm is the CGI before X19: the configuration is written from the form's fields, whatever came, and the answer is
// ok. Without a pool in the form the machine has none afterwards.
func (u *Unit) setForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	_ = r.ParseForm()
	if !u.Deaf {
		u.SetPool(r.PostForm.Get("_ant_pool1url"), r.PostForm.Get("_ant_pool1user"))
		u.Sleep(r.PostForm.Get("_ant_work_mode") == "254")
		u.setFan(r.PostForm.Get("_ant_fan_customize_switch") == "true", r.PostForm.Get("_ant_fan_customize_value"))
	}
	fmt.Fprint(w, "ok")
}

// setJSON is the CGI since X19: the mode must be a number. A mode that is a text is passed over, and the answer is a
// success all the same.
func (u *Unit) setJSON(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Pools []struct{ URL, User string } `json:"pools"`
		Mode  any                          `json:"miner-mode"`
		Fixed bool                         `json:"bitmain-fan-ctrl"`
		Fan   string                       `json:"bitmain-fan-pwm"`
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil || json.Unmarshal(body, &wanted) != nil {
		http.Error(w, "bad configuration", http.StatusBadRequest)
		return
	}
	if !u.Deaf {
		if len(wanted.Pools) > 0 {
			u.SetPool(wanted.Pools[0].URL, wanted.Pools[0].User)
		}
		if mode, ok := wanted.Mode.(float64); ok {
			u.Sleep(mode == 1)
			u.mu.Lock()
			u.mode = int(mode)
			u.mu.Unlock()
		}
		u.setFan(wanted.Fixed, wanted.Fan)
	}
	fmt.Fprint(w, `{"stats":"success","code":"M000","msg":"OK!"}`)
}

// authorised checks a digest. The nonce never changes: what is tested is the client, not the server.
func (u *Unit) authorised(r *http.Request) bool {
	u.mu.Lock()
	password := u.password
	u.mu.Unlock()
	if password == "" {
		password = cgiUser
	}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Digest ")
	if !ok {
		return false
	}
	fields := map[string]string{}
	for _, part := range strings.Split(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		fields[name] = strings.Trim(value, `"`)
	}
	hash := func(parts ...string) string {
		sum := md5.Sum([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum[:])
	}
	want := hash(hash(cgiUser, cgiRealm, password), cgiNonce, fields["nc"], fields["cnonce"], "auth",
		hash(r.Method, r.URL.RequestURI()))
	return fields["username"] == cgiUser && fields["nonce"] == cgiNonce && fields["response"] == want
}
