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

	sum          points.Summer
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

// Verify says which of the signatures are valid, in order of adding. When the whole does not hold, it
// is halved until the culprits are found, so that one bad signature costs only a few checks more.
// random supplies the coefficients: 16 bytes for each signature and check.
func (b *Batch) Verify(random io.Reader, valid []bool) ([]bool, error) {
	valid = valid[:0]
	b.points = slices.Grow(b.points[:0], len(b.encoded))[:len(b.encoded)]
	b.onCurve = slices.Grow(b.onCurve[:0], len(b.encoded))[:len(b.encoded)]
	points.Decode(b.points, b.encoded, b.onCurve) // all together, which is a third of the cost of one after another
	for i, invalid := range b.invalid {
		valid = append(valid, !invalid && b.onCurve[i])
	}
	return valid, b.bisect(random, 0, len(valid), valid)
}

// bisect clears valid for those of [from, to) whose signature does not hold.
func (b *Batch) bisect(random io.Reader, from, to int, valid []bool) error {
	holds, err := b.holds(random, from, to, valid)
	if err != nil || holds {
		return err
	}
	if to-from == 1 {
		valid[from] = false
		return nil
	}
	middle := (from + to) / 2
	if err := b.bisect(random, from, middle, valid); err != nil {
		return err
	}
	return b.bisect(random, middle, to, valid)
}

const coefficientBytes = 16

// holds checks the equation over those of [from, to) that could be decoded.
func (b *Batch) holds(random io.Reader, from, to int, valid []bool) (bool, error) {
	n := to - from
	if cap(b.coefficients) < n*coefficientBytes {
		b.coefficients = make([]byte, n*coefficientBytes)
	}
	coefficients := b.coefficients[:n*coefficientBytes]
	if _, err := io.ReadFull(random, coefficients); err != nil {
		return false, err
	}
	for i := 0; i < len(coefficients); i += coefficientBytes {
		limit(coefficients[i : i+coefficientBytes])
	}
	if points.Wide() && n >= wideFrom {
		return b.holdsWide(coefficients, from, to, valid)
	}
	return b.holdsPlain(coefficients, from, to, valid)
}

// wideFrom is how many signatures make it worth clearing the buckets of a wide sum.
const wideFrom = 64

// holdsWide sums with the processor's wide instructions, where it has them.
func (b *Batch) holdsWide(coefficients []byte, from, to int, valid []bool) (bool, error) {
	b.sum.Reset()
	var base, z, zk, zs scalar.Scalar
	for i := from; i < to; i++ {
		if valid[i] {
			b.sum.AddShort(&b.points[i], (*[coefficientBytes]byte)(coefficients[(i-from)*coefficientBytes:]))
		}
	}
	var bytes [scalar.ScalarSize]byte
	for i := from; i < to; i++ {
		if !valid[i] {
			continue
		}
		if err := setCoefficient(&z, coefficients[(i-from)*coefficientBytes:]); err != nil {
			return false, err
		}
		base.Add(&base, zs.Mul(&z, &b.s[i]))
		zk.Mul(&z, &b.k[i])
		zk.Neg(&zk) // the key is decoded as −A
		if err := zk.ToBytes(bytes[:]); err != nil {
			return false, err
		}
		b.sum.Add(&b.keys[i].negA, &bytes)
	}
	base.Neg(&base)
	var sum curve.EdwardsPoint
	sum.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &base)
	return sum.Add(&sum, b.sum.Sum()).IsSmallOrder(), nil
}

// holdsPlain leaves the sum to the library.
func (b *Batch) holdsPlain(coefficients []byte, from, to int, valid []bool) (bool, error) {
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
		if err := setCoefficient(z, coefficients[(i-from)*coefficientBytes:]); err != nil {
			return false, err
		}
		var zs scalar.Scalar
		terms[0].Add(&terms[0], zs.Mul(z, &b.s[i]))
		zk.Mul(z, &b.k[i])
		zk.Neg(zk) // the key is decoded as −A
		refs, summands = append(refs, z, zk), append(summands, &b.points[i], &b.keys[i].negA)
	}
	terms[0].Neg(&terms[0])
	var sum curve.EdwardsPoint
	return sum.MultiscalarMulVartime(refs, summands).IsSmallOrder(), nil
}

// limit makes 126 bits of 128 random ones, and one of zero.
func limit(coefficient []byte) {
	coefficient[coefficientBytes-1] &= 0x3f
	if binary.LittleEndian.Uint64(coefficient) == 0 && binary.LittleEndian.Uint64(coefficient[8:]) == 0 {
		coefficient[0] = 1
	}
}

// setCoefficient reads a coefficient as a scalar.
func setCoefficient(z *scalar.Scalar, coefficient []byte) error {
	var bytes [scalar.ScalarSize]byte
	copy(bytes[:coefficientBytes], coefficient)
	_, err := z.SetBits(bytes[:])
	return err
}
