package contract

import (
	"testing"

	"github.com/aqsha/aqsha/token"
)

// A day of the calendar is a day of the calendar only where something is due again and again by it.
func TestDaysOfTheCalendarWhereTheyMeanOne(t *testing.T) {
	of := func(name string) *Definition {
		text, _ := Template(name)
		source, problems := Parse(text)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return &source.Definition
	}
	for _, tc := range []struct {
		template, field, text string
		taken                 bool
	}{
		{"subscription", "period", "each 31st", true}, {"subscription", "period", "each monday", true}, {"subscription", "period", "30d", true},
		{"subscription", "period", "31ms", false}, {"subscription", "period", "1", false}, {"subscription", "period", "32ms", true},
		{"subscription", "price", "each 31st", false}, {"order", "every", "each 1st", true}, {"order", "every", "0", true}, {"order", "inspect", "each 1st", false}, {"escrow", "days", "each 31st", false},
		{"refund", "window", "each 3rd", false}, {"escrow", "days", "31", true},
	} {
		if _, err := of(tc.template).ParseField(Field{tc.field, token.IntValue}, tc.text, 1_796_000_000_000); (err == nil) != tc.taken {
			t.Errorf("%s, %s %q: %v", tc.template, tc.field, tc.text, err)
		}
	}
}
