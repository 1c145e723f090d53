package accounts

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
)

// openOn opens the accounts of a log that nobody writes.
func openOn(log *txlog.Log, file string) (*Accounts, error) {
	return Open(Options{Log: log, File: file})
}

// logOf writes records as a log.
func logOf(t *testing.T, dir string, records ...sharelog.Record) *txlog.Log {
	t.Helper()
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	appendTo(t, log, records...)
	return log
}

func appendTo(t testing.TB, log *txlog.Log, records ...sharelog.Record) {
	t.Helper()
	var entries [][]byte
	for _, r := range records {
		entries = append(entries, sharelog.Append(nil, r))
	}
	batch, err := log.Stage(entries)
	if err == nil {
		err = log.Commit(batch)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// paidLog is of a PPS pool that has paid its only user once, and owes it again.
func paidLog() []sharelog.Record {
	return []sharelog.Record{
		&sharelog.Scheme{Name: payout.PPS, FeePPM: 10_000, Rules: sharelog.RulesAtBlock},
		&sharelog.Worker{Number: 1, User: 1, Address: "a"},
		paying(1, 1),
		&sharelog.Share{Worker: 1, Job: 1, Difficulty: unit, Extranonce: []byte{1}},
		paying(2, 1), // 9,900
		&sharelog.Payment{Number: 1, Payees: []sharelog.Payee{{User: 1, Amount: 9_900}}},
		&sharelog.Sent{Number: 1, TxID: bitcoin.Hash{1}, Fee: 100},
		&sharelog.Settled{Number: 1, Outcome: sharelog.OutcomeConfirmed, TxID: bitcoin.Hash{1}, Fee: 100},
		&sharelog.Share{Worker: 1, Job: 2, Difficulty: unit, Extranonce: []byte{2}},
		paying(3, 1), // 9,900 again
	}
}

// Somebody writes into the file of the books while the pool is away: each change is found when it starts, before anybody
// asks for a payment, the books are left as they are, and the reason names what differs. Untouched books raise none.
func TestBooksAreHeldAgainstTheLogAtTheStart(t *testing.T) {
	for name, tc := range map[string]struct{ sql, says string }{
		"untouched": {"", ""},
		"an entry that the log does not give": {`INSERT INTO entry (key, time_millis, memo) VALUES ('payment 2', 5, '');
			INSERT INTO posting (entry, account, amount) SELECT MAX(id), 'user:1', -9900 FROM entry;
			INSERT INTO posting (entry, account, amount) SELECT MAX(id), 'paying', 9900 FROM entry`, `"payment 2"`},
		"an entry that moves nothing": {`INSERT INTO entry (key, time_millis, memo) VALUES ('note', 5, '')`, `"note"`},
		"an amount":                   {`UPDATE posting SET amount = amount * 2 WHERE entry = (SELECT id FROM entry WHERE key = 'payment 1')`, `"payment 1"`},
		"one side of an entry":        {`UPDATE posting SET amount = amount + 1 WHERE account = 'wallet'`, `"paid 1"`},
		"an account":                  {`UPDATE posting SET account = 'user:2' WHERE account = 'user:1'`, "another entry"},
		"another key":                 {`UPDATE entry SET key = 'payment 7' WHERE key = 'payment 1'`, "the log does not give"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "books.sqlite")
			log := logOf(t, dir, paidLog()...)
			accounts, err := openOn(log, file)
			if err != nil {
				t.Fatal(err)
			}
			if err := accounts.Close(); err != nil {
				t.Fatal(err)
			}
			meddleWith(t, file, tc.sql)
			for range 2 { // and not only the first time
				accounts, err = openOn(log, file)
				if err != nil {
					t.Fatal(err)
				}
				fault := accounts.Fault()
				switch {
				case tc.says == "" && fault != nil:
					t.Errorf("%v", fault)
				case tc.says != "" && (fault == nil || !strings.Contains(fault.Error(), tc.says)):
					t.Errorf("fault %v, want one with %s", fault, tc.says)
				}
				// New records are not entered into books that are not the log's.
				appendTo(t, log, &sharelog.Share{Worker: 1, Job: 3, Difficulty: unit, Extranonce: []byte{3}}, paying(4, 1))
				before := countRows(t, file, "entry")
				if err := accounts.CatchUp(context.Background()); err != nil {
					t.Fatal(err)
				}
				if after := countRows(t, file, "entry"); tc.says != "" && after != before {
					t.Errorf("%d entries, before %d", after, before)
				}
				if err := accounts.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func meddleWith(t *testing.T, file, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}
