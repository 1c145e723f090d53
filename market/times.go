package market

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// layouts that can be recognised without ambiguity. Dates with points put the
// day first wherever they are used. 01/02/2006 is not among them: see slashes.
var layouts = []string{
	time.DateOnly, time.DateTime, time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700 MST", "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05Z07",
	"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05 -07:00", "2006-01-02T15:04Z0700", "2006-01-02 15:04Z07:00",
	"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01", "2006-1",
	"2006-01-02 15-PM", // CryptoDataDownload's older hourly files
	"2006-01-02 03:04 PM", "2006-01-02 03:04:05 PM", "2006-1-2", "2006-1-2 15:04", "2006-1-2 15:04:05",
	"2006.01.02", "2006.01.02 15:04", "2006.01.02 15:04:05", // MetaTrader
	"02.01.2006", "02.01.2006 15:04:05", "02.01.2006 15:04", "2.1.2006", "02.01.06", "02.01.06 15:04",
	"02.01.06 15:04:05",
	"02.01.2006 15:04:05 GMT-0700", // Dukascopy
	"2.1.2006 15:04", "2.1.2006 15:04:05", "2006/01/02", "2006/01/02 15:04:05", "2006/01/02 15:04", "2006/1/2",
	"2006/1/2 15:04", "2006/1/2 15:04:05", "20060102", "20060102 150405", "20060102 15:04:05", "20060102 15:04",
	"20060102150405", "20060102T150405Z", "20060102T150405", "20060102T",
	"Jan 2, 2006", "January 2, 2006", "2 Jan 2006", "2 January 2006", "02-Jan-2006", "2-Jan-06", "Jan 2, 2006 15:04:05",
	"2-Jan-2006 15:04:05", "2 Jan 2006 15:04:05", "2 Jan 2006 15:04", "Mon Jan 02 2006", "Mon Jan 2 15:04:05 2006",
	time.RFC1123, time.RFC1123Z, "Jan 2, 2006, 15:04", "Jan 2, 2006 15:04", "Jan 2, 2006 3:04 PM",
	"Jan 02, 2006 03:04 PM", "Jan 2, 2006, 3:04 PM", "Jan 2 2006",
	"Jan 2006", "Jan-2006", "Jan-06", "01/2006", "01.2006", "2006/01", "2006M01", "2006-M01", "2006年1月2日", "2006年1月",
	"2006",
}

// slashes are the two readings of 01/02/2006; a day above 12 in the column tells them apart.
var slashes = [2][]string{
	{"01/02/2006", "01/02/2006 15:04:05", "01/02/2006 15:04", "01/02/2006 03:04:05 PM", "01/02/2006 03:04 PM",
		"1/2/2006", "1/2/2006 15:04", "01-02-2006", "1/2/2006 15:04:05", "1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM",
		"1/2/06", "1/2/06 15:04", "1/2/06 15:04:05", "1/2/06 150405", "1-2-2006", "01-02-2006 15:04",
		"01-02-2006 15:04:05",
		"1/2/2006, 3:04:05 PM", "1/2/2006, 15:04:05"},
	{"02/01/2006", "02/01/2006 15:04:05", "02/01/2006 15:04", "02/01/2006 03:04:05 PM", "02/01/2006 03:04 PM",
		"2/1/2006", "2/1/2006 15:04", "02-01-2006", "2/1/2006 15:04:05", "2/1/2006 3:04:05 PM", "2/1/2006 3:04 PM",
		"2/1/06", "2/1/06 15:04", "2/1/06 15:04:05", "2/1/06 150405", "2-1-2006", "02-01-2006 15:04",
		"02-01-2006 15:04:05",
		"2/1/2006, 3:04:05 PM", "2/1/2006, 15:04:05"},
}

// everyLayout in the order of trying; those of our own that are quick to refuse come first.
var everyLayout = func() []string {
	all := append([]string{layoutUnix, layoutQuarter, layoutHalf, layoutWeek}, layouts...)
	for _, layout := range named {
		all = append(all, layoutNames+layout)
	}
	return append(all, layoutSerial)
}()

// timing is how a column writes its times, and why that was decided.
type timing struct{ layout, why string }

