package office

import (
	"bytes"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/cash/record"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/money"
)

func opened(t *testing.T) *world {
	t.Helper()
	_, files := simulated(1)
	w := newWorld(t, files)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.office.Close() })
	return w
}

func codeOf(err error) cash.Code {
	var refused *cash.Refusal
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}

func payRequest(amount money.Tiyn) string {
	p := cash.PayRequest{Amount: amount, Memo: "order 17 & more"}
	p.Wallet[0] = 0xbb
	return p.String()
}

// One life of notes: bought, changed, spent with change, asked for; repeats after a restart get the same answers; a
// stranger recounts the log.
func TestALifeOfNotes(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 1234)
	if err != nil {
		t.Fatal(err)
	}
	blanks := w.blanks(cash.Split(1234, w.amount, 100)...)
	swap := SwapRequest{coin.Strip(notes), coin.Outputs(blanks)}
	first, err := w.office.Swap(ctx, keyOf(swap), swap)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.office.Swap(ctx, keyOf(swap), swap)
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Fatalf("%v: another answer to the same request", err)
	}
	if _, err := w.office.Swap(ctx, keyOf("other"), swap); codeOf(err) != cash.Spent {
		t.Fatal(err)
	}
	changed := w.notes(blanks, first)
	quote, err := w.office.NewMeltQuote(ctx, payRequest(1000))
	if err != nil {
		t.Fatal(err)
	}
	blank := w.blanks(make([]money.Tiyn, 8)...)
	melt := MeltRequest{Quote: quote.ID, Inputs: coin.Strip(changed), Outputs: coin.Outputs(blank)}
	w.ledger.lose = 1 // the ledger executes it, and its answer is lost
	done, err := w.office.Melt(ctx, keyOf(melt), melt)
	if err != nil || done.Quote.State != cash.Paid || done.Quote.Memo != "order 17 & more" {
		t.Fatalf("%+v %v", done.Quote, err)
	}
	rest := w.notes(blank, done.Change)
	if coin.Total(rest) != 234 || len(w.ledger.executed) != 1 {
		t.Fatalf("change %d, payments %v", coin.Total(rest), w.ledger.executed)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.office.Close()
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	if again, err = w.office.Swap(ctx, keyOf(swap), swap); err != nil || !reflect.DeepEqual(first, again) {
		t.Fatalf("%v: another answer after a restart", err)
	}
	if late, err := w.office.Melt(ctx, keyOf(melt), melt); err != nil || !reflect.DeepEqual(done.Change,
		late.Change) || len(w.ledger.executed) != 1 {
		t.Fatalf("%+v %v", late, err)
	}
	found, signatures, err := w.office.Restore(ctx, append(coin.Outputs(blanks), w.blanks(5)[0].Output))
	if err != nil || len(found) != len(blanks) || !reflect.DeepEqual(signatures, first) {
		t.Fatalf("restored %d of %d: %v", len(found), len(blanks), err)
	}
	var ys []string
	for _, n := range []cash.Proof{changed[0], rest[0]} {
		ys = append(ys, cash.HexPoint(curve.HashToCurve([]byte(n.Secret))))
	}
	states, err := w.office.States(ctx, ys)
	if err != nil || states[0].State != cash.StateSpent || states[1].State != cash.StateUnspent {
		t.Fatalf("%+v %v", states, err)
	}
	checker := w.verify()
	if checker.Outstanding() != 234 || checker.Blocks != 1 {
		t.Fatal(checker.Outstanding(), checker.Blocks)
	}
}

