package market

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layouts that can be recognised without ambiguity. 01/02/2006 is not among
// them: whether the month or the day comes first has to be declared.
var layouts = []string{
	time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04", "2006-01",
	"2006-01-02 15-PM", // CryptoDataDownload's older hourly files
}

// times reads the time column: a layout fixed by the first row, Unix seconds,
// milliseconds or microseconds by size, or quarters as 2006Q1.
func (g *grid) times(column int, layout string, zone *time.Location) ([]time.Time, error) {
	out := make([]time.Time, len(g.rows))
	for i, row := range g.rows {
		cell := strings.TrimSpace(row[column])
		if layout == "" {
			if layout = layoutOf(cell, zone); layout == "" {
				return nil, Refuse("time_unknown", g.headers[column], "line %d: %q is in no form that can be recognised; declare the layout", g.lines[i], cell)
			}
		}
		at, err := parseTime(cell, layout, zone)
		if err != nil {
			return nil, Refuse("time_bad", g.headers[column], "line %d: %q: %v", g.lines[i], cell, err)
		}
		if at.Year() < 1900 || at.Year() > 2200 {
			return nil, Refuse("time_bad", g.headers[column], "line %d: %q is outside the years 1900 to 2200", g.lines[i], cell)
		}
		out[i] = at.UTC()
	}
	return out, nil
}

func layoutOf(cell string, zone *time.Location) string {
	for _, layout := range append([]string{"unix", "quarter"}, layouts...) {
		if _, err := parseTime(cell, layout, zone); err == nil {
			return layout
		}
	}
	return ""
}

func parseTime(cell, layout string, zone *time.Location) (time.Time, error) {
	switch layout {
	case "unix":
		v, err := strconv.ParseInt(strings.TrimSuffix(cell, ".0"), 10, 64)
		switch {
		case err != nil || v < 1e8: // below: 1973, or a year, or nonsense
			return time.Time{}, fmt.Errorf("not a Unix time")
		case v < 1e11:
			return time.Unix(v, 0), nil
		case v < 1e14:
			return time.UnixMilli(v), nil
		}
		return time.UnixMicro(v), nil
	case "quarter":
		if len(cell) != 6 || cell[4] != 'Q' || cell[5] < '1' || cell[5] > '4' {
			return time.Time{}, fmt.Errorf("want a quarter as 2006Q1")
		}
		year, err := strconv.Atoi(cell[:4])
		return time.Date(year, time.Month(3*int(cell[5]-'1')+1), 1, 0, 0, 0, 0, zone), err
	}
	return time.ParseInLocation(layout, cell, zone)
}
