package performance

import (
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Simple turns prices into simple returns (fractions), dated by the later price.
func Simple(prices market.Series) (market.Series, error) {
	logs, err := prices.LogReturns()
	if err != nil {
		return market.Series{}, err
	}
	for i, r := range logs.Values {
		logs.Values[i] = math.Expm1(r / 100)
	}
	logs.Unit = "fraction"
	return logs, nil
}

// sample is a series of simple returns with its benchmark's (or nil) and the
// periods a year.
type sample struct {
	r, bench []float64
	free     []float64 // risk-free rate a period; nil: 0
	periods  float64
	growth   float64 // observations in a year of 365 days as they fell in time; gaps make it fewer than periods
}

// measure is one figure with its formula; f may return NaN for "not available".
type measure struct {
	key, unit, formula string
	bench              bool // needs a benchmark
	f                  func(s sample) float64
}

// annualGrowth is the geometric mean of the returns, in a year.
func annualGrowth(s sample) float64 {
	sum := 0.0
	for _, r := range s.r {
		sum += math.Log1p(r)
	}
	return math.Expm1(sum / float64(len(s.r)) * s.growth)
}

// deepest is the largest fall from a peak before it, as a negative fraction.
func deepest(r []float64) float64 {
	value, peak, worst := 1.0, 1.0, 0.0
	for _, x := range r {
		value *= 1 + x
		peak = max(peak, value)
		worst = min(worst, value/peak-1)
	}
	return worst
}

// downside is the root of the mean square of losses, over all returns.
func downside(r []float64) float64 {
	sum := 0.0
	for _, x := range r {
		if x < 0 {
			sum += x * x
		}
	}
	return math.Sqrt(sum / float64(len(r)))
}

// omega is the sum of gains by that of losses; infinite without a loss, which finite turns into no value.
func omega(s sample) float64 {
	gain, loss := 0.0, 0.0
	for _, x := range s.r {
		if x > 0 {
			gain += x
		} else {
			loss -= x
		}
	}
	return gain / loss
}

// tailRatio is how much larger the best twentieth's bound is than the worst's.
func tailRatio(s sample) float64 {
	sorted := slices.Clone(s.r)
	slices.Sort(sorted)
	return math.Abs(stats.Quantile(sorted, 0.95) / stats.Quantile(sorted, 0.05))
}

func beta(s sample) float64 { return stats.Covariance(s.r, s.bench) / stats.Variance(s.bench) }

// active are the returns above the benchmark's.
func active(s sample) []float64 {
	out := make([]float64, len(s.r))
	for i := range out {
		out[i] = s.r[i] - s.bench[i]
	}
	return out
}

// measures in the order of the report.
var measures = []measure{
	{"cagr", "fraction a year", "(P_last/P_first)^(365/days) − 1", false, annualGrowth},
	{"volatility", "fraction a year", "sd(r)·√periods", false,
		func(s sample) float64 { return stats.SD(s.r) * math.Sqrt(s.periods) }},
	{"sharpe", "ratio", "mean(r)/sd(r)·√periods, risk-free 0", false,
		func(s sample) float64 { x := s.excess(); return stats.Mean(x) / stats.SD(x) * math.Sqrt(s.periods) }},
	{"sortino", "ratio", "mean(r)/√mean(min(r,0)²)·√periods", false,
		func(s sample) float64 { x := s.excess(); return stats.Mean(x) / downside(x) * math.Sqrt(s.periods) }},
	{"calmar", "ratio", "CAGR/|deepest drawdown|", false,
		func(s sample) float64 { return annualGrowth(s) / math.Abs(deepest(s.r)) }},
	{"omega", "ratio", "Σ gains/Σ losses, threshold 0", false, omega},
	{"tailRatio", "ratio", "|q₀.₉₅/q₀.₀₅|", false, tailRatio},
	{"maxDrawdown", "fraction", "min(P/max P − 1)", false, func(s sample) float64 { return deepest(s.r) }},
	{"beta", "ratio", "cov(r,b)/var(b)", true, beta},
	{"alpha", "fraction a year", "(mean r − β·mean b)·periods", true, func(s sample) float64 {
		return (stats.Mean(s.excess()) - beta(s)*stats.Mean(over(s.bench, s.free))) * s.periods
	}},
	{"correlation", "ratio", "Pearson's", true, func(s sample) float64 { return stats.Correlation(s.r, s.bench) }},
	{"trackingError", "fraction a year", "sd(r − b)·√periods", true,
		func(s sample) float64 { return stats.SD(active(s)) * math.Sqrt(s.periods) }},
	{"informationRatio", "ratio", "mean(r − b)/sd(r − b)·√periods", true, func(s sample) float64 {
		a := active(s)
		return stats.Mean(a) / stats.SD(a) * math.Sqrt(s.periods)
	}},
}

// withRate are the formulas where a risk-free rate f is given.
var withRate = map[string]string{
	"sharpe": "mean(r − f)/sd(r − f)·√periods", "sortino": "mean(r − f)/√mean(min(r − f,0)²)·√periods",
	"alpha": "(mean(r − f) − β·mean(b − f))·periods",
}
