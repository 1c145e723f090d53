package accounts

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// Log and books as a pool of before November 2026 has left them: a scheme record without rules, a fee that was
// raised and taken for all history, and a payment that counted as paid when it was sent. They open, the payment
// stands, the user is owed what the fees in force give, and the old entries stay in the file. With the payment
// missing in the log, nobody is paid and nothing is changed.
func TestOldBooksAreAdopted(t *testing.T) {
	ctx := context.Background()
	records := []sharelog.Record{
		&sharelog.Scheme{Name: payout.PPS, FeePPM: 10_000},
		&sharelog.Worker{Number: 1, User: 1, Address: "a"},
		paying(1, 1),
		&sharelog.Share{Worker: 1, Job: 1, Difficulty: unit, Extranonce: []byte{1}},
		paying(2, 1), // 9,900 at 1 %
		&sharelog.Payment{Number: 1, Payees: []sharelog.Payee{{User: 1, Amount: 9_900}}},
		&sharelog.Paid{Number: 1, TxID: bitcoin.Hash{1}, Fee: 100},
		&sharelog.Scheme{Name: payout.PPS, FeePPM: 500_000},
		&sharelog.Share{Worker: 1, Job: 2, Difficulty: unit, Extranonce: []byte{2}},
		paying(3, 1), // of before: 10,000 in all, 100 of them new; right: 5,000
	}
	for name, kept := range map[string]int{"whole": len(records), "without the payment": 5} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "books.sqlite")
			writeOldBooks(t, file)
			log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "test", SegmentBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			var entries [][]byte
			for _, r := range records[:kept] {
				entries = append(entries, sharelog.Append(nil, r))
			}
			batch, err := log.Stage(entries)
			if err == nil {
				err = log.Commit(batch)
			}
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // and once more, when they are of today
				accounts, err := openOn(log, file)
				if err != nil {
					t.Fatal(err)
				}
				fault := accounts.Fault()
				balances, err := accounts.books.Balances(ctx)
				if err := accounts.Close(); err != nil {
					t.Fatal(err)
				}
				if kept < len(records) {
					if fault == nil || !strings.Contains(fault.Error(), `"payment 1"`) || balances["wallet"] != 10_000 {
						t.Fatalf("%v, %v", fault, balances)
					}
					continue
				}
				if fault != nil || err != nil || balances["user:1"] != 5_000 || balances["wallet"] != 10_000 || balances["paying"] != 0 {
					t.Fatalf("%v, %v, %v", fault, err, balances)
				}
				if n := countRows(t, file, "entry_before"); n != 4 {
					t.Errorf("%d of the old entries are kept", n)
				}
			}
		})
	}
}

func countRows(t *testing.T, file, table string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT COUNT(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// writeOldBooks writes what that pool had booked.
func writeOldBooks(t *testing.T, file string) {
	t.Helper()
	old, err := books.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(key string, postings ...books.Posting) books.Entry {
		return books.Entry{Key: key, Postings: postings}
	}
	accrued := func(key string, amount money.Satoshi) books.Entry {
		return entry(key, books.Posting{Account: "user:1", Amount: amount}, books.Posting{Account: "reserve", Amount: -amount})
	}
	if err := old.Book(context.Background(), accrued("accrual 4", 9_900),
		entry("payment 1", books.Posting{Account: "user:1", Amount: -9_900}, books.Posting{Account: "paying", Amount: 9_900}),
		entry("paid 1", books.Posting{Account: "paying", Amount: -9_900}, books.Posting{Account: "wallet", Amount: 10_000}, books.Posting{Account: "operator", Amount: -100}),
		accrued("accrual 9", 100)); err != nil {
		t.Fatal(err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
}
