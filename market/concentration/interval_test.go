package concentration

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the amounts, each figure is possible and stands inside what
// concentration allows; the float figures agree with the exact ones.
func TestFiguresArePossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Int64Range(1, 1<<40), 2, 60).Draw(t, "amounts")
		x := make([]float64, len(amounts))
		for i, v := range amounts {
			x[i] = float64(v)
		}
		exact, err := Measure(amounts)
		if err != nil {
			t.Fatal(err)
		}
		points := []Point{{rapid.Float64Range(0.01, 0.99).Draw(t, "population"), 0.1}}
		u, err := UncertaintyOf(x, false, points)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(u.HHI.Value-exact.HHI) > 1e-6*exact.HHI || math.Abs(u.Gini.Value-exact.Gini) > 1e-9 || math.Abs(u.CR1.Value-exact.CR1) > 1e-12 {
			t.Fatalf("%+v, exact %+v", u, exact)
		}
		if exact.HHI > 1e4 || exact.HHI < 1e4/float64(exact.N)-1e-9 || exact.Gini < 0 || exact.Gini > 1 || exact.Theil < 0 || math.IsNaN(exact.EntropyBits) {
			t.Fatalf("impossible: %+v", exact)
		}
		for _, i := range []Interval{u.HHI, u.Gini, u.Nakamoto, u.CR1, u.Points[0].Measured} {
			if !(i.Low <= i.High) || math.IsNaN(i.Value) || i.Low < 0 {
				t.Fatalf("%+v", u)
			}
		}
	})
}

// Pools' shares are estimates from the luck of blocks: about 95 % of samples'
// intervals hold the truth.
func TestIntervalOfPoolsCoversTheTruth(t *testing.T) {
	shares := []float64{0.3, 0.25, 0.2, 0.15, 0.1}
	truth := 0.0
	for _, s := range shares {
		truth += 1e4 * s * s
	}
	random := rand.New(rand.NewPCG(11, 11))
	covered := 0
	const samples = 60
	for range samples {
		blocks := make([]float64, len(shares))
		for range 1000 {
			u := random.Float64()
			for i, s := range shares {
				if u -= s; u < 0 || i == len(shares)-1 {
					blocks[i]++
					break
				}
			}
		}
		u, err := UncertaintyOf(blocks, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		if u.HHI.Low <= truth && truth <= u.HHI.High {
			covered++
		}
	}
	if covered < samples*8/10 {
		t.Errorf("%d of %d intervals hold the truth", covered, samples)
	}
}

// A list made to have the paper's points is consistent with them; an equal one is not.
func TestPointsAreTestedAgainstData(t *testing.T) {
	// Of 10,000: 9,000 hold a tenth, the next 990 hold four tenths, the last 10 a half.
	var made, equal []float64
	for i := range 10_000 {
		v := 0.1 / 9000
		switch {
		case i >= 9990:
			v = 0.5 / 10
		case i >= 9000:
			v = 0.4 / 990
		}
		made, equal = append(made, v), append(equal, 1)
	}
	points := []Point{{0.9, 0.1}, {0.999, 0.5}}
	u, err := UncertaintyOf(made, false, points)
	if err != nil || u.Points[0].Verdict != "consistent" || u.Points[1].Verdict != "consistent" || math.Abs(u.Points[1].Measured.Value-0.5) > 1e-9 {
		t.Errorf("%+v, %v", u, err)
	}
	u, err = UncertaintyOf(equal, false, points)
	if err != nil || u.Points[0].Verdict != "wrong" || u.Points[1].Verdict != "wrong" {
		t.Errorf("%+v, %v", u, err)
	}
}
