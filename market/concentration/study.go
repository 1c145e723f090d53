package concentration

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/words"
)

// Period is one month both ways: with the residual as one holder, and without.
type Period struct {
	Month   string   `json:"month,omitempty"`
	With    Measures `json:"residual_as_one"`
	Without Measures `json:"without_residual"`
	// Residual is the share that the residual holds; between the two ways, and
	// beyond the second if it is many small ones, lies the truth.
	Residual float64 `json:"residual_share"`
	Lorenz   []Point `json:"lorenz,omitempty"` // of the last period only
}

// Study is concentration over time.
type Study struct {
	Source   market.Provenance `json:"source"`
	Label    string            `json:"by"`
	Value    string            `json:"of"`
	Residual string            `json:"residual"`
	Periods  []Period          `json:"periods"`
	// Uncertainty of the last period, the residual left out; null where fewer
	// than two hold anything.
	Uncertainty *Uncertainty `json:"uncertainty"`

	last   Month
	counts bool
}

// Against resamples the last period and tests known points of its Lorenz curve.
func (s *Study) Against(points []Point) error {
	var kept []float64
	for i, name := range s.last.Names {
		if name != s.Residual {
			kept = append(kept, s.last.Values[i])
		}
	}
	if len(kept) < 2 && len(points) == 0 {
		return nil
	}
	u, err := UncertaintyOf(kept, s.counts, points)
	if err != nil {
		return err
	}
	u.Period, s.Uncertainty = s.last.Month, u
	return nil
}

// maxUnasked is how many holders are resampled without being asked to.
const maxUnasked = 200_000

// residuals that files are known to use.
var residuals = map[string]string{"pool": "unknown", "country": "Other", "province": "Other"}

// Over studies a panel (by month) or a plain list of holders. label, value and
// residual may be empty: the table's only name column, its only amount, and
// the name that such files use for the rest.
func Over(t *market.Table, label, value, residual string) (Study, error) {
	if label == "" {
		if len(t.Texts) == 0 {
			return Study{}, market.Refuse("not-available", "by", "no column of names in %s", t.Provenance.File)
		}
		label = t.Texts[0].Name
	}
	if value == "" {
		if len(t.Columns) == 0 {
			return Study{}, market.Refuse("not-available", "of", "no column of amounts in %s", t.Provenance.File)
		}
		value = t.Columns[0].Name
	}
	if residual == "" {
		residual = residuals[label]
	}
	s := Study{Source: t.Provenance, Label: label, Value: value, Residual: residual}
	months, err := ByMonth(t, label, value)
	if err != nil {
		return Study{}, err
	}
	for i, m := range months {
		with, without, err := m.BothWays(residual)
		if err != nil {
			return Study{}, err
		}
		p := Period{Month: m.Month, With: with, Without: without, Residual: m.share(residual)}
		if i == len(months)-1 {
			exact, err := Integers(m.Values)
			if err != nil {
				return Study{}, err
			}
			if p.Lorenz, err = Lorenz(exact); err != nil {
				return Study{}, err
			}
		}
		s.Periods = append(s.Periods, p)
	}
	column, err := t.Column(value)
	if err != nil {
		return Study{}, err
	}
	s.last, s.counts = months[len(months)-1], column.Unit == "count"
	// Resampling is done unasked where it is quick, and where it is too large only when somebody asks.
	if len(s.last.Names) <= maxUnasked {
		var refused *market.Error
		if err := s.Against(nil); err != nil && !(errors.As(err, &refused) && refused.Code == "market-too-large") {
			return Study{}, err
		}
	}
	return s, nil
}

// share is a name's part of the month; it may stand in several rows.
func (m Month) share(name string) float64 {
	of, all := 0.0, 0.0
	for i, v := range m.Values {
		if all += v; m.Names[i] == name {
			of += v
		}
	}
	return of / all
}

// HasResidual says whether a holder has the name of the rest in any month.
func (s *Study) HasResidual() bool {
	return slices.ContainsFunc(s.Periods, func(p Period) bool { return p.Residual > 0 })
}

// Print writes the study for a terminal; last limits it to so many periods.
func (s Study) Print(w io.Writer, l words.Language, last int) {
	fmt.Fprintln(w, l.Text("concentration.head", "file", s.Source.File, "value", s.Value, "label", s.Label, "residual",
		s.Residual, "sha", fmt.Sprintf("%.12s", s.Source.SHA256), "origin", l.Phrase("market-word", s.Source.Origin)))
	line := func(name string, f func(Measures) float64) {
		values := make([]float64, len(s.Periods))
		for i, p := range s.Periods {
			values[i] = f(p.With)
		}
		if len(values) > 1 {
			fmt.Fprintf(w, "  %-9s %s\n", name, market.Sparkline(values, 60))
		}
	}
	line("HHI", func(m Measures) float64 { return m.HHI })
	line("Gini", func(m Measures) float64 { return m.Gini })
	line("Nakamoto", func(m Measures) float64 { return float64(m.Nakamoto50) })
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, l.Text("concentration.columns"))
	periods := s.Periods
	if last > 0 && last < len(periods) {
		// Only the table is cut: the lines above show how it came to be so.
		periods = periods[len(periods)-last:]
	}
	for _, p := range periods {
		for i, m := range []Measures{p.With, p.Without} {
			name, residual := p.Month, fmt.Sprintf("%.1f %%", 100*p.Residual)
			if i == 1 {
				if p.Residual == 0 {
					break
				}
				name, residual = l.Text("concentration.without"), ""
			}
			fmt.Fprintf(tab, "  %s\t%s\t%d\t%.1f\t%.2f\t%.4f\t%.4f\t%d\t%d\t%.3f\t%.3f\t%.3f\t\n", name, residual, m.N,
				m.HHI, m.Effective, m.Gini, m.Theil, m.Nakamoto50, m.Nakamoto33, m.CR1, m.CR4, m.CR10)
		}
	}
	tab.Flush()
	if s.Uncertainty != nil {
		s.Uncertainty.Print(w, l)
	}
}

// Print writes the bounds for a terminal, in a language.
func (b Bounds) Print(w io.Writer, l words.Language) {
	digits := func(n int, v float64) string { return fmt.Sprintf("%.*f", n, v) }
	fmt.Fprintln(w, l.Text("concentration.bounds-gini", "low", digits(4, b.Gini.Low), "high", digits(4, b.Gini.High)))
	if b.N == 0 {
		fmt.Fprintln(w, l.Text("concentration.bounds-none"))
		return
	}
	fmt.Fprintln(w, l.Text("concentration.bounds-hhi", "low", digits(1, b.HHI.Low), "high", digits(1, b.HHI.High)))
	fmt.Fprintln(w, l.Text("concentration.bounds-nakamoto", "low", digits(0, b.Nakamoto.Low), "high",
		digits(0, b.Nakamoto.High), "n", b.N))
}

// ParsePoints reads "population:held" pairs, such as 0.9:0.1,0.999:0.5.
func ParsePoints(texts []string) ([]Point, error) {
	var points []Point
	for _, text := range texts {
		var p Point
		if _, err := fmt.Sscanf(strings.TrimSpace(text), "%g:%g", &p.Population, &p.Held); err != nil ||
			!(p.Population > 0 && p.Population < 1 && p.Held >= 0 && p.Held < 1) {
			return nil, market.Refuse("lorenz", "points", "%q: want population:held, both between 0 and 1", text)
		}
		points = append(points, p)
	}
	return points, nil
}
