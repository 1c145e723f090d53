package token

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"github.com/aqsha/aqsha/token/points"
)

// Verifiers differ about a few signatures that only their maker can make. ZIP-215 takes what holds after both sides of
// the equation are multiplied by the cofactor 8; OpenSSL, WebCrypto and most libraries compute the commitment R from
// the rest and compare its bytes. They part where R, or the key A, has a component of small order, or R is not encoded
// as the curve's points are. The log's rule is ZIP-215, so that everybody who follows it agrees, alone or in batches.
// But a node lets no signature in that others refuse: one would keep everybody who verifies the log with such a library
// from going on.

// So many random sums stand for all points of a batch: a component of small order stays in at least half of the sums,
// so that it escapes all of them with a chance of at most 2⁻³².
const plainRounds = points.Subsets

// plainAlone is for how few points it costs less to look at each.
const plainAlone = 40

// ofPrimeOrder says whether a point has no component of small order: [L]P = 0. Nothing in it is secret, so that the
// faster way of multiplying will do.
func ofPrimeOrder(p *curve.EdwardsPoint) bool {
	var product curve.EdwardsPoint
	var zero scalar.Scalar
	return product.DoubleScalarMulBasepointVartime(scalar.BASEPOINT_ORDER, p, &zero).IsIdentity()
}

// torsionFree says of each point whether it has no component of small order. Points are as decoded, or their negatives.
func (b *Batch) torsionFree(random io.Reader, all []*curve.EdwardsPoint, free []bool) error {
	if len(all) < plainAlone {
		b.eachTorsionFree(all, free)
		return nil
	}
	none, err := b.sumsTorsionFree(random, all)
	if err != nil {
		return err
	}
	if none {
		for i := range free {
			free[i] = true
		}
		return nil
	}
	half := len(all) / 2
	if err := b.torsionFree(random, all[:half], free[:half]); err != nil {
		return err
	}
	return b.torsionFree(random, all[half:], free[half:])
}

// eachTorsionFree looks at each of a few points: eight side by side where the processor can, which takes as long as
// looking at two or three of them alone.
func (b *Batch) eachTorsionFree(all []*curve.EdwardsPoint, free []bool) {
	if points.Wide() && len(all) > 2 {
		b.sum.PrimeOrder(all, free)
		return
	}
	for i, p := range all {
		free[i] = ofPrimeOrder(p)
	}
}

// sumsTorsionFree looks at sums over random subsets of points: whether none shows a component of small order.
func (b *Batch) sumsTorsionFree(random io.Reader, all []*curve.EdwardsPoint) (bool, error) {
	drawn := slices.Grow(b.subsets[:0], 4*len(all))[:4*len(all)]
	b.subsets = drawn
	if _, err := io.ReadFull(random, drawn); err != nil {
		return false, err
	}
	in := slices.Grow(b.in[:0], len(all))[:len(all)]
	b.in = in
	for i := range in {
		in[i] = binary.LittleEndian.Uint32(drawn[4*i:])
	}
	if points.Wide() {
		none := b.sum.TorsionFree(all, in)
		b.added += b.sum.Added()
		return none, nil
	}
	return b.subsetsTorsionFree(all, in), nil
}

// subsetsTorsionFree is for processors without wide instructions.
func (b *Batch) subsetsTorsionFree(all []*curve.EdwardsPoint, in []uint32) bool {
	for first := 0; first < plainRounds; first += subsetColumn {
		sums, added := subsetSums(all, in, first)
		b.added += added
		for i := range sums {
			if !ofPrimeOrder(&sums[i]) {
				return false
			}
		}
	}
	return true
}

// subsetColumn is how many subsets are summed together: by buckets, one for each way of being in some and not in others
// of them, so that each point is added once, and not half as often as there are subsets.
const subsetColumn = 8

// subsetSums are the sums over eight subsets, of bits from one on, and how many points were added to buckets.
func subsetSums(all []*curve.EdwardsPoint, in []uint32, first int) (
	sums [subsetColumn]curve.EdwardsPoint, added int) {
	var buckets [1 << subsetColumn]curve.EdwardsPoint
	for i := range buckets {
		buckets[i].Identity()
	}
	for i, p := range all {
		bucket := &buckets[in[i]>>first%(1<<subsetColumn)]
		bucket.Add(bucket, p)
		added++
	}
	for bit := subsetColumn - 1; bit >= 0; bit-- { // the upper half are in this subset; then they count as the lower
		half := 1 << bit
		sums[bit].Identity()
		for i := half; i < 2*half; i++ {
			sums[bit].Add(&sums[bit], &buckets[i])
			buckets[i-half].Add(&buckets[i-half], &buckets[i])
		}
	}
	return sums, added
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
	if err := b.torsionFree(random, refs, free); err != nil {
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
