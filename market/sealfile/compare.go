package sealfile

import (
	"strings"
	"unicode"
)

// Difference is a cell or a row that is not what was sealed.
type Difference struct {
	Table    string `json:"table,omitempty"`
	Row      string `json:"row"`
	Column   string `json:"column,omitempty"`
	Expected string `json:"expected"`
	Found    string `json:"found"`
	// Kind is cell, missing (a row that was sealed), added (one that was not) or format: the same number in another
	// notation.
	Kind string `json:"kind"`
}

// Kinds of differences.
const (
	Cell     = "cell"
	Missing  = "missing"
	Added    = "added"
	Notation = "format"
)

// maxTable bounds the work of finding rows again: beyond it rows are compared in their order.
const maxTable = 16_000_000

func (r Row) key() string { return r.Table + "\x1e" + strings.Join(r.Cells, "\x1f") }

// Compare names what was changed, in the order of the document.
func Compare(sealed, found []Row) []Difference {
	from := 0
	for from < min(len(sealed), len(found)) && sealed[from].key() == found[from].key() {
		from++
	}
	a, b := sealed[from:], found[from:]
	for len(a) > 0 && len(b) > 0 && a[len(a)-1].key() == b[len(b)-1].key() {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	heads := headsOf(sealed)
	var out []Difference
	var gone, come []Row
	end := func() {
		out = append(out, pair(gone, come, heads)...)
		gone, come = nil, nil
	}
	for _, s := range script(a, b) {
		switch {
		case s.a != nil && s.b != nil:
			end()
		case s.a != nil:
			gone = append(gone, *s.a)
		default:
			come = append(come, *s.b)
		}
	}
	end()
	return out
}

// headsOf are the names of each table's columns.
func headsOf(rows []Row) map[string][]string {
	heads := map[string][]string{}
	for _, r := range rows {
		if r.Head {
			heads[r.Table] = r.Cells
		}
	}
	return heads
}

// step is a row of both, or of one alone.
type step struct{ a, b *Row }

// script aligns two lists of rows by their longest common subsequence.
func script(a, b []Row) []step {
	var steps []step
	if len(a)*len(b) > maxTable {
		for i := range max(len(a), len(b)) {
			switch {
			case i >= len(a):
				steps = append(steps, step{nil, &b[i]})
			case i >= len(b):
				steps = append(steps, step{&a[i], nil})
			case a[i].key() == b[i].key():
				steps = append(steps, step{&a[i], &b[i]})
			default:
				steps = append(steps, step{&a[i], nil}, step{nil, &b[i]})
			}
		}
		return steps
	}
	keysA, keysB := make([]string, len(a)), make([]string, len(b))
	for i, r := range a {
		keysA[i] = r.key()
	}
	for i, r := range b {
		keysB[i] = r.key()
	}
	// longest[i, j] is how many rows a[i:] and b[j:] have in common in their order (Wagner and Fischer 1974).
	width := len(b) + 1
	longest := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if keysA[i] == keysB[j] {
				longest[i*width+j] = longest[(i+1)*width+j+1] + 1
			} else {
				longest[i*width+j] = max(longest[(i+1)*width+j], longest[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && keysA[i] == keysB[j]:
			steps = append(steps, step{&a[i], &b[j]})
			i, j = i+1, j+1
		case j >= len(b) || i < len(a) && longest[(i+1)*width+j] >= longest[i*width+j+1]:
			steps = append(steps, step{&a[i], nil})
			i++
		default:
			steps = append(steps, step{nil, &b[j]})
			j++
		}
	}
	return steps
}

// place is what two rows must share to be compared cell by cell.
type place struct {
	table, name string
	width       int // in cells; below zero where the order counts
}

// pair compares rows between two that stayed: those of one name with each other, then those of one table in their
// order.
func pair(gone, come []Row, heads map[string][]string) []Difference {
	var out []Difference
	taken := make([]bool, len(come))
	waiting := map[place][]int{} // rows of come, in their order: a whole table may have changed
	for j, r := range come {
		for _, at := range []place{{r.Table, r.Cells[0], len(r.Cells)}, {r.Table, "", -len(r.Cells)}} {
			waiting[at] = append(waiting[at], j)
		}
	}
	match := func(at place) int {
		for len(waiting[at]) > 0 {
			j := waiting[at][0]
			waiting[at] = waiting[at][1:]
			if !taken[j] {
				taken[j] = true
				return j
			}
		}
		return -1
	}
	partner := make([]int, len(gone))
	for i, r := range gone {
		if partner[i] = -1; len(r.Cells) > 1 {
			partner[i] = match(place{r.Table, r.Cells[0], len(r.Cells)})
		}
	}
	for i, r := range gone {
		if partner[i] < 0 && len(gone) == len(come) { // as many as before: in their order
			partner[i] = match(place{r.Table, "", -len(r.Cells)})
		}
		if partner[i] < 0 {
			out = append(out, Difference{r.Table, r.Cells[0], "", strings.Join(r.Cells, " | "), "", Missing})
			continue
		}
		out = append(out, cells(r, come[partner[i]], heads[r.Table])...)
	}
	for j, r := range come {
		if !taken[j] {
			out = append(out, Difference{r.Table, r.Cells[0], "", "", strings.Join(r.Cells, " | "), Added})
		}
	}
	return out
}

func cells(sealed, found Row, heads []string) []Difference {
	var out []Difference
	for i, cell := range sealed.Cells {
		if cell == found.Cells[i] {
			continue
		}
		d := Difference{Table: sealed.Table, Row: sealed.Cells[0], Expected: cell, Found: found.Cells[i], Kind: Cell}
		if i < len(heads) && len(heads) == len(sealed.Cells) {
			d.Column = heads[i]
		}
		if bare(cell) == bare(found.Cells[i]) && strings.ContainsFunc(cell, unicode.IsDigit) {
			d.Kind = Notation
		}
		out = append(out, d)
	}
	return out
}

// bare is a number without what languages write differently: blanks between groups, the decimal sign, the minus.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r == ',':
			return '.'
		case r == '−':
			return '-'
		}
		return r
	}, text)
}
