package office

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// SwapRequest changes notes into others.
type SwapRequest struct {
	Inputs  []cash.Proof  `json:"inputs"`
	Outputs []cash.Output `json:"outputs"`
}

// MintRequest wants notes for a paid quote.
type MintRequest struct {
	Quote     string        `json:"quote"`
	Outputs   []cash.Output `json:"outputs"`
	Signature *string       `json:"signature"`
}

// BatchRequest wants notes for several paid quotes (NUT-29).
type BatchRequest struct {
	Quotes     []string      `json:"quotes"`
	Amounts    []cash.Amount `json:"quote_amounts"`
	Outputs    []cash.Output `json:"outputs"`
	Signatures []*string     `json:"signatures"`
}

// MaxBatch is how many quotes one request mints.
const MaxBatch = 100

// repeated says whether the same request was executed. It is called with the lock held.
func (o *Office) repeated(key [32]byte) bool {
	_, there := o.answers[key]
	return there
}

// again signs what was signed: nonce and signature are deterministic, so that it is the same answer.
func (o *Office) again(ctx context.Context, points []curve.Point) ([]cash.Signature, error) {
	outputs := make([]cash.Blinded, len(points))
	o.mu.Lock()
	for i, p := range points {
		out, found := o.books.SignedAs(p)
		if !found {
			o.mu.Unlock()
			return nil, fmt.Errorf("output %d of a request that was executed is not signed", i)
		}
		outputs[i] = out
	}
	o.mu.Unlock()
	signed, err := o.keysets.Load().ring.Sign(outputs, o.config.Entropy)
	if err != nil {
		return nil, err
	}
	return o.signatures(signed), o.settled(ctx)
}

// repeat answers a request that was executed.
func (o *Office) repeat(ctx context.Context, outputs []cash.Output) ([]cash.Signature, error) {
	points, refused := cash.RestorePoints(outputs)
	if refused != nil {
		return nil, refused
	}
	return o.again(ctx, points)
}

// given are the points that were signed.
func given(list []cash.Given) (points []curve.Point) {
	for i := range list {
		if p, err := curve.ParsePoint(list[i].B[:]); err == nil { // a point when it was journalled
			points = append(points, p)
		}
	}
	return points
}

// settled waits until all that is booked is durable: nobody hears of anything before.
func (o *Office) settled(ctx context.Context) error { return o.writer.wait(ctx, o.writer.last()) }

// signatures writes them as the protocol does.
func (o *Office) signatures(signed []cash.Signed) []cash.Signature {
	list, keys := make([]cash.Signature, len(signed)), o.Keysets()
	for i, s := range signed {
		e, r := s.Proof.E.Bytes(), s.Proof.S.Bytes()
		list[i] = cash.Signature{Amount: cash.Amount(s.Amount), ID: keys[s.Keyset].ID.String(),
			C:    cash.HexPoint(s.C),
			DLEQ: &cash.DLEQ{E: hex.EncodeToString(e[:]), S: hex.EncodeToString(r[:])}}
	}
	return list
}

// Swap changes notes. key is the hash of method, path and body (NUT-19).
func (o *Office) Swap(ctx context.Context, key [32]byte, r SwapRequest) ([]cash.Signature, error) {
	o.mu.Lock()
	repeat := o.repeated(key)
	o.mu.Unlock()
	if repeat {
		return o.repeat(ctx, r.Outputs)
	}
	k := o.checker()
	in, out, refused := k.Swap(r.Inputs, r.Outputs)
	if refused != nil {
		return nil, refused
	}
	o.mu.Lock()
	refused = o.books.Swappable(in, out) // spares the multiplications of what is refused anyway
	o.mu.Unlock()
	if refused == nil {
		refused = o.joined.valid(in)
	}
	if refused != nil {
		return o.refuseUnlessRepeated(ctx, key, r.Outputs, refused)
	}
	signed, err := k.Keys.Sign(out, o.config.Entropy)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	e, refused := o.books.DecideSwap(key[:], in, signed, k.Now)
	if refused != nil {
		o.mu.Unlock()
		return o.refuseUnlessRepeated(ctx, key, r.Outputs, refused)
	}
	number, err := o.commit(e)
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return o.signatures(signed), o.writer.wait(ctx, number)
}

// refuseUnlessRepeated tells a refusal, unless the same request has been executed meanwhile: two copies of it were on
// their way. What it refuses by is durable before it is told.
func (o *Office) refuseUnlessRepeated(ctx context.Context, key [32]byte, outputs []cash.Output,
	refused *cash.Refusal) ([]cash.Signature, error) {
	o.mu.Lock()
	repeat := o.repeated(key)
	o.mu.Unlock()
	if repeat {
		return o.repeat(ctx, outputs)
	}
	if err := o.settled(ctx); err != nil {
		return nil, err
	}
	return nil, refused
}

// Mint signs notes for one quote.
func (o *Office) Mint(ctx context.Context, key [32]byte, r MintRequest) ([]cash.Signature, error) {
	signature := ""
	if r.Signature != nil {
		signature = *r.Signature
	}
	return o.mint(ctx, key, []string{r.Quote}, []string{signature}, r.Outputs)
}

