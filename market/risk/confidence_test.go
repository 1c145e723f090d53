package risk

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

// A right shortfall is rejected about as often as the level says; one that is a
// fifth too small nearly always.
func TestESRegressionHasItsSizeAndPower(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	const days, p, paths = 2000, 0.025, 400
	right := distuv.UnitNormal.Prob(distuv.UnitNormal.Quantile(p)) / p
	wrong := 0.8 * right
	size, power := 0, 0
	for range paths {
		r, e, small := make([]float64, days), make([]float64, days), make([]float64, days)
		for i := range r {
			sd := 1 + 0.5*math.Sin(float64(i)/50)
			r[i], e[i], small[i] = sd*random.NormFloat64(), sd*right, sd*wrong
		}
		if TestESRegression(r, e, p).P < 0.05 {
			size++
		}
		if TestESRegression(r, small, p).P < 0.05 {
			power++
		}
	}
	if size < 5 || size > paths/8 || power < paths*9/10 {
		t.Errorf("%d of %d right and %d wrong forecasts rejected", size, paths, power)
	}
}

// Python's arch (8.0.0, MCS, method max, 20,000 stationary resamples of mean block
// 8) on ../verify/references/losses.txt.
func TestConfidenceSetAgainstArch(t *testing.T) {
	data, err := os.ReadFile("../verify/references/losses.txt")
	if err != nil {
		t.Fatal(err)
	}
	losses := make([][]float64, 5)
	for line := range bytes.Lines(data) {
		for i, cell := range strings.Fields(string(line)) {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatal(err)
			}
			losses[i] = append(losses[i], v)
		}
	}
	got := ConfidenceSet(losses)
	for i, want := range archMCS {
		if math.Abs(got[i]-want) > 0.04 {
			t.Errorf("method %d: p %v, arch %v", i, got[i], want)
		}
	}
	// The method that is best in the mean stays; losses that never differ all stay.
	same := ConfidenceSet([][]float64{losses[0], losses[0]})
	if same[0] < 0.99 || same[1] < 0.99 {
		t.Errorf("equal losses: %v", same)
	}
}

// archMCS are arch's p-values, method by method.
var archMCS = []float64{0.914, 1, 0.05095, 0, 0}
