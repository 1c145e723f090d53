package market

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// unfold brings a table whose times are its headers, years or months as the World Bank writes them, into the form that
// has a column of times.
func (g *grid) unfold(name string) error {
	if from, to := g.timesAcross(); to-from >= 2 {
		return g.across(name, from, to)
	}
	return nil
}

// timesAcross is the longest run of headers that are times, one later than the other, where the others are words; a
// header that is the time of the rows has none beside it.
func (g *grid) timesAcross() (from, to int) {
	if slices.ContainsFunc(g.headers, func(h string) bool { return slices.Contains(commonTimes, normal(h)) }) {
		return 0, 0
	}
	for start := 0; start < len(g.headers); {
		end, before := start, time.Time{}
		for end < len(g.headers) {
			at, ok := headerTime(g.headers[end])
			if !ok || end > start && !at.After(before) {
				break
			}
			before = at
			end++
		}
		if end-start > to-from {
			from, to = start, end
		}
		start = max(end, start+1)
	}
	for i, h := range g.headers {
		if _, is := headerTime(h); is && (i < from || i >= to) {
			return 0, 0
		}
	}
	if from == 0 && to == len(g.headers) {
		return 0, 0 // rows without a header
	}
	return from, to
}

// headerTime reads a header that is a year ("2020", "2020 [YR2020]"), a month or a quarter; no day, and no number of
// another kind.
func headerTime(header string) (time.Time, bool) {
	year, code, bracketed := strings.Cut(header, " [YR")
	if bracketed && strings.TrimSuffix(code, "]") != year {
		return time.Time{}, false
	}
	layout := layoutOf([]string{year}, time.UTC).layout
	if digitsOnly(year) {
		if layout = "2006"; len(year) != 4 || year < "1700" || year > "2199" {
			return time.Time{}, false
		}
	} else if layout == "" || layout == layoutSerial || layout == layoutUnix || isPlain(year) {
		return time.Time{}, false
	}
	at, err := parseTime(year, layout, time.UTC)
	return at, err == nil
}

// across writes each row as many, one for each time in the header: its names, the time, the value.
func (g *grid) across(name string, from, to int) error {
	names := append(slices.Clone(g.headers[:from]), g.headers[to:]...)
	for i, h := range names {
		if n := normal(h); n == "value" || n == "date" {
			names[i] = "series" // what the rows are of ("показатель") is not their value
		}
	}
	if g.rows()*(to-from) > maxRows || g.rows()*(to-from)*(len(names)+2) > maxCells {
		return Refuse("too-many-rows", name, "more than %d values under the times of its header", maxRows)
	}
	wide := *g
	g.spans, g.starts, g.lines, g.extra, g.text = nil, nil, nil, nil, ""
	for row := range wide.rows() {
		for column := from; column < to; column++ {
			cells := make([]string, 0, len(names)+2)
			for c := range wide.headers {
				if c < from || c >= to {
					cells = append(cells, wide.cell(row, c))
				}
			}
			at, _, _ := strings.Cut(wide.headers[column], " [YR")
			if err := g.add(wide.line(row), append(cells, at, wide.cell(row, column))); err != nil {
				return err
			}
		}
	}
	g.headers, g.units = append(names, "date", "value"), nil
	g.allRows()
	g.decide("layout", fmt.Sprintf("times as headers: %s to %s", wide.headers[from], wide.headers[to-1]),
		"each row was read as one for each of them")
	return nil
}

// joinParts makes one column "date" of those of year and month, and perhaps day. If one row does not make a date the
// columns stay as they are: they mean something else than their names. A month may be a number or a name.
func (g *grid) joinParts() error {
	at := map[string]int{}
	for i, h := range g.headers {
		name := normal(h)
		if _, twice := at[name]; twice && (name == "year" || name == "month" || name == "day") {
			return nil
		}
		at[name] = i
	}
	year, hasYear := at["year"]
	month, hasMonth := at["month"]
	day, hasDay := at["day"]
	if _, hasDate := at["date"]; !hasYear || !hasMonth || hasDate || g.rows() == 0 {
		return nil
	}
	dates := make([]string, g.rows())
	for row := range dates {
		y, m, d := g.cell(row, year), g.cell(row, month), "1"
		if named, ok := monthNames[strings.ToLower(strings.TrimSuffix(m, "."))]; ok {
			m = fmt.Sprint(int(named))
		}
		if hasDay {
			d = g.cell(row, day)
		}
		date, err := time.Parse("2006-1-2", y+"-"+m+"-"+d)
		if err != nil {
			return nil //nolint:nilerr // other columns than they are called
		}
		if dates[row] = date.Format(time.DateOnly); !hasDay {
			dates[row] = date.Format("2006-01")
		}
	}
	parts := *g
	g.spans, g.starts, g.lines, g.extra, g.text = nil, nil, nil, nil, ""
	kept := func(column int) bool { return column != year && column != month && (!hasDay || column != day) }
	g.headers = []string{"date"}
	for column, h := range parts.headers {
		if kept(column) {
			g.headers = append(g.headers, h)
		}
	}
	for row, date := range dates {
		cells := []string{date}
		for column := range parts.headers {
			if kept(column) {
				cells = append(cells, parts.cell(row, column))
			}
		}
		if err := g.add(parts.line(row), cells); err != nil {
			return err
		}
	}
	g.units = nil
	g.allRows()
	g.decide("layout", "a time in parts", "year and month, and day where there is one, stand in columns of their own")
	return nil
}
