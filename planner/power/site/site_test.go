package site_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/strict"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/dispatch"
	"github.com/aqsha/aqsha/planner/power/site"
)

func Example() {
	s, _ := site.Parse("power.toml", site.ExampleFile)
	ceilings, _ := s.Ceilings()
	for _, c := range ceilings {
		fmt.Println(c.Class, c.Ceiling.Format())
	}
	// Output:
	// Antminer S19j Pro 17.89 ₸
	// Antminer S21 34.43 ₸
}

func TestBadFilesNameKeyAndLine(t *testing.T) {
	for name, tc := range map[string]struct{ old, new, code, key string }{
		"a tariff without a day":   {"from = \"2026-11-01\"\n", "", "missing", "tariff[2].from"},
		"days out of order":        {`from = "2026-11-01"`, `from = "2025-11-01"`, "order", "tariff[2].from"},
		"a price below all":        {`price = "33.00"`, `price = "-1_033.00"`, "negative", "tariff[1].price"},
		"power below zero":         {"limit_kw = 2_400", "limit_kw = -2_400", "negative", "limit_kw"},
		"a machine nobody sells":   {`model = "Antminer S21"`, `model = "Antminer S99"`, "unknown-machine", "machines[1].model"},
		"no machines":              {"count = 300", "count = 0", "farm-out-of-range", "machines[0].count"},
		"less sold than the quota": {`sale_cost = "0.5%"`, "sold_share = \"50%\"\nsale_cost = \"0.5%\"", "quota", "sold_share"},
		"a tariff's zone":          {`zone = "west"   `, `zone = "east"   `, "zone", "tariff[3].zone"},
		"a zone nobody has":        {`zone = "north-south"`, `zone = "south"`, "zone", "zone"},
		"a source nobody has":      {`source = "bought"`, `source = "wind"`, "source", "source"},
		"an impossible PUE":        {"pue = 1.05", "pue = 0.9", "farm-out-of-range", "pue"},
		"hours that are none":      {`hours = "18-21"`, `hours = "18-25"`, "hours", "limit[0].hours"},
		"a cap below the floor":    {`cap = "60.00"`, `cap = "4.00"`, "order", "auction.cap"},
		"an unknown key":           {"ramp_kw", "ramp_mw", "unknown-key", "ramp_mw"},
		"a day before the law":     {`day = "2026-11-25"`, `day = "2021-11-25"`, "date", "day"},
		"a day that is none":       {`day = "2026-11-25"`, `day = "2026-11-31"`, "date", "day"},
		"bitcoin for nothing":      {`bitcoin_kzt = "50_000_000"`, `bitcoin_kzt = "0"`, "farm-out-of-range", "bitcoin_kzt"},
	} {
		text := strings.Replace(site.ExampleFile, tc.old, tc.new, 1)
		if text == site.ExampleFile {
			t.Fatalf("%s: the sample has no %q", name, tc.old)
		}
		_, err := site.Parse("power.toml", text)
		var p *strict.Problem
		if !errors.As(err, &p) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := 0
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, strings.TrimSpace(tc.new)) && tc.new != "" {
				want = i + 1
			}
		}
		if p.Code != tc.code || p.Key != tc.key || p.Line == 0 || (want > 0 && p.Line != want && tc.code != "quota") {
			t.Errorf("%s: %s of %s at line %d (want %s of %s at %d): %v", name, p.Code, p.Key, p.Line, tc.code, tc.key, want, p)
		}
	}
}

func TestDayOfTheSample(t *testing.T) {
	s, err := site.Parse("power.toml", site.ExampleFile)
	if err != nil {
		t.Fatal(err)
	}
	prices, err := power.PricesOf(s.Tariffs, s.Day)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Problem(prices, nil)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := dispatch.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	for h := range 24 {
		s19, s21 := schedule.Running(0, h), schedule.Running(300, h)
		if want := h < 7; s19 != want { // 17.89 is above the night's 14.50 only
			t.Errorf("an S19j Pro runs at %d: %v", h, s19)
		}
		if !s21 { // 34.43 is above every tariff
			t.Errorf("an S21 rests at %d", h)
		}
	}
	if len(s.Facts) != 4 {
		t.Errorf("%d facts", len(s.Facts))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(site.ExampleFile)
	f.Add("day = \"2026-01-01\"\nzone=\"west\"")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := site.Parse("power.toml", text)
		if err == nil && (len(s.Classes) == 0 || s.Terms.Check() != nil) {
			t.Fatalf("accepted %+v", s)
		}
	})
}

// In the west the west's tariff holds, and the others where it has none.
func TestTariffsOfAZone(t *testing.T) {
	s, err := site.Parse("power.toml", strings.Replace(site.ExampleFile, `zone = "north-south"`, `zone = "west"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	prices, err := power.PricesOf(s.Tariffs, s.Day)
	if err != nil || prices[0] != 1_600 || prices[20] != 1_600 {
		t.Fatal(prices, err)
	}
}

// A curtailment known before the day lowers the limit, and no run is begun into it that would have to be cut.
func TestCurtailmentKnownBefore(t *testing.T) {
	s, err := site.Parse("power.toml", site.ExampleFile+"[[curtailment]]\nhours = \"14-17\"\nkw = 500\n")
	if err != nil {
		t.Fatal(err)
	}
	prices, err := power.PricesOf(s.Tariffs, s.Day)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Problem(prices, nil)
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := dispatch.Solve(p)
	if err != nil {
		t.Fatal(err)
	}
	for h, watts := range schedule.WattHours {
		if called := h >= 14 && h < 17; p.Called[h] != called || (called && watts > 500_000) {
			t.Errorf("hour %d: called %v, %d W", h, p.Called[h], watts)
		}
	}
	if schedule.Forced != 0 {
		t.Errorf("%d runs were cut", schedule.Forced)
	}
	if _, err := site.Parse("power.toml", site.ExampleFile+"[[curtailment]]\nhours = \"14-17\"\nkw = -1\n"); err == nil || !strings.Contains(err.Error(), "curtailment[0].kw") {
		t.Errorf("a negative curtailment: %v", err)
	}
}
