package verify

import (
	"encoding/json"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/volatility"
)

// normalQuantile is of the standard normal law.
func normalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }

// asTree turns a struct with JSON names into the reference's layout.
func asTree(v any) tree {
	data, _ := json.Marshal(v)
	out := tree{}
	_ = json.Unmarshal(data, &out)
	return out
}

// backtest counts the days of five years on which the loss was beyond the value at risk that was told the day before,
// by two methods and at two levels.
func backtest(_ Source, _, returns market.Series) (tree, error) {
	r, d := returns.Values, days(returns)
	first, last := slices.Index(d, "2021-01-01"), slices.Index(d, "2025-12-31")
	if first < risk.Window || last < 0 {
		return nil, market.Refuse("window", "returns", "2021-01-01 to 2025-12-31 with a year before is not in the data")
	}
	h, err := volatility.EWMA(r, volatility.EWMALambda, risk.Window)
	if err != nil {
		return nil, err
	}
	out := tree{"window": risk.Window, "lambda": volatility.EWMALambda, "ewma_h_first": h[first],
		"ewma_h_last": h[last]}
	for label, p := range map[string]float64{"p0.01": 0.01, "p0.05": 0.05} {
		var historical, ewma []bool
		for t := first; t <= last; t++ {
			historical = append(historical, r[t] < stats.Quantile(stats.Sorted(r[t-risk.Window:t]), p))
			ewma = append(ewma, r[t] < normalQuantile(p)*math.Sqrt(h[t]))
		}
		out[label] = tree{"hist": asTree(risk.TestCoverage(historical, p)),
			"ewma_norm": asTree(risk.TestCoverage(ewma, p))}
	}
	return out, nil
}

// bars are the daily bars of Bitstamp in a span.
func bars(open Source, from, to string) (o, h, l, c market.Series, err error) {
	table, err := open("bitstamp_btcusd_d.csv")
	if err != nil {
		return
	}
	for name, s := range map[string]*market.Series{"open": &o, "high": &h, "low": &l, "close": &c} {
		if *s, err = table.Series(name); err != nil {
			return
		}
		*s = s.Window(from, to)
	}
	return
}

// ranges are volatilities from a year's bars. The last close of the year before begins it.
func ranges(open Source, _, _ market.Series) (tree, error) {
	o, h, l, c, err := bars(open, "2020-12-31", "2021-12-31")
	if err != nil {
		return nil, err
	}
	r, err := volatility.RangeEstimators(o.Values, h.Values, l.Values, c.Values, volatility.EveryDay)
	if err != nil {
		return nil, err
	}
	out := asTree(r)
	// R's TTR leaves the first close out of its window: one return fewer.
	returns, err := c.LogReturns()
	if err != nil {
		return nil, err
	}
	ttr := tree{"parkinson": r.Parkinson, "garman.klass": r.GarmanKlass, "rogers.satchell": r.RogersSatchell,
		"gk.yz": r.GarmanKlassYZ, "yang.zhang": r.YangZhang}
	ttr["close"] = volatility.Realised(returns.Values[1:], volatility.EveryDay) / 100
	out["TTR"] = ttr
	return out, nil
}

// har is the realised variance from hourly prices and its regression on days, weeks and months, in the two ways of
// counting them.
func har(open Source, _, _ market.Series) (tree, error) {
	hourly, err := column(open, "bitstamp_btcusd_1h.csv", "close")
	if err != nil {
		return nil, err
	}
	rv, err := volatility.RealisedVariance(hourly)
	if err != nil {
		return nil, err
	}
	rv = rv.Window("2018-05-16", "2022-08-19")
	out := tree{"days": rv.Len(), "from": rv.First(), "to": rv.Last(), "mean_rv": stats.Mean(rv.Values)}
	annual := make([]float64, rv.Len())
	for i, v := range rv.Values {
		annual[i] = math.Sqrt(365 * v)
	}
	out["mean_vol_ann365"] = stats.Mean(annual)
	for name, lengths := range map[string][2]int{"har_1_5_22": {5, 22}, "har_1_7_30": {7, 30}} {
		h, err := volatility.FitHAR(rv.Values, lengths[0], lengths[1])
		if err != nil {
			return nil, err
		}
		out[name] = asTree(h)
	}
	return out, nil
}

// vendorVolatility compares rolling standard deviations with those that the
// data vendor prints.
func vendorVolatility(open Source, _, _ market.Series) (tree, error) {
	table, err := open("cm2019_btc_daily.csv")
	if err != nil {
		return nil, err
	}
	prices, err := table.Series("price_usd")
	if err != nil {
		return nil, err
	}
	r, err := prices.LogReturns()
	if err != nil {
		return nil, err
	}
	r = r.Window("", "2019-10-20")
	out := tree{"date": r.Last()}
	for label, n := range map[string]int{"30": 30, "60": 60, "180": 180} {
		out["sd_log"+label] = stats.SD(r.Values[r.Len()-n:]) / 100
		vendor, err := table.Series("vol_" + label + "d")
		if err != nil {
			return nil, err
		}
		out["cm"+label] = vendor.Values[vendor.Len()-1]
	}
	return out, nil
}

