package points

import (
	"encoding/binary"
	"unsafe"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

// Encoded is a compressed point: y, little-endian, and the sign of x in the highest bit.
type Encoded [32]byte

// lanes is how many points are decoded side by side.
const lanes = 8

// wide says whether points are decoded side by side: the processor can, and the library keeps its points as
// this package believes it does.
var wide = supported && fits()

// Decode decodes points and says of each whether it is one.
func Decode(points []curve.EdwardsPoint, encoded []Encoded, valid []bool) {
	for len(encoded) > 0 && wide {
		n := min(lanes, len(encoded))
		decode8(points[:n], encoded[:n], valid[:n])
		points, encoded, valid = points[n:], encoded[n:], valid[n:]
	}
	for i := range encoded {
		_, err := points[i].SetCompressedY((*curve.CompressedEdwardsY)(&encoded[i]))
		valid[i] = err == nil
	}
}

// extended is a point as the library keeps it: x = X/Z, y = Y/Z, xy = T/Z.
type extended struct{ x, y, z, t fieldElement }

// raw shows a point's coordinates. The library has no way to set them.
func raw(p *curve.EdwardsPoint) *extended { return (*extended)(unsafe.Pointer(p)) }

// fits checks, on the base point, that the library's points are what raw takes them for.
func fits() bool {
	if unsafe.Sizeof(curve.EdwardsPoint{}) != unsafe.Sizeof(extended{}) {
		return false
	}
	var p curve.EdwardsPoint
	base := [1]Encoded{0: {0x58}}
	for i := 1; i < len(base[0]); i++ {
		base[0][i] = 0x66
	}
	var valid [1]bool
	decode8((*[1]curve.EdwardsPoint)(unsafe.Pointer(&p))[:], base[:], valid[:])
	return valid[0] && p.Equal(curve.ED25519_BASEPOINT_POINT) == 1
}

// Constants of the curve.
var (
	one      = fieldElement{1}
	curveD   = fieldElement{929955233495203, 466365720129213, 1662059464998953, 2033849074728123, 1442794654840575}
	rootOfM1 = fieldElement{1718705420411056, 234908883556509, 2233514472574048, 2117202627021982, 765476049583133}

	one8, curveD8, rootOfM18 = broadcast(one), broadcast(curveD), broadcast(rootOfM1)
)

// decode8 decodes up to eight points: x² = u/v with u = y² − 1 and v = dy² + 1 (RFC 8032 §5.1.3, with the shorter
// formula of its erratum 5758).
func decode8(points []curve.EdwardsPoint, encoded []Encoded, valid []bool) {
	var y, yy, u, v, w, r, check, other, same, opposite element8
	for l := range encoded {
		var words [4]uint64
		for i := range words {
			words[i] = binary.LittleEndian.Uint64(encoded[l][8*i:])
		}
		y.load(l, &words)
	}
	// y is not reduced and not refused when it is p or more: ZIP-215 takes every encoding of a point, as
	// R-SIGN-ZIP215 says.
	yy.square(&y, 1)
	u.sub(&yy, &one8)
	v.mul(&yy, &curveD8)
	v.add(&v, &one8)
	w.mul(&u, &v)
	w.powerP58(&w)
	r.mul(&u, &w)
	check.square(&r, 1)
	check.mul(&check, &v)
	other.mul(&r, &rootOfM18)
	// v·r² is u, or −u, and then r·√−1 is the root; if it is neither, u/v is no square and the bytes are no point.
	// Both are compared as differences, for lanes are not kept in one form.
	same.sub(&check, &u)
	opposite.add(&check, &u)
	var x element8
	for l := range encoded {
		root := r.lane(l)
		valid[l] = same.lane(l).isZero()
		if !valid[l] && opposite.lane(l).isZero() {
			root, valid[l] = other.lane(l), true
		}
		root = root.canonical()
		// A zero root with the sign bit set stays zero: RFC 8032 refuses it, ZIP-215 does not.
		if root[0]&1 != uint64(encoded[l][31]>>7) {
			root = root.negate()
		}
		for i := range root {
			x[i][l] = root[i]
		}
	}
	var t element8
	t.mul(&x, &y)
	for l := range encoded {
		if valid[l] {
			*raw(&points[l]) = extended{x.lane(l), y.lane(l), one, t.lane(l)}
		}
	}
}

// negate takes a canonical element from p, zero from zero.
func (f fieldElement) negate() fieldElement {
	if f == (fieldElement{}) {
		return f
	}
	borrow := uint64(0)
	p := fieldElement{mask51 - 18, mask51, mask51, mask51, mask51}
	for i := range f {
		d := p[i] - f[i] - borrow
		borrow = d >> 63
		f[i] = d & mask51
	}
	return f
}

// powerP58 raises to (p − 5)/8 = 2^252 − 3.
func (e *element8) powerP58(x *element8) {
	base := *x
	var t0, t1, t2, t3 element8
	t0.square(&base, 1)
	t1.square(&t0, 2)
	t1.mul(&base, &t1) // 9
	t0.mul(&t0, &t1)   // 11
	t0.square(&t0, 1)
	t0.mul(&t1, &t0) // 2^5 − 1
	grow := func(out, a, b *element8, times int) {
		t3.square(a, times)
		out.mul(&t3, b)
	}
	grow(&t0, &t0, &t0, 5)   // 2^10 − 1
	grow(&t1, &t0, &t0, 10)  // 2^20 − 1
	grow(&t2, &t1, &t1, 20)  // 2^40 − 1
	grow(&t1, &t2, &t0, 10)  // 2^50 − 1
	grow(&t2, &t1, &t1, 50)  // 2^100 − 1
	grow(&t2, &t2, &t2, 100) // 2^200 − 1
	grow(&t2, &t2, &t1, 50)  // 2^250 − 1
	grow(e, &t2, &base, 2)
}
