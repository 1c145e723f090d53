package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market"
)

// Test is a test statistic with its p-value and, where it has them, lags.
type Test struct {
	Lags int     `json:"lags,omitempty"`
	Stat float64 `json:"stat"`
	P    float64 `json:"p"`
}

// ChiSquareP is the upper tail of χ² with df degrees of freedom.
func ChiSquareP(x, df float64) float64 { return distuv.ChiSquared{K: df}.Survival(x) }

// autocovariance at lag, about the mean, divided by n and not by n − lag: with n the autocovariances belong to a
// process that there can be, and no sum of them weighted by Bartlett is negative.
func autocovariance(x []float64, mean float64, lag int) float64 {
	sum := 0.0
	for t := lag; t < len(x); t++ {
		sum += (x[t] - mean) * (x[t-lag] - mean)
	}
	return sum / float64(len(x))
}

// Autocorrelations at lags 1…lags.
func Autocorrelations(x []float64, lags int) []float64 {
	mean := Mean(x)
	zero := autocovariance(x, mean, 0)
	out := make([]float64, lags)
	for l := range out {
		out[l] = autocovariance(x, mean, l+1) / zero
	}
	return out
}

// LjungBox tests that autocorrelations up to lags are zero: Q = n(n + 2)·Σ ρ_l²/(n − l), χ² with as many degrees as
// lags. Of the residuals of a fit the degrees would be fewer by its parameters; that is left to the caller.
func LjungBox(x []float64, lags int) Test {
	n, q := float64(len(x)), 0.0
	for i, rho := range Autocorrelations(x, lags) {
		q += rho * rho / (n - float64(i+1))
	}
	q *= n * (n + 2)
	return Test{lags, q, ChiSquareP(q, float64(lags))}
}

// ARCHLM is Engle's (1982) test: n·R² of squared residuals on a constant and their lags, χ² with as many degrees. n is
// what is left after the lags.
func ARCHLM(e []float64, lags int) (Test, error) {
	if len(e) < 2*lags+2 {
		return Test{}, market.Refuse("too-short", "residuals", "%d values for %d lags", len(e), lags)
	}
	y := make([]float64, len(e))
	for i, v := range e {
		y[i] = v * v
	}
	columns := make([][]float64, lags)
	for l := range columns {
		columns[l] = y[lags-l-1 : len(y)-l-1]
	}
	fit, err := Fit(y[lags:], columns...)
	if err != nil {
		return Test{}, err
	}
	stat := float64(len(y)-lags) * fit.R2
	return Test{lags, stat, ChiSquareP(stat, float64(lags))}, nil
}

// JarqueBera tests normality by skewness and excess kurtosis (χ²₂).
func JarqueBera(x []float64) (Test, error) {
	m, err := Describe(x)
	if err != nil {
		return Test{}, err
	}
	stat := float64(m.N) / 6 * (m.Skewness*m.Skewness + m.Excess*m.Excess/4)
	return Test{0, stat, ChiSquareP(stat, 2)}, nil
}

// ADF is the augmented Dickey–Fuller test with constant and trend and
// k = trunc((n−1)^⅓) lags; p from Banerjee et al. (1993) table 4.2,
// interpolated and held inside [0.01, 0.99] (R: tseries::adf.test).
func ADF(x []float64) (Test, error) {
	if len(x) < 10 {
		return Test{}, market.Refuse("too-short", "series", "%d values; ten are needed", len(x))
	}
	k := int(math.Cbrt(float64(len(x)-1)) + 1e-9)
	stat, err := dickeyFuller(x, k, true)
	if err != nil {
		return Test{}, err
	}
	return Test{k, stat, adfP(stat, float64(len(x)-1))}, nil
}

// ADFDrift is the t statistic with a constant, no trend, and the given lags (R: urca::ur.df(type="drift")). It has no
// p: its law is not that of ADF's table, which is for a constant and a trend.
func ADFDrift(x []float64, lags int) (float64, error) { return dickeyFuller(x, lags, false) }

// dickeyFuller is the t statistic of γ in Δx_t = α (+ βt) + γx_{t−1} + Σ_{l=1..k} δ_l Δx_{t−l} + ε_t. Under a unit
// root γ is 0, and the statistic has a law of its own, far below Student's.
func dickeyFuller(x []float64, k int, trend bool) (float64, error) {
	if len(x) < 2*k+6 {
		return 0, market.Refuse("too-short", "series", "%d values; the unit-root test with %d lags needs %d", len(x), k,
			2*k+6)
	}
	diff := make([]float64, len(x)-1)
	for i := range diff {
		diff[i] = x[i+1] - x[i]
	}
	y := diff[k:]
	columns := [][]float64{x[k : len(x)-1]}
	if trend {
		line := make([]float64, len(y))
		for i := range line {
			line[i] = float64(i)
		}
		columns = append(columns, line)
	}
	for l := 1; l <= k; l++ {
		columns = append(columns, diff[k-l:len(diff)-l])
	}
	fit, err := Fit(y, columns...)
	if err != nil {
		return 0, err
	}
	return fit.Coefficients[1] / fit.Errors[1], nil
}

