package market

import (
	"fmt"
	"strings"
	"testing"
)

// falling is a file of prices of two decimals whose last line, of 270.55, is cut behind so many characters; newest
// first where it runs backwards.
func falling(cut int, backwards bool) string {
	rows := make([]string, 60)
	for i := range rows {
		day := dateOf(i)
		if backwards {
			day = dateOf(len(rows) - i)
		}
		rows[i] = fmt.Sprintf("%s;%d,%02d", day, 300-i/2, 11+i)
	}
	rows[59] = rows[59][:len("2020-02-29;")] + "270,55"[:cut]
	return "Дата;Цена\n" + strings.Join(rows, "\n")
}

// A last line without its end is said, and nothing is multiplied on its word.
func TestALastLineThatMayBeCut(t *testing.T) {
	t.Parallel()
	for _, backwards := range []bool{false, true} {
		for cut, want := range map[int]Severity{1: Warning, 2: Warning, 3: Warning, 4: Warning, 5: Warning, 6: Note} {
			text := falling(cut, backwards)
			table, err := Parse("x.csv", []byte(text), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			said := Severity("")
			found := Check(table)
			for _, f := range found {
				if f.Code == "cut_line" {
					said = f.Severity
				}
				if f.Repair != "" {
					t.Errorf("cut at %d: %+v", cut, f)
				}
			}
			if said != want || Repair(table, found, "all") != 0 {
				t.Errorf("cut at %d: said %q, want %q", cut, said, want)
			}
			// With the line end the same number is what it is, and a jump to a tenth may be a split.
			whole, err := Parse("x.csv", []byte(text+"\n"), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			repairs := ""
			for _, f := range Check(whole) {
				if f.Code == "cut_line" {
					t.Errorf("a whole file: %+v", f)
				}
				repairs += f.Repair
			}
			if cut == 2 && !strings.Contains(repairs, "multiply") {
				t.Errorf("a whole file of a split has no repair")
			}
		}
	}
}

// A bar that is cut contradicts itself, and is not widened.
func TestACutBarIsNotRepaired(t *testing.T) {
	t.Parallel()
	text := "date,open,high,low,close\n"
	for i := range 20 {
		text += fmt.Sprintf("%s,10.50,12.50,9.50,11.50\n", dateOf(i))
	}
	text += dateOf(20) + ",10.50,12.50,9.50,1"
	table, err := Parse("x.csv", []byte(text), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range Check(table) {
		found = found || f.Code == "range"
		if f.Repair != "" {
			t.Errorf("%+v", f)
		}
	}
	if !found {
		t.Error("the bar's range is not found")
	}
}
