package accounts

import (
	"context"
	"net/netip"
	"time"

	"github.com/aqsha/aqsha/pool/books"
)

// The books' file also keeps what a restart must not lose and the log, which everybody may read, does not say.

// Bans are the addresses that an earlier run banned, and until when.
func (a *Accounts) Bans(ctx context.Context, now time.Time) (map[netip.Addr]time.Time, error) {
	return a.books.Bans(ctx, now)
}

// KeepBans keeps bans over a restart, the most that there may be.
func (a *Accounts) KeepBans(ctx context.Context, fresh map[netip.Addr]time.Time, now time.Time, most int) error {
	return a.books.KeepBans(ctx, fresh, now, most)
}

// Workers are the settings of workers that an earlier run kept, by full name.
func (a *Accounts) Workers(ctx context.Context) (map[string]books.WorkerSetting, error) {
	return a.books.Workers(ctx)
}

// KeepWorkers keeps workers' settings over a restart.
func (a *Accounts) KeepWorkers(ctx context.Context, settings map[string]books.WorkerSetting) error {
	return a.books.KeepWorkers(ctx, settings)
}
