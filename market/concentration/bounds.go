package concentration

import (
	"cmp"
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
)

// Range is a closed interval in which a measure must lie.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Bounds are what the known points of a Lorenz curve leave possible, for a
// population of N (0: a continuum; HHI and Nakamoto then have no bound).
type Bounds struct {
	N        int   `json:"n,omitempty"`
	Gini     Range `json:"gini"`
	HHI      Range `json:"hhi,omitzero"`
	Nakamoto Range `json:"nakamoto,omitzero"`
}

// segment is the stretch between two known points, from poor to rich.
type segment struct{ width, rise float64 }

func (s segment) slope() float64 { return s.rise / s.width }

// segments are the pieces between points of a Lorenz curve, which must be convex from (0,0) to (1,1).
func segments(points []Point) ([]segment, error) {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b Point) int { return cmp.Compare(a.Population, b.Population) })
	points = append(append([]Point{{}}, points...), Point{1, 1})
	var out []segment
	for i := 1; i < len(points); i++ {
		s := segment{points[i].Population - points[i-1].Population, points[i].Held - points[i-1].Held}
		if !(s.width > 0) || !(s.rise >= 0) {
			return nil, market.Refuse("lorenz", "points", "population and held must rise from (0,0) to (1,1)")
		}
		// The rich hold more each than the poor: slopes may not fall.
		if len(out) > 0 && s.slope() < out[len(out)-1].slope()*(1-1e-12) {
			return nil, market.Refuse("lorenz", "points", "not convex: no distribution has these points")
		}
		out = append(out, s)
	}
	return out, nil
}

// BoundsFrom gives sharp bounds from known points of the Lorenz curve.
// Equality inside groups gives the lower bounds. The upper Gini bound is the
// lowest convex curve through the points (Gastwirth 1972 treats the case of
// known group limits; here the slopes at the points are free and optimised).
func BoundsFrom(points []Point, n int) (Bounds, error) {
	parts, err := segments(points)
	if err != nil {
		return Bounds{}, err
	}
	for _, p := range points {
		// A share of the population is of whole holders: a tenth of one holds nothing.
		if whole := p.Population * float64(n); n > 0 && math.Abs(whole-math.Round(whole)) > 1e-6*math.Max(1, whole) {
			return Bounds{}, market.Refuse("whole-holders", "points",
				"%g of %d holders is %g, not a whole number; choose another n or leave it out", p.Population, n, whole)
		}
	}
	b := Bounds{N: n}
	area, below := 0.0, 0.0
	for _, s := range parts {
		area += s.width * (below + s.rise/2)
		below += s.rise
	}
	b.Gini = Range{1 - 2*area, 1 - 2*area + 2*deepest(parts)}
	if n > 0 {
		b.HHI = hhiRange(parts, n)
		b.HHI.High = min(b.HHI.High, 10_000) // the grid of limits is a little generous
		b.Nakamoto = nakamotoRange(parts, n)
	}
	return b, nil
}

// sag is how far below its chord a convex arc can enclose area, when it leaves
// at slope p and arrives at slope q: a triangle.
func sag(s segment, p, q float64) float64 {
	left, right := s.slope()-p, q-s.slope()
	if left <= 0 || right <= 0 {
		return 0
	}
	if math.IsInf(q, 1) {
		return s.width * s.width * left / 2
	}
	return s.width * s.width * left * right / (left + right) / 2
}

// deepest maximises the area below the chords over the slopes at the known
// points. The sum is concave in them (harmonic means of linear functions), so
// cyclic one-dimensional maximisation reaches the maximum.
func deepest(parts []segment) float64 {
	slopes := make([]float64, len(parts)+1) // at point i, between part i−1 and i
	slopes[len(parts)] = math.Inf(1)
	for i := 1; i < len(parts); i++ {
		slopes[i] = (parts[i-1].slope() + parts[i].slope()) / 2
	}
	total := func() (sum float64) {
		for i, s := range parts {
			sum += sag(s, slopes[i], slopes[i+1])
		}
		return sum
	}
	for last, round := -1.0, 0; round < 500; round++ {
		for i := 1; i < len(parts); i++ {
			slopes[i] = golden(parts[i-1].slope(), parts[i].slope(), func(v float64) float64 {
				return sag(parts[i-1], slopes[i-1], v) + sag(parts[i], v, slopes[i+1])
			})
		}
		now := total()
		if now-last < 1e-15 {
			break
		}
		last = now
	}
	return total()
}

