package cash

import (
	"crypto/sha256"

	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// Nullifier is a point in a set: 24 bytes of its hash. Nobody finds two points of one mark with fewer than 2^96 hashes.
type Nullifier [24]byte

// NullifierOf is a point's mark.
func NullifierOf(p curve.Point) Nullifier {
	raw := p.Bytes()
	sum := sha256.Sum256(raw[:])
	return Nullifier(sum[:24])
}

// Tally counts one denomination of one keyset.
type Tally struct {
	Issued   uint64 `json:"issued"`
	Redeemed uint64 `json:"redeemed"`
}

// shelf is what the office remembers of one keyset: it is dropped with it.
type shelf struct {
	spent  noteSet
	signed noteSet // with the denomination
	tally  []Tally
	gone   bool // its time is over, and what was left of it is written off
}

// Books are all that an office must remember. They are not safe for use by several goroutines. Whatever a decision
// depends on is here or in its arguments: the same events applied in the same order make the same books. Maps are only
// walked for what does not depend on their order, or is sorted.
type Books struct {
	Keys    Keyring
	shelves []*shelf
	witness map[Nullifier]string // of spent notes that had a condition
	pending map[Nullifier]string // notes that a melt has in hand: its quote
	held    map[Nullifier]string // outputs of that melt's change
	mints   map[string]*Mint     // by quote
	byMemo  map[string]string    // a payment's reference: its mint quote
	melts   map[string]*Melt
	backs   map[string]*Back // payments to be sent back, by the ledger's id of what was paid in
	Reserve Reserve
	Cursor  uint64 // the ledger's history of the reserve is read up to here
	Blocks  uint64 // of the public log that were closed
}

// NewBooks are those of a new office.
func NewBooks() *Books {
	return &Books{witness: map[Nullifier]string{}, pending: map[Nullifier]string{}, held: map[Nullifier]string{},
		mints:  map[string]*Mint{},
		byMemo: map[string]string{}, melts: map[string]*Melt{}, backs: map[string]*Back{}}
}

// Add takes a keyset in. The order is that of the keyring for ever: events name keysets by it.
func (b *Books) Add(s *Signing) {
	b.Keys = append(b.Keys, s)
	b.shelves = append(b.shelves, &shelf{spent: newNoteSet(nullifierBytes), signed: newNoteSet(signedBytes),
		tally: make([]Tally, len(s.Amounts))})
}

// Reserve is the sums behind the notes.
type Reserve struct {
	PaidIn  money.Tiyn `json:"paid_in"`  // into the reserve wallet
	PaidOut money.Tiyn `json:"paid_out"` // from it: melts, and what was sent back
	Issued  money.Tiyn `json:"issued"`   // notes for quotes
	Melted  money.Tiyn `json:"melted"`   // notes for payments out that the ledger has
	Waiting money.Tiyn `json:"waiting"`  // paid in, neither issued nor sent back
	// Owed is what notes were taken for whose payment is on its way: they are pending, so they still circulate.
	Owed money.Tiyn `json:"owed"`
	// Expired is what notes were worth whose keyset's time was over: it waits to be paid over, and is paid out.
	Expired money.Tiyn `json:"expired,omitempty"`
}

// Balance is what the reserve wallet holds.
func (r Reserve) Balance() money.Tiyn { return r.PaidIn - r.PaidOut }

// Circulating is what notes are worth that were issued, are not redeemed, and have not expired.
func (r Reserve) Circulating() money.Tiyn { return r.Issued - r.Melted - r.Expired }

// Holds is the office's equation: reserve = notes that circulate + paid in and not yet issued or sent back.
func (r Reserve) Holds() bool { return r.Balance() == r.Circulating()+r.Waiting }

// Outstanding recounts what circulates from the tallies of notes. It must be what circulates by the sums: the two are
// counted apart.
func (b *Books) Outstanding() (sum money.Tiyn) {
	for i, s := range b.shelves {
		if !s.gone {
			sum += b.outstanding(i)
		}
	}
	return sum
}

// Tallies are a keyset's counts, by denomination.
func (b *Books) Tallies(keyset int) []Tally { return append([]Tally(nil), b.shelves[keyset].tally...) }

// State is a note's state (NUT-07). An unspent note is spent by a swap, at once; by a melt it is pending first, until
// the ledger has decided, and then spent or, where the payment's time has passed, unspent again. Nothing leads back
// from spent.
type State string

// The states.
const (
	StateUnspent State = "UNSPENT"
	StatePending State = "PENDING"
	StateSpent   State = "SPENT"
)

// StateOf is the state of a note, and what opened it.
func (b *Books) StateOf(y curve.Point) (State, string) {
	nullifier := NullifierOf(y)
	if b.isSpent(nullifier) {
		return StateSpent, b.witness[nullifier]
	}
	if _, pending := b.pending[nullifier]; pending {
		return StatePending, ""
	}
	return StateUnspent, ""
}

// isSpent looks in all keysets, as a secret is spent whichever key signed it; in those that were written off nothing is
// found any more.
func (b *Books) isSpent(nullifier Nullifier) bool {
	for _, s := range b.shelves {
		if _, spent := s.spent.find(nullifier); spent {
			return true
		}
	}
	return false
}

// SignedAs finds what an output was signed as: its keyset and denomination. Of a keyset that was written off nothing is
// known any more.
func (b *Books) SignedAs(p curve.Point) (out Blinded, found bool) {
	nullifier := NullifierOf(p)
	for i, s := range b.shelves {
		if index, there := s.signed.find(nullifier); there {
			return Blinded{Keyset: i, Index: int(index), Amount: b.Keys[i].Amounts[index], B: p}, true
		}
	}
	return out, false
}

// spendable refuses notes that are spent or in hand.
func (b *Books) spendable(inputs []Input) *Refusal {
	for i, in := range inputs {
		nullifier := NullifierOf(in.Y)
		if b.isSpent(nullifier) {
			return refuse(Spent, "secret", "is spent").at("inputs", i)
		}
		if _, pending := b.pending[nullifier]; pending {
			return refuse(Pending, "secret", "is being spent by a melt that waits for the ledger").at("inputs", i)
		}
	}
	return nil
}

// signable refuses outputs that were signed, or wait as the change of a melt.
func (b *Books) signable(outputs []Blinded) *Refusal {
	for i, out := range outputs {
		if _, found := b.SignedAs(out.B); found {
			return refuse(OutputSigned, "B_", "was signed before: restore gives the signature").at("outputs", i)
		}
		if _, held := b.held[NullifierOf(out.B)]; held {
			return refuse(OutputPending, "B_", "waits as the change of a melt").at("outputs", i)
		}
	}
	return nil
}

// SizeOf counts spent and signed notes.
func (b *Books) SizeOf() (spent, signed int) {
	for _, s := range b.shelves {
		spent += s.spent.count()
		signed += s.signed.count()
	}
	return spent, signed
}

// OnWay is how many payments of the ledger are signed and not settled.
func (b *Books) OnWay() (n int) {
	for _, m := range b.melts { // any order: a count
		if m.State == OnWay {
			n++
		}
	}
	for _, back := range b.backs { // any order: a count
		if back.Payment != nil {
			n++
		}
	}
	return n
}
