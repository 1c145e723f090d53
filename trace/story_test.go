package trace_test

import (
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/trace"
)

// Every kind of transaction and of system entry is followed: what the graph holds for live is what the ledger does.
func TestAllKindsAreFollowed(t *testing.T) {
	state := ledger.NewModel()
	chain, _ := sim.NewWorld(44).Story(state)
	g, number := trace.New(), uint64(0)
	for data, err := range chain.Entries(0, chain.Size) {
		if err != nil {
			t.Fatal(err)
		}
		e, err := ledger.DecodeEntry(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Add(number, &e); err != nil {
			t.Fatal(err)
		}
		number++
	}
	var total money.Tiyn
	live := 0
	for _, k := range g.Tokens {
		held, ok := state.Token(k.ID)
		if ok != (k.Spent < 0) {
			t.Errorf("token %s of %s, made by event %d: the graph has it spent by %d, live on the ledger: %v", k.ID,
				k.Wallet, k.Made, k.Spent, ok)
		}
		if !ok {
			continue
		}
		if held.Wallet != k.Wallet || held.Amount != k.Amount || held.Asset.Purpose != k.Purpose {
			t.Errorf("token %s is %+v on the ledger, %+v in the graph", k.ID, held, k)
		}
		total += k.Amount
		live++
	}
	if total != state.LiveTotal() || live == 0 {
		t.Errorf("%d live tokens of %s, on the ledger %s", live, total.Format(), state.LiveTotal().Format())
	}
	// The fund stands in between: what is set aside goes to it, what is settled comes from it.
	var in, out money.Tiyn
	for _, f := range g.Contract(ledger.PurseFund, trace.Options{}).Flows {
		switch ledger.PurseFund {
		case f.To:
			in += f.Amount
		case f.From:
			out += f.Amount
		}
	}
	book := state.PurseBook()
	if in != book.SetAside || out != book.Paid+book.Returned || in == 0 || out == 0 {
		t.Errorf("%s into the fund and %s out of it, of %s, and %s and %s", in.Format(), out.Format(),
			book.SetAside.Format(), book.Paid.Format(), book.Returned.Format())
	}
}
