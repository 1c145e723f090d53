package accounting_test

import (
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// That a settled payment is in another block books nothing. What a deep reorganisation has made of it besides undoes the
// first outcome: its coin was spent otherwise, or another transaction of it is mined. Anything else is refused and changes
// nothing.
func TestASettledPaymentChangesWithTheChain(t *testing.T) {
	first := sharelog.Settled{Number: 1, Outcome: sharelog.OutcomeConfirmed, TxID: bitcoin.Hash{1}, Fee: 3, Height: 8, Block: bitcoin.Hash{8}}
	for what, tc := range map[string]struct {
		change  func(*sharelog.Settled)
		fine    bool
		entries int
		user    money.Satoshi // what is owed then, of 10
		wallet  money.Satoshi
	}{
		"another block":       {func(s *sharelog.Settled) { s.Height, s.Block = 7, bitcoin.Hash{7} }, true, 0, 0, 13},
		"the same again":      {func(*sharelog.Settled) {}, false, 0, 0, 13},
		"another fee":         {func(s *sharelog.Settled) { s.Block, s.Fee = bitcoin.Hash{7}, 4 }, false, 0, 0, 13},
		"another transaction": {func(s *sharelog.Settled) { s.Block, s.TxID, s.Fee = bitcoin.Hash{7}, bitcoin.Hash{2}, 4 }, true, 2, 0, 14},
		"the same block":      {func(s *sharelog.Settled) { s.TxID = bitcoin.Hash{2} }, false, 0, 0, 13},
		"another outcome": {func(s *sharelog.Settled) {
			s.Block, s.TxID, s.Outcome = bitcoin.Hash{7}, bitcoin.Hash{2}, sharelog.OutcomeConflicted
		}, true, 2, 10, 0},
		"dropped":         {func(s *sharelog.Settled) { s.Block, s.Outcome = bitcoin.Hash{7}, sharelog.OutcomeDropped }, false, 0, 0, 13},
		"another payment": {func(s *sharelog.Settled) { s.Block, s.Number = bitcoin.Hash{7}, 2 }, false, 0, 0, 13},
	} {
		a := accounting.New()
		keys := map[string]bool{}
		apply := func(r sharelog.Record) (n int, err error) {
			entries, err := a.Apply(r)
			for _, e := range entries {
				if keys[e.Key] {
					t.Errorf("%s: entry %q twice", what, e.Key)
				}
				keys[e.Key] = true
			}
			return len(entries), err
		}
		a.Balance["user:1"] = 10
		for _, r := range []sharelog.Record{&sharelog.Payment{Number: 1, Payees: []sharelog.Payee{{User: 1, Amount: 10}}}, &first} {
			if _, err := apply(r); err != nil {
				t.Fatal(err)
			}
		}
		later := first
		tc.change(&later)
		n, err := apply(&later)
		if fine := err == nil; fine != tc.fine || n != tc.entries || a.Balance["user:1"] != tc.user || a.Balance["wallet"] != tc.wallet || a.Balance["paying"] != 0 {
			t.Errorf("%s: %v, %d entries, balances %v", what, err, n, a.Balance)
		}
		if want := map[bool]bitcoin.Hash{true: later.Block, false: first.Block}[tc.fine]; a.Payments[0].Settled.Block != want {
			t.Errorf("%s: the payment is in %s", what, a.Payments[0].Settled.Block)
		}
		if tc.fine && later.Block != first.Block { // and back
			if _, err := apply(&first); err != nil || a.Balance["user:1"] != 0 || a.Balance["wallet"] != 13 {
				t.Errorf("%s and back: %v, %v", what, err, a.Balance)
			}
		}
	}
}
