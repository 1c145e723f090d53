package points

import (
	"slices"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

// Subsets are looked at 32 at a time, a bit of a word for each: four in each of eight columns, whose sixteen buckets
// say which of the four a point is in.
const (
	Subsets       = 32
	subsetBits    = Subsets / lanes
	subsetBuckets = 1 << subsetBits
)

// primeOrder is L, the order of the base point, 2^252 + 27742317777372353535851937790883648493, little-endian.
var primeOrder = [4]uint64{0x5812631a5cf5d3ed, 0x14def9dea2f79cd6, 0, 1 << 60}

// TorsionFree says whether the sum over each of 32 subsets has no component of small order. Bit r of in[i] says whether
// point i is in subset r. Points must be as decoded, or their negatives: Z is one. It empties the Summer.
func (s *Summer) TorsionFree(points []*curve.EdwardsPoint, in []uint32) bool {
	s.Reset()
	n := len(points)
	if n == 0 {
		return true
	}
	s.places, s.signs = slices.Grow(s.places[:0], n*lanes)[:n*lanes], slices.Grow(s.signs[:0], n)[:n]
	clear(s.signs) // nothing is subtracted
	for i, p := range points {
		s.niels = append(s.niels, nielsOf(p))
		places := (*[lanes]uint64)(s.places[i*lanes:])
		for l := range places {
			bucket := int(in[i]>>(subsetBits*l)) % subsetBuckets
			places[l] = uint64(8 * (l*laneWords + bucket*bucketWords))
		}
	}
	s.clear(subsetBuckets)
	addToBuckets(&s.buckets[0], &s.niels[0], &s.places[0], &s.signs[0], &s.scratch[0], n)
	s.added = n
	s.Reset()
	var sums [subsetBits]point8
	for i := range sums {
		sums[i] = neutral8()
	}
	for b := 1; b < subsetBuckets; b++ {
		bucket := s.bucket(b)
		bucket[3].mul(&bucket[3], &curve2D8)
		for bit := range sums {
			if b>>bit&1 == 1 {
				addPointsWide(&sums[bit], &bucket, &s.scratch[0])
			}
		}
	}
	for i := range sums {
		if are := sums[i].ofPrimeOrder(&s.scratch[0]); slices.Contains(are[:], false) {
			return false
		}
	}
	return true
}

// Added is how many times the last TorsionFree added a point to a bucket of each column.
func (s *Summer) Added() int { return s.added }

// PrimeOrder says of each point whether it has no component of small order: whether [L]P is the neutral one, of eight
// points at a time. Points must be as decoded, or their negatives: Z is one.
func (s *Summer) PrimeOrder(points []*curve.EdwardsPoint, are []bool) {
	for len(points) > 0 {
		eight := neutral8()
		n := min(len(points), lanes)
		for l, p := range points[:n] {
			e := raw(p)
			x, y, t := e.x.settle(), e.y.settle(), e.t.settle()
			for i := range eight[0] {
				eight[0][i][l], eight[1][i][l], eight[3][i][l] = x[i], y[i], t[i]
			}
		}
		found := eight.ofPrimeOrder(&s.scratch[0])
		copy(are[:n], found[:])
		points, are = points[n:], are[n:]
	}
}

// ofPrimeOrder says of each of eight points whether [L]P is the neutral one.
func (p *point8) ofPrimeOrder(scratch *element8) (are [lanes]bool) {
	product, summand := *p, *p
	summand[3].mul(&summand[3], &curve2D8)
	for i := 251; i >= 0; i-- { // below L's highest bit
		twice := product
		addPoints(&product, &twice, scratch)
		if primeOrder[i/64]>>(i%64)&1 == 1 {
			addPointsWide(&product, &summand, scratch)
		}
	}
	for l := range are {
		are[l] = product[0].lane(l).isZero() && product[1].lane(l).minus(product[2].lane(l)).isZero()
	}
	return are
}

// neutral8 is the neutral point, eight times.
func neutral8() (p point8) {
	for l := range lanes {
		p[1][0][l], p[2][0][l] = 1, 1 // Y and Z
	}
	return p
}
