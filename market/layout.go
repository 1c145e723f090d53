package market

import (
	"fmt"
	"slices"
	"strings"
)

// maxBanner is how many lines may stand above the header, and below the rows.
const maxBanner = 20

// layOut finds the header and the rows: lines above of another width are a
// banner, lines below are totals and sources. What is passed over is said.
func (g *grid) layOut(name string, options ReadOptions) error {
	if g.records() == 0 {
		return Refuse("empty", name, "no header row")
	}
	width := g.usualWidth()
	first := 0
	for first < g.records() && first <= maxBanner && g.width(first) != width {
		first++
	}
	if first < g.records() && !options.NoHeader {
		first = g.namesBelow(first)
	}
	if first == g.records() || first > maxBanner {
		return Refuse("ragged", name, "no header: the first %d lines have not the %d cells of the others", first, width)
	}
	if first > 0 {
		g.decide("banner", fmt.Sprintf("%d lines above the header", first),
			fmt.Sprintf("they have not the %d cells of the others: %q", width, strings.Join(g.record(0), " ")))
	}
	if !options.NoHeader {
		if err := g.surplusCells(name, first, width); err != nil {
			return err
		}
	}
	var body int
	var err error
	if header := g.squeeze(first, width); header != nil && !options.NoHeader {
		g.headers, body = header, first
		g.decide("header", "a cell shorter than the rows", "the first or the last column has no name")
	} else if body, err = g.header(name, first, options); err != nil {
		return err
	}
	if !options.NoHeader {
		body = g.below(body)
	}
	end := g.trailer(body)
	g.body = make([]int32, 0, max(0, end-body))
	for r := body; r < end; r++ {
		if g.width(r) != width {
			return Refuse("ragged", name, "line %d has %d cells, the header %d", g.lines[r], g.width(r), width)
		}
		if g.spans[g.starts[r]].bytes == 0 && strings.Join(g.record(r), "") == "" {
			continue // separators only: a spreadsheet's empty line
		}
		g.body = append(g.body, int32(r))
	}
	if len(g.body) == 0 {
		return Refuse("empty", name, "a header and no rows")
	}
	if len(g.body) > maxRows {
		return Refuse("too-many-rows", name, "more than %d rows", maxRows)
	}
	return g.namelessCells(name)
}

// namesBelow is the record of the header where lines of as many cells stand above it ("Security,XBTUSD", "Period,D"):
// it names a time, has no number, and the first row follows it. Otherwise it is the first record.
func (g *grid) namesBelow(first int) int {
	isRow := func(r int) bool {
		cells := g.record(r)
		return len(cells) > 1 && isTimeOrNumber(cells[0]) && slices.ContainsFunc(cells[1:], func(cell string) bool {
			return !missing(cell) && !evidenceOf(cell).bad
		})
	}
	for r := first + 1; r < min(first+maxBanner, g.records()-1); r++ {
		if isRow(r) {
			break // the first record is the header, or there is none
		}
		cells := g.record(r)
		if len(cells) == g.width(first) && isRow(r+1) && !slices.ContainsFunc(cells, func(c string) bool {
			return !isWord(c)
		}) && slices.ContainsFunc(cells, func(c string) bool {
			name := normal(c)
			return slices.Contains(commonTimes, name) || strings.HasSuffix(name, " date")
		}) && !slices.ContainsFunc(g.record(first), func(c string) bool {
			return slices.Contains(commonTimes, normal(c))
		}) {
			return r
		}
	}
	return first
}

// usualWidth is the number of cells that most of the first records have. A
// file of two lines has its header's.
func (g *grid) usualWidth() int {
	counts := map[int]int{}
	n := min(g.records(), 1000)
	for r := range n {
		counts[g.width(r)]++
	}
	best, most := g.width(0), counts[g.width(0)]
	for r := range n {
		if w := g.width(r); counts[w] > most && w > 1 {
			best, most = w, counts[w]
		}
	}
	return best
}

