package market

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// at reads a date by one of our layouts.
func at(t *testing.T, cell, layout string) (time.Time, error) {
	t.Helper()
	day, known, err := ours(cell, layout, time.UTC)
	if !known {
		t.Fatalf("%q is no layout of ours", layout)
	}
	return day, err
}

// Quarters, halves and weeks of seventy years are read to their first day, in every way that they are written; what a year
// has not is refused.
func TestPartsOfYears(t *testing.T) {
	for year := 1990; year <= 2060; year++ {
		for q := 1; q <= 4; q++ {
			want := time.Date(year, time.Month(3*q-2), 1, 0, 0, 0, 0, time.UTC)
			roman := []string{"I", "II", "III", "IV"}[q-1]
			cells := []string{fmt.Sprintf("%dQ%d", year, q), fmt.Sprintf("%d-Q%d", year, q), fmt.Sprintf("Q%d/%d", q, year), fmt.Sprintf("Q%d %d", q, year),
				fmt.Sprintf("q%d.%d", q, year), fmt.Sprintf("%dQ %d", q, year), fmt.Sprintf("%d кв. %d г.", q, year), fmt.Sprintf("%d жылғы %d-тоқсан", year, q),
				fmt.Sprintf("%s квартал %d года", roman, year), fmt.Sprintf("%d %s", year, roman)}
			if year >= 2000 {
				cells = append(cells, fmt.Sprintf("Q%d'%02d", q, year-2000), fmt.Sprintf("%dQ%02d", q, year-2000))
			}
			for _, cell := range cells {
				if got, err := at(t, cell, layoutQuarter); err != nil || !got.Equal(want) {
					t.Errorf("%q is %v, want %v (%v)", cell, got, want, err)
				}
			}
		}
		for h := 1; h <= 2; h++ {
			want := time.Date(year, time.Month(6*h-5), 1, 0, 0, 0, 0, time.UTC)
			if got, err := at(t, fmt.Sprintf("%d-H%d", year, h), layoutHalf); err != nil || !got.Equal(want) {
				t.Errorf("half %d of %d is %v (%v)", h, year, got, err)
			}
		}
		monday := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		for monday.Weekday() != time.Monday {
			monday = monday.AddDate(0, 0, 1)
		}
		last := 0
		for ; monday.Year() == year; monday = monday.AddDate(0, 0, 7) {
			y, w := monday.ISOWeek()
			if y == year {
				last = w
			}
			for _, cell := range []string{fmt.Sprintf("%d-W%02d", y, w), fmt.Sprintf("%dw%02d", y, w)} {
				if got, err := at(t, cell, layoutWeek); err != nil || !got.Equal(monday) {
					t.Errorf("%q is %v, want %v (%v)", cell, got, monday, err)
				}
			}
		}
		if got, err := at(t, fmt.Sprintf("%d-W%02d", year, last+1), layoutWeek); err == nil {
			t.Errorf("week %d of %d is %v", last+1, year, got)
		}
	}
	for layout, cells := range map[string][]string{
		layoutQuarter: {"", "Q", "2006Q0", "2006Q5", "Q12006Q1", "2006V", "20061", "06Q1Q", "-2006Q1-5", strings.Repeat("Q", 70), "2006H1", "Q1", "1/2006"},
		layoutHalf:    {"", "2006H0", "2006H3", "2006Q1", "H", "2006-H"},
		layoutWeek:    {"", "2006-W00", "2006-W54", "2006W5", "W05-2006", "2006-05", "2006-WW5", "2006-W-5"},
		layoutSerial:  {"", "19999", "80000", "4e4", "+40000", "-40000", "40000,5", "NaN"},
	} {
		for _, cell := range cells {
			if got, err := at(t, cell, layout); err == nil {
				t.Errorf("%s %q is %v", layout, cell, got)
			}
		}
	}
}

// A spreadsheet's days are its own, to the second, through leap years and centuries.
func TestDaysOfSpreadsheets(t *testing.T) {
	for day := 20_000; day < 80_000; day += 7 {
		want := time.Date(1899, 12, 30+day, 0, 0, 0, 0, time.UTC)
		for part, seconds := range map[string]int{"": 0, ".0": 0, ".5": 43_200, ".25": 21_600, ".999988425925926": 86_399} {
			if got, err := at(t, fmt.Sprint(day)+part, layoutSerial); err != nil || !got.Equal(want.Add(time.Duration(seconds)*time.Second)) {
				t.Fatalf("%d%s is %v (%v)", day, part, got, err)
			}
		}
	}
}

// A month's name in any language that exports have means the same in a date, in capitals, abbreviated with a point, and
// beside a day of the week; a word that is none makes no date.
func TestMonthsInEveryLanguage(t *testing.T) {
	for _, cell := range []string{"7 HAZİRAN 2019", "7 Haziran 2019", "7 HAZIRAN 2019"} {
		if got, err := at(t, cell, layoutNames+"2 January 2006"); err != nil || got.Month() != time.June {
			t.Errorf("%q is %v (%v)", cell, got, err)
		}
	}
	for name, month := range monthNames {
		want := time.Date(2019, month, 7, 0, 0, 0, 0, time.UTC)
		for _, cell := range []string{"7 " + name + " 2019", "7 " + strings.ToUpper(name) + " 2019", "7 " + name + ". 2019", "7 " + name + " 2019 г.",
			"Sun, 7 " + name + " 2019", "7 de " + name + " de 2019"} {
			if got, err := at(t, cell, layoutNames+"2 January 2006"); err != nil || !got.Equal(want) {
				t.Errorf("%q is %v, want %v (%v)", cell, got, want, err)
			}
		}
		for _, cell := range []string{"7 " + name + "x 2019", "7 " + name + " about 2019", name + " " + name + " 2019", "32 " + name + " 2019"} {
			if got, err := at(t, cell, layoutNames+"2 January 2006"); err == nil {
				t.Errorf("%q is %v", cell, got)
			}
		}
	}
}
