package risk

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The 5 % points that a Monte Carlo in R (2,000 paths of returns, not of
// exceedances) gave: the limit of -0.70 holds at T = 250, p = 2.5 % only.
func TestTheShortfallTestHasItsOwnLimit(t *testing.T) {
	for _, c := range []struct {
		days      int
		p, nu     float64
		low, high float64
	}{
		{250, 0.025, math.Inf(1), -0.78, -0.62},
		{1826, 0.05, math.Inf(1), -0.20, -0.16},
		{1389, 0.01, math.Inf(1), -0.52, -0.42},
		{1191, 0.05, 4, -0.26, -0.19},
	} {
		p, critical := AcerbiNull(-0.251, c.days, c.p, c.nu)
		if critical < c.low || critical > c.high {
			t.Errorf("T %d, p %g, nu %g: %g", c.days, c.p, c.nu, critical)
		}
		if c.days == 1826 && p > 0.03 {
			t.Errorf("Z = -0.251 over 1,826 days at 5 %%: p = %g, want a rejection", p)
		}
	}
}

// Against returns drawn one by one, the draw by exceedances gives the same null.
func TestTheNullByExceedancesIsThatOfReturns(t *testing.T) {
	const days, p = 500, 0.05
	v, e := NormalLaw(0, 1, p)
	random := rand.New(rand.NewPCG(7, 7))
	below, paths := 0, 4000
	_, critical := AcerbiNull(0, days, p, math.Inf(1))
	for range paths {
		sum := 0.0
		for range days {
			if r := random.NormFloat64(); r < -v {
				sum += r / (days * p * e)
			}
		}
		if sum+1 < critical {
			below++
		}
	}
	if share := float64(below) / float64(paths); share < 0.04 || share > 0.06 {
		t.Errorf("%g of the paths lie below the 5 %% point", share)
	}
}

func TestDieboldMarianoTellsTheWorse(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	a, b := make([]float64, 400), make([]float64, 400)
	for i := range a {
		noise := random.NormFloat64()
		a[i], b[i] = noise+0.3+0.5*random.NormFloat64(), noise
	}
	if p := DieboldMariano(a, b); p > 0.001 {
		t.Errorf("worse by 0.3: p = %g", p)
	}
	if p := DieboldMariano(b, b); p != 0.5 {
		t.Errorf("the same: p = %g", p)
	}
}

func TestMethodsAreScoredOnTheSameDays(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	r := make([]float64, 300)
	a, b := make([]forecast, 300), make([]forecast, 300)
	for i := range r {
		r[i], a[i], b[i] = random.NormFloat64(), forecast{1.645, 2.06}, forecast{1.645, 2.06}
		if i%20 == 0 { // the days that b may leave out are the worst
			r[i], b[i] = -9, none
		}
	}
	league := scoreTogether([]string{"a", "b"}, r, map[string][]forecast{"a": a, "b": b}, r, 0.05, 0)
	if league[0].Days != league[1].Days || *league[0].Loss != *league[1].Loss {
		t.Errorf("%+v %+v", league[0], league[1])
	}
}
