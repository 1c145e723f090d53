package functions

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/market/usage"
	"github.com/aqsha/aqsha/words"
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
	digital := usage.System{Source: "node", Values: map[string]float64{"fee over value": 0, "median fee": 0}}
	s, err := OfFolder(Options{Dir: dir, From: "2016-01-01", To: "2019-10-20", Anchors: anchors(t), Tenge: &digital})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Cards) != 6 || len(s.Findings) != 4 {
		t.Fatalf("%d cards, %d findings", len(s.Cards), len(s.Findings))
	}
	for _, c := range s.Cards {
		if c.Name == "tenge" && (c.Values["volatility of the basket's price"] > 5 || c.Functions[0].Score != nil || c.Functions[1].Verdict != Performs) {
			t.Errorf("%+v", c)
		}
		if c.Name == "dollar" && c.Values["volatility of the basket's price"] == s.Cards[1].Values["volatility of the basket's price"] {
			t.Errorf("the dollar is measured by the tenge's series: %+v", c)
		}
		if _, known := c.Values["correlation with gold"]; c.Name == "gold" && known {
			t.Error("gold is measured by itself")
		}
		if all := c.Functions[0].Verdict != NotAvailable && c.Functions[1].Verdict != NotAvailable && c.Functions[2].Verdict != NotAvailable; (c.Score != nil) != all {
			t.Errorf("a whole of some functions: %+v", c)
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
	s.Print(&b, words.English)
	if strings.Contains(b.String(), "NaN") {
		t.Error(b.String())
	}
	late, err := OfFolder(Options{Dir: dir, From: "2024-01-01", To: "2025-12-31", Anchors: anchors(t)})
	if err != nil || late.Findings[2].Confirmed != nil || late.Findings[2].Verdict != NotAvailable || !strings.Contains(late.Findings[2].Words.String(), "Not available") {
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
	at, ok := s.Flip.Functions["store of value"]
	if !ok || at >= s.Flip.Volatility || at <= 0 {
		t.Errorf("%+v", s.Flip)
	}
	if s.Cards[0].Functions[1].Verdict != PerformsNot || !*s.Findings[3].Confirmed || !*s.Findings[2].Confirmed || s.Findings[0].Verdict == "confirmed" {
		t.Errorf("%+v", s.Findings)
	}
	for _, f := range s.Findings {
		t.Logf("%s → %s", f.Paper, f.Words)
	}
}

// The band decides, not the score alone; and one indicator of four says nothing.
func TestVerdictNeedsItsBandAndItsIndicators(t *testing.T) {
	number := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		score, low, high float64
		known, of        int
		want             string
	}{
		{51, 36, 65, 4, 4, Undecided}, {49, 36, 65, 4, 4, Undecided}, {70, 55, 80, 4, 4, Performs}, {20, 5, 40, 2, 4, PerformsNot},
		{90, 80, 95, 1, 4, NotAvailable}, {90, 80, 95, 1, 2, NotAvailable}, {90, 80, 95, 2, 5, NotAvailable}, {90, 80, 95, 2, 2, Performs},
	} {
		f := FunctionScore{Score: number(c.score), Low: number(c.low), High: number(c.high), Known: c.known, Of: c.of}
		f.decide(50)
		if f.Verdict != c.want || (f.Performs != nil) != (c.want == Performs || c.want == PerformsNot) {
			t.Errorf("%+v: %s", c, f.Verdict)
		}
	}
	yes, no := FunctionScore{Verdict: Performs, Performs: new(bool)}, FunctionScore{Verdict: PerformsNot, Performs: new(bool)}
	*yes.Performs = true
	open, none := FunctionScore{Verdict: Undecided}, FunctionScore{Verdict: NotAvailable}
	for _, c := range []struct {
		want string
		of   []FunctionScore
	}{{"confirmed", []FunctionScore{no, no}}, {"not confirmed", []FunctionScore{no, yes}}, {Undecided, []FunctionScore{no, open}}, {NotAvailable, []FunctionScore{none, open}}, {"not confirmed", []FunctionScore{open, yes}}} {
		if f := judge("", words.Said{}, false, c.of...); f.Verdict != c.want {
			t.Errorf("%v: %s, want %s", c.of, f.Verdict, c.want)
		}
	}
}

// A foreign money's own series gives its own figures, by the units it is quoted for.
func TestForeignMoneysHaveTheirOwnSeries(t *testing.T) {
	dir := t.TempDir()
	if err := synthetic.Write(dir); err != nil {
		t.Fatal(err)
	}
	var eur, rub strings.Builder
	eur.WriteString("date,kzt_per_eur\n")
	rub.WriteString("date,quant,kzt_per_rub\n")
	for i := range 1300 {
		day := time.Date(2016, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		fmt.Fprintf(&eur, "%s,%.2f\n", day, 380+10*math.Sin(float64(i)/40))
		fmt.Fprintf(&rub, "%s,%d,%.2f\n", day, 1+9*(i/650), (5+math.Sin(float64(i)/90))*float64(1+9*(i/650)))
	}
	for name, text := range map[string]string{"eur_kzt_daily.csv": eur.String(), "rub_kzt_daily.csv": rub.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := OfFolder(Options{Dir: dir, From: "2016-01-01", To: "2019-06-30", Anchors: anchors(t)})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Card{}
	for _, c := range s.Cards {
		found[c.Name] = c
	}
	e, r := found["EUR"], found["RUB"]
	if len(s.Cards) != 8 || e.Values["maximum drawdown"] < -0.06 || e.Values["maximum drawdown"] > -0.04 || r.Values["maximum drawdown"] < -0.4 || r.Values["maximum drawdown"] > -0.3 {
		t.Errorf("%d cards, %+v, %+v", len(s.Cards), e.Values, r.Values)
	}
}
