package books

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/aqsha/aqsha/money"
)

// OpenToRead opens the books in a file beside the process that writes them. Only what reads may be called.
func OpenToRead(file string) (*Books, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	db.SetMaxOpenConns(1)
	return &Books{db}, nil
}

// Missing are those of the entries that the books do not have. One that they have otherwise is a *DifferError. All are
// looked up in one transaction: of one state of the books.
func (b *Books) Missing(ctx context.Context, entries ...Entry) (missing []Entry, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	tx, err := b.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	defer tx.Rollback()
	for _, e := range entries {
		has, err := postingsOf(ctx, tx, e.Key)
		if err != nil {
			return nil, fmt.Errorf("books: %w", err)
		}
		if len(has) == 0 {
			missing = append(missing, e)
		} else if !posts(e, has) {
			return nil, &DifferError{e.Key}
		}
	}
	return missing, nil
}

// postingsOf is what an entry that is there credits each account; nothing for one that is not.
func postingsOf(ctx context.Context, tx *sql.Tx, key string) (map[string]money.Satoshi, error) {
	rows, err := tx.QueryContext(ctx,
		"SELECT p.account, SUM(p.amount) FROM posting p JOIN entry e ON e.id = p.entry WHERE e.key = ? GROUP BY p.account", key)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	has := map[string]money.Satoshi{}
	for rows.Next() {
		var account string
		var amount int64
		if err := rows.Scan(&account, &amount); err != nil {
			return nil, err
		}
		has[account] = money.Satoshi(amount)
	}
	return has, rows.Err()
}

// posts tells whether an entry credits each account what another does.
func posts(e Entry, has map[string]money.Satoshi) bool {
	left := map[string]money.Satoshi{}
	for account, amount := range has {
		left[account] -= amount
	}
	for _, p := range e.Postings {
		left[p.Account] += p.Amount
	}
	for _, amount := range left {
		if amount != 0 {
			return false
		}
	}
	return true
}

// Snapshot is what the books held at one moment, every entry of which sums to zero. Balances are credits less debits,
// by account.
type Snapshot struct {
	Last     int64 // id of the newest entry
	Entries  uint64
	Balances map[string]money.Satoshi
}

// What came after an entry is found by the entry, not by reading all accounts: the plus keeps SQLite from the order of
// accounts, which it would take for the grouping.
const (
	unbalancedSince = "SELECT e.key, SUM(p.amount) FROM entry e JOIN posting p ON p.entry = e.id WHERE e.id > ? " +
		"GROUP BY e.id HAVING SUM(p.amount) <> 0 LIMIT 1"
	countSince    = "SELECT COUNT(*), COALESCE(MAX(id), ?1) FROM entry WHERE id > ?1"
	balancesSince = "SELECT account, SUM(amount) FROM posting WHERE entry > ? GROUP BY +account"
)

// Snapshot audits all entries, and sums them up.
func (b *Books) Snapshot(ctx context.Context) (*Snapshot, error) { return b.Since(ctx, &Snapshot{}) }

// Since is what the books hold now, given what they held: only what came after is read. Entries are never changed.
func (b *Books) Since(ctx context.Context, before *Snapshot) (*Snapshot, error) {
	tx, err := b.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	defer tx.Rollback()
	var key string
	var off int64
	// In one transaction: what is summed up is what was found to be in balance.
	err = tx.QueryRowContext(ctx, unbalancedSince, before.Last).Scan(&key, &off)
	if err == nil {
		return nil, fmt.Errorf("books: entry %s is off by %d satoshi", key, off)
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("books: %w", err)
	}
	now := &Snapshot{Balances: maps.Clone(before.Balances)}
	if now.Balances == nil {
		now.Balances = map[string]money.Satoshi{}
	}
	var more uint64
	if err := tx.QueryRowContext(ctx, countSince, before.Last).Scan(&more, &now.Last); err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	now.Entries = before.Entries + more
	rows, err := tx.QueryContext(ctx, balancesSince, before.Last)
	if err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account string
		var amount int64
		if err := rows.Scan(&account, &amount); err != nil {
			return nil, fmt.Errorf("books: %w", err)
		}
		now.Balances[account] += money.Satoshi(amount)
	}
	return now, rows.Err()
}
