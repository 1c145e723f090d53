package market

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// Summary is what an import tells: provenance, columns, findings.
type Summary struct {
	Provenance
	First    string          `json:"first,omitempty"`
	Last     string          `json:"last,omitempty"`
	Columns  []ColumnSummary `json:"columns"`
	Findings []Finding       `json:"findings"`
}

// ColumnSummary describes a column; First and Last date its available values.
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
	s := Summary{Provenance: t.Provenance, Findings: append([]Finding{}, found...)}
	if n := len(t.Times); n > 0 {
		s.First, s.Last = stamp(t, 0), stamp(t, n-1)
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

// Print writes the summary for a terminal.
func (s Summary) Print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s, %d rows, %d bytes\n  sha-256  %s\n  origin   %s\n  times    %s … %s (%s)\n", s.File, s.Form, s.Rows, s.Bytes, s.SHA256, s.Origin, s.First, s.Last, s.TimeZone)
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	for _, c := range s.Columns {
		reach := "not available"
		if c.Available > 0 {
			reach = fmt.Sprintf("%d\t%s\t%.6g … %.6g", c.Available, c.line, *c.Min, *c.Max)
		}
		fmt.Fprintf(tab, "  %s\t%s\t%s\n", c.Name, c.Unit, reach)
	}
	tab.Flush()
	for _, r := range s.Repairs {
		fmt.Fprintf(w, "repaired %s, lines %d–%d (%d rows): %s\n", r.Code, r.FirstLine, r.LastLine, r.Rows, r.What)
	}
	if len(s.Findings) == 0 {
		fmt.Fprintln(w, "no findings")
	}
	for _, f := range s.Findings {
		fmt.Fprintf(w, "%s in %s, line %d", f.Code, f.Column, f.FirstLine)
		if f.LastLine > f.FirstLine {
			fmt.Fprintf(w, "–%d (%d rows)", f.LastLine, f.Rows)
		}
		fmt.Fprintf(w, ": %s", f.Detail)
		if f.Repair != "" {
			fmt.Fprintf(w, "\n    --repair %s: %s", f.Code, f.Repair)
		}
		fmt.Fprintln(w)
	}
}

// Metadata is the provenance as key-value pairs, for a Parquet footer.
func (p Provenance) Metadata() map[string]string {
	m := map[string]string{"file": p.File, "sha256": p.SHA256, "form": p.Form, "origin": p.Origin, "timeZone": p.TimeZone}
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
