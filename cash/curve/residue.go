package curve

import (
	"encoding/binary"
	"math/bits"
)

// residue is a number modulo n, the order of the curve, below n, the lowest word first. Scalars are mostly secret, so
// nothing here branches by value; the curve's library does at the end of an addition or multiplication, which is why
// it is not used.
type residue [4]uint64

// orderFold is 2^256 − n, of 129 bits.
const (
	orderFold0 = 0x402da1732fc9bebf
	orderFold1 = 0x4551231950b75fc4
)

// lessOrder sets z to z + carry·2^256 less n, if that is not negative: what is below 2n comes below n.
func (z *residue) lessOrder(carry uint64) {
	t0, c := bits.Add64(z[0], orderFold0, 0)
	t1, c := bits.Add64(z[1], orderFold1, c)
	t2, c := bits.Add64(z[2], 1, c)
	t3, c := bits.Add64(z[3], 0, c)
	(*element)(z).choose(carry|c, &element{t0, t1, t2, t3})
}

// add sets z to x + y.
func (z *residue) add(x, y *residue) {
	var c uint64
	for i := range z {
		z[i], c = bits.Add64(x[i], y[i], c)
	}
	z.lessOrder(c)
}

// sub sets z to x − y: what is borrowed is n too little.
func (z *residue) sub(x, y *residue) {
	var b uint64
	for i := range z {
		z[i], b = bits.Sub64(x[i], y[i], b)
	}
	fold := [4]uint64{-b & orderFold0, -b & orderFold1, b}
	b = 0
	for i := range z {
		z[i], b = bits.Sub64(z[i], fold[i], b)
	}
}

// halve sets z to x/2: an odd x becomes even by adding n.
func (z *residue) halve(x *residue) {
	odd := -(x[0] & 1)
	var c uint64
	t := *x
	for i, word := range [4]uint64{(1<<64 - 1) - orderFold0 + 1, (1<<64 - 1) - orderFold1, 1<<64 - 2, 1<<64 - 1} {
		t[i], c = bits.Add64(t[i], odd&word, c)
	}
	*z = residue{t[0]>>1 | t[1]<<63, t[1]>>1 | t[2]<<63, t[2]>>1 | t[3]<<63, t[3]>>1 | c<<63}
}

// mul sets z to x·y.
func (z *residue) mul(x, y *residue) {
	t := product(x, y)
	z.reduce(&t)
}

// product has all eight words.
func product(x, y *residue) (t [8]uint64) {
	for i := range x {
		var carry uint64
		for j := range y {
			t[i+j], carry = multiplyAdd(x[i], y[j], t[i+j], carry)
		}
		t[i+4] = carry
	}
	return t
}

// multiplyAdd is x·y + a + b, which two words hold.
func multiplyAdd(x, y, a, b uint64) (lo, hi uint64) {
	hi, lo = bits.Mul64(x, y)
	lo, c := bits.Add64(lo, a, 0)
	hi += c
	lo, c = bits.Add64(lo, b, 0)
	return lo, hi + c
}

// reduce folds what is above 256 bits in, until nothing is: 512 bits become 386, 260, and what is below 2n.
func (z *residue) reduce(t *[8]uint64) {
	for _, upper := range [3]int{4, 3, 1} { // words above, in each round
		var folded [8]uint64
		copy(folded[:4], t[:4])
		for i := range upper {
			var c uint64
			word := t[4+i]
			folded[i], c = multiplyAdd(word, orderFold0, folded[i], 0)
			folded[i+1], c = multiplyAdd(word, orderFold1, folded[i+1], c)
			folded[i+2], c = multiplyAdd(word, 1, folded[i+2], c)
			for j := i + 3; j < 8; j++ {
				folded[j], c = bits.Add64(folded[j], c, 0)
			}
		}
		*t = folded
	}
	copy(z[:], t[:4])
	z.lessOrder(t[4])
}

// setBytes reads up to 64 bytes, big-endian, modulo n.
func (z *residue) setBytes(b []byte) {
	var wide [64]byte
	copy(wide[64-len(b):], b)
	var t [8]uint64
	for i := range t {
		t[i] = binary.BigEndian.Uint64(wide[56-8*i:])
	}
	z.reduce(&t)
}

// putBytes writes 32 bytes, big-endian.
func (z *residue) putBytes(b []byte) { (*element)(z).putBytes(b) }
