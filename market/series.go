package market

import (
	"math"
	"sort"
	"time"
)

// Series is one quantity over time, without holes: rows that were not
// available are absent, not zero.
type Series struct {
	Name   string
	Unit   string
	Times  []time.Time
	Values []float64
	Source Provenance
}

// Series takes a column of a table, leaving out what is not available.
func (t *Table) Series(name string) (Series, error) {
	column, err := t.Column(name)
	if err != nil {
		return Series{}, err
	}
	if t.Times == nil {
		return Series{}, Refuse("no-time", name, "the table is a snapshot, it has no time axis")
	}
	s := Series{Name: name, Unit: column.Unit, Source: t.Provenance}
	for i, v := range column.Values {
		if !math.IsNaN(v) {
			s.Times = append(s.Times, t.Times[i])
			s.Values = append(s.Values, v)
		}
	}
	if len(s.Values) == 0 {
		return Series{}, Refuse("not-available", name, "not available: the column is empty")
	}
	return s, nil
}

// Len is the number of observations.
func (s Series) Len() int { return len(s.Values) }

// CheckWindow refuses days of a window that are none (want "2006-01-02"; empty means open), and one that ends before it
// begins. Window compares days as text, and would answer for another window than the one that was meant.
func CheckWindow(from, to string) error {
	for _, day := range []struct{ name, value string }{{"from", from}, {"to", to}} {
		if _, err := time.Parse(time.DateOnly, day.value); day.value != "" && err != nil {
			return Refuse("window", day.name, "%q is not a day YYYY-MM-DD", day.value)
		}
	}
	if from != "" && to != "" && from > to {
		return Refuse("window", "to", "ends on %s, before it begins on %s", to, from)
	}
	return nil
}

// Window keeps the observations of the civil days from … to, both included ("2006-01-02"; empty means open). It shares
// times and values with the series.
func (s Series) Window(from, to string) Series {
	first, last := 0, len(s.Times)
	if from != "" {
		first = sort.Search(len(s.Times), func(i int) bool { return s.Times[i].Format(time.DateOnly) >= from })
	}
	if to != "" {
		last = sort.Search(len(s.Times), func(i int) bool { return s.Times[i].Format(time.DateOnly) > to })
	}
	last = max(first, last)
	s.Times, s.Values = s.Times[first:last], s.Values[first:last]
	return s
}

// WindowAfter is Window with the observation before it, where there is one.
func (s Series) WindowAfter(from, to string) Series {
	inside := s.Window(from, to)
	first := sort.Search(len(s.Times), func(i int) bool { return s.Times[i].Format(time.DateOnly) >= from })
	if from == "" || first == 0 || inside.Len() == 0 {
		return inside
	}
	inside.Times, inside.Values = s.Times[first-1:first+inside.Len()], s.Values[first-1:first+inside.Len()]
	return inside
}

// LogReturns is r_t = 100·ln(P_t/P_{t−1}) in percent, dated by t. It refuses
// fewer than two prices and any price that is not positive and finite.
func (s Series) LogReturns() (Series, error) {
	if len(s.Values) < 2 {
		return Series{}, Refuse("too-short", s.Name, "%d observations; returns need at least two", len(s.Values))
	}
	r := Series{Name: s.Name + " return", Unit: "percent", Source: s.Source, Times: s.Times[1:],
		Values: make([]float64, len(s.Values)-1)}
	previous := math.NaN()
	for i, p := range s.Values {
		if !(p > 0) || math.IsInf(p, 0) {
			return Series{}, Refuse("price-not-positive", s.Name,
				"price %v on %s; logarithms need positive prices (see the import's findings)", p,
				s.Times[i].Format(time.DateOnly))
		}
		// One logarithm per price: differences of logarithms, as the references do.
		logP := math.Log(p)
		if i > 0 {
			r.Values[i-1] = 100 * (logP - previous)
		}
		previous = logP
	}
	return r, nil
}

// First and Last are the days of the first and last observation.
func (s Series) First() string { return day(s.Times, 0) }

// Last is the day of the last observation.
func (s Series) Last() string { return day(s.Times, len(s.Times)-1) }

// day is the date of a time by its place; empty where there is none.
func day(times []time.Time, i int) string {
	if i < 0 || i >= len(times) {
		return ""
	}
	return times[i].Format(time.DateOnly)
}

// Align keeps the times that every series has, and returns them with each series' values there. Times are compared by
// the second, in the order of the first series.
func Align(series ...Series) ([]time.Time, [][]float64) {
	if len(series) == 0 {
		return nil, nil
	}
	maps := make([]map[int64]float64, len(series))
	for i, s := range series {
		maps[i] = make(map[int64]float64, len(s.Values))
		for j, at := range s.Times {
			maps[i][at.Unix()] = s.Values[j]
		}
	}
	var times []time.Time
	values := make([][]float64, len(series))
next:
	for _, at := range series[0].Times {
		for _, m := range maps[1:] {
			if _, ok := m[at.Unix()]; !ok {
				continue next
			}
		}
		times = append(times, at)
		for i, m := range maps {
			values[i] = append(values[i], m[at.Unix()])
		}
	}
	return times, values
}

// Frequency is that of the rows that have a price, or of all rows of a table
// without one; the rows of one time in a panel count once.
func (t *Table) Frequency() Frequency {
	if name := t.PriceColumn(); name != "" {
		if s, err := t.Series(name); err == nil {
			return FrequencyOf(s.Times)
		}
	}
	return FrequencyOf(t.Times)
}
