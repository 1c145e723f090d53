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

	maxRequests    = 120 // other than shares, in one requestWindow
	requestWindow  = time.Minute
	maxOwnWorkers  = 1000 // names on one connection: a proxy's
	banTime        = 10 * time.Minute
	badSharesToBan = 200 // in a requestWindow, when they are four of five
	connectsPerIP  = 600 // in a requestWindow
)

// Times that a client may take. Variables, so that tests need not wait.
var (
	handshakeTimeout = 30 * time.Second // until the first authorization
	lineTimeout      = 30 * time.Second // from a line's first byte to its last
	idleTimeout      = 30 * time.Minute // without a byte from the client
)

// guard counts connections and keeps bans, by address of the client.
type guard struct {
	mu      sync.Mutex
	open    map[netip.Addr]int
	total   int
	recent  map[netip.Addr]int
	window  time.Time
	banned  map[netip.Addr]time.Time // until
	unkept  map[netip.Addr]time.Time // those of them that are not written down yet
	refused uint64
	bans    uint64
}

func newGuard() *guard {
	return &guard{open: map[netip.Addr]int{}, recent: map[netip.Addr]int{}, banned: map[netip.Addr]time.Time{}, unkept: map[netip.Addr]time.Time{}}
}

// admit counts a connection in, or refuses it.
func (g *guard) admit(ip netip.Addr, now time.Time, c *Config) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.window) > requestWindow {
		g.window = now
		clear(g.recent)
		for banned, until := range g.banned {
			if !now.Before(until) {
				delete(g.banned, banned)
			}
		}
	}
	g.recent[ip]++
	until, banned := g.banned[ip]
	if banned && now.Before(until) || g.total >= c.MaxConnections || g.open[ip] >= c.MaxPerIP || g.recent[ip] > connectsPerIP+c.MaxPerIP {
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
