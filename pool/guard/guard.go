// Package guard decides who may connect to a pool: it counts connections and keeps bans, by address of the client.
package guard

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limits on an address.
const (
	window        = time.Minute
	connectsPerIP = 600 // in a window, beside as many as may be open

	// OffencesToBan is after how many connections that were closed for breaking the rules in a window an address is
	// refused for BanTime, unless one of the address has earned something within earnedFor: a farm has one address.
	OffencesToBan = 10
	earnedFor     = 10 * time.Minute

	// BanTime is how long an address is refused.
	BanTime = 10 * time.Minute
)

// Guard counts connections and keeps bans, by address of the client.
//
// Invariant: total is the sum of open. Every Admit that said yes, and every Enter, has one Leave. open is bounded by
// maxConnections and banned by maxBans; recent has the addresses of one window, and those that earned something within
// earnedFor.
type Guard struct {
	maxConnections, maxPerIP int

	mu      sync.Mutex     // over what follows
	exempt  []netip.Prefix // never banned, nor limited in number
	open    map[netip.Addr]int
	total   int // of open
	recent  map[netip.Addr]*recent
	window  time.Time                // when the current one began; recent is gone through when it ends
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

// Options are the limits of a guard.
type Options struct {
	MaxConnections, MaxPerIP int
	Exempt                   []netip.Prefix // never banned, nor limited in number
}

// New makes a guard that knows nobody.
func New(o Options) *Guard {
	return &Guard{
		maxConnections: o.MaxConnections, maxPerIP: o.MaxPerIP, exempt: o.Exempt,
		open: map[netip.Addr]int{}, recent: map[netip.Addr]*recent{}, banned: map[netip.Addr]time.Time{},
		unkept: map[netip.Addr]time.Time{},
	}
}

// recentOf begins a new window when it is time. Called with the lock held.
func (g *Guard) recentOf(ip netip.Addr, now time.Time) *recent {
	if now.Sub(g.window) > window {
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
func (g *Guard) isExempt(ip netip.Addr) bool {
	for _, prefix := range g.exempt {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// Admit counts a connection in, or refuses it.
func (g *Guard) Admit(ip netip.Addr, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.recentOf(ip, now)
	one.connects++
	until, banned := g.banned[ip]
	over := banned && now.Before(until) || g.open[ip] >= g.maxPerIP || one.connects > connectsPerIP+g.maxPerIP
	if g.total >= g.maxConnections || over && !g.isExempt(ip) {
		g.refused++
		return false
	}
	g.open[ip]++
	g.total++
	return true
}

// Leave counts a connection out.
func (g *Guard) Leave(ip netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total--
	if g.open[ip]--; g.open[ip] <= 0 {
		delete(g.open, ip)
	}
}

// Earned notes that an address does honest work.
func (g *Guard) Earned(ip netip.Addr, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.recentOf(ip, now).earned = now
}

// Offence notes a connection that was closed for breaking the rules.
func (g *Guard) Offence(ip netip.Addr, now time.Time) {
	g.mu.Lock()
	one := g.recentOf(ip, now)
	one.offences++
	ban := one.offences >= OffencesToBan && now.Sub(one.earned) > earnedFor && !g.isExempt(ip)
	g.mu.Unlock()
	if ban {
		g.Ban(ip, now)
	}
}

// Enter counts a connection in that an earlier process has admitted.
func (g *Guard) Enter(ip netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open[ip]++
	g.total++
}

// Earnings are the addresses that do honest work, and since when none of it came.
func (g *Guard) Earnings() map[netip.Addr]time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	earned := map[netip.Addr]time.Time{}
	for ip, one := range g.recent {
		if !one.earned.IsZero() {
			earned[ip] = one.earned
		}
	}
	return earned
}

// Exempted are the networks that are never banned nor limited.
func (g *Guard) Exempted() []netip.Prefix {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.exempt)
}

// Counts are a guard's figures.
type Counts struct {
	Connections int    // open
	Refused     uint64 // since the start
	Banned      int    // addresses, now
	Bans        uint64 // made since the start
}

// Counts at a time.
func (g *Guard) Counts(now time.Time) Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := Counts{Connections: g.total, Refused: g.refused, Bans: g.bans}
	for _, until := range g.banned {
		if now.Before(until) {
			c.Banned++
		}
	}
	return c
}
