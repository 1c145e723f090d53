package study

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/volatility"
	"github.com/aqsha/aqsha/words"
)

// Estimate is one volatility, in percent a year.
type Estimate struct {
	Name    string  `json:"name"`
	Percent float64 `json:"percent_a_year"`
	N       int     `json:"n"`
}

// Diagnostics are the tests of a series of returns or residuals; nil where a
// test does not apply.
type Diagnostics struct {
	ArchLM5    *stats.Test `json:"arch_lm5,omitempty"`
	ArchLM10   *stats.Test `json:"arch_lm10,omitempty"`
	LjungBox10 *stats.Test `json:"ljung_box10,omitempty"`
	LjungBox20 *stats.Test `json:"ljung_box20,omitempty"`
	Squares10  *stats.Test `json:"ljung_box_squares10,omitempty"`
	Squares20  *stats.Test `json:"ljung_box_squares20,omitempty"`
	JarqueBera *stats.Test `json:"jarque_bera,omitempty"`
	SignBias   *stats.Test `json:"sign_bias,omitempty"`
	ADF        *stats.Test `json:"adf,omitempty"`
	KPSS       *stats.Test `json:"kpss,omitempty"`
}

// Volatility is the answer to "how much does it move?".
type Volatility struct {
	Origin      Origin             `json:"origin"`
	Moments     stats.Moments      `json:"moments"`
	Estimates   []Estimate         `json:"estimates"`
	Ranges      *volatility.Ranges `json:"ranges,omitempty"`
	HAR         []volatility.HAR   `json:"har,omitempty"`
	Diagnostics Diagnostics        `json:"diagnostics"`
	Notes       []words.Said       `json:"notes,omitempty"`

	rolling []float64
}

// Diagnose runs the tests; it needs about 60 values for the longer ones.
func Diagnose(x []float64) Diagnostics {
	var d Diagnostics
	mean := stats.Mean(x)
	e, squares := make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		e[i] = v - mean
		squares[i] = e[i] * e[i]
	}
	keep := func(to **stats.Test, t stats.Test, err error) {
		// A test that cannot be made is absent, and not 0: a constant series has none of them.
		if err == nil && !math.IsNaN(t.Stat) {
			*to = &t
		}
	}
	run := func(to **stats.Test, f func() (stats.Test, error)) {
		t, err := f()
		keep(to, t, err)
	}
	run(&d.ArchLM5, func() (stats.Test, error) { return stats.ARCHLM(e, 5) })
	run(&d.ArchLM10, func() (stats.Test, error) { return stats.ARCHLM(e, 10) })
	if len(x) > 25 {
		keep(&d.LjungBox10, stats.LjungBox(x, 10), nil)
		keep(&d.LjungBox20, stats.LjungBox(x, 20), nil)
		keep(&d.Squares10, stats.LjungBox(squares, 10), nil)
		keep(&d.Squares20, stats.LjungBox(squares, 20), nil)
		keep(&d.KPSS, stats.KPSS(x), nil)
	}
	run(&d.JarqueBera, func() (stats.Test, error) { return stats.JarqueBera(x) })
	run(&d.SignBias, func() (stats.Test, error) { return stats.SignBias(x) })
	run(&d.ADF, func() (stats.Test, error) { return stats.ADF(x) })
	return d
}

// StudyVolatility computes every estimator that the table's columns allow.
func StudyVolatility(in Input) (Volatility, error) {
	p, err := in.prepare()
	if err != nil {
		return Volatility{}, err
	}
	r := p.returns.Values
	v := Volatility{Origin: p.origin, Diagnostics: Diagnose(r)}
	if v.Moments, err = stats.Describe(r); err != nil {
		return Volatility{}, err
	}
	v.Estimates = append(v.Estimates, Estimate{"realised, whole window", volatility.Realised(r, p.annual), len(r)})
	for _, n := range []int{30, 90, 365} {
		if len(r) > n {
			v.Estimates = append(v.Estimates, Estimate{fmt.Sprintf("realised, last %d observations", n),
				volatility.Realised(r[len(r)-n:], p.annual), n})
		}
	}
	// The first days' mean square starts the average, and weighs next to nothing at its end.
	if seed := min(365, len(r)/2); seed > 1 {
		h, err := volatility.EWMA(r, volatility.EWMALambda, seed)
		if err != nil {
			return Volatility{}, err
		}
		v.Estimates = append(v.Estimates, Estimate{"EWMA λ = 0.94, next", math.Sqrt(float64(p.annual) * h[len(r)]),
			len(r)})
	}
	v.rolling = volatility.Rolling(r, 30, p.annual)
	v.addRanges(in, p)
	v.addHAR(p)
	return v, nil
}

