package volatility

import (
	"fmt"
	"math"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Annual is how many observations make a year; it is printed with every
// annualised figure.
type Annual float64

// Calendars: markets that never close, exchanges, hourly bars.
const (
	EveryDay    Annual = 365
	TradingDays Annual = 252
	EveryHour   Annual = 8760
)

func (a Annual) String() string { return fmt.Sprintf("annualised on %g observations", float64(a)) }

// Calendar is how many observations a year the times make by their frequency;
// where that is not recognised, by their number over the time they span.
func Calendar(times []time.Time) Annual {
	if f := market.FrequencyOf(times); f.PeriodsPerYear > 0 {
		return Annual(f.PeriodsPerYear)
	}
	if n := len(times); n > 1 {
		return Annual(float64(n-1) / (times[n-1].Sub(times[0]).Hours() / 24 / 365.25))
	}
	return EveryDay
}

// Realised is the standard deviation (n−1) of returns, annualised.
func Realised(returns []float64, a Annual) float64 {
	return stats.SD(returns) * math.Sqrt(float64(a))
}

// Rolling is the realised volatility of the window ending at each return; NaN before the first full window, so that
// the result has the length of the returns.
func Rolling(returns []float64, window int, a Annual) []float64 {
	out := make([]float64, len(returns))
	for i := range out {
		out[i] = math.NaN()
		if i+1 >= window && window > 1 {
			out[i] = Realised(returns[i+1-window:i+1], a)
		}
	}
	return out
}

// EWMALambda is RiskMetrics' decay for daily data.
const EWMALambda = 0.94

// EWMA is RiskMetrics' variance h_t = λh_{t−1} + (1−λ)r²_{t−1} with zero mean:
// h[t] is known before r[t], and one further element forecasts the day after
// the last. h[0] is the mean of the first seed squares, which the caller
// should not score.
func EWMA(returns []float64, lambda float64, seed int) ([]float64, error) {
	if seed < 1 || len(returns) < seed || !(lambda > 0 && lambda < 1) {
		return nil, market.Refuse("ewma", "lambda", "want λ in (0, 1) and at least %d returns", seed)
	}
	h := make([]float64, len(returns)+1)
	for _, r := range returns[:seed] {
		h[0] += r * r / float64(seed)
	}
	for t, r := range returns {
		h[t+1] = lambda*h[t] + (1-lambda)*r*r
	}
	return h, nil
}

// RealisedVariance sums squared hourly returns (percent²) over each UTC day
// that has all 24 of them.
func RealisedVariance(hourly market.Series) (market.Series, error) {
	r, err := hourly.LogReturns()
	if err != nil {
		return market.Series{}, err
	}
	out := market.Series{Name: hourly.Name + " realised variance", Unit: "percent²", Source: hourly.Source}
	for first := 0; first < len(r.Values); {
		day, sum, last := r.Times[first].Truncate(24*time.Hour), 0.0, first
		for ; last < len(r.Values) && r.Times[last].Truncate(24*time.Hour).Equal(day); last++ {
			sum += r.Values[last] * r.Values[last]
		}
		if last-first == 24 && r.Times[first].Equal(day) {
			out.Times, out.Values = append(out.Times, day), append(out.Values, sum)
		}
		first = last
	}
	if len(out.Values) == 0 {
		return market.Series{}, market.Refuse("not-hourly", hourly.Name, "no day has 24 hourly returns")
	}
	return out, nil
}

// Or is the calendar, or another where it is not set.
func (a Annual) Or(other float64) Annual {
	if a == 0 {
		return Annual(other)
	}
	return a
}
