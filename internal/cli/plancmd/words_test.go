package plancmd

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power/backtest"
	"github.com/aqsha/aqsha/planner/power/site"
	"github.com/aqsha/aqsha/words"
)

// What a back-test plays and which parameters a power file takes are said in each language, every one of them.
func TestStrategiesAndFactsInEachLanguage(t *testing.T) {
	s, err := site.Parse("power.toml", site.ExampleFile)
	if err != nil {
		t.Fatal(err)
	}
	result, err := backtest.Run(t.Context(), s, backtest.Example("2026-07-28", 30, 1), 20, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	latin := func(text string) bool {
		return strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz")
	}
	for _, code := range []string{"kk", "ru"} {
		l := words.Of(code)
		for _, r := range result.Rows {
			if text := strategyText(l, r.Strategy); latin(text) {
				t.Errorf("%s: %q is %q", code, r.Strategy, text)
			}
		}
		for _, f := range s.Facts {
			if text := factText(l, f.Name); latin(text) {
				t.Errorf("%s: %q is %q", code, f.Name, text)
			}
		}
		if text := factText(l, params.NotConfirmed2026); latin(text) || len(s.Facts) == 0 || len(result.Rows) < 9 {
			t.Errorf("%s: %q; %d facts, %d rows", code, text, len(s.Facts), len(result.Rows))
		}
	}
}
