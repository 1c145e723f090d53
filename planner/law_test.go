package planner_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/register"
)

const laws = "from,levy_per_kwh,vat,quota,tax,source\n2020-01-01,0,10%,0,0.10,an act\n2028-01-01,1.50,0,0.25,0.21,another act\n"

// elsewhere is the sample's plan under the law of a file.
func elsewhere(law string, change ...string) (*planner.Plan, error) {
	text := strings.NewReplacer(append(change, "name = \"Ekibastuz 2027\"\n",
		"name = \"Elsewhere\"\nlaw = \"law.csv\"\ncurrency = \"USD\"\n",
		"licence_from = \"2025-03-01\"\n", "")...).Replace(planner.ExampleFile)
	return planner.Parse("plan.toml", text, func(name string) (string, error) {
		if name == "law.csv" {
			return law, nil
		}
		return planner.ExampleModel, nil
	})
}

// A plan names another country's law, dated as the tables are, and its own currency.
func TestAnotherCountrysLaw(t *testing.T) {
	p, err := elsewhere(laws)
	if err != nil {
		t.Fatal(err)
	}
	before, after := p.Laws[0], p.Laws[12]
	levy, err := after.Levy.PerKWh(p.Source, 100)
	if before.Tax != 100_000 || before.VAT != 100_000 || before.Quota != 0 || after.Tax != 210_000 || after.Quota != 250_000 || levy != 150 || err != nil {
		t.Errorf("%+v, then %+v", before, after)
	}
	if at, err := p.LawAt(p.Start - 12); err != nil || at.Tax != 100_000 {
		t.Errorf("before the plan: %+v, %v", at, err)
	}
	if p.Currency != "USD" || p.Files["law.csv"] != laws {
		t.Errorf("currency %q, files %v", p.Currency, p.Files)
	}
	found := false
	for _, f := range p.Facts {
		found = found || f.Source == "another act"
	}
	if !found {
		t.Errorf("no source among %v", p.Facts)
	}
	var refused *farm.Error
	if _, err := register.Build(p, nil, nil); !errors.As(err, &refused) || refused.Code != "farm-law" {
		t.Errorf("registers of another law: %v", err)
	}
}

// Files of laws are read strictly, and those in the documents are read.
func TestReadLaws(t *testing.T) {
	for what, text := range map[string]string{"empty": "", "a column less": "2020-01-01,0,0,0,0.1\n",
		"no day": "x,0,0,0,0.1,a\n", "below zero": "2020-01-01,-1,0,0,0.1,a\n",
		"above all": "2020-01-01,0,0,0,1.1,a\n", "no source": "2020-01-01,0,0,0,0.1,\n",
		"columns in another order": "from,vat,levy_per_kwh,quota,tax,source\n2020-01-01,0,0,0,0.1,a\n",
		"names of columns twice":   "from,levy_per_kwh,vat,quota,tax,source\nfrom,levy_per_kwh,vat,quota,tax,source\n",
		"nothing but names":        "from,levy_per_kwh,vat,quota,tax,source\n",
		"a levy above every price": "2020-01-01,10000.01,0,0,0.1,a\n",
		"a source without end":     "2020-01-01,0,0,0,0.1," + strings.Repeat("a", 401) + "\n",
		"seven decimals":           "2020-01-01,0,0,0,0.1000001,a\n",
		"out of order":             "2020-01-01,0,0,0,0.1,a\n2020-01-01,0,0,0,0.1,a\n"} {
		if _, err := planner.ReadLaws(text); err == nil {
			t.Errorf("%s is read", what)
		}
	}
	var problem *strict.Problem
	if _, err := elsewhere("2027-06-01,0,0,0,0.1,a\n"); !errors.As(err, &problem) {
		t.Errorf("a law that begins after the plan: %v", err)
	}
	for _, name := range []string{"law-texas.csv", "law-paraguay.csv"} {
		text, err := os.ReadFile("../docs/operations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := planner.ReadLaws(string(text)); err != nil || read[0].Law.Tax == 0 {
			t.Errorf("%s: %+v, %v", name, read, err)
		}
	}
}

// A file may have two hundred rows, and the law of a day is that of the row before it.
func TestManyLaws(t *testing.T) {
	rows := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%04d-01-01,%d.%02d,0,0,0.10,act %d\n", 1900+i, i/100, i%100, i)
		}
		return b.String()
	}
	if _, err := planner.ReadLaws(rows(201)); err == nil {
		t.Error("201 laws are read")
	}
	p, err := elsewhere(rows(200))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []planner.Month{p.Start - 1200, p.Start - 1, p.Start, p.Start + 59, p.Start + 600} {
		law, err := p.LawAt(m)
		if err != nil {
			t.Fatal(err)
		}
		if levy, err := law.Levy.PerKWh(p.Source, 0); err != nil || levy != money.Tiyn(m.Year()-1900) {
			t.Errorf("%s: levy %s (%v)", m, levy, err)
		}
	}
	if _, err := p.LawAt(12 * 1899); err == nil {
		t.Error("there is a law before the first one")
	}
}

