package breaks

import (
	"math"
	"slices"

	"github.com/aqsha/aqsha/market/stats"
)

// bridge05 is the 95 % point of the largest absolute value of a Brownian
// bridge, the limit of both statistics of variance.
const bridge05 = 1.358

// least is the shortest stretch that is tested for a change of its variance.
const least = 20

// VarianceBreak is a day on which the variance changed.
type VarianceBreak struct {
	At    int     `json:"at"`
	Stat  float64 `json:"stat"`   // between the breaks on both sides
	SDOld float64 `json:"sd_old"` // before it, up to the break before
	SDNew float64 `json:"sd_new"`
}

// ICSS finds changes of variance by iterated cumulative sums of squares. With
// robust the statistic is Sansó, Aragó and Carrion's κ₂, which allows for heavy
// tails and for squares that remember each other; without, Inclán and Tiao's,
// which finds far too many in financial returns. Five per cent each. Candidates
// come from splitting at the largest statistic; each is then tested again
// between its neighbours until nothing moves.
func ICSS(x []float64, robust bool) ([]VarianceBreak, error) {
	if err := stats.Finite("returns", x, 2*least); err != nil {
		return nil, err
	}
	demeaned, mean := make([]float64, len(x)), stats.Mean(x)
	for i, v := range x {
		demeaned[i] = v - mean
	}
	points := settle(demeaned, split(demeaned, 0, robust), robust)
	var out []VarianceBreak
	edges := slices.Concat([]int{0}, points, []int{len(x)})
	for i, at := range points {
		_, stat := largest(demeaned[edges[i]:edges[i+2]], robust)
		out = append(out, VarianceBreak{at, stat, stats.SD(demeaned[edges[i]:at]), stats.SD(demeaned[at:edges[i+2]])})
	}
	return out, nil
}

// split finds candidates, left to right, by halving where the statistic is largest. first is the place of x[0] in the
// whole series. A stretch shorter than two shortest ones is not tested.
func split(x []float64, first int, robust bool) []int {
	if len(x) < 2*least {
		return nil
	}
	at, stat := largest(x, robust)
	if stat <= bridge05 {
		return nil
	}
	return slices.Concat(split(x[:at], first, robust), []int{first + at}, split(x[at:], first+at, robust))
}

// settle tests each candidate between its neighbours, moves it to where the
// statistic is largest there, drops what fails, and begins again until nothing
// changes; twenty rounds end a circle.
func settle(x []float64, points []int, robust bool) []int {
	for range 20 {
		edges := slices.Concat([]int{0}, points, []int{len(x)})
		var kept []int
		for i := 1; i < len(edges)-1; i++ {
			window := x[edges[i-1]:edges[i+1]]
			if at, stat := largest(window, robust); stat > bridge05 && len(window) >= 2*least {
				kept = append(kept, edges[i-1]+at)
			}
		}
		slices.Sort(kept)
		kept = slices.Compact(kept)
		if slices.Equal(kept, points) {
			return points
		}
		points = kept
	}
	return points
}

// largest is where the cumulated squares C_k part most from a straight line, a count of observations before the
// change, and the statistic there: √(n/2)·|C_k/C_n − k/n|, or with robust |C_k − k/n·C_n|/√(n·λ²), λ² the long-run
// variance of the squares. Changes in the outermost fifth of the shortest stretch are not looked for. A stretch
// without movement has the statistic 0.
func largest(x []float64, robust bool) (at int, stat float64) {
	n := float64(len(x))
	squares, total := make([]float64, len(x)), 0.0
	for i, v := range x {
		squares[i] = v * v
		total += squares[i]
	}
	if total == 0 {
		return 0, 0
	}
	scale := math.Sqrt(n/2) / total
	if robust {
		scale = 1 / math.Sqrt(n*longRun(squares, total/n))
	}
	sum := 0.0
	for k := 1; k < len(x); k++ {
		sum += squares[k-1]
		if k < least/5 || len(x)-k < least/5 {
			continue
		}
		if d := math.Abs(sum-float64(k)/n*total) * scale; d > stat {
			at, stat = k, d
		}
	}
	return at, stat
}

// longRun is the long-run variance of squares, Bartlett weights, ⌊4(n/100)^(2/9)⌋ lags. It is above zero, as it is
// divided by.
func longRun(squares []float64, mean float64) float64 {
	n := len(squares)
	lags := min(n-1, int(4*math.Pow(float64(n)/100, 2.0/9)))
	sum := 0.0
	for l := 0; l <= lags; l++ {
		weight := 1.0
		if l > 0 {
			weight = 2 * (1 - float64(l)/float64(lags+1))
		}
		for t := l; t < n; t++ {
			sum += weight * (squares[t] - mean) * (squares[t-l] - mean)
		}
	}
	return max(sum/float64(n), math.SmallestNonzeroFloat64)
}

// VarianceStatistic is the statistic of a change of variance over the whole
// series; above 1.358 there is one at 5 %.
func VarianceStatistic(x []float64, robust bool) (float64, error) {
	if err := stats.Finite("returns", x, 2*least); err != nil {
		return 0, err
	}
	demeaned, mean := make([]float64, len(x)), stats.Mean(x)
	for i, v := range x {
		demeaned[i] = v - mean
	}
	_, stat := largest(demeaned, robust)
	return stat, nil
}
