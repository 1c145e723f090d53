package garch

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Horizon is the forecast for one day ahead of the sample, and the sum up to
// it. Intervals are quantiles of simulated paths at the level asked for.
type Horizon struct {
	Day          int     `json:"day"`
	Variance     float64 `json:"variance"` // mean over paths; analytic for GARCH and GJR
	VarianceLow  float64 `json:"variance_low"`
	VarianceHigh float64 `json:"variance_high"`
	ReturnLow    float64 `json:"return_low"` // cumulated return, percent
	ReturnMedian float64 `json:"return_median"`
	ReturnHigh   float64 `json:"return_high"`
	// Fan holds the quantiles of the cumulated return at FanLevels.
	Fan [7]float64 `json:"return_fan"`
}

// FanLevels are the probabilities of a fan chart: three bands about the median.
var FanLevels = [7]float64{0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95}

// Forecast is a set of horizons with what it was made by.
type Forecast struct {
	Level    float64   `json:"level"`
	Paths    int       `json:"paths"`
	Seed     uint64    `json:"seed"`
	Horizons []Horizon `json:"horizons"`
}

// draws gives unit-variance shocks of the fitted law.
func (f *Fit) draws(source rand.Source) func() float64 {
	r := rand.New(source)
	at := f.Spec.layout()
	if f.Spec.Law == Normal {
		return r.NormFloat64
	}
	nu := f.theta[at.nu]
	student := distuv.StudentsT{Sigma: math.Sqrt((nu - 2) / nu), Nu: nu, Src: source}
	if f.Spec.Law == StudentT {
		return student.Rand
	}
	var law law
	xi := f.theta[at.xi]
	law.set(SkewT, xi, nu)
	return func() float64 {
		y := math.Abs(student.Rand())
		if r.Float64() < xi*xi/(1+xi*xi) {
			y *= xi
		} else {
			y = -y / xi
		}
		return (y - law.m) / law.s
	}
}

// Forecast simulates paths from the end of the sample with shocks of the
// fitted law. The same seed gives the same numbers.
func (f *Fit) Forecast(days, paths int, level float64, seed uint64) (Forecast, error) {
	if days < 1 || days > 1000 || paths < 100 || paths > 1_000_000 || days*paths > 50_000_000 ||
		!(level > 0 && level < 1) {
		return Forecast{}, market.Refuse("forecast", "days",
			"want 1 to 1,000 days, 100 to 1,000,000 paths (at most 50,000,000 days in all) and a level between 0 and 1")
	}
	draw := f.draws(rand.NewPCG(seed, 0xf0ca57))
	at, absE := f.Spec.layout(), f.absE()
	variances, sums := make([][]float64, days), make([][]float64, days)
	for d := range days {
		variances[d], sums[d] = make([]float64, paths), make([]float64, paths)
	}
	for i := range paths {
		h, total, last := f.HNext, 0.0, f.lastRaw
		for d := range days {
			z := draw()
			last = f.meanGiven(last) + math.Sqrt(h)*z
			total += last + f.Mean
			variances[d][i], sums[d][i] = h, total
			h = step(f.Spec, at, f.theta, h, z, absE)
		}
	}
	out := Forecast{Level: level, Paths: paths, Seed: seed}
	tail, expected := (1-level)/2, f.HNext
	for d := range days {
		h := Horizon{Day: d + 1, Variance: stats.Mean(variances[d])}
		// The mean variance of GARCH and GJR has a closed form; of EGARCH only the paths tell it.
		if f.Spec.Model != EGARCH {
			h.Variance = expected
			expected = f.theta[at.omega] + f.Persistence*expected
		}
		// The mean is taken above, before sorting: a sum of floats depends on its order.
		slices.Sort(variances[d])
		slices.Sort(sums[d])
		h.VarianceLow, h.VarianceHigh = stats.Quantile(variances[d], tail), stats.Quantile(variances[d], 1-tail)
		h.ReturnLow, h.ReturnMedian, h.ReturnHigh = stats.Quantile(sums[d], tail), stats.Quantile(sums[d], 0.5),
			stats.Quantile(sums[d], 1-tail)
		for i, level := range FanLevels {
			h.Fan[i] = stats.Quantile(sums[d], level)
		}
		out.Horizons = append(out.Horizons, h)
	}
	return out, nil
}

// meanGiven is the conditional mean after a return (less any fixed mean).
func (f *Fit) meanGiven(last float64) float64 {
	at, m := f.Spec.layout(), 0.0
	if at.mu >= 0 {
		m = f.theta[at.mu]
	}
	if at.phi >= 0 {
		m += f.theta[at.phi] * last
	}
	return m
}

// Impact is a point of the news-impact curve: tomorrow's variance after a
// shock today, variance having stood at its mean over the sample (the long-run
// level, where it exists at all, is hardly determined near integration).
type Impact struct {
	Shock    float64 `json:"shock"` // percent
	Variance float64 `json:"variance"`
}

// NewsImpact draws the curve of Engle and Ng (1993) over ±span standard
// deviations.
func (f *Fit) NewsImpact(span float64, points int) []Impact {
	level := stats.Mean(f.Variances)
	at, absE := f.Spec.layout(), f.absE()
	var out []Impact
	for i := range points {
		z := span * (2*float64(i)/float64(points-1) - 1)
		out = append(out, Impact{z * math.Sqrt(level), step(f.Spec, at, f.theta, level, z, absE)})
	}
	return out
}

// Simulate makes n returns from a specification and its parameters, after a
// burn-in of 500; for tests and Monte Carlo.
func Simulate(spec Spec, theta []float64, n int, seed uint64) ([]float64, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, err
	}
	f := &Fit{Spec: spec, theta: theta, Persistence: spec.persistence(theta)}
	if len(theta) != spec.layout().size || !(f.Persistence < 1) {
		return nil, market.Refuse("parameters", "theta", "want %d parameters with persistence below one",
			spec.layout().size)
	}
	draw, at, absE := f.draws(rand.NewPCG(seed, 0x51)), spec.layout(), f.absE()
	h := theta[at.omega] / (1 - f.Persistence)
	if spec.Model == EGARCH {
		h = math.Exp(h)
	}
	const burnIn = 500
	out, last := make([]float64, 0, n), 0.0
	for t := range n + burnIn {
		z := draw()
		last = f.meanGiven(last) + math.Sqrt(h)*z
		h = step(spec, at, theta, h, z, absE)
		if t >= burnIn {
			out = append(out, last)
		}
	}
	return out, nil
}
