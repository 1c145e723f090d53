package token

import (
	"io"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Verifiers differ about a few signatures that only their maker can make. ZIP-215 takes what holds after both sides of
// the equation are multiplied by the cofactor 8; OpenSSL, WebCrypto and most libraries compute the commitment R from
// the rest and compare its bytes. They part where R, or the key A, has a component of small order, or R is not encoded
// as the curve's points are. The log's rule is ZIP-215, so that everybody who follows it agrees, alone or in batches.
// But a node lets no signature in that others refuse: one would keep everybody who verifies the log with such a library
// from going on.

// plainRounds is how many random sums stand for all points of a batch: a component of small order stays in at least
// half of the sums, so that it escapes all of them with a chance of at most 2⁻³².
const plainRounds = 32

// plainAlone is for how few points it costs less to look at each.
const plainAlone = 40

// ofPrimeOrder says whether a point has no component of small order: [L]P = 0. Nothing in it is secret, so that the
// faster way of multiplying will do.
func ofPrimeOrder(p *curve.EdwardsPoint) bool {
	var product curve.EdwardsPoint
	var zero scalar.Scalar
	return product.DoubleScalarMulBasepointVartime(scalar.BASEPOINT_ORDER, p, &zero).IsIdentity()
}

// torsionFree clears of[i] for each point that has a component of small order. refs are the points to look at.
func torsionFree(random io.Reader, points []*curve.EdwardsPoint, of []bool) error {
	if len(points) < plainAlone {
		for i, p := range points {
			of[i] = ofPrimeOrder(p)
		}
		return nil
	}
	free, err := sumsTorsionFree(random, points)
	if err != nil {
		return err
	}
	if free {
		for i := range of {
			of[i] = true
		}
		return nil
	}
	half := len(points) / 2
	if err := torsionFree(random, points[:half], of[:half]); err != nil {
		return err
	}
	return torsionFree(random, points[half:], of[half:])
}

// sumsTorsionFree looks at sums of random subsets of points, until one shows a component of small order.
func sumsTorsionFree(random io.Reader, points []*curve.EdwardsPoint) (bool, error) {
	subset := make([]byte, (len(points)+7)/8)
	for range plainRounds {
		if _, err := io.ReadFull(random, subset); err != nil {
			return false, err
		}
		var sum curve.EdwardsPoint
		sum.Identity()
		for i, p := range points {
			if subset[i/8]>>(i%8)&1 == 1 {
				sum.Add(&sum, p)
			}
		}
		if !ofPrimeOrder(&sum) {
			return false, nil
		}
	}
	return true, nil
}

// plainEncoding says whether 32 bytes are a point's only encoding by RFC 8032: y below 2^255 − 19, and no sign where x
// is zero.
func plainEncoding(b []byte) bool {
	high := b[31] & 0x7f
	middle := byte(0xff) // all ones?
	zeros := byte(0)
	for _, v := range b[1:31] {
		middle &= v
		zeros |= v
	}
	if high == 0x7f && middle == 0xff && b[0] >= 0xed {
		return false
	}
	// x is zero for y = 1 and y = −1 alone.
	one := high == 0 && zeros == 0 && b[0] == 1
	minusOne := high == 0x7f && middle == 0xff && b[0] == 0xec
	return b[31]>>7 == 0 || !(one || minusOne)
}

// Plain says of each signature that was added, in order, whether verifiers without the cofactor judge it as Verify
// does: neither the commitment nor the key has a component of small order, and the commitment is encoded in the one
// way. known are keys that are known to have none. It is asked after Verify, and its answer counts for signatures that
// are valid.
func (b *Batch) Plain(random io.Reader, known, plain []bool) ([]bool, error) {
	plain = plain[:0]
	refs, at := make([]*curve.EdwardsPoint, 0, 2*len(b.encoded)), make([]int, 0, 2*len(b.encoded))
	for i := range b.encoded {
		plain = append(plain, b.onCurve[i] && plainEncoding(b.encoded[i][:]))
		if !plain[i] {
			continue
		}
		refs, at = append(refs, &b.points[i]), append(at, i)
		if !known[i] {
			refs, at = append(refs, &b.keys[i].negA), append(at, i)
		}
	}
	free := make([]bool, len(refs))
	if err := torsionFree(random, refs, free); err != nil {
		return plain, err
	}
	for j, i := range at {
		plain[i] = plain[i] && free[j]
	}
	return plain, nil
}

// PlainSignature is Plain for one signature under a key, without anything known.
func PlainSignature(key PublicKey, s *Signature) bool {
	var r curve.EdwardsPoint
	var encoded curve.CompressedEdwardsY
	copy(encoded[:], s[1:33])
	if _, err := r.SetCompressedY(&encoded); err != nil || !plainEncoding(encoded[:]) || !ofPrimeOrder(&r) {
		return false
	}
	decoded, ok := DecodeKey(key)
	return ok && ofPrimeOrder(&decoded.negA)
}
