package record

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// Count is what a denomination comes to.
type Count struct {
	Amount   money.Tiyn `json:"amount"`
	Issued   uint64     `json:"issued"`
	Redeemed uint64     `json:"redeemed"`
}

// Outstanding is what circulates of it.
func (c Count) Outstanding() money.Tiyn { return money.Tiyn(c.Issued-c.Redeemed) * c.Amount }

// Shelf is a keyset with its counts.
type Shelf struct {
	cash.Keyset
	Announcement string
	Counts       []Count
	WrittenOff   bool // its time is over, and what was left of it is paid over
}

// Outstanding is what its notes are worth that did not come back.
func (s *Shelf) Outstanding() (sum money.Tiyn) {
	for _, count := range s.Counts {
		sum += count.Outstanding()
	}
	return sum
}

// Checker holds a log against itself, block by block: each note that was redeemed is genuine, none was redeemed
// twice, none was signed twice, counts and sums are those of the lists, the reserve's equation holds. It cannot see a
// note that was signed and never booked (its holder can: he has the signature and finds its block), nor that a
// redeemed note was never booked as issued, until more of a denomination are redeemed than were issued; nor what the
// ledger says of the reserve wallet: compare Last.Reserve with it.
type Checker struct {
	Network []byte // of the ledger; empty takes the first block's
	Shelves []*Shelf
	Last    Header
	Blocks  uint64
	Notes   uint64 // pairs that were verified
	Watch   func(b *Block)

	expired  money.Tiyn // written off
	redeemed map[cash.Nullifier]struct{}
	issued   map[cash.Nullifier]struct{}
}

// CheckError is a log that is not right.
type CheckError struct {
	Block uint64
	Rule  string
}

func (e *CheckError) Error() string {
	return fmt.Sprintf("block %d of the cash log: %s", e.Block, e.Rule)
}

// ErrorCode is the refusal's code.
func (e *CheckError) ErrorCode() string { return "cash-log-wrong" }

// Context is what a block's proof is about, so that it holds for nothing else.
func Context(network []byte, number uint64, id cash.KeysetID, amount money.Tiyn, kind byte) []byte {
	context := append([]byte("aqsha cash block 1 "), kind)
	context = append(context, byte(len(network)))
	context = append(context, network...)
	context = binary.BigEndian.AppendUint64(context, number)
	context = append(context, id[:]...)
	return binary.BigEndian.AppendUint64(context, uint64(amount))
}

// Add checks the next block.
func (c *Checker) Add(b *Block) error {
	h := &b.Header
	wrong := func(rule string, args ...any) error { return &CheckError{h.Number, fmt.Sprintf(rule, args...)} }
	if c.redeemed == nil {
		c.redeemed, c.issued = map[cash.Nullifier]struct{}{}, map[cash.Nullifier]struct{}{}
	}
	if c.Network == nil {
		c.Network = h.Network
	}
	switch {
	case h.Version != Version:
		return wrong("has version %d, %d is known", h.Version, Version)
	case h.Number != c.Blocks:
		return wrong("stands where %d belongs", c.Blocks)
	case !bytes.Equal(h.Network, c.Network):
		return wrong("is of another network's cash")
	case h.Time < c.Last.Time || h.LedgerHeight < c.Last.LedgerHeight:
		return wrong("is dated before the block before it")
	case c.Blocks > 0 && h.Wallet != c.Last.Wallet:
		return wrong("names another reserve wallet")
	}
	// Keysets before lists, write-offs after them: a block may announce what it issues, and write off what it was the
	// last to redeem.
	for i := range h.Keysets {
		if err := c.announce(&h.Keysets[i]); err != nil {
			return wrong("%v", err)
		}
	}
	for i := range h.Lists {
		if err := c.list(b, i); err != nil {
			return wrong("%v", err)
		}
	}
	for i := range h.Expired {
		if err := c.writeOff(h, i); err != nil {
			return wrong("%v", err)
		}
	}
	if err := c.sums(h); err != nil {
		return wrong("%v", err)
	}
	// Only a block that is right as a whole moves the checker on; after an error it is of no more use.
	c.Last, c.Blocks = *h, c.Blocks+1
	if c.Watch != nil {
		c.Watch(b)
	}
	return nil
}

func (c *Checker) announce(a *Announced) error {
	k, err := a.Keyset()
	if err != nil {
		return err
	}
	if len(c.Shelves) >= maxKeysets {
		return fmt.Errorf("more than %d keysets", maxKeysets)
	}
	s := &Shelf{Keyset: k, Announcement: a.Announcement}
	for _, other := range c.Shelves {
		if other.ID == k.ID {
			return fmt.Errorf("keyset %s is announced twice", k.ID)
		}
	}
	for _, amount := range k.Amounts {
		s.Counts = append(s.Counts, Count{Amount: amount})
	}
	c.Shelves = append(c.Shelves, s)
	return nil
}

// writeOff checks that a keyset's time was over and that what was written off is what its notes are worth.
func (c *Checker) writeOff(h *Header, i int) error {
	e := h.Expired[i]
	if int(e.Keyset) >= len(c.Shelves) || i > 0 && h.Expired[i-1].Keyset >= e.Keyset {
		return fmt.Errorf("a keyset is written off that is not announced, or out of order")
	}
	s := c.Shelves[e.Keyset]
	switch left := s.Outstanding(); {
	case s.WrittenOff:
		return fmt.Errorf("keyset %s is written off twice", s.ID)
	case h.Time < s.Expiry:
		return fmt.Errorf("keyset %s is written off at %d, before its notes expire", s.ID, h.Time)
	case e.Amount != left:
		return fmt.Errorf("keyset %s is written off for %s, its notes are worth %s", s.ID, e.Amount, left)
	}
	s.WrittenOff = true
	c.expired += e.Amount
	return nil
}

