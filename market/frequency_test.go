package market

import (
	"testing"
	"time"
)

// Frequencies by the way people record: what the annualisation then is, or that it is refused.
func TestFrequencyIsFoundFromStepAndCalendar(t *testing.T) {
	start := time.Date(2021, 1, 4, 0, 0, 0, 0, time.UTC) // a Monday
	every := func(n int, step time.Duration) (out []time.Time) {
		for i := range n {
			out = append(out, start.Add(time.Duration(i)*step))
		}
		return out
	}
	months := func(n, step int) (out []time.Time) {
		for i := range n {
			out = append(out, time.Date(2010, time.Month(1+i*step), 1, 0, 0, 0, 0, time.UTC))
		}
		return out
	}
	without := func(times []time.Time, drop func(i int, at time.Time) bool) (out []time.Time) {
		for i, at := range times {
			if !drop(i, at) {
				out = append(out, at)
			}
		}
		return out
	}
	day := 24 * time.Hour
	weekend := func(_ int, at time.Time) bool { return at.Weekday() == time.Saturday || at.Weekday() == time.Sunday }
	for _, c := range []struct {
		name  string
		times []time.Time
		want  float64
	}{
		{"1 minute", every(3000, time.Minute), 525_600}, {"5 minutes", every(3000, 5*time.Minute), 105_120}, {"1 hour", every(800, time.Hour), 8760}, {"4 hours", every(300, 4*time.Hour), 2190},
		{"1 day", every(300, day), 365}, {"1 day (5-day week)", without(every(300, day), weekend), 252},
		{"1 day (6-day week)", without(every(300, day), func(_ int, at time.Time) bool { return at.Weekday() == time.Sunday }), 313},
		{"week", every(300, 7*day), 52}, {"two weeks", every(60, 14*day), 26}, {"month", months(60, 1), 12}, {"quarter", months(40, 3), 4}, {"half-year", months(20, 6), 2}, {"year", months(10, 12), 1},
		{"1 day", without(every(700, day), func(i int, _ time.Time) bool { return i > 100 && i < 400 }), 365}, // a hole is a hole
		{"irregular", without(every(700, day), func(i int, at time.Time) bool { return weekend(i, at) || i*7%10 < 3 }), 0},
		{"1 hour", without(every(800, time.Hour), func(_ int, at time.Time) bool { return at.Hour() < 9 || at.Hour() > 17 }), 0}, // an exchange's hours
		{"irregular", every(50, 45*day), 0}, {"unknown", every(1, day), 0},
	} {
		if got := FrequencyOf(c.times); got.Name != c.name || got.PeriodsPerYear != c.want {
			t.Errorf("%s, want %g: %+v", c.name, c.want, got)
		}
	}
}

// An exchange that opened on some Sundays still has a week of five days; one that opened on all of them has six.
func TestSundaysOfSomeMonthsMakeNoSixDayWeek(t *testing.T) {
	for _, c := range []struct {
		sundays int // of 52
		name    string
		periods float64
	}{{0, "1 day (5-day week)", 252}, {12, "1 day (5-day week)", 252}, {52, "1 day (6-day week)", 313}} {
		var times []time.Time
		for day := time.Date(2021, 3, 15, 0, 0, 0, 0, time.UTC); day.Before(time.Date(2022, 3, 14, 0, 0, 0, 0, time.UTC)); day = day.AddDate(0, 0, 1) {
			week := int(day.Sub(time.Date(2021, 3, 15, 0, 0, 0, 0, time.UTC)).Hours() / 24 / 7)
			if w := day.Weekday(); w != time.Saturday && (w != time.Sunday || week < c.sundays) {
				times = append(times, day)
			}
		}
		if f := FrequencyOf(times); f.Name != c.name || f.PeriodsPerYear != c.periods {
			t.Errorf("%d Sundays: %+v", c.sundays, f)
		}
	}
}
