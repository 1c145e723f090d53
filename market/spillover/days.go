package spillover

import (
	"time"

	"github.com/aqsha/aqsha/market"
)

// Common takes the days that all prices have and the logarithmic returns, in
// percent, from one common day to the next: a market that is closed at weekends
// has one return over it, and so have the others then. Days are UTC days, the
// last price of each counts.
func Common(prices []market.Series) (days []string, returns [][]float64, err error) {
	if len(prices) == 0 {
		return nil, nil, market.Refuse("spillover", "series", "no series")
	}
	byDay := make([]map[string]float64, len(prices))
	for i, s := range prices {
		byDay[i] = map[string]float64{}
		for t, at := range s.Times {
			byDay[i][at.UTC().Format(time.DateOnly)] = s.Values[t]
		}
	}
	common := market.Series{Name: "common days"}
	kept := make([][]float64, len(prices))
	seen := ""
	for _, at := range prices[0].Times {
		day := at.UTC().Format(time.DateOnly)
		have := day != seen
		for i := range prices {
			_, ok := byDay[i][day]
			have = have && ok
		}
		// The last price of a day is in the map already: the day is taken once, at its first row.
		if seen = day; !have {
			continue
		}
		common.Times = append(common.Times, at)
		for i := range prices {
			kept[i] = append(kept[i], byDay[i][day])
		}
	}
	if len(common.Times) < 3 {
		return nil, nil, market.Refuse("too-short", "series", "%d days that all series have", len(common.Times))
	}
	for i, s := range prices {
		r, err := market.Series{Name: s.Name, Times: common.Times, Values: kept[i]}.LogReturns()
		if err != nil {
			return nil, nil, err
		}
		returns = append(returns, r.Values)
	}
	for _, at := range common.Times[1:] {
		days = append(days, at.UTC().Format(time.DateOnly))
	}
	return days, returns, nil
}
