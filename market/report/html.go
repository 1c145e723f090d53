package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/aqsha/aqsha/market/risk"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/study"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// view is what the template sees: everything already in words.
type view struct {
	Lang      Language
	T         func(string) string
	Report    *Report
	Synthetic bool
	Key       []row // the figures of performance, again at the top
	Figures   []row
	Charts    []chartView
	Drawdowns [][]string
	Years     []yearView
	Fits      [][]string
	Doubts    []string // of fits that did not converge
	Tests     [][]string
	Risks     []riskView
	Methods   []string
	Sources   [][2]string
}

type row struct{ Name, Value, Interval, Unit, Formula, Window, Hash string }

// chartView is a chart as the page's template takes it. The SVG is written into the page as it is: the chart package
// escapes the words in it.
type chartView struct {
	Caption string
	Legend  []string
	SVG     template.HTML
}

type yearView struct {
	Year  int
	Cells []cellView
}

// cellView is a month's cell of the heat map: its text, whether it went up or down, and how strong its shade is.
type cellView struct {
	Text  string
	Class string
	Style template.CSS
}

// riskView holds the two tables of one tail probability: the measures now, and the league of methods over the days
// between which they were tested.
type riskView struct {
	P       string
	Rows    [][]string
	League  [][]string
	Between string
}

// HTML writes a document that needs nothing from the network.
func (r *Report) HTML(out io.Writer, lang Language) error {
	w := r.writer(lang)
	v := view{Lang: lang, T: w.word, Report: r, Synthetic: strings.HasPrefix(r.Origin.Source.Origin, "synthetic"),
		Figures: r.rows(w), Drawdowns: r.drawdownRows(w), Years: r.years(w),
		Fits: r.fitRows(w), Doubts: r.doubts(w), Tests: r.testRows(w), Methods: r.methods(w)}
	for _, c := range r.charts(lang) {
		cv := chartView{Caption: w.word(c.caption), SVG: template.HTML(c.chart.SVG())}
		for _, key := range c.legend {
			cv.Legend = append(cv.Legend, w.word(key))
		}
		v.Charts = append(v.Charts, cv)
	}
	for _, x := range r.Risks {
		v.Risks = append(v.Risks, riskTables(w, x.P, x.Measures, x.League, x.From, x.To))
	}
	v.Sources, v.Key = r.sources(w), v.Figures[:len(r.Performance.Figures)]
	return pageTemplate.Execute(out, v)
}

// rows are the table of figures: value, interval, unit and formula in the page's language, and the first digits of the
// SHA-256 of the file that each is from.
func (r *Report) rows(w writer) []row {
	var rows []row
	for _, f := range r.Figures {
		interval := ""
		if f.Low != nil && f.High != nil {
			interval = w.scaled(f, f.Low) + " … " + w.scaled(f, f.High)
		}
		rows = append(rows, row{w.key(f.Key), w.scaled(f, f.Value), interval, w.word(f.Unit), w.phrase(f.Formula),
			f.Window, short(f.SHA256)})
	}
	return rows
}

// short abbreviates each hash of a "+"-joined list.
func short(hashes string) string {
	parts := strings.Split(hashes, "+")
	for i, p := range parts {
		parts[i] = p[:min(12, len(p))]
	}
	return strings.Join(parts, " + ")
}

// drawdownRows are the deepest falls, with their depth in percent. One that has not recovered by the window's last day
// is said to be open, and its length is that so far.
func (r *Report) drawdownRows(w writer) [][]string {
	var rows [][]string
	for _, d := range r.Performance.Drawdowns {
		recovered := d.Recovered
		if recovered == "" {
			recovered = w.word("not yet")
		}
		depth := 100 * d.Depth
		rows = append(rows, []string{d.Peak, d.Trough, recovered, w.number(&depth, 2) + " %", fmt.Sprint(d.DaysDown),
			fmt.Sprint(d.DaysAll)})
	}
	return rows
}

// years are the returns of calendar months in percent, a row a year. A month that the window does not touch stays
// empty. The shade is between 15 and 75 percent of the colour, by heat's strength, so that small returns are seen too.
func (r *Report) years(w writer) []yearView {
	heat := r.heat()
	var years []yearView
	for _, c := range r.Performance.Months {
		if len(years) == 0 || years[len(years)-1].Year != c.Year {
			years = append(years, yearView{c.Year, make([]cellView, 12)})
		}
		percent, strength := 100*c.Return, heat(c.Return)
		class := "up"
		if strength < 0 {
			class, strength = "down", -strength
		}
		years[len(years)-1].Cells[c.Month-1] = cellView{w.number(&percent, 1), class,
			template.CSS(fmt.Sprintf("--heat:%.0f%%", 15+60*strength))}
	}
	return years
}

// fitRows are the parameters of each GARCH fit with both standard errors, from the Hessian and the robust ones. The
// model's name stands in its first row only. Under them is the persistence, which is withheld where the fit did not
// converge, with the bounds that bind: at a bound the standard errors do not mean what they say.
func (r *Report) fitRows(w writer) [][]string {
	var rows [][]string
	for _, g := range r.Fits {
		name := strings.ToUpper(string(g.Fit.Spec.Model)) + ", " + string(g.Fit.Spec.Law)
		for _, p := range g.Fit.Parameters {
			value := p.Value
			rows = append(rows, []string{name, p.Name, w.number(&value, 6), w.number(p.SEHessian, 6),
				w.number(p.SERobust, 6)})
			name = ""
		}
		persistence, note := g.Fit.Persistence, ""
		if len(g.Fit.Convergence.Boundary) > 0 {
			var binding []string
			for _, name := range g.Fit.Convergence.Boundary {
				binding = append(binding, w.phrase(name))
			}
			note = w.word("binds") + ": " + strings.Join(binding, ", ")
		}
		held := &persistence
		if !r.holds(g) {
			held, note = nil, strings.TrimPrefix(note+"; "+w.word("not converged"), "; ")
		}
		likelihood := g.Fit.LogLik
		rows = append(rows, []string{"", w.word("persistence"), w.number(held, 6),
			"ln L " + w.number(&likelihood, 4), note})
	}
	return rows
}

