package risks

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/words"
)

func events(t testing.TB) []Event {
	t.Helper()
	e, err := ParseEvents(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Planted falls are found on the day; on days drawn at random nothing is.
func TestEventStudyFindsWhatIsPlanted(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	r := market.Series{Name: "r"}
	for i := range 2500 {
		r.Times, r.Values = append(r.Times, time.Date(2015, 1, 1+i, 0, 0, 0, 0, time.UTC)), append(r.Values, 2*random.NormFloat64())
	}
	var planted, quiet []Event
	for i := 200; i < 2400; i += 150 {
		r.Values[i] -= 8
		planted = append(planted, Event{Date: r.Times[i].Format(time.DateOnly)})
		quiet = append(quiet, Event{Date: r.Times[i+40].Format(time.DateOnly)})
	}
	found, err := Study(r, planted)
	if err != nil || found.PDay0 > 1e-4 || found.MeanDay0 > -6 || !strings.HasPrefix(found.Words().String(), "confirmed") {
		t.Errorf("%+v, %v", found, err)
	}
	none, err := Study(r, quiet)
	if err != nil || none.PDay0 < 0.01 || len(none.Reactions) != len(quiet) {
		t.Errorf("%+v, %v", none, err)
	}
	if _, err := Study(r, planted[:2]); err == nil {
		t.Error("two events gave a test")
	}
}

func TestParseEvents(t *testing.T) {
	if len(events(t)) < 10 {
		t.Error("few events")
	}
	for _, bad := range []string{"", "a,b,c,d\n", "date,event,kind,source\n2020-13-01,x,y,z\n", "date,event,kind,source\n2020-01-01,x\n"} {
		if _, err := ParseEvents([]byte(bad)); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

// Honest sizes spread over decades follow Benford; uniform ones do not.
func TestWash(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	honest, invented := make([]float64, 5000), make([]float64, 5000)
	for i := range honest {
		honest[i] = math.Pow(10, 4*random.Float64())
		if i%5 == 0 {
			honest[i] = math.Round(honest[i]/10) * 10
		}
		invented[i] = math.Pow(10, float64(random.IntN(3))) * (1 + 8.99*random.Float64())
	}
	h, err := WashOf(honest, false, []float64{3}, []float64{1})
	if err != nil || h.MAD > MADLimit || *h.OverChain != 3 || h.Clustered < 0.01 {
		t.Errorf("%+v, %v", h, err)
	}
	i, err := WashOf(invented, false, nil, nil)
	if err != nil || i.MAD < MADLimit || i.OverChain != nil || i.Clustered > 0.01 {
		t.Errorf("%+v, %v", i, err)
	}
	if _, err := WashOf(honest[:50], false, nil, nil); err == nil {
		t.Error("fifty sizes accepted")
	}
}

func TestSyntheticFolder(t *testing.T) {
	dir := t.TempDir()
	if err := synthetic.Write(dir); err != nil {
		t.Fatal(err)
	}
	r, err := OfFolder(Options{Dir: dir, Events: events(t)})
	if err != nil || len(r.Indicators) != 7 || r.Events == nil || len(r.Causality) != 2 || r.Wash == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, i := range r.Indicators {
		if i.Value == nil && i.Needs == "" {
			t.Errorf("%d is not available and does not say what it needs", i.Number)
		}
		if i.Value != nil && (i.From < r.From[:4] || i.To > r.To) {
			t.Errorf("%d: %s … %s outside %s … %s", i.Number, i.From, i.To, r.From, r.To)
		}
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	// A window without a tenge rate: not available, never 0.
	late, err := OfFolder(Options{Dir: dir, From: "2022-01-01", Events: events(t)})
	if err != nil || late.Indicators[4].Value != nil || late.Indicators[4].Words.String() != "not available in the window" {
		t.Errorf("%+v, %v", late.Indicators, err)
	}
	var b strings.Builder
	late.Print(&b, words.English)
	if strings.Contains(b.String(), "NaN") {
		t.Error(b.String())
	}
	if _, err := OfFolder(Options{Dir: t.TempDir()}); err == nil {
		t.Error("an empty folder gave a report")
	}
}

// With residents' holdings and the money stock each risk has its figure, worked
// out here by hand for the last quarter; a window's own dates are kept.
func TestEachRiskHasItsOwnMeasure(t *testing.T) {
	dir := t.TempDir()
	if err := synthetic.Write(dir); err != nil {
		t.Fatal(err)
	}
	macro := "quarter,cpi,usdkzt,tonia_rate,gdp,m1,m3,deposits,deposits_fx\n"
	residents := "quarter,holdings_usd,inflow_usd,outflow_usd,illicit_pct\n"
	for q := range 24 {
		name := fmt.Sprintf("%dQ%d", 2016+q/4, q%4+1)
		macro += fmt.Sprintf("%s,%d,%d,%d,20000,10000,30000,25000,10000\n", name, 100+q, 400+q, 10+q%2)
		residents += fmt.Sprintf("%s,%d,2e8,5e8,0.6\n", name, 1_000_000_000+q)
	}
	for name, text := range map[string]string{"macro_kz_quarterly.csv": macro, "crypto_kz_quarterly.csv": residents} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := OfFolder(Options{Dir: dir, From: "2018-01-01", To: "2019-12-31", Events: events(t)})
	if err != nil {
		t.Fatal(err)
	}
	rate := 415.0 // 2019Q4
	for number, want := range map[int]float64{
		1: 0.6, 2: 100 * 3e8 * rate / 1e9 / 20000, 3: 100 * (1e9 + 15) * rate / 1e9 / 10000, 4: (1e9 + 15) * rate / 1e9 * 11 / 100, 6: 100 * (1e9 + 15) * rate / 1e9 / 25000,
	} {
		if i := r.Indicators[number-1]; i.Value == nil || math.Abs(*i.Value-want) > 1e-9*want {
			t.Errorf("risk %d: %+v, want %v", number, i, want)
		}
	}
	for _, i := range r.Indicators[:6] { // the synthetic pools begin later
		if i.Value == nil || i.From > i.To || i.To > "2019-12-31" || i.From < "2018" {
			t.Errorf("risk %d: %+v", i.Number, i)
		}
	}
	if b := r.Indicators[4].Beside; len(b) != 2 || math.Abs(*b[1].Value-8) > 1e-9 {
		t.Errorf("velocity: %+v", b)
	}
	if early, err := OfFolder(Options{Dir: dir, From: "2015-01-01", To: "2015-12-31", Events: events(t)}); err != nil || early.Indicators[1].Beside != nil || early.Indicators[6].To > "2015-12-31" {
		t.Errorf("2021's cards or 2026's pools in 2015: %+v, %v", early.Indicators, err)
	}
}

// Lists on days without news are beside each study: they confirm about one time
// in twenty, the planted list is told from them, and one fall alone is not enough.
func TestPlaceboLists(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	r := market.Series{Name: "r"}
	for i := range 2500 {
		r.Times, r.Values = append(r.Times, time.Date(2015, 1, 1+i, 0, 0, 0, 0, time.UTC)), append(r.Values, 2*random.NormFloat64())
	}
	var list []Event
	for i := 200; i < 2400; i += 150 {
		r.Values[i] -= 6
		list = append(list, Event{Date: r.Times[i].Format(time.DateOnly), Name: "news"})
	}
	s, err := Study(r, list)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Placebo
	if p.RandomLists != 2000 || p.RandomP > 0.001 || p.Confirms > 0.09 || len(p.Shifted) != 4 || p.LeaveOut.Below != p.LeaveOut.N || p.Worst < 10 || p.WorstP > 1e-6 || !strings.Contains(s.Words().String(), "chosen by the falls") {
		t.Errorf("%+v\n%s", p, s.Words())
	}
	for _, shift := range p.Shifted {
		if shift.P < 0.005 {
			t.Errorf("a moved list is confirmed: %+v", shift)
		}
	}
	again, err := Study(r, list)
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Error("the same list gave another study")
	}
	// A list carried by one event is never confirmed.
	var carried []Event
	for i := 300; i < 1500; i += 100 {
		r.Values[i] = -1 - float64(i%7)/10
		carried = append(carried, Event{Date: r.Times[i].Format(time.DateOnly), Name: "news"})
	}
	r.Values[300] = -60
	c, err := Study(r, carried[:3])
	if err != nil || strings.HasPrefix(c.Words().String(), "confirmed") {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestRealExtracts(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the folder of real extracts is not here")
	}
	r, err := OfFolder(Options{Dir: dir, Events: events(t), From: "2016-01-01"})
	if err != nil || r.Events == nil || len(r.Events.Reactions) != 14 { // of 15, two of May 2021 are two days apart
		t.Fatalf("%+v, %v", r, err)
	}
	var b strings.Builder
	r.Print(&b, words.English)
	t.Log(b.String())
}

// Four copies of one event are one event, not proof without a variance.
func TestDoubledAndOverlappingEventsAreMerged(t *testing.T) {
	s := market.Series{Name: "r"}
	var events []Event
	for i := range 600 {
		at := time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC)
		s.Times, s.Values = append(s.Times, at), append(s.Values, float64(i*7919%13)-6)
		if i == 200 || i == 300 || i == 400 || i == 402 {
			for range 4 {
				events = append(events, Event{Date: at.Format(time.DateOnly), Name: "news"})
			}
		}
	}
	study, err := Study(s, events)
	if err != nil || len(study.Reactions) != 3 || len(study.Skipped) != 13 {
		t.Fatalf("%d reactions, %d skipped, %v", len(study.Reactions), len(study.Skipped), err)
	}
	if _, err := Study(s, events[:4]); err == nil {
		t.Error("one event four times was tested")
	}
}

// A t test alone confirms nothing: random lists that fall as much, and an event
// without which nothing is left, each take the word back.
func TestWordsFollowThePlacebos(t *testing.T) {
	for want, s := range map[string]EventStudy{
		"not confirmed: 20.0 %": {PDay0: 0.01, PSign: 0.01, Placebo: Placebo{RandomLists: 2000, RandomP: 0.2, LeaveOut: Leave{Below: 9, N: 9}, WorstP: 1}},
		"undecided: without x":  {PDay0: 0.01, PSign: 0.01, Placebo: Placebo{RandomLists: 2000, RandomP: 0.01, LeaveOut: Leave{Below: 8, N: 9, Carries: "x"}, WorstP: 1}},
		"confirmed for these":   {PDay0: 0.01, PSign: 0.01, Placebo: Placebo{RandomLists: 2000, RandomP: 0.01, LeaveOut: Leave{Below: 9, N: 9}, WorstP: 1}},
		"not confirmed at 5 %":  {PDay0: 0.2, PSign: 0.01, Placebo: Placebo{RandomLists: 2000, RandomP: 0.01, LeaveOut: Leave{Below: 9, N: 9}, WorstP: 1}},
	} {
		if got := s.Words(); !strings.HasPrefix(got.String(), want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