var (
	// Rows are probabilities, columns sizes of the sample; the last size stands for an infinite one.
	adfSizes = []float64{25, 50, 100, 250, 500, 100000}
	adfProbs = []float64{0.01, 0.025, 0.05, 0.10, 0.90, 0.95, 0.975, 0.99}
	adfTable = [][]float64{
		{-4.38, -4.15, -4.04, -3.99, -3.98, -3.96}, {-3.95, -3.80, -3.73, -3.69, -3.68, -3.66},
		{-3.60, -3.50, -3.45, -3.43, -3.42, -3.41}, {-3.24, -3.18, -3.15, -3.13, -3.13, -3.12},
		{-1.14, -1.19, -1.22, -1.23, -1.24, -1.25}, {-0.80, -0.87, -0.90, -0.92, -0.93, -0.94},
		{-0.50, -0.58, -0.62, -0.64, -0.65, -0.66}, {-0.15, -0.24, -0.28, -0.31, -0.32, -0.33},
	}
)

// adfP reads the table at the sample's size first and then at the statistic.
func adfP(stat, n float64) float64 {
	critical := make([]float64, len(adfProbs))
	for i, row := range adfTable {
		critical[i] = interpolate(adfSizes, row, n)
	}
	return interpolate(critical, adfProbs, stat)
}

// interpolate is linear between knots and flat beyond them.
func interpolate(x, y []float64, at float64) float64 {
	if at <= x[0] {
		return y[0]
	}
	for i := 1; i < len(x); i++ {
		if at <= x[i] {
			return y[i-1] + (y[i]-y[i-1])*(at-x[i-1])/(x[i]-x[i-1])
		}
	}
	return y[len(y)-1]
}

// KPSS tests level stationarity with trunc(4(n/100)^¼) Bartlett lags: Σ S_t²/(n²·λ²), S_t the summed deviations from
// the mean and λ² their long-run variance; p from Kwiatkowski et al. (1992) table 1, inside [0.01, 0.10]. Here the
// null is that the series is stationary, where that of ADF and PP is that it is not.
func KPSS(x []float64) Test {
	n := float64(len(x))
	lags := int(4 * math.Pow(n/100, 0.25))
	mean, sum, squares := Mean(x), 0.0, 0.0
	for _, v := range x {
		sum += v - mean
		squares += sum * sum
	}
	long := autocovariance(x, mean, 0)
	for l := 1; l <= lags; l++ {
		long += 2 * (1 - float64(l)/float64(lags+1)) * autocovariance(x, mean, l)
	}
	stat := squares / (n * n) / long
	return Test{lags, stat, interpolate([]float64{0.347, 0.463, 0.574, 0.739}, []float64{0.10, 0.05, 0.025, 0.01},
		stat)}
}

// SignBias is Engle and Ng's (1993) joint test on standardised residuals: do
// the sign and size of the last shock predict the next square (n·R², χ²₃)?
func SignBias(z []float64) (Test, error) {
	if len(z) < 10 {
		return Test{}, market.Refuse("too-short", "residuals", "%d values; ten are needed", len(z))
	}
	n := len(z) - 1
	y, sign, negative, positive := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for t := range n {
		y[t] = z[t+1] * z[t+1]
		if z[t] < 0 {
			sign[t], negative[t] = 1, z[t]
		} else {
			positive[t] = z[t]
		}
	}
	fit, err := Fit(y, sign, negative, positive)
	if err != nil {
		return Test{}, err
	}
	stat := float64(n) * fit.R2
	return Test{0, stat, ChiSquareP(stat, 3)}, nil
}

// Granger tests whether lags of x help to predict y beyond y's own lags: F = ((RSS₁ − RSS₂)/lags)/(RSS₂/df) with
// (lags, n − 2·lags − 1) degrees of freedom, n the values that are left after the lags.
func Granger(y, x []float64, lags int) (Test, error) {
	if len(x) != len(y) || len(y) < 4*lags+2 {
		return Test{}, market.Refuse("too-short", "series", "two series of one length, at least %d", 4*lags+2)
	}
	var own, both [][]float64
	for l := 1; l <= lags; l++ {
		own = append(own, y[lags-l:len(y)-l])
	}
	both = append(both, own...)
	for l := 1; l <= lags; l++ {
		both = append(both, x[lags-l:len(x)-l])
	}
	small, err := Fit(y[lags:], own...)
	if err != nil {
		return Test{}, err
	}
	large, err := Fit(y[lags:], both...)
	if err != nil {
		return Test{}, err
	}
	df := float64(len(y) - lags - 2*lags - 1)
	f := (small.RSS - large.RSS) / float64(lags) / (large.RSS / df)
	return Test{lags, f, distuv.F{D1: float64(lags), D2: df}.Survival(f)}, nil
}
