package market

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"
)

// workbookOf writes a small xlsx with a title above the table, dates as styled
// serial numbers and one shared string.
func workbookOf(t testing.TB, rows string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="r"><sheets><sheet name="Rates" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/sharedStrings.xml":       `<sst><si><t>Date</t></si><si><r><t>Cl</t></r><r><t>ose</t></r></si></sst>`,
		"xl/styles.xml":              `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\.mm\.yyyy"/><numFmt numFmtId="165" formatCode="0.00&quot; added&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="22"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	} {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const sheetRows = `<row r="1"><c r="A1" t="inlineStr"><is><t>Official rates</t></is></c></row>
<row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="s"><v>1</v></c></row>
<row r="4"><c r="A4" s="1"><v>45444</v></c><c r="B4"><v>446.78</v></c></row>
<row r="5"><c r="A5" s="1"><v>45445</v></c><c r="B5" t="e"><v>#N/A</v></c></row>
<row r="6"><c r="A6" s="2"><v>45446.5</v></c><c r="B6"><v>447.05</v></c></row>`

func TestWorkbooksAreReadAsStored(t *testing.T) {
	table, err := Parse("rates.xlsx", workbookOf(t, sheetRows), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := table.numbers("close")
	if table.Rows() != 3 || c[0] != 446.78 || !math.IsNaN(c[1]) || c[2] != 447.05 || table.Lines[0] != 4 ||
		!table.Times[0].Equal(time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)) || !table.Times[2].Equal(time.Date(2024, 6, 3, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("%v %v %v", table.Times, c, table.Lines)
	}
	if _, err := Parse("rates.xlsx", workbookOf(t, sheetRows), ReadOptions{Member: "Other"}); code(err) != "market-sheet" {
		t.Error(err)
	}
}

func code(err error) string {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestEncodingsAndContainers(t *testing.T) {
	text := "Дата;Цена закрытия\n01.06.2024;1 446,78\n02.06.2024;1 447,05\n"
	cyrillic, err := charmap.Windows1251.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	wide := func(order binary.AppendByteOrder, mark bool) []byte {
		var b []byte
		if mark {
			b = order.AppendUint16(b, 0xfeff)
		}
		for _, u := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, u)
		}
		return b
	}
	var packed, zipped bytes.Buffer
	g := gzip.NewWriter(&packed)
	_, _ = g.Write([]byte(text))
	g.Close()
	z := zip.NewWriter(&zipped)
	for _, name := range []string{"readme.md", "__MACOSX/._a.csv", "a.csv"} {
		part, _ := z.Create(name)
		_, _ = part.Write([]byte(text))
	}
	z.Close()
	for name, data := range map[string][]byte{
		"utf-8": []byte(text), "bom": []byte("\ufeff" + text), "cp1251": []byte(cyrillic), "utf-16le": wide(binary.LittleEndian, true), "utf-16be": wide(binary.BigEndian, true),
		"gz": packed.Bytes(), "zip": zipped.Bytes(), "cr": []byte(strings.ReplaceAll(text, "\n", "\r")), "crlf": []byte(strings.ReplaceAll(text, "\n", "\r\n")), "tab": []byte(strings.ReplaceAll(text, ";", "\t")),
	} {
		table, err := Parse("a", data, ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c := table.numbers("close"); table.Rows() != 2 || c[0] != 1446.78 || c[1] != 1447.05 {
			t.Errorf("%s: %v", name, c)
		}
	}
}

func TestAZipOfTwoFilesAsksWhich(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"a.csv", "b.csv"} {
		part, _ := z.Create(name)
		_, _ = part.Write([]byte("date,close\n2020-01-01," + strconv.Itoa(len(name)) + "\n"))
	}
	z.Close()
	if _, err := Parse("ab.zip", b.Bytes(), ReadOptions{}); code(err) != "market-zip-members" {
		t.Error(err)
	}
	if table, err := Parse("ab.zip", b.Bytes(), ReadOptions{Member: "b.csv"}); err != nil || table.Rows() != 1 {
		t.Error(err)
	}
}

func TestPackedFilesAreBounded(t *testing.T) {
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	zeros := bytes.Repeat([]byte("0"), 1<<20)
	for range MaxFileBytes>>20 + 1 {
		_, _ = g.Write(zeros)
	}
	g.Close()
	if _, err := Parse("bomb.csv.gz", b.Bytes(), ReadOptions{}); code(err) != "market-too-large" {
		t.Error(err)
	}
}

func TestSignsOfNumbers(t *testing.T) {
	for _, c := range []struct {
		separator, decimal string
		cells              []string
		want               float64 // of the first cell
		code               string
	}{
		{";", "", []string{"446,78", "446,7", "448"}, 446.78, ""},
		{";", "", []string{"1 234,5"}, 1234.5, ""},
		{";", "", []string{"59\u00a0693,73"}, 59693.73, ""},
		{";", "", []string{"59\u202f693,73"}, 59693.73, ""},
		{";", "", []string{"1'234.50", "12"}, 1234.5, ""},
		{";", "", []string{"1.234", "1.234,5"}, 1234, ""},
		{";", "", []string{"1,234", "1,234.5"}, 1234, ""},
		{";", "", []string{"1,234", "12,5"}, 1.234, ""},
		{";", "", []string{"1.234.567"}, 1234567, ""},
		{";", "", []string{"0,123"}, 0.123, ""},
		{";", "", []string{"1234,567"}, 1234.567, ""},
		{";", "", []string{"−5,5"}, -5.5, ""},
		{";", "", []string{"1,234"}, 0, "market-number-ambiguous"},
		{";", "", []string{"1.234"}, 0, "market-number-ambiguous"},
		{";", ",", []string{"1,234"}, 1.234, ""},
		{";", ".", []string{"1,234"}, 1234, ""},
		{";", ",", []string{"1.234"}, 1234, ""},
		{"\t", "", []string{"1.234"}, 1.234, ""},
		{";", "", []string{"1,5", "1.5"}, 0, "market-number-mixed"},
		{";", "", []string{"1,234,56"}, 0, "market-not-a-number"},
		{";", "", []string{"12 34,5"}, 0, "market-not-a-number"},
		{";", "", []string{"$5", "€6"}, 0, "market-number-mixed"},
		{";", "", []string{"$5", "6"}, 0, "market-number-mixed"},
		{";", "", []string{"450,5 ₸"}, 450.5, ""},
		{";", "", []string{"inf"}, 0, "market-not-a-number"},
		{";", "", []string{"0x10"}, 0, "market-not-a-number"},
		{";", "", []string{"1e999"}, 0, "market-not-a-number"},
		{";", "", []string{"1,5E+03"}, 1500, ""},
		{";", "", []string{"0,000000000000000001"}, 1e-18, ""},
	} {
		text := "date" + c.separator + "close\n"
		for i, cell := range c.cells {
			text += fmt.Sprintf("2020-01-%02d%s%s\n", i+1, c.separator, cell)
		}
		table, err := Parse("t", []byte(text), ReadOptions{Decimal: c.decimal})
		if c.code != "" {
			if code(err) != c.code {
				t.Errorf("%q: %v, want %s", c.cells, err, c.code)
			}
			continue
		}
		if err != nil || table.numbers("close")[0] != c.want {
			t.Errorf("%q: %v, want %v; %v", c.cells, table, c.want, err)
		}
	}
}

// Whatever signs a program writes numbers with, they are read as they were or
// refused; never as another number.
func TestNoNumberIsChangedInSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		decimal := rapid.SampledFrom([]string{".", ","}).Draw(t, "decimal")
		group := rapid.SampledFrom([]string{"", " ", "\u00a0", "'", ".", ","}).Filter(func(g string) bool { return g != decimal }).Draw(t, "group")
		places := rapid.IntRange(0, 8).Draw(t, "places")
		n := rapid.IntRange(1, 6).Draw(t, "rows")
		text := "date;close\n"
		var want []float64
		for i := range n {
			v := math.Round(rapid.Float64Range(0, 1e9).Draw(t, "v")*1e4) / 1e4
			plainText := strconv.FormatFloat(v, 'f', places, 64)
			v, _ = strconv.ParseFloat(plainText, 64)
			whole, fraction, _ := strings.Cut(plainText, ".")
			for at := len(whole) - 3; at > 0; at -= 3 {
				whole = whole[:at] + group + whole[at:]
			}
			if fraction != "" {
				whole += decimal + fraction
			}
			want = append(want, v)
			text += fmt.Sprintf("2020-01-%02d;%s\n", i+1, whole)
		}
		table, err := Parse("t", []byte(text), ReadOptions{})
		if err != nil {
			if c := code(err); c != "market-number-ambiguous" {
				t.Fatalf("%q: %v", text, err)
			}
			if table, err = Parse("t", []byte(text), ReadOptions{Decimal: decimal}); err != nil {
				t.Fatalf("declared: %q: %v", text, err)
			}
		}
		for i, v := range table.numbers("close") {
			if v != want[i] {
				t.Fatalf("%q row %d: %v, want %v", text, i, v, want[i])
			}
		}
	})
}

func fuzzReader(f *testing.F, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := Parse("fuzz", data, ReadOptions{ExplainLines: []int{2}})
		if err != nil {
			return
		}
		if !table.sorted() {
			t.Fatal("not in time's order")
		}
		for _, c := range table.Columns {
			if len(c.Values) != table.Rows() {
				t.Fatalf("%s: %d values in %d rows", c.Name, len(c.Values), table.Rows())
			}
			for _, v := range c.Values {
				if math.IsInf(v, 0) {
					t.Fatalf("%s is infinite", c.Name)
				}
			}
		}
		found := Check(table)
		Summarise(table, found)
		Repair(table, found, "all")
	})
}

func FuzzText(f *testing.F) {
	for _, v := range slices.Concat(variants, unseenVariants) {
		f.Add([]byte(v.text))
	}
	fuzzReader(f, []byte("date;close\n2020-01-01;1 234,5\n2020-01-02;\"1,5\"\n"), []byte("https://x\nunix,open,high,low,close\n1499040000,1,2,1,2\nTotal,,,,\n"),
		[]byte("\xff\xfed\x00a\x00t\x00e\x00,\x00c\x00l\x00o\x00s\x00e\x00\n\x002\x000\x002\x000\x00,\x001\x00"), []byte("\xc4\xe0\xf2\xe0;USD\n01.06.2024;450,5\n"),
		[]byte("Price,Close\nTicker,BTC\nDate,\n2020-01-01,\"a\"\"b\"\n"), []byte("1499040000,1,2,1,2,5,6\n"))
}

func FuzzWorkbook(f *testing.F) {
	f.Add(sheetRows)
	f.Fuzz(func(t *testing.T, rows string) {
		if len(rows) > 1<<16 {
			return
		}
		table, err := Parse("fuzz.xlsx", workbookOf(t, rows), ReadOptions{})
		if err == nil && table.Rows() == 0 {
			t.Fatal("no rows and no error")
		}
	})
}

func FuzzPacked(f *testing.F) {
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	_, _ = g.Write([]byte("date,close\n2020-01-01,1\n"))
	g.Close()
	fuzzReader(f, b.Bytes(), workbookOf(f, sheetRows))
}

// The short way of parsing gives strconv's value to the last bit.
func TestPlainIsStrconv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{0,25})?([eE]-?[0-9]{1,2})?`).Draw(t, "cell")
		want, err := strconv.ParseFloat(cell, 64)
		if got, ok := plain(cell); ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%q: %v %v, want %v %v", cell, got, ok, want, err)
		}
	})
}

