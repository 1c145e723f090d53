package cash

import (
	"fmt"

	"github.com/aqsha/aqsha/money"
)

// EventKind says what an event books.
type EventKind uint8

// Kinds of events.
const (
	Swapped       EventKind = iota + 1 // notes into notes
	MintQuoted                         // somebody wants notes
	Credited                           // the ledger says that the reserve was paid
	Minted                             // notes for one or several quotes
	MeltQuoted                         // somebody wants a payment
	MeltBegun                          // its ledger payment is signed; the notes are pending
	MeltPaid                           // the ledger has it: the notes are spent, the change is signed
	MeltLapsed                         // the ledger can never have it: the notes are free again
	BackBegun                          // a payment that sends money back is signed
	BackPaid                           // the ledger has it
	BackLapsed                         // it can never have it: it is to be signed again
	BlockClosed                        // what was booked until here is a block of the public log
	Lapsed                             // a mint quote ended without being paid in full: what came is sent back
	KeysetExpired                      // a keyset's notes are not redeemed any more: what is left of it is paid over
)

// Taken is a note that was taken in.
type Taken struct {
	Keyset  uint16   `cbor:"1,keyasint"`
	Index   uint8    `cbor:"2,keyasint"`
	Y       [33]byte `cbor:"3,keyasint"`
	C       [33]byte `cbor:"4,keyasint"`
	Witness string   `cbor:"5,keyasint,omitempty"`
}

// Given is a note that was signed.
type Given struct {
	Keyset uint16   `cbor:"1,keyasint"`
	Index  uint8    `cbor:"2,keyasint"`
	B      [33]byte `cbor:"3,keyasint"`
	C      [33]byte `cbor:"4,keyasint"`
}

// Payment is a payment of the ledger that the office has signed.
type Payment struct {
	ID     string     `cbor:"1,keyasint"`
	Signed []byte     `cbor:"2,keyasint"` // the whole transaction, to be sent as often as it takes
	Until  uint64     `cbor:"3,keyasint"` // Unix milliseconds of the ledger: it is in no block after
	To     string     `cbor:"4,keyasint"`
	Amount money.Tiyn `cbor:"5,keyasint"`
}

// Credit is a payment into the reserve.
type Credit struct {
	ID     string     `cbor:"1,keyasint"`
	Index  uint64     `cbor:"2,keyasint"` // in the ledger's log
	From   string     `cbor:"3,keyasint"`
	Amount money.Tiyn `cbor:"4,keyasint"`
	Memo   string     `cbor:"5,keyasint,omitempty"`
}

// Event is one thing that happened, as the journal keeps it. Only what its kind needs is set. Its numbers stand in the
// journal's bytes.
type Event struct {
	Kind    EventKind `cbor:"1,keyasint"`
	At      uint64    `cbor:"2,keyasint"` // Unix seconds of the office
	Request []byte    `cbor:"3,keyasint,omitempty"`
	Taken   []Taken   `cbor:"4,keyasint,omitempty"`
	Given   []Given   `cbor:"5,keyasint,omitempty"`
	Quotes  []string  `cbor:"6,keyasint,omitempty"`
	Mint    *Mint     `cbor:"7,keyasint,omitempty"`
	Melt    *Melt     `cbor:"8,keyasint,omitempty"`
	Payment *Payment  `cbor:"9,keyasint,omitempty"`
	Credit  *Credit   `cbor:"10,keyasint,omitempty"`
	Ref     string    `cbor:"11,keyasint,omitempty"` // of money sent back: the id of the payment in
	Close   *Close    `cbor:"12,keyasint,omitempty"`
	Expired *Expired  `cbor:"13,keyasint,omitempty"`
}

// Close is what a closed block binds besides its notes.
type Close struct {
	Number       uint64 `cbor:"1,keyasint"`
	LedgerHeight uint64 `cbor:"2,keyasint"`
	LedgerMillis uint64 `cbor:"3,keyasint"`
	Keysets      uint16 `cbor:"4,keyasint"`           // that the office has
	Compared     bool   `cbor:"5,keyasint,omitempty"` // at that height the ledger's reserve was that of the books
}

