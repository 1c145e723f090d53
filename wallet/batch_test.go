package wallet_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/wallet"
)

func ExampleReadRows() {
	rows, err := wallet.ReadRows(strings.NewReader("to,amount,memo\naigerim,150000.50,salary\n"))
	fmt.Println(len(rows), rows[0].Line, rows[0].To, rows[0].Amount, rows[0].Memo, err)
	// Output: 1 2 aigerim 150000.50 salary <nil>
}

func TestBadRowsNameLineAndColumn(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "header",
		"who,amount\n":               "header",
		"to,amount\naigerim\n":       "row",
		"to,amount\n,5\n":            "to",
		"to,amount\naigerim,0\n":     "amount",
		"to,amount\naigerim,-1\n":    "amount",
		"to,amount\naigerim,1.001\n": "amount",
		"to,amount\naigerim,\"1\n":   "row",
		"to,amount,memo\na,1," + strings.Repeat("x", 257) + "\n": "memo",
		"to,amount,to\na,1,b\n":                                  "header",
		"to,amount,salary\na,1,b\n":                              "header",
		"amount,id\n1,2\n":                                       "header",
		"id,to,amount\n1,a,1\n1,b,1\n":                           "id",
		"id,to,amount\n,a,1\n":                                   "id",
		"to,amount,purpose,mark\na,1,meals,meals\n":              "mark",
		"to,amount,document\na,1,contract.pdf\n":                 "document",
		"to;amount\na;1,2,3\n":                                   "amount",
		"to,amount\n\xe0\xe9,1\n":                                "to",
	} {
		_, err := wallet.ReadRows(strings.NewReader(text))
		var row *wallet.RowError
		if !errors.As(err, &row) || row.Column != want {
			t.Errorf("%q: %v, want column %s", text, err, want)
		}
	}
}

// A file is read as spreadsheets write it: a byte order mark, semicolons with a decimal comma, columns in any order, and
// empty rows below.
func TestRowsOfSpreadsheets(t *testing.T) {
	want, err := wallet.ReadRows(strings.NewReader("to,amount,id\naigerim,1500.50,7\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"\ufeffto,amount,id\r\naigerim,1500.50,7\r\n",
		"\ufeffTo;Amount;ID\r\naigerim;1500,50;7\r\n;;\r\n;;\r\n",
		"id, amount, to\n7, 1500.5, aigerim\n,,\n",
	} {
		got, err := wallet.ReadRows(strings.NewReader(text))
		if err != nil || len(got) != 1 || got[0] != want[0] {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// FuzzReadRows reads any file: rows that are whole and positive, or an error that names the line.
func FuzzReadRows(f *testing.F) {
	f.Add("to,amount\naigerim,1.50\n")
	f.Add("\ufeffto;amount;id;purpose;mark;document\na;1,50;7;meals;;\n")
	f.Add("to,amount,memo\n\"a\"\"b\",1,\"x\ny\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := wallet.ReadRows(strings.NewReader(text))
		var row *wallet.RowError
		if err != nil && (!errors.As(err, &row) || row.Line < 1) {
			t.Fatal(err)
		}
		last := 1
		for _, r := range rows {
			if r.Line <= last || r.Amount < 1 || r.To == "" {
				t.Fatalf("%+v after line %d", r, last)
			}
			last = r.Line
			if back, err := money.ParseTenge(r.Amount.String()); err != nil || back != r.Amount {
				t.Fatal(r)
			}
		}
	})
}
