package stats

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/aqsha/aqsha/market"
)

// PhillipsPerron tests for a unit root: the regression of x on its lag, a
// constant and, with trend, a line, its t statistic corrected for
// autocorrelation by Newey and West's variance of so many lags (Phillips and
// Perron 1988). Rho is the statistic of the coefficient. P is that of the t
// statistic: MacKinnon's (1994) response surface.
type PhillipsPerron struct {
	Trend bool    `json:"trend"`
	Lags  int     `json:"lags"`
	Tau   float64 `json:"tau"`
	Rho   float64 `json:"rho"`
	P     float64 `json:"p"`
}

// PP computes the test; lags < 0 takes ⌈12(n/100)^¼⌉. With γ_l the residuals' autocovariances, λ² = γ₀ + 2Σ(1 − l/(q +
// 1))γ_l and s² = RSS/(n − k): Tau = √(γ₀/λ²)·(ρ − 1)/se − (λ² − γ₀)·n·se/(2λ·s) and Rho = n(ρ − 1) − n²·se²·(λ² −
// γ₀)/(2s²).
func PP(x []float64, trend bool, lags int) (PhillipsPerron, error) {
	if lags < 0 {
		lags = int(math.Ceil(12 * math.Pow(float64(len(x))/100, 0.25)))
	}
	if len(x) < max(20, lags+10) {
		return PhillipsPerron{}, market.Refuse("too-short", "series", "%d values; the test with %d lags needs %d",
			len(x), lags, max(20, lags+10))
	}
	y, columns := x[1:], [][]float64{x[:len(x)-1]}
	if trend {
		line := make([]float64, len(y))
		for i := range line {
			line[i] = float64(i + 1)
		}
		columns = append(columns, line)
	}
	fit, err := Fit(y, columns...)
	if err != nil {
		return PhillipsPerron{}, err
	}
	n, k := float64(len(y)), float64(len(columns)+1)
	rho, se := fit.Coefficients[1], fit.Errors[1]
	gamma := func(lag int) (sum float64) {
		for t := lag; t < len(y); t++ {
			sum += fit.Residuals[t] * fit.Residuals[t-lag]
		}
		return sum / n
	}
	zero := gamma(0)
	// Newey–West with Bartlett's weights, so that the long-run variance is never negative.
	long := zero
	for l := 1; l <= lags; l++ {
		long += 2 * (1 - float64(l)/float64(lags+1)) * gamma(l)
	}
	s2 := fit.RSS / (n - k)
	out := PhillipsPerron{Trend: trend, Lags: lags}
	out.Tau = math.Sqrt(zero/long)*((rho-1)/se) - 0.5*(long-zero)/math.Sqrt(long)*(n*se/math.Sqrt(s2))
	out.Rho = n*(rho-1) - 0.5*(n*n*se*se/s2)*(long-zero)
	out.P = mackinnonP(out.Tau, trend)
	return out, nil
}

// mackinnonP is the p of a Dickey–Fuller t statistic: the normal distribution
// at a polynomial in it, whose coefficients are those of MacKinnon (1994) for
// one series, with constant and with constant and trend, below and above a knot.
func mackinnonP(tau float64, trend bool) float64 {
	most, least, knot := 2.74, -18.83, -1.61
	small, large := []float64{2.1659, 1.4412, 0.038269}, []float64{1.7339, 0.93202, -0.12745, -0.010368}
	if trend {
		most, least, knot = 0.7, -16.18, -2.89
		small, large = []float64{3.2512, 1.6047, 0.049588}, []float64{2.5261, 0.61654, -0.37956, -0.060285}
	}
	switch {
	case tau > most:
		return 1
	case tau < least:
		return 0
	}
	c := large
	if tau <= knot {
		c = small
	}
	z, power := 0.0, 1.0
	for _, v := range c {
		z, power = z+v*power, power*tau
	}
	return math.Erfc(-z/math.Sqrt2) / 2
}

// Whittle is the local Whittle estimate of the memory parameter d (Robinson
// 1995) from the m lowest frequencies, with its asymptotic standard error
// 1/(2√m). d is sought in [−½, 1].
type Whittle struct {
	D  float64 `json:"d"`
	SE float64 `json:"se"`
	M  int     `json:"m"`
}

// leastMemory is the shortest series whose memory is estimated.
const leastMemory = 50

// LocalWhittle takes m = ⌊n^0.65⌋ where m is 0. d minimises R(d) = ln(Σ ω_j^{2d}·I_j/m) − 2d·Σ ln ω_j/m; the sign of
// its derivative is bisected, which ends at d's bound where the minimum lies beyond. Frequencies are divided by their
// geometric mean first, which leaves R' as it is and the powers near 1.
func LocalWhittle(x []float64, m int) (Whittle, error) {
	n := len(x)
	if m == 0 {
		m = int(math.Pow(float64(n), 0.65))
	}
	if n < leastMemory || m < 4 || m >= n/2 {
		return Whittle{}, market.Refuse("too-short", "series",
			"%d values and %d frequencies; want %d values, and from 4 to fewer than half as many frequencies", n, m,
			leastMemory)
	}
	logs, power, meanLog := make([]float64, m), make([]float64, m), 0.0
	centred, mean := make([]float64, n), Mean(x)
	for i, v := range x {
		centred[i] = v - mean
	}
	waves := fourier.NewFFT(n).Coefficients(nil, centred)
	for j := range m {
		w := 2 * math.Pi * float64(j+1) / float64(n)
		at := waves[j+1]
		power[j] = (real(at)*real(at) + imag(at)*imag(at)) / (2 * math.Pi * float64(n))
		logs[j] = math.Log(w)
		meanLog += logs[j] / float64(m)
	}
	total := 0.0
	for _, v := range power {
		total += v
	}
	if !(total > 0) {
		return Whittle{}, market.Refuse("constant", "series", "the series is constant")
	}
	// R'(d) changes its sign once: R is convex in d.
	slope := func(d float64) float64 {
		var g, gl float64
		for j := range m {
			v := math.Exp(2*d*(logs[j]-meanLog)) * power[j]
			g, gl = g+v, gl+v*(logs[j]-meanLog)
		}
		return gl / g
	}
	low, high := -0.5, 1.0
	for range 60 {
		if middle := (low + high) / 2; slope(middle) > 0 {
			high = middle
		} else {
			low = middle
		}
	}
	return Whittle{D: (low + high) / 2, SE: 1 / (2 * math.Sqrt(float64(m))), M: m}, nil
}
