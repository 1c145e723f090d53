package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// maxBans bounds the bans that are kept, in memory and over a restart; the one that ends first makes room.
const maxBans = 1 << 16

// Ban refuses an address for a while.
func (g *Guard) Ban(ip netip.Addr, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.banned[ip]; !known && len(g.banned) >= maxBans {
		g.makeRoom(now)
	}
	g.banned[ip] = now.Add(BanTime)
	g.unkept[ip] = g.banned[ip]
	g.bans++
}

// makeRoom drops the bans that have ended, or else the one that ends first.
func (g *Guard) makeRoom(now time.Time) {
	var first netip.Addr
	for ip, until := range g.banned {
		if !now.Before(until) {
			delete(g.banned, ip)
			delete(g.unkept, ip)
		} else if least, ok := g.banned[first]; !ok || until.Before(least) {
			first = ip
		}
	}
	if len(g.banned) >= maxBans {
		delete(g.banned, first)
		delete(g.unkept, first)
	}
}

// Restore takes over bans that an earlier run kept. Its clock may have been ahead: no ban lasts longer than one that
// begins now.
func (g *Guard) Restore(bans map[netip.Addr]time.Time, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for ip, until := range bans {
		if longest := now.Add(BanTime); until.After(longest) {
			until = longest
		}
		g.banned[ip] = until
	}
}

// KeepNew has the bans written that were made since the last time, with the most that are kept; if they cannot be, they
// stay to be written.
func (g *Guard) KeepNew(keep func(fresh map[netip.Addr]time.Time, most int) error) error {
	g.mu.Lock()
	fresh := g.unkept
	g.unkept = map[netip.Addr]time.Time{}
	g.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	err := keep(fresh, maxBans)
	if err == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for ip, until := range fresh {
		if _, newer := g.unkept[ip]; !newer && len(g.unkept) < maxBans {
			g.unkept[ip] = until
		}
	}
	return err
}

// Unban lets an address in again. The ban's end is now, which is written like any ban, so that a restart does not bring
// it back.
func (g *Guard) Unban(ip netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	until, known := g.banned[ip]
	banned := known && now.Before(until) // one that has ended, or was lifted, is none
	if banned {
		g.banned[ip] = now
		g.unkept[ip] = g.banned[ip]
	}
	return banned
}

// Bans lists the addresses that are refused, and until when.
func (g *Guard) Bans() map[string]time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	bans := map[string]time.Time{}
	for ip, until := range g.banned {
		if time.Now().Before(until) {
			bans[ip.String()] = until.UTC()
		}
	}
	return bans
}

// maxExempt bounds the networks that are exempt.
const maxExempt = 1000

// Exempt keeps a network from being banned or limited, until the pool's end; --exempt does for good.
func (g *Guard) Exempt(prefix netip.Prefix, exempt bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.exempt = slices.DeleteFunc(slices.Clone(g.exempt), func(one netip.Prefix) bool { return one == prefix })
	if exempt && len(g.exempt) >= maxExempt {
		return fmt.Errorf("exempt: at most %d networks", maxExempt)
	}
	if exempt {
		g.exempt = append(g.exempt, prefix)
	}
	return nil
}
