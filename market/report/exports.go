package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/internal/safecsv"
	"github.com/aqsha/aqsha/market"
)

// MonthNumbers heads the heat map.
func (view) MonthNumbers() []int { return []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12} }

// JSON writes the whole report; it is what a seal covers.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// CSV writes every figure with its provenance.
func (r *Report) CSV(w io.Writer) error {
	out := safecsv.NewWriter(w)
	_ = out.Write([]string{"figure", "value", "low", "high", "unit", "formula", "window", "sha256", "version"})
	cell := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	for _, f := range r.Figures {
		_ = out.Write([]string{f.Key, cell(f.Value), cell(f.Low), cell(f.High), f.Unit, f.Formula, f.Window, f.SHA256,
			r.Options.Version})
	}
	out.Flush()
	return out.Error()
}

// Parquet writes the figures as a table, a row each, with null for a bound that a figure does not have. Provenance,
// the program's version and the report's format are in the footer too, so that a copied file still says what it is of.
func (r *Report) Parquet(w io.Writer) error {
	t := &market.Table{Columns: []market.Column{{Name: "value"}, {Name: "low"}, {Name: "high"}},
		Texts: []market.Text{{Name: "figure"}, {Name: "unit"}, {Name: "formula"}, {Name: "window"}, {Name: "sha256"}}}
	number := func(v *float64) float64 {
		if v == nil {
			return math.NaN()
		}
		return *v
	}
	for i, f := range r.Figures {
		t.Lines = append(t.Lines, i+1)
		for j, v := range []*float64{f.Value, f.Low, f.High} {
			t.Columns[j].Values = append(t.Columns[j].Values, number(v))
		}
		for j, v := range []string{f.Key, f.Unit, f.Formula, f.Window, f.SHA256} {
			t.Texts[j].Values = append(t.Texts[j].Values, v)
		}
	}
	metadata := r.Origin.Source.Metadata()
	metadata["version"], metadata["format"] = r.Options.Version, Format
	return t.WriteParquet(w, metadata)
}

// Markdown writes the tables of the report in a language.
func (r *Report) Markdown(out io.Writer, lang Language) error {
	w := r.writer(lang)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n%s %s … %s, %d %s; %s %g %s\n", w.word("title"), r.Options.Asset, w.word("period"),
		r.Origin.From, r.Origin.To, r.Origin.N, w.word("returns"), w.word("annualised on"), r.Origin.Annual,
		w.word("observations a year"))
	if strings.HasPrefix(r.Origin.Source.Origin, "synthetic") {
		fmt.Fprintf(&b, "\n> %s\n", w.word("synthetic"))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\n> %s\n", note)
	}
	table := func(title string, header []string, rows [][]string) {
		fmt.Fprintf(&b, "\n## %s\n\n|%s|\n|%s\n", title, strings.Join(header, "|"), strings.Repeat("---|", len(header)))
		for _, cells := range rows {
			for i := range cells {
				cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
			}
			fmt.Fprintf(&b, "|%s|\n", strings.Join(cells, "|"))
		}
	}
	var months [][]string
	for _, y := range r.years(w) {
		cells := []string{fmt.Sprint(y.Year)}
		for _, c := range y.Cells {
			cells = append(cells, c.Text)
		}
		months = append(months, cells)
	}
	table(w.word("months"), strings.Split(w.word("year")+" 1 2 3 4 5 6 7 8 9 10 11 12", " "), months)
	table(w.word("drawdowns"), []string{w.word("peak"), w.word("trough"), w.word("recovered"), w.word("depth"),
		w.word("days") + " ↓", w.word("days") + " ↕"}, r.drawdownRows(w))
	table(w.word("models"), []string{w.word("model"), w.word("parameter"), w.word("value"), w.word("se hessian"),
		w.word("se robust")}, r.fitRows(w))
	for _, doubt := range r.doubts(w) {
		fmt.Fprintf(&b, "\n> %s\n", doubt)
	}
	table(w.word("tests"), []string{"", w.word("of returns"), w.word("of residuals")}, r.testRows(w))
	for _, x := range r.Risks {
		v := riskTables(w, x.P, x.Measures, x.League, x.From, x.To)
		table(w.word("risk")+", p = "+v.P, []string{w.word("method"), "VaR", "ES", ""}, v.Rows)
		if v.League != nil {
			table(w.word("backtest")+" "+v.Between, []string{w.word("rank"), w.word("method"), w.word("exceed"),
				"Kupiec p", "Christoffersen p", "Acerbi–Székely Z", w.word("verdict")}, v.League)
		}
	}
	fmt.Fprintf(&b, "\n## %s\n\n", w.word("notes"))
	// Methods stand in the report itself: whoever has it alone must be able to compute it again.
	for _, note := range r.methods(w) {
		fmt.Fprintf(&b, "* %s\n", note)
	}
	var figures, sources [][]string
	for _, f := range r.rows(w) {
		figures = append(figures, []string{f.Name, f.Value, f.Interval, f.Unit, f.Formula, f.Window, f.Hash})
	}
	for _, s := range r.sources(w) {
		sources = append(sources, []string{s[0], s[1]})
	}
	table(w.word("provenance"), []string{"", ""}, sources)
	table(w.word("figure"), []string{w.word("figure"), w.word("value"), w.word("interval"), w.word("unit"),
		w.word("formula"), w.word("period"), "SHA-256"}, figures)
	_, err := io.WriteString(out, b.String())
	return err
}