// What is refused where it costs money: the facts' table of what went wrong elsewhere, as far as it is the office's
// part.
func TestMeltsThatRace(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	w.ledger.refuse = true // nothing gets in: the payment stays on its way
	one, _ := w.office.NewMeltQuote(ctx, payRequest(1000))
	two, _ := w.office.NewMeltQuote(ctx, payRequest(1000))
	first := MeltRequest{Quote: one.ID, Inputs: coin.Strip(notes), Async: true}
	if done, err := w.office.Melt(ctx, keyOf(1), first); err != nil || done.Quote.State != cash.OnWay {
		t.Fatalf("%+v %v", done, err)
	}
	second := MeltRequest{Quote: two.ID, Inputs: coin.Strip(notes), Async: true}
	if _, err := w.office.Melt(ctx, keyOf(2), second); codeOf(err) != cash.Pending {
		t.Fatal(err)
	}
	if m, _ := w.office.MeltQuote(two.ID); m.State != cash.Unpaid {
		t.Fatalf("the loser is %s", m.State)
	}
	if _, err := w.office.Melt(ctx, keyOf(3), MeltRequest{Quote: one.ID,
		Inputs: coin.Strip(notes)}); codeOf(err) != cash.QuotePending {
		t.Fatal(err)
	}
	blanks := w.blanks(1000)
	if _, err := w.office.Swap(ctx, keyOf(4), SwapRequest{coin.Strip(notes),
		coin.Outputs(blanks)}); codeOf(err) != cash.Pending {
		t.Fatal(err)
	}
	for range 3 { // polls and settlements change nothing while the ledger may still have it
		if err := w.office.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		if m, _ := w.office.MeltQuote(one.ID); m.State != cash.OnWay {
			t.Fatal(m.State)
		}
	}
	w.office.Close() // a restart keeps it pending
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.office.Swap(ctx, keyOf(5), SwapRequest{coin.Strip(notes),
		coin.Outputs(blanks)}); codeOf(err) != cash.Pending {
		t.Fatal(err)
	}
	w.ledger.millis += 60_001 // now it can never come in
	if err := w.office.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if m, _ := w.office.MeltQuote(one.ID); m.State != cash.Unpaid {
		t.Fatal(m.State)
	}
	w.ledger.refuse = false
	if done, err := w.office.Melt(ctx, keyOf(2), second); err != nil || done.Quote.State == cash.Unpaid {
		t.Fatalf("%+v %v", done, err)
	}
	if err := w.office.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if m, _ := w.office.MeltQuote(two.ID); m.State != cash.Paid || len(w.ledger.executed) != 1 {
		t.Fatal(m.State, w.ledger.executed)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.verify()
}

// The change of a melt waits with it: its outputs can be used for nothing else, and are free again when it lapses.
func TestChangeWaitsWithItsMelt(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	more, err := w.buy(ctx, 500)
	if err != nil {
		t.Fatal(err)
	}
	quote, _ := w.office.NewMeltQuote(ctx, payRequest(500))
	blank := w.blanks(500)
	few := MeltRequest{Quote: quote.ID, Inputs: coin.Strip(notes)}
	if _, err := w.office.Melt(ctx, keyOf(1), few); codeOf(err) != cash.Unbalanced {
		t.Fatal(err) // nobody's change is kept
	}
	w.ledger.refuse = true
	melt := MeltRequest{Quote: quote.ID, Inputs: coin.Strip(notes), Outputs: coin.Outputs(blank), Async: true}
	if _, err := w.office.Melt(ctx, keyOf(2), melt); err != nil {
		t.Fatal(err)
	}
	swap := SwapRequest{coin.Strip(more), coin.Outputs(blank)}
	if _, err := w.office.Swap(ctx, keyOf(3), swap); codeOf(err) != cash.OutputPending {
		t.Fatal(err)
	}
	if found, _, err := w.office.Restore(ctx, coin.Outputs(blank)); err != nil || len(found) != 0 {
		t.Fatal(found, err) // not signed before it is paid
	}
	w.ledger.millis += 60_001
	if err := w.office.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := w.office.Swap(ctx, keyOf(3), swap); err != nil {
		t.Fatal(err)
	}
	if _, err := w.office.Melt(ctx, keyOf(2), melt); codeOf(err) != cash.PaymentFailed {
		t.Fatal(err) // the same request: it was begun, and has lapsed
	}
	if _, err := w.office.Melt(ctx, keyOf("anew"), melt); codeOf(err) != cash.OutputSigned {
		t.Fatal(err)
	}
}

// What the ledger does not take now is refused before notes are held for it, with what it is that bounds it; what it
// refuses when it is sent says so while it waits and when it has lapsed; and the same request holds the notes no
// second time.
func TestAPaymentThatTheLedgerRefuses(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	quote, err := w.office.NewMeltQuote(ctx, payRequest(1000))
	if err != nil {
		t.Fatal(err)
	}
	melt := MeltRequest{Quote: quote.ID, Inputs: coin.Strip(notes), Async: true}
	says := func(err error, words string) {
		t.Helper()
		if codeOf(err) != cash.PaymentFailed || !strings.Contains(err.Error(), words) {
			t.Fatalf("%v, not of %q", err, words)
		}
		states, err := w.office.States(ctx, ysOf(coin.Strip(notes)))
		if err != nil || states[0].State != cash.StateUnspent {
			t.Fatal("the notes are not free", states, err)
		}
	}
	w.ledger.capped = true
	_, err = w.office.NewMeltQuote(ctx, payRequest(5))
	says(err, "its key has paid all of today")
	_, err = w.office.Melt(ctx, keyOf(1), melt)
	says(err, "its key has paid all of today")
	w.ledger.capped, w.ledger.refuse, w.ledger.refusal = false, true, fault.Refuse("limit-balance", "outputs",
		"the payee may not hold more")
	if _, err := w.office.Melt(ctx, keyOf(2), melt); err != nil {
		t.Fatal(err)
	}
	if err := w.office.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if done, err := w.office.Melt(ctx, keyOf(2), melt); err != nil || done.Quote.State != cash.OnWay ||
		!strings.Contains(done.Reason, "may not hold more") {
		t.Fatalf("%+v %v", done, err)
	}
	w.ledger.millis += 60_001
	if err := w.office.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err = w.office.Melt(ctx, keyOf(2), melt)
		says(err, "may not hold more")
	}
	w.ledger.refuse = false
	if done, err := w.office.Melt(ctx, keyOf(3), melt); err != nil || w.office.Reason(quote.ID) != "" &&
		done.Quote.State == cash.Paid {
		t.Fatalf("%+v %v", done, err)
	}
	if err := w.office.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if m, _ := w.office.MeltQuote(quote.ID); m.State != cash.Paid || w.office.Reason(quote.ID) != "" {
		t.Fatal(m.State, w.office.Reason(quote.ID))
	}
}

