package backtest_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/planner/power/backtest"
	"github.com/aqsha/aqsha/planner/power/site"
)

func sample(t testing.TB) *site.Site {
	t.Helper()
	s, err := site.Parse("power.toml", site.ExampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func Example() {
	s, _ := site.Parse("power.toml", site.ExampleFile)
	result, err := backtest.Run(context.Background(), s, backtest.Example("2026-08-01", 90, 1), 60, nil)
	fmt.Println(err, result.From, result.Days, result.Rows[0].Strategy, result.Rows[1].Gain <= 0)
	// Output: <nil> 2026-09-30 30 rule true
}

// On days that it has not seen, the rule beats the ceiling, fixed margins, and the margin that was best on the
// days it has seen; and nobody beats foresight.
func TestRuleBeatsCeilingAndMargins(t *testing.T) {
	s := sample(t)
	for seed := range uint64(2) {
		result, err := backtest.Run(context.Background(), s, backtest.Example("2026-06-01", 100, seed), 50, nil)
		if err != nil {
			t.Fatal(err)
		}
		rule, perfect := result.Rows[0], result.Rows[len(result.Rows)-1]
		for _, row := range result.Rows[1:] {
			t.Logf("seed %d: %-28s %15s  %5.1f %% of foresight", seed, row.Strategy, row.Gain, float64(row.OfForesight)/1e4)
			switch {
			case row.Strategy == "foresight", row.Strategy == "always on, granted the clearing price":
			case row.Gain >= rule.Gain:
				t.Errorf("seed %d: %s earned %s, the rule %s", seed, row.Strategy, row.Gain, rule.Gain)
			}
			if row.Gain > perfect.Gain {
				t.Errorf("seed %d: %s earned %s, foresight %s", seed, row.Strategy, row.Gain, perfect.Gain)
			}
		}
		t.Logf("seed %d: %-28s %15s  %5.1f %% of foresight", seed, rule.Strategy, rule.Gain, float64(rule.OfForesight)/1e4)
	}
}

func TestPricesReadBack(t *testing.T) {
	days := backtest.Example("2026-02-20", 12, 3)
	var file bytes.Buffer
	if err := backtest.Write(&file, "west", days); err != nil {
		t.Fatal(err)
	}
	back, err := backtest.Read(&file, "west")
	if err != nil || len(back) != len(days) {
		t.Fatal(len(back), err)
	}
	for i := range days {
		if back[i] != days[i] {
			t.Fatalf("%v reads back as %v", days[i], back[i])
		}
	}
}

func TestBadPrices(t *testing.T) {
	var file bytes.Buffer
	if err := backtest.Write(&file, "west", backtest.Example("2026-02-20", 2, 3)); err != nil {
		t.Fatal(err)
	}
	good := file.String()
	for name, bad := range map[string]string{
		"header":         strings.Replace(good, "price", "tenge", 1),
		"hour":           strings.Replace(good, ",23,", ",24,", 1),
		"gap":            good[:strings.LastIndex(strings.TrimSpace(good), "\n")],
		"farm-duplicate": strings.Replace(good, "2026-02-20,1,", "2026-02-20,0,", 1),
		"zone":           strings.ReplaceAll(good, "west", "east"),
		"order":          strings.ReplaceAll(good, "2026-02-21", "2026-02-19"),
		"price":          strings.Replace(good, "west,", "west,-", 1),
		"empty":          "",
	} {
		if _, err := backtest.Read(strings.NewReader(bad), "west"); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("day,hour,zone,price\n2026-01-01,0,west,1.00\n")
	f.Fuzz(func(t *testing.T, text string) {
		days, err := backtest.Read(strings.NewReader(text), "west")
		if err == nil && len(days) == 0 {
			t.Fatal("no days and no error")
		}
	})
}
