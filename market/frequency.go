package market

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Frequency is how often a series is observed. PeriodsPerYear is 0 where it
// could not be recognised; Why then says what stands against it.
type Frequency struct {
	Name           string  `json:"name"`
	PeriodsPerYear float64 `json:"periods_per_year"`
	Why            string  `json:"why"`
}

// TradingDays are the days of an exchange's year, of which about nine of the
// 261 weekdays are holidays; the number that the literature annualises with.
const TradingDays = 252

// dense is the least part of its expected times that a series must have;
// below, a return spans another time than its name says.
const dense = 0.9

// FrequencyOf finds the frequency from the median step and from the days of
// the week that occur. Holes of more than twenty steps are left out of the
// density: they are gaps of the file, not its frequency.
func FrequencyOf(times []time.Time) Frequency {
	step, steps := medianStep(times)
	if step == 0 {
		return Frequency{"unknown", 0, fmt.Sprintf("%d times are too few to tell", len(times))}
	}
	switch days := step.Hours() / 24; {
	case step < 20*time.Hour:
		return intraday(times, step, steps)
	case days <= 1.5:
		return daily(times, steps)
	default:
		for _, c := range []struct {
			name          string
			low, high     float64
			periods, most float64
		}{{"week", 6.5, 7.5, 52, 9}, {"two weeks", 13.5, 14.5, 26, 17}, {"month", 27.5, 31.5, 12, 35},
			{"quarter", 89, 93, 4, 100}, {"half-year", 180, 185, 2, 190}, {"year", 364, 367, 1, 370}} {
			if days >= c.low && days <= c.high {
				return regular(c.name, c.periods, steps, func(d float64) bool { return d >= c.low-3 && d <= c.most })
			}
		}
	}
	if days := int(step / (24 * time.Hour)); days >= 2 && days <= 6 && step%(24*time.Hour) == 0 {
		// A chart of many years is thinned to every second or third day.
		return regular(fmt.Sprintf("%d days", days), 365/float64(days), steps,
			func(d float64) bool { return math.Abs(d-float64(days)) < 0.1 })
	}
	return Frequency{"irregular", 0, fmt.Sprintf("the median step of %s is that of no calendar", step)}
}

// medianStep returns the positive steps, sorted, and their median.
func medianStep(times []time.Time) (time.Duration, []time.Duration) {
	steps := make([]time.Duration, 0, len(times))
	for i := 1; i < len(times); i++ {
		if d := times[i].Sub(times[i-1]); d > 0 {
			steps = append(steps, d)
		}
	}
	if len(steps) == 0 {
		return 0, nil
	}
	if sameSteps(steps) {
		return steps[0], steps
	}
	slices.Sort(steps)
	return steps[len(steps)/2], steps
}

// sameStep is the step of a series in which every step is the same.
func sameStep(times []time.Time) (step time.Duration, all bool) {
	if len(times) < 2 || !times[0].Before(times[1]) {
		return 0, false
	}
	step = times[1].Sub(times[0])
	want := times[0]
	for _, at := range times {
		if !at.Equal(want) {
			return 0, false
		}
		want = want.Add(step)
	}
	return step, true
}

// sameSteps says whether all steps are the first one.
func sameSteps(steps []time.Duration) bool {
	return !slices.ContainsFunc(steps, func(d time.Duration) bool { return d != steps[0] })
}

// regular is a frequency whose steps are of a calendar, so that they may differ; nine in ten must fit.
func regular(name string, periods float64, steps []time.Duration, fits func(days float64) bool) Frequency {
	n := 0
	for _, d := range steps {
		if fits(d.Hours() / 24) {
			n++
		}
	}
	if float64(n) < dense*float64(len(steps)) {
		return Frequency{"irregular", 0, fmt.Sprintf("only %d of %d steps are of a %s", n, len(steps), name)}
	}
	return Frequency{name, periods, fmt.Sprintf("%d of %d steps are of a %s", n, len(steps), name)}
}

