package market

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// dailyFile is a file of one column whose returns are normal of the given
// deviation, multiplied on some days by what those days add.
func dailyFile(t *testing.T, header string, sigma float64, turns map[int]float64) *Table {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString("date," + header + "\n")
	p, day := 1000.0, time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range 600 {
		p *= 1 + sigma*r.NormFloat64()
		if turn := turns[i]; turn != 0 {
			p *= turn
		}
		fmt.Fprintf(&b, "%s,%.6f\n", day.AddDate(0, 0, i).Format(time.DateOnly), p)
	}
	table, err := Parse("x.csv", []byte(b.String()), ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// A split is one that stays, of a price, near its ratio, and not one of many;
// the rest are jumps, which stop no seal.
func TestWhatIsASplitAndWhatAJump(t *testing.T) {
	many := map[int]float64{}
	for i := range 5 {
		many[60+100*i] = 2
	}
	for _, c := range []struct {
		name, header string
		turns        map[int]float64
		want         string // codes of all findings
	}{
		{"a split", "close", map[int]float64{300: 0.5}, "split"},
		{"a spike", "close", map[int]float64{300: 2, 303: 0.5}, "jump jump"},
		{"many", "close", many, "jump jump jump jump jump"},
		{"an unnamed quantity", "transactions", map[int]float64{300: 0.5}, "jump"},
		{"a crash of 46 per cent", "close", map[int]float64{300: 0.54}, "jump"}, // 3.5 deviations from a half
	} {
		table := dailyFile(t, c.header, 0.022, c.turns)
		if c.name == "a crash of 46 per cent" { // without that day's own draw
			v := table.numbers("close")
			scale := v[299] * 0.54 / v[300]
			for i := 300; i < len(v); i++ {
				v[i] *= scale
			}
		}
		var codes []string
		for _, f := range Check(table) {
			codes = append(codes, f.Code)
			if f.Code == "jump" && (f.Severity != Warning || f.Repair != "") {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if got := strings.Join(codes, " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
