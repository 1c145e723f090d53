package curve

// coefficient is a number of 128 bits, the lower word first.
type coefficient [2]uint64

const coefficientBits = 128

// maxEntries bounds what a sum holds at once: windows are taken together while their points are no more than this, so
// that one inversion serves many additions, and a near cache holds them.
const maxEntries = 1 << 13

// combination computes Σ dᵢ·Pᵢ of lists of points, by buckets (Pippenger): in each window of c bits, points of equal
// digit are added first, then the buckets are summed up, weighted by their digits. Points are added in their affine
// form, which takes 6 multiplications each when the divisions of many are done at once. Nothing here is secret.
type combination struct {
	n, c, windows int
	digits        []int16 // of each coefficient, the lowest first
	buckets       *buckets
	together      int // so many windows are taken at once
}

func newCombination(coefficients []coefficient) *combination {
	n := len(coefficients)
	m := &combination{n: n, c: windowBits(n)}
	m.windows = (coefficientBits + m.c) / m.c // signed digits carry one bit further
	m.together = min(m.windows, max(1, maxEntries/max(1, n)))
	m.digits = make([]int16, m.windows*n)
	for i, d := range coefficients {
		recodeSigned(d, m.c, m.digits[i*m.windows:][:m.windows])
	}
	m.buckets = newBuckets(m.c, m.together, n)
	return m
}

// add brings the windows from top − 1 down to bottom into the sum of each list. When all windows above have been
// added before, a sum is that of the coefficients divided by 2^(c·bottom), up or down.
func (m *combination) add(top, bottom int, sums []jacobian, lists ...[]Point) {
	for top > bottom {
		low := max(bottom, top-m.together)
		m.buckets.sort(m.digits, m.windows, low, top)
		for i, points := range lists {
			m.buckets.fill(points)
			m.buckets.reduce()
			for w := top - 1; w >= low; w-- {
				for range m.c {
					sums[i].double(&sums[i])
				}
				weighted := m.buckets.weighted(w - low)
				sums[i].addVar(&weighted)
			}
		}
		top = low
	}
}

// linear is Σ dᵢ·Pᵢ of two lists.
func linear(coefficients []coefficient, first, second []Point) (Point, Point) {
	m := newCombination(coefficients)
	var sums [2]jacobian
	m.add(m.windows, 0, sums[:], first, second)
	return affinePair(&sums[0], &sums[1])
}

// windowBits is the width with the least work: about 7 multiplications to add a point to its bucket, 27 to sum up a
// bucket.
func windowBits(n int) int {
	best, width := 0, 0
	for c := 2; c <= 13; c++ {
		cost := (coefficientBits + c) / c * (7*n + 27<<(c-1))
		if width == 0 || cost < best {
			best, width = cost, c
		}
	}
	return width
}

// recodeSigned writes d in signed digits of c bits, the lowest first, from −(2^(c−1) − 1) to 2^(c−1): what is above
// half passes one on to the next.
func recodeSigned(d coefficient, c int, out []int16) {
	half, carry := uint64(1)<<(c-1), uint64(0)
	for w := range out {
		v := d.window(w*c, c) + carry
		carry = 0
		if v > half {
			v -= 2 * half
			carry = 1
		}
		out[w] = int16(v)
	}
}

// window is c bits from bit at on.
func (d coefficient) window(at, c int) uint64 {
	var v uint64
	if at >= 64 {
		v = d[1] >> (at - 64)
	} else {
		v = d[0]>>at | d[1]<<1<<(63-at)
	}
	return v & (1<<c - 1)
}

// buckets are the points of some windows, sorted by window and digit. Bucket k has the entries from starts[k],
// lengths[k] many.
type buckets struct {
	perWindow int
	order     []int32 // 2·index of a point, 1 more if it is to be subtracted, by bucket
	starts    []int32 // of each bucket, and the end of the last
	lengths   []int32
	entries   []Point

	// What the pairs of one round divide by, and its inverse.
	divisors, inverses []element
}

func newBuckets(c, windows, n int) *buckets {
	per := 1 << (c - 1)
	return &buckets{
		perWindow: per, order: make([]int32, windows*n),
		starts: make([]int32, windows*per+1), lengths: make([]int32, windows*per),
		entries: make([]Point, windows*n), divisors: make([]element, windows*n/2),
		inverses: make([]element, windows*n/2),
	}
}

// sort finds which points stand in which buckets of windows bottom to top − 1.
func (b *buckets) sort(digits []int16, windows, bottom, top int) {
	clear(b.lengths)
	for at := 0; at < len(digits); at += windows {
		for w, v := range digits[at+bottom : at+top] {
			if v != 0 {
				b.lengths[w*b.perWindow+abs(v)-1]++
			}
		}
	}
	at := int32(0)
	for k, n := range b.lengths {
		b.starts[k] = at
		at += n
		b.lengths[k] = 0
	}
	b.starts[len(b.lengths)] = at
	for i, at := int32(0), 0; at < len(digits); i, at = i+1, at+windows {
		for w, v := range digits[at+bottom : at+top] {
			if v == 0 {
				continue
			}
			k := w*b.perWindow + abs(v) - 1
			b.order[b.starts[k]+b.lengths[k]] = 2*i + int32(uint16(v)>>15)
			b.lengths[k]++
		}
	}
}

