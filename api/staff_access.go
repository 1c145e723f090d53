package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aqsha/aqsha/api/staff"
)

// RoleStaff is an account of the staff that reads no more of the ledger than everybody does.
const RoleStaff AccessRole = "staff"

type (
	staffKey  struct{} // of the *staffSession of a request
	originKey struct{} // of the origin of this node that a request names
)

// staffSession is who sent a request, by the cookie of a session.
type staffSession struct {
	session staff.Session
	account staff.Account
}

// The cookie of a session. Where a node speaks TLS the name's beginning holds a browser to what it must be: of this
// host alone, never sent without TLS (RFC 6265bis, 4.1.3.2). Without TLS a node is reached from its own machine only.
const (
	cookieSecure = "__Host-aqsha-staff"
	cookiePlain  = "aqsha-staff"
)

// cookieOf bears a session's secret, or takes the cookie away. The session's end is the node's to know.
func cookieOf(origin, secret string) http.Cookie {
	secure := strings.HasPrefix(origin, "https://")
	cookie := http.Cookie{Name: cookiePlain, Value: secret, Path: "/", HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteStrictMode}
	if secure {
		cookie.Name = cookieSecure
	}
	if secret == "" {
		cookie.MaxAge = -1
	}
	return cookie
}

// knownOrigin is the origin that a request names, if clients dial this node there.
func (s *Server) knownOrigin(r *http.Request) string {
	origin := r.Header.Get("Origin")
	if origin == "" || len(origin) > 300 {
		return ""
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	if s.sessions.origins[origin] || s.sessions.local[origin] {
		return origin
	}
	return ""
}

// staffSecret is what a request's cookie bears, if the cookie counts: a browser sends it along with whatever a page
// asks, so a request that changes something must name an origin of this node, and none may come from another site. (A
// token that a program sends itself needs none of this.)
func (s *Server) staffSecret(r *http.Request) string {
	if r.Header.Get("Authorization") != "" { // by that it says who it is
		return ""
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if site != "" && site != "same-origin" && site != "none" {
			return ""
		}
	} else if s.knownOrigin(r) == "" || site != "" && site != "same-origin" {
		return ""
	}
	name := cookiePlain
	if r.TLS != nil || s.options.Proxy != "" {
		name = cookieSecure
	}
	if cookie, err := r.Cookie(name); err == nil && len(cookie.Value) <= 64 {
		return cookie.Value
	}
	return ""
}

// staffOf is who sent a request; nil for nobody of the staff. It is asked anew at each request: an account that has
// ended opens nothing from the next one on.
func (s *Server) staffOf(r *http.Request) *staffSession {
	if s.staff.store == nil {
		return nil
	}
	secret := s.staffSecret(r)
	if secret == "" {
		return nil
	}
	session, account, ok := s.staff.store.Session(secret, time.Now())
	if !ok {
		return nil
	}
	return &staffSession{session, account}
}

// staffStands says whether who opened a stream is still signed in. The stream is no request that keeps the session.
func (s *Server) staffStands(r *http.Request) bool {
	return s.staff.store != nil && s.staff.store.Stands(s.staffSecret(r), time.Now())
}

// access is what an account reads: what an access of the same role reads.
func (c *staffSession) access() *Access {
	a := &Access{Name: "staff " + c.account.ID, Role: RoleStaff, ends: c.session.Ends()}
	switch c.account.Reads() {
	case staff.Authority:
		a.Role = RoleAuthority
	case staff.Auditor:
		a.Role = RoleAuditor
	case staff.Intermediary:
		a.Role, a.Intermediary = RoleIntermediary, c.account.Bank
	}
	return a
}

// isQuestion says whether a request changes nothing, or is one of the staff's own, which are in the trail by
// themselves.
func isQuestion(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead || strings.HasPrefix(r.URL.Path, "/v1/staff/")
}

// auditedPath bounds a path in the trail, in bytes.
const auditedPath = 200

// audit notes what somebody of the staff sends, before it is done.
func (s *Server) audit(c *staffSession, r *http.Request) error {
	path := r.URL.EscapedPath()
	return s.staff.store.Act(c.account.ID, r.Method+" "+path[:min(len(path), auditedPath)], time.Now())
}

func originOf(ctx context.Context) string {
	origin, _ := ctx.Value(originKey{}).(string)
	return origin
}

// staffCaller is who is signed in.
func staffCaller(ctx context.Context) (*staffSession, error) {
	if c, _ := ctx.Value(staffKey{}).(*staffSession); c != nil {
		return c, nil
	}
	return nil, newProblem(http.StatusUnauthorized, codeUnauthorised, "Cookie",
		"nobody of the staff is signed in, or the session is over: sign in with the passkey")
}

// freshCaller is who is signed in and has used the passkey within five minutes.
func freshCaller(ctx context.Context) (*staffSession, error) {
	c, err := staffCaller(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.session.MustBeFresh(time.Now()); err != nil {
		return nil, problemOf(err)
	}
	return c, nil
}

// administrator is who is signed in and administers.
func administrator(ctx context.Context, fresh bool) (*staffSession, error) {
	c, err := staffCaller(ctx)
	switch {
	case err != nil:
		return nil, err
	case !c.account.Has(staff.Administrator):
		return nil, newProblem(http.StatusForbidden, codeForbidden, "", "this is for administrators")
	case fresh:
		return freshCaller(ctx)
	}
	return c, nil
}
