package notes

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/api"
	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/cash/office"
	"github.com/aqsha/aqsha/money"
)

// Mint is what a wallet needs of an office; *apicash.Client is one.
type Mint interface {
	Keysets(ctx context.Context) ([]cash.Keyset, []apicash.KeysetView, error)
	Swap(ctx context.Context, r office.SwapRequest) ([]cash.Signature, error)
	NewMintQuote(ctx context.Context, amount money.Tiyn, key string) (apicash.MintQuoteView, error)
	MintQuote(ctx context.Context, id string) (apicash.MintQuoteView, error)
	Mint(ctx context.Context, r office.MintRequest) ([]cash.Signature, error)
	NewMeltQuote(ctx context.Context, request string) (apicash.MeltQuoteView, error)
	MeltQuote(ctx context.Context, id string) (apicash.MeltQuoteView, error)
	Melt(ctx context.Context, r office.MeltRequest) (apicash.MeltQuoteView, error)
	Restore(ctx context.Context, outputs []cash.Output) ([]cash.Output, []cash.Signature, error)
	States(ctx context.Context, ys []string) ([]office.NoteState, error)
	// Ledger is the network id of the ledger that announces the keysets, by the mint's word; Announcement shows that
	// it does.
	Ledger(ctx context.Context) (string, error)
	Announcement(ctx context.Context, keyset string) ([]byte, error)
}

// Refresh learns the office's keysets. One that the wallet knows and the office lists no more is kept: its notes are
// money.
func (w *Wallet) Refresh(ctx context.Context) error {
	sets, views, err := w.mint.Keysets(ctx)
	if err != nil {
		return err
	}
	if err := w.believe(ctx, sets); err != nil {
		return err
	}
	for i := range w.state.Sets {
		w.state.Sets[i].Active = false
	}
	for i, k := range sets {
		s := Set{ID: k.ID.String(), Unit: k.Unit, Until: k.Until, Expiry: k.Expiry, Active: views[i].Active,
			Announcement: views[i].Announcement}
		for j, amount := range k.Amounts {
			s.Amounts, s.Keys = append(s.Amounts, int64(amount)), append(s.Keys, cash.HexPoint(k.Keys[j]))
		}
		if at := slices.IndexFunc(w.state.Sets, func(o Set) bool { return o.ID == s.ID }); at >= 0 {
			w.state.Sets[at] = s
		} else {
			w.state.Sets = append(w.state.Sets, s)
		}
	}
	return w.save()
}

// keyset makes a stored keyset whole. Its id was held against its keys when it came.
func (s *Set) keyset() (k cash.Keyset, err error) {
	for i, text := range s.Keys {
		raw, err := hex.DecodeString(text)
		if err != nil {
			return k, err
		}
		p, err := curve.ParsePoint(raw)
		if err != nil {
			return k, err
		}
		k.Amounts, k.Keys = append(k.Amounts, money.Tiyn(s.Amounts[i])), append(k.Keys, p)
	}
	k.Unit, k.Until, k.Expiry = s.Unit, s.Until, s.Expiry
	k.ID, err = cash.ParseKeysetID(s.ID)
	return k, err
}

