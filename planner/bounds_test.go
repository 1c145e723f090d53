package planner_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/planner"
)

// edited is the sample with the first line that begins so replaced; an empty line leaves it out.
func edited(t *testing.T, edits ...string) string {
	t.Helper()
	text := planner.ExampleFile
	for i := 0; i < len(edits); i += 2 {
		begins, line := edits[i], edits[i+1]
		at := strings.Index(text, "\n"+begins)
		if at < 0 {
			t.Fatalf("the sample has no line %q", begins)
		}
		end := at + 1 + strings.IndexByte(text[at+1:], '\n')
		text = text[:at+1] + line + text[end:]
	}
	return text
}

// Every number of a plan has two ends. At each it is taken; one step beyond, it is refused by its own key, at its line.
func TestTheEndsOfEveryNumber(t *testing.T) {
	for _, c := range []struct {
		line, key               string // how the line begins, and the key that is refused
		below, low, high, above string // "": no such end
	}{
		{"months =", "months", "0", "18", "120", "121"},
		{"paths =", "paths", "0", "1", "200_000", "200_001"},
		{"lambda =", "lambda", "-0.001", "0", "100", "100.001"},
		{"capital_kzt =", "capital_kzt", `"-0.01"`, `"0"`, "", ""},
		{"discount_rate =", "discount_rate", `"-0.1%"`, "0", "10", "10.001"},
		{"deposit_rate =", "deposit_rate", `"-0.1%"`, "0", "10", "10.001"},
		{"usd_kzt =", "rate.usd_kzt", `"0"`, `"0.01"`, `"100_000"`, `"100_000.01"`},
		{"usd_kzt =", "rate.usd_kzt", `"520.005"`, `"520.05"`, "", ""},
		{"depreciation =", "rate.depreciation", "-0.51", "-0.5", "2", "2.01"},
		{"pue =", "site.pue", "0.999", "1", "3", "3.001"},
		{"pue =", "site.pue", "1.0005", "1.05", "", ""},
		{"limit_kw =", "site.limit_kw", "0", "", "10_000_000", "10_000_001"},
		{"grid_fee =", "site.grid_fee", `"-0.01"`, `"0"`, `"10_000"`, `"10_000.01"`},
		{"monthly_cost_kzt =", "site.monthly_cost_kzt", `"-1"`, `"0"`, `"10_000_000_000"`, `"10_000_000_001"`},
		{"uptime =", "site.uptime", "-0.1", "0.000001", "1", "1.000001"},
		{"pool_fee =", "site.pool_fee", "-0.01", "0", "0.999999", "1"},
		{"sale_cost =", "site.sale_cost", "-0.01", "0", "0.999999", "1"},
		{"price = \"11.50\"", "tariff[0].price", `price = "-1_000.01"`, `price = "-1_000"`, `price = "10_000"`,
			`price = "10_000.01"`},
		{"count =", "fleet[0].count", "0", "1", "", "1_000_001"},
		{"price_kzt =", "fleet[0].price_kzt", `"-1"`, `"0"`, `"10_000_000_000"`, `"10_000_000_000.01"`},
		{"resale_kzt =", "fleet[0].price_kzt", `"-1"`, `"0"`, `"10_000_000_000"`, `"10_000_000_000.01"`},
		{"life_months =", "fleet[0].life_months", "0", "1", "240", "241"},
		{"price_usd =", "offer[0].price_usd", "0", "0.01", "", ""},
		{"most =", "offer[0].most", "-1", "0", "1_000_000", "1_000_001"},
		{"delivery_months =", "offer[0].delivery_months", "-1", "0", "36", "37"},
		{"resale = \"15%\"", "offer[0].resale", "resale = -0.01", "resale = 0", "resale = 1", "resale = 1.001"},
		{"counts =", "decisions.counts", "[-1]", "[0]", "[1_000_000]", "[1_000_001]"},
		{"hold =", "decisions.hold", "[-0.1]", "[0]", "[1]", "[1.1]"},
		{"effort =", "decisions.effort", "-1", "0", "10_000_000", "10_000_001"},
		{"usd = 95_000", "price.usd", "usd = 0", "usd = 0.01", "", ""},
		{"growth =", "price.growth", "-1", "-0.99", "10", "10.1"},
		{"difficulty =", "network.difficulty", "0.9", "1e5", "1e20", "1.1e20"},
		{"difficulty =", "network.difficulty", "nan", "", "", "1.0"},
		{"fees_btc =", "network.fees_btc", "-0.1", "0", "90", "90.1"},
		{"lag_months =", "network.lag_months", "0", "1", "36", "37"},
		{"elasticity =", "network.elasticity", "-0.1", "0", "10", "10.1"},
		{"max_growth =", "network.max_growth", "-0.1", "0", "1", "1.1"},
		{"attrition =", "network.attrition", "-0.1", "0", "0.5", "0.6"},
		{"entry_usd_per_ths =", "network.entry_usd_per_ths", "0", "0.01", "10_000", "10_001"},
		{"entry_jth =", "network.entry_jth", "0", "0.1", "1_000", "1_001"},
		{"entry_power_usd =", "network.entry_power_usd", "-0.1", "0", "10", "10.1"},
		{"entry_return =", "network.entry_return", "-0.1", "0", "10", "10.1"},
		{"entry_months =", "network.entry_months", "0", "1", "240", "241"},
		{"improvement =", "network.improvement", "-0.1", "0", "0.9", "0.91"},
		{"median_opex_usd =", "network.median_opex_usd", "0", "0.0001", "100", "100.1"},
		{"share =", "loan.share", "-0.1", "0", "1", "1.1"},
		{"rate =", "loan.rate", "-0.1", "0", "10", "10.1"},
		{"months = 24", "loan.months", "months = 0", "months = 1", "months = 600", "months = 601"},
	} {
		with := func(value string) string {
			name, _, _ := strings.Cut(c.line, "=")
			if strings.Contains(value, "=") { // the line is told by its value: there are others of the same name
				return edited(t, c.line, value)
			}
			edits := []string{c.line, name + "= " + value}
			if c.key == "months" { // what lies beyond a shorter plan is not what is looked at
				edits = append(edits, "paths =", "paths = 10")
			}
			if c.key == "site.pue" { // more of it takes more of the site's power
				edits = append(edits, "limit_kw =", "limit_kw = 20_000")
			}
			if c.key == "paths" && value == "200_000" { // paths × months are bounded, too
				edits = append(edits, "months =", "months = 60")
			}
			return edited(t, edits...)
		}
		for _, value := range []string{c.low, c.high} {
			if _, err := parse(with(value)); value != "" && err != nil {
				t.Errorf("%s at its end %s: %v", c.key, value, err)
			}
		}
		for _, value := range []string{c.below, c.above} {
			if value == "" {
				continue
			}
			text := with(value)
			var refused *strict.Problem
			if _, err := parse(text); !errors.As(err, &refused) {
				t.Errorf("%s of %s: %v", c.key, value, err)
				continue
			}
			line := strings.Split(text, "\n")[refused.Line-1]
			if name, _, _ := strings.Cut(line, " ="); refused.Key != c.key || !strings.HasSuffix(c.key, name) {
				t.Errorf("%s of %s is refused as %s at %q", c.key, value, refused.Key, line)
			}
		}
	}
}

