package liquidity

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// traded makes bars of trades at bid and ask around a price that wanders: each
// trade is on either side by chance.
func traded(seed uint64, bars, trades int, spread, sd float64) Bars {
	random := rand.New(rand.NewPCG(seed, 13))
	price := 100.0
	b := Bars{}
	for range bars {
		high, low, close := 0.0, math.Inf(1), 0.0
		for range trades {
			price *= math.Exp(sd / math.Sqrt(float64(trades)) * random.NormFloat64())
			side := 1.0
			if random.IntN(2) == 0 {
				side = -1
			}
			close = price * (1 + side*spread/2)
			high, low = max(high, close), min(low, close)
		}
		b.High, b.Low, b.Close = append(b.High, high), append(b.Low, low), append(b.Close, close)
		b.Value = append(b.Value, 1e6*(1+random.Float64()))
	}
	return b
}

// TestSpreadsAreFound: both estimators find the spread that the trades were made with.
func TestSpreadsAreFound(t *testing.T) {
	t.Parallel()
	m, err := Measure(traded(1, 20_000, 100, 0.02, 0.01))
	if err != nil {
		t.Fatal(err)
	}
	if m.Roll == nil || math.Abs(*m.Roll-2) > 0.2 {
		t.Errorf("Roll's spread %v, made with 2 %%", m.Roll)
	}
	// Negative pairs are counted as 0, which lifts the mean of a small spread; this one is large.
	if m.CorwinSchultz == nil || math.Abs(*m.CorwinSchultz-2) > 0.3 {
		t.Errorf("Corwin and Schultz's %v, made with 2 %%", *m.CorwinSchultz)
	}
}

// TestImpact: an impact that the returns were made with comes back, and twice the
// value traded halves it.
func TestImpact(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2, 2))
	b := Bars{Close: []float64{100}, Value: []float64{1e6}}
	for range 2000 {
		millions := 1 + 9*random.Float64()
		sign := 1.0
		if random.IntN(2) == 0 {
			sign = -1
		}
		b.Close = append(b.Close, b.Close[len(b.Close)-1]*math.Exp(sign*0.003*math.Sqrt(millions)))
		b.Value = append(b.Value, 1e6*millions)
	}
	m, err := Measure(b)
	if err != nil || math.Abs(*m.Kyle-0.3) > 1e-6 || m.CorwinSchultz != nil {
		t.Fatalf("%+v, %v", m, err)
	}
	for i := range b.Value {
		b.Value[i] *= 2
	}
	half, err := Measure(b)
	if err != nil || math.Abs(*half.Amihud*2 / *m.Amihud - 1) > 1e-9 || math.Abs(*half.Kyle*math.Sqrt2 / *m.Kyle - 1) > 1e-9 {
		t.Errorf("%+v, %v", half, err)
	}
}

// TestNothingImpossible: whatever the bars, no spread and no impact of Amihud's is
// below zero or no number; the quote currency's unit changes no spread.
func TestNothingImpossible(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(30, 60).Draw(t, "n")
		b, scaled := Bars{}, Bars{}
		for range n {
			low := rapid.Float64Range(1e-3, 1e3).Draw(t, "low")
			high := low * rapid.Float64Range(1, 3).Draw(t, "height")
			close := low + (high-low)*rapid.Float64Range(0, 1).Draw(t, "close")
			value := rapid.SampledFrom([]float64{0, 1, 1e6, 1e12, math.NaN()}).Draw(t, "value")
			b.High, b.Low, b.Close, b.Value = append(b.High, high), append(b.Low, low), append(b.Close, close), append(b.Value, value)
			scaled.High, scaled.Low, scaled.Close = append(scaled.High, 500*high), append(scaled.Low, 500*low), append(scaled.Close, 500*close)
		}
		m, err := Measure(b)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Measure(scaled)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]*float64{"Amihud": m.Amihud, "Roll": m.Roll, "Corwin and Schultz": m.CorwinSchultz, "error": m.KyleSE} {
			if v != nil && !(*v >= 0 && !math.IsInf(*v, 0)) {
				t.Fatalf("%s %g", name, *v)
			}
		}
		if math.Abs(*m.CorwinSchultz-*s.CorwinSchultz) > 1e-6*(1+*m.CorwinSchultz) || m.NegativePairs < 0 || m.NegativePairs > 1 {
			t.Fatalf("%g in one unit, %g in another", *m.CorwinSchultz, *s.CorwinSchultz)
		}
	})
}

func TestWhatIsNoBar(t *testing.T) {
	t.Parallel()
	b := traded(1, 40, 10, 0.01, 0.01)
	b.Close[5] = -1
	if _, err := Measure(b); err == nil {
		t.Error("a price below zero")
	}
	b.Close = b.Close[:35]
	if _, err := Measure(b); err == nil {
		t.Error("columns of unequal length")
	}
	if _, err := Measure(Bars{Close: make([]float64, 10)}); err == nil {
		t.Error("ten bars")
	}
}

// TestABarAboveTheNight: a bar that opens wholly above the close before it counts
// as if it had opened there (Corwin and Schultz, section III).
func TestABarAboveTheNight(t *testing.T) {
	t.Parallel()
	var b Bars
	for range 31 {
		b.High, b.Low, b.Close = append(b.High, 101), append(b.Low, 99), append(b.Close, 100)
	}
	pair := func(h0, l0, h1, l1 float64) float64 {
		k, square := 3-2*math.Sqrt2, func(h, l float64) float64 { return math.Log(h/l) * math.Log(h/l) }
		beta, gamma := square(h0, l0)+square(h1, l1), square(max(h0, h1), min(l0, l1))
		alpha := (math.Sqrt(2*beta)-math.Sqrt(beta))/k - math.Sqrt(gamma/k)
		return max(0, 2*(math.Exp(alpha)-1)/(1+math.Exp(alpha)))
	}
	b.Close[30] = 99
	b.High, b.Low, b.Close = append(b.High, 112), append(b.Low, 110), append(b.Close, 111)
	m, err := Measure(b)
	want := 100 * pair(101, 99, 101, 99)
	if err != nil || math.Abs(*m.CorwinSchultz-want) > 1e-9 || pair(101, 99, 112, 110) > 0 {
		t.Errorf("%v, want %g, %v", *m.CorwinSchultz, want, err)
	}
}
