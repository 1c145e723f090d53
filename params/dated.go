package params

import (
	"fmt"
	"sort"
	"time"
)

// Date is a civil day as "2006-01-02". Dates compare as text.
type Date string

// ParseDate reads a day in ISO 8601 form.
func ParseDate(text string) (Date, error) {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "", fmt.Errorf("date %q: want YYYY-MM-DD", text)
	}
	return Date(text), nil
}

// DateOf is the civil day of an instant in its own zone.
func DateOf(t time.Time) Date { return Date(t.Format(time.DateOnly)) }

// Fact is a value in force from a day on, until the next fact of its series.
type Fact[T any] struct {
	From   Date
	Value  T
	Source string // the law, order or page that says so
}

// Series is a quantity over time, its facts in ascending order of From.
type Series[T any] struct {
	Name  string
	Facts []Fact[T]
}

// At returns the fact in force on a day. Before the first fact there is none, and the error says so.
func (s Series[T]) At(day Date) (Fact[T], error) {
	after := sort.Search(len(s.Facts), func(i int) bool { return s.Facts[i].From > day })
	if after == 0 {
		return Fact[T]{}, fmt.Errorf("%s: nothing known on %s", s.Name, day)
	}
	return s.Facts[after-1], nil
}
