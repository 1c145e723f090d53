package risk

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market/stats"
)

// ESRegression is the intercept test of Bayer and Dimitriadis (2022): the
// returns less the forecast shortfall have themselves a shortfall of zero at p
// where the forecast is right. Below zero the forecast is too small; P is one-sided
// for that. The intercepts of the quantile and of the shortfall are those of the
// sample, and their variance is that of a sample's shortfall (Chen 2008, eq. 8,
// for independent days).
type ESRegression struct {
	Intercept float64 `json:"intercept"` // percent; below zero: the shortfall was larger
	SE        float64 `json:"se"`
	P         float64 `json:"p"`
}

// TestESRegression takes returns and forecast shortfalls (losses, above zero).
func TestESRegression(r, shortfall []float64, p float64) ESRegression {
	u := make([]float64, len(r))
	for i, v := range r {
		u[i] = v + shortfall[i]
	}
	sorted := stats.Sorted(u)
	q := stats.Quantile(sorted, p)
	tail := sorted[:max(2, sortedBelow(sorted, q))]
	mean := stats.Mean(tail)
	n := float64(len(r))
	variance := (stats.Variance(tail)*float64(len(tail)-1)/float64(len(tail)) + (1-p)*(q-mean)*(q-mean)) / (p * n)
	out := ESRegression{Intercept: mean, SE: math.Sqrt(variance), P: 0.5}
	if out.SE > 0 {
		out.P = distuv.UnitNormal.CDF(mean / out.SE)
	}
	return out
}

// sortedBelow is how many of the sorted values are at most q.
func sortedBelow(sorted []float64, q float64) int {
	at, _ := slices.BinarySearch(sorted, math.Nextafter(q, math.Inf(1)))
	return at
}

const (
	// Under a fixed seed, so that the same returns give the same set.
	confidenceReps = 2000
	confidenceSeed = 1
)

// ConfidenceSet is the model confidence set of Hansen, Lunde and Nason (2011) with the statistic T_max: methods leave,
// worst first, while equal losses of those left are rejected. p[i] is the largest level at which method i would still
// be in the set: the largest p of all steps up to the one at which it left, so that it never falls along the way.
// Blocks of the stationary bootstrap have the mean length n^⅓; losses[i] are one method's, day by day, all of one
// length.
func ConfidenceSet(losses [][]float64) []float64 {
	m, n := len(losses), len(losses[0])
	out := make([]float64, m)
	means := make([]float64, m)
	for i, x := range losses {
		means[i] = stats.Mean(x)
	}
	draws := resampledMeans(losses, n)
	left := make([]int, m)
	for i := range left {
		left[i] = i
	}
	highest := 0.0
	for len(left) > 1 {
		worst, p := leave(left, means, draws)
		highest = max(highest, p)
		out[left[worst]] = highest
		left = slices.Delete(left, worst, worst+1)
	}
	out[left[0]] = 1
	return out
}

// resampledMeans are the mean losses of each bootstrap sample, the days drawn
// being the same for all methods.
func resampledMeans(losses [][]float64, n int) [][]float64 {
	random := rand.New(rand.NewPCG(confidenceSeed, 0x3c5))
	block := math.Cbrt(float64(n))
	draws := make([][]float64, confidenceReps)
	for b := range draws {
		sums := make([]float64, len(losses))
		at := random.IntN(n)
		for range n {
			if random.Float64() < 1/block {
				at = random.IntN(n)
			}
			for i := range losses {
				sums[i] += losses[i][at]
			}
			if at++; at == n {
				at = 0
			}
		}
		for i := range sums {
			sums[i] /= float64(n)
		}
		draws[b] = sums
	}
	return draws
}

// leave finds the method that would leave and the p-value of the test that all of those left lose equally: T_max is
// the largest of d_i/√var(d_i), d_i a method's mean loss less that of all left, and p the share of bootstrap samples,
// moved to the hypothesis, whose own T_max is no smaller. Variances are those over the samples.
func leave(left []int, means []float64, draws [][]float64) (worst int, p float64) {
	k := len(left)
	relative := func(x []float64) []float64 {
		sum := 0.0
		for _, i := range left {
			sum += x[i]
		}
		out := make([]float64, k)
		for j, i := range left {
			out[j] = x[i] - sum/float64(k)
		}
		return out
	}
	d := relative(means)
	// Under the hypothesis that all lose equally, differences are 0 on average: the draws are moved there (Hansen,
	// Lunde, Nason 2011, T_max).
	centred := make([][]float64, len(draws))
	variance := make([]float64, k)
	for b, x := range draws {
		centred[b] = relative(x)
		for j := range d {
			centred[b][j] -= d[j]
			variance[j] += centred[b][j] * centred[b][j] / float64(len(draws))
		}
	}
	most := math.Inf(-1)
	for j := range d {
		if t := ratio(d[j], variance[j]); t > most {
			most, worst = t, j
		}
	}
	above := 0
	for _, x := range centred {
		top := math.Inf(-1)
		for j := range x {
			top = max(top, ratio(x[j], variance[j]))
		}
		if top >= most {
			above++
		}
	}
	return worst, float64(above) / float64(len(draws))
}

// ratio is a t statistic; methods that never differ have none.
func ratio(d, variance float64) float64 {
	if variance <= 0 {
		return 0
	}
	return d / math.Sqrt(variance)
}
