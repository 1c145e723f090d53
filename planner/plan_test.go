package planner_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/planner"
)

func parse(text string) (*planner.Plan, error) {
	return planner.Parse("plan.toml", text, func(name string) (string, error) {
		if name == "garch.json" {
			return planner.ExampleModel, nil
		}
		return "", os.ErrNotExist
	})
}

func Example() {
	p, err := parse(planner.ExampleFile)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Start, p.Month(p.Months-1), p.Fleet[0].Class.Name, len(p.Offers), p.Laws[0].Quota)
	// Output: 2027-01 2031-12 Antminer S19j Pro 2 750000
}

func TestBadPlansNameKeyAndLine(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, code, key string }{
		"negative power":           {"limit_kw = 10_000", "limit_kw = -10_000", "negative", "site.limit_kw"},
		"dates out of order":       {`dates = ["2027-01", "2027-07", "2028-06"]`, `dates = ["2027-07", "2027-01"]`, "order", "decisions.dates"},
		"tariffs out of order":     {`from = "2030-01-01"`, `from = "2027-01-01"`, "order", "tariff[2].from"},
		"a tariff without dates":   {"from = \"2028-01-01\"\n", "", "missing", "tariff[1].from"},
		"a machine nobody sells":   {`model = "Antminer S21 XP"`, `model = "Antminer S91"`, "unknown-machine", "offer[1].model"},
		"not sold yet":             {"model = \"Antminer S21\"\nprice_usd = 1_800\nfrom = \"2027-01-01\"", "model = \"Antminer S21\"\nprice_usd = 1_800\nfrom = \"2022-01-01\"", "not-sold", "offer[0].from"},
		"a price below zero":       {"price_usd = 3_400", "price_usd = -1", "negative", "offer[1].price_usd"},
		"machines below zero":      {"count = 1_200", "count = -3", "negative", "fleet[0].count"},
		"more machines than power": {"count = 1_200", "count = 9_999", "power", "fleet[0].count"},
		"bought in the future":     {`bought = "2023-06"`, `bought = "2027-06"`, "order", "fleet[0].bought"},
		"retired before the start": {`retire = ["2027-01"`, `retire = ["2026-01"`, "date", "fleet[0].retire"},
		"a month that is none":     {`start = "2027-01"`, `start = "2027-13"`, "date", "start"},
		"a start before the law":   {`start = "2027-01"`, `start = "2019-01"`, "no-tariff", "tariff[0].from"},
		"no months":                {"months = 60", "months = 0", "farm-out-of-range", "months"},
		"a file elsewhere":         {`file = "garch.json"`, `file = "../garch.json"`, "file", "price.file"},
		"an unknown kind":          {`kind = "garch"`, `kind = "guess"`, "price", "price.kind"},
		"an unknown key":           {"elasticity", "elasticty", "unknown-key", "network.elasticty"},
		"a licence before the law": {`licence_from = "2025-03-01"`, `licence_from = "2022-03-01"`, "date", "site.licence_from"},
		"no uptime":                {"uptime = 0.97", "uptime = 0", "missing", "site.uptime"},
		"a rate without a date":    {"date = \"2026-11-20\"\n", "", "date", "rate.date"},
		"a fee of more than all":   {`pool_fee = "1%"`, `pool_fee = "101%"`, "farm-out-of-range", "site.pool_fee"},
		"money of three decimals": {`monthly_cost_kzt = "6_000_000"`,
			`monthly_cost_kzt = "6_000_000.005"`, "value", "site.monthly_cost_kzt"},
		"a price of nine decimals": {`grid_fee = "4.50"`, `grid_fee = "4.505000001"`, "value", "site.grid_fee"},
		"a difficulty of nothing": {"difficulty = 150e12", "difficulty = 0", "farm-out-of-range",
			"network.difficulty"},
		"a difficulty beyond all": {"difficulty = 150e12", "difficulty = 1e40", "farm-out-of-range",
			"network.difficulty"},
		"not TOML": {"[network]", "[network", "syntax", "price"},
	} {
		text := strings.Replace(planner.ExampleFile, tc.old, tc.new, 1)
		if text == planner.ExampleFile {
			t.Fatalf("%s: the sample has no %q", name, tc.old)
		}
		_, err := parse(text)
		var p *strict.Problem
		if !errors.As(err, &p) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := 0
		if changed := strings.Split(tc.new, "\n"); tc.new != "" {
			for i, line := range strings.Split(text, "\n") {
				if strings.HasPrefix(line, changed[len(changed)-1]) && want == 0 {
					want = i + 1
				}
			}
		}
		if p.Code != tc.code || p.Key != tc.key || p.Line == 0 || (want > 0 && tc.code != "syntax" && tc.code != "no-tariff" && p.Line != want && !strings.HasPrefix(tc.new, "from")) {
			t.Errorf("%s: %s of %q at line %d, want %s of %q at %d: %v", name, p.Code, p.Key, p.Line, tc.code, tc.key, want, p)
		}
	}
}

func TestAssumptionsGoBeforeTheTables(t *testing.T) {
	p, err := parse(planner.ExampleFile + "[[assume]]\nfrom = \"2028-01-01\"\nlevy = \"5.00\"\nquota = \"100%\"\n")
	if err != nil {
		t.Fatal(err)
	}
	before, _ := p.Laws[11].Levy.PerKWh(p.Source, 1700)
	after, _ := p.Laws[12].Levy.PerKWh(p.Source, 1900)
	if before != 200 || after != 500 || p.Laws[11].Quota != 750_000 || p.Laws[12].Quota != 1_000_000 || p.Laws[12].Tax != 200_000 {
		t.Fatalf("levy %s then %s, quota %d then %d", before, after, p.Laws[11].Quota, p.Laws[12].Quota)
	}
}

func TestTheMonthOfAHalving(t *testing.T) {
	p, err := parse(planner.ExampleFile)
	if err != nil {
		t.Fatal(err)
	}
	s := p.Network.SubsidyBTC // 2028-04 is month 15
	if s[14] != 3.125 || s[16] != 1.5625 || s[15] >= 3.125 || s[15] <= 1.5625 {
		t.Fatal(s[14:17])
	}
}

func FuzzParse(f *testing.F) {
	f.Add(planner.ExampleFile)
	f.Add(strings.Replace(planner.ExampleFile, `kind = "garch"`, `kind = "fixed"`, 1))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse(text)
		if err == nil && (p.Months < 1 || len(p.Laws) != p.Months || p.Uptime <= 0) {
			t.Fatalf("accepted %+v", p)
		}
	})
}
