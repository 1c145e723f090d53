package study

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/words"
)

// Risk is value at risk and expected shortfall with, on request, the league
// table of the back-test.
type Risk struct {
	Origin   Origin          `json:"origin"`
	P        float64         `json:"p"`
	Measures []risk.Measure  `json:"measures"`
	TFit     garch.Student   `json:"t_fit"`
	League   []risk.Standing `json:"league,omitempty"`
	From     string          `json:"backtest_from,omitempty"`
	To       string          `json:"backtest_to,omitempty"`
	Tails    *Tails          `json:"tails,omitempty"` // on request
}

// GarchWindow is how many days the rolling GARCH-t of the back-test sees.
const GarchWindow = 1000

// StudyRisk measures the window; with backtest it also tests all eight methods
// day by day over the window, each day from the days before it.
func StudyRisk(ctx context.Context, in Input, p float64, backtest bool, progress func(done, all int)) (Risk, error) {
	prepared, err := in.prepare()
	if err != nil {
		return Risk{}, err
	}
	out := Risk{Origin: prepared.origin, P: p}
	if out.Measures, out.TFit, err = risk.Static(prepared.returns.Values, p, in.Rules); err != nil {
		return Risk{}, err
	}
	// A quantile beyond all that was seen is the method's guess; what was sealed before has no word of it.
	if expected := float64(prepared.returns.Len()) * p; expected < 1 && !in.before(7) {
		n := prepared.returns.Len()
		out.Origin.Warnings, out.Origin.said = slices.Clone(out.Origin.Warnings), slices.Clone(out.Origin.said)
		out.Origin.warn(warning{fmt.Sprintf("%d returns: fewer than one loss in %g is expected among them, so that the "+
			"figures at p = %g are no measurement", n, p, p), words.Say("study.few-losses", "count", n, "p",
			fmt.Sprintf("%g", p))})
	}
	if !backtest {
		return out, nil
	}
	// Learnt from the days before the window, which the window itself leaves out: else its first years could not be
	// tested.
	whole, err := Input{Table: in.Table, Column: prepared.origin.Column, To: in.To, Annual: prepared.annual,
		Rules: in.Rules}.prepare()
	if err != nil {
		return Risk{}, err
	}
	r := whole.returns
	first := r.Len() - prepared.returns.Len()
	if least := max(risk.Window, GarchWindow); first < least {
		if first = least; first >= r.Len() {
			return Risk{}, market.Refuse("too-short", "window",
				"%d returns; the back-test learns from %d before its first day", r.Len(), least)
		}
	}
	if out.League, err = risk.League(ctx, r.Values, first, r.Len()-1, GarchWindow, p, in.Rules, progress); err != nil {
		return Risk{}, err
	}
	out.From, out.To = r.Times[first].Format("2006-01-02"), r.Last()
	return out, nil
}

// Print writes the study for a terminal.
func (r Risk) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, r.Origin.Describe(l))
	fmt.Fprintln(w, l.Text("study.risk-head", "step", l.Phrase("market-word", r.Origin.step()), "p",
		fmt.Sprintf("%g", r.P)))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	number := func(v *float64) string {
		if v == nil {
			return "–"
		}
		return fmt.Sprintf("%.4f", *v)
	}
	fmt.Fprintln(tab, l.Text("study.risk-columns"))
	measures := r.Measures
	if r.Tails != nil {
		measures = slices.Concat(measures, r.Tails.Measures)
	}
	for _, m := range measures {
		fmt.Fprintf(tab, "  %s\t%s\t%s\t%s\n", l.Phrase("market-word", m.Method), number(m.VaR), number(m.ES),
			l.Phrase("market-word", m.Refused))
	}
	tab.Flush()
	four := func(v float64) string { return fmt.Sprintf("%.4f", v) }
	fmt.Fprintln(w, l.Text("study.risk-t", "mu", four(r.TFit.Mu), "sigma", four(r.TFit.Sigma), "nu", four(r.TFit.Nu)))
	if r.League == nil {
		return
	}
	fmt.Fprintln(w, l.Text("study.risk-backtest", "from", r.From, "to", r.To, "window", risk.Window, "garch",
		GarchWindow))
	tab = tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	fmt.Fprintln(tab, l.Text("study.risk-league-columns"))
	for _, s := range r.League {
		// It keeps its line, without a rank: a method that could not be tested is not one that failed.
		if s.Refused != "" {
			fmt.Fprintf(tab, "  –\t%s\t%d%s%s\n", l.Phrase("market-word", s.Method), s.Days, strings.Repeat("\t", 12),
				refused(l, s))
			continue
		}
		verdict := "rejected"
		if s.Passes {
			verdict = "passes"
		}
		c := s.Coverage
		regression, set := "–", "–"
		if s.ESRegression != nil {
			regression = fmt.Sprintf("%.4f", s.ESRegression.P)
		}
		if s.Confidence != nil {
			set = fmt.Sprintf("%.3f", *s.Confidence)
		}
		fmt.Fprintf(tab, "  %d\t%s\t%d\t%d\t%.1f\t%.4f\t%.4f\t%.4f\t%+.3f\t%.4f\t%s\t%.3f\t%.5f\t%s\t%s\n", s.Rank,
			l.Phrase("market-word", s.Method), s.Days, c.Exceed, float64(c.N)*s.P, c.P, c.PInd, c.PCC, *s.AcerbiZ,
			*s.AcerbiP, regression,
			*s.MeanVaR, *s.Loss, set, l.Phrase("market-word", verdict))
	}
	tab.Flush()
}

// refused is why a method has no rank, in a language: on too many days of the window it gave no forecast.
func refused(l words.Language, s risk.Standing) string {
	var bad, all int
	if n, err := fmt.Sscanf(s.Refused, "not valid on %d of %d days", &bad, &all); n == 2 && err == nil {
		return l.Count("study.risk-not-valid", bad, "all", all)
	}
	return l.Phrase("market-word", s.Refused)
}
