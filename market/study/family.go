package study

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch/family"
	"github.com/aqsha/aqsha/words"
)

// FamilyOptions choose a model of the wider family and its mean.
type FamilyOptions struct {
	Spec       family.Spec
	Mean       string   // zero, constant, ar, har
	MeanLags   int      // of ar
	Regressors []string // columns of the table, taken as they are on the return's day
}

// Family is a fit of the wider family with what belongs to it.
type Family struct {
	Origin       Origin      `json:"origin"`
	Mean         string      `json:"mean"`
	Fit          *family.Fit `json:"fit"`
	Raw          Diagnostics `json:"diagnostics_of_returns"`
	Standardised Diagnostics `json:"diagnostics_of_standardised_residuals"`
	VolNext      float64     `json:"volatility_next_percent_a_year"`
}

// StudyFamily fits the model and tests what is left in its residuals.
func StudyFamily(ctx context.Context, in Input, o FamilyOptions) (Family, error) {
	p, err := in.prepare()
	if err != nil {
		return Family{}, err
	}
	returns, regressors, err := in.beside(p.returns, o.Regressors)
	if err != nil {
		return Family{}, err
	}
	mean, y, err := family.MeanOf(o.Mean, o.MeanLags, returns.Values, o.Regressors, regressors)
	if err != nil {
		return Family{}, err
	}
	fit, err := family.Estimate(ctx, y, mean, o.Spec)
	if err != nil {
		return Family{}, err
	}
	p.origin.From, p.origin.To, p.origin.N = returns.First(), returns.Last(), returns.Len()
	return Family{Origin: p.origin, Mean: o.Mean, Fit: fit, Raw: Diagnose(y), Standardised: Diagnose(fit.Residuals),
		VolNext: math.Sqrt(float64(p.annual) * fit.HNext)}, nil
}

// beside keeps the days on which every regressor has a value.
func (in Input) beside(returns market.Series, names []string) (market.Series, [][]float64, error) {
	all := []market.Series{returns}
	for _, name := range names {
		s, err := in.Table.Series(name)
		if err != nil {
			return returns, nil, err
		}
		all = append(all, s)
	}
	if len(all) == 1 {
		return returns, nil, nil
	}
	times, values := market.Align(all...)
	returns.Times, returns.Values = times, values[0]
	return returns, values[1:], nil
}

// Print writes the study for a terminal.
func (g Family) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, g.Origin.Describe(l))
	f, s := g.Fit, g.Fit.Spec
	fmt.Fprintln(w, l.Text("study.fit-head", "model", fmt.Sprintf("%s (%d,%d,%d)", s.Model, s.P, s.O, s.Q), "law",
		s.Law, "mean", g.Mean, "loglik", fmt.Sprintf("%.6f", f.LogLik), "aic", fmt.Sprintf("%.4f", f.AIC), "bic",
		fmt.Sprintf("%.4f", f.BIC)))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, l.Text("study.fit-columns"))
	se := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprintf("%.6g", *v)
	}
	for _, p := range f.Parameters {
		fmt.Fprintf(tab, "  %s\t%.8g\t%s\t%s\t\n", p.Name, p.Value, se(p.SEHessian), se(p.SERobust))
	}
	tab.Flush()
	ended := []string{l.Count("study.fit-family", len(f.Starts), "steps", f.Iterations, "converged",
		yes(l, f.Converged), "decrement", fmt.Sprintf("%.1e", f.Decrement))}
	// At a bound the errors are no errors of the estimate, so it is said which.
	if len(f.Bound) > 0 {
		ended = append(ended, l.Text("study.fit-binding", "names", bounds(l, f.Bound)))
	}
	if f.Persistence != nil {
		ended = append(ended, l.Text("study.fit-persistence", "value", fmt.Sprintf("%.6f", *f.Persistence)))
	}
	fmt.Fprintln(w, strings.Join(ended, "; "))
	fmt.Fprintln(w, next(l, f.HNext, g.VolNext, g.Origin.Annual, f.Converged))
	for _, warning := range f.Warnings {
		fmt.Fprintln(w, l.Text("study.warning", "text", l.Phrase("market-word", warning)))
	}
	g.Raw.print(w, l, l.Text("study.returns"))
	g.Standardised.print(w, l, l.Text("study.residuals"))
}
