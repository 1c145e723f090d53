package purse

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/aqsha/aqsha/token"
)

// MaxRevoked is the most entries of a list; of the largest, a device keeps the filter.
const MaxRevoked = 1 << 20

// List is the purses that are convicted or given up, as somebody the payees know signs it: 16 bytes an entry.
type List struct {
	Sequence   uint64           `json:"sequence"` // rises with each list
	TimeMillis uint64           `json:"time_millis"`
	Purses     []token.WalletID `json:"purses"` // in order, each once
	Signature  token.Signature  `json:"signature"`
}

const listItems = 5

func (l *List) appendUnsigned(b []byte, items int) []byte {
	b = token.AppendUint(token.AppendArray(b, items), kindList)
	b = token.AppendUint(token.AppendUint(b, l.Sequence), l.TimeMillis)
	all := make([]byte, 0, 16*len(l.Purses))
	for i := range l.Purses {
		all = append(all, l.Purses[i][:]...)
	}
	return token.AppendBytes(b, all)
}

// Digest is what is signed.
func (l *List) Digest(network token.NetworkID) [32]byte {
	return digest(listDomain, network, l.appendUnsigned(nil, listItems-1))
}

// Append encodes the list.
func (l *List) Append(b []byte) []byte {
	return token.AppendBytes(l.appendUnsigned(b, listItems), l.Signature[:])
}

// Has says whether a purse stands in the list.
func (l *List) Has(purse token.WalletID) bool {
	_, found := slices.BinarySearchFunc(l.Purses, purse,
		func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	return found
}

// DecodeList reads one list that fills data.
func DecodeList(data []byte) (List, error) {
	return whole(data, 16*MaxRevoked+128, func(d *token.Decoder) (l List) {
		d.Array("list", listItems, listItems)
		kind(d, "list", kindList)
		l.Sequence, l.TimeMillis = d.Uint("list.sequence", 1<<53-1), d.Uint("list.time", token.MaxValidUntil)
		all := d.Bytes("list.purses", 0, 16*MaxRevoked)
		signature(d, "list.signature", &l.Signature)
		if d.Err() == nil && len(all)%16 != 0 {
			d.Fail(refuse(token.OutOfRange, "list.purses", "%d bytes, want 16 for each purse", len(all)))
		}
		if d.Err() != nil {
			return l
		}
		for i := 0; i < len(all); i += 16 {
			if i > 0 && bytes.Compare(all[i-16:i], all[i:i+16]) >= 0 {
				d.Fail(refuse(token.Repeated, "list.purses", "purse %d repeats or is out of order", i/16))
				return l
			}
			l.Purses = append(l.Purses, token.WalletID(all[i:i+16]))
		}
		return l
	})
}

// Check checks a list's signature and that it is not older than the one at hand.
func (l *List) Check(network token.NetworkID, key token.PublicKey, atHand uint64) *token.Error {
	switch {
	case l.Sequence < atHand:
		return refuse(OlderList, "sequence", "list %d; list %d is at hand", l.Sequence, atHand)
	case !token.Verify(key, l.Digest(network), &l.Signature):
		return refuse(BadSignature, "signature", "the list is not signed by the key at hand")
	}
	return nil
}

// Filter is a revocation list for small devices: the purses' hashes in order, as differences in Golomb–Rice code (BIP
// 158 does the same for scripts): about 13 bits an entry, one false alarm in 2,048, which only sends the payer online.
type Filter struct {
	Sequence uint64
	Count    uint64
	Bits     []byte
}

// riceBits is the parameter of the code: hashes are spread over Count·2^riceBits.
const riceBits = 11

// spread maps a purse to a number below n·2^riceBits, under the list's sequence: a purse that one list falsely alarms,
// the next one need not.
func spread(purse token.WalletID, sequence, n uint64) uint64 {
	var preimage [24]byte
	binary.BigEndian.PutUint64(preimage[:], sequence)
	copy(preimage[8:], purse[:])
	sum := sha256.Sum256(preimage[:])
	high, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:]), n<<riceBits)
	return high
}

// NewFilter makes the filter of a list.
func NewFilter(l *List) Filter {
	n := uint64(len(l.Purses))
	values := make([]uint64, n)
	for i := range values {
		values[i] = spread(l.Purses[i], l.Sequence, n)
	}
	slices.Sort(values)
	f := Filter{Sequence: l.Sequence, Count: n}
	var used uint
	put := func(bit uint64) {
		if used%8 == 0 {
			f.Bits = append(f.Bits, 0)
		}
		f.Bits[used/8] |= byte(bit) << (7 - used%8)
		used++
	}
	last := uint64(0)
	for _, value := range values {
		gap := value - last
		last = value
		for range gap >> riceBits {
			put(1)
		}
		put(0)
		for i := riceBits - 1; i >= 0; i-- {
			put(gap >> i & 1)
		}
	}
	return f
}

// Has says whether a purse may be revoked: never false for one that is.
func (f *Filter) Has(purse token.WalletID) bool {
	want, found := spread(purse, f.Sequence, f.Count), false
	f.each(func(value uint64) bool {
		found = value == want
		return value < want
	})
	return found
}

// each gives the filter's values in order while next says so; false if the bits do not hold Count of them and nothing
// else.
func (f *Filter) each(next func(uint64) bool) bool {
	at, end := uint64(0), 8*uint64(len(f.Bits))
	value := uint64(0)
	for range f.Count {
		var gap uint64
		for {
			if at == end {
				return false
			}
			bit := f.Bits[at/8] >> (7 - at%8) & 1
			at++
			if bit == 0 {
				break
			}
			gap++
		}
		for range riceBits {
			if at == end {
				return false
			}
			gap = gap<<1 | uint64(f.Bits[at/8]>>(7-at%8)&1)
			at++
		}
		if value += gap; !next(value) {
			return true
		}
	}
	if end-at >= 8 {
		return false
	}
	for ; at < end; at++ {
		if f.Bits[at/8]>>(7-at%8)&1 != 0 {
			return false
		}
	}
	return value < max(1, f.Count<<riceBits)
}

// Append encodes the filter.
func (f *Filter) Append(b []byte) []byte {
	b = token.AppendUint(token.AppendArray(b, 4), kindFilter)
	return token.AppendBytes(token.AppendUint(token.AppendUint(b, f.Sequence), f.Count), f.Bits)
}

// DecodeFilter reads one filter that fills data. Who sends it vouches for it: it is used where its list's signature was
// checked, or together with a signature over its bytes.
func DecodeFilter(data []byte) (Filter, error) {
	return whole(data, 2*MaxRevoked+64, func(d *token.Decoder) (f Filter) {
		d.Array("filter", 4, 4)
		kind(d, "filter", kindFilter)
		f.Sequence, f.Count = d.Uint("filter.sequence", 1<<53-1), d.Uint("filter.count", MaxRevoked)
		f.Bits = d.Bytes("filter.bits", 0, 2*MaxRevoked)
		if d.Err() == nil && !f.each(func(uint64) bool { return true }) {
			d.Fail(refuse(token.NotCanonical, "filter.bits", "not %d values", f.Count))
		}
		return f
	})
}
