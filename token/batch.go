package token

import (
	"crypto/sha512"
	"encoding/binary"
	"io"
	"slices"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"github.com/aqsha/aqsha/token/points"
)

// DecodedKey is a public key as a point of the curve, negated as verification needs it: 160 bytes
// that spare a square root each time the key verifies something.
type DecodedKey struct{ negA curve.EdwardsPoint }

// DecodeKey decodes a key under ZIP-215 rules: any encoding of any point. False means that
// no signature can be valid for it.
func DecodeKey(key PublicKey) (decoded DecodedKey, ok bool) {
	var compressed curve.CompressedEdwardsY
	copy(compressed[:], key[1:])
	if key.Algorithm() != Ed25519 {
		return decoded, false
	}
	if _, err := decoded.negA.SetCompressedY(&compressed); err != nil {
		return decoded, false
	}
	decoded.negA.Neg(&decoded.negA)
	return decoded, true
}

// DecodeKeys decodes keys as DecodeKey does, many together for less.
func DecodeKeys(keys []PublicKey, decoded []DecodedKey, ok []bool) {
	encoded, found := make([]points.Encoded, len(keys)), make([]curve.EdwardsPoint, len(keys))
	for i := range keys {
		copy(encoded[i][:], keys[i][1:])
	}
	points.Decode(found, encoded, ok)
	for i := range keys {
		if ok[i] = ok[i] && keys[i].Algorithm() == Ed25519; ok[i] {
			decoded[i].negA.Neg(&found[i])
		}
	}
}

// Batch verifies many signatures at once, by one equation with random coefficients
// (ZIP-215, "batch verification"): for signature i with key A, commitment R and scalar s over
// digest m, k = SHA-512(R ‖ A ‖ m),
//
//	[8]( −[Σ zᵢsᵢ]B + Σ [zᵢ]Rᵢ + Σ [zᵢkᵢ]Aᵢ ) = 0
//
// It gives the same answer as Verify for each, but for a chance of 2⁻¹²⁶. A Batch keeps its memory
// from one use to the next, and is used by one goroutine.
type Batch struct {
	encoded []points.Encoded     // Rᵢ as they stand in the signatures
	points  []curve.EdwardsPoint // Rᵢ, once verification has begun
	onCurve []bool
	keys    []DecodedKey
	s, k    []scalar.Scalar
	invalid []bool // could not even be decoded

	summed, alone int // signatures, over all equations of the last Verify, and those that it verified by themselves

	sum          points.Summer
	added        int    // how often a point was added to a bucket, or eight at once, for Plain
	subsets      []byte // drawn by Plain, and the same as words
	in           []uint32
	coefficients []byte
	terms        []scalar.Scalar
	termRefs     []*scalar.Scalar
	pointRefs    []*curve.EdwardsPoint
}

// Reset empties the batch.
func (b *Batch) Reset() {
	b.encoded, b.keys, b.s, b.k, b.invalid = b.encoded[:0], b.keys[:0], b.s[:0], b.k[:0], b.invalid[:0]
}

// Len is how many signatures were added.
func (b *Batch) Len() int { return len(b.keys) }

// Add adds a signature over a digest; decoded is the key's decoding, which is copied.
func (b *Batch) Add(key *PublicKey, decoded *DecodedKey, digest *[32]byte, signature *Signature) {
	i := len(b.keys)
	b.keys = append(b.keys, *decoded)
	b.encoded = append(b.encoded, points.Encoded(signature[1:33]))
	b.s, b.k = append(b.s, scalar.Scalar{}), append(b.k, scalar.Scalar{})
	b.invalid = append(b.invalid, !b.decode(i, key, digest, signature))
}

