package realised

import "math"

const (
	// kernelConstant is c* of Parzen's weights, ((12)²/0.269)^(1/5).
	kernelConstant = 3.5134
	// kernelGrid is how many returns a day the variance is first taken from, to choose
	// the bandwidth: 72 are 20 minutes of a market that never closes.
	kernelGrid = 72
	// maxBandwidth bounds the work of a day of ticks.
	maxBandwidth = 1000
)

// parzen weighs a lag by its share x ≥ 0 of the bandwidth: 1 at none, smoothly 0 from 1 on.
func parzen(x float64) float64 {
	switch {
	case x <= 0.5:
		return 1 - 6*x*x*(1-x)
	case x < 1:
		return 2 * (1 - x) * (1 - x) * (1 - x)
	}
	return 0
}

// Kernel is the realised kernel of Barndorff-Nielsen, Hansen, Lunde and Shephard
// (2009): the variance of a day's returns in the square of their unit, freed of noise that
// prices carry (such as the jump between bid and offer), which a sum of squares counts
// each time. It is Σ k(h/(H+1))·γ_h with Parzen's weights, so never below zero; the two first and the two
// last prices are each averaged. bandwidth is H; at least five returns are needed, else both are 0.
func Kernel(r []float64) (variance float64, bandwidth int) {
	n := len(r)
	if n < 5 {
		return 0, 0
	}
	x := append([]float64(nil), r[1:n-1]...)
	x[0] += r[0] / 2
	x[len(x)-1] += r[n-1] / 2
	bandwidth = kernelBandwidth(r)
	for h := 0; h <= bandwidth; h++ {
		sum := 0.0
		for t := h; t < len(x); t++ {
			sum += x[t] * x[t-h]
		}
		if h > 0 {
			sum *= 2
		}
		variance += parzen(float64(h)/float64(bandwidth+1)) * sum
	}
	return max(variance, 0), bandwidth // below zero by rounding alone
}

// kernelBandwidth is c*·ξ^(4/5)·n^(3/5) rounded up, ξ² the noise's variance by that of
// the day. The noise's is half of a return's, which is too large where there is little
// of it, and errs on the safe side; the day's is the mean over all sparse grids.
func kernelBandwidth(r []float64) int {
	n := len(r)
	dense := 0.0
	for _, v := range r {
		dense += v * v
	}
	step := max(1, n/kernelGrid)
	sparse, grids := 0.0, 0
	for first := range step {
		for t := first; t+step <= n; t += step {
			sum := 0.0
			for _, v := range r[t : t+step] {
				sum += v
			}
			sparse += sum * sum
		}
		grids++
	}
	sparse /= float64(grids)
	noise := dense / float64(2*n)
	if !(sparse > 0) {
		return 0
	}
	bandwidth := math.Ceil(kernelConstant * math.Pow(noise/sparse, 2.0/5) * math.Pow(float64(n), 3.0/5))
	return int(min(bandwidth, float64(n-3), maxBandwidth))
}
