package accounts

import (
	"context"
	"fmt"
	"time"

	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/books"
)

// olderLog is what an operator does when the books know more than the log.
const olderLog = "the log in this directory is older than the books, as after a backup was put back: " +
	"stop the pool, bring back the newest copy of the log (DIR/shares) and start again; until then nobody is paid, " +
	"because what the missing entries paid would be paid twice"

// compare holds the books against the log: every entry balances, none is in the books that the log
// does not give, and every account has what the log says. The caller holds mu.
func (a *Accounts) compare(ctx context.Context) error { return a.compareSince(ctx, &books.Snapshot{}) }

// compareSince is compare for books of which a part was seen before: what came after is read. Both ways: an account
// that only one side has is a difference too.
func (a *Accounts) compareSince(ctx context.Context, before *books.Snapshot) error {
	now, err := a.books.Since(ctx, before)
	if err != nil {
		return err
	}
	if now.Entries > a.state.Entries {
		extra, err := a.unknownEntry(ctx)
		if err != nil {
			return err
		}
		return fmt.Errorf("the books have %q of %s, which the log does not give; %s", extra.Key,
			time.UnixMilli(extra.TimeMillis).UTC().Format(time.RFC3339), olderLog)
	}
	booked := now.Balances
	for account, amount := range a.state.Balance {
		if booked[account] != amount {
			return fmt.Errorf("books have %d satoshi on %s, the log gives %d", booked[account], account, amount)
		}
	}
	for account, amount := range booked {
		if a.state.Balance[account] != amount {
			return fmt.Errorf("books have %d satoshi on %s, which the log does not give", amount, account)
		}
	}
	return nil
}

// unknownEntry is the newest entry of the books that the log does not give, as of the log's applied part.
func (a *Accounts) unknownEntry(ctx context.Context) (*books.Entry, error) {
	state, given := accounting.New(), map[string]bool{}
	state.Recall = a.state.Recall
	for entry, err := range a.log.Entries(0, a.state.Position) {
		if err != nil {
			return nil, err
		}
		entries, _ := state.ApplyEntry(entry) // what it does not understand is a fault of its own
		for _, e := range entries {
			given[e.Key] = true
		}
	}
	return a.books.NewestBut(ctx, given)
}

// Audit checks that the books sum to zero, entry by entry, and say what the log says.
func (a *Accounts) Audit(ctx context.Context) error {
	if err := a.CatchUp(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if fault := a.reason(); fault != nil {
		return fault
	}
	return a.compare(ctx)
}
