package study

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market/garch"
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
	spec.Earlier = spec.Earlier || in.Rules != 0
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
	if o.Days > 0 {
		forecast, err := fit.Forecast(o.Days, o.Paths, o.Level, o.Seed)
		if err != nil {
			return Garch{}, err
		}
		g.Forecast = &forecast
	}
	return g, nil
}

// Print writes the study for a terminal.
func (g Garch) Print(w io.Writer) {
	fmt.Fprintln(w, g.Origin.Describe())
	f := g.Fit
	fmt.Fprintf(w, "%s, %s errors, mean %s, initial variance %s; log-likelihood %.6f, AIC %.4f, BIC %.4f\n",
		f.Spec.Model, f.Spec.Law, f.Spec.Mean, f.Spec.Initial, f.LogLik, f.AIC, f.BIC)
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	se := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprintf("%.6g", *v)
	}
	// As another program prints them, whose parameters are not ours: both at once would be compared with each other.
	if g.Reported != nil {
		fmt.Fprintf(tab, "  as %s\tvalue\tstandard error\t\n", g.Like)
		for _, p := range g.Reported {
			fmt.Fprintf(tab, "  %s\t%.8g\t%s\t\n", p.Name, p.Value, se(p.SE))
		}
	} else {
		fmt.Fprintln(tab, "  parameter\tvalue\tfrom Hessian\tsandwich\t")
		for _, p := range f.Parameters {
			fmt.Fprintf(tab, "  %s\t%.8g\t%s\t%s\t\n", p.Name, p.Value, se(p.SEHessian), se(p.SERobust))
		}
	}
	tab.Flush()
	c := f.Convergence
	fmt.Fprintf(w, "start %d of %d won; converged %v", c.Won, len(c.Starts), c.Converged)
	if c.Stopped != "" {
		fmt.Fprintf(w, " (stopped: %s)", c.Stopped)
	}
	if c.Decrement != nil {
		fmt.Fprintf(w, ", decrement %.1e", *c.Decrement)
	}
	if c.GradientNorm != nil {
		fmt.Fprintf(w, ", largest |gradient·θ| %.1e", *c.GradientNorm)
	}
	if len(c.Boundary) > 0 {
		fmt.Fprintf(w, "; binding: %s", strings.Join(c.Boundary, ", "))
	}
	if c.ErrorsNote != "" {
		fmt.Fprintf(w, "; %s", c.ErrorsNote)
	}
	fmt.Fprintf(w, "\npersistence %.6f, ", f.Persistence)
	if f.UncondVar != nil {
		fmt.Fprintf(w, "unconditional variance %.4f, half-life %.1f observations, ", *f.UncondVar, *f.HalfLife)
	} else {
		fmt.Fprint(w, "unconditional variance not available (not stationary), ")
	}
	fmt.Fprintf(w, "next variance %.4f = %.2f %% a year (annualised on %g)%s\n", f.HNext, g.VolNext, g.Origin.Annual,
		doubt(c.Converged))
	for _, warning := range f.Warnings {
		fmt.Fprintln(w, "warning:", warning)
	}
	g.Raw.print(w, "returns")
	g.Standardised.print(w, "standardised residuals")
	if g.Forecast != nil {
		printForecast(w, g.Forecast, g.Origin, doubt(c.Converged))
	}
}

// doubt follows figures of a fit that did not converge.
func doubt(converged bool) string {
	if converged {
		return ""
	}
	return ", which does not hold: the fit did not converge"
}

func printForecast(w io.Writer, f *garch.Forecast, origin Origin, doubt string) {
	fmt.Fprintf(w, "forecast, %g %% intervals from %d simulated paths (seed %d)%s\n", 100*f.Level, f.Paths, f.Seed, doubt)
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "  "+origin.step()+"\tvolatility a year\tfrom\tto\tcumulated return\tfrom\tto\t")
	for _, h := range f.Horizons {
		vol := func(v float64) float64 { return math.Sqrt(origin.Annual * v) }
		fmt.Fprintf(tab, "  %d\t%.2f %%\t%.2f %%\t%.2f %%\t%.2f %%\t%.2f %%\t%.2f %%\t\n", h.Day, vol(h.Variance),
			vol(h.VarianceLow), vol(h.VarianceHigh), h.ReturnMedian, h.ReturnLow, h.ReturnHigh)
	}
	tab.Flush()
}