// The currency is the three letters of its standard, with a law of one's own or without.
func TestCurrencies(t *testing.T) {
	for _, currency := range []string{"usd", "US", "USDT", "U$D", "ДОЛ", "₸"} {
		var problem *strict.Problem
		_, err := parse("currency = " + fmt.Sprintf("%q\n", currency) + planner.ExampleFile)
		if !errors.As(err, &problem) || problem.Key != "currency" {
			t.Errorf("%q: %v", currency, err)
		}
	}
	if p, err := parse("currency = \"EUR\"\n" + planner.ExampleFile); err != nil || p.Currency != "EUR" {
		t.Errorf("EUR: %v", err)
	}
}

// Assumptions are dated in order and bounded as laws are.
func TestAssumptionsAreBounded(t *testing.T) {
	for key, rows := range map[string]string{
		"assume[0].from":  "from = \"soon\"",
		"assume[1].from":  "from = \"2028-01-01\"\n[[assume]]\nfrom = \"2028-01-01\"",
		"assume[0].levy":  "from = \"2028-01-01\"\nlevy = \"10_000.01\"",
		"assume[0].quota": "from = \"2028-01-01\"\nquota = 1.1",
		"assume[0].tax":   "from = \"2028-01-01\"\ntax = -0.1",
		"assume[0].vat":   "from = \"2028-01-01\"\nvat = 0.1234567",
	} {
		var problem *strict.Problem
		if _, err := parse(planner.ExampleFile + "[[assume]]\n" + rows + "\n"); !errors.As(err, &problem) || problem.Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := parse(planner.ExampleFile + "[[assume]]\nfrom = \"2028-01-01\"\nlevy = \"-0.01\"\n"); err == nil {
		t.Error("a levy below zero is taken")
	}
}

// Power that pays who takes it is a tariff below zero: more of it leaves more.
func TestTariffsBelowZero(t *testing.T) {
	p, err := elsewhere(laws, `price = "11.50"`, `price = "-1.20"`)
	if err != nil {
		t.Fatal(err)
	}
	if tariff, err := p.Tariff(0); err != nil || tariff != farm.MicroTiyn(-120_000_000) {
		t.Errorf("%s, %v", tariff, err)
	}
	if _, err := elsewhere(laws, `price = "11.50"`, `price = "-1_001"`); err == nil {
		t.Error("a tariff of −1,001 is taken")
	}
}

// Prices of power have parts of the smallest coin where it is worth much: they are counted exactly, in the month's cost
// of a kWh, in the levy and in the registers, and what is finer than that is refused.
func TestPricesBelowACent(t *testing.T) {
	law := "2020-01-01,0.00125,10%,0,0.10,an act\n"
	p, err := elsewhere(law, `price = "11.50"`, `price = "0.0412"`, `price = "12.50"`, `price = "-0.00000001"`,
		`price = "14.00"`, "price = 0.04", `grid_fee = "4.50"`, `grid_fee = "0.00875"`)
	if err != nil {
		t.Fatal(err)
	}
	tariff, err := p.Tariff(0)
	if err != nil || tariff != 4_120_000 || p.GridFee != 875_000 || p.Tariffs[1].Price != -1 {
		t.Fatalf("tariff %d, fee %d, %v", tariff, p.GridFee, err)
	}
	// (0.0412 + 0.00875) · 1.1 + 0.00125
	if cost, err := p.CostOf(p.Laws[0], tariff); err != nil || cost != 5_619_500 || cost.String() != "0.056195" {
		t.Errorf("a kWh costs %s, %v", cost, err)
	}
	if levy, err := p.Laws[0].LevyOf(p.Source, -1); err != nil || levy != 125_000 {
		t.Errorf("levy %d, %v", levy, err)
	}
	for _, price := range []string{`"0.000000001"`, `"4%"`, `"10_000.00000001"`, `"-1_000.00000001"`} {
		var problem *strict.Problem
		if _, err := elsewhere(law, `price = "11.50"`, "price = "+price); !errors.As(err, &problem) {
			t.Errorf("a price of %s: %v", price, err)
		}
	}
	_, err = planner.Parse("plan.toml", planner.ExampleFile+"\n[[assume]]\nfrom = \"2028-01-01\"\nlevy = \"1.005\"\n",
		func(string) (string, error) { return planner.ExampleModel, nil })
	if err == nil {
		t.Error("a levy with parts of a tiyn in Kazakhstan")
	}
}
