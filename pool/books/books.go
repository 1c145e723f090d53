package books

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "modernc.org/sqlite" // the driver, pure Go

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
)

// Entry is one booking, and Posting its part on an account; what is booked is the accounts' business.
type (
	Entry   = accounting.Entry
	Posting = accounting.Posting
)

// Books are open accounts. Any goroutine may use them: database/sql has one connection, on which calls wait for each
// other.
type Books struct{ db *sql.DB }

const schema = `
CREATE TABLE IF NOT EXISTS entry (
	id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, time_millis INTEGER NOT NULL, memo TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS posting (
	entry INTEGER NOT NULL REFERENCES entry(id), account TEXT NOT NULL, amount INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS posting_account ON posting(account);
CREATE INDEX IF NOT EXISTS posting_entry ON posting(entry);
`

// Open opens or creates the books in a file; empty keeps them in memory. With a write-ahead log and a sync at every
// commit, what Book has returned from is durable.
func Open(file string) (*Books, error) {
	source := "file:" + file + "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	if file == "" {
		source = ":memory:"
	}
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	db.SetMaxOpenConns(1) // one writer; and a database in memory belongs to its connection
	if _, err := db.ExecContext(context.Background(), schema+bansSchema+workersSchema); err != nil {
		db.Close()
		return nil, fmt.Errorf("books %s: %w", file, err)
	}
	return &Books{db}, nil
}

// Close closes the file.
func (b *Books) Close() error { return b.db.Close() }

// DifferError says that the books have another entry under a key.
type DifferError struct{ Key string }

func (e *DifferError) Error() string     { return fmt.Sprintf("books have another entry %q", e.Key) }
func (e *DifferError) ErrorCode() string { return "books-differ" }

// Book writes entries in one transaction. An entry that is there already is skipped; one that is
// there with other postings is left as it is, and the error is a *DifferError, with the rest written.
func (b *Books) Book(ctx context.Context, entries ...Entry) error {
	for _, e := range entries {
		if err := e.Check(); err != nil {
			return err
		}
	}
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("books: %w", err)
	}
	defer tx.Rollback()
	var differ error
	for _, e := range entries {
		err := bookOne(ctx, tx, e)
		if other := errors.As(err, new(*DifferError)); other && differ == nil {
			differ = err
		} else if err != nil && !other {
			return fmt.Errorf("books: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("books: %w", err)
	}
	return differ
}

// bookOne books an entry, once: one whose key is there must be the same, or the books differ from the log.
func bookOne(ctx context.Context, tx *sql.Tx, e Entry) error {
	result, err := tx.ExecContext(ctx,
		"INSERT INTO entry (key, time_millis, memo) VALUES (?, ?, ?) ON CONFLICT(key) DO NOTHING", e.Key, e.TimeMillis,
		e.Memo)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return sameEntry(ctx, tx, e)
	}
	id, err := result.LastInsertId()
	if err != nil {
		return err
	}
	for _, p := range e.Postings {
		if _, err := tx.ExecContext(ctx, "INSERT INTO posting (entry, account, amount) VALUES (?, ?, ?)", id, p.Account,
			int64(p.Amount)); err != nil {
			return err
		}
	}
	return nil
}

// sameEntry holds an entry that is there against the one that is given, account by account.
func sameEntry(ctx context.Context, tx *sql.Tx, e Entry) error {
	has, err := postingsOf(ctx, tx, e.Key)
	if err == nil && !posts(e, has) {
		err = &DifferError{e.Key}
	}
	return err
}

// NewestBut is the newest entry whose key is none of the given; without one it is empty.
func (b *Books) NewestBut(ctx context.Context, given map[string]bool) (*Entry, error) {
	rows, err := b.db.QueryContext(ctx, "SELECT key, time_millis, memo FROM entry ORDER BY id DESC")
	if err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Key, &e.TimeMillis, &e.Memo); err != nil {
			return nil, fmt.Errorf("books: %w", err)
		}
		if !given[e.Key] {
			return &e, nil
		}
	}
	return &Entry{}, rows.Err()
}

// Balances are credits minus debits of all accounts.
func (b *Books) Balances(ctx context.Context) (map[string]money.Satoshi, error) {
	rows, err := b.db.QueryContext(ctx, "SELECT account, SUM(amount) FROM posting GROUP BY account")
	if err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	defer rows.Close()
	balances := map[string]money.Satoshi{}
	for rows.Next() {
		var account string
		var amount int64
		if err := rows.Scan(&account, &amount); err != nil {
			return nil, fmt.Errorf("books: %w", err)
		}
		balances[account] = money.Satoshi(amount)
	}
	return balances, rows.Err()
}

// Audit checks that every entry sums to zero, and so do the books.
func (b *Books) Audit(ctx context.Context) error {
	_, err := b.Snapshot(ctx)
	return err
}

// Line is one posting with its entry, for statements.
type Line struct {
	Key        string        `json:"key"`
	TimeMillis int64         `json:"time_millis"`
	Memo       string        `json:"memo"`
	Amount     money.Satoshi `json:"amount_satoshi"`
}

// Statement lists an account's postings, oldest first, at most limit of the newest.
func (b *Books) Statement(ctx context.Context, account string, limit int) ([]Line, error) {
	rows, err := b.db.QueryContext(ctx, `SELECT key, time_millis, memo, amount FROM (
		SELECT e.id, e.key, e.time_millis, e.memo, p.amount FROM posting p JOIN entry e ON e.id = p.entry
		WHERE p.account = ? ORDER BY e.id DESC LIMIT ?) ORDER BY id`, account, limit)
	if err != nil {
		return nil, fmt.Errorf("books: %w", err)
	}
	defer rows.Close()
	var lines []Line
	for rows.Next() {
		var l Line
		if err := rows.Scan(&l.Key, &l.TimeMillis, &l.Memo, &l.Amount); err != nil {
			return nil, fmt.Errorf("books: %w", err)
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}