// decode takes s and k = SHA-512(R ‖ A ‖ m) of a signature, both modulo the group's order. An s that is not below the
// order is refused (RFC 8032, section 5.1.7): with the order added to it the equation would hold as well, and
// everybody could make a second signature of the first.
func (b *Batch) decode(i int, key *PublicKey, digest *[32]byte, signature *Signature) bool {
	if Algorithm(signature[0]) != Ed25519 || key.Algorithm() != Ed25519 || !scalar.ScMinimalVartime(signature[33:]) {
		return false
	}
	if _, err := b.s[i].SetBytesModOrder(signature[33:]); err != nil {
		return false
	}
	var preimage [96]byte
	copy(preimage[:], signature[1:33])
	copy(preimage[32:], key[1:])
	copy(preimage[64:], digest[:])
	sum := sha512.Sum512(preimage[:])
	_, err := b.k[i].SetBytesModOrderWide(sum[:])
	return err == nil
}

// Verify says which of the signatures are valid, in order of adding. When the whole does not hold, it is halved until
// the culprits are found. Forging costs a sender nothing, so what a forgery costs here is bounded: only the left half
// of what does not hold is summed, the right one's sum being the rest; few are verified one by one, and so are all that
// are left once there are more culprits than halving pays for. random supplies the coefficients: 16 bytes for each
// signature. Each equation is over coefficients that nobody knew who made the signatures, and the chances add up: below
// 2⁻¹¹³ for 4,096.
func (b *Batch) Verify(random io.Reader, valid []bool) ([]bool, error) {
	valid = valid[:0]
	n := len(b.encoded)
	b.points = slices.Grow(b.points[:0], n)[:n]
	b.onCurve = slices.Grow(b.onCurve[:0], n)[:n]
	points.Decode(b.points, b.encoded, b.onCurve) // all together, which is a third of the cost of one after another
	for i, invalid := range b.invalid {
		valid = append(valid, !invalid && b.onCurve[i])
	}
	b.coefficients = slices.Grow(b.coefficients[:0], n*coefficientBytes)[:n*coefficientBytes]
	if _, err := io.ReadFull(random, b.coefficients); err != nil {
		return nil, err // not valid, in which those are true that could be decoded
	}
	for c := range slices.Chunk(b.coefficients, coefficientBytes) {
		limit(c)
	}
	b.summed, b.alone = 0, 0
	h := hunt{batch: b, valid: valid, most: n / culpritsPart}
	whole, err := h.sum(0, n)
	if err != nil {
		return nil, err
	}
	return valid, h.find(0, n, whole)
}

// Below so many signatures halving costs more than verifying each; and with more than one culprit in so many, as
// BenchmarkBatchForged measures.
const (
	maxSingly    = 24
	culpritsPart = 64
)

// hunt is the search for signatures that do not hold.
type hunt struct {
	batch    *Batch
	valid    []bool
	culprits int // found so far
	most     int // with more than these, the rest is verified one by one
}

// find clears valid for those of [from, to) that do not hold; sum is theirs.
func (h *hunt) find(from, to int, sum curve.EdwardsPoint) error {
	if sum.IsSmallOrder() {
		return nil
	}
	if to-from <= maxSingly || h.culprits > h.most {
		h.singly(from, to)
		return nil
	}
	middle := (from + to) / 2
	left, err := h.sum(from, middle)
	if err != nil {
		return err
	}
	right := sum
	right.Sub(&sum, &left)
	if err := h.find(from, middle, left); err != nil {
		return err
	}
	return h.find(middle, to, right)
}

// singly verifies each of [from, to).
func (h *hunt) singly(from, to int) {
	for i := from; i < to; i++ {
		if !h.valid[i] {
			continue
		}
		h.batch.alone++
		if !h.batch.one(i) {
			h.valid[i] = false
			h.culprits++
		}
	}
}

// one checks one signature by itself: [8]( [s]B − [k]A − R ) = 0, the equation with the coefficient 1.
func (b *Batch) one(i int) bool {
	var sum curve.EdwardsPoint
	sum.DoubleScalarMulBasepointVartime(&b.k[i], &b.keys[i].negA, &b.s[i])
	return sum.Sub(&sum, &b.points[i]).IsSmallOrder()
}