// layoutOf finds the one layout that all cells have; "" when there is none. A layout that reads in one way only is
// taken from the first cell; the others are read by it later and refused where they differ.
func layoutOf(cells []string, zone *time.Location) timing {
	if len(cells) == 0 {
		return timing{}
	}
	for _, layout := range everyLayout {
		if _, err := parseTime(cells[0], layout, zone); err == nil {
			return timing{layout, fmt.Sprintf("%q can be read in no other", cells[0])}
		}
	}
	if f, ok := plain(cells[0]); ok && f > 1e8 && strings.ContainsAny(cells[0], "eE") {
		return timing{"", fmt.Sprintf("%q is a Unix time that a spreadsheet rounded: its last digits are lost; "+
			"export it as text", cells[0])}
	}
	// Both ways at once, over all cells: one day above 12 decides, and if none does the file is refused and not
	// guessed.
	for i := range slashes[0] {
		fits := [2]bool{true, true}
		witness := cells[0]
		for _, cell := range cells {
			for way := range slashes {
				if fits[way] {
					if _, err := time.Parse(slashes[way][i], cell); err != nil {
						fits[way], witness = false, cell
					}
				}
			}
			if !fits[0] && !fits[1] {
				break
			}
		}
		switch {
		case fits[0] && fits[1]:
			return timing{"", fmt.Sprintf("%q could be month/day or day/month, and no day above 12 tells", cells[0])}
		case fits[0]:
			return timing{slashes[0][i], fmt.Sprintf("%q cannot have its day first", witness)}
		case fits[1]:
			return timing{slashes[1][i], fmt.Sprintf("%q cannot have its month first", witness)}
		}
	}
	return timing{}
}

// Times outside of these are none of a market: a column was taken for times that is none.
var (
	firstTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	afterLast = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC)
)

// times reads the time column (and the column of the hour beside it, or -1).
func (g *grid) times(column, hour int, options ReadOptions, zone *time.Location) ([]time.Time, error) {
	header := g.headers[column]
	cell := func(i int) string {
		if hour >= 0 {
			return g.cell(i, column) + " " + g.cell(i, hour)
		}
		return g.cell(i, column)
	}
	found := timing{options.TimeLayout, "as declared"}
	if found.layout == "" {
		// One cell is enough for layouts that read in one way only; the whole column is looked at where that does not
		// decide.
		if found = layoutOf([]string{cell(0)}, zone); found.layout == "" {
			all := make([]string, g.rows())
			for i := range all {
				all[i] = cell(i)
			}
			if found = layoutOf(all, zone); found.layout == "" {
				why := found.why
				if why == "" {
					why = fmt.Sprintf("%q is in no form that can be recognised", cell(0))
				}
				return nil, Refuse("time-unknown", header, "line %d: %s; declare the layout", g.line(0), why)
			}
		}
	}
	g.decide("time", fmt.Sprintf("column %q, layout %s, zone %s", header, found.layout, zone), found.why)
	out, widened := make([]time.Time, g.rows()), 0
	for i := range out {
		at, err := parseTime(cell(i), found.layout, zone)
		if err != nil && options.TimeLayout == "" && widened < 3 {
			if wider := widerLayout(cell(0), cell(i), found.layout, zone); wider != "" {
				g.decide("time", "layout "+wider+" from line "+fmt.Sprint(g.line(i))+" on",
					fmt.Sprintf("%q and %q are both read by it", cell(0), cell(i)))
				found.layout, widened = wider, widened+1
				at, err = parseTime(cell(i), wider, zone)
			}
		}
		if err != nil {
			return nil, Refuse("time-bad", header, "line %d: %q: %v", g.line(i), cell(i), err)
		}
		if at.Before(firstTime) || !at.Before(afterLast) {
			return nil, Refuse("time-bad", header, "line %d: %q is outside the years 1900 to 2200", g.line(i), cell(i))
		}
		// A wall time that clocks went over is no instant: Go would move it by an hour, and two rows would swap.
		if zone != time.UTC && !statesOffset(found.layout) && neverWas(cell(i), found.layout, at, zone) {
			return nil, Refuse("time-bad", header, "line %d: %q never was in %s, where clocks went forward over it",
				g.line(i), cell(i), zone)
		}
		out[i] = at.UTC()
	}
	if zone != time.UTC && !statesOffset(found.layout) {
		g.wallTimes(out, zone)
	}
	return out, nil
}

// widerLayout is one that a column's first cell and the cell that broke its
// layout both have, and that reads the first as before: "2020-12-27" and
// "2021-1-3", "May 1, 2024" and "June 1, 2024". "" when there is none.
func widerLayout(first, other, layout string, zone *time.Location) string {
	want, err := parseTime(first, layout, zone)
	if err != nil {
		return ""
	}
	for _, wider := range everyLayout {
		a, errA := parseTime(first, wider, zone)
		_, errB := parseTime(other, wider, zone)
		if wider != layout && errA == nil && errB == nil && a.Equal(want) {
			return wider
		}
	}
	return ""
}

// statesOffset says whether times in the layout are instants by themselves, so that the zone does not matter.
func statesOffset(layout string) bool {
	return layout == layoutUnix || strings.Contains(layout, "Z07") || strings.Contains(layout, "-07") ||
		strings.HasSuffix(layout, "MST")
}

// neverWas says whether a wall time lies in the hour that clocks skip when they go forward: reading it in the zone
// gives another. A date is a day, whatever clocks do at its midnight.
func neverWas(cell, layout string, at time.Time, zone *time.Location) bool {
	wall, err := parseTime(cell, layout, time.UTC)
	if err != nil || wall.Equal(wall.Truncate(24*time.Hour)) {
		return false
	}
	return wall.Format(time.DateTime) != at.In(zone).Format(time.DateTime)
}