// header takes the header from record first on and returns the first data record.
func (g *grid) header(name string, first int, options ReadOptions) (int, error) {
	cells := g.record(first)
	if options.NoHeader {
		for c := range cells {
			g.headers = append(g.headers, fmt.Sprint(c+1))
		}
		g.decide("header", "none", "as declared; columns go by their number")
		return first, nil
	}
	ordered, source, err := g.ordered(name, first, cells)
	if err != nil {
		return 0, err
	}
	if ordered != nil {
		g.headers = ordered
		g.decide("header", "none; "+strings.Join(ordered, ", "), source)
		return first, nil
	}
	if slices.ContainsFunc(cells, isTimeOrNumber) && !slices.ContainsFunc(cells, isWord) {
		return 0, Refuse("no-header", name,
			"line %d: %q is data, not a header; give --no-header and name the columns by their number", g.lines[first],
			strings.Join(cells, ", "))
	}
	g.headers = cells
	// yfinance since 0.2.5x: the kind of price, then the ticker, then the index's name.
	if first+2 < g.records() && g.width(first+1) == len(cells) && g.width(first+2) == len(cells) {
		second, third := g.record(first+1), g.record(first+2)
		if w := strings.ToLower(second[0]); (w == "ticker" || w == "symbols") &&
			strings.HasPrefix(strings.ToLower(third[0]), "date") && strings.Join(third[1:], "") == "" {
			g.headers[0] = third[0]
			g.decide("header", "three lines",
				"the kind of price, the ticker "+second[min(1, len(second)-1)]+", and the name of the time")
			return first + 3, nil
		}
	}
	return first + 1, nil
}

// trailer drops lines below the rows that are no rows: sums, sources, notes.
// It returns where the rows end and leaves a finding for what it dropped.
func (g *grid) trailer(body int) int {
	end := g.records()
	for end > body+1 && g.records()-end < maxBanner && g.isTrailer(end-1) {
		end--
	}
	if end < g.records() {
		g.findings = append(g.findings, Finding{Code: "trailer", Severity: Note, Column: "file",
			FirstLine: g.lines[end], LastLine: g.lines[g.records()-1], Rows: g.records() - end,
			Detail: fmt.Sprintf("below the rows, passed over: %q", strings.Join(g.record(end), " "))})
	}
	return end
}

// trailerWords are those that a line below the rows begins with.
var trailerWords = []string{"total", "sum", "source", "note", "итого", "всего", "источник", "примечание", "барлығы",
	"жиыны", "дереккөз", "дереккөзі"}

// isTrailer says whether a record is below the rows: it begins with such a word, or holds nothing but a first cell that
// is neither a time nor a number.
func (g *grid) isTrailer(r int) bool {
	cells := g.record(r)
	word := strings.ToLower(strings.Trim(strings.SplitN(strings.TrimLeft(cells[0], `"'`), " ", 2)[0], ":*"))
	if slices.Contains(trailerWords, word) {
		return true
	}
	if cells[0] == "" && !slices.ContainsFunc(cells, isTimeOrNumber) {
		return true // the units, below the rows
	}
	// A cut-off row is no note: it would begin with a time.
	return strings.Join(cells[1:], "") == "" && !slices.ContainsFunc(cells, isTimeOrNumber)
}

// allNumbers: each cell is a plain number.
func allNumbers(cells []string) bool {
	for _, cell := range cells {
		if _, ok := plain(cell); !ok {
			return false
		}
	}
	return true
}

// isTimeOrNumber: the cell can be data.
func isTimeOrNumber(cell string) bool {
	if _, ok := plain(cell); ok {
		return true
	}
	return cell != "" && cell[0] >= '0' && cell[0] <= '9' && isTime(cell)
}

// isWord is a cell that can only be a name.
func isWord(cell string) bool {
	return cell != "" && !isTimeOrNumber(cell) && !missing(cell)
}
