package risk

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
)

func TestKupiecKnownValues(t *testing.T) {
	// Kupiec's own arithmetic: 8 exceedances in 250 days at 1 %.
	hits := make([]bool, 250)
	for i := range 8 {
		hits[20+i*25] = true
	}
	c := TestCoverage(hits, 0.01)
	want := -2 * (242*math.Log(0.99) + 8*math.Log(0.01) - 242*math.Log(242.0/250) - 8*math.Log(8.0/250))
	if math.Abs(c.LR-want) > 1e-12 || c.N11 != 0 || c.N01 != 8 || c.N10 != 8 || c.N00 != 233 {
		t.Errorf("%+v, want %v", c, want)
	}
	if never := TestCoverage(make([]bool, 100), 0.01); math.IsNaN(never.LR) || math.IsNaN(never.LRCC) {
		t.Errorf("no exceedance: %+v", never)
	}
}

func TestRefusals(t *testing.T) {
	heavy := distuv.StudentsT{Sigma: 1, Nu: 0.7, Src: rand.NewPCG(1, 2)}
	r := make([]float64, 3000)
	for i := range r {
		r[i] = heavy.Rand()
	}
	measures, _, err := Static(r, 0.01, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measures {
		if m.Method == "t" && (m.ES != nil || m.Refused == "") {
			t.Errorf("a shortfall without a mean: %+v", m)
		}
		if m.Method == "cornish-fisher" && (m.VaR != nil || m.Refused == "") {
			t.Errorf("outside the domain: %+v", m)
		}
	}
	few, _, err := Static(r[:100], 0.01, 0)
	if err != nil || few[0].VaR != nil {
		t.Errorf("one return in the tail: %+v, %v", few[0], err)
	}
	var refused *market.Error
	if _, _, err := Static(r, 0.7, 0); !errors.As(err, &refused) {
		t.Error(err)
	}
	if _, _, err := Static([]float64{1, 1, 1}, 0.05, 0); !errors.As(err, &refused) || refused.Code != "market-constant" {
		t.Error(err)
	}
}

// Shortfall is at least the value at risk, both fall with p, and both scale.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, nu := rapid.Uint64().Draw(t, "seed"), rapid.Float64Range(3, 30).Draw(t, "nu")
		d := distuv.StudentsT{Sigma: 2, Nu: nu, Src: rand.NewPCG(seed, 1)}
		r, scaled := make([]float64, 1200), make([]float64, 1200)
		for i := range r {
			r[i] = d.Rand()
			scaled[i] = 3 * r[i]
		}
		one, _, err := Static(r, 0.01, 0)
		if err != nil {
			t.Fatal(err)
		}
		five, _, _ := Static(r, 0.05, 0)
		three, _, _ := Static(scaled, 0.01, 0)
		for i, m := range one {
			if m.VaR == nil || five[i].VaR == nil {
				continue
			}
			if *m.ES < *m.VaR || *m.VaR < *five[i].VaR {
				t.Fatalf("%s: %v %v %v", m.Method, *m.VaR, *m.ES, *five[i].VaR)
			}
			if math.Abs(*three[i].VaR-3**m.VaR) > 1e-4**three[i].VaR {
				t.Fatalf("%s: %v is not three times %v", m.Method, *three[i].VaR, *m.VaR)
			}
		}
	})
}

// On returns from a GARCH-t the filtered method passes; a normal law for
// constant variance does not.
func TestLeague(t *testing.T) {
	r, err := garch.Simulate(garch.Spec{Law: garch.StudentT, Mean: garch.Zero}, []float64{0.1, 0.12, 0.86, 4}, 2600, 17)
	if err != nil {
		t.Fatal(err)
	}
	// Progress is of both halves of the work, the first from its first day, and the last step is the end.
	steps := 0
	league, err := League(context.Background(), r, 1000, 2599, 1000, 0.01, 0, func(done, all int) {
		if steps++; done != steps || all != 3200 {
			t.Fatalf("step %d is %d of %d", steps, done, all)
		}
	})
	if steps != 3200 {
		t.Errorf("%d steps", steps)
	}
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Standing{}
	for i, s := range league {
		byName[s.Method] = s
		if s.Refused == "" && s.Rank != i+1 {
			t.Errorf("rank %d at %d", s.Rank, i)
		}
	}
	if s := byName["filtered historical (garch-t)"]; !s.Passes {
		t.Errorf("%+v %+v", s, s.Coverage)
	}
	if s := byName["extreme value (garch-t)"]; !s.Passes || s.Days != 1600 {
		t.Errorf("%+v %+v", s, s.Coverage)
	}
	if s := byName["normal"]; s.Passes {
		t.Errorf("%+v %+v", s, s.Coverage)
	}
	// The tail's law of a day is fitted to the days before it, its own not among them.
	if s := byName["extreme value"]; s.Days != 1600 {
		t.Errorf("%+v %+v", s, s.Coverage)
	}
	mean := 0.0
	for day := 1000; day < 2600; day++ {
		tail, err := FitTail(r[day-Window:day], 0.1)
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := tail.At(0.01)
		if err != nil {
			t.Fatal(err)
		}
		mean += v / 1600
	}
	if s := byName["extreme value"]; math.Abs(*s.MeanVaR-mean) > 1e-9*mean {
		t.Errorf("mean value at risk %v, of tails fitted here %v", *s.MeanVaR, mean)
	}
	// Reports of the earlier formats had neither method.
	before, err := League(context.Background(), r[:1500], 1000, 1040, 1000, 0.01, 4, nil)
	if err != nil || len(before) != 6 || len(league) != 8 {
		t.Errorf("%d methods then, %d now; %v", len(before), len(league), err)
	}
	if _, err := League(context.Background(), r, 10, 20, 1000, 0.01, 0, nil); err == nil {
		t.Error("a back-test without a past was accepted")
	}
}

func TestAcerbiSzekely(t *testing.T) {
	r, v, e := []float64{-5, 1, 1, 1}, []float64{4, 4, 4, 4}, []float64{5, 5, 5, 5}
	if z := AcerbiSzekely(r, v, e, 0.25); math.Abs(z) > 1e-12 { // exactly as forecast
		t.Error(z)
	}
	if z := AcerbiSzekely([]float64{-10, 1, 1, 1}, v, e, 0.25); math.Abs(z+1) > 1e-12 {
		t.Error(z)
	}
}

// A quantile function rises. One crash in a quiet series makes the expansion fall everywhere, which has no root of its
// derivative either.
func TestAnExpansionThatFallsIsNoDistribution(t *testing.T) {
	for _, x := range []struct {
		skewness, excess float64
		valid            bool
	}{{0, 0, true}, {-0.5, 2, true}, {-29.8, 1058, false}, {0, 9, false}, {3, 9, false}} {
		_, valid := CornishFisherQuantile(-2, x.skewness, x.excess)
		rises := true
		for z := -6.0; z < 6; z += 0.01 {
			low, _ := CornishFisherQuantile(z, x.skewness, x.excess)
			high, _ := CornishFisherQuantile(z+0.01, x.skewness, x.excess)
			rises = rises && high > low
		}
		if valid != x.valid || valid && !rises {
			t.Errorf("skewness %v, excess %v: valid %v, rises %v", x.skewness, x.excess, valid, rises)
		}
	}
}
