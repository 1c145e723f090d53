package fleet

import (
	"strings"

	"github.com/aqsha/aqsha/farm/protocol"
)

// allowedPool says whether one of the patterns fits what the machine has.
func allowedPool(p protocol.Pool, patterns []string) bool {
	return PoolIsAllowed(p.URL, p.User, patterns)
}

// PoolIsAllowed says whether one of a farm's patterns fits a pool and its user; none allow any. A pattern is "url" or
// "url user". Of the URL, the host is compared whole and so is the port when the pattern names one: whoever registers
// pool.example.com.evil.io is another pool. A URL without a host, such as "stratum+tcp://", fits any. The user is a
// beginning: "farm." fits each worker of the farm.
func PoolIsAllowed(url, user string, patterns []string) bool {
	if len(patterns) == 0 {
		return true
	}
	for _, pattern := range patterns {
		where, who, _ := strings.Cut(pattern, " ")
		if samePool(url, where) && strings.HasPrefix(user, who) {
			return true
		}
	}
	return false
}

// samePool says whether a pattern's URL means a machine's pool.
func samePool(url, pattern string) bool {
	scheme, rest, ok := strings.Cut(pattern, "://")
	if theirs, after, has := strings.Cut(url, "://"); has {
		if !ok { // "", "stratum" or "stratum+": the beginning of a scheme, and any host
			return strings.HasPrefix(theirs+"://", pattern)
		}
		if !strings.EqualFold(theirs, scheme) {
			return false
		}
		url = after
	} else if ok {
		return false
	} else {
		rest = pattern // neither names a scheme
	}
	if rest == "" {
		return true
	}
	want, wantPath, _ := strings.Cut(rest, "/")
	got, gotPath, _ := strings.Cut(url, "/")
	return sameServer(got, want) && strings.HasPrefix(gotPath, wantPath)
}

// sameServer compares a machine's host and port with a pattern's. What a machine has behind its port, as in
// "host:3333#xnsub", is no part of them. A name before the host ("user@host") is one: without it in the pattern the
// server is another.
func sameServer(got, want string) bool {
	if want == "" {
		return true
	}
	if got == want {
		return true
	}
	if at := strings.IndexAny(got, "#?"); at >= 0 {
		if _, port := splitPort(got[:at]); port == "" {
			return false // "pool.example.com#.evil.io": all of it is a host to who looks it up
		}
		got = got[:at]
	}
	host, port := splitPort(got)
	wantHost, wantPort := splitPort(want)
	return strings.EqualFold(strings.TrimSuffix(host, "."), strings.TrimSuffix(wantHost, ".")) &&
		(wantPort == "" || port == wantPort)
}

// splitPort parts a host from its port, which is of digits; an IPv6 address stands in brackets or has none.
func splitPort(server string) (host, port string) {
	at := strings.LastIndexByte(server, ':')
	if at < 0 || strings.HasSuffix(server, "]") || strings.Trim(server[at+1:], "0123456789") != "" ||
		strings.Contains(server[:at], ":") && !strings.HasSuffix(server[:at], "]") {
		return server, ""
	}
	return server[:at], server[at+1:]
}
