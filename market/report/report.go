package report

import (
	"context"
	"fmt"
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/performance"
	"github.com/aqsha/aqsha/market/study"
	"github.com/aqsha/aqsha/market/volatility"
)

// Format names the JSON form.
const Format = "aqsha-market-report/1"

// Options of a report; together with the inputs they decide every byte.
type Options struct {
	Asset     string                `json:"asset"`
	From      string                `json:"from"`
	To        string                `json:"to"`
	Input     study.Input           `json:"-"`
	Benchmark *market.Table         `json:"-"`
	RiskFree  *performance.RiskFree `json:"-"`       // nil: 0; told in the performance
	Version   string                `json:"version"` // of the program
}

// firstRules says that a report is computed as those sealed in format 1 were.
func (o Options) firstRules() bool { return o.Input.Rules == 1 }

// Figure is one number of the report with its provenance: Low and High bound it where it is estimated from resamples,
// Window is the days that it is of, and SHA256 that of the file.
// before says that a report is computed as those sealed in formats before this one were.
func (o Options) before(format int) bool { return o.Input.Rules != 0 && o.Input.Rules < format }

// Figure is one number of the report with its provenance.
type Figure struct {
	Key     string   `json:"key"`
	Value   *float64 `json:"value"` // null: not available
	Low     *float64 `json:"low,omitempty"`
	High    *float64 `json:"high,omitempty"`
	Unit    string   `json:"unit"`
	Formula string   `json:"formula"`
	Window  string   `json:"window"`
	SHA256  string   `json:"sha256"`
}

// Report is the document before it is written in a language. days and prices are of the window and of one length;
// conditional may be a day longer, where the close before the window is known.
type Report struct {
	Format      string                  `json:"format"`
	Options     Options                 `json:"options"`
	Origin      study.Origin            `json:"origin"`
	Figures     []Figure                `json:"figures"`
	Performance performance.Performance `json:"performance"`
	Volatility  study.Volatility        `json:"volatility"`
	Fits        []study.Garch           `json:"fits"`
	Risks       []study.Risk            `json:"risks"`
	Notes       []string                `json:"notes,omitempty"`

	days        []string
	prices      []float64
	conditional []float64 // volatility of the t fit, percent a year, by return
}

// levels of the value-at-risk tables.
var levels = []float64{0.01, 0.05}

// Build computes everything. It fails where the series itself is bad; a part
// that cannot be computed (too short for a back-test) is noted instead.
func Build(ctx context.Context, o Options, progress func(done, all int)) (*Report, error) {
	o.Input.From, o.Input.To = o.From, o.To
	r := &Report{Format: Format, Options: o}
	var err error
	if r.Volatility, err = study.StudyVolatility(o.Input); err != nil {
		return nil, err
	}
	r.Origin = r.Volatility.Origin
	r.Notes = append(r.Notes, r.Origin.Warnings...)
	if err := r.addPerformance(); err != nil {
		return nil, err
	}
	for _, spec := range []garch.Spec{{}, {Law: garch.StudentT}, {Model: garch.GJR, Law: garch.StudentT},
		{Model: garch.EGARCH, Law: garch.StudentT}} {
		g, err := study.StudyGarch(ctx, o.Input, study.GarchOptions{Spec: spec})
		if err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("%s %s: %v", spec.Model, spec.Law, err))
			continue
		}
		r.Fits = append(r.Fits, g)
		if spec.Model == "" && spec.Law == garch.StudentT && r.holds(g) {
			for _, h := range g.Fit.Variances {
				r.conditional = append(r.conditional, math.Sqrt(r.Origin.Annual*h))
			}
		}
	}
	for _, p := range levels {
		risks, err := study.StudyRisk(ctx, o.Input, p, true, progress)
		if err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("back-test at %g: %v", p, err))
			// Without the back-test: losses are measured even where there are too few days to test how.
			if risks, err = study.StudyRisk(ctx, o.Input, p, false, nil); err != nil {
				return nil, err
			}
		}
		r.Risks = append(r.Risks, risks)
	}
	if err := ctx.Err(); err != nil { // which notes would take for a part that cannot be computed
		return nil, err
	}
	r.collect()
	return r, nil
}

