package concentration

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance {
		t.Errorf("%s = %.10g, want %.10g", what, got, want)
	}
}

// A sum of fifty times 1 % in floats is not above one half only by luck:
// counted in integers the answer is 51.
func TestNakamotoIsCountedInIntegers(t *testing.T) {
	amounts := slices.Repeat([]int64{4950 * 45000 / 1000 * 100}, 50) // any integer: 50 equal holders
	half := amounts[0] * 50
	amounts = append(amounts, slices.Repeat([]int64{half / 4950}, 4950)...)
	rest := half
	for _, v := range amounts[50:] {
		rest -= v
	}
	amounts[60] += rest
	m, err := Measure(amounts)
	if err != nil || m.Nakamoto50 != 51 {
		t.Errorf("%d, %v", m.Nakamoto50, err)
	}
}

// "0.1 % hold 50 %, 10 % hold 90 %" of 50,000 miners.
func TestPaperClaimBounds(t *testing.T) {
	points := []Point{{0.9, 0.1}, {0.999, 0.5}}
	b, err := BoundsFrom(points, 50_000)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "least Gini", b.Gini.Low, 0.8491, 5e-5)
	near(t, "largest Gini", b.Gini.High, 0.9588, 5e-5)
	near(t, "least HHI", b.HHI.Low, 50.3254545454546, 1e-9)
	if b.Nakamoto != (Range{51, 51}) {
		t.Errorf("Nakamoto %+v", b.Nakamoto)
	}
	about, err := BoundsFrom([]Point{{0.9, 0.1}, {0.999, 0.51}}, 50_000)
	if err != nil || about.Nakamoto.High < 100 || about.Nakamoto.Low != 52 {
		t.Errorf("about half: %+v, %v", about.Nakamoto, err)
	}
	if _, err := BoundsFrom([]Point{{0.5, 0.9}}, 0); err == nil {
		t.Error("a curve above the diagonal was accepted")
	}
}

func TestRefusals(t *testing.T) {
	for _, bad := range [][]int64{nil, {0, 0}, {1, -1}} {
		if _, err := Measure(bad); err == nil {
			t.Errorf("%v accepted", bad)
		}
	}
	if _, err := Integers([]float64{math.NaN()}); err == nil {
		t.Error("NaN accepted")
	}
	for v, why := range map[float64]string{-3: "below zero", 1e17: "too large"} {
		if _, err := Integers([]float64{1, v}); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "entry 2") {
			t.Errorf("%v: %v", v, err)
		}
	}
	got, err := Integers([]float64{35.4, 18.1, 11.23})
	if err != nil || !slices.Equal(got, []int64{3540, 1810, 1123}) {
		t.Error(got, err)
	}
}

func amounts(t *rapid.T) []int64 {
	return rapid.SliceOfN(rapid.Int64Range(1, 1e9), 2, 60).Draw(t, "amounts")
}

// The axioms: anonymity, scale invariance, replication, the principle of
// transfers, and the bounds of each measure.
func TestAxioms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := amounts(t)
		m, err := Measure(x)
		if err != nil {
			t.Fatal(err)
		}
		n := float64(m.N)
		if m.HHI < 1e4/n*(1-1e-12) || m.HHI > 1e4 || m.Gini < 0 || m.Gini > 1-1/n+1e-12 || m.Theil > math.Log(n)+1e-12 || m.Effective > n*(1+1e-12) {
			t.Fatalf("out of bounds: %+v", m)
		}
		if m.Nakamoto50 > m.N/2+1 || m.Nakamoto33 > m.Nakamoto50 || m.CR1 > m.CR4 || m.CR4 > m.CR10 {
			t.Fatalf("inconsistent: %+v", m)
		}
		shuffled := rapid.Permutation(x).Draw(t, "shuffled")
		scaled := make([]int64, len(x))
		for i, v := range shuffled {
			scaled[i] = 7 * v
		}
		s, _ := Measure(scaled)
		if s.Nakamoto50 != m.Nakamoto50 || s.HHI != m.HHI || s.Gini != m.Gini {
			t.Fatalf("changed under order and scale: %+v against %+v", s, m)
		}
		double, _ := Measure(append(slices.Clone(x), x...))
		if math.Abs(double.Gini-m.Gini) > 1e-12 || math.Abs(double.HHI*2-m.HHI) > 1e-9*m.HHI || math.Abs(double.Theil-m.Theil) > 1e-9 {
			t.Fatalf("replication: %+v against %+v", double, m)
		}
		slices.Sort(x)
		if last := len(x) - 1; x[0] > 1 {
			x[0], x[last] = x[0]-1, x[last]+1
			worse, _ := Measure(x)
			if worse.HHI < m.HHI || worse.Gini <= m.Gini { // one of 2·10⁹ moves HHI by less than a float64 shows
				t.Fatalf("a transfer to the rich lowered concentration: %+v against %+v", worse, m)
			}
		}
	})
}

// Bounds from points of a real distribution hold its true measures.
func TestBoundsHoldTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Int64Range(1, 1e6), 10, 40).Draw(t, "amounts")
		m, _ := Measure(x)
		curve, err := Lorenz(x)
		if err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(1, len(x)-2).Draw(t, "i")
		j := rapid.IntRange(i+1, len(x)-1).Draw(t, "j")
		b, err := BoundsFrom([]Point{curve[i], curve[j]}, len(x))
		if err != nil {
			t.Fatal(err)
		}
		if m.Gini < b.Gini.Low-1e-9 || m.Gini > b.Gini.High+1e-9 {
			t.Fatalf("Gini %v outside %+v", m.Gini, b.Gini)
		}
		if m.HHI < b.HHI.Low*(1-1e-9) {
			t.Fatalf("HHI %v below %+v", m.HHI, b.HHI)
		}
		if m.HHI > b.HHI.High*1.01 { // the limits are searched on a grid
			t.Fatalf("HHI %v above %+v", m.HHI, b.HHI)
		}
		if k := float64(m.Nakamoto50); k < b.Nakamoto.Low || k > b.Nakamoto.High {
			t.Fatalf("Nakamoto %v outside %+v", k, b.Nakamoto)
		}
	})
}
