package points

import (
	"math/big"
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

// step is a part of multiplying by L: so many doublings, then the addition of an odd multiple, of which times[k] is 2k+1,
// or of its negative.
type step struct {
	doublings int
	multiple  int
	negative  bool
}

// oddMultiples is how many odd multiples of a point the steps add.
const oddMultiples = 4

// stepsOfL are L from its highest digit down, in the form without neighbours: odd digits below eight in size, at least
// three zeros between any two (Hankerson, Menezes, Vanstone 2004, algorithm 3.35), so that 252 doublings go with some
// thirty additions. The highest digit is 1 and not among them.
var stepsOfL = func() []step {
	rest := new(big.Int)
	for i := len(primeOrder) - 1; i >= 0; i-- {
		rest.Or(rest.Lsh(rest, 64), new(big.Int).SetUint64(primeOrder[i]))
	}
	var steps []step // from the lowest digit up
	zeros := 0       // since the digit before
	for ; rest.BitLen() > 1; zeros++ {
		if rest.Bit(0) == 1 {
			digit := int(new(big.Int).And(rest, big.NewInt(4*oddMultiples-1)).Int64())
			if digit >= 2*oddMultiples {
				digit -= 4 * oddMultiples
			}
			rest.Sub(rest, big.NewInt(int64(digit)))
			if len(steps) > 0 {
				steps[len(steps)-1].doublings = zeros
			}
			steps, zeros = append(steps, step{multiple: max(digit, -digit) / 2, negative: digit < 0}), 0
		}
		rest.Rsh(rest, 1)
	}
	steps[len(steps)-1].doublings = zeros
	slices.Reverse(steps)
	return steps
}()

// ofPrimeOrder says of each of eight points whether [L]P is the neutral one. L is odd and ends in a step, which adds.
func (p *point8) ofPrimeOrder(scratch *element8) (are [lanes]bool) {
	var summands [oddMultiples][2]point8 // T by 2d; their negatives
	twice, multiple := *p, *p
	doublePoints(&twice, scratch, 1)
	twice[3].mul(&twice[3], &curve2D8)
	for k := range summands {
		if k > 0 {
			addPointsWide(&multiple, &twice, scratch)
		}
		plus, minus := &summands[k][0], &summands[k][1]
		*plus = multiple
		plus[3].mul(&plus[3], &curve2D8)
		*minus = *plus
		minus[0].sub(&zero8, &plus[0])
		minus[3].sub(&zero8, &plus[3])
	}
	product := *p
	for _, s := range stepsOfL {
		doublePoints(&product, scratch, s.doublings)
		sign := 0
		if s.negative {
			sign = 1
		}
		addPointsWide(&product, &summands[s.multiple][sign], scratch)
	}
	for l := range are {
		are[l] = product[0].lane(l).isZero() && product[1].lane(l).minus(product[2].lane(l)).isZero()
	}
	return are
}

var zero8 element8

// neutral8 is the neutral point, eight times.
func neutral8() (p point8) {
	for l := range lanes {
		p[1][0][l], p[2][0][l] = 1, 1 // Y and Z
	}
	return p
}
