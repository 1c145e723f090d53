package verify

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/concentration"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/paper"
	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/volatility"
)

// Source opens an input by the name it has in the reference folder.
type Source func(name string) (*market.Table, error)

// tree is a result in the reference's layout.
type tree = map[string]any

// windows are the two spans of the reference.
var windows = map[string][2]string{"btc_W1": {"2015-01-01", "2020-12-31"}, "btc_W2": {"2021-01-01", "2025-12-31"}}

// Figures computes everything that the reference holds. Parts whose input is
// not there are left out, and then missing in the comparison.
func Figures(ctx context.Context, open Source, progress func(what string)) (tree, error) {
	out := tree{}
	btc, err := column(open, "cm_btc_daily.csv", "price_usd")
	if err != nil {
		return nil, err
	}
	returns, err := btc.LogReturns()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"btc_W1", "btc_W2"} {
		progress(name)
		if out[name], err = window(ctx, btc, returns, windows[name]); err != nil {
			return nil, err
		}
	}
	for _, part := range []struct {
		name    string
		compute func(Source, market.Series, market.Series) (tree, error)
	}{
		{"btc_backtest", backtest}, {"range_bitstamp_2021", ranges}, {"har_rv_bitstamp_hourly", har},
		{"coinmetrics_vty_check", vendorVolatility},
		{"liquidity_btc_2018", liquidityEarly}, {"liquidity_btc_2025", liquidityLate}, {"amihud_bitstamp_2021", amihud},
		{"cross_2021_2025", cross}, {"kzt_2016_2019", tenge},
	} {
		progress(part.name)
		got, err := part.compute(open, btc, returns)
		// What is missing here is told as missing by the comparison, and never taken for equal.
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[part.name] = got
	}
	progress("concentration")
	if err := concentrations(open, out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	report, err := paper.Check("")
	if err != nil {
		return nil, err
	}
	out["table1"] = tree{"hhi_13": report.Table1.HHI}
	return out, nil
}

// column is one series of an input.
func column(open Source, file, name string) (market.Series, error) {
	table, err := open(file)
	if err != nil {
		return market.Series{}, err
	}
	return table.Series(name)
}

// window is everything that is computed of a span of daily prices, in the tree of the results file: moments, tests,
// GARCH fits, value at risk and the deepest fall. Returns are in percent and windowed by their own days, so that the
// first is from the close before the span.
func window(ctx context.Context, prices, returns market.Series, days [2]string) (tree, error) {
	p, r := prices.Window(days[0], days[1]), returns.Window(days[0], days[1]).Values
	m, err := stats.Describe(r)
	if err != nil {
		return nil, err
	}
	tests, err := testTree(r, p.Values)
	if err != nil {
		return nil, err
	}
	fits, err := garchTree(ctx, r)
	if err != nil {
		return nil, err
	}
	risks, err := varTree(r, m)
	if err != nil {
		return nil, err
	}
	falls, ulcer, _ := volatility.Drawdowns(p)
	worst := falls[0]
	return tree{
		"moments": tree{"n": m.N, "mean": m.Mean, "sd": m.SD, "var_n": m.VarN, "skew": m.Skewness, "exkurt": m.Excess,
			"min": m.Min, "max": m.Max, "vol_ann365": volatility.Realised(r, volatility.EveryDay)},
		"tests": tests, "garch": fits, "var": risks,
		"drawdown": tree{"max_dd": worst.Depth, "peak": worst.Peak, "trough": worst.Trough,
			"recovered": worst.Recovered, "days_peak_to_trough": worst.DaysDown, "ulcer_index_pct": ulcer},
	}, nil
}

