package market

import (
	"slices"
	"strings"
	"time"
)

// looked is how many rows are looked at to find out what a column holds; the
// whole column is read by what they say, and refused where it is otherwise.
const looked = 50

// secondary are columns of numbers beside a price, of which none is taken for it.
var secondary = []string{"open", "high", "low", "volume", "vol.", "vol", "market cap", "marketcap", "market_cap",
	"cap", "change", "change %", "change_pct", "returns", "return", "trades", "count", "rank", "quant", "nominal", "id",
	"index", "supply", "circulating supply", "open_interest", "openint", "spread", "tickvol", "quantity", "turnover",
	"value traded"}

// generic is the form of a table that no known source writes: a time, and one
// column that is the price by its name, or the only one of numbers. Several
// that could be it are refused: choosing one would be a guess.
func (g *grid) generic() (*form, error) {
	at := g.findTime()
	if at < 0 {
		return nil, nil
	}
	var numbers []int
	for column := range g.headers {
		if column != at && !g.counts(column) && g.holdsNumbers(column) {
			numbers = append(numbers, column)
		}
	}
	chosen, name, unit := -1, "close", "quote"
	pick := func(fits func(header string) bool) (several []string) {
		for _, column := range numbers {
			if h := g.headers[column]; fits(h) {
				if several = append(several, h); chosen < 0 {
					chosen = column
				}
			}
		}
		return several
	}
	// From the surest name to the least: an adjusted close goes before a close, since a split between them is no loss.
	// Two columns that fit equally well are refused: chosen in silence, one of them would be wrong.
	for _, exact := range []string{"adj close", "close", "price_usd", "price", "last", "rate", "exchange rate",
		"vwap"} {
		if several := pick(func(h string) bool { return normal(h) == exact }); len(several) > 1 {
			return nil, ambiguous(several)
		} else if len(several) == 1 {
			break
		}
	}
	if chosen < 0 {
		if several := pick(isPriceName); len(several) > 1 {
			return nil, ambiguous(several)
		}
	}
	if chosen < 0 {
		// By the names that statistical offices give to the one column of values beside those that describe it.
		for _, exact := range []string{"obs_value", "value"} {
			if several := pick(func(h string) bool { return normal(h) == exact }); len(several) > 0 {
				name, unit = "value", "undeclared"
				break
			}
		}
	}
	if chosen < 0 {
		several := pick(func(h string) bool { return !isSecondary(h) })
		if len(several) > 1 {
			return nil, ambiguous(several)
		}
		if !g.hasHeader("high") || !g.hasHeader("low") {
			name, unit = "value", "undeclared"
		}
	}
	if chosen < 0 {
		return nil, nil
	}
	header := normal(g.headers[chosen])
	if header == "price_usd" {
		name, unit = header, "USD"
	}
	known := &form{name: "series", time: []string{normal(g.headers[at])}, needs: []string{g.headers[at],
		g.headers[chosen]}, numbers: []field{{header, name, unit}, {"open", "open", "quote"}, {"high", "high", "quote"},
		{"low", "low", "quote"}}}
	return known, nil
}

// ambiguous is the refusal that tells how to choose.
func ambiguous(headers []string) error {
	return Refuse("column-ambiguous", headers[0], "%d columns could be the price: %.300s; declare it, as "+
		"--column price=%s:USD", len(headers), strings.Join(headers, ", "), headers[0])
}

// hasHeader says whether a column is called so, in any of the ways to write it.
func (g *grid) hasHeader(name string) bool {
	return slices.ContainsFunc(g.headers, func(h string) bool { return normal(h) == name })
}

// isPriceName is a header with the word price or close among its words, and
// no word that makes it another one of the day.
func isPriceName(header string) bool {
	words := strings.FieldsFunc(plainHeader(strings.ToLower(header)), func(r rune) bool {
		return r == ' ' || r == '_' || r == '-' || r == '.' || r == '/'
	})
	found := false
	for _, w := range words {
		switch w {
		case "price", "close", "цена", "курс", "баға", "бағасы", "rate", "marketprice":
			found = true
		case "open", "high", "low", "change", "volume", "pct", "percent", "return", "max", "min":
			return false
		}
	}
	return found
}

