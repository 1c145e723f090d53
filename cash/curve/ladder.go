package curve

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fp"
)

const tableSize = 1 << (digitBits - 1)

// table has the odd multiples 1, 3, … 31 of a point.
type table [tableSize]Point

// pick sets q to digit·P, digit = 2·index − 31: the sign is the complement of the highest bit. Every entry is read.
func (t *table) pick(q *Point, index uint64) {
	negative := index>>(digitBits-1) ^ 1
	index = (index ^ -negative) & (tableSize - 1)
	var x, y element
	for i := range t {
		difference := uint64(i) ^ index
		mask := (difference - 1) >> 63 // 1 if equal: all are small
		mask = -mask
		e := &t[i]
		x[0] |= e.x[0] & mask
		x[1] |= e.x[1] & mask
		x[2] |= e.x[2] & mask
		x[3] |= e.x[3] & mask
		y[0] |= e.y[0] & mask
		y[1] |= e.y[1] & mask
		y[2] |= e.y[2] & mask
		y[3] |= e.y[3] & mask
	}
	var opposite element
	opposite.negate(&y)
	y.choose(negative, &opposite)
	q.x, q.y = x, y
}

// ladder has the odd multiples of a point P and of λ·P, and the point itself for what the tables cannot do. Their
// coordinates are those of an isomorphic curve, (x·u², y·u³) for (x, y): the formulas do not know the difference, and
// a random u makes all that they handle random, whoever chose P. A sum there is one here, with its denominator
// multiplied by u.
type ladder struct {
	of         Point
	plain, phi table
	u          element
}

// unblinded is the factor where nothing is secret, or P was not chosen by others.
var unblinded element

// newLadder makes the tables. The factor blinds the coordinates, if it is not 0.
func newLadder(p *Point, factor *element) *ladder {
	l := &ladder{of: *p, u: one}
	start := p.jacobian()
	if !factor.isZeroVar() {
		l.u = *factor
		start.rescale(factor)
	}
	// On the curve where d = 2P has the denominator 1, P is (x·z², y·z³), z being d's denominator.
	var d jacobian
	d.double(&start)
	start.rescale(&d.z)
	l.u.mul(&l.u, &d.z)
	twice := Point{d.x, d.y}

	var multiples [tableSize]jacobian
	var steps [tableSize]element // by which each denominator is larger than the one before
	multiples[0] = start
	for i := 1; i < tableSize; i++ {
		multiples[i] = multiples[i-1]
		multiples[i].addAffineStep(&twice, &steps[i])
	}
	l.u.mul(&l.u, &multiples[tableSize-1].z)
	// All get the denominator of the last, without dividing: each lacks the product of the steps after it.
	missing := one
	for i := tableSize - 1; i >= 0; i-- {
		m := &multiples[i]
		m.rescale(&missing)
		l.plain[i] = Point{m.x, m.y}
		l.phi[i].x.mul(&m.x, &rootOfOne)
		l.phi[i].y = m.y
		missing.mul(&missing, &steps[i])
	}
	return l
}

// rescale multiplies x by f² and y by f³: the same point on an isomorphic curve, or with another denominator.
func (p *jacobian) rescale(f *element) {
	var square element
	square.square(f)
	p.x.mul(&p.x, &square)
	square.mul(&square, f)
	p.y.mul(&p.y, &square)
}

// multiply is the sum of k·P over the scalars given: one or two, as a scalar is split in two.
func (l *ladder) multiply(scalars ...residue) jacobian {
	var low, high [2]digits
	for i := range scalars {
		low[i], high[i] = halves(&scalars[i])
	}
	var sum jacobian
	var q Point
	for i := halfDigits - 1; i >= 0; i-- {
		if i < halfDigits-1 {
			for range digitBits {
				sum.double(&sum)
			}
		}
		for j := range scalars {
			l.plain.pick(&q, uint64(low[j][i]))
			if i == halfDigits-1 && j == 0 {
				// Digits are odd and never zero, so every step adds one entry of each table: the run of operations is
				// the same for every scalar.
				sum = jacobian{q.x, q.y, one}
			} else {
				sum.addAffine(&q)
			}
			l.phi.pick(&q, uint64(high[j][i]))
			sum.addAffine(&q)
		}
	}
	// addAffine is not complete: where two summands are equal or opposite the denominator is zero, and stays so. Which
	// scalars meet that does not depend on the point, so nobody brings it about by choosing one.
	if sum.z.isZeroVar() {
		return l.exceptional(scalars)
	}
	sum.z.mul(&sum.z, &l.u)
	return sum
}

// exceptional multiplies where the ladder met equal or opposite points: the product is infinity, or a scalar is the
// double of a digit, which a test's is and a random one is with a chance of 2^-120.
func (l *ladder) exceptional(scalars []residue) jacobian {
	var k residue
	for i := range scalars {
		k.add(&k, &scalars[i])
	}
	return multiplyVar(&l.of, &k)
}

// multiplyVar is k·P by the library of the curve.
func multiplyVar(p *Point, k *residue) jacobian {
	var x, y [ScalarSize]byte
	p.x.putBytes(x[:])
	p.y.putBytes(y[:])
	var q secp256k1.G1Affine
	q.X.SetBytes(x[:])
	q.Y.SetBytes(y[:])
	k.putBytes(x[:])
	q.ScalarMultiplication(&q, new(big.Int).SetBytes(x[:]))
	return fromLibrary(&q)
}

func fromLibrary(q *secp256k1.G1Affine) jacobian {
	if q.IsInfinity() {
		return jacobian{}
	}
	read := func(e *fp.Element) element { return e.Bits() }
	return jacobian{read(&q.X), read(&q.Y), one}
}