// MintBatch signs notes for several quotes, all or none.
func (o *Office) MintBatch(ctx context.Context, key [32]byte, r BatchRequest) ([]cash.Signature, error) {
	switch {
	case len(r.Quotes) == 0:
		return nil, &cash.Refusal{Code: cash.Malformed, Field: "quotes", Rule: "must not be empty"}
	case len(r.Quotes) > MaxBatch:
		return nil, &cash.Refusal{Code: cash.TooManyQuotes, Field: "quotes",
			Rule: fmt.Sprintf("has %d, at most %d", len(r.Quotes), MaxBatch)}
	case r.Signatures != nil && len(r.Signatures) != len(r.Quotes):
		return nil, &cash.Refusal{Code: cash.BadSignature, Field: "signatures",
			Rule: "must have one for each quote, null where it has no key"}
	case r.Amounts != nil && len(r.Amounts) != len(r.Quotes):
		return nil, &cash.Refusal{Code: cash.AmountLimits, Field: "quote_amounts", Rule: "must have one for each quote"}
	}
	signatures := make([]string, len(r.Quotes))
	for i, s := range r.Signatures {
		if s != nil {
			signatures[i] = *s
		}
	}
	for i, amount := range r.Amounts {
		if m, found := o.MintQuote(r.Quotes[i]); found && m.Amount != money.Tiyn(amount) {
			return nil, &cash.Refusal{Code: cash.Unbalanced, Field: fmt.Sprintf("quote_amounts[%d]", i),
				Rule: "is not the quote's"}
		}
	}
	return o.mint(ctx, key, r.Quotes, signatures, r.Outputs)
}

// mint is Mint and MintBatch: all quotes or none.
func (o *Office) mint(ctx context.Context, key [32]byte, quotes, signatures []string,
	outputs []cash.Output) ([]cash.Signature, error) {
	o.mu.Lock()
	// A request that was executed is answered again with the same signatures: whoever lost the answer repeats it, and
	// an error would be money lost.
	repeat := o.repeated(key)
	var refused *cash.Refusal
	if !repeat {
		for _, q := range quotes {
			if refused = o.books.Mintable(q, o.now()); refused != nil {
				break
			}
		}
	}
	o.mu.Unlock()
	if repeat {
		return o.repeat(ctx, outputs)
	}
	if refused != nil {
		return nil, refused
	}
	k := o.checker()
	out, _, refused := k.Outputs(outputs, false)
	if refused != nil {
		return nil, refused
	}
	// Signing is the expensive part and done without the lock, on what may yet be refused: DecideMint judges
	// everything again, and only what it lets pass leaves the office.
	signed, err := k.Keys.Sign(out, o.config.Entropy)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	e, refused := o.books.DecideMint(key[:], quotes, signatures, outputs, signed, k.Now)
	if refused != nil {
		o.mu.Unlock()
		return o.refuseUnlessRepeated(ctx, key, outputs, refused)
	}
	// Applied and queued under one lock, so the journal has the order in which the books changed; answered when it is
	// durable.
	number, err := o.commit(e)
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return o.signatures(signed), o.writer.wait(ctx, number)
}

// Restore gives signatures of outputs that were signed, in the order asked.
func (o *Office) Restore(ctx context.Context, outputs []cash.Output) (found []cash.Output, signatures []cash.Signature,
	err error) {
	points, refused := cash.RestorePoints(outputs)
	if refused != nil {
		return nil, nil, refused
	}
	found = []cash.Output{}
	var blinded []cash.Blinded
	o.mu.Lock()
	for i, p := range points {
		if b, signed := o.books.SignedAs(p); signed {
			outputs[i].Amount, outputs[i].ID = cash.Amount(b.Amount), o.books.Keys[b.Keyset].ID.String()
			found, blinded = append(found, outputs[i]), append(blinded, b)
		}
	}
	o.mu.Unlock()
	signed, err := o.keysets.Load().ring.Sign(blinded, o.config.Entropy)
	if err != nil {
		return nil, nil, err
	}
	return found, o.signatures(signed), o.settled(ctx)
}

// NoteState is a note's state as it is told.
type NoteState struct {
	Y       string     `json:"Y"`
	State   cash.State `json:"state"`
	Witness *string    `json:"witness"`
}

// States are the states of notes, in the order asked. They are told when they are durable: a note that is said to be
// spent stays spent.
func (o *Office) States(ctx context.Context, ys []string) ([]NoteState, error) {
	points, refused := cash.StatePoints(ys)
	if refused != nil {
		return nil, refused
	}
	list := make([]NoteState, len(ys))
	o.mu.Lock()
	for i, p := range points {
		state, witness := o.books.StateOf(p)
		list[i] = NoteState{Y: ys[i], State: state}
		if witness != "" {
			list[i].Witness = &witness
		}
	}
	o.mu.Unlock()
	return list, o.settled(ctx)
}

// newQuote draws a quote's id: a UUIDv7 whose other 74 bits are random.
func newQuote() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}
