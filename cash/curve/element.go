package curve

import (
	"encoding/binary"
	"math/bits"
)

// element is a number modulo p = 2^256 − fold, the lowest word first. It is any of the one or two numbers below 2^256
// that are congruent; canonical makes it the one below p. p is so near to 2^256 that what a product has above 256
// bits is folded in by five multiplications, where a form of Montgomery takes twenty: half of the time of a general
// library's.
//
// No operation branches or looks up by value, except those whose names end in Var.
type element [4]uint64

// fold is 2^256 − p.
const fold = 1<<32 + 977

var (
	one   = element{1}
	seven = element{7}
	// rootOfOne is β, a cube root of one: (β·x, y) is λ·(x, y).
	rootOfOne = element{0xc1396c28719501ee, 0x9cf0497512f58995, 0x6e64479eac3434e9, 0x7ae96a2b657c0710}
)

// mulGeneric sets z to x·y.
func (z *element) mulGeneric(x, y *element) {
	var t [8]uint64
	var c uint64
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]

	// Schoolbook, row by row, 16 products. No carry is lost: a row is at most (2²⁵⁶−1)(2⁶⁴−1), which with the sum so
	// far fits its five words. No branch depends on the values, for they may be secret.
	v := y[0]
	h0, t0 := bits.Mul64(x0, v)
	h1, l1 := bits.Mul64(x1, v)
	h2, l2 := bits.Mul64(x2, v)
	h3, l3 := bits.Mul64(x3, v)
	t1, c := bits.Add64(h0, l1, 0)
	t2, c := bits.Add64(h1, l2, c)
	t3, c := bits.Add64(h2, l3, c)
	t4 := h3 + c

	v = y[1]
	h0, l0 := bits.Mul64(x0, v)
	h1, l1 = bits.Mul64(x1, v)
	h2, l2 = bits.Mul64(x2, v)
	h3, l3 = bits.Mul64(x3, v)
	l1, c = bits.Add64(h0, l1, 0)
	l2, c = bits.Add64(h1, l2, c)
	l3, c = bits.Add64(h2, l3, c)
	h3 += c
	t1, c = bits.Add64(t1, l0, 0)
	t2, c = bits.Add64(t2, l1, c)
	t3, c = bits.Add64(t3, l2, c)
	t4, c = bits.Add64(t4, l3, c)
	t5 := h3 + c

	v = y[2]
	h0, l0 = bits.Mul64(x0, v)
	h1, l1 = bits.Mul64(x1, v)
	h2, l2 = bits.Mul64(x2, v)
	h3, l3 = bits.Mul64(x3, v)
	l1, c = bits.Add64(h0, l1, 0)
	l2, c = bits.Add64(h1, l2, c)
	l3, c = bits.Add64(h2, l3, c)
	h3 += c
	t2, c = bits.Add64(t2, l0, 0)
	t3, c = bits.Add64(t3, l1, c)
	t4, c = bits.Add64(t4, l2, c)
	t5, c = bits.Add64(t5, l3, c)
	t6 := h3 + c

	v = y[3]
	h0, l0 = bits.Mul64(x0, v)
	h1, l1 = bits.Mul64(x1, v)
	h2, l2 = bits.Mul64(x2, v)
	h3, l3 = bits.Mul64(x3, v)
	l1, c = bits.Add64(h0, l1, 0)
	l2, c = bits.Add64(h1, l2, c)
	l3, c = bits.Add64(h2, l3, c)
	h3 += c
	t3, c = bits.Add64(t3, l0, 0)
	t4, c = bits.Add64(t4, l1, c)
	t5, c = bits.Add64(t5, l2, c)
	t6, c = bits.Add64(t6, l3, c)
	t = [8]uint64{t0, t1, t2, t3, t4, t5, t6, h3 + c}
	z.reduce(&t)
}

