package contract

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxCalendar bounds the times that have a next day: the year 144,683, before which every calendar's arithmetic is
// exact.
const maxCalendar = 1 << 52

// Recurrence is how often something is due (as in iCalendar, RFC 5545, section 3.3.10), as one integer of a term: 1 to
// 31 that day of each month, −1 to −7 each Monday to Sunday, more than that a span in milliseconds. In a month without
// the day it is the last one: the 31st of each month is 28 February, and then 31 March. Days begin in the network's
// time.
type Recurrence int64

// Sunday is the last of the weekdays, of which Monday is −1 (ISO 8601 counts them so).
const (
	lastMonthDay            = 31
	sunday       Recurrence = -7
)

// Known says whether a number is one.
func (p Recurrence) Known() bool { return p >= sunday && p != 0 }

// Calendar says whether it is a day of the calendar and not a span.
func (p Recurrence) Calendar() bool { return p >= sunday && p <= lastMonthDay }

// NextDue is the first moment after t, in ms, at which something of a period is due. It says no where there is none: no
// period, or a time outside of the calendar of the ledger.
func NextDue(t int64, p Recurrence) (int64, bool) {
	switch {
	case !p.Known():
		return 0, false
	case !p.Calendar():
		next := t + int64(p)
		return next, next > t
	case t < 0 || t > maxCalendar:
		return 0, false
	}
	at := time.UnixMilli(t).In(Zone)
	if p < 0 {
		weekday := (int(at.Weekday()) + 6) % 7 // Monday is 0
		ahead := (int(-p) - 1 - weekday + 7) % 7
		if ahead == 0 {
			ahead = 7
		}
		return time.Date(at.Year(), at.Month(), at.Day()+ahead, 0, 0, 0, 0, Zone).UnixMilli(), true
	}
	next := monthDay(at.Year(), at.Month(), int(p))
	if next <= t {
		next = monthDay(at.Year(), at.Month()+1, int(p))
	}
	return next, true
}

// monthDay is when a day of a month begins, or the month's last if it has no such day.
func monthDay(year int, month time.Month, day int) int64 {
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, Zone).Day()
	return time.Date(year, month, min(day, last), 0, 0, 0, 0, Zone).UnixMilli()
}

// nextDue is NextDue for expressions.
func nextDue(t, period types.Int) ref.Val {
	next, ok := NextDue(int64(t), Recurrence(period))
	if !ok {
		return types.NewErr("next_due: want a time of the calendar, and 1 to 31, -1 to -7 or a span")
	}
	return types.Int(next)
}

// ParseDeadline reads until when something lasts, as people write it at a time: a span such as 30d; a day of the
// calendar ("each 1st": the next one); a date, which begins in the network's time.
func ParseDeadline(text string, now int64) (int64, error) {
	if at, err := time.ParseInLocation(time.DateOnly, text, Zone); err == nil {
		return at.UnixMilli(), nil
	}
	if span, err := parseSpan(text); err == nil {
		if end := now + span; span >= 0 && end >= now {
			return end, nil
		}
		return 0, fmt.Errorf("%q: want a span that is not negative", text)
	}
	period, err := ParseRecurrence(text, now)
	if err != nil {
		return 0, fmt.Errorf("%q: want a span such as 90m, 24h or 30d, a date such as 2027-05-31, or a day of the "+
			"calendar such as \"each 1st\"", text)
	}
	end, _ := NextDue(now, period)
	return end, nil
}

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// ParseRecurrence reads how often something is due, as people write it at a time: "each 1st", "each 31st", "each
// monday", "each day", "each week", "each month" (today's day of each), or a span such as 36h or 30d.
func ParseRecurrence(text string, now int64) (Recurrence, error) {
	word, calendar := strings.CutPrefix(strings.ToLower(strings.Join(strings.Fields(text), " ")), "each ")
	if !calendar {
		span, err := parseSpan(text)
		if p := Recurrence(span); err != nil || p.Calendar() || !p.Known() {
			return 0, fmt.Errorf("%q: want a span such as 36h or 30d, or \"each 1st\" to \"each 31st\", \"each "+
				"monday\", \"each month\"", text)
		}
		return Recurrence(span), nil
	}
	if at, ok := find(weekdays, word); ok {
		return Recurrence(-1 - at), nil
	}
	switch word {
	case "day":
		return 86_400_000, nil
	case "week":
		return 7 * 86_400_000, nil
	case "month":
		return Recurrence(time.UnixMilli(now).In(Zone).Day()), nil
	}
	for day := 1; day <= lastMonthDay; day++ {
		if word == ordinal(day) {
			return Recurrence(day), nil
		}
	}
	return 0, fmt.Errorf("%q: each of what? \"each 1st\" to \"each 31st\", \"each monday\", \"each day\", \"each "+
		"week\" or \"each month\"", text)
}

// ordinal is a day of the month as it is said in English.
func ordinal(day int) string {
	ending := "th"
	switch {
	case day/10 == 1:
	case day%10 == 1:
		ending = "st"
	case day%10 == 2:
		ending = "nd"
	case day%10 == 3:
		ending = "rd"
	}
	return strconv.Itoa(day) + ending
}

// String is how a period is written.
func (p Recurrence) String() string {
	switch {
	case !p.Known():
		return strconv.FormatInt(int64(p), 10)
	case p < 0:
		return "each " + weekdays[-p-1]
	case p.Calendar():
		return "each " + ordinal(int(p))
	}
	return Period(uint64(p))
}

// parseSpan reads Go's durations, and days, as milliseconds.
func parseSpan(text string) (int64, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseInt(days, 10, 32); err == nil {
			return n * 86_400_000, nil
		}
	}
	span, err := time.ParseDuration(text)
	return span.Milliseconds(), err
}
