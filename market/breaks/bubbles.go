package breaks

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// longestBubbles is how many observations the test of bubbles takes: each of its
// simulations is quadratic in them.
const longestBubbles = 1500

// Bubbles is the test of explosive growth of Phillips, Shi and Yu (2015).
type Bubbles struct {
	Window   int       `json:"window"` // least, 0.01 + 1.8/√n of the series
	SADF     float64   `json:"sadf"`   // windows from the first observation only
	GSADF    float64   `json:"gsadf"`
	Critical float64   `json:"critical_95"` // of GSADF, simulated
	P        float64   `json:"p"`           // of GSADF, simulated; never 0
	Paths    int       `json:"paths"`
	Seed     uint64    `json:"seed"`
	Sequence []float64 `json:"-"` // BSADF, NaN before the first window
	Limits   []float64 `json:"-"` // its simulated 95 % points
	Episodes []Episode `json:"episodes"`
}

// Episode is a stretch on which BSADF lies above its 95 % point for at least ln n observations.
type Episode struct {
	From int `json:"from"`
	To   int `json:"to"` // exclusive
	Peak int `json:"peak"`
}

// GSADF tests the logarithm of a price against a random walk: the largest
// Dickey–Fuller statistic (with constant, no lags) over all windows of at least
// Window observations; BSADF at a day is the largest over windows that end
// there. Null and 95 % points are simulated from normal random walks of the
// same length under the seed; a price whose variance changes is rejected
// somewhat too often by them.
func GSADF(ctx context.Context, y []float64, paths int, seed uint64) (Bubbles, error) {
	if err := stats.Finite("logarithm of the price", y, 50); err != nil {
		return Bubbles{}, err
	}
	n := len(y)
	if n > longestBubbles || paths < 99 || paths > 10_000 {
		return Bubbles{}, market.Refuse("bubbles", "bubbles",
			"%d observations and %d simulated paths; want at most %d, and 99 to 10,000", n, paths, longestBubbles)
	}
	out := Bubbles{Window: int(float64(n) * (0.01 + 1.8/math.Sqrt(float64(n)))), Paths: paths, Seed: seed}
	out.Sequence, out.SADF = bsadf(y, out.Window)
	if out.GSADF = most(out.Sequence); math.IsInf(out.GSADF, 0) || math.IsInf(out.SADF, 0) {
		return Bubbles{}, market.Refuse("constant", "price",
			"the price stands still or grows evenly: no regression has an error")
	}
	random := rand.New(rand.NewPCG(seed, 0xb0bb1e5))
	sequences, tops := make([][]float64, paths), make([]float64, paths)
	above := 1 // the series itself: a simulated p is never 0
	walk := make([]float64, n)
	for i := range paths {
		if err := ctx.Err(); err != nil {
			return Bubbles{}, err
		}
		for t := 1; t < n; t++ {
			walk[t] = walk[t-1] + random.NormFloat64()
		}
		sequences[i], _ = bsadf(walk, out.Window)
		if tops[i] = most(sequences[i]); tops[i] >= out.GSADF {
			above++
		}
	}
	out.P = float64(above) / float64(paths+1)
	out.Critical = stats.Quantile(stats.Sorted(tops), 0.95)
	out.Limits = slices.Repeat([]float64{math.NaN()}, n)
	column := make([]float64, paths)
	for t := out.Window - 1; t < n; t++ {
		for i := range paths {
			column[i] = sequences[i][t]
		}
		slices.Sort(column)
		out.Limits[t] = stats.Quantile(column, 0.95)
	}
	out.episodes(n)
	return out, nil
}

// most is the largest number that is one.
func most(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	return top
}

// episodes finds the stretches above the limits. Those shorter than ln n days are left out: with a limit a day at 95
// %, single days lie above it by chance.
func (b *Bubbles) episodes(n int) {
	for t := 0; t < n; t++ {
		first, peak := t, t
		for t < n && b.Sequence[t] > b.Limits[t] { // false for NaN
			if b.Sequence[t] > b.Sequence[peak] {
				peak = t
			}
			t++
		}
		if float64(t-first) >= math.Log(float64(n)) {
			b.Episodes = append(b.Episodes, Episode{first, t, peak})
		}
	}
}

// bsadf runs the regressions of every window by cumulated sums, each in a few
// operations. sadf is the largest statistic of the windows that begin at 0.
func bsadf(y []float64, window int) (sequence []float64, sadf float64) {
	n := len(y)
	// Sums over pairs (y[t−1], y[t]−y[t−1]), t = 1 … n−1, less y's mean for precision.
	mean := stats.Mean(y)
	x, d, xx, xd, dd := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n),
		make([]float64, n)
	for t := 1; t < n; t++ {
		before, change := y[t-1]-mean, y[t]-y[t-1]
		x[t], d[t], xx[t] = x[t-1]+before, d[t-1]+change, xx[t-1]+before*before
		xd[t], dd[t] = xd[t-1]+before*change, dd[t-1]+change*change
	}
	sequence, sadf = slices.Repeat([]float64{math.NaN()}, n), math.Inf(-1)
	for end := window - 1; end < n; end++ {
		top := math.Inf(-1)
		for begin := 0; begin <= end-window+1; begin++ {
			m := float64(end - begin) // pairs
			sx, sd := x[end]-x[begin], d[end]-d[begin]
			vx := xx[end] - xx[begin] - sx*sx/m
			cov := xd[end] - xd[begin] - sx*sd/m
			vd := dd[end] - dd[begin] - sd*sd/m
			rss := vd - cov*cov/vx
			if !(vx > 0) || !(rss > 0) {
				continue
			}
			tau := cov / math.Sqrt(vx*rss/(m-2))
			if tau > top {
				top = tau
			}
			if begin == 0 && tau > sadf {
				sadf = tau
			}
		}
		sequence[end] = top
	}
	return sequence, sadf
}
