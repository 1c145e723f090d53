package market

import (
	"strings"
	"testing"
	"time"
)

// Format codes as ECMA-376, part 1, section 18.8.31 writes them: what stands in quotes, behind a backslash, in brackets
// or as a width is no part of a date.
func TestFormatCodesOfDates(t *testing.T) {
	for _, code := range []string{"yyyy-mm-dd", `dd\.mm\.yyyy`, "m/d/yy", "d-mmm", "mmm-yy", "h:mm AM/PM", "h:mm:ss",
		"yyyy-mm-dd hh:mm:ss.000", "[$-419]d mmmm yyyy;@", `[$-F800]dddd\,\ mmmm\ dd\,\ yyyy`, "DD.MM.YYYY",
		`yyyy" ж. "mmmm`, "[Red]dd/mm/yyyy", "[$-411]ge.m.d", "mm:ss.0"} {
		if !showsDate(code) {
			t.Errorf("%s is a date", code)
		}
	}
	for _, code := range []string{"General", "0", "0.00", "#,##0", "#,##0.00", "0%", "0.00E+00", "# ?/?", "@", "",
		`0 "added"`, `"yy"0`, `#,##0\ "days"`, "[Red]0", "[$-419]0.00", `[$USD-409]#,##0.00`, "[Red][<100]0", `0.00" hh"`,
		`\d\d0`, `0\h\h`, `_-* #,##0.00\ _h_-;\-* #,##0.00\ _h_-;_-* "-"??\ _h_-;_-@_-`, `_d_d0`, `*d0`, "0.00 USD",
		"[h]:mm:ss", "[mm]:ss", "[ss]", `0;"dd.mm.yyyy"`, `"no end dd`, "[dd", `0\`} {
		if showsDate(code) {
			t.Errorf("%s is no date", code)
		}
	}
}

// A workbook whose numbers say what they are of, in their format, is read as numbers.
func TestNumbersWithTextsInTheirFormat(t *testing.T) {
	book := workbookOf(t, strings.ReplaceAll(sheetRows, `<c r="B4">`, `<c r="B4" s="3">`))
	table, err := Parse("rates.xlsx", book, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c := table.numbers("close"); c[0] != 446.78 {
		t.Errorf("%v", c)
	}
}

// Volumes that are swapped in every row, or fit in none, are found in a time of the file's length: its square would be
// hours.
func TestVolumesOfALongFile(t *testing.T) {
	const bars = 400_000
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for code, quote := range map[string]float64{"volume_swapped": 5, "volume_price": 77} {
		table := &Table{}
		column := func(name string, value float64) {
			values := make([]float64, bars)
			for i := range values {
				values[i] = value
			}
			table.Columns = append(table.Columns, Column{Name: name, Values: values})
		}
		column("close", 100)
		column("volume_base", 500)
		column("volume_quote", quote)
		for i := range bars {
			table.Times, table.Lines = append(table.Times, at.Add(time.Duration(i)*time.Minute)), append(table.Lines, i+2)
		}
		found := checkVolumes(table)
		if len(found) != 1 || found[0].Code != code || found[0].Rows != bars {
			t.Errorf("%s: %d findings", code, len(found))
		}
	}
}
