package accounting_test

import (
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// That a settled payment is in another block books nothing. Anything else said of it is refused and changes nothing: it
// would pay twice, or take a payment back.
func TestASettledPaymentOnlyMoves(t *testing.T) {
	first := sharelog.Settled{Number: 1, Outcome: sharelog.OutcomeConfirmed, TxID: bitcoin.Hash{1}, Fee: 3, Height: 8, Block: bitcoin.Hash{8}}
	for what, tc := range map[string]struct {
		change func(*sharelog.Settled)
		fine   bool
	}{
		"another block":       {func(s *sharelog.Settled) { s.Height, s.Block = 7, bitcoin.Hash{7} }, true},
		"the same again":      {func(*sharelog.Settled) {}, false},
		"another transaction": {func(s *sharelog.Settled) { s.Block, s.TxID = bitcoin.Hash{7}, bitcoin.Hash{2} }, false},
		"another fee":         {func(s *sharelog.Settled) { s.Block, s.Fee = bitcoin.Hash{7}, 4 }, false},
		"another outcome":     {func(s *sharelog.Settled) { s.Block, s.Outcome = bitcoin.Hash{7}, sharelog.OutcomeConflicted }, false},
		"another payment":     {func(s *sharelog.Settled) { s.Block, s.Number = bitcoin.Hash{7}, 2 }, false},
	} {
		a := accounting.New()
		for _, r := range []sharelog.Record{&sharelog.Payment{Number: 1}, &first} {
			if _, err := a.Apply(r); err != nil {
				t.Fatal(err)
			}
		}
		later := first
		tc.change(&later)
		entries, err := a.Apply(&later)
		if fine := err == nil; fine != tc.fine || len(entries) != 0 {
			t.Errorf("%s: %v, %v", what, entries, err)
		}
		if want := map[bool]bitcoin.Hash{true: later.Block, false: first.Block}[tc.fine]; a.Payments[0].Settled.Block != want {
			t.Errorf("%s: the payment is in %s", what, a.Payments[0].Settled.Block)
		}
	}
}
