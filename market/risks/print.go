package risks

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/words"
)

// Print writes the report for a terminal, in a language: the indicators, the events, causality in both directions at
// the level of 5 %, first digits, and last what could not be computed and why.
func (r Report) Print(w io.Writer, l words.Language) {
	if len(r.Indicators) > 0 {
		fmt.Fprintln(w, l.Text("risks.head", "from", r.From, "to", r.To))
	}
	for _, i := range r.Indicators {
		i.print(w, l)
	}
	if r.Events != nil {
		r.Events.print(w, l)
	}
	if len(r.Causality) > 0 {
		fmt.Fprintf(w, "\n%s\n", l.Text("risks.granger-head"))
		for _, c := range r.Causality {
			figures := []any{"from", l.Phrase("market-word", c.From), "to", l.Phrase("market-word", c.To), "f",
				fmt.Sprintf("%.3f", c.Test.Stat), "p", fmt.Sprintf("%.4f", c.Test.P)}
			if c.Test.P < 0.05 {
				fmt.Fprintln(w, l.Text("risks.granger-yes", figures...))
			} else {
				fmt.Fprintln(w, l.Text("risks.granger-no", figures...))
			}
		}
	}
	if r.Wash != nil {
		r.Wash.print(w, l)
	}
	for _, n := range r.said {
		fmt.Fprintln(w, l.Text("risks.note", "text", n.In(l)))
	}
}

// print writes one risk: what is measured, its value with unit, source and days, a sentence on it, and what data it
// would need where it has none.
func (i Indicator) print(w io.Writer, l words.Language) {
	value, window := l.Text("risks.none"), ""
	if i.Value != nil {
		value = fmt.Sprintf("%.4g %s", *i.Value, l.Phrase("market-word", i.Unit))
	}
	if i.From != "" {
		window = ", " + i.From + " … " + i.To
	}
	fmt.Fprintf(w, "%d) %s\n", i.Number, l.Phrase("market-word", i.Risk))
	fmt.Fprintln(w, l.Text("risks.indicator", "measure", measureIn(l, i.Measure), "value", value, "source",
		l.Phrase("market-word", i.Source), "window", window))
	fmt.Fprintf(w, "   %s\n", i.Words.In(l))
	// Another measure of the same risk, where sources disagree: shown beside, never averaged.
	for _, b := range i.Beside {
		fmt.Fprintln(w, l.Text("risks.beside", "measure", measureIn(l, b.Measure), "value", fmt.Sprintf("%.4g",
			*b.Value),
			"unit", l.Phrase("market-word", b.Unit), "source", l.Phrase("market-word", b.Source), "from", b.From, "to",
			b.To))
	}
	if i.Needs != "" {
		fmt.Fprintln(w, l.Text("risks.needs", "what", needsIn(l, i.Needs)))
	}
}

// measureIn is a measure's name in a language; that of cards has a figure in it.
func measureIn(l words.Language, measure string) string {
	var first float64
	if n, _ := fmt.Sscanf(measure, "payments by card through international systems, %f %% in the first year",
		&first); n == 1 {
		return l.Text("risks.cards-first", "first", fmt.Sprintf("%.1f", first))
	}
	return l.Phrase("market-word", measure)
}

// needsIn is what a measure needs, in a language.
func needsIn(l words.Language, needs string) string {
	more, residents := strings.CutPrefix(needs, residentsFile)
	switch {
	case !residents:
		return l.Phrase("market-word", needs)
	case strings.Contains(more, "gdp"):
		return l.Text("risks.needs-gdp")
	case strings.Contains(more, "m3"):
		return l.Text("risks.needs-money")
	case strings.Contains(more, "displaced"):
		return l.Text("risks.needs-displaced")
	case strings.Contains(more, "deposits"):
		return l.Text("risks.needs-deposits")
	}
	return l.Text("risks.needs-residents")
}

// print writes the abnormal returns around each event, in percent, then their means with the t test, the sign test, a
// sentence and the placebo. CAR1 and CAR5 are cumulated from the day of the event to the first and the fifth after it.
func (e *EventStudy) print(w io.Writer, l words.Language) {
	fmt.Fprintf(w, "\n%s\n", l.Text("risks.events-head"))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, l.Text("risks.events-columns"))
	for _, x := range e.Reactions {
		fmt.Fprintf(tab, "  %s\t%+.1f\t%+.1f\t%+.1f\t%+.1f\t%+.1f\t%s\t\n", x.Date, x.Before, x.Day0, x.Day0Z,
			x.CAR1, x.CAR5, x.Name)
	}
	tab.Flush()
	signed := func(v float64) string { return fmt.Sprintf("%+.2f", v) }
	fmt.Fprintln(w, l.Text("risks.events-mean", "day", signed(e.MeanDay0), "t", fmt.Sprintf("%.2f", e.TDay0), "p",
		fmt.Sprintf("%.4f", e.PDay0), "one", signed(e.MeanCAR1), "five", signed(e.MeanCAR5), "before",
		signed(e.MeanPrior), "negative", e.Negative, "all", len(e.Reactions), "sign", fmt.Sprintf("%.4f", e.PSign)))
	fmt.Fprintf(w, "  %s\n", e.Words().In(l))
	e.Placebo.print(w, l)
}

// print writes the first-digit test with its deviation and the spread of sizes in decades, then what it comes to.
func (x *Wash) print(w io.Writer, l words.Language) {
	text := l.Text("risks.wash", "n", x.N, "chi", fmt.Sprintf("%.1f", x.Benford.Stat), "p",
		fmt.Sprintf("%.3g", x.Benford.P), "mad", fmt.Sprintf("%.4f", x.MAD), "spread", fmt.Sprintf("%.1f", x.Spread),
		"round", fmt.Sprintf("%.2f", 100*x.Clustered))
	if x.OverChain != nil {
		text = l.Text("risks.wash-chain", "text", text, "ratio", fmt.Sprintf("%.2f", *x.OverChain))
	}
	fmt.Fprintf(w, "\n%s\n", text)
	for _, found := range x.Words {
		fmt.Fprintln(w, "  "+l.Phrase("market-word", found))
	}
}

// print says what other lists give; it always stands below the study.
func (p Placebo) print(w io.Writer, l words.Language) {
	for _, x := range p.Shifted {
		fmt.Fprintln(w, l.Text("risks.placebo-shift", "days", fmt.Sprintf("%+d", x.Days), "mean",
			fmt.Sprintf("%+.2f", x.Mean), "p", fmt.Sprintf("%.4f", x.P), "n", x.N))
	}
	if p.RandomLists > 0 {
		fmt.Fprintln(w, l.Text("risks.placebo-random", "count", p.RandomLists, "seed", p.Seed, "share",
			fmt.Sprintf("%.2f", 100*p.RandomP), "confirms", fmt.Sprintf("%.1f", 100*p.Confirms)))
	} else {
		fmt.Fprintln(w, l.Text("risks.placebo-none"))
	}
	o := p.LeaveOut
	fmt.Fprintln(w, l.Text("risks.placebo-leave", "low", fmt.Sprintf("%.4f", o.LeastP), "high",
		fmt.Sprintf("%.4f", o.MaxP), "name", o.Carries, "below", o.Below, "n", o.N))
}