// wallTimes settles, by the file's order, the hour that comes twice when clocks go back: a wall time alone cannot say
// which pass it is of. Rows are walked from the earliest, a file written latest first from its end, and a reading that
// would not come after the row before it is taken as the second pass. Where the row before is missing the first pass
// stands. How many were so decided is told, since it rests on the order alone.
func (g *grid) wallTimes(times []time.Time, zone *time.Location) {
	descending := len(times) > 1 && times[0].After(times[len(times)-1])
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	if descending {
		slices.Reverse(order)
	}
	twice := 0
	previous := time.Time{}
	for _, i := range order {
		earlier, later := bothReadings(times[i], zone)
		times[i] = earlier
		if !earlier.Equal(later) && !previous.IsZero() && !previous.Before(earlier) {
			times[i], twice = later, twice+1
		}
		previous = times[i]
	}
	if twice > 0 {
		g.decide("clocks", fmt.Sprintf("%d rows are in the second pass of an hour that comes twice in %s", twice, zone),
			"they stand after the first pass in the file")
	}
}

// bothReadings are the instants that a wall time can mean; equal but in the
// hours that come twice. Offsets change by two hours at most.
func bothReadings(at time.Time, zone *time.Location) (earlier, later time.Time) {
	wall := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04:05.999999999") }
	earlier, later = at, at
	for _, d := range []time.Duration{30 * time.Minute, time.Hour, 2 * time.Hour} {
		if other := at.Add(-d); wall(other) == wall(at) {
			earlier = other
		}
		if other := at.Add(d); wall(other) == wall(at) {
			later = other
		}
	}
	return earlier.UTC(), later.UTC()
}

// parseTime reads one cell in one layout, of Go's or ours.
func parseTime(cell, layout string, zone *time.Location) (time.Time, error) {
	if layout == layoutUnix {
		return parseUnix(cell)
	}
	if layout == time.DateOnly && len(cell) == len(layout) {
		if at, ok := fastDate(cell, zone); ok {
			return at, nil
		}
	}
	if at, known, err := ours(cell, layout, zone); known {
		return at, err
	}
	if layout == time.DateTime && len(cell) == len(time.DateOnly) || layout == time.DateOnly &&
		len(cell) == len(time.DateTime) {
		layout = time.DateTime[:len(cell)] // workbooks and pandas leave midnight out
	}
	at, err := time.ParseInLocation(layout, cell, zone)
	if err == nil && strings.HasSuffix(layout, "MST") { // an abbreviation that Go does not know gets offset 0
		if name, offset := at.Zone(); offset == 0 && name != "UTC" && name != "GMT" && name != "Z" {
			return at, fmt.Errorf("the zone %s is not known; declare the layout and --time-zone", name)
		}
	}
	return at, err
}

// fastDate reads 2006-01-02 in UTC without the general parser.
func fastDate(cell string, zone *time.Location) (time.Time, bool) {
	if zone != time.UTC || cell[4] != '-' || cell[7] != '-' {
		return time.Time{}, false
	}
	n := [3]int{}
	for part, at := range [3][2]int{{0, 4}, {5, 7}, {8, 10}} {
		for _, c := range []byte(cell[at[0]:at[1]]) {
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			n[part] = n[part]*10 + int(c-'0')
		}
	}
	at := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	return at, int(at.Month()) == n[1] && at.Day() == n[2]
}

// parseUnix reads seconds, milliseconds, microseconds or nanoseconds, told
// apart by size.
func parseUnix(cell string) (time.Time, error) {
	if len(cell) == 10 || len(cell) == 13 { // seconds or milliseconds, as most have them
		v := int64(0)
		for i := range len(cell) {
			if cell[i] < '0' || cell[i] > '9' {
				v = -1
				break
			}
			v = 10*v + int64(cell[i]-'0')
		}
		switch {
		case v >= 1e9 && len(cell) == 10:
			return time.Unix(v, 0), nil
		case v >= 1e12 && len(cell) == 13:
			return time.UnixMilli(v), nil
		}
	}
	whole, fraction, _ := strings.Cut(cell, ".")
	v, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || v < 1e8 || strings.Trim(fraction, "0123456789") != "" || len(whole) == 8 {
		return time.Time{}, fmt.Errorf("not a Unix time") // below 1973, a year, a date without signs, or nonsense
	}
	switch {
	case v < 1e11:
		var nanos int64
		if strings.Trim(fraction, "0") != "" {
			nanos, err = strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		}
		return time.Unix(v, nanos), err
	case v < 1e14:
		return time.UnixMilli(v), nil
	case v < 1e17:
		return time.UnixMicro(v), nil
	}
	return time.Unix(0, v), nil
}
