package market

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A day that is written in any of our own ways is read as that day, and a year
// has the weeks of ISO 8601 and no more.
func TestDatesAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 50_000).Draw(t, "day"))
		year, week := day.ISOWeek()
		monday := day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
		first := func(month int) time.Time { return time.Date(day.Year(), time.Month(month), 1, 0, 0, 0, 0, time.UTC) }
		quarter := (int(day.Month()) + 2) / 3
		months := [][12]string{
			{"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"},
			{"қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан"},
			{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
		}
		name := rapid.SampledFrom(months).Draw(t, "language")[day.Month()-1]
		for text, want := range map[string]time.Time{
			fmt.Sprintf("%04d-W%02d", year, week):                                                monday,
			fmt.Sprintf("Q%d/%04d", quarter, day.Year()):                                         first(3*quarter - 2),
			fmt.Sprintf("%d кв. %04d", quarter, day.Year()):                                      first(3*quarter - 2),
			fmt.Sprintf("%04d-H%d", day.Year(), (quarter+1)/2):                                   first(6*((quarter+1)/2) - 5),
			fmt.Sprint(int(day.Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)).Hours() / 24)): day,
			fmt.Sprintf("%d %s %04d", day.Day(), name, day.Year()):                               day,
			fmt.Sprintf("%d %s %04d г.", day.Day(), name, day.Year()):                            day,
			day.Format("2006.01.02"):                                                             day,
			day.Format("2006-1-2"):                                                               day,
			day.Format("Mon Jan 02 2006"):                                                        day,
		} {
			found := layoutOf([]string{text}, time.UTC)
			got, err := parseTime(text, found.layout, time.UTC)
			if err != nil || !got.Equal(want) {
				t.Fatalf("%q by %q is %v %v, want %v", text, found.layout, got, err, want)
			}
		}
	})
	for _, bad := range []string{"2023-W53", "2024-W00", "Q5/2024", "2024-H3", "5 кв. 2024", "80000", "19999", "31 февраля 2024"} {
		for _, layout := range []string{layoutWeek, layoutQuarter, layoutHalf, layoutSerial, layoutNames + "2 January 2006"} {
			if at, err := parseTime(bad, layout, time.UTC); err == nil {
				t.Errorf("%q by %s is %v", bad, layout, at)
			}
		}
	}
}

// Rows give the same table as separated text, as arrays, as objects, as lists and as an object a line.
func TestJSONReadsWhatTextReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(1, 1e6), 3, 20).Draw(t, "values")
		var text, perLine strings.Builder
		text.WriteString("time,value\n")
		var pairs [][2]any
		var objects []map[string]any
		var times []int64
		for i, v := range values {
			at := int64(1_700_000_000 + 86400*i)
			fmt.Fprintf(&text, "%d,%v\n", at, v)
			row := map[string]any{"time": at, "value": v}
			line, _ := json.Marshal(row)
			perLine.Write(append(line, '\n'))
			pairs, objects, times = append(pairs, [2]any{at, v}), append(objects, row), append(times, at)
		}
		want, err := Parse("x.csv", []byte(text.String()), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for name, form := range map[string]any{"arrays": map[string]any{"result": pairs}, "objects": objects,
			"lists": map[string]any{"time": times, "value": values}, "lines": perLine.String()} {
			data, _ := json.Marshal(form)
			if lines, ok := form.(string); ok {
				data = []byte(lines)
			}
			got, err := Parse("x.json", data, ReadOptions{})
			if err != nil || got.Rows() != want.Rows() {
				t.Fatalf("%s: %v", name, err)
			}
			for i := range values {
				if math.Float64bits(got.numbers("value")[i]) != math.Float64bits(want.numbers("value")[i]) || !got.Times[i].Equal(want.Times[i]) {
					t.Fatalf("%s: row %d is %v at %v", name, i, got.numbers("value")[i], got.Times[i])
				}
			}
		}
	})
}
