package market

import (
	"fmt"
	"slices"
	"strings"
)

// keepOnly leaves the rows whose column of names says what was asked for, in a
// file that holds several series. Each condition is header=name.
func (t *Table) keepOnly(conditions []string) error {
	for _, condition := range conditions {
		header, name, ok := strings.Cut(condition, "=")
		i := slices.IndexFunc(t.Texts, func(c Text) bool {
			return c.Name == normal(header) || normal(c.Header) == normal(header)
		})
		if !ok || i < 0 {
			return Refuse("column-missing", header, "no column of names is called so; want header=name, as symbol=BTC")
		}
		names := t.Texts[i].Values
		if !slices.Contains(names, name) {
			return Refuse("not-available", header, "no row has %q; there are: %s", name, someOf(names))
		}
		t.keep(func(row int) bool { return t.Texts[i].Values[row] == name })
	}
	return nil
}

// oneSeries refuses a table of prices in which rows of one time belong to
// several names: a return from one coin's price to another's is none.
func (t *Table) oneSeries() error {
	price := t.PriceColumn()
	if price == "" || t.Times == nil || !t.panel() {
		return nil
	}
	best, fewest := -1, 0
	for i, c := range t.Texts {
		differs := false
		for row := 1; row < len(t.Times) && !differs; row++ {
			differs = t.Times[row].Equal(t.Times[row-1]) && c.Values[row] != c.Values[row-1]
		}
		if n := len(distinct(c.Values)); differs && (best < 0 || n < fewest) {
			best, fewest = i, n
		}
	}
	if best < 0 {
		return nil
	}
	c := t.Texts[best]
	return Refuse("series-several", c.Header, "%d series by this column: %s; name one, as --only %q", fewest,
		someOf(c.Values), c.Header+"="+c.Values[0])
}

func distinct(names []string) []string {
	all := slices.Clone(names)
	slices.Sort(all)
	return slices.Compact(all)
}

// someOf lists up to eight of the names.
func someOf(names []string) string {
	all := distinct(names)
	if len(all) > 8 {
		return fmt.Sprintf("%.200s and %d more", strings.Join(all[:8], ", "), len(all)-8)
	}
	return fmt.Sprintf("%.200s", strings.Join(all, ", "))
}
