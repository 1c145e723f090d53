package accounting

import (
	"fmt"

	"github.com/aqsha/aqsha/money"
)

// Entry is one booking.
type Entry struct {
	Key        string // unique: what it is for
	TimeMillis int64
	Memo       string
	Postings   []Posting
}

// Posting credits an account, or debits it when negative.
type Posting struct {
	Account string
	Amount  money.Satoshi
}

// Reverse is the entry that undoes this one.
func (e Entry) Reverse(key, memo string, timeMillis int64) Entry {
	undo := Entry{Key: key, TimeMillis: timeMillis, Memo: memo}
	for _, p := range e.Postings {
		undo.Postings = append(undo.Postings, Posting{p.Account, -p.Amount})
	}
	return undo
}

// Check says whether the postings sum to zero.
func (e Entry) Check() error {
	var sum money.Satoshi
	for _, p := range e.Postings {
		var err error
		if sum, err = money.Add(sum, p.Amount); err != nil {
			return fmt.Errorf("entry %s: %w", e.Key, err)
		}
	}
	if sum != 0 {
		return fmt.Errorf("entry %s does not balance: off by %d satoshi", e.Key, sum)
	}
	return nil
}
