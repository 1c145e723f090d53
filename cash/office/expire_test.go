package office

import (
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/record"
)

// expiring is a world whose first keyset's time is over at 20,000.
func expiring(t *testing.T) *world {
	t.Helper()
	_, files := simulated(5)
	w := newWorld(t, files)
	w.ledger.keysets = nil
	if err := UpdateKeys(files, "office", func([]KeyFile) (list []KeyFile, err error) {
		for i, end := range []uint64{20_000, 1 << 41} {
			key, err := NewKey([32]byte{byte(i + 1)}, w.amount, 0, end-5_000, end)
			if err != nil {
				return nil, err
			}
			key.Announcement = "transaction"
			w.ledger.keysets = append(w.ledger.keysets, key.ID.String())
			list = append(list, key)
		}
		return list, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.office.Close() })
	return w
}

// later lets the office's time and the ledger's pass.
func (w *world) later(seconds uint64) {
	w.clock = w.clock.Add(time.Duration(seconds) * time.Second)
	w.ledger.mu.Lock()
	w.ledger.millis += seconds * 1000
	w.ledger.mu.Unlock()
}

func (w *world) closes(times int) {
	w.t.Helper()
	for range times {
		if err := w.office.CloseBlock(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		if err := w.office.Settle(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// What is left of a keyset whose time is over goes to the wallet that the policy names, once, as an event of the log;
// without such a wallet it stays in the reserve; and a melt that has notes of it in hand is waited for.
func TestWhatIsLeftOfAnExpiredKeysetIsPaidOver(t *testing.T) {
	w := expiring(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	more, err := w.buy(ctx, 200)
	if err != nil {
		t.Fatal(err)
	}
	quote, err := w.office.NewMeltQuote(ctx, payRequest(200))
	if err != nil {
		t.Fatal(err)
	}
	w.closes(1)
	w.ledger.expired = "treasury"
	w.later(9_000) // 19,000: its time is not over
	w.ledger.refuse = true
	quote, err = w.office.NewMeltQuote(ctx, payRequest(200))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.office.Melt(ctx, keyOf(1), MeltRequest{Quote: quote.ID, Inputs: coin.Strip(more),
		Async: true}); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(2_000 * time.Second) // of the office alone: the payment may still come
	w.closes(2)
	if w.office.Status().Reserve.Expired != 0 {
		t.Fatal("written off while a melt has notes of it in hand")
	}
	w.ledger.refuse = false
	w.ledger.expired = ""
	w.closes(2)
	if r := w.office.Status().Reserve; r.Expired != 0 || w.ledger.paid["treasury"] != 0 {
		t.Fatal("paid to nobody's wallet")
	}
	w.ledger.expired = "treasury"
	w.closes(3)
	s := w.office.Status()
	if w.ledger.paid["treasury"] != 1000 || s.Reserve.Expired != 1000 || s.Reserve.Waiting != 0 || s.Outstanding != 0 ||
		s.Reserve.Circulating() != 0 || s.Spent+s.Signed != 0 {
		t.Fatalf("%+v %v", s, w.ledger.paid)
	}
	swap := SwapRequest{coin.Strip(notes), coin.Outputs(w.blanks(1000))}
	if _, err := w.office.Swap(ctx, keyOf(2), swap); codeOf(err) != cash.ExpiredKeyset {
		t.Fatal(err)
	}
	w.office.Close() // a restart pays nothing again
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	w.closes(2)
	if w.ledger.paid["treasury"] != 1000 || w.office.Status().Reserve.Expired != 1000 {
		t.Fatal(w.ledger.paid)
	}
	c := w.verify()
	if c.Outstanding() != 0 || c.Last.Reserve.Expired != 1000 || c.Last.Reserve.Balance() != 0 {
		t.Fatalf("%+v", c.Last.Reserve)
	}
	lieAboutExpiry(t, w.office)
}

// lieAboutExpiry has a checker find each lie about what was written off.
func lieAboutExpiry(t *testing.T, o *Office) {
	t.Helper()
	_, entries := checkLog(t, o)
	for name, lie := range map[string]func(h *record.Header){
		"less":                 func(h *record.Header) { h.Expired[0].Amount--; h.Reserve.Expired-- },
		"more":                 func(h *record.Header) { h.Expired[0].Amount++; h.Reserve.Expired++ },
		"before its time":      func(h *record.Header) { h.Time = 19_999 },
		"another keyset":       func(h *record.Header) { h.Expired[0].Keyset = 1 },
		"no keyset":            func(h *record.Header) { h.Expired[0].Keyset = 9 },
		"twice":                func(h *record.Header) { h.Expired = append(h.Expired, h.Expired[0]) },
		"without a word":       func(h *record.Header) { h.Expired = nil },
		"in the sum alone":     func(h *record.Header) { h.Reserve.Expired += 5; h.Reserve.Waiting += 5 },
		"not in the sum alone": func(h *record.Header) { h.Reserve.Expired = 0; h.Reserve.Waiting = 0 },
	} {
		var reader record.Reader
		checker, lied := new(record.Checker), false
		var wrong error
		for _, e := range entries {
			b, err := reader.Add(e)
			if err != nil {
				t.Fatal(err)
			}
			if b == nil || wrong != nil {
				continue
			}
			if len(b.Header.Expired) > 0 {
				lie(&b.Header)
				lied = true
			}
			wrong = checker.Add(b)
		}
		if !lied || wrong == nil {
			t.Errorf("%s: lied %t, and was believed", name, lied)
		} else if !strings.Contains(wrong.Error(), "cash log") {
			t.Error(name, wrong)
		}
	}
}