// list checks one denomination's lists.
func (c *Checker) list(b *Block, i int) error {
	l := &b.Header.Lists[i]
	if int(l.Keyset) >= len(c.Shelves) {
		return fmt.Errorf("list %d is of a keyset that is not announced", i)
	}
	s := c.Shelves[l.Keyset]
	if s.WrittenOff {
		return fmt.Errorf("list %d is of a keyset that is written off", i)
	}
	index := s.Index(l.Amount)
	if index < 0 {
		return fmt.Errorf("list %d is of %d, no denomination of the keyset", i, l.Amount)
	}
	if i > 0 {
		if p := b.Header.Lists[i-1]; p.Keyset > l.Keyset || p.Keyset == l.Keyset && p.Amount >= l.Amount {
			return fmt.Errorf("list %d is not in its place", i)
		}
	}
	// What was signed while the keyset still signed may be booked later, by an office that was down meanwhile.
	if l.Issued.Count > 0 && b.Header.Time >= s.Until+closingSeconds {
		return fmt.Errorf("list %d was issued after the keyset stopped signing", i)
	}
	count := &s.Counts[index]
	for _, side := range []struct {
		kind  byte
		side  *Side
		pairs []Pair
		total *uint64
		seen  map[cash.Nullifier]struct{}
	}{{'I', &l.Issued, b.Issued[i], &count.Issued, c.issued},
		{'R', &l.Redeemed, b.Redeemed[i], &count.Redeemed, c.redeemed}} {
		if len(side.pairs) != int(side.side.Count) {
			return fmt.Errorf("list %d has %d pairs, its header says %d", i, len(side.pairs), side.side.Count)
		}
		if *side.total += uint64(len(side.pairs)); *side.total != side.side.Total {
			return fmt.Errorf("list %d comes to %d since the beginning, its header says %d", i, *side.total,
				side.side.Total)
		}
		context := Context(c.Network, b.Header.Number, s.ID, l.Amount, side.kind)
		if err := verify(context, s.Keys[index], side.pairs, side.side.Proof, side.seen); err != nil {
			return fmt.Errorf("list %d (%c): %w", i, side.kind, err)
		}
		c.Notes += uint64(len(side.pairs))
	}
	// No redeemed note can be linked to an issued one, but they can be counted: where more are redeemed, the key has
	// signed outside the log.
	if count.Redeemed > count.Issued {
		return fmt.Errorf("%d notes of %d tiyn of keyset %s are redeemed and %d were issued", count.Redeemed, l.Amount,
			s.ID, count.Issued)
	}
	return nil
}

// closingSeconds is how long after a keyset's end a block may still book what was signed before it: a day, for an
// office that was down.
const closingSeconds = 86_400

// verify checks order, that nothing comes twice, and the proof of a list.
func verify(context []byte, key curve.Point, pairs []Pair, proof []byte, seen map[cash.Nullifier]struct{}) error {
	if len(pairs) == 0 {
		if len(proof) != 0 {
			return fmt.Errorf("an empty list has a proof")
		}
		return nil
	}
	ins, outs := make([]curve.Point, len(pairs)), make([]curve.Point, len(pairs))
	for i := range pairs {
		// In the order of bytes: the order in which notes came would say which of one request belong together.
		if i > 0 && bytes.Compare(pairs[i-1][:], pairs[i][:]) >= 0 {
			return fmt.Errorf("pair %d is not in its place", i)
		}
		var err error
		if ins[i], outs[i], err = pairs[i].Points(); err != nil {
			return fmt.Errorf("pair %d: %w", i, err)
		}
		nullifier := cash.NullifierOf(ins[i])
		if _, twice := seen[nullifier]; twice {
			return fmt.Errorf("pair %d is booked twice", i)
		}
		seen[nullifier] = struct{}{}
	}
	if len(proof) != 64 {
		return fmt.Errorf("the proof has %d bytes, must have 64", len(proof))
	}
	e, err := curve.ParseScalar(proof[:32])
	if err != nil {
		return err
	}
	s, err := curve.ParseScalar(proof[32:])
	if err != nil {
		return err
	}
	if !curve.VerifyBlock(context, key, ins, outs, curve.BlockProof{E: e, S: s}) {
		return fmt.Errorf("the proof does not hold: something was not made with the announced key")
	}
	return nil
}

// Outstanding is what circulates, by the counts.
func (c *Checker) Outstanding() (sum money.Tiyn) {
	for _, s := range c.Shelves {
		if !s.WrittenOff {
			sum += s.Outstanding()
		}
	}
	return sum
}

// sums holds the header's reserve against the counts.
func (c *Checker) sums(h *Header) error {
	r := h.Reserve
	switch sum := c.Outstanding(); {
	case r.PaidIn < c.Last.Reserve.PaidIn || r.PaidOut < c.Last.Reserve.PaidOut || r.Issued < c.Last.Reserve.Issued ||
		r.Melted < c.Last.Reserve.Melted:
		return fmt.Errorf("a sum since the beginning has become less")
	case r.Expired != c.expired:
		return fmt.Errorf("%s is written off by the events, %s by the sums", c.expired, r.Expired)
	case !r.Holds():
		return fmt.Errorf("reserve %s is not what circulates, %s, and %s that waits", r.Balance(), r.Circulating(),
			r.Waiting)
	case sum != r.Circulating():
		return fmt.Errorf("notes for %s circulate by the lists, %s by the sums", sum, r.Circulating())
	case r.Waiting < 0 || r.Owed < 0 || r.Balance() < 0:
		return fmt.Errorf("a sum is below zero")
	}
	return nil
}
