package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The logarithm and the exponential are those of package math, to a few units in the last place.
func TestElementaryFunctions(t *testing.T) {
	draw := rand.New(rand.NewPCG(26, 1))
	worstExp, worstLog := 0.0, 0.0
	for i := range 200_000 {
		x := 1400 * (draw.Float64() - 0.5)
		if i%2 == 0 {
			x /= 100
		}
		want := math.Exp(x)
		worstExp = max(worstExp, math.Abs(Exp(x)-want)/want)
		y := math.Exp(x)
		worstLog = max(worstLog, math.Abs(Log(y)-math.Log(y))/max(1, math.Abs(math.Log(y))))
	}
	if !(worstExp < 5e-16) || !(worstLog < 4e-16) {
		t.Errorf("exponential off by %.2g, logarithm by %.2g", worstExp, worstLog)
	}
	for _, x := range []float64{0, 1, -1, 700, -700, math.Ln2, -math.Ln2 / 128} {
		if math.Abs(Exp(x)-math.Exp(x)) > 5e-16*math.Exp(x) {
			t.Errorf("exponential of %v", x)
		}
	}
	for _, x := range []float64{1, 2, 0.5, math.Nextafter(1, 0), math.Nextafter(2, 0), 0x1p-1022, math.MaxFloat64} {
		if math.Abs(Log(x)-math.Log(x)) > 4e-16*max(1, math.Abs(math.Log(x))) {
			t.Errorf("logarithm of %v: %v", x, Log(x))
		}
	}
}
