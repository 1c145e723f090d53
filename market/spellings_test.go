package market

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// spelling is how a program writes a table down.
type spelling struct {
	separator, decimal, group, layout, end string
	mark, backwards, utf16, quotes         bool
}

func drawSpelling(t *rapid.T) spelling {
	d := spelling{separator: rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(t, "separator"), decimal: ".",
		layout: rapid.SampledFrom([]string{time.DateOnly, "2006-01-02 15:04:05", "2006-01-02T15:04:05Z", "02.01.2006"}).Draw(t, "layout"),
		end:    rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end"), mark: rapid.Bool().Draw(t, "mark"),
		backwards: rapid.Bool().Draw(t, "backwards"), utf16: rapid.Bool().Draw(t, "utf16"), quotes: rapid.Bool().Draw(t, "quotes")}
	if d.separator != "," && rapid.Bool().Draw(t, "comma") {
		d.decimal = ","
	}
	d.group = rapid.SampledFrom([]string{"", "", " ", "\u00a0", "'"}).Draw(t, "group")
	return d
}

// number writes a number of cents.
func (d spelling) number(cents int64) string {
	sign, whole := "", cents
	if whole < 0 {
		sign, whole = "-", -whole
	}
	digits := strconv.FormatInt(whole/100, 10)
	for at := len(digits) - 3; d.group != "" && at > 0; at -= 3 {
		digits = digits[:at] + d.group + digits[at:]
	}
	return fmt.Sprintf("%s%s%s%02d", sign, digits, d.decimal, whole%100)
}

// write is the table as a file.
func (d spelling) write(days []time.Time, columns [][]int64) []byte {
	cell := func(text string) string {
		if d.quotes {
			return `"` + text + `"`
		}
		return text
	}
	lines := []string{strings.Join([]string{cell("date"), cell("price"), cell("wealth")}, d.separator)}
	for row, day := range days {
		cells := []string{cell(day.Format(d.layout))}
		for _, c := range columns {
			if c[row] == math.MinInt64 {
				cells = append(cells, cell(""))
				continue
			}
			cells = append(cells, cell(d.number(c[row])))
		}
		lines = append(lines, strings.Join(cells, d.separator))
	}
	if d.backwards {
		slices.Reverse(lines[1:])
	}
	text := strings.Join(lines, d.end) + d.end
	if d.mark || d.utf16 {
		text = "\ufeff" + text
	}
	if !d.utf16 {
		return []byte(text)
	}
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}

// In whatever spelling a table of cents is written, it is read to the same cents, with what is missing missing, or refused:
// no figure is another, none is made up, and rows are in time's order.
func TestATableInEverySpelling(t *testing.T) {
	read, refused := 0, map[string]int{}
	for read < 200 { // however many are refused: the draws go on until enough were read
		rapid.Check(t, func(t *rapid.T) {
			d := drawSpelling(t)
			n := rapid.IntRange(3, 30).Draw(t, "days")
			var days []time.Time
			columns := make([][]int64, 2)
			for i := range n {
				days = append(days, time.Date(2019, 1, 1+i, 0, 0, 0, 0, time.UTC))
				columns[0] = append(columns[0], rapid.Int64Range(1, 1e9).Draw(t, "price"))
				wealth := rapid.Int64Range(-1e12, 1e12).Draw(t, "wealth")
				if i > 0 && rapid.IntRange(0, 5).Draw(t, "missing") == 0 {
					wealth = math.MinInt64
				}
				columns[1] = append(columns[1], wealth)
			}
			data := d.write(days, columns)
			table, err := Parse("t.csv", data, ReadOptions{})
			if err != nil {
				refused[code(err)]++
				if code(err) == "" {
					t.Fatalf("%+v: %v\n%s", d, err, data)
				}
				return
			}
			read++
			if table.Rows() != n || !slices.EqualFunc(table.Times, days, time.Time.Equal) {
				t.Fatalf("%+v: %d rows from %v\n%s", d, table.Rows(), table.Times[0], data)
			}
			for i, header := range []string{"price", "wealth"} {
				at := slices.IndexFunc(table.Columns, func(c Column) bool { return c.Header == header })
				if at < 0 {
					t.Fatalf("%+v: no column %s\n%s", d, header, data)
				}
				for row, v := range table.Columns[at].Values {
					if want := columns[i][row]; math.IsNaN(v) != (want == math.MinInt64) || !math.IsNaN(v) && math.Round(v*100) != float64(want) {
						t.Fatalf("%+v: %s of %s is %v, was %d cents\n%s", d, header, days[row].Format(time.DateOnly), v, want, data)
					}
				}
			}
		})
	}
	t.Log(read, refused)
}

