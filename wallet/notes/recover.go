package notes

import (
	"context"
	"errors"
	"slices"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/money"
)

// Recovered is what became of operations of an earlier run.
type Recovered struct {
	Left int // are still on their way
	// Notices say why operations have not ended, or that the office refused them and their notes are the wallet's
	// again.
	Notices []error
}

// Recover ends what an earlier run has begun, without being asked: each operation is sent again as it was. What the
// office refuses is given back, and what waits goes on waiting: neither is an error of this run, which may be about
// something else.
func (w *Wallet) Recover(ctx context.Context) (r Recovered, err error) {
	for _, op := range slices.Clone(w.state.Begun) {
		if op.Kind == minting && op.Expiry+graceSeconds < w.now() && !op.Paid {
			if err := w.end(op, nil, nil); err != nil { // nobody paid it
				return r, err
			}
			continue
		}
		_, err := w.run(ctx, op)
		var refused *cash.Refusal
		var unanswered *api.UnansweredError
		switch {
		case errors.As(err, &unanswered):
			r.Notices = append(r.Notices, unanswered.Cause)
		case errors.As(err, &refused):
			if op.Kind == minting && refused.Code == cash.QuoteUnpaid {
				w.Poke(ctx, op) // whoever asks again finds that the office has looked
			}
			if op.Kind != minting || op.Paid {
				r.Notices = append(r.Notices, refused)
			}
		case err != nil:
			r.Left = len(w.state.Begun)
			return r, err
		}
	}
	r.Left = len(w.state.Begun)
	return r, nil
}

// Begun says how many operations have not ended, of which the wallet cannot say what became of them by itself: a
// withdrawal that nobody has paid is none.
func (w *Wallet) Begun() (n int) {
	for _, op := range w.state.Begun {
		if op.Kind != minting || op.Paid {
			n++
		}
	}
	return n
}

// graceSeconds is how long an unpaid quote is kept after its end.
const graceSeconds = 3600

// Settle changes what was received offline into notes of the wallet's own, and says what was lost: spent by whoever
// gave it.
func (w *Wallet) Settle(ctx context.Context, sign func(notes []cash.Proof) error) (settled, lost money.Tiyn,
	err error) {
	var open []cash.Proof
	for _, n := range w.state.Notes {
		if n.Unsettled {
			open = append(open, n.Proof)
		}
	}
	if len(open) == 0 {
		return 0, 0, nil
	}
	states, err := w.mint.States(ctx, ys(open))
	if err != nil {
		return 0, 0, err
	}
	var good, gone []cash.Proof
	for i, s := range states {
		switch s.State {
		case cash.StateUnspent:
			good = append(good, open[i])
		case cash.StateSpent:
			gone = append(gone, open[i])
		}
	}
	// Saved before the good ones are changed: if that fails or the wallet crashes, what was lost stays lost and the
	// rest is still here.
	w.take(gone)
	if err := w.save(); err != nil || len(good) == 0 {
		return 0, coin.Total(gone), err
	}
	if sign != nil {
		if err := sign(good); err != nil {
			return 0, coin.Total(gone), err
		}
	}
	return coin.Total(good), coin.Total(gone), w.renew(ctx, good)
}

// Reclaim takes back tokens that nobody has taken.
func (w *Wallet) Reclaim(ctx context.Context) (back money.Tiyn, err error) {
	for _, s := range slices.Clone(w.state.Sent) {
		states, err := w.mint.States(ctx, ys(s.Notes))
		if err != nil {
			return back, err
		}
		var open []cash.Proof
		for i, state := range states {
			if c, _ := cash.ParseCondition(s.Notes[i].Secret); state.State == cash.StateUnspent && c == nil {
				open = append(open, s.Notes[i])
			}
		}
		if len(open) > 0 {
			if err := w.renew(ctx, open); err != nil {
				return back, err
			}
			back += coin.Total(open)
		}
		w.state.Sent = slices.DeleteFunc(w.state.Sent, func(o Sent) bool {
			return o.At == s.At && len(o.Notes) > 0 && o.Notes[0].Secret == s.Notes[0].Secret
		})
		if err := w.save(); err != nil {
			return back, err
		}
	}
	return back, nil
}

// Recheck holds the wallet against the office: notes that were spent elsewhere leave it, and those that the words bring
// back and nobody has spent come in. Both happen where another wallet has the same words.
func (w *Wallet) Recheck(ctx context.Context) (found, gone money.Tiyn, err error) {
	var spent []cash.Proof
	for batch := range slices.Chunk(w.notes(), restoreBatch) {
		states, err := w.mint.States(ctx, ys(batch))
		if err != nil {
			return 0, 0, err
		}
		for i, s := range states {
			if s.State == cash.StateSpent {
				spent = append(spent, batch[i])
			}
		}
	}
	w.take(spent)
	if err := w.save(); err != nil {
		return 0, 0, err
	}
	found, err = w.Restore(ctx)
	return found, coin.Total(spent), err
}