// The shortest way of parsing gives strconv's value to the last bit, or leaves
// the cell to the others; what it takes always has digits on both sides of a point.
func TestShortDecimalsAreStrconvs(t *testing.T) {
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(rapid.StringMatching(`[0-9]{1,12}\.[0-9]{1,9}`), rapid.StringMatching(`[0-9]{1,16}`), rapid.StringMatching(`[-+0-9.,eE: /]{1,17}`)).Draw(t, "cell")
		text := cell + rapid.SampledFrom([]string{",", "\n", ";1.5", ".5\n"}).Draw(t, "behind") + strings.Repeat("7", 24)
		got, ok := shortDecimal(text, span{bytes: uint16(len(cell))})
		want, err := strconv.ParseFloat(cell, 64)
		if ok && (err != nil || math.Float64bits(got) != math.Float64bits(want) || !strings.Contains(cell, ".")) {
			t.Fatalf("%q: %v, want %v %v", cell, got, want, err)
		}
		if ok {
			taken++
		}
	})
	if taken == 0 {
		t.Error("none was taken")
	}
}

// A line of numbers reads alike in blocks, by its columns' spans, and cell by
// cell: with quotes, blanks and missing cells between, that make spans irregular.
func TestBlocksReadWhatCellsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.StringMatching(`-?[0-9]{1,9}(\.[0-9]{1,9})?`), rapid.SampledFrom([]string{"", " 1.5 ", "NaN", `"2.25"`, "1e3", `"1""2"`}))
		var b strings.Builder
		b.WriteString("date,close,volume\n")
		rows := rapid.IntRange(1, 40).Draw(t, "rows")
		for i := range rows {
			fmt.Fprintf(&b, "2024-01-%02d,%s,%s\n", 1+i%28, number.Draw(t, "close"), number.Draw(t, "volume"))
			if rapid.IntRange(0, 9).Draw(t, "blank") == 0 {
				b.WriteString("\n")
			}
		}
		g, err := readText("x.csv", b.String(), ReadOptions{})
		if err != nil {
			return
		}
		ready := g.plainColumns(0)
		for column := 1; column < 3; column++ {
			all := true
			for i := range g.rows() {
				cell := g.cell(i, column)
				want, ok := plain(cell)
				switch {
				case !ok && missing(cell):
					want = math.NaN()
				case !ok:
					all = false
				}
				if c := ready[column]; c != nil && math.Float64bits(c.values[i]) != math.Float64bits(want) {
					t.Fatalf("row %d of column %d: %q read as %v", i, column, cell, c.values[i])
				}
			}
			if all != (ready[column] != nil) {
				t.Fatalf("column %d: all plain %v, ready %v", column, all, ready[column] != nil)
			}
		}
	})
}