// testTree are the tests of returns and prices under the names of the reference's file, so that a difference is one
// line. Tests that may fail are collected: all errors are told, not the first.
func testTree(r, prices []float64) (tree, error) {
	logs, squares, abs := make([]float64, len(prices)), make([]float64, len(r)), make([]float64, len(r))
	for i, v := range prices {
		logs[i] = math.Log(v)
	}
	e, mean := make([]float64, len(r)), stats.Mean(r)
	for i, v := range r {
		e[i] = v - mean
		squares[i], abs[i] = e[i]*e[i], math.Abs(v)
	}
	var errs []error
	// All errors at once: figures that can be computed are compared even when one cannot.
	keep := func(t stats.Test, err error) stats.Test {
		errs = append(errs, err)
		return t
	}
	test := func(t stats.Test) tree { return tree{"lags": t.Lags, "stat": t.Stat, "p": t.P} }
	adf := func(t stats.Test) tree { return tree{"lags": t.Lags, "stat": t.Stat, "p_printed": t.P} }
	jb := keep(stats.JarqueBera(r))
	drift, err := stats.ADFDrift(r, 10)
	kpss := stats.KPSS(r)
	out := tree{
		"arch_lm": []any{test(keep(stats.ARCHLM(e, 5))), test(keep(stats.ARCHLM(e, 10)))},
		"lb_r":    []any{test(stats.LjungBox(r, 10)), test(stats.LjungBox(r, 20))},
		"lb_r2":   []any{test(stats.LjungBox(squares, 10)), test(stats.LjungBox(squares, 20))},
		"jb":      tree{"stat": jb.Stat, "p": jb.P}, "adf_ret": adf(keep(stats.ADF(r))),
		"adf_logprice":         adf(keep(stats.ADF(logs))),
		"urdf_ret_drift_lag10": drift, "kpss_ret": tree{"stat": kpss.Stat, "lags": kpss.Lags},
		"hurst_dfa_r": stats.DFA(r), "hurst_dfa_abs_r": stats.DFA(abs), "hurst_rs_r": stats.RescaledRange(r),
		"hurst_rs_abs_r": stats.RescaledRange(abs),
		"gph_d_abs_r":    stats.GPH(abs), "gph_d_r": stats.GPH(r),
	}
	return out, errors.Join(append(errs, err)...)
}

// fits of the reference, by the name they have there.
var fits = map[string]garch.Spec{
	"garch11_norm": {}, "garch11_t_free": {Law: garch.StudentT, Free: true},
	"garch11_t_boundary": {Law: garch.StudentT},
	"gjr11_norm":         {Model: garch.GJR}, "egarch11_norm": {Model: garch.EGARCH},
	"egarch11_t": {Model: garch.EGARCH, Law: garch.StudentT},
}

// garchTree fits every model of the reference. One of them lies on the boundary of its parameters, where programs stop
// at different places; it is compared there.
func garchTree(ctx context.Context, r []float64) (tree, error) {
	out := tree{"mean": stats.Mean(r), "n": len(r)}
	for name, spec := range fits {
		fit, err := garch.Estimate(ctx, r, spec)
		if err != nil {
			return nil, err
		}
		if name == "garch11_t_boundary" {
			if fit, err = onBoundary(ctx, r, fit); err != nil {
				return nil, err
			}
		}
		out[name] = fitTree(fit)
	}
	// Parameters in the other package's own terms (As), since it defines some of them otherwise.
	for name, spec := range map[string]garch.Spec{"crosscheck_fGarch_norm": {Mean: garch.Demeaned, Free: true},
		"crosscheck_fGarch_t": {Law: garch.StudentT, Free: true}} {
		fit, err := garch.Estimate(ctx, r, spec)
		if err != nil {
			return nil, err
		}
		as, err := fit.As(garch.FGarch)
		if err != nil {
			return nil, err
		}
		par := tree{}
		for _, p := range as {
			par[p.Name] = p.Value
		}
		out[name] = tree{"par": par, "loglik": fit.LogLik}
	}
	return out, nil
}