// isSecondary says whether a column is by its name beside the price.
func isSecondary(header string) bool {
	name := normal(header)
	return slices.Contains(secondary, name) || strings.HasPrefix(name, "volume") ||
		strings.HasPrefix(name, "unnamed") || strings.HasSuffix(name, "%") || strings.HasPrefix(name, "%") ||
		strings.HasPrefix(name, "change")
}

// holdsNumbers: the first filled cells are numbers, and there is one.
func (g *grid) holdsNumbers(column int) bool {
	filled, s := 0, style{suffix: true}
	for i := range g.rows() {
		cell := g.cell(i, column)
		if missing(cell) {
			continue
		}
		if body, _ := s.cutSuffix(cell); evidenceOf(body).bad {
			return false
		}
		if filled++; filled == looked {
			break
		}
	}
	return filled > 0
}

// counts: a nameless column that only numbers the rows, as pandas and R write it.
func (g *grid) counts(column int) bool {
	if h := normal(g.headers[column]); h != "" && h != "index" && h != "#" && !strings.HasPrefix(h, "unnamed:") {
		return false
	}
	if g.rows() < 2 {
		return g.headers[column] == ""
	}
	a, okA := plain(g.cell(0, column))
	b, okB := plain(g.cell(1, column))
	return okA && okB && (b-a == 1 || a-b == 1)
}

// findTime is the column of times: by its name, or else the first whose cells
// are times and not mere numbers; -1 where there is none.
func (g *grid) findTime() int {
	for _, name := range commonTimes {
		i := slices.IndexFunc(g.headers, func(h string) bool { return normal(h) == name })
		if i >= 0 && g.holdsTimes(i, true) {
			return i
		}
	}
	for column := range g.headers {
		if g.holdsTimes(column, false) {
			return column
		}
	}
	return -1
}

// holdsTimes: the first filled cells are times. Numbers are times only under a
// name that says so: 2019 and 45293 are prices too.
func (g *grid) holdsTimes(column int, named bool) bool {
	filled := 0
	for i := range min(g.rows(), looked) {
		cell := g.cell(i, column)
		if cell == "" {
			return false
		}
		if number, ok := plain(cell); ok && !named && (number < 1e9 || !digitsOnly(cell)) {
			return false
		}
		if !isTime(cell) {
			return false
		}
		filled++
	}
	return filled > 0
}

// isTime: a time in some layout, even where the order of day and month is open.
func isTime(cell string) bool {
	if layoutOf([]string{cell}, time.UTC).layout != "" {
		return true
	}
	for _, way := range slashes {
		for _, layout := range way {
			if _, err := time.Parse(layout, cell); err == nil {
				return true
			}
		}
	}
	return false
}

// oddCell refuses the one cell for which a table is of no form: in a column of times that is called so, the first that
// is none; else, beside times, in a column of numbers by nine in ten of its first cells, the first that is none. Nil
// where no column is nearly one.
func (g *grid) oddCell() error {
	at := -1
	for _, name := range commonTimes {
		if at = slices.IndexFunc(g.headers, func(h string) bool { return normal(h) == name }); at >= 0 {
			break
		}
	}
	rows := min(g.rows(), looked)
	if at >= 0 {
		for i := range rows {
			if cell := g.cell(i, at); !isTime(cell) {
				return Refuse("time-bad", g.headers[at], "line %d: %q is no time in a way that is known; give its "+
					"--time-layout, or take the line out where it is no row", g.line(i), cell)
			}
		}
	}
	for column := range g.headers {
		if column == at || isSecondary(g.headers[column]) {
			continue
		}
		// A column of words has many cells that are no numbers: of one of ten at most it is said that it should be one.
		odd, bad, filled, s := -1, 0, 0, style{suffix: true}
		for i := range rows {
			cell := g.cell(i, column)
			if missing(cell) {
				continue
			}
			filled++
			if body, _ := s.cutSuffix(cell); evidenceOf(body).bad {
				if bad++; odd < 0 {
					odd = i
				}
			}
		}
		if odd >= 0 && bad*10 <= filled {
			return Refuse("not-a-number", g.headers[column], "line %d: %q is not a number", g.line(odd),
				g.cell(odd, column))
		}
	}
	return nil
}