// squareGeneric sets z to x²: each product of two words is computed once and doubled.
func (z *element) squareGeneric(x *element) {
	var c uint64
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	h01, t1 := bits.Mul64(x0, x1)
	h02, l02 := bits.Mul64(x0, x2)
	h03, l03 := bits.Mul64(x0, x3)
	h12, l12 := bits.Mul64(x1, x2)
	h13, l13 := bits.Mul64(x1, x3)
	h23, l23 := bits.Mul64(x2, x3)

	t2, c := bits.Add64(h01, l02, 0)
	t3, c := bits.Add64(h02, l03, c)
	t4, c := bits.Add64(h03, l13, c)
	t5, c := bits.Add64(h13, l23, c)
	t6 := h23 + c
	t3, c = bits.Add64(t3, l12, 0)
	t4, c = bits.Add64(t4, h12, c)
	t5, c = bits.Add64(t5, 0, c)
	t6 += c

	// The sum of mixed products is less than 2⁵¹¹, so doubling it by a shift loses no bit.
	t7 := t6 >> 63
	t6 = t6<<1 | t5>>63
	t5 = t5<<1 | t4>>63
	t4 = t4<<1 | t3>>63
	t3 = t3<<1 | t2>>63
	t2 = t2<<1 | t1>>63
	t1 <<= 1

	h0, t0 := bits.Mul64(x0, x0)
	h1, l1 := bits.Mul64(x1, x1)
	h2, l2 := bits.Mul64(x2, x2)
	h3, l3 := bits.Mul64(x3, x3)
	t1, c = bits.Add64(t1, h0, 0)
	t2, c = bits.Add64(t2, l1, c)
	t3, c = bits.Add64(t3, h1, c)
	t4, c = bits.Add64(t4, l2, c)
	t5, c = bits.Add64(t5, h2, c)
	t6, c = bits.Add64(t6, l3, c)
	t7, _ = bits.Add64(t7, h3, c)
	t := [8]uint64{t0, t1, t2, t3, t4, t5, t6, t7}
	z.reduce(&t)
}

// reduce folds the upper half of a product in: 2^256 is congruent to fold. What that leaves above, at most 33 bits
// and a carry, is folded again; a last carry leaves a number so small that it cannot carry once more.
func (z *element) reduce(t *[8]uint64) {
	var c uint64
	h0, l0 := bits.Mul64(t[4], fold)
	h1, l1 := bits.Mul64(t[5], fold)
	h2, l2 := bits.Mul64(t[6], fold)
	h3, l3 := bits.Mul64(t[7], fold)
	l1, c = bits.Add64(h0, l1, 0)
	l2, c = bits.Add64(h1, l2, c)
	l3, c = bits.Add64(h2, l3, c)
	h3 += c
	t0, c := bits.Add64(t[0], l0, 0)
	t1, c := bits.Add64(t[1], l1, c)
	t2, c := bits.Add64(t[2], l2, c)
	t3, c := bits.Add64(t[3], l3, c)
	h3 += c
	hi, lo := bits.Mul64(h3, fold)
	t0, c = bits.Add64(t0, lo, 0)
	t1, c = bits.Add64(t1, hi, c)
	t2, c = bits.Add64(t2, 0, c)
	t3, c = bits.Add64(t3, 0, c)
	t0, c = bits.Add64(t0, -c&fold, 0)
	z[0], z[1], z[2], z[3] = t0, t1+c, t2, t3
}

// add sets z to x + y.
func (z *element) add(x, y *element) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	t0, c = bits.Add64(t0, -c&fold, 0)
	t1, c = bits.Add64(t1, 0, c)
	t2, c = bits.Add64(t2, 0, c)
	t3, c = bits.Add64(t3, 0, c)
	z[0], z[1], z[2], z[3] = t0+(-c&fold), t1, t2, t3
}

// sub sets z to x − y.
func (z *element) sub(x, y *element) {
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	t0, b = bits.Sub64(t0, -b&fold, 0)
	t1, b = bits.Sub64(t1, 0, b)
	t2, b = bits.Sub64(t2, 0, b)
	t3, b = bits.Sub64(t3, 0, b)
	z[0], z[1], z[2], z[3] = t0-(-b&fold), t1, t2, t3
}

