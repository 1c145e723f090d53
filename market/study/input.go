package study

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/volatility"
	"github.com/aqsha/aqsha/words"
)

// Input is a table with the column to study and the days to keep ("" for open).
type Input struct {
	Table  *market.Table
	Column string // "" for the table's price
	From   string
	To     string
	Annual volatility.Annual // 0: by the frequency of the data
	Rules  int               // 1 to 7: as reports sealed in these formats were computed; 0: today's
}

// before says that figures are computed as reports sealed before a format were.
func (in Input) before(format int) bool { return in.Rules != 0 && in.Rules < format }

// Origin says what figures were computed from.
type Origin struct {
	Source market.Provenance `json:"source"`
	Column string            `json:"column"`
	From   string            `json:"from"`
	To     string            `json:"to"`
	N      int               `json:"n"` // returns
	Annual float64           `json:"annualisation"`
	// Warnings of the data: gaps whose returns span many steps.
	Warnings []string `json:"warnings,omitempty"`

	said []words.Said // Warnings, for any language
}

// Describe is one line for a terminal, and one for each warning, in a language.
func (o Origin) Describe(l words.Language) string {
	lines := []string{l.Text("study.origin", "file", o.Source.File, "column", o.Column, "n", o.N, "from", o.From, "to",
		o.To, "annual", fmt.Sprintf("%g", o.Annual), "sha", fmt.Sprintf("%.12s", o.Source.SHA256), "origin",
		l.Phrase("market-word", o.Source.Origin))}
	for i, warning := range o.Warnings {
		if l != words.English && i < len(o.said) {
			warning = o.said[i].In(l)
		}
		lines = append(lines, l.Text("study.warning", "text", warning))
	}
	return strings.Join(lines, "\n")
}

// step names the time that a return spans, by how many there are in a year.
func (o Origin) step() string {
	switch a := o.Annual; {
	case Daily(a):
		return "day"
	case a == 365*24*60:
		return "minute"
	case a == 365*24:
		return "hour"
	case a == 52:
		return "week"
	case a == 12:
		return "month"
	case a == 4:
		return "quarter"
	case a == 1:
		return "year"
	}
	return "observation"
}

// Daily says whether so many returns in a year are one a day, of trading or of
// the calendar.
func Daily(periodsPerYear float64) bool { return periodsPerYear >= 240 && periodsPerYear <= 366 }

// prepared is an input as series.
type prepared struct {
	prices, returns market.Series
	annual          volatility.Annual
	origin          Origin
}

// PriceColumn is the column of a table that holds a price.
func PriceColumn(t *market.Table) (string, error) {
	if name := t.PriceColumn(); name != "" {
		return name, nil
	}
	return "", market.Refuse("not-available", "column", "no price column in %s; name one with --price",
		t.Provenance.File)
}

// prepare takes prices from the table and returns dated by the window's days:
// the first return uses the close of the day before the window.
func (in Input) prepare() (p prepared, err error) {
	if !in.before(4) { // what was sealed under earlier rules is computed as it was
		if err := market.CheckWindow(in.From, in.To); err != nil {
			return p, err
		}
	}
	if in.Column == "" {
		if in.Column, err = PriceColumn(in.Table); err != nil {
			return p, err
		}
	}
	all, err := in.Table.Series(in.Column)
	if err != nil {
		return p, err
	}
	returns, err := all.LogReturns()
	if err != nil {
		return p, err
	}
	p.returns, p.prices = returns.Window(in.From, in.To), all.Window(in.From, in.To)
	if p.returns.Len() < 2 {
		return p, market.Refuse("too-short", "window", "%d returns %s; two are needed", p.returns.Len(),
			between(in.From, in.To))
	}
	p.annual = in.Annual
	if f := market.FrequencyOf(all.Times); p.annual == 0 {
		if f.PeriodsPerYear == 0 {
			return p, market.Refuse("frequency", "periods-per-year",
				"the frequency of %s is not recognised: %s; give --periods-per-year", in.Column, f.Why)
		}
		p.annual = volatility.Annual(f.PeriodsPerYear)
	}
	p.origin = Origin{Source: in.Table.Provenance, Column: in.Column, From: p.returns.First(), To: p.returns.Last(),
		N: p.returns.Len(), Annual: float64(p.annual)}
	p.origin.warn(gaps(p.prices)...)
	if in.Rules != 1 {
		p.origin.warn(said(in.Table, in.Column, in.Rules)...)
	}
	return p, nil
}

// warn adds warnings: in English for files, and as texts of any language.
func (o *Origin) warn(warnings ...warning) {
	for _, x := range warnings {
		o.Warnings, o.said = append(o.Warnings, x.english), append(o.said, x.said)
	}
}

// warning is one in English, as sealed reports have it, and as a text of any language.
type warning struct {
	english string
	said    words.Said
}

// between words a window of which an end may be open.
func between(from, to string) string {
	switch {
	case from == "" && to == "":
		return "in the whole file"
	case to == "":
		return "from " + from + " on"
	case from == "":
		return "up to " + to
	}
	return "between " + from + " and " + to
}

// said repeats what the import found, errors and warnings, with the repair
// that would be made; a study of several files has one list a file. Gaps are
// told by gaps, of the window only.
func said(t *market.Table, column string, rules int) []warning {
	var lines []warning
	more := 0
	for _, f := range market.Check(t) {
		if rules != 0 && rules < 6 && f.Code == "frozen" { // not found until format 6
			continue
		}
		if f.Severity == market.Note || f.Code == "gap" || f.Column != column && f.Column != "time" &&
			f.Column != "high" && f.Column != "close" {
			continue
		}
		if len(lines) == 10 {
			more++
			continue
		}
		line := fmt.Sprintf("%s %s, line %d: %s", f.Severity, f.Code, f.FirstLine, f.Detail)
		severity := words.Say("market-word." + words.Slug(string(f.Severity)))
		text := words.Say("study.found", "severity", severity, "code", f.Code, "line", f.FirstLine, "text", f.Says())
		if f.Repair != "" {
			line += fmt.Sprintf(" (--repair %s: %s)", f.Code, f.Repair)
			text = words.Say("study.found-repair", "severity", severity, "code", f.Code, "line", f.FirstLine, "text",
				f.Says(), "repair", f.Mends())
		}
		lines = append(lines, warning{line, text})
	}
	if more > 0 {
		lines = append(lines, warning{fmt.Sprintf("and %d more: see import", more),
			words.Say("study.found-more", "count", more)})
	}
	return lines
}

// gaps warns of returns that span more than five times the median step (a
// long weekend is four days).
func gaps(prices market.Series) []warning {
	var steps []time.Duration
	for i := 1; i < prices.Len(); i++ {
		steps = append(steps, prices.Times[i].Sub(prices.Times[i-1]))
	}
	if len(steps) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(steps))
	usual, n, longest := sorted[len(sorted)/2], 0, 0
	for i, s := range steps {
		if s > 5*usual {
			n++
		}
		if s > steps[longest] {
			longest = i
		}
	}
	if n == 0 {
		return nil
	}
	to := prices.Times[longest+1].Format(time.DateOnly)
	return []warning{{fmt.Sprintf("%d gaps: a return across a gap counts as one step; the longest, to %s, spans %s",
		n, to, steps[longest]), words.SayCount("study.gaps", n, "to", to, "span", steps[longest])}}
}
