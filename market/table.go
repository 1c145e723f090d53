package market

import (
	"math"
	"slices"
	"sort"
	"time"
)

// Column is one measured quantity; NaN means "not available".
type Column struct {
	Name   string
	Unit   string
	Header string // as the file names it
	Values []float64
}

// Text is a column of names: a pool, a country, a ticker.
type Text struct {
	Name   string
	Header string
	Values []string
}

// Table is what a file holds once read: rows in ascending time, each with the
// line of the file it came from. A snapshot (a table of coins on one day) has
// no times.
type Table struct {
	Times      []time.Time // UTC; nil for a snapshot
	Lines      []int       // 1-based line of the file (Parquet: 1-based row)
	Columns    []Column
	Texts      []Text
	Provenance Provenance
	Reading    *ReadOptions // it was read with, nil where all was recognised
	Decisions  []Decision   // what reading settled, and why
	Cells      []Cell       // of the lines that ReadOptions asked to explain

	passed []Finding // what the layout passed over
}

// Provenance says where a table comes from and what was done to it. SHA256 and Bytes are of the file as it was read,
// before any repair; Rows are those of the table after it. It goes with every figure that is computed from the table.
type Provenance struct {
	File     string    `json:"file"`
	SHA256   string    `json:"sha256"`
	Bytes    int       `json:"bytes"`
	Rows     int       `json:"rows"`
	Form     string    `json:"form"`
	Origin   string    `json:"origin"`
	TimeZone string    `json:"time_zone"`
	Repairs  []Applied `json:"repairs,omitempty"`
}

// Applied is a repair that was asked for and made.
type Applied struct {
	Code      string `json:"code"`
	FirstLine int    `json:"first_line"`
	LastLine  int    `json:"last_line"`
	Rows      int    `json:"rows"`
	What      string `json:"what"`
}

// Rows is the number of rows.
func (t *Table) Rows() int { return len(t.Lines) }

// allMissing reports whether the table has columns of numbers and not one number in them.
func (t *Table) allMissing() bool {
	for _, c := range t.Columns {
		if t.Has(c.Name) {
			return false
		}
	}
	return len(t.Columns) > 0
}

// Has reports whether the column exists and holds at least one value.
func (t *Table) Has(name string) bool {
	i := t.index(name)
	return i >= 0 && slices.ContainsFunc(t.Columns[i].Values, func(v float64) bool { return !math.IsNaN(v) })
}

// index is a column's place, or −1.
func (t *Table) index(name string) int {
	return slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
}

// Column returns a column by its name, or an error with code "market-not-available".
func (t *Table) Column(name string) (Column, error) {
	i := t.index(name)
	if i < 0 {
		return Column{}, Refuse("not-available", name, "not available in %s", t.Provenance.File)
	}
	return t.Columns[i], nil
}

// Text returns a column of names, or an error with code "market-not-available".
func (t *Table) Text(name string) ([]string, error) {
	for _, c := range t.Texts {
		if c.Name == name {
			return c.Values, nil
		}
	}
	return nil, Refuse("not-available", name, "not available in %s", t.Provenance.File)
}

// keep leaves only the rows for which wanted says so, in place.
func (t *Table) keep(wanted func(row int) bool) {
	to := 0
	for from := range t.Lines {
		if !wanted(from) {
			continue
		}
		t.moveRow(to, from)
		to++
	}
	t.truncate(to)
}

// moveRow writes a row over another.
func (t *Table) moveRow(to, from int) {
	t.Lines[to] = t.Lines[from]
	if t.Times != nil {
		t.Times[to] = t.Times[from]
	}
	for i := range t.Columns {
		t.Columns[i].Values[to] = t.Columns[i].Values[from]
	}
	for i := range t.Texts {
		t.Texts[i].Values[to] = t.Texts[i].Values[from]
	}
}

// truncate leaves the first rows.
func (t *Table) truncate(rows int) {
	t.Lines = t.Lines[:rows]
	if t.Times != nil {
		t.Times = t.Times[:rows]
	}
	for i := range t.Columns {
		t.Columns[i].Values = t.Columns[i].Values[:rows]
	}
	for i := range t.Texts {
		t.Texts[i].Values = t.Texts[i].Values[:rows]
	}
}

// sortByTime puts rows in ascending time; rows of one time keep the file's order.
func (t *Table) sortByTime() {
	if t.Times == nil || slices.IsSortedFunc(t.Times, time.Time.Compare) {
		return
	}
	order := make([]int, t.Rows())
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return t.Times[order[a]].Before(t.Times[order[b]]) })
	t.Times, t.Lines = permute(t.Times, order), permute(t.Lines, order)
	for i := range t.Columns {
		t.Columns[i].Values = permute(t.Columns[i].Values, order)
	}
	for i := range t.Texts {
		t.Texts[i].Values = permute(t.Texts[i].Values, order)
	}
}

// permute puts values into an order of places.
func permute[T any](values []T, order []int) []T {
	out := make([]T, len(order))
	for to, from := range order {
		out[to] = values[from]
	}
	return out
}

// sorted: rows are in time's order.
func (t *Table) sorted() bool { return slices.IsSortedFunc(t.Times, time.Time.Compare) }
