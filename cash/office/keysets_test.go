package office

import (
	"errors"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
)

// announce puts another keyset into the file, as announced; onLedger says whether the ledger has it.
func (w *world) announce(secret byte, onLedger bool) cash.KeysetID {
	w.t.Helper()
	key, err := NewKey([32]byte{secret}, w.amount, 0, 1<<40, 1<<41)
	if err != nil {
		w.t.Fatal(err)
	}
	key.Announcement = "transaction"
	if onLedger {
		w.onLedger(key.ID)
	}
	if err := UpdateKeys(w.files, "office", func(list []KeyFile) ([]KeyFile, error) {
		return append(list, key), nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return key.ID
}

func (w *world) onLedger(id cash.KeysetID) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.ledger.keysets = append(w.ledger.keysets, id.String())
}

// serves fails unless these are the office's keysets, in this order.
func (w *world) serves(when string, want ...cash.KeysetID) {
	w.t.Helper()
	var got []cash.KeysetID
	for _, s := range w.office.Keysets() {
		got = append(got, s.ID)
	}
	if len(got) != len(want) {
		w.t.Fatalf("%s: %d keysets, want %d", when, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			w.t.Fatalf("%s: %v, want %v", when, got, want)
		}
	}
}

func (w *world) reopen() error {
	if err := w.office.Close(); err != nil {
		w.t.Fatal(err)
	}
	return w.open()
}

// A keyset that is announced while the office runs signs from its next block on, and is the same number after a
// restart.
func TestAKeysetIsServedWhileTheOfficeRuns(t *testing.T) {
	t.Parallel()
	w := opened(t)
	ctx := t.Context()
	first := w.set().ID
	old, err := w.buy(ctx, 1000)
	if err != nil {
		t.Fatal(err)
	}
	second := w.announce(2, true)
	w.serves("before the next block", first)
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.serves("after it", first, second)
	set := &w.office.Keysets()[1].Keyset
	blanks, err := coin.Blanks(w.seed, second, 0, cash.Split(coin.Total(old), w.amount, 100))
	if err != nil {
		t.Fatal(err)
	}
	r := SwapRequest{coin.Strip(old), coin.Outputs(blanks)}
	signatures, err := w.office.Swap(ctx, keyOf(r), r)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range signatures {
		if _, err := coin.Open(set, blanks[i], s); err != nil {
			t.Error(err)
		}
	}
	if err := w.reopen(); err != nil { // its notes are in the journal, in no block yet
		t.Fatal(err)
	}
	w.serves("after a restart", first, second)
	if tallies := w.office.books.Tallies(1); tallies[len(tallies)-1].Issued == 0 {
		t.Errorf("the notes are another keyset's: %v", tallies)
	}
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.verify()
}

// One that waits for its announcement holds up those made after it, whatever the order in which the ledger gets them:
// the numbers of keysets are those of the file.
func TestAKeysetThatWaitsHoldsUpThoseBehind(t *testing.T) {
	t.Parallel()
	w := opened(t)
	ctx := t.Context()
	first := w.set().ID
	waits := w.announce(2, false)
	third := w.announce(3, true)
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.serves("while it waits", first)
	if err := w.reopen(); err != nil {
		t.Fatalf("an office that runs cannot be started again: %v", err)
	}
	w.serves("after a restart", first)
	w.onLedger(waits)
	if err := w.office.CloseBlock(ctx); err != nil {
		t.Fatal(err)
	}
	w.serves("when it is announced", first, waits, third)
	if err := w.reopen(); err != nil {
		t.Fatal(err)
	}
	w.serves("after another restart", first, waits, third)
}

// A ledger that does not know a keyset whose notes are in the books is another one, or lost entries: no office runs on
// it.
func TestALedgerWithoutAKeysetInUseIsRefused(t *testing.T) {
	t.Parallel()
	for _, closes := range []bool{true, false} {
		w := opened(t)
		second := w.announce(2, true)
		if err := w.office.CloseBlock(t.Context()); err != nil {
			t.Fatal(err)
		}
		// its announcement is in the log, and no note of it; the journal with that block is not needed any more
		if closes {
			w.clock = w.clock.Add(7 * time.Hour)
			w.closes(1)
		} else { // a note of it is in the journal
			old, err := w.buy(t.Context(), 1000)
			if err != nil {
				t.Fatal(err)
			}
			blanks, err := coin.Blanks(w.seed, second, 0, cash.Split(coin.Total(old), w.amount, 100))
			if err != nil {
				t.Fatal(err)
			}
			r := SwapRequest{coin.Strip(old), coin.Outputs(blanks)}
			if _, err := w.office.Swap(t.Context(), keyOf(r), r); err != nil {
				t.Fatal(err)
			}
		}
		w.ledger.mu.Lock()
		all := w.ledger.keysets
		w.ledger.keysets = all[:1]
		w.ledger.mu.Unlock()
		err := w.reopen()
		if refused := new(cash.Refusal); !errors.As(err, &refused) || refused.Code != cash.UnknownKeyset {
			t.Errorf("block closed %t: %v", closes, err)
		}
		w.ledger.keysets = all
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
	}
}