// negate sets z to −x.
func (z *element) negate(x *element) { z.sub(&element{}, x) }

// halve sets z to x/2: an odd x becomes even by adding p.
func (z *element) halve(x *element) {
	odd := -(x[0] & 1)
	t0, c := bits.Add64(x[0], odd&(1<<64-fold), 0)
	t1, c := bits.Add64(x[1], odd, c)
	t2, c := bits.Add64(x[2], odd, c)
	t3, c := bits.Add64(x[3], odd, c)
	z[0], z[1], z[2], z[3] = t0>>1|t1<<63, t1>>1|t2<<63, t2>>1|t3<<63, t3>>1|c<<63
}

// canonical is the number below p.
func (z *element) canonical() element {
	t0, c := bits.Add64(z[0], fold, 0)
	t1, c := bits.Add64(z[1], 0, c)
	t2, c := bits.Add64(z[2], 0, c)
	t3, c := bits.Add64(z[3], 0, c)
	r := *z
	r.choose(c, &element{t0, t1, t2, t3})
	return r
}

// choose sets z to x if bit is 1 and leaves it if 0.
func (z *element) choose(bit uint64, x *element) {
	for i := range z {
		z[i] ^= -bit & (z[i] ^ x[i])
	}
}

// isZeroVar says whether z is 0 or p.
func (z *element) isZeroVar() bool {
	if z[3] == 0 {
		return z[0]|z[1]|z[2] == 0
	}
	return z[3]&z[2]&z[1] == 1<<64-1 && z[0] == 1<<64-fold
}

// squaresGeneric sets z to x^(2^times).
func (z *element) squaresGeneric(x *element, times int) {
	*z = *x
	for range times {
		z.squareGeneric(z)
	}
}

// grow sets z to a^(2^times)·b: of a power with a run of ones, one with a longer run.
func (z *element) grow(a *element, times int, b *element) {
	var t element
	t.squares(a, times)
	z.mul(&t, b)
}

// runs are x to the powers of 2, 22 and 223 ones, of which the exponents of roots and inverses are made.
func (x *element) runs() (x2, x22, x223 element) {
	var x3, x6, x9, x11, x44, x88, x176, x220 element
	x2.grow(x, 1, x)
	x3.grow(&x2, 1, x)
	x6.grow(&x3, 3, &x3)
	x9.grow(&x6, 3, &x3)
	x11.grow(&x9, 2, &x2)
	x22.grow(&x11, 11, &x11)
	x44.grow(&x22, 22, &x22)
	x88.grow(&x44, 44, &x44)
	x176.grow(&x88, 88, &x88)
	x220.grow(&x176, 44, &x44)
	x223.grow(&x220, 3, &x3)
	return x2, x22, x223
}

// sqrt sets z to x^((p+1)/4), a root if x has one, and says whether it has. The exponent has runs of 223, 22 and 2
// ones.
func (z *element) sqrt(x *element) bool {
	a := *x
	x2, x22, x223 := a.runs()
	z.grow(&x223, 23, &x22)
	z.grow(z, 6, &x2)
	z.squares(z, 2)
	var t element
	t.square(z)
	t.sub(&t, &a)
	return t.isZeroVar()
}

// invert sets z to x^(p−2), which is 1/x, or 0 if x is 0. The exponent has runs of 223, 22, 1, 2 and 1 ones. It takes
// the same time whatever x is, and half of that of the library's greatest common divisor.
func (z *element) invert(x *element) {
	a := *x
	x2, x22, x223 := a.runs()
	z.grow(&x223, 23, &x22)
	z.grow(z, 5, &a)
	z.grow(z, 3, &x2)
	z.grow(z, 2, &a)
}

// setBytes reads 32 bytes, big-endian, and says whether they are a number below p.
func (z *element) setBytes(b []byte) bool {
	for i := range z {
		z[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	return z.canonical() == *z
}

// putBytes writes a canonical element, big-endian.
func (z *element) putBytes(b []byte) {
	for i := range z {
		binary.BigEndian.PutUint64(b[24-8*i:], z[i])
	}
}
