package pool

import (
	"net/netip"
	"sync"
	"time"
)

// Limits on one connection.
const (
	maxLine   = 4 << 10 // bytes of a client's line; real ones have some 300
	maxUnsent = 1 << 18 // bytes waiting for a client that does not read

	maxRequests      = 120 // other than shares and authorizations, in one requestWindow
	requestWindow    = time.Minute
	maxOwnWorkers    = 20_000 // names on one connection: a proxy's
	badSharesToClose = 200    // in a requestWindow, when they are four of five
	connectsPerIP    = 600    // in a requestWindow, beside as many as may be open

	// An address is refused for banTime after so many connections were closed for breaking the rules
	// in a requestWindow, unless one of the address has earned something within earnedFor: a farm has one address.
	offencesToBan = 10
	earnedFor     = 10 * time.Minute
	banTime       = 10 * time.Minute
)

// Times that a client may take. Variables, so that tests need not wait.
var (
	handshakeTimeout = 30 * time.Second // until the first authorization
	lineTimeout      = 30 * time.Second // from a line's first byte to its last
	idleTimeout      = 30 * time.Minute // without a byte from the client
)

// guard counts connections and keeps bans, by address of the client.
type guard struct {
	exempt []netip.Prefix // never banned, nor limited in number

	mu      sync.Mutex
	open    map[netip.Addr]int
	total   int
	recent  map[netip.Addr]*recent
	window  time.Time
	banned  map[netip.Addr]time.Time // until
	unkept  map[netip.Addr]time.Time // those of them that are not written down yet
	refused uint64
	bans    uint64
}

// recent is what an address has done in the current window.
type recent struct {
	connects, offences int
	earned             time.Time // last credited share that was the first of a connection in its window
}

func newGuard() *guard {
	return &guard{open: map[netip.Addr]int{}, recent: map[netip.Addr]*recent{}, banned: map[netip.Addr]time.Time{}, unkept: map[netip.Addr]time.Time{}}
}

// recentOf begins a new window when it is time. Called with the lock held.
func (g *guard) recentOf(ip netip.Addr, now time.Time) *recent {
	if now.Sub(g.window) > requestWindow {
		g.window = now
		for address, one := range g.recent {
			if now.Sub(one.earned) > earnedFor {
				delete(g.recent, address)
			} else {
				one.connects, one.offences = 0, 0
			}
		}
		for banned, until := range g.banned {
			if !now.Before(until) {
				delete(g.banned, banned)
			}
		}
	}
	one := g.recent[ip]
	if one == nil {
		one = &recent{}
		g.recent[ip] = one
	}
	return one
}

// isExempt says whether the operator trusts an address. Called with the lock held.
func (g *guard) isExempt(ip netip.Addr) bool {
	for _, prefix := range g.exempt {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// admit counts a connection in, or refuses it.
func (g *guard) admit(ip netip.Addr, now time.Time, c *Config) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.recentOf(ip, now)
	one.connects++
	until, banned := g.banned[ip]
	over := banned && now.Before(until) || g.open[ip] >= c.MaxPerIP || one.connects > connectsPerIP+c.MaxPerIP
	if g.total >= c.MaxConnections || over && !g.isExempt(ip) {
		g.refused++
		return false
	}
	g.open[ip]++
	g.total++
	return true
}

// leave counts a connection out.
func (g *guard) leave(ip netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.open[ip]--; g.open[ip] <= 0 {
		delete(g.open, ip)
	}
}

// earned notes that an address does honest work.
func (g *guard) earned(ip netip.Addr, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.recentOf(ip, now).earned = now
}

// offence notes a connection that was closed for breaking the rules.
func (g *guard) offence(ip netip.Addr, now time.Time) {
	g.mu.Lock()
	one := g.recentOf(ip, now)
	one.offences++
	ban := one.offences >= offencesToBan && now.Sub(one.earned) > earnedFor && !g.isExempt(ip)
	g.mu.Unlock()
	if ban {
		g.ban(ip, now)
	}
}
