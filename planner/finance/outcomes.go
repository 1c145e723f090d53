package finance

import "slices"

// Outcomes are sums of money over many simulated paths; floats, because a distribution is no payment.
type Outcomes []float64

// Mean of the outcomes, summed in order.
func (o Outcomes) Mean() float64 {
	total := 0.0
	for _, v := range o {
		total += v
	}
	return total / float64(max(1, len(o)))
}

// LossProbability is the share of outcomes below zero.
func (o Outcomes) LossProbability() float64 {
	n := 0
	for _, v := range o {
		if v < 0 {
			n++
		}
	}
	return float64(n) / float64(max(1, len(o)))
}

// tailCount is how many outcomes make the worst 5 %, at least one.
func tailCount(n int) int { return max(1, n/20) }

// Tail gives the indices of the worst 5 % of outcomes (at least one), the worst first, ties by index: the same futures
// each time.
func (o Outcomes) Tail() []int {
	index := make([]int, len(o))
	for i := range index {
		index[i] = i
	}
	slices.SortFunc(index, func(a, b int) int {
		switch {
		case o[a] < o[b]:
			return -1
		case o[a] > o[b]:
			return 1
		}
		return a - b
	})
	return index[:min(len(o), tailCount(len(o)))]
}

// Risk is value at risk and its shortfall: the loss that one outcome in twenty exceeds, and the mean loss of
// those. Losses are positive.
func (o Outcomes) Risk() (var5, cvar5 float64) {
	if len(o) == 0 {
		return 0, 0
	}
	tail := o.Tail()
	total := 0.0
	for _, i := range tail {
		total += o[i]
	}
	return -o[tail[len(tail)-1]], -total / float64(len(tail))
}

// Quantiles reads several off a copy (type 7: linear between the order statistics at p·(n−1)).
func (o Outcomes) Quantiles(ps ...float64) []float64 {
	sorted := slices.Sorted(slices.Values(o))
	out := make([]float64, len(ps))
	for i, p := range ps {
		if len(sorted) == 0 {
			continue
		}
		at := p * float64(len(sorted)-1)
		low := min(int(at), len(sorted)-1)
		high := min(low+1, len(sorted)-1)
		out[i] = sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
	}
	return out
}
