package market

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// One odd cell of a table is named with its line, and the table is not said to be of no form.
func TestOneOddCellIsNamed(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]struct{ code, line string }{
		"2020-01-09;inf": {"market-not-a-number", `line 10: "inf"`}, "2020-01-09;0x1F": {"market-not-a-number", `line 10: "0x1F"`},
		"2020-01-09;1_000": {"market-not-a-number", `line 10: "1_000"`}, "2020-01-09;1e400": {"market-number-mixed", `line 10 "1e400"`},
		"Итого за месяц;27": {"market-time-bad", `line 10: "Итого за месяц"`},
		"32.13.2020;27":     {"market-time-bad", `line 10: "32.13.2020"`},
	} {
		text := "Дата;Цена\n"
		for i := range 20 {
			row := fmt.Sprintf("%s;%d.5", dateOf(i), 100+i)
			if i == 8 {
				row = cell
			}
			text += row + "\n"
		}
		_, err := Parse("x.csv", []byte(text), ReadOptions{})
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != want.code || !strings.Contains(refused.Detail, want.line) {
			t.Errorf("%s: %v", cell, err)
		}
	}
	// Where no column is nearly one, the columns are what is not known.
	_, err := Parse("x.csv", []byte("date;of\n2020-01-01;a\n2020-01-02;b\n"), ReadOptions{})
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "market-form-unknown" {
		t.Error(err)
	}
}

// Abbreviated months as Excel writes them, the point of the abbreviation before the year's digits, are read.
func TestAbbreviatedMonthsBeforeDigits(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{"янв.24": "2024-01-01", "фев.24": "2024-02-01", "01.янв.2024": "2024-01-01",
		"15.дек.24": "2024-12-15", "қаң.24": "2024-01-01", "янв. 2024": "2024-01-01", "Jan-24": "2024-01-01",
		"1. Januar 2024": "2024-01-01", "янв.24 г.": "2024-01-01"} {
		layout := layoutOf([]string{cell}, time.UTC).layout
		if at, err := parseTime(cell, layout, time.UTC); err != nil || at.Format("2006-01-02") != want {
			t.Errorf("%q: %v by %q, %v", cell, at, layout, err)
		}
	}
}
