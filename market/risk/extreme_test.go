package risk

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// paretoLosses draws by inversion; every eighth return is such a loss, the rest gains.
func paretoLosses(seed uint64, n int, shape, scale float64) []float64 {
	random := rand.New(rand.NewPCG(seed, 23))
	r := make([]float64, n)
	for i := range r {
		if r[i] = random.Float64(); i%8 == 0 {
			r[i] = -(1 + scale*math.Expm1(-shape*math.Log1p(-random.Float64()))/shape)
		}
	}
	return r
}

// TestTailsAreFound: the law that the losses were drawn from comes back, and with
// it the quantile and the mean beyond it, which are known.
func TestTailsAreFound(t *testing.T) {
	t.Parallel()
	for _, shape := range []float64{-0.2, 0.1, 0.4} {
		p, err := FitTail(paretoLosses(1, 100_000, shape, 2), 0.1)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(p.Shape-shape) > 4*p.ShapeSE || math.Abs(p.Scale-(2+shape*(p.Threshold-1))) > 0.15 {
			t.Errorf("shape %.3f ± %.3f, scale %.3f; made with %g and 2", p.Shape, p.ShapeSE, p.Scale, shape)
		}
		value, shortfall, err := p.At(0.01)
		want := 1 + 2/shape*(math.Pow(0.08, -shape)-1)
		if err != nil || math.Abs(value/want-1) > 0.05 || shortfall == nil ||
			math.Abs(*shortfall/((want+2-shape)/(1-shape))-1) > 0.08 {
			t.Errorf("shape %g: value %g, shortfall %v, %v; want %g", shape, value, shortfall, err, want)
		}
	}
	heavy, err := FitTail(paretoLosses(2, 20_000, 1.5, 1), 0.1)
	if err != nil {
		t.Fatal(err)
	}
	if _, shortfall, err := heavy.At(0.01); err != nil || shortfall != nil {
		t.Errorf("a law without a mean has a shortfall of %v, %v", shortfall, err)
	}
}

// TestTailsAreOrdered: rarer losses are larger, the shortfall lies beyond the
// value, and another unit scales both.
func TestTailsAreOrdered(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := paretoLosses(rapid.Uint64().Draw(t, "seed"), 500, float64(rapid.IntRange(1, 80).Draw(t, "shape"))/100, 1)
		p, err := FitTail(r, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		scaled := slices.Clone(r)
		for i := range scaled {
			scaled[i] *= 1000
		}
		q, err := FitTail(scaled, 0.1)
		if err != nil || math.Abs(q.Shape-p.Shape) > 1e-4 {
			t.Fatalf("shape %g, in another unit %g, %v", p.Shape, q.Shape, err)
		}
		last := p.Threshold
		for _, tail := range []float64{0.09, 0.05, 0.01, 0.001} {
			value, shortfall, err := p.At(tail)
			if err != nil || value < last || math.IsNaN(value) || shortfall != nil && *shortfall < value-1e-9 {
				t.Fatalf("at %g: %g after %g, shortfall %v, %v", tail, value, last, shortfall, err)
			}
			last = value
		}
	})
}

func TestWhatIsNoTail(t *testing.T) {
	t.Parallel()
	r := paretoLosses(1, 1000, 0.2, 1)
	if _, err := FitTail(r, 0.5); err == nil {
		t.Error("half of the returns is a tail")
	}
	if _, err := FitTail(r[:120], 0.1); err == nil {
		t.Error("twelve losses are a tail")
	}
	p, err := FitTail(r, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tail := range []float64{0, 0.2, math.NaN()} {
		if _, _, err := p.At(tail); err == nil {
			t.Errorf("a probability of %g", tail)
		}
	}
}
