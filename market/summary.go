package market

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aqsha/aqsha/words"
)

// Summary is what an import tells: provenance, columns, findings.
type Summary struct {
	Provenance
	First string `json:"first,omitempty"`
	Last  string `json:"last,omitempty"`
	// Price is the column that studies take, Unit its unit; FirstRow and LastRow
	// hold its first and last available value, and all other numbers of those rows.
	Price     string          `json:"column,omitempty"`
	Unit      string          `json:"unit"`
	FirstRow  *Row            `json:"first_row"`
	LastRow   *Row            `json:"last_row"`
	Frequency Frequency       `json:"frequency"`
	Columns   []ColumnSummary `json:"columns"`
	Findings  []Finding       `json:"findings"`
	Repairs   []Applied       `json:"repairs"` // made
	Decisions []Decision      `json:"decisions,omitempty"`
	Cells     []Cell          `json:"cells,omitempty"`

	explain bool
}

// Row is a row of the table as numbers; what is not available is absent.
type Row struct {
	Time   string             `json:"time,omitempty"`
	Line   int                `json:"line"`
	Value  *float64           `json:"value"`
	Values map[string]float64 `json:"values"`
	Names  map[string]string  `json:"names,omitempty"`
}

// row is one row of the table, with the price's value apart.
func (t *Table) row(i int, price string) *Row {
	r := &Row{Time: stamp(t, i), Line: t.Lines[i], Values: map[string]float64{}}
	for _, c := range t.Columns {
		if v := c.Values[i]; !math.IsNaN(v) {
			if r.Values[c.Name] = v; c.Name == price {
				r.Value = &v
			}
		}
	}
	for _, c := range t.Texts {
		if r.Names == nil {
			r.Names = map[string]string{}
		}
		r.Names[c.Name] = c.Values[i]
	}
	return r
}

// Explain makes the summary carry and print what reading settled.
func (s *Summary) Explain(t *Table) {
	s.explain, s.Decisions, s.Cells = true, t.Decisions, t.Cells
}

// Priced are the columns that hold a price, the preferred first: one that is
// adjusted for splits and dividends before the one that is not.
var Priced = []string{"price_usd", "adjusted_close", "close", "kzt_per_usd", "value", "reference_rate_usd", "price"}

// PriceColumn is the column that studies take, or "".
func (t *Table) PriceColumn() string {
	for _, name := range Priced {
		if t.Has(name) {
			return name
		}
	}
	// The National Bank's rate of a currency, where the file has one: which of several is meant, only its user knows.
	rate := ""
	for _, c := range t.Columns {
		if strings.HasPrefix(c.Name, "kzt_per_") {
			if rate != "" {
				return ""
			}
			rate = c.Name
		}
	}
	return rate
}

// ColumnSummary describes a column; First and Last date its available values, of which there are Available. Header is
// the column's name in the file, Name ours.
type ColumnSummary struct {
	Name      string   `json:"name"`
	Header    string   `json:"header"`
	Unit      string   `json:"unit"`
	Available int      `json:"available"`
	First     string   `json:"first,omitempty"`
	Last      string   `json:"last,omitempty"`
	Min       *float64 `json:"min"` // null: not available
	Max       *float64 `json:"max"`

	line string // sparkline
}

// Summarise describes a table and its findings.
func Summarise(t *Table, found []Finding) Summary {
	s := Summary{Provenance: t.Provenance, Findings: append([]Finding{}, found...), Price: t.PriceColumn(),
		Repairs: append([]Applied{}, t.Provenance.Repairs...)}
	s.Provenance.Repairs = nil // said once, above
	if n := len(t.Times); n > 0 {
		s.First, s.Last, s.Frequency = stamp(t, 0), stamp(t, n-1), t.Frequency()
	} else {
		s.Frequency = Frequency{Name: "none", Why: "the table has no times"}
	}
	for _, name := range []string{"twh_best", "twh_at_0.05", "share_pct", "blocks", "amount"} {
		if s.Price == "" && t.Has(name) {
			s.Price = name
		}
	}
	for _, c := range t.Columns {
		if s.Price == "" && c.Name != "quant" { // how many units a rate is of is no measure
			s.Price = c.Name
		}
	}
	if i := t.index(s.Price); i >= 0 {
		s.Unit = t.Columns[i].Unit
		first, last := -1, -1
		for row, v := range t.Columns[i].Values {
			if !math.IsNaN(v) {
				if last = row; first < 0 {
					first = row
				}
			}
		}
		if first >= 0 {
			s.FirstRow, s.LastRow = t.row(first, s.Price), t.row(last, s.Price)
		}
	}
	for _, c := range t.Columns {
		summary := ColumnSummary{Name: c.Name, Header: c.Header, Unit: c.Unit, line: Sparkline(c.Values, 24)}
		low, high := math.Inf(1), math.Inf(-1)
		for i, v := range c.Values {
			if math.IsNaN(v) {
				continue
			}
			if summary.Available++; summary.First == "" {
				summary.First = stamp(t, i)
			}
			summary.Last = stamp(t, i)
			low, high = min(low, v), max(high, v)
		}
		if summary.Available > 0 {
			summary.Min, summary.Max = &low, &high
		}
		s.Columns = append(s.Columns, summary)
	}
	return s
}

