package bid

import (
	"cmp"
	"math"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Limits are the auction's.
type Limits struct {
	Floor money.Tiyn
	Cap   money.Tiyn // 0: none
}

// Past is clearing prices with weights, ascending.
type Past struct {
	prices  []money.Tiyn
	weights []int64
	total   int64
}

// Observation is a clearing price some days ago.
type Observation struct {
	Price   money.Tiyn
	AgeDays int
}

// Remember weighs observations by their age: a weight of 2^(−age/halfLife), in millionths; 0: all alike. Prices are
// sorted, with weights beside them, so that a share of the weight is found by one pass.
func Remember(observations []Observation, halfLife float64) Past {
	sorted := slices.Clone(observations)
	slices.SortFunc(sorted,
		func(a, b Observation) int { return cmp.Or(cmp.Compare(a.Price, b.Price), a.AgeDays-b.AgeDays) })
	var p Past
	for _, o := range sorted {
		weight := int64(1_000_000)
		if halfLife > 0 {
			weight = int64(math.Round(1e6 * math.Exp2(-float64(o.AgeDays)/halfLife)))
		}
		p.prices, p.weights, p.total = append(p.prices, o.Price), append(p.weights, weight), p.total+weight
	}
	return p
}

// Bid is what to bid. Nothing is bid when no price within the limits leaves a gain that was ever accepted.
type Bid struct {
	Price    money.Tiyn
	Accepted int64 // probability, ppm
	Expected int64 // gain a kWh that can be expected, in millionths of a tiyn
}

// Best maximises (ceiling − bid)·P(accepted); a bid is accepted when it is at least the clearing price.
// Only past clearing prices need to be tried: between two of them a higher bid is paid for nothing.
func (p Past) Best(ceiling money.Tiyn, limits Limits) (Bid, bool) {
	var best Bid
	var met int64 // weight of the prices up to here
	most := ceiling
	if limits.Cap > 0 {
		most = min(most, limits.Cap)
	}
	for i := 0; i < len(p.prices); i++ {
		met += p.weights[i]
		if i+1 < len(p.prices) && p.prices[i+1] == p.prices[i] {
			continue
		}
		price := max(p.prices[i], limits.Floor)
		if price > most {
			break
		}
		if i+1 < len(p.prices) && p.prices[i+1] <= limits.Floor {
			continue // the floor meets the next one too
		}
		accepted := scale(met, p.total)
		if expected := int64(ceiling-price) * accepted; expected > best.Expected {
			best = Bid{price, accepted, expected}
		}
	}
	return best, best.Expected > 0
}

// Accepted is the probability of a price in ppm.
func (p Past) Accepted(price money.Tiyn) int64 {
	var met int64
	for i, clearing := range p.prices {
		if clearing <= price {
			met += p.weights[i]
		}
	}
	return scale(met, p.total)
}

// Highest is the highest of the past prices; 0 when there are none.
func (p Past) Highest() money.Tiyn {
	if len(p.prices) == 0 {
		return 0
	}
	return p.prices[len(p.prices)-1]
}

// scale is a share in millionths; of nothing it is nothing.
func scale(part, total int64) int64 {
	if total == 0 {
		return 0
	}
	return int64(float64(part) / float64(total) * 1_000_000)
}
