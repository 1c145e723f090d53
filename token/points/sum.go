package points

import (
	"slices"
	"unsafe"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

// Wide says whether sums are made with the processor's wide instructions, where a Summer is worth having.
func Wide() bool { return wide }

// Summer computes Σ [zᵢ]Pᵢ + Σ [kᵢ]Qᵢ by buckets (Pippenger): each scalar is cut into digits of eight bits, a column
// for each place; in each column every point is added to the bucket of its digit; the sum over a column is Σ digit ×
// bucket. Eight columns are worked on side by side. It keeps its memory from use to use, and is used by one goroutine.
type Summer struct {
	niels   []niels // of points that have been added
	digits  [][32]int8
	short   int // of them, the first so many, have scalars below 2^126
	places  []uint64
	signs   []uint64
	buckets []uint64
	scratch [15]element8
	added   int // points, to buckets of eight columns, by the last TorsionFree
}

// niels is a point as mixed addition wants it: y+x, y−x, 2dxy, −2dxy.
type niels [4]fieldElement

// Columns are of eight bits, of which a digit may be negative: −128 to 128, so that buckets are 128, and one for zero,
// which nobody reads.
const (
	columns      = 32
	shortColumns = 16
	bucketCount  = 129
	bucketWords  = 24
	laneWords    = bucketCount * bucketWords
)

var curve2D = mulGeneric(curveD, fieldElement{2})

// Reset empties it.
func (s *Summer) Reset() { s.niels, s.digits, s.short = s.niels[:0], s.digits[:0], 0 }

// AddShort adds [z]P for a z below 2^126; all of these come before the others. P must be as decoded: Z is one.
func (s *Summer) AddShort(p *curve.EdwardsPoint, z *[16]byte) {
	var scalar [32]byte
	copy(scalar[:], z[:])
	s.add(p, &scalar)
	s.short++
}

// Add adds [k]Q for a k below 2^253, little-endian. Q must be as decoded, or its negative: Z is one.
func (s *Summer) Add(q *curve.EdwardsPoint, k *[32]byte) { s.add(q, k) }

func (s *Summer) add(p *curve.EdwardsPoint, scalar *[32]byte) {
	s.niels, s.digits = append(s.niels, nielsOf(p)), append(s.digits, digitsOf(scalar))
}

func nielsOf(p *curve.EdwardsPoint) niels {
	e := raw(p)
	t := mulGeneric(e.t, curve2D)
	return niels{e.y.plus(e.x), e.y.minus(e.x), t, fieldElement{}.minus(t)}
}

// digitsOf writes a scalar with digits from −128 to 127. Neither the last digit of a scalar below 2^253 nor the
// sixteenth of one below 2^126 is large enough to carry.
func digitsOf(scalar *[32]byte) (digits [32]int8) {
	carry := 0
	for i, b := range scalar {
		d := int(b) + carry
		carry = 0
		if d >= 128 {
			d -= 256
			carry = 1
		}
		digits[i] = int8(d)
	}
	return digits
}

func (f fieldElement) plus(g fieldElement) fieldElement {
	for i := range f {
		f[i] += g[i]
	}
	return f.settle()
}

func (f fieldElement) minus(g fieldElement) fieldElement {
	f[0] += 4*(mask51-18) - g[0]
	for i := 1; i < len(f); i++ {
		f[i] += 4*mask51 - g[i]
	}
	return f.settle()
}

func (f fieldElement) settle() fieldElement {
	over := f[4] >> 51
	f[4] &= mask51
	f[0] += 19 * over
	for i := range 4 {
		f[i+1] += f[i] >> 51
		f[i] &= mask51
	}
	return f
}

// Sum is what was added.
func (s *Summer) Sum() *curve.EdwardsPoint {
	var sums [columns + 1]curve.EdwardsPoint // of each column
	for first := 0; first < columns; first += lanes {
		from := 0
		if first >= shortColumns {
			from = s.short
		}
		s.group(first, from, sums[first:first+lanes])
	}
	total := new(curve.EdwardsPoint)
	total.Identity()
	for i := columns - 1; i >= 0; i-- {
		for range 8 {
			total.Add(total, total)
		}
		total.Add(total, &sums[i])
	}
	return total
}

// group adds all points from one on to the buckets of eight columns, and sums each column.
func (s *Summer) group(first, from int, sums []curve.EdwardsPoint) {
	n := len(s.niels) - from
	s.clear(bucketCount)
	if n > 0 {
		s.places, s.signs = slices.Grow(s.places[:0], n*lanes)[:n*lanes], slices.Grow(s.signs[:0], n)[:n]
		for i := range n {
			digits := (*[lanes]int8)(s.digits[from+i][first:])
			sign := uint64(0)
			places := (*[lanes]uint64)(s.places[i*lanes:])
			for l, d := range digits {
				magnitude := int(d)
				if d < 0 {
					magnitude = -magnitude
					sign |= 1 << l
				}
				places[l] = uint64(8 * (l*laneWords + magnitude*bucketWords))
			}
			s.signs[i] = sign
		}
		addToBuckets(&s.buckets[0], &s.niels[from], &s.places[0], &s.signs[0], &s.scratch[0], n)
	}
	s.reduce(sums)
}

// clear makes the first so many buckets of each column the neutral point.
func (s *Summer) clear(count int) {
	if s.buckets == nil {
		// Whole lines: eight words more, to begin at one.
		room := make([]uint64, lanes*laneWords+8)
		skip := (8 - uintptr(unsafe.Pointer(&room[0]))/8%8) % 8
		s.buckets = room[skip:][:lanes*laneWords]
	}
	for l := range lanes {
		column := s.buckets[l*laneWords:][:count*bucketWords]
		clear(column)
		for at := 0; at < len(column); at += bucketWords {
			column[at+5], column[at+10] = 1, 1 // Y and Z
		}
	}
}

// bucket is one bucket of all columns.
func (s *Summer) bucket(b int) (p point8) {
	for l := range lanes {
		for i, limb := range (*[20]uint64)(s.buckets[l*laneWords+b*bucketWords:]) {
			p[i/5][i%5][l] = limb
		}
	}
	return p
}

// point8 is eight points, X, Y, Z and T.
type point8 [4]element8

// reduce sums digit × bucket in each lane: from the highest bucket down, all so far are added again at each.
func (s *Summer) reduce(sums []curve.EdwardsPoint) {
	running, total := neutral8(), neutral8()
	for b := bucketCount - 1; b > 0; b-- {
		next := s.bucket(b)
		addPoints(&running, &next, &s.scratch[0])
		next = running
		addPoints(&total, &next, &s.scratch[0])
	}
	for l := range lanes {
		*raw(&sums[l]) = extended{total[0].lane(l), total[1].lane(l), total[2].lane(l), total[3].lane(l)}
	}
}

// addPoints adds eight points to eight; it changes the others' T.
func addPoints(sum, other *point8, scratch *element8) {
	other[3].mul(&other[3], &curve2D8)
	addPointsWide(sum, other, scratch)
}

var curve2D8 = broadcast(curve2D)