// Print writes the summary for a terminal, in a language. How a file was read and why (its form, its frequency and what
// was decided) is said by the words of the reader of files, in English.
func (s Summary) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, l.Count("study.import-head", s.Rows, "file", s.File, "form", s.Form, "bytes", s.Bytes))
	fmt.Fprintln(w, l.Text("study.import-sha", "sha", s.SHA256))
	fmt.Fprintln(w, l.Text("study.import-origin", "origin", l.Phrase("market-word", s.Origin)))
	fmt.Fprintln(w, l.Text("study.import-times", "first", s.First, "last", s.Last, "zone", s.TimeZone))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, c := range s.Columns {
		reach := l.Text("study.import-none")
		if c.Available > 0 {
			reach = fmt.Sprintf("%d\t%s\t%.6g … %.6g", c.Available, c.line, *c.Min, *c.Max)
		}
		fmt.Fprintf(tab, "  %s\t%s\t%s\n", c.Name, c.Unit, reach)
	}
	tab.Flush()
	if f := s.Frequency; f.PeriodsPerYear > 0 {
		fmt.Fprintln(w, l.Text("study.import-frequency-year", "name", f.Name, "periods", fmt.Sprintf("%g",
			f.PeriodsPerYear), "why", f.Why))
	} else {
		fmt.Fprintln(w, l.Text("study.import-frequency", "name", f.Name, "why", f.Why))
	}
	// Fifteen digits, as they are in memory: whoever compares with the file sees whether one was lost in reading.
	if s.FirstRow != nil {
		fmt.Fprintf(w, "  %s  %s = %.15g … %s = %.15g %s\n", s.Price, s.FirstRow.Time, *s.FirstRow.Value,
			s.LastRow.Time, *s.LastRow.Value, s.Unit)
	}
	if s.explain {
		s.printDecisions(w, l)
	}
	for _, r := range s.Repairs {
		fmt.Fprintln(w, l.Count("study.import-repaired", r.Rows, "code", r.Code, "first", r.FirstLine, "last",
			r.LastLine, "what", mends(r.What).In(l)))
	}
	if len(s.Findings) == 0 {
		fmt.Fprintln(w, l.Text("study.import-no-findings"))
	}
	for _, f := range s.Findings {
		figures := []any{"severity", l.Phrase("market-word", string(f.Severity)), "code", f.Code, "column", f.Column,
			"line", f.FirstLine, "last", f.LastLine, "rows", f.Rows, "text", f.Says().In(l)}
		if f.LastLine > f.FirstLine {
			fmt.Fprintln(w, l.Text("study.import-finding-lines", figures...))
		} else {
			fmt.Fprintln(w, l.Text("study.import-finding", figures...))
		}
		if f.Repair != "" {
			fmt.Fprintf(w, "    --repair %s: %s\n", f.Code, f.Mends().In(l))
		}
	}
}

// printDecisions writes what reading settled, and the cells that were asked for.
func (s Summary) printDecisions(w io.Writer, l words.Language) {
	for _, d := range s.Decisions {
		fmt.Fprintln(w, l.Text("study.import-decided", "what", d.What, "is", d.Is, "why", d.Why))
	}
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, c := range s.Cells {
		fmt.Fprintln(tab, l.Text("study.import-cell", "line", c.Line, "header", c.Header, "raw", fmt.Sprintf("%q",
			c.Raw), "column", c.Column, "value", c.Value))
	}
	tab.Flush()
}

// Metadata is the provenance as key-value pairs, for a Parquet footer.
func (p Provenance) Metadata() map[string]string {
	m := map[string]string{"file": p.File, "sha256": p.SHA256, "form": p.Form, "origin": p.Origin,
		"time_zone": p.TimeZone}
	for i, r := range p.Repairs {
		m[fmt.Sprintf("repair:%03d", i)] = fmt.Sprintf("%s lines %d-%d: %s", r.Code, r.FirstLine, r.LastLine, r.What)
	}
	return m
}

// Sparkline draws values in so many cells of one line; a stretch without
// values stays blank.
func Sparkline(values []float64, cells int) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if math.IsInf(low, 1) {
		return strings.Repeat(" ", cells)
	}
	// No more cells than values: each has one at least.
	cells = min(cells, len(values))
	bars := []rune("▁▂▃▄▅▆▇█")
	var line strings.Builder
	for cell := range cells {
		sum, n := 0.0, 0
		for _, v := range values[cell*len(values)/cells : (cell+1)*len(values)/cells] {
			if !math.IsNaN(v) {
				sum, n = sum+v, n+1
			}
		}
		switch {
		case n == 0:
			line.WriteByte(' ')
		case high == low:
			line.WriteRune(bars[3])
		default:
			line.WriteRune(bars[min(7, int(8*(sum/float64(n)-low)/(high-low)))])
		}
	}
	return line.String()
}

// Midnight reports whether every time is a UTC midnight: daily data.
func (s Series) Midnight() bool {
	for _, at := range s.Times {
		if !at.Equal(at.Truncate(24 * time.Hour)) {
			return false
		}
	}
	return true
}
