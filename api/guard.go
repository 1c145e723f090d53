package api

import (
	"net"
	"net/http"
	"strconv"
	"strings"
)

// Codes of requests that a web page of somebody else's has sent, or seems to.
const (
	// the request names another host than this node: a name that was bent to its address
	codeHost        = "wrong-host"
	codeCrossSite   = "cross-site"   // a page of another site has sent it
	codeContentType = "content-type" // a body without one, which any page may send
)

// SetOrigins has clients dial this server at other origins than before, besides the loopback address it listens on.
func (s *Server) SetOrigins(origins []string) {
	sites, known := http.NewCrossOriginProtection(), map[string]bool{}
	for _, text := range origins {
		if origin, err := Origin(text); err == nil {
			_ = sites.AddTrustedOrigin(origin)
			known[origin] = true
		}
	}
	s.sites.Store(sites)
	s.sessions.mu.Lock()
	s.sessions.origins = known
	s.sessions.mu.Unlock()
}

// guard keeps web pages of others out of a node that its user's browser can reach. A node that is open to read answers
// under the names of its own machine only: another name that leads here is one that a page bent to this address (DNS
// rebinding), by which its scripts would read everything. Requests that change something come from no page of another
// site, and say what they carry.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.options.Open && fromLoopback(r) && !ownName(r.Host):
			writeProblem(w, newProblem(http.StatusMisdirectedRequest, codeHost, "Host",
				"this node is open to read and answers as localhost or 127.0.0.1 only, not as "+
					strconv.QuoteToASCII(r.Host)))
		case s.sites.Load().Check(r) != nil:
			writeProblem(w, newProblem(http.StatusForbidden, codeCrossSite, "Origin",
				"a page of another site may not send this"))
		case r.ContentLength != 0 && r.Method == http.MethodPost && r.Header.Get("Content-Type") == "":
			writeProblem(w, newProblem(http.StatusUnsupportedMediaType, codeContentType, "Content-Type",
				"say what the body is, such as application/json"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// fromLoopback says whether a request came over the network of this machine alone, as all do of a node that is open.
// (Requests within the process have no address.)
func fromLoopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

// ownName says whether a Host is a name of this machine, which no other can bend.
func ownName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}
