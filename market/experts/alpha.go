package experts

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
)

// Level of measurement that the scores have.
type Level string

// The levels of Krippendorff (2011), section C: from names to ratios.
const (
	Nominal  Level = "nominal"
	Ordinal  Level = "ordinal"
	Interval Level = "interval"
	Ratio    Level = "ratio"
)

// Levels in rising order.
var Levels = []Level{Nominal, Ordinal, Interval, Ratio}

// Alpha is Krippendorff's coefficient of agreement over units, each with the values that it was given by those who
// gave any: 1 − observed over expected disagreement (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").
// With δ the level's squared difference, n values in all and m_u of a unit it is 1 − (n − 1)·Σ_u Σ_{i,j} δ(u_i,
// u_j)/(m_u − 1) / Σ_{a,b} n_a·n_b·δ(a, b). 1 is agreement, 0 what chance gives, and it may be below 0. Units with one
// value cannot be paired and count for nothing. It is refused where nothing can be paired or all values are one, when
// no disagreement could have been seen.
func Alpha(units [][]float64, level Level) (float64, error) {
	if !slices.Contains(Levels, level) {
		return 0, market.Refuse("choice", "level", "%q is not one of nominal, ordinal, interval, ratio", level)
	}
	counts := map[float64]float64{}
	n := 0.0
	for _, u := range units {
		if len(u) < 2 {
			continue
		}
		for _, v := range u {
			if math.IsNaN(v) || math.IsInf(v, 0) || level == Ratio && v < 0 {
				return 0, market.Refuse("not-a-number", "score", "%g has no place on the level %s", v, level)
			}
			counts[v]++
			n++
		}
	}
	if n == 0 {
		return 0, market.Refuse("too-short", "scores", "nothing was scored by two experts")
	}
	if len(counts) < 2 {
		return 0, market.Refuse("constant", "scores",
			"all are the same: agreement by chance cannot be told from agreement")
	}
	d := distance(counts, level)
	observed, expected := 0.0, 0.0
	for _, u := range units {
		if len(u) < 2 {
			continue
		}
		sum := 0.0
		for i := range u {
			for j := range u {
				sum += d(u[i], u[j])
			}
		}
		// Each unit by its own number of pairs, so that one with many values does not outweigh the others.
		observed += sum / float64(len(u)-1)
	}
	// Sorted: sums of floats depend on their order, and the result must not depend on a map's.
	values := slices.Sorted(maps.Keys(counts))
	for _, a := range values {
		for _, b := range values {
			expected += counts[a] * counts[b] * d(a, b)
		}
	}
	return 1 - (n-1)*observed/expected, nil
}

// distance is the level's squared difference of two values. On the ordinal
// level it counts the values between them: ranks are what the scores say.
func distance(counts map[float64]float64, level Level) func(a, b float64) float64 {
	switch level {
	case Nominal:
		return func(a, b float64) float64 {
			if a == b {
				return 0
			}
			return 1
		}
	case Ordinal:
		below, sum := map[float64]float64{}, 0.0 // values up to the middle of each
		for _, v := range slices.SortedFunc(maps.Keys(counts), cmp.Compare[float64]) {
			below[v] = sum + counts[v]/2
			sum += counts[v]
		}
		return func(a, b float64) float64 { return (below[a] - below[b]) * (below[a] - below[b]) }
	case Interval:
		return func(a, b float64) float64 { return (a - b) * (a - b) }
	}
	return func(a, b float64) float64 {
		if a+b == 0 {
			return 0
		}
		return (a - b) * (a - b) / ((a + b) * (a + b))
	}
}