// doubts name the fits that did not converge, of which nothing that follows is shown.
func (r *Report) doubts(w writer) []string {
	var out []string
	for _, g := range r.Fits {
		if !r.holds(g) {
			out = append(out, strings.ToUpper(string(g.Fit.Spec.Model))+", "+string(g.Fit.Spec.Law)+": "+
				w.word("fit without an optimum"))
		}
	}
	return out
}

// testRows shows each test before and after the fit, side by side: what a model has not taken out of the returns is
// what the reader is to see.
func (r *Report) testRows(w writer) [][]string {
	if len(r.Fits) == 0 {
		return nil
	}
	// The second model where there are several: it is the one with heavy tails, whose residuals are the fair test.
	fit := r.Fits[min(1, len(r.Fits)-1)]
	if !r.holds(fit) { // another's, or of the returns alone
		fit.Standardised = study.Diagnostics{}
		for _, g := range r.Fits {
			if r.holds(g) {
				fit = g
				break
			}
		}
	}
	var rows [][]string
	for _, t := range []struct {
		name      string
		raw, left *stats.Test
	}{
		{"ARCH-LM(5)", fit.Raw.ArchLM5, fit.Standardised.ArchLM5},
		{"ARCH-LM(10)", fit.Raw.ArchLM10, fit.Standardised.ArchLM10},
		{"Ljung–Box(10)", fit.Raw.LjungBox10, fit.Standardised.LjungBox10},
		{"Ljung–Box(20)", fit.Raw.LjungBox20, fit.Standardised.LjungBox20},
		{"Ljung–Box²(10)", fit.Raw.Squares10, fit.Standardised.Squares10},
		{"Ljung–Box²(20)", fit.Raw.Squares20, fit.Standardised.Squares20},
		{"Jarque–Bera", fit.Raw.JarqueBera, fit.Standardised.JarqueBera},
		{"sign bias", fit.Raw.SignBias, fit.Standardised.SignBias}, {"ADF", fit.Raw.ADF, fit.Standardised.ADF},
		{"KPSS", fit.Raw.KPSS, fit.Standardised.KPSS},
	} {
		cell := func(t *stats.Test) string {
			if t == nil {
				return w.word("not available")
			}
			return fmt.Sprintf("%s (p = %s)", w.number(&t.Stat, 3), w.number(&t.P, 4))
		}
		rows = append(rows, []string{w.word(t.name), cell(t.raw), cell(t.left)})
	}
	return rows
}

// riskTables are the words of value at risk (VaR) and expected shortfall (ES) at the tail probability p, and of the
// league of methods tested on the days from … to. Beside the exceedances that were counted stand those expected, N·p.
func riskTables(w writer, p float64, measures []risk.Measure, league []risk.Standing, from, to string) riskView {
	v := riskView{P: w.number(&p, 2)}
	for _, m := range measures {
		note := ""
		if m.Refused != "" {
			note = w.word("refused") + ": " + w.phrase(m.Refused)
		}
		v.Rows = append(v.Rows, []string{w.word(m.Method), w.number(m.VaR, 3), w.number(m.ES, 3), note})
	}
	if league == nil {
		return v
	}
	v.Between = from + " … " + to
	for _, s := range league {
		// A method that could not be tested stands in the table with why, and is not left out of the league.
		if s.Refused != "" {
			v.League = append(v.League, []string{"–", w.word(s.Method), "–", "–", "–", "–",
				w.word("refused") + ": " + w.phrase(s.Refused)})
			continue
		}
		verdict := w.word("rejected")
		if s.Passes {
			verdict = w.word("passes")
		}
		expected := float64(s.Coverage.N) * s.P
		v.League = append(v.League, []string{fmt.Sprint(s.Rank), w.word(s.Method),
			fmt.Sprintf("%d (%s)", s.Coverage.Exceed, w.number(&expected, 1)), w.number(&s.Coverage.P, 4),
			w.number(&s.Coverage.PCC, 4), w.number(s.AcerbiZ, 3), verdict})
	}
	return v
}

// sources is where the figures come from: file, SHA-256, origin and time zone of the prices and of the benchmark, the
// repairs made on reading with the lines they touched, and the version that wrote the report. With them the report can
// be made again.
func (r *Report) sources(w writer) [][2]string {
	list := [][2]string{}
	add := func(file, hash, origin, zone string) {
		list = append(list, [2]string{w.word("file"), file}, [2]string{"SHA-256", hash},
			[2]string{w.word("origin"), origin + " (" + zone + ")"})
	}
	s := r.Origin.Source
	add(s.File, s.SHA256, s.Origin, s.TimeZone)
	repairs := w.word("none")
	for i, a := range s.Repairs {
		if i == 0 {
			repairs = ""
		}
		repairs += fmt.Sprintf("%s %d–%d: %s. ", a.Code, a.FirstLine, a.LastLine, a.What)
	}
	list = append(list, [2]string{w.word("repairs"), repairs})
	if b := r.Performance.Benchmark; b != nil {
		list = append(list, [2]string{w.word("benchmark"), ""})
		add(b.File, b.SHA256, b.Origin, b.TimeZone)
	}
	return append(list, [2]string{w.word("version"), r.Options.Version + ", " + Format})
}
