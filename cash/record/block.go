package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
	"github.com/aqsha/aqsha/money"
)

// Pair is two points, as they are in a list: B_ and C_, or Y and C.
type Pair [66]byte

// Points are the pair's points.
func (p *Pair) Points() (in, out curve.Point, err error) {
	if in, err = curve.ParsePoint(p[:33]); err == nil {
		out, err = curve.ParsePoint(p[33:])
	}
	return in, out, err
}

// NewPair joins two points.
func NewPair(in, out [33]byte) Pair { return Pair(append(in[:], out[:]...)) }

// Side is one of the two lists of a denomination.
type Side struct {
	Count uint32 `cbor:"1,keyasint" json:"count"` // in this block
	Total uint64 `cbor:"2,keyasint" json:"total"` // since the beginning
	Proof []byte `cbor:"3,keyasint,omitempty" json:"-"`
}

// List is what happened to one denomination of one keyset.
type List struct {
	Keyset   uint16     `cbor:"1,keyasint" json:"keyset"` // its place among those that the log has announced
	Amount   money.Tiyn `cbor:"2,keyasint" json:"amount"`
	Issued   Side       `cbor:"3,keyasint" json:"issued"`
	Redeemed Side       `cbor:"4,keyasint" json:"redeemed"`
}

// Announced is a keyset as the log first says it. Announcement is the ledger's transaction that names it.
type Announced struct {
	ID           []byte       `cbor:"1,keyasint" json:"-"`
	Unit         string       `cbor:"2,keyasint" json:"unit"`
	Amounts      []money.Tiyn `cbor:"3,keyasint" json:"amounts"`
	Keys         [][]byte     `cbor:"4,keyasint" json:"-"`
	From         uint64       `cbor:"5,keyasint" json:"from"`
	Until        uint64       `cbor:"6,keyasint" json:"until"`
	Expiry       uint64       `cbor:"7,keyasint" json:"expiry"`
	Announcement string       `cbor:"8,keyasint,omitempty" json:"announcement,omitempty"`
}

// Announce writes a keyset as a block does.
func Announce(k *cash.Keyset, transaction string) Announced {
	a := Announced{ID: k.ID[:], Unit: k.Unit, Amounts: k.Amounts, From: k.From, Until: k.Until, Expiry: k.Expiry,
		Announcement: transaction}
	for _, key := range k.Keys {
		raw := key.Bytes()
		a.Keys = append(a.Keys, raw[:])
	}
	return a
}

// Keyset reads it, and holds its id against its keys.
func (a *Announced) Keyset() (k cash.Keyset, err error) {
	var keys []curve.Point
	for _, raw := range a.Keys {
		key, err := curve.ParsePoint(raw)
		if err != nil {
			return k, err
		}
		keys = append(keys, key)
	}
	if k, err = cash.NewKeyset(a.Unit, a.Amounts, keys, a.From, a.Until, a.Expiry); err != nil {
		return k, err
	}
	if !bytes.Equal(k.ID[:], a.ID) {
		return k, fmt.Errorf("keyset %x has the id %s by its keys", a.ID, k.ID)
	}
	return k, nil
}

// Header is a block but for its lists' pairs.
type Header struct {
	Version      uint8        `cbor:"1,keyasint" json:"version"`
	Network      []byte       `cbor:"2,keyasint" json:"-"` // of the ledger
	Number       uint64       `cbor:"3,keyasint" json:"number"`
	Time         uint64       `cbor:"4,keyasint" json:"time"`          // Unix seconds, of the office
	LedgerHeight uint64       `cbor:"5,keyasint" json:"ledger_height"` // the last block that the office had seen
	LedgerMillis uint64       `cbor:"6,keyasint" json:"ledger_millis"`
	Reserve      cash.Reserve `cbor:"7,keyasint" json:"reserve"`
	Wallet       string       `cbor:"8,keyasint" json:"reserve_wallet"`
	Keysets      []Announced  `cbor:"9,keyasint,omitempty" json:"keysets,omitempty"` // new ones
	Lists        []List       `cbor:"10,keyasint,omitempty" json:"lists,omitempty"`
	// at LedgerHeight the ledger's reserve is Reserve
	Compared bool `cbor:"11,keyasint,omitempty" json:"compared,omitempty"`
	// since the last block, in the order of keysets
	Expired []WrittenOff `cbor:"12,keyasint,omitempty" json:"expired,omitempty"`
}

// WrittenOff is a keyset whose time is over: what its notes are worth that never came back is paid to the wallet that
// the policy names.
type WrittenOff struct {
	Keyset uint16     `cbor:"1,keyasint" json:"keyset"`
	Amount money.Tiyn `cbor:"2,keyasint" json:"amount"`
}

// Version is the format's.
const Version = 1