// addPerformance measures the window's prices, beside the benchmark's if one is given. The days of the charts are
// those of the window; the measures need the close before it too, since a window's first return is from that one. A
// report sealed under the first rules is made without it, as it was then, or its figures would not come out the same.
func (r *Report) addPerformance() error {
	in := r.Options.Input
	all, err := in.Table.Series(r.Origin.Column)
	if err != nil {
		return err
	}
	prices := all.Window(r.Options.From, r.Options.To)
	inside := prices
	if !r.Options.firstRules() { // the first return of the window needs the close before it
		prices = all.WindowAfter(r.Options.From, r.Options.To)
	}
	var benchmark market.Series
	if r.Options.Benchmark != nil {
		column, err := study.PriceColumn(r.Options.Benchmark)
		if r.Options.firstRules() && column == "adjusted_close" {
			column = "close"
		}
		if err != nil {
			return err
		}
		if benchmark, err = r.Options.Benchmark.Series(column); err != nil {
			return err
		}
		if r.Options.firstRules() {
			benchmark = benchmark.Window(r.Options.From, r.Options.To)
		} else {
			benchmark = benchmark.WindowAfter(r.Options.From, r.Options.To)
		}
	}
	for i, at := range inside.Times {
		r.days, r.prices = append(r.days, at.Format("2006-01-02")), append(r.prices, inside.Values[i])
	}
	if r.Options.firstRules() {
		r.Performance, err = performance.MeasureByCount(prices, benchmark, in.Annual.Or(r.Origin.Annual))
		return err
	}
	r.Performance, err = performance.MeasureOver(prices, benchmark, in.Annual.Or(r.Origin.Annual), r.Options.RiskFree)
	return err
}

// unconverged is the formula of a figure that would follow from a fit without an optimum.
const unconverged = "the fit did not converge"

// holds says whether what follows from a fit may be shown: reports that were sealed before showed it of every fit.
func (r *Report) holds(g study.Garch) bool {
	return g.Fit.Convergence.Converged || r.Options.before(7)
}

// collect lists every figure with its provenance.
func (r *Report) collect() {
	window, sum := r.Origin.From+"…"+r.Origin.To, r.Origin.Source.SHA256
	add := func(key string, v, low, high *float64, unit, formula string) {
		r.Figures = append(r.Figures, Figure{key, v, low, high, unit, formula, window, sum})
	}
	for _, f := range r.Performance.Figures {
		sources := sum
		if r.Performance.Benchmark != nil {
			switch f.Key {
			case "beta", "alpha", "correlation", "trackingError", "informationRatio":
				// These figures are of two files: whoever derives them again needs both.
				sources += "+" + r.Performance.Benchmark.SHA256
			}
		}
		r.Figures = append(r.Figures, Figure{f.Key, f.Value, f.Low, f.High, f.Unit, f.Formula, window, sources})
	}
	m := r.Volatility.Moments
	add("mean", &m.Mean, nil, nil, "percent", "mean of 100·ln(P/P₋₁)")
	add("sd", &m.SD, nil, nil, "percent", "n − 1")
	add("skewness", &m.Skewness, nil, nil, "ratio", "m₃/m₂^1.5")
	add("excessKurtosis", &m.Excess, nil, nil, "ratio", "m₄/m₂² − 3")
	for _, e := range r.Volatility.Estimates {
		add("volatility: "+e.Name, &e.Percent, nil, nil, "percent a year",
			fmt.Sprintf("annualised on %g, n = %d", r.Origin.Annual, e.N))
	}
	for _, g := range r.Fits {
		name := string(g.Fit.Spec.Model) + "-" + string(g.Fit.Spec.Law)
		for _, p := range g.Fit.Parameters {
			var low, high *float64
			if p.SERobust != nil {
				a, b := p.Value-1.96**p.SERobust, p.Value+1.96**p.SERobust
				low, high = &a, &b
			}
			add(name+": "+p.Name, &p.Value, low, high, "", "maximum likelihood; interval ±1.96 sandwich errors")
		}
		add(name+": log-likelihood", &g.Fit.LogLik, nil, nil, "", "Σ ln f(r)")
		next, formula := &g.VolNext, fmt.Sprintf("√(%g·h)", r.Origin.Annual)
		if !r.holds(g) {
			next, formula = nil, unconverged
		}
		add(name+": next volatility", next, nil, nil, "percent a year", formula)
	}
	loss := "one-day loss"
	if !study.Daily(r.Origin.Annual) && (r.Options.Input.Rules == 0 || r.Options.Input.Rules > 5) {
		loss = "loss over one observation"
	}
	for _, risk := range r.Risks {
		for _, v := range risk.Measures {
			formula := loss + "; " + v.Refused
			if v.Refused == "" && !r.Options.before(7) {
				formula = loss
			}
			add(fmt.Sprintf("VaR %g: %s", risk.P, v.Method), v.VaR, nil, nil, "percent", formula)
			add(fmt.Sprintf("ES %g: %s", risk.P, v.Method), v.ES, nil, nil, "percent", formula)
		}
	}
}

func annualOf(observations float64) volatility.Annual { return volatility.Annual(observations) }
