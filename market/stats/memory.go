package stats

import (
	"math"
	"slices"
)

// scales are block lengths from 8 to n/4, evenly spaced in logarithm, without repetitions. Shorter blocks say nothing
// of a trend, and of longer ones there are fewer than four to average.
func scales(n int) []int {
	top := math.Log2(float64(n) / 4)
	var out []int
	for i := range 20 {
		out = append(out, int(math.Pow(2, 3+(top-3)*float64(i)/19)+1e-9))
	}
	return slices.Compact(out)
}

// slope of ln F against ln s.
func slope(s []int, f []float64) float64 {
	x, y := make([]float64, len(s)), make([]float64, len(s))
	for i := range s {
		x[i], y[i] = math.Log(float64(s[i])), math.Log(f[i])
	}
	return Covariance(x, y) / Variance(x)
}

// DFA is the exponent of detrended fluctuation analysis (Peng et al. 1994), first order, non-overlapping blocks: the
// slope of ln F(s) against ln s, where F(s)² is the mean square of the summed deviations about a straight line in each
// block of s. Without memory it is ½. The last n mod s values are in no block of that length.
func DFA(x []float64) float64 {
	mean, sum := Mean(x), 0.0
	profile := make([]float64, len(x))
	for i, v := range x {
		sum += v - mean
		profile[i] = sum
	}
	s := scales(len(x))
	f := make([]float64, len(s))
	for i, length := range s {
		rss := 0.0
		blocks := len(profile) / length
		for b := range blocks {
			rss += detrended(profile[b*length : (b+1)*length])
		}
		f[i] = math.Sqrt(rss / float64(blocks*length))
	}
	return slope(s, f)
}

// detrended is the residual sum of squares about a straight line, in one pass: Σ(i − mean)² of 0 … n−1 is n(n² −
// 1)/12.
func detrended(y []float64) float64 {
	n := float64(len(y))
	my, mx := Mean(y), (n-1)/2
	var sxy, syy float64
	for i, v := range y {
		sxy += (float64(i) - mx) * (v - my)
		syy += (v - my) * (v - my)
	}
	return syy - sxy*sxy/(n*(n*n-1)/12)
}

// RescaledRange is Hurst's exponent by R/S over non-overlapping blocks: the slope of the mean of (max − min of the
// summed deviations)/(standard deviation, n) against the length, in logarithms. In small samples it is too large even
// without memory; no correction is made. A block that stands still has no deviation to divide by, and the result is
// NaN.
func RescaledRange(x []float64) float64 {
	s := scales(len(x))
	f := make([]float64, len(s))
	for i, length := range s {
		blocks := len(x) / length
		for b := range blocks {
			block := x[b*length : (b+1)*length]
			mean, sum, squares := Mean(block), 0.0, 0.0
			low, high := math.Inf(1), math.Inf(-1)
			for _, v := range block {
				sum += v - mean
				squares += (v - mean) * (v - mean)
				low, high = min(low, sum), max(high, sum)
			}
			f[i] += (high - low) / math.Sqrt(squares/float64(length)) / float64(blocks)
		}
	}
	return slope(s, f)
}

// GPH is Geweke and Porter-Hudak's (1983) memory parameter d from the lowest ⌊√n⌋ frequencies (R:
// fracdiff::fdGPH(bandw.exp=0.5)): minus the slope of ln I(ω_j) against 2·ln(2·sin(ω_j/2)), I the periodogram at ω_j =
// 2πj/n. Each ordinate is a sum over all values: n·√n steps. 1e-9 keeps the root of a square from falling short.
func GPH(x []float64) float64 {
	n, mean := len(x), Mean(x)
	g := int(math.Sqrt(float64(n)) + 1e-9)
	var lx, ly []float64
	for j := 1; j <= g; j++ {
		w := 2 * math.Pi * float64(j) / float64(n)
		var re, im float64
		for t, v := range x {
			sin, cos := math.Sincos(w * float64(t))
			re, im = re+(v-mean)*cos, im+(v-mean)*sin
		}
		if p := (re*re + im*im) / float64(n); p > 0 {
			lx, ly = append(lx, 2*math.Log(2*math.Sin(w/2))), append(ly, math.Log(p))
		}
	}
	return -Covariance(lx, ly) / Variance(lx)
}
