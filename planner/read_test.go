package planner_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
)

// write puts a plan and files beside it into a folder.
func write(t *testing.T, plan string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "plan.toml")
	files["plan.toml"] = plan
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// A plan's files lie beside it: one elsewhere is refused, whoever wrote the plan, and one that is too long is not read.
func TestAPlanAndItsFiles(t *testing.T) {
	p, err := planner.Read(write(t, planner.ExampleFile, map[string]string{"garch.json": planner.ExampleModel}))
	if err != nil || p.File != "plan.toml" || p.Files["garch.json"] != planner.ExampleModel || p.Text != planner.ExampleFile {
		t.Fatalf("%v", err)
	}
	for name, file := range map[string]string{"above": "../garch.json", "absolute": "/garch.json", "missing": "nobody.json"} {
		path := write(t, strings.Replace(planner.ExampleFile, `"garch.json"`, fmt.Sprintf("%q", file), 1), map[string]string{})
		above := filepath.Join(filepath.Dir(path), "..", "garch.json")
		if err := os.WriteFile(above, []byte(planner.ExampleModel), 0o600); err != nil { // it is there, and a model
			t.Fatal(err)
		}
		if _, err := planner.Read(path); err == nil {
			t.Errorf("%s: %s was read", name, file)
		}
	}
	long := write(t, planner.ExampleFile+strings.Repeat("# a remark\n", 2<<20), map[string]string{})
	if _, err := planner.Read(long); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a plan of 22 MB: %v", err)
	}
	if _, err := planner.Read(filepath.Join(t.TempDir(), "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no plan: %v", err)
	}
}

// replaying is the example on prices of the past.
func replaying(column string) string {
	text := regexp.MustCompile(`(?s)\[price\].*?\n\n`).ReplaceAllString(planner.ExampleFile,
		"[price]\nkind = \"replay\"\nfile = \"prices.csv\"\n"+column+"\n")
	return strings.Replace(text, "months = 60", "months = 2", 1)
}

// prices are days of 2024, one a line, at a price that rises by 1.
func prices(days int, header string) string {
	var b strings.Builder
	b.WriteString("# of the market\n" + header + "\n")
	first := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range days {
		fmt.Fprintf(&b, "%s,%d,%d\n", params.DateOf(first.AddDate(0, 0, i)), 7, 100+i)
	}
	return b.String()
}

// Prices of the past are replayed from as many starts as they have, or refused with the line that is wrong.
func TestReplayedPrices(t *testing.T) {
	short := func(t *testing.T, csv, column string) (*planner.Plan, error) {
		t.Helper()
		text := replaying(column)
		text = regexp.MustCompile(`(?m)^dates = .*$`).ReplaceAllString(text, `dates = ["2027-01"]`)
		text = regexp.MustCompile(`(?m)^retire = .*$`).ReplaceAllString(text, `retire = []`)
		return planner.Read(write(t, text, map[string]string{"prices.csv": csv}))
	}
	good := prices(31+28+1+60, "time,x,PriceUSD")
	p, err := short(t, good, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.History) != 120 || p.History[0] != 100 || p.PriceUSD != 219 || p.Paths != 3 {
		t.Errorf("%d days from %v, the last %v, %d paths", len(p.History), p.History[0], p.PriceUSD, p.Paths)
	}
	if p, err = short(t, good, `column = "x"`); err != nil || p.History[5] != 7 {
		t.Errorf("another column: %v", err)
	}
	for name, c := range map[string]struct{ csv, column, says string }{
		"no such column":      {good, `column = "Price"`, "no column"},
		"the date's column":   {good, `column = "time"`, "no column"},
		"too few":             {prices(31+28, "time,x,PriceUSD"), "", "the plan needs 60"},
		"a day twice":         {strings.Replace(good, "2024-01-03", "2024-01-02", 1), "", "line 5"},
		"no price":            {strings.Replace(good, ",104\n", ",0\n", 1), "", "line 7"},
		"no number":           {strings.Replace(good, ",104\n", ",a\n", 1), "", "line 7"},
		"beyond every number": {strings.Replace(good, ",104\n", ",1e999\n", 1), "", "line 7"},
		"ragged":              {strings.Replace(good, ",7,104\n", ",104\n", 1), "", "wrong number of fields"},
		"empty":               {"", "", "EOF"},
	} {
		var refused *strict.Problem
		if _, err := short(t, c.csv, c.column); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	gap := strings.Replace(good, ",104\n", ",\n", 1) // before the market
	if p, err = short(t, gap, ""); err != nil || len(p.History) != 119 {
		t.Errorf("a day without a price: %v", err)
	}
}

// Within the plan the law is the plan's, with its assumptions; outside it is the tables'.
func TestTheLawOfAMonth(t *testing.T) {
	p, err := parse(planner.ExampleFile)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := p.LawAt(p.Month(3))
	if err != nil || inside.Quota != p.Laws[3].Quota || inside.Tax != p.Laws[3].Tax {
		t.Errorf("%+v, %v", inside, err)
	}
	before, err := p.LawAt(p.Start - 1)
	if err != nil {
		t.Fatal(err)
	}
	quota, err := params.MiningSaleQuota.At((p.Start - 1).First())
	if err != nil || before.Quota != quota.Value {
		t.Errorf("before the plan the quota is %v, the table's %v", before.Quota, quota.Value)
	}
	kind, term, err := p.LicenceTerm()
	if err != nil || kind != params.MiningLicenceOwn.Name || term.Years <= 0 {
		t.Errorf("licence %s, %+v, %v", kind, term, err)
	}
	days := p.Days()
	total := 0
	for m, n := range days {
		if n != p.Month(m).Days() {
			t.Errorf("month %d has %d days", m, n)
		}
		total += n
	}
	if total != 5*365+1 { // 2028 is a leap year
		t.Errorf("%d days in five years", total)
	}
}
