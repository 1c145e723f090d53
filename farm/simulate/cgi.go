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
		if _, answers := u.answers(now); u == nil || !answers {
			panic(http.ErrAbortHandler)
		}
		if !authorised(r) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=MD5, qop="auth"`,
				cgiRealm, cgiNonce))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		u.cgi(w, r, now)
	})
}

// answers says whether the machine's web server is up.
func (u *Unit) answers(at usage.Instant) (*Unit, bool) {
	return u, u != nil && !u.Has(Offline, at) && !u.Has(Silent, at)
}

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
	case "/cgi-bin/get_miner_conf.cgi":
		u.configuration(w)
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
	mode, level := 0, `,"bitmain-freq-level":"100"`
	if u.Machine.Protocol == protocol.AntminerOld {
		level = `,"bitmain-freq":"600","bitmain-voltage":"1800"`
	}
	switch {
	case u.Sleeping() && u.Machine.Protocol == protocol.AntminerOld:
		mode = 254
	case u.Sleeping():
		mode = 1
	}
	pools := ""
	if u.Pool != "" {
		pools = fmt.Sprintf(`{"url":"%s","user":"%s","pass":"x"}`, u.Pool, u.User)
	}
	fmt.Fprintf(w, `{"pools":[%s],"bitmain-fan-ctrl":false,"bitmain-fan-pwm":"100","bitmain-work-mode":"%d"%s}`, pools,
		mode, level)
}

// setForm is the CGI before X19: the configuration is written from the form's fields, whatever came, and
// the answer is ok.
func (u *Unit) setForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
	_ = r.ParseForm()
	if !u.Deaf {
		u.SetPool(r.PostForm.Get("_ant_pool1url"), r.PostForm.Get("_ant_pool1user"))
		u.Sleep(r.PostForm.Get("_ant_work_mode") == "254")
	}
	fmt.Fprint(w, "ok")
}

// setJSON is the CGI since X19: the mode must be a number.
func (u *Unit) setJSON(w http.ResponseWriter, r *http.Request) {
	var wanted struct {
		Pools []struct{ URL, User string } `json:"pools"`
		Mode  any                          `json:"miner-mode"`
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
		}
	}
	fmt.Fprint(w, `{"stats":"success","code":"M000","msg":"OK!"}`)
}

func authorised(r *http.Request) bool {
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
	want := hash(hash(cgiUser, cgiRealm, "root"), cgiNonce, fields["nc"], fields["cnonce"], "auth",
		hash(r.Method, r.URL.RequestURI()))
	return fields["username"] == cgiUser && fields["nonce"] == cgiNonce && fields["response"] == want
}
