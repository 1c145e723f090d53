package api

import (
	"net"
	"net/http"
	"net/url"
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
	sites, known, hosts := http.NewCrossOriginProtection(), map[string]bool{}, map[string]bool{}
	for _, text := range origins {
		if origin, err := Origin(text); err == nil {
			_ = sites.AddTrustedOrigin(origin)
			known[origin] = true
			if u, err := url.Parse(origin); err == nil {
				hosts[u.Hostname()] = true
			}
		}
	}
	for _, name := range s.options.Names { // of the certificate
		hosts[strings.ToLower(name)] = true
	}
	s.sites.Store(sites)
	s.hosts.Store(&hosts)
	s.sessions.mu.Lock()
	s.sessions.origins = known
	s.sessions.mu.Unlock()
}

// hstsSeconds is how long a browser speaks nothing but TLS to a name at which it was answered over TLS (RFC 6797).
const hstsSeconds = 365 * 24 * 60 * 60

// guard keeps web pages of others out of a node that its user's browser can reach. A node answers under its own names
// only: another name that leads here is one that a page bent to this address (DNS rebinding), by which its scripts
// would read what they may. Requests that change something come from no page of another site, and say what they carry.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Names of this machine are other programs' too, which may speak no TLS.
		if r.TLS != nil && !ownName(r.Host) {
			w.Header().Set("Strict-Transport-Security", "max-age="+strconv.Itoa(hstsSeconds))
		}
		switch {
		case !s.answersAs(r):
			writeProblem(w, newProblem(http.StatusMisdirectedRequest, codeHost, "Host",
				"this node does not answer as "+strconv.QuoteToASCII(r.Host)+": open to read, it does as localhost or "+
					"127.0.0.1 only, otherwise under its certificate's names and its origins too"))
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

// answersAs says whether a request names a host under which this node is dialled.
func (s *Server) answersAs(r *http.Request) bool {
	local, hosts := ownName(r.Host), *s.hosts.Load()
	switch {
	case s.options.Open:
		return local || !fromLoopback(r)
	case local, isProbe(r): // an orchestrator dials an address, and hears nothing but that the node is there
		return true
	case r.TLS == nil && s.options.Proxy == "":
		return !fromLoopback(r) || hosts[hostOf(r.Host)] // requests within the process have no address
	case len(hosts) == 0: // nothing says under which names a proxy is dialled
		return true
	}
	host := hostOf(r.Host)
	_, domain, _ := strings.Cut(host, ".")
	return hosts[host] || domain != "" && hosts["*."+domain] // a certificate's wildcard (RFC 6125, 6.4.3)
}

// hostOf is the name or address in a Host, without its port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if ip := net.ParseIP(host); ip != nil {
		return ip.String()
	}
	return host
}

// ownName says whether a Host is a name of this machine, which no other can bend.
func ownName(host string) bool {
	host = hostOf(host)
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost"
}
