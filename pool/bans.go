package pool

import (
	"context"
	"net/netip"
	"time"
)

// mostBans bounds the bans that are kept, in memory and over a restart; the one that ends first makes room.
const mostBans = 1 << 16

// settingsEvery is in how many seconds workers' settings are written.
const settingsEvery = 15

// ban refuses an address for a while.
func (g *guard) ban(ip netip.Addr, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.banned[ip]; !known && len(g.banned) >= mostBans {
		g.makeRoom(now)
	}
	g.banned[ip] = now.Add(banTime)
	g.unkept[ip] = g.banned[ip]
	g.bans++
}

// makeRoom drops the bans that have ended, or else the one that ends first.
func (g *guard) makeRoom(now time.Time) {
	var first netip.Addr
	for ip, until := range g.banned {
		if !now.Before(until) {
			delete(g.banned, ip)
			delete(g.unkept, ip)
		} else if least, ok := g.banned[first]; !ok || until.Before(least) {
			first = ip
		}
	}
	if len(g.banned) >= mostBans {
		delete(g.banned, first)
		delete(g.unkept, first)
	}
}

// restoreBans takes over what an earlier run of the pool kept. Its clock may have been ahead: no ban lasts longer than
// one that begins now.
func (p *Pool) restoreBans(ctx context.Context, now time.Time) error {
	bans, err := p.accounts.books.Bans(ctx, now)
	for ip, until := range bans {
		if longest := now.Add(banTime); until.After(longest) {
			until = longest
		}
		p.guard.banned[ip] = until
	}
	return err
}

// keepBans makes bans and workers' settings outlast a restart, bans a second after they were made at the latest. Nobody waits for it: loops go on.
func (p *Pool) keepBans(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	warned := false
	for i := 1; ; i++ {
		stopping := false
		select {
		case <-ctx.Done():
			stopping = true
		case <-tick.C:
		}
		// Those of the last second too, when the pool stops: hence not ctx, which has ended then.
		if err := p.keepNewBans(context.WithoutCancel(ctx), time.Now()); err != nil && !warned {
			warned = true
			p.logger.Warn("bans are not kept over a restart", "error", err)
		}
		if stopping || i%settingsEvery == 0 {
			if err := p.keepSettings(context.WithoutCancel(ctx)); err != nil && !warned {
				warned = true
				p.logger.Warn("workers' difficulties are not kept over a restart", "error", err)
			}
		}
		if stopping {
			return
		}
	}
}

// keepNewBans writes the bans that were made since the last time; if it cannot, they stay to be written.
func (p *Pool) keepNewBans(ctx context.Context, now time.Time) error {
	g := p.guard
	g.mu.Lock()
	fresh := g.unkept
	g.unkept = map[netip.Addr]time.Time{}
	g.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	err := p.accounts.books.KeepBans(ctx, fresh, now, mostBans)
	if err == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for ip, until := range fresh {
		if _, newer := g.unkept[ip]; !newer && len(g.unkept) < mostBans {
			g.unkept[ip] = until
		}
	}
	return err
}
