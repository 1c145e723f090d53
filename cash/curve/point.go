package curve

import "encoding/hex"

// Point is a point of secp256k1 other than infinity, which is the zero Point. Its coordinates are at hand, for
// decompressing costs a square root; they are canonical in every Point that this package hands out.
type Point struct{ x, y element }

// PointSize is the length of an encoded point, ScalarSize of a scalar.
const (
	PointSize  = 33
	ScalarSize = 32
)

// ParsePoint reads a compressed point (SEC 1 §2.3.4): 02 or 03 for an even or odd y, and x. Nothing else is a point:
// no uncompressed form, no infinity, no x of p and above.
func ParsePoint(b []byte) (Point, error) {
	if len(b) != PointSize {
		return Point{}, errorf(BadLength, "a point has %d bytes, not %d", PointSize, len(b))
	}
	if b[0] != 2 && b[0] != 3 {
		return Point{}, errorf(BadPrefix, "a point begins with 02 or 03, not %02x", b[0])
	}
	var p Point
	if !p.x.setBytes(b[1:]) {
		return Point{}, errorf(OutOfRange, "the x of a point is not below p")
	}
	if !p.liftX(b[0] == 3) {
		return Point{}, errorf(OffCurve, "no point of the curve has this x")
	}
	return p, nil
}

// liftX finds y² = x³ + 7, odd or even; false if x is of no point.
func (p *Point) liftX(odd bool) bool {
	var right element
	right.square(&p.x)
	right.mul(&right, &p.x)
	right.add(&right, &seven)
	if !p.y.sqrt(&right) {
		return false
	}
	p.y = p.y.canonical()
	if p.isOdd() != odd {
		p.y.negate(&p.y)
		p.y = p.y.canonical()
	}
	return true
}

func (p *Point) isOdd() bool { return p.y[0]&1 == 1 }

// IsZero says whether p is infinity. No point of the curve has a y of 0, its order being odd.
func (p Point) IsZero() bool { return p.y == element{} }

// Bytes is the compressed point; 33 zeros for the zero Point, which ParsePoint refuses.
func (p Point) Bytes() [PointSize]byte {
	var b [PointSize]byte
	if p.IsZero() {
		return b
	}
	b[0] = 2
	if p.isOdd() {
		b[0] = 3
	}
	p.x.putBytes(b[1:])
	return b
}

// uncompressed is the point as NUT-12 hashes it: 04, x, y (SEC 1 §2.3.3).
func (p Point) uncompressed() [65]byte {
	b := [65]byte{0: 4}
	p.x.putBytes(b[1:33])
	p.y.putBytes(b[33:])
	return b
}

// String is the compressed point in hexadecimal, as the protocol writes it.
func (p Point) String() string {
	b := p.Bytes()
	return hex.EncodeToString(b[:])
}
