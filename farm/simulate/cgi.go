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

	"github.com/aqsha/aqsha/farm/use"
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
		now := use.At(s.Now())
		if _, answers := u.answers(now); u == nil || !answers {
			panic(http.ErrAbortHandler)
		}
		if !authorised(r) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=MD5, qop="auth"`, cgiRealm, cgiNonce))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		u.cgi(w, r, now)
	})
}

// answers says whether the machine's web server is up.
func (u *Unit) answers(at use.Instant) (*Unit, bool) {
	return u, u != nil && !u.Has(Offline, at) && !u.Has(Silent, at)
}

func (u *Unit) cgi(w http.ResponseWriter, r *http.Request, now use.Instant) {
	switch r.URL.Path {
	case "/cgi-bin/get_system_info.cgi":
		fmt.Fprintf(w, `{"minertype":"%s","nettype":"DHCP","macaddr":"%s","hostname":"Antminer","system_filesystem_version":"simulated","serinum":"%s"}`, u.Machine.Model, strings.ToUpper(u.Machine.MAC), u.Machine.Serial)
	case "/cgi-bin/reboot.cgi":
		u.Restart(now)
	case "/cgi-bin/get_miner_conf.cgi":
		mode := 0
		if u.Sleeping() {
			mode = 1
		}
		fmt.Fprintf(w, `{"pools":[{"url":"%s","user":"%s","pass":"x"}],"bitmain-fan-ctrl":false,"bitmain-fan-pwm":"100","bitmain-work-mode":"%d"}`, u.Pool, u.User, mode)
	case "/cgi-bin/set_miner_conf.cgi":
		var wanted struct {
			Pools []struct{ URL, User string } `json:"pools"`
			Mode  *json.Number                 `json:"miner-mode"`
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
		if err != nil || r.Method != http.MethodPost || json.Unmarshal(body, &wanted) != nil {
			http.Error(w, "bad configuration", http.StatusBadRequest)
			return
		}
		if len(wanted.Pools) > 0 {
			u.SetPool(wanted.Pools[0].URL, wanted.Pools[0].User)
		}
		if wanted.Mode != nil {
			u.Sleep(wanted.Mode.String() == "1")
		}
		fmt.Fprint(w, `{"stats":"success","code":"M000","msg":"OK!"}`)
	default:
		http.NotFound(w, r)
	}
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
	want := hash(hash(cgiUser, cgiRealm, "root"), cgiNonce, fields["nc"], fields["cnonce"], "auth", hash(r.Method, r.URL.RequestURI()))
	return fields["username"] == cgiUser && fields["nonce"] == cgiNonce && fields["response"] == want
}
