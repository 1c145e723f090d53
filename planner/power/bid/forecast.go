package bid

import (
	"cmp"
	"math"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Forecast turns past days into what tomorrow's hours may clear at: each hour's price is expected from the
// hour's usual place in its day and from yesterday's level, as far as levels have lasted; and the past days'
// misses, of all hours together, are laid around it, weighed by age. Logarithms, so that a miss is a ratio.
//
// Yesterday's prices come last. With fewer than three days each hour remembers its own prices alone.
func Forecast(days [][24]money.Tiyn, halfLife float64) [24]Past {
	var out [24]Past
	if len(days) < 3 {
		for h := range out {
			var own []Observation
			for i, d := range days {
				own = append(own, Observation{d[h], len(days) - i})
			}
			out[h] = Remember(own, halfLife)
		}
		return out
	}
	levels, shape := shapes(days)
	mean := 0.0
	for _, l := range levels {
		mean += l / float64(len(levels))
	}
	lasting := persistence(levels, mean)
	expect := func(d, h int) float64 { return mean + lasting*(levels[d-1]-mean) + shape[h] }
	type miss struct {
		by     float64
		weight int64
	}
	var misses []miss
	for d := 1; d < len(days); d++ {
		// Whole numbers, and sorted by value and weight: the forecast is the same on every machine, whatever the
		// order of sums.
		weight := int64(1_000_000)
		if halfLife > 0 {
			weight = int64(math.Round(1e6 * math.Exp2(-float64(len(days)-d)/halfLife)))
		}
		for h := range 24 {
			misses = append(misses, miss{logOf(days[d][h]) - expect(d, h), weight})
		}
	}
	slices.SortFunc(misses,
		func(a, b miss) int { return cmp.Or(cmp.Compare(a.by, b.by), cmp.Compare(a.weight, b.weight)) })
	for h := range out {
		p := Past{prices: make([]money.Tiyn, len(misses)), weights: make([]int64, len(misses))}
		centre := expect(len(days), h)
		for i, m := range misses {
			// e⁴⁰ tiyn is above all money: an exponent that ran off would overflow the whole number.
			p.prices[i], p.weights[i] = money.Tiyn(math.Round(math.Exp(min(centre+m.by, 40)))), m.weight
			p.total += m.weight
		}
		out[h] = p
	}
	return out
}

// shapes are each day's level and each hour's usual distance from it, in logarithms.
func shapes(days [][24]money.Tiyn) (levels []float64, shape [24]float64) {
	levels = make([]float64, len(days))
	for d := range days {
		for h := range 24 {
			levels[d] += logOf(days[d][h]) / 24
		}
		for h := range 24 {
			shape[h] += (logOf(days[d][h]) - levels[d]) / float64(len(days))
		}
	}
	return levels, shape
}

// persistence is how much of a day's distance from the mean level is left a day later, 0 to 1.
func persistence(levels []float64, mean float64) float64 {
	both, own := 0.0, 0.0
	for d := 1; d < len(levels); d++ {
		both += (levels[d] - mean) * (levels[d-1] - mean)
		own += (levels[d-1] - mean) * (levels[d-1] - mean)
	}
	if own == 0 {
		return 0
	}
	return min(1, max(0, both/own))
}

func logOf(price money.Tiyn) float64 { return math.Log(float64(max(1, price))) }
