package study

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/words"
)

// GarchOptions choose model, conventions and forecast; zero values: GARCH,
// normal, demeaned, no forecast.
type GarchOptions struct {
	Spec  garch.Spec
	Like  garch.Package // "" for our own conventions
	Mean  garch.Mean    // with Like: this mean in place of the package's own; "" keeps that
	Days  int
	Paths int
	Level float64
	Seed  uint64
}

// Garch is a fit with what belongs to it.
type Garch struct {
	Origin       Origin           `json:"origin"`
	Fit          *garch.Fit       `json:"fit"`
	Like         garch.Package    `json:"like,omitempty"`
	Reported     []garch.Reported `json:"reported,omitempty"` // as the package named by like prints it
	Raw          Diagnostics      `json:"diagnostics_of_returns"`
	Standardised Diagnostics      `json:"diagnostics_of_standardised_residuals"`
	Forecast     *garch.Forecast  `json:"forecast,omitempty"`
	NewsImpact   []garch.Impact   `json:"news_impact"`
	VolNext      float64          `json:"volatility_next_percent_a_year"`
}

// StudyGarch fits the model and tests what is left in its residuals.
func StudyGarch(ctx context.Context, in Input, o GarchOptions) (Garch, error) {
	p, err := in.prepare()
	if err != nil {
		return Garch{}, err
	}
	spec := o.Spec
	if o.Like != "" {
		if spec, err = spec.Like(o.Like); err != nil {
			return Garch{}, err
		}
		if o.Mean != "" {
			spec.Mean = o.Mean
		}
	}
	// What was sealed under earlier rules was fitted by the longer search: it is derived by the same.
	spec.Thorough = spec.Thorough || in.Rules >= 1 && in.Rules <= 4
	spec.Earlier = spec.Earlier || in.before(7)
	spec.Folds = spec.Folds || in.before(8)
	fit, err := garch.Estimate(ctx, p.returns.Values, spec)
	if err != nil {
		return Garch{}, err
	}
	g := Garch{Origin: p.origin, Fit: fit, Like: o.Like, Raw: Diagnose(p.returns.Values),
		Standardised: Diagnose(fit.Residuals), NewsImpact: fit.NewsImpact(4, 33),
		VolNext: math.Sqrt(float64(p.annual) * fit.HNext)}
	if o.Like != "" {
		if g.Reported, err = fit.As(o.Like); err != nil {
			return Garch{}, err
		}
	}
	if o.Days != 0 { // below zero it is refused, and no fit without a forecast
		forecast, err := fit.Forecast(o.Days, o.Paths, o.Level, o.Seed)
		if err != nil {
			return Garch{}, err
		}
		g.Forecast = &forecast
	}
	return g, nil
}

