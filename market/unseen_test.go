package market

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// unseenVariants are of forms that were met after the readers were written.
var unseenVariants = []variant{
	// a banner of as many cells, a header of two lines, flags, footnotes, brackets, units below
	{"banner-of-pairs", lines("Security,XBTUSD Curncy", "Start Date,1/29/2024 00:00", "Period,D", "", "Date,PX_LAST",
		"1/29/2024,43300.5", "1/30/2024,42950.1", "1/31/2024,42580.2"), "close", "quote", "2024-01-29", 43300.5,
		"2024-01-31", 42580.2, "1 day", ""},
	{name: "two-level-header", text: lines("Date,USD,", ",Bid,Ask", "2024-01-02,454.1,454.9", "2024-01-03,455.1,455.9"),
		refused: "market-column-ambiguous"},
	{"flags-of-offices", lines("TIME_PERIOD,OBS_VALUE", "2024-01,9.5 p", "2024-02,9.3e", "2024-03,9.1", "2024-04,:"),
		"value", "undeclared", "2024-01-01", 9.5, "2024-03-01", 9.1, "month", ""},
	{"footnotes", lines("date,close", "2024-01-02,1.5[1]", "2024-01-03,1.75*", "2024-01-04,1.8[2]"), "close", "quote",
		"2024-01-02", 1.5, "2024-01-04", 1.8, "1 day", ""},
	{"brackets-below-zero", lines("date,value", "2024-01-02,(1.5)", "2024-01-03,1.75", "2024-01-04,(0.8)"), "value",
		"undeclared", "2024-01-02", -1.5, "2024-01-04", -0.8, "1 day", ""},
	{name: "brackets-only", text: lines("date,close", "2024-01-02,(1.5)", "2024-01-03,(1.75)"),
		refused: "market-not-a-number"},
	{name: "a-letter-that-is-no-flag", text: lines("date,close", "2024-01-02,1.5x", "2024-01-03,1.75"),
		refused: "market-not-a-number"},
	{"units-below-the-rows", lines("Date,Close,Volume", "2024-01-02,1.5,10", "2024-01-03,1.75,12", ",USD,BTC"), "close",
		"quote", "2024-01-02", 1.5, "2024-01-03", 1.75, "1 day", ""},
	// statistical offices
	{"sdmx", lines("KEY,FREQ,CURRENCY,TIME_PERIOD,OBS_VALUE,OBS_STATUS,DECIMALS", "EXR.D,D,USD,2024-01-02,1.0956,A,4",
		"EXR.D,D,USD,2024-01-03,1.0919,A,4"), "value", "undeclared", "2024-01-02", 1.0956, "2024-01-03", 1.0919, "1 day",
		""},
	{"cube", lines(`"Date";"D0";"D1";"Value"`, `"2023-12";"M0";"USD1";"0.8664"`, `"2024-01";"M0";"USD1";"0.8592"`,
		`"2024-02";"M0";"USD1";"0.8752"`), "value", "undeclared", "2023-12-01", 0.8664, "2024-02-01", 0.8752, "month", ""},
	{"years-across", lines("Country Name,Indicator Name,2020 [YR2020],2021 [YR2021],2022 [YR2022]",
		"Kazakhstan,GDP,171.1,197.1,225.5"), "value", "undeclared", "2020-01-01", 171.1, "2022-01-01", 225.5, "year", ""},
	{"quarters-across", lines("Показатель;1 кв. 2024;2 кв. 2024;3 кв. 2024", "ВВП;1,5;1,75;1,8"), "value",
		"undeclared", "2024-01-01", 1.5, "2024-07-01", 1.8, "quarter", ""},
	{name: "years-across-of-two", text: lines("Country Name,2020,2021", "Kazakhstan,171.1,197.1",
		"Uzbekistan,59.9,69.2"), refused: "market-series-several"},
	{name: "numbers-that-are-no-years", text: lines("name,100,2000,50", "a,1,2,3", "b,4,5,6"),
		refused: "market-form-unknown"},
	{"year-month-day", lines("Year,Month,Day,Close", "2024,1,2,1.5", "2024,1,3,1.75", "2024,1,4,1.8"), "close", "quote",
		"2024-01-02", 1.5, "2024-01-04", 1.8, "1 day", ""},
	{"year-and-named-month", lines("Год;Месяц;Значение", "2024;Январь;1,5", "2024;Февраль;1,75", "2024;Март;1,8"), "value",
		"undeclared", "2024-01-01", 1.5, "2024-03-01", 1.8, "month", ""},
	// quarters and days in words
	{"quarters-roman", lines("период;значение", "2024 I;1", "2024 II;2", "2024 III;3"), "value", "undeclared",
		"2024-01-01", 1, "2024-07-01", 3, "quarter", ""},
	{"quarters-of-short-years", lines("период;значение", "1Q24;1", "2Q24;2", "3Q24;3"), "value", "undeclared",
		"2024-01-01", 1, "2024-07-01", 3, "quarter", ""},
	{"quarters-apostrophe", lines("период;значение", "Q1'24;1", "Q2'24;2", "Q3'24;3"), "value", "undeclared",
		"2024-01-01", 1, "2024-07-01", 3, "quarter", ""},
	{"quarters-kazakh", lines("кезең;мәні", "2024 жылғы 1-тоқсан;1", "2024 жылғы 2-тоқсан;2", "2024 жылғы 3-тоқсан;3"),
		"value", "undeclared", "2024-01-01", 1, "2024-07-01", 3, "quarter", ""},
	{"days-kazakh", lines("Күні;Бағамы", "2024 жылғы 2 қаңтар;454,56", "2024 жылғы 3 қаңтар;455,10"), "close", "quote",
		"2024-01-02", 454.56, "2024-01-03", 455.1, "1 day", ""},
	{"months-without-zeros", lines("date,close", "2024-1,1", "2024-2,2", "2024-10,3"), "close", "quote", "2024-01-01", 1,
		"2024-10-01", 3, "", ""},
	{"afternoon-after-two-commas", lines("date,close", `"Jan 2, 2024, 1:00 PM",1`, `"Jan 2, 2024, 2:00 PM",2`), "close",
		"quote", "2024-01-02T13:00:00Z", 1, "2024-01-02T14:00:00Z", 2, "1 hour", ""},
	// interfaces
	{"json-columns-and-data", `{"history":{"metadata":{"CLOSE":{"type":"double"}},"columns":["BOARDID","TRADEDATE","CLOSE",
		"VOLUME"],"data":[["SNDX","2024-01-03",3111.2,100],["SNDX","2024-01-04",3126.5,120]]},"history.cursor":{
		"columns":["INDEX","TOTAL"],"data":[[0,2]]}}`, "close", "quote", "2024-01-03", 3111.2, "2024-01-04", 3126.5,
		"1 day", ""},
	{"json-time-and-date", `{"data":[{"priceUsd":"44957.9","time":1704153600000,"date":"2024-01-02T00:00:00.000Z"},
		{"priceUsd":"42848.1","time":1704240000000,"date":"2024-01-03T00:00:00.000Z"}]}`, "price_usd", "USD",
		"2024-01-02", 44957.9, "2024-01-03", 42848.1, "1 day", ""},
	{name: "html-called-a-workbook", text: "<html><body><table><tr><td>Date</td></tr></table></body></html>",
		refused: "market-xml"},
	// rates as XML
	{"xml-of-days", ratesXML("1", "90,4040", "89,3939"), "close", "RUB", "2024-01-10", 90.404, "2024-01-11", 89.3939,
		"1 day", ""},
	{"xml-for-a-hundred", ratesXML("100", "19,9540", "19,8501"), "close", "RUB", "2024-01-10", 0.19954, "2024-01-11",
		0.198501, "1 day", ""},
	{"xml-nested", `<?xml version="1.0"?><Envelope xmlns="urn:x"><Cube><Cube time="2024-01-04"><Cube currency="USD"
		rate="1.0953"/></Cube><Cube time="2024-01-03"><Cube currency="USD" rate="1.0919"/></Cube></Cube></Envelope>`,
		"close", "quote", "2024-01-03", 1.0919, "2024-01-04", 1.0953, "1 day", ""},
	{name: "xml-of-currencies", text: `<?xml version="1.0"?><rates><title>r</title><date>10.01.2024</date><item><fullname>a
		</fullname><title>USD</title><description>454.56</description><quant>1</quant></item><item><fullname>b</fullname>
		<title>KRW</title><description>34.5</description><quant>100</quant></item></rates>`,
		refused: "market-series-several"},
	{name: "header-of-a-point", text: "0,0,0,,, . 00,\n0,0,0,0,0,,", refused: "market-form-unknown"},
	{name: "xml-without-rows", text: `<?xml version="1.0"?><a b="1"/>`, refused: "market-xml"},
	{name: "xml-cut", text: `<?xml version="1.0"?><a><b c="1"/><b c="2"`, refused: "market-xml"},
	{name: "xml-too-deep", text: `<?xml version="1.0"?>` + strings.Repeat("<a>", 40), refused: "market-xml"},
}

