package functions

import (
	"math"
	"slices"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/volatility"
)

// holding is a money as something held: its price in dollars (the dollar's in
// tenge), day by day, over the window.
type holding struct {
	name   string
	prices market.Series
	inKZT  bool // prices are already tenge
	tenge  bool // it is the tenge, in which the basket is priced already
}

// context is what indicators are measured against.
type context struct {
	tengeVol float64 // percent a year, of the tenge against the dollar; NaN: not known
	gold     market.Series
	macro    *market.Table // quarterly cpi and kzt_per_usd; nil: not known
}

// prices with their log returns stretched by c about the mean: the same
// history with another volatility. c = 1 gives them back.
func stretched(prices market.Series, c float64) (market.Series, error) {
	r, err := prices.LogReturns()
	if err != nil || c == 1 {
		return prices, err
	}
	mean := stats.Mean(r.Values)
	out := prices
	out.Values = make([]float64, prices.Len())
	out.Values[0] = prices.Values[0]
	for i, v := range r.Values {
		out.Values[i+1] = out.Values[i] * math.Exp((mean+c*(v-mean))/100)
	}
	return out, nil
}

// account and store measure a holding; what lacks data is left out.
func (w context) holdingValues(h holding, c float64) (map[string]float64, error) {
	prices, err := stretched(h.prices, c)
	if err != nil {
		return nil, err
	}
	r, err := prices.LogReturns()
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	set := func(key string, v float64) {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			values[key] = v
		}
	}
	moved, beyond := w.basket(h, prices)
	set("volatility of the basket's price", moved)
	set("quarters beyond 3 %", beyond)
	falls, _, under := volatility.Drawdowns(prices)
	set("maximum drawdown", 0)
	if len(falls) > 0 {
		set("maximum drawdown", falls[0].Depth)
	}
	set("days under water", under)
	// Five observations in the tail, or its mean is one day's.
	if float64(r.Len())*0.05 >= 5 {
		_, es := risk.Historical(r.Values, 0.05)
		set("expected shortfall 5 %", es)
	}
	set("real return", w.realReturn(prices, h.inKZT))
	set("correlation with gold", w.goldCorrelation(prices, h.name))
	return values, nil
}

// goldCorrelation is that of returns on common days; NaN with fewer than thirty.
func (w context) goldCorrelation(prices market.Series, name string) float64 {
	if w.gold.Len() == 0 {
		return math.NaN()
	}
	if name == "gold" { // it is its own yardstick here: nothing is measured
		return math.NaN()
	}
	_, v := market.Align(prices, w.gold)
	if len(v) < 2 || len(v[0]) < 30 {
		return math.NaN()
	}
	var r [2][]float64
	for j := range r {
		for i := 1; i < len(v[j]); i++ {
			r[j] = append(r[j], math.Log(v[j][i]/v[j][i-1]))
		}
	}
	return stats.Correlation(r[0], r[1])
}

// basket prices a household's basket in the money, quarter by quarter (the
// consumer price index over the money's mean price in tenge): the volatility of
// that price, percent a year, and the share of quarters in which it moved by
// more than 3 %. So each money, the tenge with them, is measured against goods
// and none against itself.
func (w context) basket(h holding, prices market.Series) (moved, beyond float64) {
	if w.macro == nil {
		return math.NaN(), math.NaN()
	}
	cpi, err1 := w.macro.Series("cpi")
	rate, err2 := w.macro.Series("kzt_per_usd")
	if err1 != nil || err2 != nil {
		return math.NaN(), math.NaN()
	}
	times, v := market.Align(cpi, rate)
	var logs []float64
	at := 0
	for q, from := range times {
		sum, n := 0.0, 0
		for at < prices.Len() && prices.Times[at].Before(from) {
			at++
		}
		for i := at; i < prices.Len() && prices.Times[i].Before(from.AddDate(0, 3, 0)); i++ {
			sum, n = sum+prices.Values[i], n+1
		}
		if n < 30 { // fewer than half of a quarter's trading days
			logs = append(logs, math.NaN())
			continue
		}
		price := sum / float64(n)
		switch {
		case h.tenge:
			price = 1
		case !h.inKZT:
			price *= v[1][q]
		}
		logs = append(logs, math.Log(v[0][q]/price))
	}
	var changes []float64
	large := 0.0
	for q := 1; q < len(logs); q++ {
		if d := logs[q] - logs[q-1]; !math.IsNaN(d) {
			if changes = append(changes, 100*d); math.Abs(d) > 0.03 {
				large++
			}
		}
	}
	if len(changes) < 7 {
		return math.NaN(), math.NaN()
	}
	return stats.SD(changes) * 2, large / float64(len(changes)) // √4 quarters
}

// realReturn is the yearly growth of the holding's value in tenge, deflated by
// the consumer price index between the first and the last quarter.
func (w context) realReturn(prices market.Series, inKZT bool) float64 {
	first, ok1 := w.quarter(prices.Times[0])
	last, ok2 := w.quarter(prices.Times[prices.Len()-1])
	years := prices.Times[prices.Len()-1].Sub(prices.Times[0]).Hours() / 24 / 365.25
	if !ok1 || !ok2 || years < 0.75 {
		return math.NaN()
	}
	growth := prices.Values[prices.Len()-1] / prices.Values[0]
	if !inKZT {
		growth *= last[1] / first[1]
	}
	return math.Pow(growth/(last[0]/first[0]), 1/years) - 1
}

// quarter finds the index and the rate of the quarter in which a day lies.
func (w context) quarter(at time.Time) ([2]float64, bool) {
	if w.macro == nil {
		return [2]float64{}, false
	}
	cpi, err1 := w.macro.Column("cpi")
	rate, err2 := w.macro.Column("kzt_per_usd")
	i, _ := slices.BinarySearchFunc(w.macro.Times, at, func(q, at time.Time) int {
		if q.After(at) {
			return 1
		}
		return -1
	})
	if i--; err1 != nil || err2 != nil || i < 0 || at.Sub(w.macro.Times[i]) > 93*24*time.Hour {
		return [2]float64{}, false
	}
	return [2]float64{cpi.Values[i], rate.Values[i]}, cpi.Values[i] > 0 && rate.Values[i] > 0
}
