package volatility

import (
	"math"
	"slices"
	"time"

	"github.com/aqsha/aqsha/market"
)

// Drawdown is a fall from a peak: the dates, the depth, and the recovery.
type Drawdown struct {
	Peak      string  `json:"peak"`
	Trough    string  `json:"trough"`
	Recovered string  `json:"recovered,omitempty"` // empty: not within the data
	Depth     float64 `json:"max_dd"`              // negative fraction
	DaysDown  int     `json:"days_peak_to_trough"`
	DaysAll   int     `json:"days_peak_to_recovery"` // to the end of data when not recovered
}

// Drawdowns lists the falls from each running peak, deepest first, and the Ulcer index √mean(DD²) in percent and the
// share of days under water, both over all days. A fall ends where its peak's height is reached again, and one that
// has not ended counts to the last day. One pass over the prices, which must be above zero.
func Drawdowns(prices market.Series) (all []Drawdown, ulcer, underWater float64) {
	day := func(i int) string { return prices.Times[i].Format(time.DateOnly) }
	days := func(a, b int) int { return int(prices.Times[b].Sub(prices.Times[a]).Hours()/24 + 0.5) }
	peak, trough, squares, under := 0, 0, 0.0, 0
	p := prices.Values
	closeAt := func(i int, recovered bool) {
		if trough == peak {
			return
		}
		d := Drawdown{Peak: day(peak), Trough: day(trough), Depth: p[trough]/p[peak] - 1, DaysDown: days(peak, trough),
			DaysAll: days(peak, i)}
		if recovered {
			d.Recovered = day(i)
		}
		all = append(all, d)
	}
	for i, v := range p {
		// At the peak's own height the fall is over: a second one from there is another.
		if v >= p[peak] {
			closeAt(i, true)
			peak, trough = i, i
			continue
		}
		if v < p[trough] {
			trough = i
		}
		dd := v/p[peak] - 1
		squares += dd * dd
		under++
	}
	if len(p) > 0 {
		closeAt(len(p)-1, false)
	}
	slices.SortStableFunc(all, func(a, b Drawdown) int {
		switch {
		case a.Depth < b.Depth:
			return -1
		case a.Depth > b.Depth:
			return 1
		}
		return 0
	})
	n := float64(len(p))
	return all, 100 * math.Sqrt(squares/n), float64(under) / n
}

// Amihud is the mean of |log return| over the quote volume in billions.
func Amihud(returns, volumeQuote []float64) (float64, error) {
	sum, n := 0.0, 0
	for i, r := range returns {
		if volumeQuote[i] > 0 {
			sum, n = sum+math.Abs(r)/100/volumeQuote[i], n+1
		}
	}
	if n == 0 {
		return 0, market.Refuse("not-available", "volume", "no day has both a return and a volume")
	}
	return 1e9 * sum / float64(n), nil
}