// So much memory as paths × months take is bounded as a product; each alone may be at its end.
func TestPathsTimesMonthsAreBounded(t *testing.T) {
	if _, err := parse(edited(t, "paths =", "paths = 200_000", "months =", "months = 60")); err != nil {
		t.Errorf("12,000,000 months: %v", err)
	}
	var refused *strict.Problem
	if _, err := parse(edited(t, "paths =", "paths = 200_000", "months =", "months = 61")); !errors.As(err, &refused) ||
		refused.Key != "paths" {
		t.Errorf("12,200,000 months: %v", err)
	}
}

// Lists are as long as their limits say, and one more is refused by the list's name.
func TestTheLengthsOfLists(t *testing.T) {
	months := func(n int) string {
		var quoted []string
		for i := range n {
			quoted = append(quoted, fmt.Sprintf("%q", fmt.Sprintf("2027-%02d", i+1)))
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	numbers := func(n int, format string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format, i+1))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	fleet := "[[fleet]]\nmodel = \"Antminer S19j Pro\"\ncount = 1\nbought = \"2023-06\"\nprice_kzt = 1\nlife_months = 9\n"
	offer := "[[offer]]\nmodel = \"Antminer S21\"\nprice_usd = 1\nfrom = \"2027-01-01\"\nuntil = \"2027-02-01\"\n" +
		"life_months = 9\n"
	for key, c := range map[string]struct {
		most int // above those that the sample has
		text func(n int) string
	}{
		"decisions.dates":  {6, func(n int) string { return edited(t, "dates =", "dates = "+months(n)) }},
		"decisions.counts": {12, func(n int) string { return edited(t, "counts =", "counts = "+numbers(n, "%d")) }},
		"decisions.hold":   {6, func(n int) string { return edited(t, "hold =", "hold = "+numbers(n, "0.0%d")) }},
		"fleet[0].retire":  {6, func(n int) string { return edited(t, "retire =", "retire = "+months(n)) }},
		"fleet[12]":        {11, func(n int) string { return planner.ExampleFile + strings.Repeat(fleet, n) }},
		"offer[6]":         {4, func(n int) string { return planner.ExampleFile + strings.Repeat(offer, n) }},
	} {
		if _, err := parse(c.text(c.most)); err != nil {
			t.Errorf("%s with %d: %v", key, c.most, err)
		}
		var refused *strict.Problem
		if _, err := parse(c.text(c.most + 1)); !errors.As(err, &refused) || refused.Key != key {
			t.Errorf("%s with %d: %v", key, c.most+1, err)
		}
	}
}

// What must be there, and of what there are two kinds only: each refused by its key with its code.
func TestWhatAPlanLacks(t *testing.T) {
	for what, c := range map[string]struct{ begins, line, code, key string }{
		"no model of a machine that is there": {`model = "Antminer S19j Pro"`, "", "missing", "fleet[0].model"},
		"a rate without its power": {`model = "Antminer S19j Pro"`, "model = \"new\"\nrate_ths = 200", "negative",
			"fleet[0].watts"},
		"power without its rate": {`model = "Antminer S19j Pro"`, "model = \"new\"\nwatts = 3_000",
			"farm-out-of-range", "fleet[0].rate_ths"},
		"a rate of four decimals": {`model = "Antminer S19j Pro"`, "model = \"new\"\nwatts = 3_000\nrate_ths = 1.0001",
			"farm-out-of-range", "fleet[0].rate_ths"},
		"a price of no tariff":     {`price = "12.50"`, "", "negative", "tariff[1].price"},
		"a tariff of no day":       {`from = "2028-01-01"`, `from = "2028-02-30"`, "date", "tariff[1].from"},
		"a centre of another kind": {"hosting =", `hosting = "shared"`, "hosting", "site.hosting"},
		"one's own host's fee":     {"monthly_cost_kzt =", `hosting_fee = "1"`, "hosting", "site.hosting_fee"},
		"power of another kind":    {"power = ", `power = "nuclear"`, "source", "site.power"},
		"a fixed price of nothing": {"kind =", "kind = \"fixed\"\n#", "", ""},
		"an offer that never was":  {`from = "2027-01-01"`, `from = "tomorrow"`, "date", "offer[0].from"},
		"an offer without an end":  {`until = "2028-12-31"`, "", "date", "offer[0].until"},
		"an offer's end before its beginning": {`until = "2028-12-31"`, `until = "2026-12-31"`, "order",
			"offer[0].until"},
		"a decision outside the plan": {"dates =", `dates = ["2032-01"]`, "date", "decisions.dates"},
		"a decision at no month":      {"dates =", `dates = ["soon"]`, "date", "decisions.dates"},
		"a decision twice":            {"dates =", `dates = ["2027-01", "2027-01"]`, "order", "decisions.dates"},
		"retired at the plan's end":   {"retire =", `retire = ["2032-01"]`, "date", "fleet[0].retire"},
		"no price of a bitcoin":       {"usd = 95_000", "", "", ""}, // the model's own last price holds
	} {
		_, err := parse(edited(t, c.begins, c.line))
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		var refused *strict.Problem
		if !errors.As(err, &refused) || refused.Code != c.code || refused.Key != c.key {
			t.Errorf("%s: %v, want %s of %s", what, err, c.code, c.key)
		}
	}
	for what, text := range map[string]string{
		"no price of a bitcoin, fixed": edited(t, "usd = 95_000", "", "kind =", `kind = "fixed"`),
		"no price and none in the model": strings.Replace(edited(t, "usd = 95_000", ""), `"garch.json"`,
			`"unpriced.json"`, 1),
	} {
		_, err := planner.Parse("plan.toml", text, func(string) (string, error) {
			return strings.Replace(planner.ExampleModel, `"last_price": 95000`, `"last_price": 0`, 1), nil
		})
		var refused *strict.Problem
		if !errors.As(err, &refused) || (refused.Key != "price.usd" && refused.Key != "price.file") {
			t.Errorf("%s: %v", what, err)
		}
	}
	none := edited(t, "[[tariff]]", "[[tariff]]")
	if at, end := strings.Index(none, "[[tariff]]"), strings.Index(none, "[[fleet]]"); true {
		none = none[:at] + none[end:]
	}
	var refused *strict.Problem
	if _, err := parse(none); !errors.As(err, &refused) || refused.Code != "missing" || refused.Key != "tariff" {
		t.Errorf("no tariff: %v", err)
	}
}