// Block is a header with the pairs of its lists: for each, issued and redeemed.
type Block struct {
	Header   Header
	Issued   [][]Pair
	Redeemed [][]Pair
}

// Bounds of what is decoded.
const (
	maxPairs   = 900 // in an entry: 59,400 bytes of 65,535
	maxHeader  = 60_000
	maxKeysets = 1 << 12
)

var (
	encodeMode, _ = cbor.EncOptions{Sort: cbor.SortCoreDeterministic}.EncMode()
	decodeMode, _ = cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxArrayElements: 1 << 14, MaxMapPairs: 64,
		MaxNestedLevels: 8,
		IndefLength:     cbor.IndefLengthForbidden, ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()
)

// Entries writes a block as entries of the log: the header, then each list's pairs, issued before redeemed.
func (b *Block) Entries() ([][]byte, error) {
	header, err := encodeMode.Marshal(b.Header)
	if err != nil {
		return nil, err
	}
	if len(header) > maxHeader {
		return nil, fmt.Errorf("the header of block %d has %d bytes, at most %d", b.Header.Number, len(header),
			maxHeader)
	}
	entries := [][]byte{append([]byte{'H'}, header...)}
	for i := range b.Header.Lists {
		entries = appendPairs(entries, 'I', i, b.Issued[i])
		entries = appendPairs(entries, 'R', i, b.Redeemed[i])
	}
	return entries, nil
}

func appendPairs(entries [][]byte, kind byte, list int, pairs []Pair) [][]byte {
	for part := range slices.Chunk(pairs, maxPairs) {
		entry := binary.BigEndian.AppendUint16([]byte{kind}, uint16(list))
		for i := range part {
			entry = append(entry, part[i][:]...)
		}
		entries = append(entries, entry)
	}
	return entries
}

// Reader puts blocks together out of entries. The zero Reader is ready.
type Reader struct {
	block *Block
	open  bool
}

// FormatError is an entry that is not what a cash log holds.
type FormatError struct{ Rule string }

func (e *FormatError) Error() string { return "cash log: " + e.Rule }

// ErrorCode is the refusal's code.
func (e *FormatError) ErrorCode() string { return "cash-log-format" }

func badEntry(rule string, args ...any) error { return &FormatError{fmt.Sprintf(rule, args...)} }

// Add takes the next entry and returns a block once it is whole.
func (r *Reader) Add(entry []byte) (*Block, error) {
	if len(entry) == 0 {
		return nil, badEntry("an entry is empty")
	}
	if entry[0] == 'H' {
		if r.open {
			return nil, badEntry("block %d is not whole where the next one begins", r.block.Header.Number)
		}
		b := new(Block)
		if err := decodeMode.Unmarshal(entry[1:], &b.Header); err != nil {
			return nil, badEntry("a header cannot be read: %v", err)
		}
		// The log's hashes are of bytes: one block in two encodings would be two blocks with the same meaning.
		if again, err := encodeMode.Marshal(b.Header); err != nil || !bytes.Equal(again, entry[1:]) {
			return nil, badEntry("a header is not in its one encoding")
		}
		b.Issued, b.Redeemed = make([][]Pair, len(b.Header.Lists)), make([][]Pair, len(b.Header.Lists))
		r.block, r.open = b, true
		return r.whole()
	}
	if !r.open || len(entry) < 3+66 || (len(entry)-3)%66 != 0 {
		return nil, badEntry("an entry of %d bytes is no part of a block", len(entry))
	}
	list := int(binary.BigEndian.Uint16(entry[1:]))
	if list >= len(r.block.Header.Lists) {
		return nil, badEntry("pairs are of list %d, which is not there", list)
	}
	to := &r.block.Issued[list]
	want := r.block.Header.Lists[list].Issued.Count
	if entry[0] == 'R' {
		to, want = &r.block.Redeemed[list], r.block.Header.Lists[list].Redeemed.Count
	} else if entry[0] != 'I' {
		return nil, badEntry("an entry of kind %q is not known", entry[0])
	}
	for rest := entry[3:]; len(rest) > 0; rest = rest[66:] {
		*to = append(*to, Pair(rest[:66]))
	}
	// Bounded by the header as it comes in: an entry too many is not gathered in memory until the end of the block.
	if len(*to) > int(want) {
		return nil, badEntry("list %d has more pairs than its header says", list)
	}
	return r.whole()
}

// whole returns the block when its lists have as many pairs as the header says.
func (r *Reader) whole() (*Block, error) {
	for i, list := range r.block.Header.Lists {
		if len(r.block.Issued[i]) < int(list.Issued.Count) || len(r.block.Redeemed[i]) < int(list.Redeemed.Count) {
			return nil, nil
		}
	}
	r.open = false
	return r.block, nil
}

// Open says whether a block is begun and not whole.
func (r *Reader) Open() bool { return r.open }
