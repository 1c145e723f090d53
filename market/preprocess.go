package market

import (
	"regexp"
	"strings"
)

// unwrapped undoes what some programs do to a whole file of separated text, and
// says what: lines that are one quoted cell each (a table saved as one column),
// cells in single quotes, columns set apart by blanks, a line "sep=;" on top.
func (g *grid) unwrapped(text string) string {
	head, _, _ := strings.Cut(text[:min(len(text), 1<<16)], "\n")
	head = strings.Clone(strings.TrimSpace(head))
	if after, ok := strings.CutPrefix(strings.ToLower(head), "sep="); ok && len(after) <= 1 {
		g.decide("first line", head, "Excel reads the separator from it; it is no header")
		_, rest, _ := strings.Cut(text, "\n")
		return "#\n" + rest // a remark: the lines keep their numbers
	}
	switch {
	case isWrapped(head):
		g.decide("quotes", "taken off", "whole lines are quoted as one cell")
		all := strings.Split(text, "\n")
		for i, line := range all {
			if line = strings.TrimSuffix(line, "\r"); isWrapped(line) {
				all[i] = strings.ReplaceAll(line[1:len(line)-1], `""`, `"`)
			}
		}
		return strings.Join(all, "\n")
	case singleQuoted.MatchString(head):
		g.decide("quotes", "single", "each cell of the first line stands in them")
		return strings.ReplaceAll(text, "'", `"`)
	case quotedAndBlank.MatchString(head):
		g.decide("blanks", "taken as the separator", "they stand between the quoted cells of the first line")
		quoted := false
		return strings.Map(func(r rune) rune {
			if r == '"' {
				quoted = !quoted
			}
			if r == ' ' && !quoted {
				return '\t'
			}
			return r
		}, text)
	case !strings.ContainsAny(head, ",;\t|") && wideBlanks.MatchString(head):
		g.decide("blanks", "taken as the separator", "the first line has no other, and two or more in a row")
		return wideBlanks.ReplaceAllString(text, "\t")
	}
	return text
}

var (
	// a line whose every cell stands in single quotes, with nothing inside them that divides cells
	singleQuoted = regexp.MustCompile(`^'[^',;\t]*'([,;\t]'[^',;\t]*')+$`)
	// as R's write.table writes
	quotedAndBlank = regexp.MustCompile(`^"[^"]*"( "[^"]*")+$`)
	wideBlanks     = regexp.MustCompile(`[ ]{2,}`)
)

// isWrapped: a line that is one quoted cell with separators inside.
func isWrapped(line string) bool {
	if len(line) < 3 || line[0] != '"' || line[len(line)-1] != '"' {
		return false
	}
	inner := strings.ReplaceAll(line[1:len(line)-1], `""`, "")
	return !strings.Contains(inner, `"`) && strings.ContainsAny(inner, ",;\t")
}

// squeeze drops what a separator too many makes: a last cell that is empty in
// every row, where the header has a cell less. It also gives a nameless first
// column its empty header, as R writes tables.
func (g *grid) squeeze(first, width int) (header []string) {
	if first == 0 || g.width(first-1) != width-1 || width < 3 {
		return nil
	}
	cells := g.record(first - 1)
	for _, cell := range cells {
		if cell != "" && !isWord(cell) {
			return nil
		}
	}
	last, counts := true, true
	for r := first; r < min(g.records(), first+looked); r++ {
		row := g.record(r)
		if len(row) != width {
			continue
		}
		last = last && row[width-1] == ""
		counts = counts && row[0] != "" && row[width-1] != ""
	}
	switch {
	case last:
		return append(cells, "")
	case counts:
		return append([]string{""}, cells...)
	}
	return nil
}

// below takes a line of units or tickers under the header. It has words and no
// numbers, and its first cell, over the times, is empty.
func (g *grid) below(body int) int {
	if body+1 >= g.records() || g.width(body) != len(g.headers) || g.width(body+1) != len(g.headers) {
		return body
	}
	cells, words := g.record(body), 0
	if cells[0] != "" {
		return body // a row: below the name of the times stands nothing
	}
	for _, cell := range cells {
		if isTimeOrNumber(cell) {
			return body
		}
		if isWord(cell) {
			words++
		}
	}
	next := g.record(body + 1)
	if words == 0 || !isTimeOrNumber(next[0]) {
		return body
	}
	if g.twoLevels(cells) {
		return body + 1
	}
	g.units = make([]string, len(cells))
	for i, cell := range cells {
		g.units[i] = unitOf(strings.ToLower(strings.Trim(cell, "()[]")))
	}
	g.decide("header", "two lines", "the second has no time and no number: "+strings.Join(cells, " "))
	return body + 1
}

// twoLevels reads a header of two lines, as merged cells leave it: a name below a cell that has none belongs to the
// name on the left, so that "USD" above "Bid" and "Ask" is two columns and not one with a unit.
func (g *grid) twoLevels(cells []string) bool {
	two := false
	for i, cell := range cells[1:] {
		two = two || g.headers[i+1] == "" && isWord(cell)
	}
	if !two {
		return false
	}
	above := ""
	for i, cell := range cells {
		if g.headers[i] != "" {
			above = g.headers[i]
		}
		if cell != "" {
			g.headers[i] = strings.TrimSpace(above + " " + cell)
		}
	}
	g.decide("header", "two lines", "names of the second stand below cells of the first that have none: "+
		strings.Join(g.headers, ", "))
	return true
}
