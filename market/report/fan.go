package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"github.com/aqsha/aqsha/internal/chart"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/study"
)

//go:embed fan.html
var fanPage string

var fanTemplate = template.Must(template.New("fan").Parse(fanPage))

// fanHistory is how many prices stand before a forecast.
const fanHistory = 120

// Fan writes a forecast's fan chart as a page that opens offline: the last
// prices, then bands of simulated ones. The study must have been made with a
// forecast from the same input.
func Fan(out io.Writer, in study.Input, g study.Garch, lang Language) error {
	if g.Forecast == nil || len(g.Forecast.Horizons) == 0 {
		return market.Refuse("choice", "fan", "a fan chart shows a forecast: give --forecast DAYS")
	}
	prices, err := in.Table.Series(g.Origin.Column)
	if err != nil {
		return err
	}
	prices = prices.Window(in.From, in.To)
	w, axis := writer{lang: lang}, chart.Compact(lang != English)
	history := min(fanHistory, prices.Len())
	all := history + len(g.Forecast.Horizons)
	known, median, days := gaps(all), gaps(all), make([]string, all)
	for i := range history {
		at := prices.Len() - history + i
		known[i], days[i] = prices.Values[at], prices.Times[at].Format("2006-01-02")
	}
	last := prices.Values[prices.Len()-1]
	median[history-1] = last
	pairs := [][2]int{{0, 6}, {1, 5}, {2, 4}} // of FanLevels, the widest first
	bands := make([]chart.Band, len(pairs))
	for i, pair := range pairs {
		bands[i] = chart.Band{Low: gaps(all), High: gaps(all),
			Name: fmt.Sprintf("%.0f %%", 100*(garch.FanLevels[pair[1]]-garch.FanLevels[pair[0]]))}
		bands[i].Low[history-1], bands[i].High[history-1] = last, last
	}
	var rows [][]string
	for d, h := range g.Forecast.Horizons {
		at := history + d
		days[at] = fmt.Sprintf("+%d", h.Day)
		row := []string{fmt.Sprint(h.Day)}
		quantile := func(i int) float64 { return last * math.Exp(h.Fan[i]/100) }
		for i := range h.Fan {
			v := quantile(i)
			row = append(row, w.number(&v, digits(v)))
		}
		rows, median[at] = append(rows, row), quantile(3)
		for i, pair := range pairs {
			bands[i].Low[at], bands[i].High[at] = quantile(pair[0]), quantile(pair[1])
		}
	}
	heads := []string{w.word("fan.day")}
	for _, level := range garch.FanLevels {
		heads = append(heads, fmt.Sprintf("%.0f %%", 100*level))
	}
	c := chart.Chart{Title: w.word("fan.chart"), Days: days, Bands: bands, Format: axis,
		Lines: []chart.Line{{Name: w.word("fan.price"), Values: known}, {Name: w.word("fan.median"), Values: median}}}
	view := struct {
		Lang, Title, Model, From, To, Synthetic, About, Caption, Price, Median, Table, Paths, File, SHA256 string

		Doubt string
		SVG   template.HTML
		Heads []string
		Rows  [][]string
	}{Lang: string(lang), Title: w.word("fan.title") + ": " + g.Origin.Source.File,
		Model: strings.ToUpper(string(g.Fit.Spec.Model)) + "(1,1)", From: g.Origin.From, To: g.Origin.To,
		About: w.word("fan.about"), Caption: c.Title, Price: w.word("fan.price"), Median: w.word("fan.median"),
		Table: w.word("fan.table"), Paths: fmt.Sprintf("%d %s, %s %d", g.Forecast.Paths, w.word("fan.paths"),
			w.word("fan.seed"), g.Forecast.Seed), File: g.Origin.Source.File, SHA256: g.Origin.Source.SHA256,
		SVG: template.HTML(c.SVG()), Heads: heads, Rows: rows}
	if !g.Fit.Convergence.Converged {
		view.Doubt = w.word("fit without an optimum")
	}
	if strings.HasPrefix(g.Origin.Source.Origin, "synthetic") {
		view.Synthetic = w.word("synthetic")
	}
	return fanTemplate.Execute(out, view)
}

// gaps is a curve that is nowhere known yet.
func gaps(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

// digits that leave about five figures.
func digits(v float64) int {
	if v <= 0 {
		return 0
	}
	return int(min(max(0, 4-math.Floor(math.Log10(v))), 8))
}
