package market

import "testing"

// The separator is judged over all lines: a comma in a cell of the header, quoted or not, and a decimal comma in every
// line separate nothing where semicolons, bars or tabs do.
func TestADecimalCommaSeparatesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"header and figures": "Дата;Курс, тенге\n04.01.2021;420,43\n05.01.2021;421,89\n06.01.2021;419,10\n",
		"quoted":             "Дата;\"Курс, тенге\"\n04.01.2021;420,43\n05.01.2021;421,89\n06.01.2021;419,10\n",
		"bars":               "Дата|Курс, тенге\n04.01.2021|420,43\n05.01.2021|421,89\n06.01.2021|419,10\n",
		"tabs":               "Дата\tКурс, тенге\n04.01.2021\t420,43\n05.01.2021\t421,89\n06.01.2021\t419,10\n",
	} {
		table, err := Parse("rates.csv", []byte(text), ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(table.Columns) != 1 || table.Columns[0].Values[0] != 420.43 || len(table.Times) != 3 {
			t.Errorf("%s: %+v", name, table.Columns)
		}
	}
	for text, want := range map[string]byte{"a,b;c\n1,2;3\n": ';', "a,b,c;d\n1,2,3;4\n": ',', "a,b\n1,2\n": ',',
		"a;b\n1,5;2,5\n": ';', "\n": ','} {
		if got := separatorOf(text); got != want {
			t.Errorf("%q is separated by %q, want %q", text, got, want)
		}
	}
}

// A price in two currencies is read with the column that was declared, as the refusal advises, and without a declaration
// neither is taken for the price.
func TestAPriceInTwoCurrencies(t *testing.T) {
	const text = "date,close_usd,close_eur\n2021-01-04,45000.43,37000\n2021-01-05,44596.89,36900\n2021-01-06,44612,36950\n"
	for header, want := range map[string]float64{"close_usd": 45000.43, "close_eur": 37000} {
		table, err := Parse("two.csv", []byte(text), ReadOptions{Columns: []Declared{{"price", header, "USD"}}})
		if err != nil {
			t.Fatal(err)
		}
		prices, err := table.Series(table.PriceColumn())
		if err != nil || prices.Values[0] != want || len(table.Columns) != 2 {
			t.Errorf("%s: %v of %+v, %v", header, table.PriceColumn(), table.Columns, err)
		}
	}
	table, err := Parse("two.csv", []byte(text), ReadOptions{})
	if err == nil && table.PriceColumn() != "" {
		t.Errorf("%q is taken for the price", table.PriceColumn())
	}
	if _, err := Parse("two.csv", []byte("date,close,close\n2021-01-04,1,2\n"), ReadOptions{}); err == nil {
		t.Error("two columns of one name were read")
	}
}

// The hour that came twice in Kazakhstan on 29 February 2024 asks for the zone, and is not dropped.
func TestTheHourOfAlmaty(t *testing.T) {
	text := "time,close\n"
	for i, at := range []string{"29 20", "29 21", "29 22", "29 23", "29 23", "01 00", "01 01"} {
		month := map[bool]string{true: "02-", false: "03-"}[at[:2] == "29"]
		text += "2024-" + month + at[:2] + " " + at[3:] + ":00," + string(rune('1'+i)) + "\n"
	}
	table, err := Parse("almaty.csv", []byte(text), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Check(table) {
		if f.Code == "duplicate_differs" || f.Code == "clock_change" && f.Repair != "" {
			t.Errorf("%+v", f)
		}
		if f.Code == "clock_change" {
			return
		}
	}
	t.Errorf("%+v", Check(table))
}
