package market

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// repair changes the rows of one finding. It may not move rows; those to be
// dropped or inserted are only marked.
type repair func(t *Table, rows []int, marks *marks)

// marks are the rows to be dropped, and those before which something is missing, until all repairs have been made.
type marks struct {
	drop   map[int]bool
	insert map[int]bool // fill the gap before this row
}

// dropRows marks the rows.
func dropRows(_ *Table, rows []int, m *marks) {
	for _, r := range rows {
		m.drop[r] = true
	}
}

// insertMissing marks the gaps before the rows.
func insertMissing(_ *Table, rows []int, m *marks) {
	for _, r := range rows {
		m.insert[r] = true
	}
}

// blank makes a column's cells not available.
func blank(name string) repair { return scale(name, math.NaN()) }

// scale multiplies a column's cells.
func scale(name string, factor float64) repair {
	return func(t *Table, rows []int, _ *marks) {
		for _, r := range rows {
			t.numbers(name)[r] *= factor
		}
	}
}

// swap exchanges the cells of two columns.
func swap(a, b string) repair {
	return func(t *Table, rows []int, _ *marks) {
		x, y := t.numbers(a), t.numbers(b)
		for _, r := range rows {
			x[r], y[r] = y[r], x[r]
		}
	}
}

// widenRange makes high and low hold open and close.
func widenRange(t *Table, rows []int, _ *marks) {
	o, h, l, c := t.numbers("open"), t.numbers("high"), t.numbers("low"), t.numbers("close")
	for _, r := range rows {
		h[r], l[r] = max(h[r], o[r], c[r]), min(l[r], o[r], c[r])
	}
}

// capFromSupply computes the capitalisation anew.
func capFromSupply(t *Table, rows []int, _ *marks) {
	for _, r := range rows {
		t.numbers("cap_usd")[r] = t.numbers("price_usd")[r] * t.numbers("supply")[r]
	}
}

// nameByTicker writes the ticker's name over the row's.
func nameByTicker(t *Table, rows []int, _ *marks) {
	names, _ := t.Text("name")
	tickers, _ := t.Text("ticker")
	for _, r := range rows {
		names[r] = Tickers[tickers[r]]
	}
}

// CheckCodes refuses a code that no check has: a repair that was spelled wrong
// would not be made, and nobody would know.
func CheckCodes(codes ...string) error {
	for _, code := range codes {
		if _, ok := severities[code]; !ok && code != "all" {
			return Refuse("repair", "repair", "%q is no finding; known: %s", code,
				strings.Join(slices.Sorted(maps.Keys(severities)), ", "))
		}
	}
	return nil
}

// Repair applies the repairs of findings with one of the given codes ("all" for every one) to the table they were found
// in, and records each in the table's provenance. It returns how many findings were repaired. Rows are dropped and
// inserted last, since findings name rows by their place. The table must not have changed since Check.
func Repair(t *Table, findings []Finding, codes ...string) int {
	m := &marks{map[int]bool{}, map[int]bool{}}
	done := 0
	for _, f := range findings {
		if f.fix == nil || !(slices.Contains(codes, "all") || slices.Contains(codes, f.Code)) {
			continue
		}
		f.fix(t, f.rows, m)
		t.Provenance.Repairs = append(t.Provenance.Repairs, Applied{f.Code, f.FirstLine, f.LastLine, f.Rows, f.Repair})
		done++
	}
	t.insertBefore(m.insert, t.step(), m.drop)
	return done
}

// insertBefore drops and inserts the marked rows. Inserted rows hold only a
// time; their line is 0, since the file has none.
func (t *Table) insertBefore(insert map[int]bool, step time.Duration, drop map[int]bool) {
	if len(insert) == 0 {
		t.keep(func(row int) bool { return !drop[row] })
		return
	}
	grown := &Table{Provenance: t.Provenance, Reading: t.Reading, Decisions: t.Decisions, Cells: t.Cells,
		passed: t.passed}
	for _, c := range t.Columns {
		grown.Columns = append(grown.Columns, Column{c.Name, c.Unit, c.Header, nil})
	}
	for _, c := range t.Texts {
		grown.Texts = append(grown.Texts, Text{c.Name, c.Header, nil})
	}
	// A file that has no Saturday and no Sunday is an exchange's: weekends are no gaps in it.
	weekends := !slices.ContainsFunc(t.Times, func(at time.Time) bool {
		return at.Weekday() == time.Saturday ||
			at.Weekday() == time.Sunday
	})
	add := func(at time.Time, line, row int) {
		grown.Times, grown.Lines = append(grown.Times, at), append(grown.Lines, line)
		for i := range grown.Columns {
			v := math.NaN()
			if row >= 0 {
				v = t.Columns[i].Values[row]
			}
			grown.Columns[i].Values = append(grown.Columns[i].Values, v)
		}
		for i := range grown.Texts {
			text := ""
			if row >= 0 {
				text = t.Texts[i].Values[row]
			}
			grown.Texts[i].Values = append(grown.Texts[i].Values, text)
		}
	}
	for row, at := range t.Times {
		if drop[row] {
			continue
		}
		if insert[row] {
			for missing := t.Times[row-1].Add(step); missing.Before(at) &&
				grown.Rows() < maxRows; missing = missing.Add(step) {
				if w := missing.Weekday(); !weekends || step < 24*time.Hour ||
					(w != time.Saturday && w != time.Sunday) {
					add(missing, 0, -1)
				}
			}
		}
		add(at, t.Lines[row], row)
	}
	*t = *grown
}

// ParseDeclared reads "name=header:unit" as the command line gives it.
func ParseDeclared(text string) (Declared, error) {
	name, rest, ok := strings.Cut(text, "=")
	header, unit, _ := strings.Cut(rest, ":")
	if !ok || name == "" || header == "" {
		return Declared{}, Refuse("declaration", "column", "%q: want name=header:unit", text)
	}
	return Declared{name, header, cmp.Or(unit, "undeclared")}, nil
}

// Number prints a figure, or "not available" for a missing one.
func Number(v float64, decimals int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "not available"
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// sortedKeys are a map's keys, in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
