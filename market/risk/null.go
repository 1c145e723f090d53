package risk

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/stats"
)

// nullPaths is how many paths the null of the shortfall test is simulated on.
const nullPaths = 4000

// AcerbiNull simulates Z of AcerbiSzekely for T days of a law whose value at
// risk and shortfall at p are known exactly: Student's t with nu degrees of
// freedom, the normal where nu is infinite. It returns the probability of a Z
// as low as z, and the 5 % point. Z depends on the returns only through the
// exceedances, so their number is drawn (binomial) and each one's size in
// units of the shortfall from the law's tail.
func AcerbiNull(z float64, days int, p, nu float64) (pValue, critical float64) {
	const cells = 8192
	tail, mean := make([]float64, cells), 0.0
	for i := range tail {
		u := p * (float64(i) + 0.5) / cells
		if math.IsInf(nu, 1) {
			tail[i] = -distuv.UnitNormal.Quantile(u)
		} else {
			tail[i] = -TQuantile(u, nu)
		}
		mean += tail[i] / cells
	}
	random := rand.New(rand.NewPCG(1, 0xe5))
	values := make([]float64, nullPaths)
	for path := range values {
		sum := 0.0
		// The gaps between exceedances are geometric: faster than a draw a day.
		for day := gap(random, p); day <= float64(days); day += gap(random, p) {
			sum += tail[random.IntN(cells)] / mean
		}
		values[path] = 1 - sum/(float64(days)*p)
	}
	slices.Sort(values)
	at, _ := slices.BinarySearch(values, math.Nextafter(z, 2))
	return float64(at) / nullPaths, stats.Quantile(values, 0.05)
}

// gap is how many days until the next exceedance, at least one: geometric with the probability p, by inversion.
func gap(random *rand.Rand, p float64) float64 {
	return math.Floor(math.Log(1-random.Float64())/math.Log(1-p)) + 1
}

// tailLaw is the degrees of freedom of a t fitted to the returns before the test, at least 2.1, below which the mean
// of the tail hardly settles. A sample that no t fits is taken for normal.
func tailLaw(r []float64) float64 {
	fit, err := garch.FitStudent(r)
	if err != nil {
		return math.Inf(1)
	}
	return max(2.1, fit.Nu)
}

// tickLosses are the quantile losses of each day.
func tickLosses(r []float64, f []forecast, p float64) []float64 {
	out := make([]float64, len(r))
	for i, v := range r {
		if v < -f[i].v {
			out[i] = (1 - p) * (-f[i].v - v)
		} else {
			out[i] = p * (v + f[i].v)
		}
	}
	return out
}

// DieboldMariano (1995) is the one-sided p that the first losses are not larger on average than the second, with Newey
// and West's variance of ⌊n^⅓⌋ lags; losses that never differ give ½. Both are of the same days.
func DieboldMariano(a, b []float64) float64 {
	d := make([]float64, len(a))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	mean, n := stats.Mean(d), float64(len(d))
	lags := int(math.Cbrt(n))
	variance := 0.0
	for lag := 0; lag <= lags; lag++ {
		sum := 0.0
		for i := lag; i < len(d); i++ {
			sum += (d[i] - mean) * (d[i-lag] - mean)
		}
		weight := 1.0
		if lag > 0 {
			weight = 2 * (1 - float64(lag)/float64(lags+1))
		}
		variance += weight * sum / n
	}
	if !(variance > 0) {
		return 0.5
	}
	return math.Erfc(mean/math.Sqrt(variance/n)/math.Sqrt2) / 2
}