func abs(v int16) int {
	if v < 0 {
		return -int(v)
	}
	return int(v)
}

// fill puts the points of a list into their buckets.
func (b *buckets) fill(points []Point) {
	end := b.starts[len(b.lengths)]
	for i, o := range b.order[:end] {
		e := &b.entries[i]
		*e = points[o>>1]
		if o&1 == 1 {
			e.y.negate(&e.y)
		}
	}
	for k := range b.lengths {
		b.lengths[k] = b.starts[k+1] - b.starts[k]
	}
}

// reduce adds up each bucket to one point, halving all buckets at once in each round.
func (b *buckets) reduce() {
	for {
		pairs, special := b.invertDivisors()
		if pairs == 0 {
			return
		}
		at := 0
		for k, n := range b.lengths {
			if n < 2 {
				continue
			}
			bucket := b.entries[b.starts[k]:][:n]
			for i := range n / 2 {
				if special {
					addInverted(&bucket[i], &bucket[2*i], &bucket[2*i+1], &b.divisors[at], &b.inverses[at])
				} else {
					addDistinct(&bucket[i], &bucket[2*i], &bucket[2*i+1], &b.inverses[at])
				}
				at++
			}
			if n%2 == 1 {
				bucket[n/2] = bucket[n-1]
			}
			b.lengths[k] = (n + 1) / 2
		}
	}
}

// invertDivisors finds what each pair of a round divides by, and inverts all with one inversion (Montgomery's trick).
// It says how many pairs there are, and whether some are not of points that differ in x.
func (b *buckets) invertDivisors() (pairs int, special bool) {
	products := [2]element{one, one} // two chains, since each product waits for the one before
	for k, m := range b.lengths {
		bucket := b.entries[b.starts[k]:][:m]
		for i := range m / 2 {
			if !divisor(&b.divisors[pairs], &bucket[2*i], &bucket[2*i+1]) {
				special = true
			}
			chain := &products[pairs&1]
			b.inverses[pairs] = *chain
			chain.mul(chain, &b.divisors[pairs])
			pairs++
		}
	}
	if pairs == 0 {
		return 0, false
	}
	var inverse element
	inverse.mul(&products[0], &products[1])
	inverse.invert(&inverse)
	products[0].mul(&products[0], &inverse)
	products[1].mul(&products[1], &inverse)
	products[0], products[1] = products[1], products[0]
	for i := pairs - 1; i >= 0; i-- {
		chain := &products[i&1]
		b.inverses[i].mul(&b.inverses[i], chain)
		chain.mul(chain, &b.divisors[i])
	}
	return pairs, special
}

// divisor sets d to the difference of the x of p and q, or to one, and false, if they are equal, opposite, or infinity.
func divisor(d *element, p, q *Point) bool {
	d.sub(&q.x, &p.x)
	if d.isZeroVar() || p.IsZero() || q.IsZero() {
		*d = one
		return false
	}
	return true
}

// addInverted sets sum to p + q, given their divisor and its inverse, also if they are equal, opposite, or infinity.
// sum may be p.
func addInverted(sum, p, q *Point, divisor, inverse *element) {
	var dx element
	dx.sub(&q.x, &p.x)
	if dx == *divisor && !p.IsZero() && !q.IsZero() {
		addDistinct(sum, p, q, inverse)
		return
	}
	whole := p.jacobian()
	whole.addAffineVar(q)
	*sum = whole.affineVar()
}

// addDistinctGeneric sets sum to p + q, given the inverse of the difference of their x.
func addDistinctGeneric(sum, p, q *Point, inverse *element) {
	var slope, x, y element
	slope.sub(&q.y, &p.y)
	slope.mul(&slope, inverse)
	x.square(&slope)
	x.sub(&x, &p.x)
	x.sub(&x, &q.x)
	y.sub(&p.x, &x)
	y.mul(&y, &slope)
	y.sub(&y, &p.y)
	sum.x, sum.y = x, y
}

// weighted is Σ j·bucketⱼ of a window: each running sum from the top is added once more than the one above it.
func (b *buckets) weighted(w int) jacobian {
	var running, sum jacobian
	for k := (w+1)*b.perWindow - 1; k >= w*b.perWindow; k-- {
		if b.lengths[k] == 1 {
			running.addAffineVar(&b.entries[b.starts[k]])
		}
		sum.addVar(&running)
	}
	return sum
}
