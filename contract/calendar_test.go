package contract

import (
	"fmt"
	"math"
	"testing"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/aqsha/aqsha/token"
)

// What is due on a day of the calendar is due at the first midnight after, found by walking over the days one by one: about
// every midnight of years with and without a leap day, also those of centuries, for every day of the calendar.
func TestNextDueIsTheFirstSuchDay(t *testing.T) {
	t.Parallel()
	const day = 86_400_000
	due := func(midnight int64, p Recurrence) bool {
		date := time.UnixMilli(midnight).In(Zone)
		lastOfMonth := date.AddDate(0, 0, 1).Day() == 1
		weekday := Recurrence(-((int(date.Weekday())+6)%7 + 1))
		return p == weekday || int(p) == date.Day() || p > 0 && lastOfMonth && int(p) > date.Day()
	}
	for _, begins := range []int{1999, 2003, 2099} {
		first, last := time.Date(begins, 12, 1, 0, 0, 0, 0, Zone).UnixMilli(), time.Date(begins+2, 2, 1, 0, 0, 0, 0, Zone).UnixMilli()
		for p := sunday; p <= lastMonthDay; p++ {
			if p == 0 {
				continue
			}
			var want int64 // the first after the midnight that is looked at, from the last backwards
			for midnight := last + 62*day; midnight >= first; midnight -= day {
				if midnight <= last {
					for at, want := range map[int64]int64{midnight: want, midnight + 1: want, midnight + day/2: want, midnight + day - 1: want} {
						if got, ok := NextDue(at, p); !ok || got != want {
							t.Fatalf("%s after %s: %s, want %s", p, Moment(at), Moment(got), Moment(want))
						}
					}
				}
				if due(midnight, p) {
					want = midnight
				}
			}
		}
	}
}

// A year of each 31st has twelve ends of months: a short month does not move those after it.
func TestEach31stIsTheLastOfEachMonth(t *testing.T) {
	at := time.Date(2028, 1, 31, 9, 0, 0, 0, Zone).UnixMilli()
	var got string
	for range 12 {
		at, _ = NextDue(at, 31)
		got += time.UnixMilli(at).In(Zone).Format("0102 ")
	}
	if want := "0229 0331 0430 0531 0630 0731 0831 0930 1031 1130 1231 0131 "; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestPeriodsAreReadAsTheyAreWritten(t *testing.T) {
	now := time.Date(2026, 11, 30, 1, 0, 0, 0, Zone).UnixMilli() // the 29th in Greenwich
	for text, want := range map[string]Recurrence{
		"30d": 30 * 86_400_000, "36h": 36 * 3_600_000, "each 1st": 1, "Each 22nd": 22, "each 3rd": 3, "each  11th": 11, "each 31st": 31, "each monday": -1, "each Sunday": -7,
		"each day": 86_400_000, "each week": 7 * 86_400_000, "each month": 30,
	} {
		if got, err := ParseRecurrence(text, now); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "each", "each 0th", "each 32nd", "each 1th", "each moon", "30", "0s", "-3h", "5ms", "31ms", "d", "each -1st"} {
		if got, err := ParseRecurrence(text, now); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
	for p := sunday; p <= lastMonthDay; p++ {
		if p == 0 {
			continue
		}
		if got, err := ParseRecurrence(p.String(), now); err != nil || got != p {
			t.Errorf("%d is written %q, which is read %d (%v)", p, p, got, err)
		}
	}
}

// The function of expressions is NextDue, where there is a time; before version 5 there is no such word.
func TestNextDueInExpressions(t *testing.T) {
	t.Parallel()
	d := &Definition{Name: "due", Terms: []Field{{"t", token.IntValue}, {"p", token.IntValue}}}
	for rules := uint32(1); rules <= NewestRules; rules++ {
		c, err := newCompiler(environmentOf(rules), fixedVariables(d))
		if err != nil {
			t.Fatal(err)
		}
		x, problem := c.compile("test", "next_due(terms.t, terms.p)", cel.IntType)
		if (problem == nil) != (rules >= 5) {
			t.Fatalf("under rules %d: %v", rules, problem)
		}
		if problem != nil {
			continue
		}
		for _, at := range []int64{math.MinInt64, -1, 0, 1_800_000_000_000, maxCalendar, maxCalendar + 1, math.MaxInt64 - 5, math.MaxInt64} {
			for _, p := range []Recurrence{math.MinInt64, -8, -7, -1, 0, 1, 31, 32, 999, 1000, math.MaxInt64} {
				s := &scope{getters: c.getters, instance: &Instance{Terms: []token.Value{token.Int(at), token.Int(int64(p))}}}
				got, refused := x.int(s)
				want, ok := NextDue(at, p)
				if (refused == nil) != ok || ok && (got != want || got <= at) {
					t.Fatal(fmt.Sprint(at, " ", int64(p), ": ", got, " ", refused, ", want ", want, " ", ok))
				}
			}
		}
	}
}