// Apply books an event that was decided on these books, or read from their journal in its place. What does not fit is a
// journal of another office or one that was changed, and named. It asks nothing that a decision has asked already, such
// as whether a note is spent: events of a journal were decided. After an error the books are half changed and must not
// be used.
func (b *Books) Apply(e *Event) error {
	if !e.complete() {
		return fmt.Errorf("the journal has an event of kind %d without what belongs to it", e.Kind)
	}
	switch e.Kind {
	// Notes move first, and a move that fits nothing is the journal of other books: it is found before sums have
	// changed.
	case Swapped, Minted, MeltPaid:
		if err := b.move(e); err != nil {
			return err
		}
	}
	switch e.Kind {
	case Swapped:
		return nil
	case MintQuoted, Credited, Minted, Lapsed:
		return b.applyMint(e)
	case MeltQuoted, MeltBegun, MeltPaid, MeltLapsed:
		return b.applyMelt(e)
	case BackBegun, BackPaid, BackLapsed:
		return b.applyBack(e)
	case KeysetExpired:
		return b.applyExpired(e.Expired)
	case BlockClosed:
		if e.Close == nil || e.Close.Number != b.Blocks || int(e.Close.Keysets) > len(b.Keys) {
			return fmt.Errorf("the journal closes another block than %d", b.Blocks)
		}
		b.Blocks++
		return nil
	}
	return fmt.Errorf("the journal has an event of kind %d", e.Kind)
}

// complete says whether an event has what its kind needs.
func (e *Event) complete() bool {
	switch e.Kind {
	case MintQuoted:
		return e.Mint != nil
	case Credited:
		return e.Credit != nil && e.Credit.Amount > 0
	case Minted, Lapsed, MeltPaid, MeltLapsed:
		return len(e.Quotes) > 0
	case MeltQuoted:
		return e.Melt != nil
	case MeltBegun:
		return len(e.Quotes) > 0 && e.Payment != nil
	case BackBegun:
		return e.Payment != nil
	case KeysetExpired:
		return e.Expired != nil
	}
	return true
}

// move books notes that were taken and given. A note that was pending is not any more, an output that was held
// neither. A journal that names a keyset or a denomination that is not there is of other keys: it is refused, and
// nothing of it may be served.
func (b *Books) move(e *Event) error {
	for i := range e.Taken {
		t := &e.Taken[i]
		if int(t.Keyset) >= len(b.shelves) || int(t.Index) >= len(b.shelves[t.Keyset].tally) {
			return fmt.Errorf("the journal has a note of keyset %d, denomination %d, which are not there", t.Keyset,
				t.Index)
		}
		s, nullifier := b.shelves[t.Keyset], nullifierOfBytes(t.Y)
		s.spent.add(nullifier, 0)
		s.tally[t.Index].Redeemed++
		delete(b.pending, nullifier)
		if t.Witness != "" {
			b.witness[nullifier] = t.Witness
		}
	}
	for i := range e.Given {
		g := &e.Given[i]
		if int(g.Keyset) >= len(b.shelves) || int(g.Index) >= len(b.shelves[g.Keyset].tally) {
			return fmt.Errorf("the journal has a signature of keyset %d, denomination %d, which are not there",
				g.Keyset, g.Index)
		}
		s, nullifier := b.shelves[g.Keyset], nullifierOfBytes(g.B)
		s.signed.add(nullifier, g.Index)
		s.tally[g.Index].Issued++
		delete(b.held, nullifier)
	}
	return nil
}

// takenOf and givenOf write checked notes as an event keeps them.
func takenOf(inputs []Input) []Taken {
	list := make([]Taken, len(inputs))
	for i, in := range inputs {
		list[i] = Taken{uint16(in.Keyset), uint8(in.Index), in.Y.Bytes(), in.C.Bytes(), in.Witness}
	}
	return list
}

// givenOf keeps point and signature; the proof is made again when it is asked for.
func givenOf(outputs []Signed) []Given {
	list := make([]Given, len(outputs))
	for i, out := range outputs {
		list[i] = Given{uint16(out.Keyset), uint8(out.Index), out.B.Bytes(), out.C.Bytes()}
	}
	return list
}

// DecideSwap holds a swap, checked, genuine and signed, against the books. It changes nothing: whoever applies the
// event holds the same lock since.
func (b *Books) DecideSwap(request []byte, in []Input, out []Signed, now uint64) (*Event, *Refusal) {
	if err := b.spendable(in); err != nil {
		return nil, err
	}
	if err := b.signable(blindedOf(out)); err != nil {
		return nil, err
	}
	return &Event{Kind: Swapped, At: now, Request: request, Taken: takenOf(in), Given: givenOf(out)}, nil
}

// blindedOf are the outputs without their signatures.
func blindedOf(out []Signed) []Blinded {
	list := make([]Blinded, len(out))
	for i := range out {
		list[i] = out[i].Blinded
	}
	return list
}
