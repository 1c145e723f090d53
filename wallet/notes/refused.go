package notes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/money"
)

// SpentElsewhereError is an operation that was not executed because notes of this wallet had been spent, by another
// wallet of the same words or from a copy of its folder. What had been spent is out of the wallet, the rest is in it.
type SpentElsewhereError struct {
	Gone, Back money.Tiyn
	Refused    *cash.Refusal // of the office
}

func (e *SpentElsewhereError) Error() string {
	return fmt.Sprintf("%s (%s): notes of %s had been spent elsewhere and are this wallet's no more, "+
		"%s are here again; is there another wallet of the same words?",
		e.ErrorCode(), e.ErrorField(), e.Gone.Format(), e.Back.Format())
}

// ErrorCode is the refusal's code.
func (e *SpentElsewhereError) ErrorCode() string { return "cash-spent-elsewhere" }

// ErrorField names what is at fault.
func (e *SpentElsewhereError) ErrorField() string { return "inputs" }

// Unwrap is the office's refusal.
func (e *SpentElsewhereError) Unwrap() error { return e.Refused }

// refused ends an operation that the office does not take, and returns what of it is given away. An operation that was
// executed before, its answer lost, is booked with the signatures that are asked for. One that was not, and whose
// numbers of the seed another wallet of the same words has used, is sent again under others: an output's point follows
// from its number alone, so the signatures of that other wallet's outputs are no answer to this one's.
func (w *Wallet) refused(ctx context.Context, op *Operation, blanks []coin.Blank,
	refused *cash.Refusal) ([]cash.Proof, error) {
	switch refused.Code {
	case cash.Pending, cash.QuotePending, cash.OutputPending:
		return nil, &api.UnansweredError{Cause: refused}
	case cash.QuoteUnpaid:
		return nil, refused // it may be paid yet
	case cash.Spent, cash.OutputSigned, cash.QuoteIssued, cash.QuotePaid:
		found, signatures, err := w.restored(ctx, blanks)
		if err != nil {
			return nil, err
		}
		done, err := w.executed(ctx, op, found, signatures, refused)
		if err != nil {
			return nil, err
		}
		if done {
			return w.bookRestored(ctx, op, found, signatures, refused)
		}
		if refused.Code == cash.OutputSigned && len(found) > 0 {
			if err := w.renumber(ctx, op); err != nil {
				return nil, err
			}
			return w.run(ctx, op) // its numbers only grow, and the office has signed a finite number of outputs
		}
	}
	if op.Kind == minting {
		if err := w.end(op, nil, nil); err != nil {
			return nil, err
		}
		return nil, refused
	}
	return nil, w.cancelUnspent(ctx, op, refused)
}

// executed says whether the office has done what it refuses. Of a quote it says so itself; a swap was done if all its
// inputs are spent and what was signed for its outputs are its amounts.
func (w *Wallet) executed(ctx context.Context, op *Operation, found []coin.Blank, signatures []cash.Signature,
	refused *cash.Refusal) (bool, error) {
	switch {
	case op.Kind == minting && refused.Code == cash.QuoteIssued, op.Kind == melting && refused.Code == cash.QuotePaid:
		return true, nil
	case op.Kind == minting:
		v, err := w.mint.MintQuote(ctx, op.Quote)
		return v.State == cash.Issued, err
	case op.Kind == melting:
		v, err := w.mint.MeltQuote(ctx, op.Quote)
		return v.State == cash.Paid, err
	}
	for i, b := range found {
		if signatures[i].Amount != b.Output.Amount {
			return false, nil
		}
	}
	states, err := w.mint.States(ctx, ys(op.Inputs))
	if err != nil {
		return false, err
	}
	spent := func(s office.NoteState) bool { return s.State != cash.StateSpent }
	return len(found) > 0 && !slices.ContainsFunc(states, spent), nil
}

// bookRestored books what was signed before, without the notes that have been spent since: another wallet of the same
// words may have done the same with the same numbers, and given them away.
func (w *Wallet) bookRestored(ctx context.Context, op *Operation, found []coin.Blank, signatures []cash.Signature,
	refused *cash.Refusal) ([]cash.Proof, error) {
	if len(found) == 0 {
		return w.book(op, found, signatures, nil)
	}
	secrets := make([]cash.Proof, len(found))
	for i, b := range found {
		secrets[i].Secret = b.Secret
	}
	states, err := w.mint.States(ctx, ys(secrets))
	if err != nil {
		return nil, err
	}
	spent := map[string]bool{}
	var gone money.Tiyn
	for i, s := range states {
		if s.State == cash.StateSpent {
			spent[found[i].Secret] = true
			gone += money.Tiyn(signatures[i].Amount)
		}
	}
	given, err := w.book(op, found, signatures, spent)
	if err == nil && len(op.Give) > 0 && len(given) < len(op.Give) {
		// What was to be given is not whole: it is taken back with the tokens that nobody has taken.
		return nil, &SpentElsewhereError{gone, coin.Total(op.Inputs) - gone, refused}
	}
	return given, err
}

// renumber gives an operation that was not executed other numbers of the seed, beyond all that the office has signed.
func (w *Wallet) renumber(ctx context.Context, op *Operation) error {
	seed, err := coin.Seed(w.state.Words)
	if err != nil {
		return err
	}
	id, err := cash.ParseKeysetID(op.Keyset)
	if err != nil {
		return err
	}
	next := w.state.Counters[op.Keyset]
	for from, empty := next, 0; empty < restoreEmpty; from += restoreBatch {
		blanks, err := coin.Blanks(seed, id, from, make([]money.Tiyn, restoreBatch))
		if err != nil {
			return err
		}
		found, _, err := w.restored(ctx, blanks)
		if err != nil {
			return err
		}
		if empty++; len(found) > 0 {
			empty = 0
		}
		for _, b := range found {
			at := slices.IndexFunc(blanks, func(o coin.Blank) bool { return o.Secret == b.Secret })
			next = max(next, from+uint64(at)+1)
		}
	}
	// On the disk before it is sent, as every operation is.
	op.From = next
	w.state.Counters[op.Keyset] = next + uint64(len(op.Amounts)-len(op.Locked))
	return w.save()
}

// cancelUnspent gives back the notes of an operation that are not spent, and returns why it was not executed.
func (w *Wallet) cancelUnspent(ctx context.Context, op *Operation, refused *cash.Refusal) error {
	states, err := w.mint.States(ctx, ys(op.Inputs))
	if err != nil {
		return errors.Join(refused, err)
	}
	var kept []cash.Proof
	for i, s := range states {
		switch s.State {
		case cash.StatePending:
			return refused // not ours to say yet: the operation stays begun
		case cash.StateUnspent:
			kept = append(kept, op.Inputs[i])
		}
	}
	if err := w.end(op, kept, nil); err != nil {
		return errors.Join(refused, err)
	}
	back := coin.Total(kept)
	if gone := coin.Total(op.Inputs) - back; gone > 0 && (!op.Foreign || op.Ours) {
		return &SpentElsewhereError{gone, back, refused}
	}
	return refused
}
