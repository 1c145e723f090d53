package market

import (
	"fmt"
	"strings"
)

// lastLine leaves a finding where the last row alone has no line end: as a file has that is still being written, or
// was cut. Its last number may be a part of one then, "270," of "270,55". Many programs leave the last line end out, so
// that it is a note; a number with fewer decimals than all above it, or with none behind its sign, is a warning.
func (g *grid) lastLine() {
	last := g.records() - 1
	if strings.HasSuffix(g.text, "\n") || len(g.body) < 2 || int(g.body[len(g.body)-1]) != last || g.width(last) == 0 {
		return
	}
	column := min(g.width(last), len(g.headers)) - 1
	cell := g.cell(len(g.body)-1, column)
	f := Finding{Code: "cut_line", Severity: Note, Column: "file", FirstLine: g.lines[last], LastLine: g.lines[last],
		Rows: 1, Detail: fmt.Sprintf("the last line, alone of all, has no line end: if the file was still being "+
			"written, %q may be a part of what it should be", cell)}
	if g.fewerDecimals(column, cell) {
		f.Severity, f.Column = Warning, g.headers[column]
		f.Detail += "; it has fewer decimals than every number above it"
	}
	g.findings = append(g.findings, f)
}

// fewerDecimals: behind its sign of decimals the cell has fewer digits than any other of its column, or a sign and no
// digits.
func (g *grid) fewerDecimals(column int, cell string) bool {
	if e := evidenceOf(cell); missing(cell) || e.bad {
		return false
	}
	least := -1
	for i := range len(g.body) - 1 {
		other := g.cell(i, column)
		if missing(other) {
			continue
		}
		n := decimalsIn(other)
		if least < 0 || n < least {
			least = n
		}
		if least == 0 {
			break // whole numbers among them
		}
	}
	return decimalsIn(cell) < least || strings.HasSuffix(cell, ",") || strings.HasSuffix(cell, ".")
}

// decimalsIn counts the digits behind the last point or comma, 0 where there is none.
func decimalsIn(cell string) int {
	at := strings.LastIndexAny(cell, ".,")
	if at < 0 {
		return 0
	}
	n := 0
	for n < len(cell)-at-1 && cell[at+1+n]-'0' <= 9 {
		n++
	}
	return n
}

// cutLine is the line of the file that may be cut, 0 for none.
func (t *Table) cutLine() int {
	for _, f := range t.passed {
		if f.Code == "cut_line" {
			return f.FirstLine
		}
	}
	return 0
}