// onBoundary is the fit with α+β held at its limit, which is what the
// reference prints whether or not the limit binds.
func onBoundary(ctx context.Context, r []float64, fit *garch.Fit) (*garch.Fit, error) {
	if len(fit.Convergence.Boundary) > 0 {
		return fit, nil
	}
	return garch.Estimate(ctx, r, garch.Spec{Law: garch.StudentT, Integrated: true})
}

// fitTree is a fit in the reference's layout. Parameters without a standard error, and a variance that does not exist,
// are left out.
func fitTree(f *garch.Fit) tree {
	par, hessian, robust := tree{}, tree{}, tree{}
	for _, p := range f.Parameters {
		par[p.Name] = p.Value
		if p.SEHessian != nil {
			hessian[p.Name], robust[p.Name] = *p.SEHessian, *p.SERobust
		}
	}
	out := tree{"par": par, "se_hessian": hessian, "se_robust": robust, "loglik": f.LogLik, "aic": f.AIC, "bic": f.BIC,
		"persistence": f.Persistence,
		"h_first":     f.HFirst, "h_last": f.HLast, "h_next": f.HNext, "vol_next_ann365": math.Sqrt(365 * f.HNext),
		"stationary": f.Stationary}
	if f.UncondVar != nil {
		out["uncond_var"] = *f.UncondVar
	}
	if f.HalfLife != nil {
		out["half_life_days"] = *f.HalfLife
	}
	return out
}

// varTree are value at risk and shortfall by each method at two levels.
func varTree(r []float64, m stats.Moments) (tree, error) {
	out := tree{}
	for label, p := range map[string]float64{"p0.01": 0.01, "p0.05": 0.05} {
		measures, t, err := risk.Static(r, p, 0)
		if err != nil {
			return nil, err
		}
		out["t_fit"] = tree{"mu": t.Mu, "sigma": t.Sigma, "nu": t.Nu, "loglik": t.LogLik}
		z := normalQuantile(p)
		cf, _ := risk.CornishFisherQuantile(z, m.Skewness, m.Excess)
		// The reference prints Cornish–Fisher outside its domain too; we refuse
		// to report it there, but the arithmetic can be compared.
		level := tree{"cf_z": cf, "cf_var": -(m.Mean + m.SD*cf)}
		for _, measure := range measures {
			short := map[string]string{"historical": "hist", "normal": "norm", "t": "t"}[measure.Method]
			if short != "" && measure.VaR != nil {
				level[short+"_var"] = *measure.VaR
			}
			if short != "" && measure.ES != nil {
				level[short+"_es"] = *measure.ES
			}
		}
		out[label] = level
	}
	return out, nil
}

// days are a series' times as dates.
func days(s market.Series) []string {
	out := make([]string, s.Len())
	for i, at := range s.Times {
		out[i] = at.Format(time.DateOnly)
	}
	return out
}

// concentrations are measures of the paper's example, and by month those of pools and countries, with and without the
// unknown.
func concentrations(open Source, out tree) error {
	amounts := append(append(repeat(49_500, 50), repeat(400, 4_950)...), repeat(11, 45_000)...)
	m, err := concentration.Measure(amounts)
	if err != nil {
		return err
	}
	out["paper_claim_N50000"] = asTree(m)
	for _, part := range []struct{ file, label, value, without, all, named, prefix string }{
		{"pools_monthly.csv", "pool", "blocks", "unknown", "all_slugs", "excluding_unknown", "pools_"},
		{"cbeci_country_share.csv", "country", "share_pct", "Other", "other_as_one", "named_only", "countries_"},
	} {
		table, err := open(part.file)
		if err != nil {
			return err
		}
		months, err := concentration.ByMonth(table, part.label, part.value)
		if err != nil {
			return err
		}
		for _, month := range months {
			all, named, err := month.BothWays(part.without)
			if err != nil {
				return err
			}
			out[part.prefix+month.Month] = tree{part.all: asTree(all), part.named: asTree(named)}
		}
	}
	return nil
}

// repeat is an amount, n times.
func repeat(v int64, n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = v
	}
	return out
}