// Print writes the study for a terminal.
func (g Garch) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, g.Origin.Describe(l))
	f := g.Fit
	fmt.Fprintln(w, l.Text("study.fit-head-initial", "model", f.Spec.Model, "law", f.Spec.Law, "mean", f.Spec.Mean,
		"initial", f.Spec.Initial, "loglik", fmt.Sprintf("%.6f", f.LogLik), "aic", fmt.Sprintf("%.4f", f.AIC), "bic",
		fmt.Sprintf("%.4f", f.BIC)))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	se := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprintf("%.6g", *v)
	}
	// As another program prints them, whose parameters are not ours: both at once would be compared with each other.
	if g.Reported != nil {
		fmt.Fprintln(tab, l.Text("study.fit-columns-like", "package", g.Like))
		for _, p := range g.Reported {
			fmt.Fprintf(tab, "  %s\t%.8g\t%s\t\n", p.Name, p.Value, se(p.SE))
		}
	} else {
		fmt.Fprintln(tab, l.Text("study.fit-columns"))
		for _, p := range f.Parameters {
			fmt.Fprintf(tab, "  %s\t%.8g\t%s\t%s\t\n", p.Name, p.Value, se(p.SEHessian), se(p.SERobust))
		}
	}
	tab.Flush()
	c := f.Convergence
	ended := []string{l.Text("study.fit-start", "won", c.Won, "starts", len(c.Starts), "converged",
		yes(l, c.Converged))}
	if c.Stopped != "" {
		ended = append(ended, l.Phrase("market-word", c.Stopped))
	}
	if c.Decrement != nil {
		ended = append(ended, l.Text("study.fit-decrement", "value", fmt.Sprintf("%.1e", *c.Decrement)))
	}
	if c.GradientNorm != nil {
		ended = append(ended, l.Text("study.fit-gradient", "value", fmt.Sprintf("%.1e", *c.GradientNorm)))
	}
	if len(c.Boundary) > 0 {
		ended = append(ended, l.Text("study.fit-binding", "names", bounds(l, c.Boundary)))
	}
	if c.ErrorsNote != "" {
		ended = append(ended, l.Phrase("market-word", c.ErrorsNote))
	}
	fmt.Fprintln(w, strings.Join(ended, "; "))
	long := l.Text("study.fit-not-stationary")
	if f.UncondVar != nil && f.HalfLife == nil { // a shock to ln h that changes its sign each day has none
		long = l.Text("study.fit-no-half-life", "variance", fmt.Sprintf("%.4f", *f.UncondVar))
	} else if f.UncondVar != nil {
		long = l.Text("study.fit-stationary", "variance", fmt.Sprintf("%.4f", *f.UncondVar), "half",
			fmt.Sprintf("%.1f", *f.HalfLife))
	}
	fmt.Fprintln(w, strings.Join([]string{l.Text("study.fit-persistence", "value", fmt.Sprintf("%.6f",
		f.Persistence)), long, next(l, f.HNext, g.VolNext, g.Origin.Annual, c.Converged)}, ", "))
	for _, warning := range f.Warned() {
		fmt.Fprintln(w, l.Text("study.warning", "text", warning.In(l)))
	}
	g.Raw.print(w, l, l.Text("study.returns"))
	g.Standardised.print(w, l, l.Text("study.residuals"))
	if g.Forecast != nil {
		printForecast(w, l, g.Forecast, g.Origin, c.Converged)
	}
}

// bounds are constraints that hold parameters, in a language.
func bounds(l words.Language, names []string) string {
	said := make([]string, len(names))
	for i, text := range names {
		if name, is := strings.CutSuffix(text, " at its most"); is {
			said[i] = l.Text("study.at-most", "name", l.Phrase("market-word", name))
		} else if name, is := strings.CutSuffix(text, " at its least"); is {
			said[i] = l.Text("study.at-least", "name", l.Phrase("market-word", name))
		} else {
			said[i] = l.Phrase("market-word", text)
		}
	}
	return strings.Join(said, ", ")
}

// next is the variance of the next observation, in a language.
func next(l words.Language, variance, vol, annual float64, converged bool) string {
	said := l.Text("study.fit-next", "variance", fmt.Sprintf("%.4f", variance), "vol", fmt.Sprintf("%.2f", vol),
		"annual", fmt.Sprintf("%g", annual))
	if !converged {
		said += "; " + l.Text("study.fit-does-not-hold")
	}
	return said
}

// yes is a truth in a language.
func yes(l words.Language, is bool) string {
	if is {
		return l.Text("study.yes")
	}
	return l.Text("study.no")
}

func printForecast(w io.Writer, l words.Language, f *garch.Forecast, origin Origin, converged bool) {
	fmt.Fprintln(w, l.Text("study.forecast", "level", fmt.Sprintf("%g", 100*f.Level), "paths", f.Paths, "seed", f.Seed))
	if !converged {
		fmt.Fprintln(w, l.Text("study.fit-does-not-hold"))
	}
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, l.Text("study.forecast-columns", "step", l.Phrase("market-word", origin.step())))
	for _, h := range f.Horizons {
		vol := func(v float64) float64 { return math.Sqrt(origin.Annual * v) }
		fmt.Fprintf(tab, "  %d\t%.2f %%\t%.2f %%\t%.2f %%\t%.2f %%\t%.2f %%\t%.2f %%\t\n", h.Day, vol(h.Variance),
			vol(h.VarianceLow), vol(h.VarianceHigh), h.ReturnMedian, h.ReturnLow, h.ReturnHigh)
	}
	tab.Flush()
}