const coefficientBytes = 16

// sum is the equation's left side over those of [from, to) that could be decoded, but for the cofactor.
func (h *hunt) sum(from, to int) (curve.EdwardsPoint, error) {
	h.batch.summed += to - from
	if points.Wide() && to-from >= wideFrom {
		return h.batch.sumWide(from, to, h.valid)
	}
	return h.batch.sumPlain(from, to, h.valid)
}

// coefficient is that of a signature.
func (b *Batch) coefficient(i int) *[coefficientBytes]byte {
	return (*[coefficientBytes]byte)(b.coefficients[i*coefficientBytes:])
}

// wideFrom is how many signatures make it worth clearing the buckets of a wide sum.
const wideFrom = 64

// sumWide sums with the processor's wide instructions, where it has them.
func (b *Batch) sumWide(from, to int, valid []bool) (sum curve.EdwardsPoint, err error) {
	b.sum.Reset()
	var base, z, zk, zs scalar.Scalar
	for i := from; i < to; i++ {
		if valid[i] {
			b.sum.AddShort(&b.points[i], b.coefficient(i))
		}
	}
	var bytes [scalar.ScalarSize]byte
	for i := from; i < to; i++ {
		if !valid[i] {
			continue
		}
		if err := setCoefficient(&z, b.coefficient(i)); err != nil {
			return sum, err
		}
		base.Add(&base, zs.Mul(&z, &b.s[i]))
		zk.Mul(&z, &b.k[i])
		zk.Neg(&zk) // the key is decoded as −A
		if err := zk.ToBytes(bytes[:]); err != nil {
			return sum, err
		}
		b.sum.Add(&b.keys[i].negA, &bytes)
	}
	base.Neg(&base)
	sum.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &base)
	sum.Add(&sum, b.sum.Sum())
	return sum, nil
}

// sumPlain leaves the sum to the library.
func (b *Batch) sumPlain(from, to int, valid []bool) (sum curve.EdwardsPoint, err error) {
	n := to - from
	if cap(b.terms) < 2*n+1 {
		b.terms = make([]scalar.Scalar, 2*n+1)
		b.termRefs = make([]*scalar.Scalar, 2*n+1)
		b.pointRefs = make([]*curve.EdwardsPoint, 2*n+1)
	}
	terms, refs, summands := b.terms[:1], b.termRefs[:0], b.pointRefs[:0]
	terms[0] = scalar.Scalar{}
	refs, summands = append(refs, &terms[0]), append(summands, curve.ED25519_BASEPOINT_POINT)
	for i := from; i < to; i++ {
		if !valid[i] {
			continue
		}
		at := len(terms)
		terms = terms[:at+2]
		z, zk := &terms[at], &terms[at+1]
		if err := setCoefficient(z, b.coefficient(i)); err != nil {
			return sum, err
		}
		var zs scalar.Scalar
		terms[0].Add(&terms[0], zs.Mul(z, &b.s[i]))
		zk.Mul(z, &b.k[i])
		zk.Neg(zk) // the key is decoded as −A
		refs, summands = append(refs, z, zk), append(summands, &b.points[i], &b.keys[i].negA)
	}
	terms[0].Neg(&terms[0])
	sum.MultiscalarMulVartime(refs, summands)
	return sum, nil
}

// limit makes 126 bits of 128 random ones, and one of zero.
func limit(coefficient []byte) {
	coefficient[coefficientBytes-1] &= 0x3f
	if binary.LittleEndian.Uint64(coefficient) == 0 && binary.LittleEndian.Uint64(coefficient[8:]) == 0 {
		coefficient[0] = 1
	}
}

// setCoefficient reads a coefficient as a scalar.
func setCoefficient(z *scalar.Scalar, coefficient *[coefficientBytes]byte) error {
	var bytes [scalar.ScalarSize]byte
	copy(bytes[:], coefficient[:])
	_, err := z.SetBits(bytes[:])
	return err
}