// aligned are columns of an input on the days that all of them have.
func aligned(open Source, file, from, to string, names ...string) ([][]float64, error) {
	table, err := open(file)
	if err != nil {
		return nil, err
	}
	var all []market.Series
	for _, name := range names {
		s, err := table.Series(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s.Window(from, to))
	}
	_, values := market.Align(all...)
	return values, nil
}

// sum is the mean times the number of values.
func sum(x []float64) float64 { return stats.Mean(x) * float64(len(x)) }

// quotient divides day by day.
func quotient(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

// liquidityEarly is what moved on the chain against what all coins were worth in 2018: computed, and as the vendor
// prints it.
func liquidityEarly(open Source, _, _ market.Series) (tree, error) {
	v, err := aligned(open, "cm2019_btc_daily.csv", "2018-01-01", "2018-12-31", "cap_usd", "transfer_value_usd", "nvt")
	if err != nil {
		return nil, err
	}
	return tree{"nvt_recomputed_mean": stats.Mean(quotient(v[0], v[1])), "nvt_file_mean": stats.Mean(v[2]),
		"velocity_year": sum(v[1]) / stats.Mean(v[0])}, nil
}

// liquidityLate is what was traded against what all coins were worth in 2025, and transactions by address.
func liquidityLate(open Source, _, _ market.Series) (tree, error) {
	v, err := aligned(open, "cm_btc_daily.csv", "2025-01-01", "2025-12-31", "cap_usd", "volume_usd", "transactions",
		"active_addresses")
	if err != nil {
		return nil, err
	}
	return tree{"turnover_daily_mean": stats.Mean(quotient(v[1], v[0])),
		"turnover_annual": sum(v[1]) / stats.Mean(v[0]), "tx_per_active_address": stats.Mean(quotient(v[2], v[3]))}, nil
}

// amihud is the return for what was traded, on the days of 2021.
func amihud(open Source, _, _ market.Series) (tree, error) {
	v, err := aligned(open, "bitstamp_btcusd_d.csv", "2020-12-31", "2021-12-31", "close", "volume_quote")
	if err != nil {
		return nil, err
	}
	r := make([]float64, len(v[0])-1)
	for i := range r {
		r[i] = 100 * math.Log(v[0][i+1]/v[0][i])
	}
	a, err := volatility.Amihud(r, v[1][1:])
	return tree{"value": a}, err
}

// cross compares returns with those of shares and gold, on the days on which all three were traded: over a weekend
// bitcoin's return is then one of three days, as that of the others is. Volatility is annualised with 252 days, the
// exchanges' year, and the window begins a day early, so that 2021 has its first return.
func cross(open Source, btc, _ market.Series) (tree, error) {
	index, err := column(open, "sp500_close.csv", "close")
	if err != nil {
		return nil, err
	}
	gold, err := column(open, "gold_close.csv", "close")
	if err != nil {
		return nil, err
	}
	_, v := market.Align(btc.Window("2020-12-31", "2025-12-31"), index, gold)
	l := make([][]float64, 3)
	for j := range l {
		for i := 1; i < len(v[j]); i++ {
			l[j] = append(l[j], math.Log(v[j][i])-math.Log(v[j][i-1]))
		}
	}
	annual := func(x []float64) float64 { return stats.SD(x) * math.Sqrt(252) }
	return tree{"n": len(l[0]), "cor_btc_sp500": stats.Correlation(l[0], l[1]),
		"cor_btc_gld": stats.Correlation(l[0], l[2]), "beta_btc_sp500": stats.Covariance(l[0],
			l[1]) / stats.Variance(l[1]),
		"spearman_btc_sp500": stats.Spearman(l[0], l[1]), "vol_ann252": tree{"PriceUSD": annual(l[0]),
			"close_sp": annual(l[1]), "close_au": annual(l[2])}}, nil
}

// tenge is the volatility of the dollar's rate, with the days on which it stands still and without them, beside that of
// bitcoin.
func tenge(open Source, _, returns market.Series) (tree, error) {
	rate, err := column(open, "usd_kzt_daily.csv", "kzt_per_usd")
	if err != nil {
		return nil, err
	}
	all, err := rate.LogReturns()
	if err != nil {
		return nil, err
	}
	r := all.Window("2016-01-01", "2019-12-31").Values
	moved := slices.DeleteFunc(slices.Clone(r), func(v float64) bool { return v == 0 })
	return tree{"n_calendar": len(r), "n_nonzero": len(moved), "vol_ann365_calendar": volatility.Realised(r,
		volatility.EveryDay), "vol_ann250_nonzero": volatility.Realised(moved, 250),
		"btc_vol_ann365_same": volatility.Realised(returns.Window("2016-01-01", "2019-12-31").Values,
			volatility.EveryDay)}, nil
}
