package office

import (
	"fmt"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/money"
)

// TestRedemptionsGoOnAfterAFloodOfSurpluses has somebody pay in and be paid back: of the cap of a day nine tenths stay
// for redemptions, what waits is paid on other days, and a restart forgets nothing of what was sent back.
func TestRedemptionsGoOnAfterAFloodOfSurpluses(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 900)
	if err != nil {
		t.Fatal(err)
	}
	settle := func() {
		t.Helper()
		if err := w.office.Settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	w.ledger.day = 1000
	for i := range 30 {
		w.ledger.pay(fmt.Sprint("flood ", i), 40)
	}
	w.ledger.pay("more than the share of a day", 250)
	settle()
	settle()
	if back := w.ledger.paid["payer"]; back == 0 || back > 100 {
		t.Fatalf("%d of 1000 were paid back in a day", back)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	if err := w.office.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	settle()
	if back := w.ledger.paid["payer"]; back > 100 {
		t.Fatalf("%d of 1000 were paid back in a day with a restart in it", back)
	}
	quote, err := w.office.NewMeltQuote(ctx, payRequest(900))
	if err != nil {
		t.Fatal(err)
	}
	r := MeltRequest{Quote: quote.ID, Inputs: coin.Strip(notes)}
	if done, err := w.office.Melt(ctx, keyOf(r), r); err != nil || done.Quote.State != cash.Paid {
		t.Fatalf("nine tenths are for redemptions: %+v, %v", done, err)
	}
	for range 60 {
		before := w.ledger.paid["payer"]
		w.clock = w.clock.Add(returnHours * time.Hour)
		w.ledger.millis += returnHours * uint64(time.Hour/time.Millisecond)
		settle()
		if back := w.ledger.paid["payer"] - before; back > 100 {
			t.Fatalf("%d of 1000 were paid back in a day", back)
		}
	}
	if back, all := w.ledger.paid["payer"], money.Tiyn(30*40+250); back != all || w.ledger.balance != 0 {
		t.Errorf("%d of %d came back in the end, the reserve has %d", back, all, w.ledger.balance)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.verify()
}

// A payment back that the ledger does not take in counts no more once it has lapsed, and is signed anew.
func TestWhatLapsesIsNotSentBack(t *testing.T) {
	w := opened(t)
	w.ledger.day, w.ledger.millis = 1000, uint64(w.clock.UnixMilli())
	w.ledger.pay("no quote", 100)
	w.ledger.refuse = true
	for range 3 {
		if err := w.office.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.ledger.millis += 60_001
	}
	w.ledger.refuse = false
	for range 2 {
		if err := w.office.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if back := w.ledger.paid["payer"]; back != 100 {
		t.Errorf("%d of 100 came back", back)
	}
}

// TestWhatIsSentBackIsCounted checks the hours that count, and that an expired keyset's rest never does.
func TestWhatIsSentBackIsCounted(t *testing.T) {
	var r returns
	pays := func(amount money.Tiyn) *cash.Payment { return &cash.Payment{ID: "p", Amount: amount} }
	books := cash.NewBooks()
	for _, hour := range []uint64{100, 100, 110} {
		r.count(&cash.Event{Kind: cash.BackBegun, At: hour * hourSeconds, Ref: "a", Payment: pays(5)}, books)
	}
	r.count(&cash.Event{Kind: cash.BackBegun, At: 110 * hourSeconds, Ref: "expired 01", Payment: pays(7)}, books)
	for hour, want := range map[uint64]money.Tiyn{110: 15, 125: 15, 126: 5, 136: 0} {
		if got := r.sum(hour * hourSeconds); got != want {
			t.Errorf("at hour %d: %d, want %d", hour, got, want)
		}
	}
	if len(r) != 2 {
		t.Errorf("%v", r)
	}
}
