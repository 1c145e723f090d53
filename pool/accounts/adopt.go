package accounts

import (
	"context"
	"fmt"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/books"
)

// adopt brings books of earlier rules to what the log gives today. Those rules took a fee for shares
// that were mined under another, and forgot shares that a round or a window still reached. Whatever the books
// have paid must be in the log, or they are left as they are and payments stop.
func (a *Accounts) adopt(ctx context.Context) error {
	outdated, err := a.books.Outdated(ctx)
	if err != nil || !outdated {
		return err
	}
	before, err := a.books.Balances(ctx)
	if err != nil {
		return err
	}
	state := accounting.New()
	state.Recall = a.state.Recall
	var entries []books.Entry
	known := map[string]bool{}
	for entry, err := range a.log.Entries(0, a.log.Size()) {
		if err != nil {
			return err
		}
		more, _ := state.ApplyEntry(entry) // catchUp meets what it refuses
		for _, e := range more {
			known[e.Key] = true
		}
		entries = append(entries, more...)
	}
	paid, err := a.books.Keys(ctx, "payment ", "paid ", "unpaid ")
	if err != nil {
		return err
	}
	for _, key := range paid {
		if !known[key] {
			a.freeze(fmt.Errorf("the books have %q, which the log does not give; %s", key, olderLog))
			return nil
		}
	}
	if err := a.books.Rebuild(ctx, entries); err != nil {
		return err
	}
	a.corrected = map[string]money.Satoshi{}
	for account, amount := range state.Balance {
		if amount != before[account] {
			a.corrected[account] = amount - before[account]
		}
	}
	return nil
}
