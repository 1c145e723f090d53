package market

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A line longer than the header, whose comma may be of a number, is refused with its line, its column and both readings;
// read, the price would be what stands behind the comma.
func TestACommaThatMayBeOfANumberIsRefused(t *testing.T) {
	t.Parallel()
	days := func(header string, rows ...string) string {
		text := header + "\n"
		for i := range 60 {
			text += strings.ReplaceAll(rows[min(i, len(rows)-1)], "DAY", dateOf(i)) + "\n"
		}
		return text
	}
	for what, x := range map[string]struct{ text, line, cells string }{
		"decimals":              {days("date,price", "DAY,54,10"), "line 2", `"54,10"`},
		"thousands":             {days("date,price", "DAY,1,000"), "line 2", `"1,000"`},
		"thousands and a point": {days("date,price", "DAY,4,189.90"), "line 2", `"4,189.90"`},
		"a name of no time":     {days("when,price", "DAY,54,10"), "line 2", `"54,10"`},
		"Russian":               {days("Дата,Цена", "DAY,54,10"), "line 2", `"54,10"`},
		"a day's number":        {days("date,price", "DAY,45293,10"), "line 2", `"45293,10"`},
		"a currency":            {days("date,price", "DAY,$4,189"), "line 2", `"$4,189"`},
		"below a title":         {"Rates\n" + days("date,price", "DAY,54,10"), "line 3", `"54,10"`},
		"two columns of them":   {days("date,open,close", "DAY,54,10,55,20"), "line 2", `"54,10"`},
		"four columns of them": {days("date,open,high,low", "DAY,54,10,56,20,53,00"), "line 2",
			`"54,10"`},
		"one column of two":           {days("date,price,volume", "DAY,54,10,7"), "line 2", `"54,10"`},
		"whole numbers first":         {days("date,price", "DAY,54", "DAY,55", "DAY,54,10"), "line 4", `"54,10"`},
		"a name missing at the end":   {days("date,price,", "DAY,54,10"), "line 2", `"54,10"`},
		"an empty end, then decimals": {days("date,price", append(repeated("DAY,54,", 55), "DAY,54,10")...), "line 57", `"54,10"`},
		"a name of a program's":       {days("date,price,Unnamed: 2", "DAY,54,10"), "line 2", `"54,10"`},
		"no time at all":              {"holder,amount\nIvan,1,000\nAnna,2,000\nOlga,3,000\n", "line 2", `"1,000"`},
	} {
		_, err := Parse("x.csv", []byte(x.text), ReadOptions{})
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != "market-ragged" || !strings.Contains(refused.Detail, x.line) ||
			!strings.Contains(refused.Detail, x.cells) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func repeated(row string, n int) (rows []string) {
	for range n {
		rows = append(rows, row)
	}
	return rows
}

// A first column without a name, as R and pandas write it, is read as before where no comma can be of a number, or
// where the header says which column is which.
func TestAColumnWithoutANameIsRead(t *testing.T) {
	t.Parallel()
	for what, x := range map[string]struct{ header, row string }{
		"numbered rows":        {"date,price", "N,DAY,54"},
		"numbered, compact":    {"date,price,volume", "N,COMPACT,54,7"},
		"R's dates":            {"close,volume", "DAY,54,7"},
		"points":               {"when,price,volume", "DAY,x,54.5,7.5"},
		"pandas's index":       {",date,price", "N,DAY,54"},
		"pandas's index twice": {"Unnamed: 0.1,Unnamed: 0,date,price", "N,N,DAY,54"},
		"a comma too many":     {"date,price", "DAY,54,"},
		"and one in the head":  {"date,price,", "DAY,54,"},
		"semicolons":           {"date;price", "N;DAY;54,10"},
		"quotes":               {"date,price", `DAY,"54,10"`},
	} {
		text := x.header + "\n"
		for i := range 30 {
			text += strings.NewReplacer("DAY", dateOf(i), "COMPACT", strings.ReplaceAll(dateOf(i), "-", ""), "N",
				fmt.Sprint(i)).Replace(x.row) + "\n"
		}
		table, err := Parse("x.csv", []byte(text), ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		price, err := table.Column(table.PriceColumn())
		if err != nil || price.Values[0] != 54 && price.Values[0] != 54.1 && what != "points" || len(table.Times) != 30 {
			t.Errorf("%s: %+v of %+v, %v", what, price, table.Times, err)
		}
	}
}
