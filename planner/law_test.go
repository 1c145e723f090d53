package planner_test

import (
	"errors"
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
		"out of order": "2020-01-01,0,0,0,0.1,a\n2020-01-01,0,0,0,0.1,a\n"} {
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

// Power that pays who takes it is a tariff below zero: more of it leaves more.
func TestTariffsBelowZero(t *testing.T) {
	p, err := elsewhere(laws, `price = "11.50"`, `price = "-1.20"`)
	if err != nil {
		t.Fatal(err)
	}
	if tariff, err := p.Tariff(0); err != nil || tariff != money.Tiyn(-120) {
		t.Errorf("%s, %v", tariff, err)
	}
	if _, err := elsewhere(laws, `price = "11.50"`, `price = "-1_001"`); err == nil {
		t.Error("a tariff of −1,001 is taken")
	}
}
