package garch

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Returns of one constant variance leave EGARCH little to find but folds of a rough likelihood: the search goes on
// inside the region where ln h forgets where it began, and the fit says of which side it is. The searches of reports
// sealed before stay what they were.
func TestEGARCHOfMildReturns(t *testing.T) {
	tops, none := 0, 0
	for seed := uint64(1); seed <= 400 && (tops < 3 || none < 1); seed++ {
		random := rand.New(rand.NewPCG(seed, 7))
		r := make([]float64, 300)
		for i := range r {
			r[i] = random.NormFloat64()
		}
		var fits [3]*Fit
		for i, spec := range []Spec{{Model: EGARCH}, {Model: EGARCH, Folds: true}, {Model: EGARCH, Earlier: true}} {
			var err error
			if fits[i], err = Estimate(t.Context(), r, spec); err != nil {
				t.Fatal(err)
			}
			checkSides(t, "mild", fits[i])
			end := fits[i].Convergence
			if i < 2 && end.Converged != (end.Stopped == "") {
				t.Fatalf("seed %d: converged %t, stopped %q", seed, end.Converged, end.Stopped)
			}
			if d := end.Decrement; i < 2 && !end.Converged && d != nil && *d == 0 {
				t.Fatalf("seed %d: a decrement of 0 was not measured", seed)
			}
		}
		now, folds, earlier := fits[0], fits[1], fits[2]
		if folds.LogLik < earlier.LogLik-noise || folds.Convergence.Outside != nil {
			t.Fatalf("seed %d: format 7 came to %v, format 6 to %v", seed, folds.LogLik, earlier.LogLik)
		}
		all := strings.Join(now.Warnings, "\n")
		switch end := now.Convergence; {
		case end.Outside != nil:
			tops++
			if !end.Converged || end.Outside.LogLik < folds.LogLik-noise && folds.forgetting() > hardlyForgets ||
				!strings.Contains(all, "this fit is the top of the region") {
				t.Fatalf("seed %d: %+v beside %v: %s", seed, end.Outside, folds.LogLik, all)
			}
		case end.Inside != nil:
			none++
			if end.Converged || !strings.Contains(all, "did not converge: its parameters") ||
				!strings.Contains(all, "it has no top inside") {
				t.Fatalf("seed %d: %+v: %s", seed, end.Inside, all)
			}
		}
	}
	if tops < 3 || none < 1 {
		t.Fatalf("%d fits with a fold above the region's top, %d without a top", tops, none)
	}
}

// A fitted mean, an autoregression and a skewed law are searched by the simpler likelihood first: the ends are of the
// whole model, and inside the region no lower than where its own climb from the simpler one's top ends.
func TestTheRegionOfWholeModels(t *testing.T) {
	met := 0
	for seed := uint64(1); seed <= 60 && met < 3; seed++ {
		random := rand.New(rand.NewPCG(seed, 9))
		r := make([]float64, 150)
		for i := range r {
			r[i] = 0.1 + random.NormFloat64()
		}
		spec := Spec{Model: EGARCH, Mean: []Mean{Constant, AR1}[seed%2], Law: []Law{Normal, SkewT, StudentT}[seed%3]}
		fit, err := Estimate(t.Context(), r, spec)
		if err != nil {
			t.Fatal(err)
		}
		checkSides(t, "whole model", fit)
		if fit.Convergence.Outside == nil {
			continue
		}
		met++
		if mu := fit.Value("mu"); math.Abs(mu-0.1) > 0.5 {
			t.Errorf("seed %d: a mean of %v", seed, mu)
		}
	}
	if met < 3 {
		t.Fatalf("%d fits at the region's top", met)
	}
}

// A fitted mean has tops between its returns: from beside the best one a higher one is found, and never a lower.
func TestATopBesideTheMean(t *testing.T) {
	higher := 0
	for seed := uint64(1); seed <= 300 && higher < 1; seed++ {
		random := rand.New(rand.NewPCG(seed, 11))
		r, l := make([]float64, 200), 0.0
		for i := range r {
			z := random.NormFloat64()
			r[i] = 0.2 + 3*math.Exp(l/2)*z
			l = 0.4*(math.Abs(z)-math.Sqrt(2/math.Pi)) + 0.1*z + 0.8*l
		}
		now, err := Estimate(t.Context(), r, Spec{Model: EGARCH, Mean: Constant})
		if err != nil {
			t.Fatal(err)
		}
		then, err := Estimate(t.Context(), r, Spec{Model: EGARCH, Mean: Constant, Folds: true})
		if err != nil {
			t.Fatal(err)
		}
		if !now.Convergence.Converged || !then.Convergence.Converged || then.forgetting() > hardlyForgets {
			continue
		}
		if now.LogLik < then.LogLik-noise {
			t.Fatalf("seed %d: %v, and %v without the climbs beside it", seed, now.LogLik, then.LogLik)
		}
		if now.LogLik > then.LogLik+1e-3 {
			higher++
		}
	}
	if higher < 1 {
		t.Fatal("no top beside another was found")
	}
}
