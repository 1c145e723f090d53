package report

import (
	"math"

	"github.com/aqsha/aqsha/internal/chart"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/stats"
)

// figureChart is a chart with the key of its caption.
type figureChart struct {
	caption string
	legend  []string // word keys, one for each line; nil: none needed
	chart   chart.Chart
}

// charts are the figures of the report in their order, each with the words of its caption and legend. A rolling
// measure is drawn where there are more than 180 days, since with fewer its line would be a few points; news impact
// where a fit with Student's t holds. Prices are on a logarithmic scale, on which equal returns have equal heights.
func (r *Report) charts(lang Language) []figureChart {
	w := r.writer(lang)
	axis := chart.Compact(lang != English)
	p := r.Performance
	underwater, peak := make([]float64, len(r.prices)), 0.0
	for i, v := range r.prices {
		peak = max(peak, v)
		underwater[i] = 100 * (v/peak - 1)
	}
	out := []figureChart{
		{"price", nil, chart.Chart{Days: r.days, Lines: []chart.Line{{Name: r.Options.Asset, Values: r.prices}},
			Log: true}},
		{"drawdown", nil, chart.Chart{Days: r.days,
			Lines: []chart.Line{{Name: w.word("drawdown"), Values: underwater, Area: true}}}},
	}
	volatility := []chart.Line{{Name: w.word("realised"), Values: p.RollingVol}}
	legend := []string{"realised"}
	// The fit has a return more than the prices inside the window, where the
	// close before the window is known.
	if extra := len(r.conditional) - len(p.RollingVol); len(r.conditional) > 0 && extra >= 0 {
		volatility = append(volatility, chart.Line{Name: w.word("conditional"), Values: r.conditional[extra:]})
		legend = append(legend, "conditional")
	}
	out = append(out, figureChart{"volatility chart", legend, chart.Chart{Days: p.Days, Lines: volatility}})
	if len(p.Days) > 180 {
		out = append(out, figureChart{"rolling sharpe", nil,
			chart.Chart{Days: p.Days, Lines: []chart.Line{{Name: w.word("rolling sharpe"), Values: p.RollSharpe}}}})
	}
	if len(p.RollBeta) > 180 {
		out = append(out, figureChart{"rolling beta", nil,
			chart.Chart{Days: p.BetaDays, Lines: []chart.Line{{Name: w.word("rolling beta"), Values: p.RollBeta}}}})
	}
	out = append(out, r.histogram(w))
	if impact := r.impact(axis); impact.chart.Lines != nil {
		out = append(out, impact)
	}
	for i := range out {
		out[i].chart.Title, out[i].chart.Format = w.word(out[i].caption), axis
	}
	return out
}

// histogram of returns within four standard deviations, in 41 bars, with the
// normal density of the same mean and deviation.
func (r *Report) histogram(w writer) figureChart {
	const bins = 41
	m := r.Volatility.Moments
	from, step := m.Mean-4*m.SD, 8*m.SD/bins
	counts, normal, days, x := make([]float64, bins), make([]float64, bins), make([]string, bins), make([]float64, bins)
	for i := 1; i < len(r.prices); i++ {
		v := 100 * math.Log(r.prices[i]/r.prices[i-1])
		if bin := int(math.Floor((v - from) / step)); bin >= 0 && bin < bins {
			counts[bin]++
		}
	}
	for i := range bins {
		x[i] = from + (float64(i)+0.5)*step
		z := (x[i] - m.Mean) / m.SD
		normal[i] = float64(len(r.prices)-1) * step / m.SD * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		days[i] = w.number(&x[i], 1)
	}
	return figureChart{"distribution", []string{"normal law"}, chart.Chart{Days: days, X: x, Bars: counts,
		Lines: []chart.Line{{Name: w.word("normal law"), Values: normal}}}}
}

// impact draws the news-impact curves of the fits with t errors.
func (r *Report) impact(axis func(float64) string) figureChart {
	f := figureChart{caption: "news impact"}
	for _, g := range r.Fits {
		if g.Fit.Spec.Law != garch.StudentT || !r.holds(g) {
			continue
		}
		values := make([]float64, len(g.NewsImpact))
		for i, point := range g.NewsImpact {
			values[i] = math.Sqrt(r.Origin.Annual * point.Variance)
		}
		if f.chart.Days == nil {
			for _, point := range g.NewsImpact {
				f.chart.X = append(f.chart.X, point.Shock)
				f.chart.Days = append(f.chart.Days, axis(math.Round(10*point.Shock)/10))
			}
		} else { // each model has its own long-run level: read off at the first's shocks
			values = at(f.chart.X, g.NewsImpact, r.Origin.Annual)
		}
		f.chart.Lines = append(f.chart.Lines, chart.Line{Name: string(g.Fit.Spec.Model), Values: values})
		f.legend = append(f.legend, string(g.Fit.Spec.Model))
	}
	return f
}

// at reads a news-impact curve at given shocks, linearly; NaN beyond it.
func at(shocks []float64, curve []garch.Impact, annual float64) []float64 {
	out := make([]float64, len(shocks))
	for i, x := range shocks {
		out[i] = math.NaN()
		for j := 1; j < len(curve); j++ {
			if a, b := curve[j-1], curve[j]; x >= a.Shock && x <= b.Shock {
				out[i] = math.Sqrt(annual * (a.Variance + (b.Variance-a.Variance)*(x-a.Shock)/(b.Shock-a.Shock)))
			}
		}
	}
	return out
}

// heat is the darkness of a month's cell, −1 to 1, by the largest month.
func (r *Report) heat() func(v float64) float64 {
	var sizes []float64
	for _, c := range r.Performance.Months {
		sizes = append(sizes, math.Abs(c.Return))
	}
	largest := stats.Quantile(stats.Sorted(sizes), 0.95)
	return func(v float64) float64 {
		if largest == 0 {
			return 0
		}
		return max(-1, min(1, v/largest))
	}
}