func ratesXML(nominal string, values ...string) string {
	text := `<?xml version="1.0" encoding="windows-1251"?><ValCurs ID="R01235" DateRange1="09.01.2024">`
	for i, v := range values {
		text += fmt.Sprintf(`<Record Date="%d.01.2024" Id="R01235"><Nominal>%s</Nominal><Value>%s</Value></Record>`, 10+i,
			nominal, v)
	}
	return text + "</ValCurs>"
}

// One currency of a day's list is its rate for one unit, whatever the list gives it for.
func TestOneOfADaysRates(t *testing.T) {
	i := slices.IndexFunc(unseenVariants, func(v variant) bool { return v.name == "xml-of-currencies" })
	table, err := Parse("rates.xml", []byte(unseenVariants[i].text), ReadOptions{Only: []string{"title=KRW"}})
	if err != nil {
		t.Fatal(err)
	}
	s := Summarise(table, Check(table))
	if *s.FirstRow.Value != 0.345 || s.Unit != "KZT" || s.FirstRow.Time != "2024-01-10" {
		t.Errorf("%v %s at %s", *s.FirstRow.Value, s.Unit, s.FirstRow.Time)
	}
}

// What is passed over of a cell is said.
func TestFlagsAreFound(t *testing.T) {
	table, err := Parse("a.csv", []byte(lines("date,close", "2024-01-02,1.5 p", "2024-01-03,1.6", "2024-01-04,1.7[2]")),
		ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(Check(table), func(f Finding) bool { return f.Code == "flag" })
	if i < 0 {
		t.Fatalf("no finding: %+v", Check(table))
	}
	if f := Check(table)[i]; f.Rows != 2 || f.FirstLine != 2 || f.LastLine != 4 || !strings.Contains(f.Detail, "p, [2]") {
		t.Errorf("%+v", f)
	}
	for cell, want := range map[string]string{"1.5[1]": "1.5", "1.5 p": "1.5", "9.5e": "9.5", "1.5[1][2]": "1.5",
		"p": "p", "[1]": "[1]", "1.5 k": "1.5 k", "1.5m": "1.5m", "1.5[12345]": "1.5[12345]", "1e5": "1e5"} {
		if body, _ := cutFlag(cell); body != want {
			t.Errorf("%q is read as %q, want %q", cell, body, want)
		}
	}
}

// book is a workbook of sheets with inline texts; a sheet's name that begins with a point is hidden, and so is a row
// whose first cell does.
func book(t *testing.T, sheets ...[][]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	write := func(name, text string) {
		t.Helper()
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	list, rels := "", ""
	for i, rows := range sheets {
		name, state := rows[0][0], ""
		if strings.HasPrefix(name, ".") {
			state = ` state="hidden"`
		}
		list += fmt.Sprintf(`<sheet name=%q sheetId="%d" r:id="r%d"%s/>`, name, i+1, i+1, state)
		rels += fmt.Sprintf(`<Relationship Id="r%d" Target="worksheets/sheet%d.xml"/>`, i+1, i+1)
		text := ""
		for n, row := range rows[1:] {
			hidden := ""
			if rest, ok := strings.CutPrefix(row[0], "."); ok {
				row, hidden = append([]string{rest}, row[1:]...), ` hidden="1"`
			}
			text += fmt.Sprintf(`<row r="%d"%s>`, n+1, hidden)
			for _, cell := range row {
				text += `<c t="inlineStr"><is><t>` + cell + `</t></is></c>`
			}
			text += "</row>"
		}
		write(fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1), "<worksheet><sheetData>"+text+"</sheetData></worksheet>")
	}
	write("xl/workbook.xml", `<workbook xmlns:r="r"><sheets>`+list+"</sheets></workbook>")
	write("xl/_rels/workbook.xml.rels", "<Relationships>"+rels+"</Relationships>")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The first sheet that can be seen and is a table is read; one that is hidden only where it is asked for.
func TestSheetsThatAreNoTable(t *testing.T) {
	hidden := [][]string{{".secret"}, {"Date", "Close"}, {"2024-01-02", "7"}, {"2024-01-03", "8"}}
	cover := [][]string{{"Cover"}, {"National Bank"}, {"Statistics"}}
	data := [][]string{{"Data"}, {"Date", "Close"}, {"2024-01-02", "1.5"}, {".2024-01-03", "1.6"}, {"2024-01-04", "1.7"}}
	file := book(t, hidden, cover, data)
	table, err := Parse("a.xlsx", file, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s := Summarise(table, Check(table)); *s.FirstRow.Value != 1.5 || table.Rows() != 3 {
		t.Errorf("%v in %d rows", *s.FirstRow.Value, table.Rows())
	}
	if !slices.ContainsFunc(table.Decisions, func(d Decision) bool {
		return strings.Contains(d.Is+d.Why, "sheet Data") && strings.Contains(d.Why, ".secret, Cover") ||
			strings.Contains(d.Why, ".secret, Cover")
	}) {
		t.Errorf("what was passed over is not said: %+v", table.Decisions)
	}
	if !slices.ContainsFunc(Check(table), func(f Finding) bool { return f.Code == "hidden" && f.Rows == 1 }) {
		t.Errorf("the hidden row is not said: %+v", Check(table))
	}
	table, err = Parse("a.xlsx", file, ReadOptions{Member: ".secret"})
	if err != nil || table.Rows() != 2 {
		t.Errorf("asked for by name: %v", err)
	}
	var refusal *Error
	if _, err = Parse("b.xlsx", book(t, cover), ReadOptions{}); !errors.As(err, &refusal) {
		t.Errorf("a title page alone: %v", err)
	}
}

// A file whose every value is missing is no series; one value is enough for one.
func TestAFileWithoutAValue(t *testing.T) {
	none := "date,close,volume\n2024-01-02,NA,\n2024-01-03,NA,\n2024-01-04,NA,\n"
	for _, panel := range []bool{false, true} {
		_, err := Parse("none.csv", []byte(none), ReadOptions{Panel: panel})
		var refused *Error
		if !errors.As(err, &refused) || refused.ErrorCode() != "market-empty" {
			t.Errorf("read, or refused otherwise: %v", err)
		}
	}
	table, err := Parse("one.csv", []byte(strings.Replace(none, "NA", "5", 1)), ReadOptions{})
	if err != nil || table.Rows() != 3 || table.Columns[0].Values[0] != 5 {
		t.Errorf("%+v, %v", table, err)
	}
}
