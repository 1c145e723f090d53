package pool

import (
	"context"
	"net/netip"
	"time"
)

// settingsEvery is in how many seconds workers' settings are written.
const settingsEvery = 15

// keepBans makes bans and workers' settings outlast a restart, bans a second after they were made at the latest. Nobody
// waits for it: loops go on.
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
			if err := p.registry.KeepSettings(context.WithoutCancel(ctx), p.accounts.KeepWorkers); err != nil &&
				!warned {
				warned = true
				p.logger.Warn("workers' difficulties are not kept over a restart", "error", err)
			}
		}
		if stopping {
			return
		}
	}
}

// keepNewBans writes the bans that were made since the last time.
func (p *Pool) keepNewBans(ctx context.Context, now time.Time) error {
	return p.guard.KeepNew(func(fresh map[netip.Addr]time.Time, most int) error {
		return p.accounts.KeepBans(ctx, fresh, now, most)
	})
}

// restoreKept takes over what an earlier run kept of bans and workers' settings.
func (p *Pool) restoreKept(ctx context.Context, now time.Time) error {
	bans, err := p.accounts.Bans(ctx, now)
	if err != nil {
		return err
	}
	p.guard.Restore(bans, now)
	settings, err := p.accounts.Workers(ctx)
	if err != nil {
		return err
	}
	p.registry.RestoreSettings(settings)
	return nil
}