func (v *Volatility) addRanges(in Input, p prepared) {
	names := []string{"open", "high", "low", "close"}
	adjusted := p.origin.Column == "adjusted_close"
	if !in.before(6) && !adjusted && p.origin.Column != "close" {
		v.Notes = append(v.Notes, words.Say("study.no-ranges-column", "column", p.origin.Column))
		return
	}
	if adjusted = adjusted && !in.before(6); adjusted {
		names = append(names, p.origin.Column)
	}
	bars := make([][]float64, 4)
	var all []market.Series
	for _, name := range names {
		s, err := in.Table.Series(name)
		if err != nil {
			v.Notes = append(v.Notes, words.Say("study.no-ranges-missing", "column", name))
			return
		}
		all = append(all, s.Window("", in.To))
	}
	times, values := market.Align(all...)
	var factors []float64
	if adjusted {
		// The bars of a day are those of the price that was traded: a split between two days is no move of the price,
		// nor is a dividend.
		factors = make([]float64, len(times))
		for i := range factors {
			factors[i] = values[4][i] / values[3][i]
		}
	}
	first := 0
	for first < len(times) && in.From != "" && times[first].Format("2006-01-02") < in.From {
		first++
	}
	first = max(0, first-1) // one bar before lends its close
	for j := range bars {
		bars[j] = values[j][first:]
	}
	if factors != nil {
		scale(bars, factors[first:])
	}
	ranges, err := volatility.RangeEstimators(bars[0], bars[1], bars[2], bars[3], p.annual)
	if err != nil {
		v.Notes = append(v.Notes, words.Say("study.no-ranges", "why", err))
		return
	}
	v.Ranges = &ranges
	for _, e := range []Estimate{{"Parkinson", ranges.Parkinson, 0}, {"Garman–Klass", ranges.GarmanKlass, 0},
		{"Rogers–Satchell", ranges.RogersSatchell, 0}, {"Yang–Zhang", ranges.YangZhang, 0}} {
		v.Estimates = append(v.Estimates, Estimate{e.Name, 100 * e.Percent, ranges.N})
	}
}

// scale takes each bar times its day's factor.
func scale(bars [][]float64, factors []float64) {
	for j := range bars {
		scaled := make([]float64, len(factors))
		for i := range scaled {
			scaled[i] = bars[j][i] * factors[i]
		}
		bars[j] = scaled
	}
}

func (v *Volatility) addHAR(p prepared) {
	if p.annual != volatility.EveryHour {
		v.Notes = append(v.Notes, words.Say("study.no-har-hourly"))
		return
	}
	rv, err := volatility.RealisedVariance(p.prices)
	if err != nil {
		v.Notes = append(v.Notes, words.Say("study.no-har", "why", err))
		return
	}
	for _, lengths := range [][2]int{{5, 22}, {7, 30}} {
		h, err := volatility.FitHAR(rv.Values, lengths[0], lengths[1])
		if err != nil {
			v.Notes = append(v.Notes, words.Say("study.no-har", "why", err))
			return
		}
		v.HAR = append(v.HAR, h)
		v.Estimates = append(v.Estimates,
			Estimate{fmt.Sprintf("HAR-RV 1-%d-%d, next day (on 365)", lengths[0], lengths[1]),
				math.Sqrt(365 * max(0, h.Next)), h.N})
	}
}

// Print writes the study for a terminal.
func (v Volatility) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, v.Origin.Describe(l))
	m := v.Moments
	digits := func(n int, v float64) string { return fmt.Sprintf("%.*f", n, v) }
	fmt.Fprintln(w, l.Text("study.vol-moments", "mean", digits(4, m.Mean), "sd", digits(4, m.SD), "skewness",
		digits(3, m.Skewness), "excess", digits(3, m.Excess), "min", digits(2, m.Min), "max", digits(2, m.Max)))
	fmt.Fprintln(w, l.Text("study.vol-rolling", "line", market.Sparkline(v.rolling, 60)))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, e := range v.Estimates {
		fmt.Fprintln(tab, l.Text("study.vol-row", "name", e.NameIn(l), "percent", fmt.Sprintf("%8.2f", e.Percent),
			"n", e.N))
	}
	tab.Flush()
	for _, h := range v.HAR {
		four := func(v []float64) string {
			return fmt.Sprintf("%.4f %.4f %.4f %.4f", v[0], v[1], v[2], v[3])
		}
		fmt.Fprintln(w, " ", l.Text("study.vol-har", "week", h.Week, "month", h.Month, "coefficients", four(h.Coef[:]),
			"errors", four(h.SE[:]), "fit", digits(4, h.R2)))
	}
	v.Diagnostics.print(w, l, l.Text("study.returns"))
	for _, note := range v.Notes {
		fmt.Fprintln(w, "  "+note.In(l))
	}
}

// NameIn is the estimate's name in a language.
func (e Estimate) NameIn(l words.Language) string {
	var n int
	if found, err := fmt.Sscanf(e.Name, "realised, last %d observations", &n); found == 1 && err == nil {
		return l.Text("study.vol-last", "n", n)
	}
	if lags, is := strings.CutSuffix(strings.TrimPrefix(e.Name, "HAR-RV "), ", next day (on 365)"); is {
		return l.Text("study.vol-har-next", "lags", lags)
	}
	return l.Phrase("market-word", e.Name)
}

func (d Diagnostics) print(w io.Writer, l words.Language, what string) {
	fmt.Fprint(w, l.Text("study.tests", "what", what))
	for _, t := range []struct {
		name string
		test *stats.Test
	}{{"ARCH-LM(5)", d.ArchLM5}, {"ARCH-LM(10)", d.ArchLM10}, {"Ljung–Box(10)", d.LjungBox10}, {"(20)", d.LjungBox20},
		{l.Text("study.test-squares"), d.Squares10}, {"(20)", d.Squares20},
		{"Jarque–Bera", d.JarqueBera}, {l.Text("study.test-sign"), d.SignBias}, {"ADF", d.ADF}, {"KPSS", d.KPSS}} {
		if t.test != nil {
			fmt.Fprintf(w, "  %s %.3f (%.3g)", t.name, t.test.Stat, t.test.P)
		}
	}
	fmt.Fprintln(w)
}
