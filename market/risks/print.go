package risks

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Print writes the report for a terminal.
func (r Report) Print(w io.Writer) {
	if len(r.Indicators) > 0 {
		fmt.Fprintf(w, "risks listed by the National Bank, %s … %s\n", r.From, r.To)
	}
	for _, i := range r.Indicators {
		value := "not available"
		if i.Value != nil {
			value = fmt.Sprintf("%.4g %s", *i.Value, i.Unit)
		}
		window := ""
		if i.From != "" {
			window = ", " + i.From + " … " + i.To
		}
		fmt.Fprintf(w, "%d) %s\n   %s: %s  [%s%s]\n   %s\n", i.Number, i.Risk, i.Measure, value, i.Source, window,
			i.Words)
		// Another measure of the same risk, where sources disagree: shown beside, never averaged.
		for _, b := range i.Beside {
			fmt.Fprintf(w, "   %s: %.4g %s  [%s, %s … %s]\n", b.Measure, *b.Value, b.Unit, b.Source, b.From, b.To)
		}
		if i.Needs != "" {
			fmt.Fprintln(w, "   needs:", i.Needs)
		}
	}
	if e := r.Events; e != nil {
		fmt.Fprintln(w,
			"\n\"Any negative information … will immediately affect their value\": abnormal returns, percent")
		tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(tab, "  day\t−5…−1\t0\tz\t0…1\t0…5\tevent\t")
		for _, x := range e.Reactions {
			fmt.Fprintf(tab, "  %s\t%+.1f\t%+.1f\t%+.1f\t%+.1f\t%+.1f\t%s\t\n", x.Date, x.Before, x.Day0, x.Day0Z,
				x.CAR1, x.CAR5, x.Name)
		}
		tab.Flush()
		fmt.Fprintf(w, "  mean on the day %+.2f (t = %.2f, one-sided p = %.4f), 0…1 %+.2f, 0…5 %+.2f, before %+.2f; "+
			"%d of %d negative (p = %.4f)\n  %s\n",
			e.MeanDay0, e.TDay0, e.PDay0, e.MeanCAR1, e.MeanCAR5, e.MeanPrior, e.Negative, len(e.Reactions), e.PSign,
			e.Words())
		e.Placebo.print(w)
	}
	if len(r.Causality) > 0 {
		fmt.Fprintln(w, "\nGranger, four weekly lags")
		for _, c := range r.Causality {
			words := "does not help to predict"
			if c.Test.P < 0.05 {
				words = "helps to predict"
			}
			fmt.Fprintf(w, "  %s %s %s: F = %.3f, p = %.4f\n", c.From, words, c.To, c.Test.Stat, c.Test.P)
		}
	}
	if x := r.Wash; x != nil {
		fmt.Fprintf(w, "\nreported volume, %d sizes: first digits χ² = %.1f (p = %.3g), mean deviation %.4f over %.1f "+
			"decades; round sizes %.2f %%", x.N, x.Benford.Stat, x.Benford.P, x.MAD, x.Spread, 100*x.Clustered)
		if x.OverChain != nil {
			fmt.Fprintf(w, "; volume over transfers %.2f", *x.OverChain)
		}
		fmt.Fprintln(w)
		for _, words := range x.Words {
			fmt.Fprintln(w, "  "+words)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
}

// print tells what other lists give; it always stands below the study.
func (p Placebo) print(w io.Writer) {
	for _, x := range p.Shifted {
		fmt.Fprintf(w, "  placebo, the list moved by %+d days: mean %+.2f, p = %.4f (%d days)\n", x.Days, x.Mean, x.P,
			x.N)
	}
	if p.RandomLists > 0 {
		fmt.Fprintf(w, "  %d random lists (seed %d): %.2f %% fall as much; the t test alone would confirm %.1f %% of "+
			"them at 5 %%\n", p.RandomLists, p.Seed, 100*p.RandomP, 100*p.Confirms)
	} else {
		fmt.Fprintln(w, "  random lists: not available, too few days")
	}
	l := p.LeaveOut
	fmt.Fprintf(w, "  leaving one out: p from %.4f to %.4f (without %s), below 5 %% in %d of %d\n", l.LeastP, l.MaxP,
		l.Carries, l.Below, l.N)
}