// Keysets are those that the wallet knows.
func (w *Wallet) Keysets() (list []cash.Keyset, err error) {
	for i := range w.state.Sets {
		k, err := w.state.Sets[i].keyset()
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	return list, nil
}

func (w *Wallet) keysetOf(id string) (cash.Keyset, error) {
	for i := range w.state.Sets {
		if w.state.Sets[i].ID == id {
			return w.state.Sets[i].keyset()
		}
	}
	return cash.Keyset{}, fmt.Errorf("keyset %s is not known", id)
}

// SignsNothingError refuses what needs new notes where an office makes none.
type SignsNothingError struct{}

func (SignsNothingError) Error() string {
	return "the office has no keyset that signs now: it makes no new notes, and pays for those that are here as they are"
}

// ErrorCode is the refusal's code.
func (SignsNothingError) ErrorCode() string { return "cash-signs-nothing" }

// ErrorField names what is at fault.
func (SignsNothingError) ErrorField() string { return "keysets" }

// KeysetsUnknownError is a wallet that has not asked its office for keysets: it can check no note.
type KeysetsUnknownError struct{ Mint string }

func (e *KeysetsUnknownError) Error() string {
	return "the wallet knows no keyset of " + e.Mint + " yet: it asks the office once before it can check notes offline"
}

// ErrorCode is the refusal's code.
func (e *KeysetsUnknownError) ErrorCode() string { return "cash-keysets-unknown" }

// ErrorField names what is at fault.
func (e *KeysetsUnknownError) ErrorField() string { return "keysets" }

// active is the keyset that signs now, the one that does so longest.
func (w *Wallet) active(ctx context.Context) (cash.Keyset, error) {
	if err := w.Refresh(ctx); err != nil {
		return cash.Keyset{}, err
	}
	best := -1
	for i, s := range w.state.Sets {
		if s.Active && (best < 0 || s.Until > w.state.Sets[best].Until) {
			best = i
		}
	}
	if best < 0 {
		return cash.Keyset{}, SignsNothingError{}
	}
	return w.state.Sets[best].keyset()
}

// begin writes an operation, with its numbers of the seed, before anything is sent.
func (w *Wallet) begin(op *Operation) error {
	op.From = w.state.Counters[op.Keyset]
	w.state.Counters[op.Keyset] += uint64(len(op.Amounts) - len(op.Locked))
	w.take(op.Inputs)
	w.state.Begun = append(w.state.Begun, op)
	return w.save()
}

// end books what an operation brought.
func (w *Wallet) end(op *Operation, kept []cash.Proof, given []cash.Proof) error {
	w.state.Begun = slices.DeleteFunc(w.state.Begun, func(o *Operation) bool { return o == op })
	for _, n := range kept {
		w.state.Notes = append(w.state.Notes, Held{n, op.Foreign && slices.ContainsFunc(op.Inputs,
			func(in cash.Proof) bool { return in.Secret == n.Secret })})
	}
	if len(given) > 0 {
		w.state.Sent = append(w.state.Sent, Sent{coin.Total(given), w.now(), given})
	}
	return w.save()
}

// blanks are an operation's outputs, in the order in which they are sent. Those to be given away have secrets of their
// own where they are locked, all others follow from the seed.
func (w *Wallet) blanks(op *Operation) ([]coin.Blank, error) {
	seed, err := coin.Seed(w.state.Words)
	if err != nil {
		return nil, err
	}
	id, err := cash.ParseKeysetID(op.Keyset)
	if err != nil {
		return nil, err
	}
	locked := func(i int) bool { return len(op.Locked) > 0 && slices.Contains(op.Give, i) }
	var own []money.Tiyn
	for i, amount := range op.Amounts {
		if !locked(i) {
			own = append(own, amount)
		}
	}
	ours, err := coin.Blanks(seed, id, op.From, own)
	if err != nil {
		return nil, err
	}
	var list []coin.Blank
	for i, amount := range op.Amounts {
		if !locked(i) {
			list, ours = append(list, ours[0]), ours[1:]
			continue
		}
		at := len(list) - (len(own) - len(ours)) // of the locked ones
		raw, err := hex.DecodeString(op.Blinds[at])
		if err != nil {
			return nil, err
		}
		r, err := curve.ParseScalar(raw)
		if err != nil {
			return nil, err
		}
		list = append(list, coin.NewBlank(id, amount, op.Locked[at], r))
	}
	return list, nil
}

// run sends an operation and books its answer. A refusal ends it and gives its notes back; no answer leaves it begun.
func (w *Wallet) run(ctx context.Context, op *Operation) (given []cash.Proof, err error) {
	blanks, err := w.blanks(op)
	if err != nil {
		return nil, err
	}
	outputs := coin.Outputs(blanks)
	var answer []cash.Signature
	switch op.Kind {
	case minting:
		answer, err = w.mint.Mint(ctx, office.MintRequest{Quote: op.Quote, Outputs: outputs})
	case swapping:
		answer, err = w.mint.Swap(ctx, office.SwapRequest{Inputs: coin.Strip(op.Inputs), Outputs: outputs})
	case melting:
		var v apicash.MeltQuoteView
		v, err = w.mint.Melt(ctx, office.MeltRequest{Quote: op.Quote, Inputs: coin.Strip(op.Inputs), Outputs: outputs})
		if err == nil && v.State != cash.Paid {
			return nil, &api.UnansweredError{Cause: onItsWay(v.Reason)}
		}
		answer = v.Change
	}
	var refused *cash.Refusal
	if errors.As(err, &refused) {
		return w.refused(ctx, op, blanks, refused)
	}
	if err != nil {
		return nil, err
	}
	return w.book(op, blanks, answer, nil)
}

// onItsWay says of a melt that it has not ended, and why if the ledger said.
func onItsWay(reason string) error {
	if reason == "" {
		return errors.New("the payment is on its way: 'aqsha cash settle' says what became of it")
	}
	return fmt.Errorf("the ledger refuses the payment now (%s); until its time is over it may still be made, then "+
		"the notes are yours again: 'aqsha cash settle' says what became of it", reason)
}

// start begins an operation and sends it. What could not be sent at all is not begun: nobody was asked, and the notes
// are there.
func (w *Wallet) start(ctx context.Context, op *Operation) ([]cash.Proof, error) {
	if err := w.begin(op); err != nil {
		return nil, err
	}
	given, err := w.run(ctx, op)
	var unanswered *api.UnansweredError
	var refused *cash.Refusal
	if !api.NotReached(err) || errors.As(err, &unanswered) || errors.As(err, &refused) {
		return given, err
	}
	kept := op.Inputs
	if op.Foreign && !op.Ours { // a token that somebody gave: it is taken when there is an office
		kept = nil
	}
	return nil, errors.Join(err, w.end(op, kept, nil))
}

// restored asks which of some blanks were signed, and returns these with their signatures (NUT-09). An output that was
// not asked for, or comes twice, is no answer: it would push every signature behind it to another blank, and a mint
// that went on with such outputs would keep whoever restores asking for ever.
func (w *Wallet) restored(ctx context.Context, blanks []coin.Blank) (list []coin.Blank, _ []cash.Signature, _ error) {
	outputs, signatures, err := w.mint.Restore(ctx, coin.Outputs(blanks))
	if err != nil {
		return nil, nil, err
	}
	if len(outputs) != len(signatures) {
		return nil, nil, fmt.Errorf("the office restored %d outputs with %d signatures", len(outputs), len(signatures))
	}
	for _, o := range outputs {
		same := func(b coin.Blank) bool { return b.Output.B == o.B }
		at := slices.IndexFunc(blanks, same)
		if at < 0 || slices.ContainsFunc(list, same) {
			return nil, nil, fmt.Errorf("the office restored output %.70q, which was not asked for or comes twice", o.B)
		}
		list = append(list, blanks[at])
	}
	return list, signatures, nil
}

func ys(notes []cash.Proof) []string {
	list := make([]string, len(notes))
	for i, n := range notes {
		list[i] = cash.HexPoint(curve.HashToCurve([]byte(n.Secret)))
	}
	return list
}

// book opens signatures, each with its proof, and ends the operation. blanks are in the signatures' order; there may
// be more. spent are secrets of notes that are the wallet's no more, though they were signed for it; it may be nil.
func (w *Wallet) book(op *Operation, blanks []coin.Blank, answer []cash.Signature,
	spent map[string]bool) ([]cash.Proof, error) {
	set, err := w.keysetOf(op.Keyset)
	if err != nil {
		return nil, err
	}
	all, err := w.blanks(op)
	if err != nil {
		return nil, err
	}
	// All of the operation's outputs, not of those found: an office that restores a part of them would else end the
	// operation with that part, and the rest of the money would be nowhere.
	if len(answer) > len(blanks) || op.Kind != melting && len(answer) != len(all) {
		return nil, fmt.Errorf("the office answered %d outputs with %d signatures", len(all), len(answer))
	}
	var kept, given []cash.Proof
	for i, s := range answer {
		if s.Amount == 0 { // of a mint that does not leave out what gets no change
			continue
		}
		n, err := coin.Open(&set, blanks[i], s)
		if err != nil {
			return nil, err // the operation stays begun, with all that proves it
		}
		// The change of a melt is the office's to split.
		if op.Kind != melting && n.Amount != blanks[i].Output.Amount {
			return nil, fmt.Errorf("the office signed an output of %d as %d", blanks[i].Output.Amount, n.Amount)
		}
		if spent[n.Secret] {
			continue
		}
		at := slices.IndexFunc(all, func(b coin.Blank) bool { return b.Secret == n.Secret })
		if slices.Contains(op.Give, at) {
			given = append(given, n)
		} else {
			kept = append(kept, n)
		}
	}
	return given, w.end(op, kept, given)
}
