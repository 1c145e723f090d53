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

// appendUnsigned encodes all but the signature, as the beginning of an array of so many items.
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

// DecodeList reads one list that fills data. Purses ascend, so that a list has one encoding and one signature, and a
// device can look a purse up without sorting.
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

// Sign signs the list.
func (l *List) Sign(network token.NetworkID, signer token.Signer) (err error) {
	l.Signature, err = signer.Sign(l.Digest(network))
	return err
}

// Filter is a revocation list for small devices: the purses' hashes in order, as differences in Golomb–Rice code (BIP
// 158 does the same for scripts): about 13 bits an entry, one false alarm in 2,048, which only sends the payer online.
type Filter struct {
	Sequence   uint64
	TimeMillis uint64
	Count      uint64
	Bits       []byte
	Signature  token.Signature // by the key that signs the list
}

const filterItems = 6

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

// NewFilter makes the filter of a list; it is signed by itself.
func NewFilter(l *List) Filter {
	n := uint64(len(l.Purses))
	values := make([]uint64, n)
	for i := range values {
		values[i] = spread(l.Purses[i], l.Sequence, n)
	}
	slices.Sort(values)
	f := Filter{Sequence: l.Sequence, TimeMillis: l.TimeMillis, Count: n}
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
		// Golomb-Rice as in BIP 158: the quotient in unary, riceBits of the rest. The values are even over
		// n·2^riceBits, so quotients are about 1 and the loop is short.
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

// Has says whether a purse may be revoked: never false for one that is. It reads the bits up to the purse's place: time
// is linear.
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
	// The largest value is held to the range in which spread makes them: with what was checked before, one list has
	// one filter.
	return value < max(1, f.Count<<riceBits)
}

// appendUnsigned encodes all but the signature, as the beginning of an array of so many items.
func (f *Filter) appendUnsigned(b []byte, items int) []byte {
	b = token.AppendUint(token.AppendArray(b, items), kindFilter)
	b = token.AppendUint(token.AppendUint(b, f.Sequence), f.TimeMillis)
	return token.AppendBytes(token.AppendUint(b, f.Count), f.Bits)
}

// Digest is what is signed.
func (f *Filter) Digest(network token.NetworkID) [32]byte {
	return digest(filterDomain, network, f.appendUnsigned(nil, filterItems-1))
}

// Sign signs the filter.
func (f *Filter) Sign(network token.NetworkID, signer token.Signer) (err error) {
	f.Signature, err = signer.Sign(f.Digest(network))
	return err
}

// Append encodes the filter.
func (f *Filter) Append(b []byte) []byte {
	return token.AppendBytes(f.appendUnsigned(b, filterItems), f.Signature[:])
}

// DecodeFilter reads one filter that fills data.
func DecodeFilter(data []byte) (Filter, error) {
	return whole(data, 2*MaxRevoked+128, func(d *token.Decoder) (f Filter) {
		d.Array("filter", filterItems, filterItems)
		kind(d, "filter", kindFilter)
		f.Sequence, f.TimeMillis = d.Uint("filter.sequence", 1<<53-1), d.Uint("filter.time", token.MaxValidUntil)
		f.Count = d.Uint("filter.count", MaxRevoked)
		f.Bits = d.Bytes("filter.bits", 0, 2*MaxRevoked)
		signature(d, "filter.signature", &f.Signature)
		if d.Err() == nil && !f.each(func(uint64) bool { return true }) {
			d.Fail(refuse(token.NotCanonical, "filter.bits", "not %d values", f.Count))
		}
		return f
	})
}

// Revocations is what a device has of a revocation list: the list, or its filter. Exactly one of the two is there.
type Revocations struct {
	List   *List
	Filter *Filter
}

// DecodeRevocations reads a list or a filter that fills data.
func DecodeRevocations(data []byte) (r Revocations, err error) {
	// The two differ in how many items their array has.
	if len(data) > 0 && data[0] == token.AppendArray(nil, filterItems)[0] {
		f, err := DecodeFilter(data)
		return Revocations{Filter: &f}, err
	}
	l, err := DecodeList(data)
	return Revocations{List: &l}, err
}

// Edition is the list's sequence, and when it was made, in Unix milliseconds.
func (r *Revocations) Edition() (sequence, timeMillis uint64) {
	if r.Filter != nil {
		return r.Filter.Sequence, r.Filter.TimeMillis
	}
	return r.List.Sequence, r.List.TimeMillis
}

// Count is how many purses are revoked.
func (r *Revocations) Count() int {
	if r.Filter != nil {
		return int(r.Filter.Count)
	}
	return len(r.List.Purses)
}

// Has says whether a purse is revoked, or by a filter may be: never false for one that is.
func (r *Revocations) Has(purse token.WalletID) bool {
	if r.Filter != nil {
		return r.Filter.Has(purse)
	}
	return r.List.Has(purse)
}

// Check checks the signature, and that it is not older than what is at hand; nil is for nothing at hand.
func (r *Revocations) Check(network token.NetworkID, key token.PublicKey, atHand *Revocations) *token.Error {
	var signed [32]byte
	var s *token.Signature
	if r.Filter != nil {
		signed, s = r.Filter.Digest(network), &r.Filter.Signature
	} else {
		signed, s = r.List.Digest(network), &r.List.Signature
	}
	if !token.Verify(key, signed, s) {
		return refuse(BadSignature, "signature", "the list is not signed by the key at hand")
	}
	return r.notBefore(atHand)
}

// notBefore checks that a list is not older than the one at hand. Lists of one sequence say the same of the ledger; the
// later one says that nothing was added until then.
func (r *Revocations) notBefore(atHand *Revocations) *token.Error {
	if atHand == nil {
		return nil
	}
	sequence, made := r.Edition()
	if had, hadMade := atHand.Edition(); sequence < had || sequence == had && made < hadMade {
		return refuse(OlderList, "sequence", "list %d of %d; list %d of %d is at hand", sequence, made, had, hadMade)
	}
	return nil
}