// restoreBatch and restoreEmpty are NUT-13's: outputs at once, and empty batches in a row after which nothing more is
// expected.
const (
	restoreBatch = 100
	restoreEmpty = 3
)

// Restore brings back from the words what the office signed and nobody has spent, in every keyset that it lists.
func (w *Wallet) Restore(ctx context.Context) (money.Tiyn, error) {
	if err := w.Refresh(ctx); err != nil {
		return 0, err
	}
	seed, err := coin.Seed(w.state.Words)
	if err != nil {
		return 0, err
	}
	var back money.Tiyn
	sets, err := w.Keysets()
	if err != nil {
		return 0, err
	}
	for i := range sets {
		found, err := w.restoreSet(ctx, seed, &sets[i])
		if err != nil {
			return back, err
		}
		back += found
	}
	return back, nil
}

func (w *Wallet) restoreSet(ctx context.Context, seed []byte, set *cash.Keyset) (back money.Tiyn, err error) {
	id := set.ID.String()
	for from, empty := uint64(0), 0; empty < restoreEmpty; from += restoreBatch {
		blanks, err := coin.Blanks(seed, set.ID, from, make([]money.Tiyn, restoreBatch))
		if err != nil {
			return back, err
		}
		found, signatures, err := w.restored(ctx, blanks)
		if err != nil {
			return back, err
		}
		// NUT-13: gaps are where operations failed; three empty batches in a row are the end.
		if empty++; len(found) == 0 {
			continue
		}
		empty = 0
		var notes []cash.Proof
		for i, b := range found {
			n, err := coin.Open(set, b, signatures[i])
			if err != nil {
				return back, err
			}
			notes = append(notes, n)
			at := slices.IndexFunc(blanks, func(o coin.Blank) bool { return o.Secret == b.Secret })
			// Beyond what was found: an output made anew of a number that was used would be refused as signed already.
			w.state.Counters[id] = max(w.state.Counters[id], from+uint64(at)+1)
		}
		states, err := w.mint.States(ctx, ys(notes))
		if err != nil {
			return back, err
		}
		for i, s := range states {
			here := slices.ContainsFunc(w.state.Notes, func(h Held) bool { return h.Secret == notes[i].Secret })
			if s.State == cash.StateUnspent && !here && !w.inHand(notes[i].Secret) {
				w.state.Notes = append(w.state.Notes, Held{Proof: notes[i]})
				back += money.Tiyn(notes[i].Amount)
			}
		}
		if err := w.save(); err != nil {
			return back, err
		}
	}
	return back, nil
}

// inHand says whether a note is in an operation, or was given away by this wallet.
func (w *Wallet) inHand(secret string) bool {
	has := func(n cash.Proof) bool { return n.Secret == secret }
	return slices.ContainsFunc(w.state.Begun, func(op *Operation) bool {
		return slices.ContainsFunc(op.Inputs, has)
	}) ||
		slices.ContainsFunc(w.state.Sent, func(s Sent) bool { return slices.ContainsFunc(s.Notes, has) })
}

// Check says which of a token's notes are genuine, by the keysets known, and their states.
func (w *Wallet) Check(ctx context.Context, t *coin.Token) (states []string, genuine []error, err error) {
	if err := w.refreshed(ctx, t); err != nil {
		return nil, nil, err
	}
	answer, err := w.mint.States(ctx, ys(t.Proofs))
	if err != nil {
		return nil, nil, err
	}
	for i, n := range t.Proofs {
		set, err := w.keysetOf(n.ID)
		if err != nil {
			return nil, nil, err
		}
		states, genuine = append(states, string(answer[i].State)), append(genuine, coin.Genuine(&set, n))
	}
	return states, genuine, nil
}

// CheckOuter says of a printed note's outside that such a note was issued, by the keysets that the ledger announces,
// and what the office has it as.
func (w *Wallet) CheckOuter(ctx context.Context, o *coin.Outer) (state string, err error) {
	if err := w.Refresh(ctx); err != nil {
		return "", err
	}
	set, err := w.keysetOf(o.Keyset)
	if err != nil {
		return "", err
	}
	if err := o.Check(&set); err != nil {
		return "", err
	}
	answer, err := w.mint.States(ctx, []string{cash.HexPoint(o.Y)})
	if err != nil {
		return "", err
	}
	return string(answer[0].State), nil
}
