package verify

import (
	"context"
	_ "embed"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/breaks"
	"github.com/aqsha/aqsha/market/liquidity"
	"github.com/aqsha/aqsha/market/realised"
	"github.com/aqsha/aqsha/market/regimes"
	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/market/spillover"
	"github.com/aqsha/aqsha/market/stats"
)

// expectedBeyond is what statsmodels, scipy, numpy and R's strucchange gave for
// the synthetic set; testdata/beyond.py is the program.
//
//go:embed expected_beyond.json
var expectedBeyond []byte

// beyond computes the figures of the models beyond GARCH, as beyond.py lays them out: the keys of the tree are those
// of the results file, by which the two are compared. Their window is 2019 to 2021; each part is told to progress
// before it begins, since some take many seconds.
func beyond(ctx context.Context, open Source, progress func(string)) (tree, error) {
	out := tree{}
	btc, err := column(open, "cm_btc_daily.csv", "price_usd")
	if err != nil {
		return nil, err
	}
	all, err := btc.LogReturns()
	if err != nil {
		return nil, err
	}
	r := all.Window("2019-01-01", "2021-12-31").Values
	for _, part := range []struct {
		name    string
		compute func() error
	}{
		{"breaks", func() error { return breaksTree(ctx, btc, r, out) }},
		{"regimes", func() error { return regimesTree(ctx, r, out) }},
		{"spillover", func() error { return spilloverTree(open, btc, out) }},
		{"liquidity", func() error { return liquidityTree(open, out) }},
		{"realised", func() error { return realisedTree(open, out) }},
		{"tail", func() error { return tailTree(r, out) }},
	} {
		progress(part.name)
		if err := part.compute(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// numbers are a row as a JSON file has it: all floats.
func numbers[T int | float64](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// breaksTree are breaks of variance and of the mean size, and the test for bubbles.
func breaksTree(ctx context.Context, btc market.Series, r []float64, out tree) error {
	for name, robust := range map[string]bool{"icss": false, "icss_robust": true} {
		found, err := breaks.ICSS(r, robust)
		if err != nil {
			return err
		}
		at := make([]float64, len(found))
		for i, b := range found {
			at[i] = float64(b.At)
		}
		out[name] = at
	}
	stat, err := breaks.VarianceStatistic(r, true)
	if err != nil {
		return err
	}
	out["icss_statistic"] = stat
	sizes := make([]float64, len(r))
	for i, v := range r {
		sizes[i] = math.Abs(v)
	}
	means, err := breaks.BaiPerron(sizes, 4, 0.15)
	if err != nil {
		return err
	}
	var rss, bic []float64
	for _, p := range means.Partitions {
		rss, bic = append(rss, p.RSS), append(bic, p.BIC)
	}
	out["bai_perron"] = tree{"rss": rss, "bic": bic, "best": float64(means.Best),
		"three": numbers(means.Partitions[3].Breaks)}
	var y []float64
	for i, v := range btc.Window("2019-01-01", "").Values {
		// Weekly and short: the test simulates a walk of this length many times.
		if i%7 == 0 && len(y) < 150 {
			y = append(y, math.Log(v))
		}
	}
	b, err := breaks.GSADF(ctx, y, 99, 1)
	if err != nil {
		return err
	}
	out["gsadf"] = tree{"window": float64(b.Window), "gsadf": b.GSADF, "sadf": b.SADF,
		"last": b.Sequence[len(b.Sequence)-1]}
	return nil
}

// regimesTree is the fit of two regimes.
func regimesTree(ctx context.Context, r []float64, out tree) error {
	f, err := regimes.Estimate(ctx, r, 2)
	if err != nil {
		return err
	}
	out["regimes"] = tree{"loglik": f.LogLik, "par": tree{"means": f.Means, "variances": f.Variances,
		"stay": []float64{f.Transition[0][0], f.Transition[1][1]}}}
	return nil
}

// spilloverTree is the connectedness of three markets on their common days, and their correlations.
func spilloverTree(open Source, btc market.Series, out tree) error {
	list := []market.Series{btc}
	for _, name := range []string{"gold_close.csv", "sp500_close.csv"} {
		s, err := column(open, name, "close")
		if err != nil {
			return err
		}
		list = append(list, s)
	}
	for i := range list {
		list[i] = list[i].Window("2017-01-01", "2021-12-31")
	}
	_, returns, err := spillover.Common(list)
	if err != nil {
		return err
	}
	names := []string{"btc", "gold", "sp500"}
	c, err := spillover.Connectedness(names, returns, 2, 10)
	if err != nil {
		return err
	}
	table := make([]any, len(c.Table))
	for i := range c.Table {
		table[i] = c.Table[i]
	}
	out["connectedness"] = tree{"table": table, "total": c.Total}
	z := make([][]float64, len(returns))
	for i, r := range returns {
		mean, n := stats.Mean(r), float64(len(r))
		// By n, as the reference standardises: the likelihood of the correlations is that of these z, and compared to
		// its digits.
		sd := math.Sqrt(stats.Variance(r) * (n - 1) / n)
		for _, v := range r {
			z[i] = append(z[i], (v-mean)/sd)
		}
	}
	d, err := spillover.Dynamic(names, z)
	if err != nil {
		return err
	}
	out["dcc"] = tree{"loglik": d.LogLik, "loglik_constant": d.Constant}
	return nil
}

// liquidityTree are measures from the daily bars of 2021. Of Roll's measure the covariance is compared and not the
// spread made of it, which has no value where the covariance is above zero.
func liquidityTree(open Source, out tree) error {
	t, err := open("bitstamp_btcusd_d.csv")
	if err != nil {
		return err
	}
	bars := liquidity.Bars{}
	for name, to := range map[string]*[]float64{"high": &bars.High, "low": &bars.Low, "close": &bars.Close,
		"volume_quote": &bars.Value} {
		s, err := t.Series(name)
		if err != nil {
			return err
		}
		*to = s.Window("2021-01-01", "2021-12-31").Values
	}
	m, err := liquidity.Measure(bars)
	if err != nil {
		return err
	}
	out["liquidity"] = tree{"amihud": *m.Amihud, "covariance": m.RollCovariance, "corwin_schultz": *m.CorwinSchultz,
		"kyle": *m.Kyle, "kyle_se": *m.KyleSE}
	return nil
}

// realisedTree are measures from hourly prices, and the fit of returns and variances together.
func realisedTree(open Source, out tree) error {
	hourly, err := column(open, "bitstamp_btcusd_1h.csv", "close")
	if err != nil {
		return err
	}
	days, _, err := realised.Days(hourly.Times, hourly.Values, 0.05)
	if err != nil {
		return err
	}
	// Sums over two years: one figure for each measure, which any day that differs would move.
	sums := map[string]float64{}
	var r, rv []float64
	for _, d := range days {
		if d.Day < "2020-01-01" || d.Day > "2021-12-31" {
			continue
		}
		for name, v := range map[string]float64{"days": 1, "rv": d.RV, "bv": d.BV, "med_rv": d.MedRV,
			"quarticity": d.Quarticity, "tsrv": d.TSRV, "z": d.Z, "down": d.Down} {
			sums[name] += v
		}
		if distuv.UnitNormal.Survival(d.Z) < 0.05 {
			sums["jumps"]++
		}
		r, rv = append(r, d.Return), append(rv, d.RV)
	}
	measures := tree{}
	for name, v := range sums {
		measures[name] = v
	}
	out["realised"] = measures
	g, err := realised.Estimate(r, rv)
	if err != nil {
		return err
	}
	out["realised_garch"] = tree{"loglik": g.LogLik, "persistence": g.Persistence}
	return nil
}

// tailTree is the fit of the tenth of the losses that is worst.
func tailTree(r []float64, out tree) error {
	p, err := risk.FitTail(r, 0.1)
	if err != nil {
		return err
	}
	value, shortfall, err := p.At(0.01)
	if err != nil || shortfall == nil {
		return err
	}
	out["tail"] = tree{"threshold": p.Threshold, "beyond": float64(p.Beyond), "loglik": p.LogLik,
		"par": tree{"shape": p.Shape, "scale": p.Scale}, "par_var": tree{"var": value, "es": *shortfall}}
	return nil
}
