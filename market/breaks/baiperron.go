package breaks

import (
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Limits of a search for breaks in the mean.
const (
	MaxBreaks    = 10
	longestMeans = 20_000 // observations: the search is quadratic in them
)

// Partition is the best way to cut a series into so many stretches with a mean each. A break is the index of the first
// observation after it; BIC is −2·ln L + (2m + 2)·ln n.
type Partition struct {
	Breaks []int   `json:"breaks"`
	RSS    float64 `json:"rss"`
	BIC    float64 `json:"bic"`
}

// Means are the best partitions of 0, 1, … breaks, and the one that the
// Bayesian criterion prefers.
type Means struct {
	Least      int         `json:"least_length"` // of a stretch
	Partitions []Partition `json:"partitions"`
	Best       int         `json:"best"` // breaks
	Levels     []float64   `json:"levels"`
}

// BaiPerron finds the breaks of the mean that leave the least sum of squares, for each number of breaks up to most, by
// dynamic programming (Bai and Perron 2003): no stretch is shorter than trim (a part of 1) of the series. With R_m(t)
// the least of the first t observations and m breaks, R_m(t) = min_k R_{m−1}(k) + RSS(k, t), where RSS comes from
// cumulated sums: most·n² steps in all. The criterion counts a break like a coefficient, as R's strucchange does.
func BaiPerron(y []float64, most int, trim float64) (Means, error) {
	if err := stats.Finite("series", y, 20); err != nil {
		return Means{}, err
	}
	n := len(y)
	h := int(trim * float64(n))
	if n > longestMeans || most < 1 || most > MaxBreaks || h < 2 || (most+1)*h > n {
		return Means{}, market.Refuse("breaks", "breaks",
			"%d breaks in %d observations with stretches of at least %d; want 1 to %d breaks, %d observations at most",
			most, n, h, MaxBreaks, longestMeans)
	}
	sums, squares := make([]float64, n+1), make([]float64, n+1)
	mean := stats.Mean(y) // taken off, so that squares do not drown the differences
	for i, v := range y {
		sums[i+1], squares[i+1] = sums[i]+v-mean, squares[i]+(v-mean)*(v-mean)
	}
	rss := func(from, to int) float64 {
		s := sums[to] - sums[from]
		return max(squares[to]-squares[from]-s*s/float64(to-from), 0)
	}
	best := make([]float64, n+1) // of the first t observations with as many breaks as the round
	for t := h; t <= n; t++ {
		best[t] = rss(0, t)
	}
	out := Means{Least: h, Partitions: []Partition{{nil, best[n], bic(best[n], n, 0)}}}
	var from [][]int // last break by round and t
	for m := 1; m <= most; m++ {
		next, last := make([]float64, n+1), make([]int, n+1)
		for t := (m + 1) * h; t <= n; t++ {
			next[t] = math.Inf(1)
			for k := m * h; k <= t-h; k++ {
				if v := best[k] + rss(k, t); v < next[t] {
					next[t], last[t] = v, k
				}
			}
		}
		best, from = next, append(from, last)
		p := Partition{RSS: best[n], BIC: bic(best[n], n, m)}
		for t, round := n, m-1; round >= 0; round-- {
			t = from[round][t]
			p.Breaks = append(p.Breaks, t)
		}
		slices.Reverse(p.Breaks)
		out.Partitions = append(out.Partitions, p)
	}
	for m, p := range out.Partitions {
		if p.BIC < out.Partitions[out.Best].BIC {
			out.Best = m
		}
	}
	edges := slices.Concat([]int{0}, out.Partitions[out.Best].Breaks, []int{n})
	for i := range edges[1:] {
		out.Levels = append(out.Levels, stats.Mean(y[edges[i]:edges[i+1]]))
	}
	return out, nil
}

// bic of a normal regression with m breaks in its mean: m+1 means, m dates and a variance.
func bic(rss float64, n, m int) float64 {
	x := float64(n)
	logLik := -x / 2 * (math.Log(rss/x) + 1 + math.Log(2*math.Pi))
	return -2*logLik + math.Log(x)*float64(2*(m+1))
}
