package functions

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/market/use"
	"pgregory.net/rapid"
)

func anchors(t testing.TB) Anchors {
	t.Helper()
	a, err := ParseAnchors(DefaultAnchors())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnchorsAreChecked(t *testing.T) {
	anchors(t)
	for _, bad := range []string{"{", `{"threshold":50,"functions":[]}`, `{"threshold":50,"functions":[{"name":"x","weight":1,"indicators":[{"key":"a","worst":1,"best":1}]}]}`, `{"threshold":0,"functions":[{"name":"x","weight":1,"indicators":[{"key":"a","worst":1,"best":0}]}]}`} {
		if _, err := ParseAnchors([]byte(bad)); err == nil {
			t.Errorf("%s accepted", bad)
		}
	}
}

// A score is between 0 and 100, rises with each indicator towards its best
// anchor, and an unknown indicator changes nothing but the count.
func TestScoreProperties(t *testing.T) {
	a := anchors(t)
	rapid.Check(t, func(t *rapid.T) {
		values := map[string]float64{}
		for _, f := range a.Functions {
			for _, i := range f.Indicators {
				if rapid.Bool().Draw(t, "known") {
					values[i.Key] = rapid.Float64Range(-2, 12).Draw(t, i.Key)
				}
			}
		}
		whole, functions, known := a.total(values)
		for j, f := range a.Functions {
			if functions[j] < 0 || functions[j] > 100 || known[j] > len(f.Indicators) {
				t.Fatalf("%v %v", functions, known)
			}
			for _, i := range f.Indicators {
				if x, ok := values[i.Key]; ok {
					values[i.Key] = x + (i.Best-i.Worst)*0.1
					better, _, _ := a.total(values)
					if better < whole-1e-9 {
						t.Fatalf("%s nearer its best lowered %v to %v", i.Key, whole, better)
					}
					values[i.Key] = x
				}
			}
		}
	})
}

func TestBestAndWorst(t *testing.T) {
	a := anchors(t)
	best, worst := map[string]float64{}, map[string]float64{}
	for _, f := range a.Functions {
		for _, i := range f.Indicators {
			best[i.Key], worst[i.Key] = i.Best, i.Worst
		}
	}
	if c := a.Score("best", best, nil); *c.Score != 100 || *c.Low < 80 {
		t.Errorf("%v %v", *c.Score, *c.Low)
	}
	if c := a.Score("worst", worst, nil); *c.Score != 0 || *c.High > 20 {
		t.Errorf("%v %v", *c.Score, *c.High)
	}
	if c := a.Score("nothing", nil, nil); c.Score != nil || c.Functions[0].Performs != nil {
		t.Errorf("%+v", c)
	}
}

func TestSyntheticFolder(t *testing.T) {
	dir := t.TempDir()
	if err := synthetic.Write(dir); err != nil {
		t.Fatal(err)
	}
	digital := use.System{Source: "node", Values: map[string]float64{"fee over value": 0, "median fee": 0}}
	s, err := OfFolder(Options{Dir: dir, From: "2016-01-01", To: "2019-10-20", Anchors: anchors(t), Tenge: &digital})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Cards) != 6 || len(s.Findings) != 4 {
		t.Fatalf("%d cards, %d findings", len(s.Cards), len(s.Findings))
	}
	for _, c := range s.Cards {
		if c.Name == "tenge" && (math.Abs(c.Values["volatility over the tenge's"]-1) > 1e-9 || c.Functions[0].Score != nil) {
			t.Errorf("%+v", c)
		}
		if c.Name == "digital tenge" && *c.Functions[0].Score != 100 {
			t.Errorf("%+v", c.Functions[0])
		}
	}
	if !*s.Findings[3].Confirmed { // the synthetic coin follows the issuance rule
		t.Error(s.Findings[3].Words)
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}
	var b strings.Builder
	s.Print(&b)
	if strings.Contains(b.String(), "NaN") {
		t.Error(b.String())
	}
	late, err := OfFolder(Options{Dir: dir, From: "2024-01-01", To: "2025-12-31", Anchors: anchors(t)})
	if err != nil || late.Findings[2].Confirmed != nil || !strings.Contains(late.Findings[2].Words, "Not available") {
		t.Errorf("%+v, %v", late.Findings, err)
	}
	if _, err := OfFolder(Options{Dir: t.TempDir(), Anchors: anchors(t)}); err == nil {
		t.Error("an empty folder gave a scorecard")
	}
}

// At the flip the score stands on the threshold; calmer is better.
func TestFlip(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the folder of real extracts is not here")
	}
	s, err := OfFolder(Options{Dir: dir, From: "2016-01-01", To: "2019-10-20", Anchors: anchors(t)})
	if err != nil {
		t.Fatal(err)
	}
	at, ok := s.Flip.Functions["unit of account"]
	if !ok || at >= s.Flip.Volatility || at <= 0 {
		t.Errorf("%+v", s.Flip)
	}
	if *s.Cards[0].Functions[1].Performs || !*s.Findings[3].Confirmed || !*s.Findings[2].Confirmed {
		t.Errorf("%+v", s.Findings)
	}
	for _, f := range s.Findings {
		t.Logf("%s → %s", f.Paper, f.Words)
	}
}
