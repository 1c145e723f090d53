package planner

import (
	"fmt"
	"time"

	"github.com/aqsha/aqsha/params"
)

// Month counts calendar months: 12·year + month − 1. So months are compared and subtracted as numbers.
type Month int

// ParseMonth reads "2027-01".
func ParseMonth(text string) (Month, error) {
	t, err := time.Parse("2006-01", text)
	if err != nil {
		return 0, fmt.Errorf("month %q: want YYYY-MM", text)
	}
	return Month(12*t.Year() + int(t.Month()) - 1), nil
}

// MonthOf is the month of a day. The day was parsed before: one that is none gives month 0.
func MonthOf(day params.Date) Month {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return 0
	}
	return Month(12*t.Year() + int(t.Month()) - 1)
}

// Year and number (1 to 12) of the month.
func (m Month) Year() int { return int(m) / 12 }

// Number is 1 for January.
func (m Month) Number() int { return int(m)%12 + 1 }

// String is "2027-01".
func (m Month) String() string { return fmt.Sprintf("%04d-%02d", m.Year(), m.Number()) }

// First day of the month.
func (m Month) First() params.Date { return params.Date(m.String() + "-01") }

// Day of the month.
func (m Month) Day(day int) params.Date { return params.Date(fmt.Sprintf("%s-%02d", m, day)) }

// Days in the month.
func (m Month) Days() int {
	return time.Date(m.Year(), time.Month(m.Number())+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