// Money that no quote wants goes back: surplus, a second payment, one without a reference, parts that stayed too few.
func TestMoneyThatGoesBack(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	quote, err := w.office.NewMintQuote(ctx, 1000, "")
	if err != nil {
		t.Fatal(err)
	}
	part, err := w.office.NewMintQuote(ctx, 1000, "")
	if err != nil {
		t.Fatal(err)
	}
	if request, err := w.office.RequestOf(&quote); err != nil || bytes.Contains([]byte(request), []byte(quote.ID)) {
		t.Fatal(request, err)
	}
	w.ledger.pay(quote.Memo, 600)
	w.ledger.pay(quote.Memo, 700) // 300 too much
	w.ledger.pay(quote.Memo, 50)  // twice
	w.ledger.pay("", 40)
	w.ledger.pay(part.Memo, 999)
	for range 2 {
		if err := w.office.Settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if m, _ := w.office.MintQuote(quote.ID); m.State() != cash.Paid {
		t.Fatal(m)
	}
	blanks := w.blanks(1000)
	if _, err := w.office.Mint(ctx, keyOf(1), MintRequest{Quote: part.ID,
		Outputs: coin.Outputs(blanks)}); codeOf(err) != cash.QuoteUnpaid {
		t.Fatal(err)
	}
	if w.ledger.paid["payer"] != 390 {
		t.Fatal(w.ledger.paid)
	}
	w.clock = w.clock.Add(2 * time.Hour)
	for range 2 {
		if err := w.office.Settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if w.ledger.paid["payer"] != 390+999 {
		t.Fatal(w.ledger.paid)
	}
	if _, err := w.office.Mint(ctx, keyOf(2), MintRequest{Quote: quote.ID, Outputs: coin.Outputs(blanks)}); err != nil {
		t.Fatal(err) // paid in time: the notes can be taken later
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	if c := w.verify(); c.Outstanding() != 1000 || c.Last.Reserve.Waiting != 0 {
		t.Fatalf("%+v", c.Last.Reserve)
	}
}

// Many spend the same notes at once, in swaps and melts: one of them has them.
func TestNotesAreSpentOnce(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	for round := range 6 {
		notes, err := w.buy(ctx, 10)
		if err != nil {
			t.Fatal(err)
		}
		quote, err := w.office.NewMeltQuote(ctx, payRequest(10))
		if err != nil {
			t.Fatal(err)
		}
		var outs [][]coin.Blank
		for range 4 {
			outs = append(outs, w.blanks(10))
		}
		var mu sync.Mutex
		won := 0
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				var err error
				if i == 4 {
					r := MeltRequest{Quote: quote.ID, Inputs: coin.Strip(notes)}
					_, err = w.office.Melt(ctx, keyOf([]any{round, i}), r)
				} else {
					r := SwapRequest{coin.Strip(notes), coin.Outputs(outs[i])}
					_, err = w.office.Swap(ctx, keyOf([]any{round, i}), r)
				}
				mu.Lock()
				defer mu.Unlock()
				if code := codeOf(err); err == nil {
					won++
				} else if code != cash.Spent && code != cash.Pending {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		all.Wait()
		if won != 1 {
			t.Fatalf("%d have the notes", won)
		}
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.verify()
}

// Two runs in which two people exchange which of them spends which note give the same public log, byte for byte.
func TestTheLogDoesNotSayWho(t *testing.T) {
	run := func(exchange bool) [][]byte {
		w := opened(t)
		ctx := t.Context()
		notes, err := w.buy(ctx, 40)
		if err != nil || len(notes) != 2 {
			t.Fatal(err, len(notes))
		}
		ana, bek := w.blanks(20), w.blanks(20)
		if exchange {
			notes[0], notes[1] = notes[1], notes[0]
		}
		for i, outs := range [][]coin.Blank{ana, bek} {
			r := SwapRequest{coin.Strip(notes[i : i+1]), coin.Outputs(outs)}
			if _, err := w.office.Swap(ctx, keyOf(i), r); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.office.CloseBlock(ctx); err != nil {
			t.Fatal(err)
		}
		_, entries := checkLog(t, w.office)
		return entries
	}
	if one, two := run(false), run(true); len(one) < 3 || !reflect.DeepEqual(one, two) {
		t.Fatal("the logs differ")
	}
}

// What a stranger must find in a log that lies.
func TestALogThatLies(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 30)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	blanks := w.blanks(10, 20)
	r := SwapRequest{coin.Strip(notes), coin.Outputs(blanks)}
	if _, err := w.office.Swap(ctx, keyOf(1), r); err != nil {
		t.Fatal(err)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	_, entries := checkLog(t, w.office)
	blocks := func() (list []*record.Block) {
		var reader record.Reader
		for _, e := range entries {
			b, err := reader.Add(e)
			if err != nil {
				t.Fatal(err)
			}
			if b != nil {
				list = append(list, b)
			}
		}
		return list
	}
	other, err := NewKey([32]byte{7}, w.amount, 0, 1<<40, 1<<41)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Signing()
	if err != nil {
		t.Fatal(err)
	}
	for name, lie := range map[string]func(b []*record.Block){
		"a count":         func(b []*record.Block) { b[1].Header.Lists[0].Issued.Total++ },
		"a pair left out": func(b []*record.Block) { b[1].Redeemed[0] = nil; b[1].Header.Lists[0].Redeemed.Count = 0 },
		"a pair changed":  func(b []*record.Block) { b[1].Redeemed[0][0] = b[1].Issued[0][0] },
		"redeemed twice": func(b []*record.Block) {
			b[1].Redeemed[0] = append(b[1].Redeemed[0],
				b[1].Redeemed[0]...)
		},
		"the reserve": func(b []*record.Block) { b[1].Header.Reserve.PaidIn += 5 },
		"what circulates": func(b []*record.Block) {
			b[1].Header.Reserve.Issued += 5
			b[1].Header.Reserve.PaidIn += 5
		},
		"a proof": func(b []*record.Block) { b[1].Header.Lists[0].Issued.Proof[3] ^= 1 },
		"a proof of before": func(b []*record.Block) {
			b[1].Header.Lists[0].Issued.Proof = b[0].Header.Lists[0].Issued.Proof
		},
		"the number":      func(b []*record.Block) { b[1].Header.Number = 2 },
		"another network": func(b []*record.Block) { b[1].Header.Network = []byte("other") },
		"an earlier time": func(b []*record.Block) { b[1].Header.Time-- },
		"a keyset's key": func(b []*record.Block) {
			b[0].Header.Keysets[0].Keys[0] = b[0].Header.Keysets[0].Keys[1]
		},
		"another reserve": func(b []*record.Block) { b[1].Header.Wallet = "other" },
		"a keyset twice":  func(b []*record.Block) { b[1].Header.Keysets = b[0].Header.Keysets },
		"not announced":   func(b []*record.Block) { b[1].Header.Lists[0].Keyset = 1 },
		"a denomination":  func(b []*record.Block) { b[1].Header.Lists[0].Amount = 3 },
		"lists out of order": func(b []*record.Block) {
			b[1].Header.Lists[0], b[1].Header.Lists[1] = b[1].Header.Lists[1], b[1].Header.Lists[0]
		},
		"more out than came in": func(b []*record.Block) {
			b[0].Issued[0] = nil
			b[0].Header.Lists[0].Issued = record.Side{}
		},
		"signed with a key that nobody announced": func(b []*record.Block) {
			l := &b[1].Header.Lists[0]
			in, _, err := b[1].Issued[0][0].Points()
			if err != nil {
				t.Fatal(err)
			}
			index := w.set().Index(l.Amount)
			c, _, err := foreign.Signers[index].Sign(in, bytes.NewReader(make([]byte, 1000)))
			if err != nil {
				t.Fatal(err)
			}
			b[1].Issued[0][0] = record.NewPair(in.Bytes(), c.Bytes())
			proof, err := foreign.Signers[index].ProveBlock(record.Context(b[1].Header.Network, 1, w.set().ID,
				l.Amount, 'I'), []curve.Point{in}, []curve.Point{c})
			if err != nil {
				t.Fatal(err)
			}
			e, s := proof.E.Bytes(), proof.S.Bytes()
			l.Issued.Proof = append(e[:], s[:]...)
		},
	} {
		list := blocks()
		lie(list)
		checker := new(record.Checker)
		var err error
		for _, b := range list {
			if err == nil {
				err = checker.Add(b)
			}
		}
		if err == nil {
			t.Errorf("%s was believed", name)
		}
	}
	if err := (&record.Checker{Network: []byte("another network's log")}).Add(blocks()[0]); err == nil {
		t.Error("another network's log was believed")
	}
}

// The journal's files are followed by others, and forgotten after the retry window; sets and sums stay.
func TestTheJournalForgets(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var first SwapRequest
	for day := range 5 {
		blanks := w.blanks(1000)
		swap := SwapRequest{coin.Strip(notes), coin.Outputs(blanks)}
		signatures, err := w.office.Swap(ctx, keyOf(day), swap)
		if err != nil {
			t.Fatal(err)
		}
		if day == 0 {
			first = swap
		}
		notes = w.notes(blanks, signatures)
		w.clock = w.clock.Add(13 * time.Hour)
		if err := w.office.CloseBlock(ctx); err != nil {
			t.Fatal(err)
		}
		w.office.Close()
		if err := w.open(); err != nil {
			t.Fatalf("day %d: %v", day, err)
		}
		if again, err := w.office.Swap(ctx, keyOf(day), swap); err != nil || !reflect.DeepEqual(again, signatures) {
			t.Fatalf("day %d: %v", day, err)
		}
	}
	if _, err := w.office.Swap(ctx, keyOf(0), first); codeOf(err) != cash.Spent {
		t.Fatal(err) // the repeat is forgotten, the note is not
	}
	files, err := w.office.journals()
	if err != nil || len(files) > 4 || files[0].number == 0 {
		t.Fatal(files, err)
	}
	if c := w.verify(); c.Outstanding() != 1000 || c.Blocks != 5 {
		t.Fatal(c.Outstanding(), c.Blocks)
	}
}

// A keyset that is not on the ledger is neither served nor accepted.
func TestOnlyAnnouncedKeysets(t *testing.T) {
	_, files := simulated(3)
	w := newWorld(t, files)
	hidden, err := NewKey([32]byte{9}, w.amount, 0, 1<<40, 1<<41)
	if err != nil {
		t.Fatal(err)
	}
	if err := UpdateKeys(files, "office", func(list []KeyFile) ([]KeyFile, error) {
		return append(list, hidden),
			nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	defer w.office.Close()
	if len(w.office.Keysets()) != 1 {
		t.Fatal("the hidden keyset is served")
	}
	notes, err := w.buy(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	blanks, err := coin.Blanks(w.seed, hidden.ID, 0, []money.Tiyn{10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.office.Swap(t.Context(), keyOf(1), SwapRequest{coin.Strip(notes),
		coin.Outputs(blanks)}); codeOf(err) != cash.UnknownKeyset {
		t.Fatal(err)
	}
}

func FuzzLogAndJournal(f *testing.F) {
	f.Add([]byte("H\xa1\x01\x01"))
	f.Add([]byte{0xa2, 1, 1, 2, 5})
	f.Fuzz(func(t *testing.T, data []byte) {
		var r record.Reader
		if b, err := r.Add(data); err == nil && b != nil {
			_ = new(record.Checker).Add(b)
			if entries, err := b.Entries(); err != nil || !bytes.Equal(entries[0], data) {
				t.Fatal(err)
			}
		}
		books := cash.NewBooks()
		_ = readEvents(data, func(e *cash.Event) error { return books.Apply(e) })
	})
}

// An office whose journal is lost, or was put back from an old copy, does not begin: it would redeem again what its
// log shows as redeemed.
func TestALostJournalStopsTheOffice(t *testing.T) {
	w := opened(t)
	if _, err := w.buy(t.Context(), 1234); err != nil {
		t.Fatal(err)
	}
	if err := w.office.CloseBlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.office.Close()
	before, dir := w.office, w.office.config.Dir
	names, err := w.files.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, name := range names {
		if strings.HasPrefix(name, "journal-") {
			if err := w.files.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			removed++
		}
	}
	var stale *StaleJournalError
	err = w.open()
	w.office = before
	if removed == 0 || !errors.As(err, &stale) || stale.Journal >= stale.Log {
		t.Errorf("%d files removed: %v", removed, err)
	}
}

// Blocks are closed by the clock since the last one, or since the office began, however often it is restarted
// meanwhile: what was signed is booked in time.
func TestBlocksAreClosedByTheClock(t *testing.T) {
	w := opened(t)
	restarts := func() (n int) {
		for ; !w.office.blockDue(); n++ {
			if n > 9 {
				t.Fatal("an office that is restarted each 20 s closes no block")
			}
			w.later(20)
			w.office.Close()
			if err := w.open(); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	// the second and the third block begin another file of the journal
	for _, before := range []uint64{0, 13 * 3600, 13 * 3600} {
		w.later(before)
		if before > 0 && !w.office.blockDue() {
			t.Fatal("no block is due after hours")
		}
		if before > 0 {
			w.closes(1)
		}
		if n := restarts(); n != 3 {
			t.Errorf("a block is due after %d times 20 s", n)
		}
		w.closes(1)
		if w.office.blockDue() {
			t.Error("a block is due right after one")
		}
	}
}

// A keyset that is retired signs nothing more from the running office's next block on; its notes are redeemed as
// before, also after a restart. A file of keysets that cannot be read retires none.
func TestAKeysetIsRetiredWhileTheOfficeRuns(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	notes, err := w.buy(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	change := func() error {
		blanks := w.blanks(cash.Split(coin.Total(notes), w.amount, 100)...)
		r := SwapRequest{coin.Strip(notes), coin.Outputs(blanks)}
		signatures, err := w.office.Swap(ctx, keyOf(r), r)
		if err == nil {
			notes = w.notes(blanks, signatures)
		}
		return err
	}
	if err := UpdateKeys(w.files, "office", func(list []KeyFile) ([]KeyFile, error) {
		list[0].Retired = true
		return list, nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := change(); err != nil || !w.office.Signs(0) {
		t.Errorf("before the next block: %v", err)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	if err := change(); codeOf(err) != cash.InactiveKeyset || w.office.Signs(0) {
		t.Errorf("after it: %v", err)
	}
	if err := w.office.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	if err := change(); codeOf(err) != cash.InactiveKeyset || w.office.Signs(0) {
		t.Errorf("after a restart: %v", err)
	}
	quote, err := w.office.NewMeltQuote(ctx, payRequest(1000))
	if err != nil {
		t.Fatal(err)
	}
	r := MeltRequest{Quote: quote.ID, Inputs: coin.Strip(notes)}
	if done, err := w.office.Melt(ctx, keyOf(r), r); err != nil || done.Quote.State != cash.Paid {
		t.Errorf("its notes are redeemed: %+v, %v", done, err)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.verify()
}
