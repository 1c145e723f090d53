package market

import (
	"slices"
	"strings"
)

// surplusCells refuses text separated by commas whose lines have more cells than the header names, where a comma may be
// of a number: "2024-01-11,54,10" under "date,price" is 54.10, or 54 and 10. Which it is the file does not say, and a
// price of 10 would be believed. What can be no decimal comma and no comma of thousands is left to the layout.
func (g *grid) surplusCells(name string, first, width int) error {
	if g.separator != ',' {
		return nil
	}
	for h := first - 1; h >= 0; h-- {
		names := g.record(h)
		if len(names) < 2 || len(names) >= width || slices.ContainsFunc(names, func(cell string) bool {
			return cell != "" && !isWord(cell)
		}) {
			continue
		}
		if !slices.ContainsFunc(names, namesTime) && (h < first-1 || len(names) != width-1) {
			continue // a line of a title
		}
		if len(names) == width-1 && g.namelessAhead(names, first) {
			return nil
		}
		return g.refuseJoinable(name, h+1, 0, names)
	}
	return nil
}

// namelessCells is the same of a column that the header leaves without a name, behind one with a name: it would be
// passed over.
func (g *grid) namelessCells(name string) error {
	if g.separator != ',' {
		return nil
	}
	nameless := func(h string) bool { return normal(h) == "" || strings.HasPrefix(normal(h), "unnamed:") }
	for c := 1; c < len(g.headers); c++ {
		before := g.headers[c-1]
		if !nameless(g.headers[c]) || nameless(before) || !isWord(before) || namesTime(before) || len(g.body) == 0 {
			continue
		}
		if err := g.refuseJoinable(name, int(g.body[0]), c-1, g.headers); err != nil {
			return err
		}
	}
	return nil
}

// namesTime: the header is one that times have.
func namesTime(header string) bool {
	return slices.Contains(commonTimes, normal(header)) || strings.HasSuffix(normal(header), " date")
}

// namelessAhead: it is certain that the first column has no name, and every other its own, as R writes tables. The
// column that the header calls a time holds times then, and the first counts or names; or no header is of a time, the
// first cells are times, and the first name is a quantity's.
func (g *grid) namelessAhead(names []string, first int) bool {
	at := slices.IndexFunc(names, namesTime)
	quantity := false
	if at < 0 {
		_, known := canonical(names[0])
		quantity = known || isPriceName(names[0]) || isSecondary(names[0])
	}
	before, counts := 0.0, true
	for r := first; r < min(g.records(), first+looked); r++ {
		row := g.record(r)
		if len(row) != len(names)+1 {
			continue
		}
		number, isNumber := plain(row[0])
		counts = counts && isNumber && (r == first || number == before+1)
		before = number
		if at < 0 {
			quantity = quantity && isTime(row[0])
			continue
		}
		if _, isNumber := plain(row[at+1]); !isTime(row[at+1]) || isNumber && isTime(row[0]) {
			return false
		}
	}
	return at >= 0 || quantity || counts
}

// refuseJoinable looks through the records from one on for two cells, from a column on, that are one number when they
// are joined by the comma that parts them, and refuses the first with both readings.
func (g *grid) refuseJoinable(name string, from, column int, names []string) error {
	last := len(names)
	for r := from; r < g.records(); r++ {
		if g.width(r) <= column+1 {
			continue
		}
		at := int(g.starts[r])
		to := g.width(r) - 1
		if last == g.width(r) {
			to = column + 1 // only the cell beside the nameless one
		}
		for c := column; c < to; c++ {
			left, right := trim(g.raw(at+c)), trim(g.raw(at+c+1))
			if !joinable(left, right) || c == 0 && len(left) >= 8 && isTime(left) {
				continue
			}
			if named := names[min(c, last-1)]; last == g.width(r) {
				return Refuse("ragged", name, "line %d, column %q: \"%s,%s\" could be one number with a comma in it, "+
					"or %s and, in a column without a name, %s; put the number in quotes, or separate the cells by "+
					"semicolons", g.lines[r], named, left, right, left, right)
			}
			return Refuse("ragged", name, "line %d has %d cells, the header %d: \"%s,%s\" could be one number with a "+
				"comma in it, under %q, or two, %s and %s, beside a column without a name; put the number in quotes, "+
				"or separate the cells by semicolons", g.lines[r], g.width(r), last, left, right, names[min(c, last-1)],
				left, right)
		}
	}
	return nil
}

// joinable: two neighbours that were one number before a comma in it was taken for a separator.
func joinable(left, right string) bool {
	if left == "" || right == "" || left[len(left)-1]-'0' > 9 || right[0]-'0' > 9 {
		return false
	}
	if evidenceOf(left).bad { // a name, or a date with signs
		return false
	}
	e := evidenceOf(left + "," + right)
	return !e.bad && (e.decimal == ',' || e.group == ',')
}