// A table that is written as Parquet comes back cell by cell: values to the last bit, what is missing, names, times to the
// second and what was repaired.
func TestParquetOfAnyTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "rows")
		table := &Table{Provenance: Provenance{File: "f.csv", SHA256: strings.Repeat("0", 64), Form: "declared", Origin: "drawn", TimeZone: "UTC"}}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "from"), 0).UTC()
		for i := range n {
			table.Times, table.Lines = append(table.Times, at), append(table.Lines, i+2)
			at = at.Add(time.Duration(rapid.IntRange(1, 1e6).Draw(t, "step")) * time.Second)
		}
		for c := range rapid.IntRange(1, 4).Draw(t, "columns") {
			name := []string{"price_usd", "open", "high", "low"}[c]
			column := Column{Name: name, Unit: "USD", Header: name}
			for range n {
				v := rapid.Float64().Draw(t, "value")
				if rapid.IntRange(0, 4).Draw(t, "missing") == 0 {
					v = math.NaN()
				}
				column.Values = append(column.Values, v)
			}
			table.Columns = append(table.Columns, column)
		}
		table.Columns[0].Values[0] = 1 // a table of no value is none
		var out bytes.Buffer
		if err := table.WriteParquet(&out, table.Provenance.Metadata()); err != nil {
			t.Fatal(err)
		}
		back, err := Parse("f.parquet", out.Bytes(), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(back.Times, table.Times, time.Time.Equal) {
			t.Fatalf("times %v, want %v", back.Times, table.Times)
		}
		for _, c := range table.Columns {
			got, err := back.Column(c.Name)
			if err != nil {
				t.Fatal(err)
			}
			for row, v := range c.Values {
				if w := got.Values[row]; math.Float64bits(v) != math.Float64bits(w) && !(math.IsNaN(v) && math.IsNaN(w)) {
					t.Fatalf("row %d of %s is %v, was %v", row, c.Name, w, v)
				}
			}
		}
	})
}

// Repairs change no cell outside the lines that they record, add no row that is not recorded, and keep time's order; a table
// in which nothing is found stays as it is, to the bit.
func TestRepairsChangeWhatTheyRecord(t *testing.T) {
	repaired := 0
	for repaired < 30 {
		rapid.Check(t, func(t *rapid.T) {
			var b strings.Builder
			b.WriteString("date,open,high,low,close,volume\n")
			day := time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
			price := 100.0
			for range rapid.IntRange(20, 60).Draw(t, "days") {
				price *= 1 + float64(rapid.IntRange(-30, 30).Draw(t, "move"))/1000
				open, high, low, closing := price, price*1.02, price*0.98, price*1.01
				switch rapid.IntRange(0, 14).Draw(t, "fault") {
				case 0:
					high = closing * 0.9 // below the close
				case 1:
					fmt.Fprintf(&b, "%s,%g,%g,%g,%g,5\n", day.Format(time.DateOnly), open, high, low, closing) // the day twice
				case 2:
					day = day.AddDate(0, 0, rapid.IntRange(1, 4).Draw(t, "gap"))
				case 3:
					closing *= 100
				case 4:
					closing = -closing
				}
				fmt.Fprintf(&b, "%s,%g,%g,%g,%g,%d\n", day.Format(time.DateOnly), open, high, low, closing, 5)
				day = day.AddDate(0, 0, 1)
			}
			before, err := Parse("t.csv", []byte(b.String()), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			table, err := Parse("t.csv", []byte(b.String()), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			done := Repair(table, Check(table), "all")
			repaired += done
			if done != len(table.Provenance.Repairs) {
				t.Fatalf("%d repairs, %d are recorded", done, len(table.Provenance.Repairs))
			}
			touched := func(line int) bool {
				return slices.ContainsFunc(table.Provenance.Repairs, func(a Applied) bool { return a.FirstLine <= line && line <= a.LastLine })
			}
			if !table.sorted() {
				t.Fatal("rows are out of order")
			}
			byLine := map[int]int{}
			for row, line := range table.Lines {
				if line == 0 { // inserted: a time and nothing else
					for _, c := range table.Columns {
						if !math.IsNaN(c.Values[row]) {
							t.Fatalf("%s of an inserted row is %v", c.Name, c.Values[row])
						}
					}
					continue
				}
				byLine[line] = row + 1
			}
			for row, line := range before.Lines {
				at := byLine[line] - 1
				if at < 0 {
					if !touched(line) {
						t.Fatalf("line %d is gone", line)
					}
					continue
				}
				for i, c := range before.Columns {
					v, w := c.Values[row], table.Columns[i].Values[at]
					if math.Float64bits(v) != math.Float64bits(w) && !(math.IsNaN(v) && math.IsNaN(w)) && !touched(line) {
						t.Fatalf("%s of line %d is %v, was %v; repaired were %+v", c.Name, line, w, v, table.Provenance.Repairs)
					}
				}
			}
		})
	}
}

// A declaration has a name and a header; a unit may stand behind it, colons in it included. What is drawn of values is as
// wide as there is room, or values.
func TestDeclarationsAndLines(t *testing.T) {
	for text, want := range map[string]Declared{"a=b": {"a", "b", "undeclared"}, "a=b:c": {"a", "b", "c"}, "a=b:c:d": {"a", "b", "c:d"},
		"a=b=c:d": {"a", "b=c", "d"}, "a=b:": {"a", "b", "undeclared"}} {
		if got, err := ParseDeclared(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "=", "a=", "=b", "a=:c"} {
		if got, err := ParseDeclared(text); code(err) != "market-declaration" {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Just(math.NaN())), 0, 80).Draw(t, "values")
		cells := rapid.IntRange(1, 30).Draw(t, "cells")
		line := []rune(Sparkline(values, cells))
		some := slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) })
		if want := min(cells, len(values)); some && len(line) != want || !some && len(line) != cells {
			t.Fatalf("%d cells for %d values in %d", len(line), len(values), cells)
		}
		if some && cells >= len(values) { // a cell a value: the least and the greatest are the ends of the scale
			low, high := math.Inf(1), math.Inf(-1)
			for _, v := range values {
				if !math.IsNaN(v) {
					low, high = min(low, v), max(high, v)
				}
			}
			for i, v := range values {
				if math.IsNaN(v) != (line[i] == ' ') || v == high && high > low && line[i] != '█' || v == low && high > low && line[i] != '▁' {
					t.Fatalf("%v is drawn as %q of %v", v, line[i], values)
				}
			}
		}
	})
}