// density is how many of the steps that the covered time would hold are there.
func density(step time.Duration, steps []time.Duration) float64 {
	covered, n := 0.0, 0
	for _, d := range steps {
		if d <= 20*step {
			covered, n = covered+math.Max(1, math.Round(float64(d)/float64(step))), n+1
		}
	}
	return float64(n) / covered
}

// intraday is a frequency of less than a day. A number of periods a year is told only for trade around the clock: what
// part of the day an exchange is open does not show.
func intraday(times []time.Time, step time.Duration, steps []time.Duration) Frequency {
	name := fmt.Sprintf("%d minutes", step/time.Minute)
	switch {
	case step == time.Minute:
		name = "1 minute"
	case step == time.Hour:
		name = "1 hour"
	case step%time.Hour == 0:
		name = fmt.Sprintf("%d hours", step/time.Hour)
	}
	if step < time.Minute && step%time.Second == 0 {
		name = fmt.Sprintf("%d seconds", step/time.Second)
	}
	if step%time.Second != 0 || (24*time.Hour)%step != 0 {
		return Frequency{"irregular", 0, fmt.Sprintf("the median step of %s does not divide a day", step)}
	}
	if d := density(step, steps); d < dense || weekDays(times)&(1<<time.Saturday|1<<time.Sunday) == 0 &&
		times[len(times)-1].Sub(times[0]) > 7*24*time.Hour {
		return Frequency{name, 0,
			fmt.Sprintf("steps of %s, but not around the clock all week (%.0f %% of the times are there): the hours "+
				"of trading are not known", step, 100*d)}
	}
	return Frequency{name, 365 * float64(24*time.Hour/step),
		fmt.Sprintf("a median step of %s, around the clock and all week", step)}
}

// weekDays are the days of the week that have at least a third of the rows that
// the fullest has: Saturdays of make-up work, or the Sundays on which an
// exchange opened for some months, make no six-day week.
func weekDays(times []time.Time) (set int) {
	count := [7]int{}
	for _, at := range times {
		count[at.Weekday()]++
	}
	for day, n := range count {
		if n > 0 && 3*n >= slices.Max(count[:]) {
			set |= 1 << day
		}
	}
	return set
}

// daily tells weeks of five, six and seven days apart, and whether the days
// that such a calendar has are there.
func daily(times []time.Time, steps []time.Duration) Frequency {
	set, week := weekDays(times), 0
	for day := range 7 {
		week += set >> day & 1
	}
	last := times[len(times)-1]
	// Ten days hold every day of the week; fewer show what they can.
	if last.Sub(times[0]) < 9*24*time.Hour {
		week = 7
		if set&(1<<time.Saturday|1<<time.Sunday) == 0 && len(times) > 3 && len(steps) > 0 &&
			steps[len(steps)-1] > 48*time.Hour {
			week = 5
		}
	}
	periods, ok := map[int]float64{5: TradingDays, 6: 313, 7: 365}[week]
	if !ok {
		return Frequency{"irregular", 0, fmt.Sprintf("rows fall on %d days of the week", week)}
	}
	expected, there := 0, 0
	for i := 1; i < len(times); i++ {
		gap := int(times[i].Sub(times[i-1]).Hours()/24 + 0.5)
		if gap < 1 || gap > 20 {
			continue
		}
		if week == 7 || set>>times[i].Weekday()&1 == 1 {
			there++
		}
		for d := 1; d <= gap; d++ {
			if day := times[i-1].AddDate(0, 0, d).Weekday(); week == 7 || set>>day&1 == 1 {
				expected++
			}
		}
	}
	d := float64(there) / float64(max(1, expected))
	if d < dense {
		return Frequency{"irregular", 0,
			fmt.Sprintf("days of a %d-day week, but only %.0f %% of them are there, about %.4g a year", week, 100*d,
				float64(len(times)-1)/(last.Sub(times[0]).Hours()/24/365.25))}
	}
	name := "1 day"
	if week < 7 {
		name = fmt.Sprintf("1 day (%d-day week)", week)
	}
	return Frequency{name, periods, fmt.Sprintf("a median step of a day on %d days of the week, %.0f %% of them there",
		week, 100*d)}
}
