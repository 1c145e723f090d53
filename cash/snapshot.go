package cash

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Snapshot is books at one moment: sets and sums, without which notes came in one request. Lists are sorted, so that
// they do not say in which order things happened.
type Snapshot struct {
	Shelves   []ShelfSnapshot `cbor:"1,keyasint"`
	Witnesses []SpentWitness  `cbor:"2,keyasint,omitempty"`
	Mints     []Mint          `cbor:"3,keyasint,omitempty"`
	Melts     []Melt          `cbor:"4,keyasint,omitempty"`
	Backs     []Back          `cbor:"5,keyasint,omitempty"`
	Reserve   Reserve         `cbor:"6,keyasint"`
	Cursor    uint64          `cbor:"7,keyasint"`
	Blocks    uint64          `cbor:"8,keyasint"`
}

// ShelfSnapshot is what is remembered of one keyset.
type ShelfSnapshot struct {
	ID     []byte  `cbor:"1,keyasint"`
	Spent  []byte  `cbor:"2,keyasint"` // marks of 24 bytes
	Signed []byte  `cbor:"3,keyasint"` // marks with the denomination behind, 25 bytes
	Tally  []Tally `cbor:"4,keyasint"`
	Gone   bool    `cbor:"5,keyasint,omitempty"` // written off
}

// SpentWitness is what opened a spent note.
type SpentWitness struct {
	Nullifier Nullifier `cbor:"1,keyasint"`
	Text      string    `cbor:"2,keyasint"`
}

const (
	nullifierBytes = len(Nullifier{})
	signedBytes    = nullifierBytes + 1
)

// Snapshot copies the books, but for their sets of notes, which nobody changes. Sort puts the rest in order and needs
// no lock. Quotes that ended before a time are left out: who asks for them is told that they are unknown.
func (b *Books) Snapshot(before uint64) *Snapshot {
	s := &Snapshot{Reserve: b.Reserve, Cursor: b.Cursor, Blocks: b.Blocks}
	for i, shelf := range b.shelves {
		one := ShelfSnapshot{ID: bytes.Clone(b.Keys[i].ID[:]), Spent: shelf.spent.records(),
			Signed: shelf.signed.records(), Tally: slices.Clone(shelf.tally), Gone: shelf.gone}
		s.Shelves = append(s.Shelves, one)
	}
	// any order: Sort
	for nullifier, text := range b.witness {
		s.Witnesses = append(s.Witnesses, SpentWitness{nullifier, text})
	}
	// any order: Sort
	for _, m := range b.mints {
		if ended := m.Issued || m.Ended; !ended || m.Expiry >= before {
			s.Mints = append(s.Mints, *m)
		}
	}
	// any order: Sort
	for _, m := range b.melts {
		melt := *m
		if melt.Payment == nil {
			melt.State = Unpaid // what is only held in memory is in no record
		}
		if melt.State == OnWay || melt.Expiry >= before {
			s.Melts = append(s.Melts, melt)
		}
	}
	// any order: Sort
	for _, back := range b.backs {
		s.Backs = append(s.Backs, *back)
	}
	return s
}

// Sort puts a snapshot in the order of its bytes.
func (s *Snapshot) Sort() {
	slices.SortFunc(s.Witnesses, func(a, b SpentWitness) int { return bytes.Compare(a.Nullifier[:], b.Nullifier[:]) })
	slices.SortFunc(s.Mints, func(a, b Mint) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Melts, func(a, b Melt) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Backs, func(a, b Back) int { return strings.Compare(a.Ref, b.Ref) })
}

// Load fills new books, whose keysets were added, from a snapshot. Keysets that it does not know are new; those that
// are not added any more, or not in its order, are an error: their notes are money. The snapshot is the books' from
// then on.
func (b *Books) Load(s *Snapshot) error {
	if len(s.Shelves) > len(b.Keys) {
		return fmt.Errorf("the books are of %d keysets, the office has %d", len(s.Shelves), len(b.Keys))
	}
	for i := range s.Shelves {
		one, shelf := &s.Shelves[i], b.shelves[i]
		if !bytes.Equal(one.ID, b.Keys[i].ID[:]) || len(one.Tally) != len(shelf.tally) {
			return fmt.Errorf("the books have another keyset than %s in its place", b.Keys[i].ID)
		}
		copy(shelf.tally, one.Tally)
		shelf.gone = one.Gone
		most := uint8(len(shelf.tally) - 1)
		if err := errors.Join(shelf.spent.load(one.Spent, most), shelf.signed.load(one.Signed, most)); err != nil {
			return fmt.Errorf("the books of keyset %s: %w", b.Keys[i].ID, err)
		}
	}
	for _, w := range s.Witnesses {
		b.witness[w.Nullifier] = w.Text
	}
	for _, m := range s.Mints {
		if b.mints[m.ID] = &m; !m.Ended {
			b.byMemo[m.Memo] = m.ID
		}
	}
	for _, m := range s.Melts {
		// Pending notes and held outputs are not in the snapshot: they follow from the melts that are on their way, and
		// two sources could disagree.
		b.melts[m.ID] = &m
		if m.State != OnWay {
			continue
		}
		for i := range m.Taken {
			b.pending[nullifierOfBytes(m.Taken[i].Y)] = m.ID
		}
		for i := range m.Given {
			b.held[nullifierOfBytes(m.Given[i].B)] = m.ID
		}
	}
	for _, back := range s.Backs {
		b.backs[back.Ref] = &back
	}
	b.Reserve, b.Cursor, b.Blocks = s.Reserve, s.Cursor, s.Blocks
	return nil
}