// golden maximises a concave function on [a, b].
func golden(a, b float64, f func(float64) float64) float64 {
	const phi = 0.6180339887498949
	x1, x2 := b-phi*(b-a), a+phi*(b-a)
	f1, f2 := f(x1), f(x2)
	for range 90 {
		if f1 < f2 {
			a, x1, f1 = x1, x2, f2
			x2 = a + phi*(b-a)
			f2 = f(x2)
		} else {
			b, x2, f2 = x2, x1, f1
			x1 = b - phi*(b-a)
			f1 = f(x1)
		}
	}
	return (a + b) / 2
}

// hhiRange: equal inside groups below; above, members of a group stand at the
// limits that their neighbours leave. A limit only touches two groups, so the
// best chain of limits is found by dynamic programming over a grid of them.
func hhiRange(parts []segment, n int) Range {
	low := 0.0
	for _, s := range parts {
		low += s.rise * s.rise / (s.width * float64(n))
	}
	limits, best := []float64{0}, []float64{0} // of the groups so far, by the limit above them
	for i, s := range parts {
		next := []float64{1}
		if i+1 < len(parts) {
			next = grid(s.slope()/float64(n), parts[i+1].slope()/float64(n), 400)
		}
		sums := make([]float64, len(next))
		for j, high := range next {
			for k, under := range limits {
				sums[j] = max(sums[j], best[k]+extreme(s, under, high, n))
			}
		}
		limits, best = next, sums
	}
	return Range{1e4 * low, 1e4 * max(low, best[0])}
}

// grid divides a span evenly, with both its ends.
func grid(from, to float64, steps int) []float64 {
	out := make([]float64, steps+1)
	for i := range out {
		out[i] = from + (to-from)*float64(i)/float64(steps)
	}
	return out
}

// extreme is the largest Σx² of a group whose members lie in [low, high].
func extreme(s segment, low, high float64, n int) float64 {
	members := s.width * float64(n)
	if high <= low {
		return s.rise * s.rise / members
	}
	spare := s.rise - members*low
	full := math.Min(math.Floor(spare/(high-low)+1e-12), members)
	part := low + spare - full*(high-low)
	return full*high*high + part*part + math.Max(0, members-full-1)*low*low
}

// nakamotoRange: the least k with more than half, over all distributions with these points. A group that ends at
// exactly one half needs one member more. The groups are walked from the richest; in the one that crosses a half, the
// fewest are needed where its members hold as much as the group above and the one below leave them, the most where all
// hold alike.
func nakamotoRange(parts []segment, n int) Range {
	count, held := 0.0, 0.0 // of the groups above
	ceiling := math.Inf(1)
	for i := len(parts) - 1; i >= 0; i-- {
		s := parts[i]
		members, mean := math.Round(s.width*float64(n)), s.slope()/float64(n)
		missing := 0.5 - held
		if math.Abs(missing) < 1e-12 {
			return Range{count + 1, count + 1}
		}
		if s.rise > missing+1e-12 {
			largest := ceiling
			if i > 0 { // the others of the group hold at least what the group below does
				largest = min(largest, s.rise-(members-1)*parts[i-1].slope()/float64(n))
			} else {
				largest = min(largest, s.rise)
			}
			return Range{count + math.Floor(missing/max(largest, mean)+1e-9) + 1,
				count + math.Floor(missing/mean+1e-9) + 1}
		}
		count, held, ceiling = count+members, held+s.rise, mean
	}
	return Range{count, count}
}
