package market

import (
	"slices"
	"testing"
)

// A study of shares reads names and amounts under any header, in any order of rows, with times or without; a study of
// one price goes on refusing the same file.
func TestPanelsUnderAnyHeader(t *testing.T) {
	for name, c := range map[string]struct {
		data, names, amounts, unit string
		times                      bool
	}{
		"pools":        {"month,pool,blocks\n2024-01,A,10\n2024-01,B,20\n2024-02,A,5\n2024-02,B,25\n", "pool", "blocks", "count", true},
		"other words":  {"period;miner;found\n2024-01-01;A;10\n2024-02-01;A;5\n2024-01-01;B;20\n2024-02-01;B;25\n", "miner", "found", "undeclared", true},
		"names first":  {"Пул,Дата,Блоки\nA,2024-01-01,10\nB,2024-01-01,20\nA,2024-02-01,5\nB,2024-02-01,25\n", "пул", "блоки", "undeclared", true},
		"a price's":    {"date,coin,price\n2024-01-01,A,10\n2024-01-01,B,20\n2024-02-01,A,5\n2024-02-01,B,25\n", "coin", "price", "undeclared", true},
		"two amounts":  {"date,miner,found,paid\n2024-01-01,A,10,1\n2024-01-01,B,20,2\n2024-02-01,A,5,3\n2024-02-01,B,25,4\n", "miner", "found", "undeclared", true},
		"dated list":   {"date,holder,amount\n2024-01-01,A,10\n2024-01-01,B,20\n2024-02-01,A,5\n2024-02-01,B,25\n", "holder", "amount", "undeclared", true},
		"without time": {"miner,found\nA,10\nB,20\nC,5\nD,25\n", "miner", "found", "undeclared", false},
	} {
		table, err := Parse(name+".csv", []byte(c.data), ReadOptions{Panel: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(table.Texts) != 1 || table.Texts[0].Name != c.names || (table.Times != nil) != c.times ||
			table.Columns[0].Name != c.amounts || table.Columns[0].Unit != c.unit {
			t.Errorf("%s: %+v %+v", name, table.Texts, table.Columns)
		}
		values := slices.Clone(table.Columns[0].Values)
		slices.Sort(values)
		if !slices.Equal(values, []float64{5, 10, 20, 25}) {
			t.Errorf("%s: %v", name, values)
		}
	}
	if _, err := Parse("p.csv", []byte("month,pool,blocks\n2024-01,A,10\n2024-01,B,20\n"), ReadOptions{}); err == nil {
		t.Error("two pools are one series")
	}
	// What a known source writes, and what its user declares, is read as that.
	known, err := Parse("k.csv", []byte("month,pool_slug,blocks\n2024-01,A,10\n"), ReadOptions{Panel: true})
	if err != nil || known.Provenance.Form != "pool-blocks" {
		t.Errorf("%v %v", known, err)
	}
	declared, err := Parse("d.csv", []byte("x,pool,n\n2024-01,A,10\n2024-01,B,20\n"), ReadOptions{Panel: true,
		TimeColumn: "x", Columns: []Declared{{"blocks", "n", "count"}}})
	if err != nil || declared.Provenance.Form != "declared" || declared.Columns[0].Name != "blocks" {
		t.Errorf("%v %v", declared, err)
	}
}
