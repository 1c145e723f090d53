package breaks

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market/stats"
)

// nile is the yearly flow of the Nile at Aswan, 1871–1970 (Cobb 1978), the worked
// example of R's strucchange: one break, after 1898.
var nile = []float64{1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958,
	1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969, 831,
	726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984,
	897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975,
	815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740}

func TestTheNile(t *testing.T) {
	t.Parallel()
	m, err := BaiPerron(nile, 5, 0.15)
	if err != nil {
		t.Fatal(err)
	}
	rss := []float64{2835156.75, 1597457.194, 1552923.616, 1538096.513, 1507888.476, 1659993.5}
	for i, p := range m.Partitions {
		if math.Abs(p.RSS-rss[i]) > 1 {
			t.Errorf("%d breaks: RSS %.3f, strucchange has %.3f", i, p.RSS, rss[i])
		}
	}
	if m.Best != 1 || !slices.Equal(m.Partitions[1].Breaks, []int{28}) {
		t.Errorf("%+v", m)
	}
}

// TestMeansAgainstEveryPartition tries each way to cut a short series.
func TestMeansAgainstEveryPartition(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		y := rapid.SliceOfN(rapid.Float64Range(-5, 5), 20, 30).Draw(t, "y")
		m, err := BaiPerron(y, 2, 0.15)
		if err != nil {
			t.Fatal(err)
		}
		rss := func(from, to int) (sum float64) {
			mean := stats.Mean(y[from:to])
			for _, v := range y[from:to] {
				sum += (v - mean) * (v - mean)
			}
			return sum
		}
		best, h, n := math.Inf(1), m.Least, len(y)
		for i := h; i <= n-2*h; i++ {
			for j := i + h; j <= n-h; j++ {
				best = min(best, rss(0, i)+rss(i, j)+rss(j, n))
			}
		}
		if math.Abs(m.Partitions[2].RSS-best) > 1e-9*(1+best) {
			t.Fatalf("two breaks leave %g, the best partition %g", m.Partitions[2].RSS, best)
		}
		if !slices.IsSorted(m.Partitions[2].Breaks) || len(m.Levels) != m.Best+1 {
			t.Fatalf("%+v", m)
		}
	})
}

func normals(seed uint64, n int, sd func(i int) float64) []float64 {
	random := rand.New(rand.NewPCG(seed, 1))
	out := make([]float64, n)
	for i := range out {
		out[i] = sd(i) * random.NormFloat64()
	}
	return out
}

// TestVarianceBreaks: a tripled deviation is dated within a few days and a
// steady one has none, whatever the unit.
func TestVarianceBreaks(t *testing.T) {
	t.Parallel()
	changed := normals(3, 600, func(i int) float64 {
		if i >= 250 && i < 430 {
			return 3
		}
		return 1
	})
	for _, robust := range []bool{false, true} {
		found, err := ICSS(changed, robust)
		if err != nil || len(found) != 2 || abs(found[0].At-250) > 15 || abs(found[1].At-430) > 15 {
			t.Errorf("robust %v: %+v, %v", robust, found, err)
		}
		scaled := slices.Clone(changed)
		for i := range scaled {
			scaled[i] = 5 + 1000*scaled[i]
		}
		again, err := ICSS(scaled, robust)
		if err != nil || len(again) != len(found) || again[0].At != found[0].At ||
			math.Abs(again[0].SDNew/found[0].SDNew-1000) > 1e-6 {
			t.Errorf("in another unit: %+v, %v", again, err)
		}
	}
	none, false05 := 0, 0
	for seed := range uint64(200) {
		for _, robust := range []bool{false, true} {
			found, err := ICSS(normals(seed, 300, func(int) float64 { return 1 }), robust)
			if err != nil {
				t.Fatal(err)
			}
			if none++; len(found) > 0 {
				false05++
			}
		}
	}
	if share := float64(false05) / float64(none); share > 0.1 {
		t.Errorf("%.3f of steady series have a break; the tests are of 5 %%", share)
	}
}

// TestHeavyTailsAreNoBreaks: the naive statistic calls GARCH and heavy tails
// breaks, the robust one far less often.
func TestHeavyTailsAreNoBreaks(t *testing.T) {
	t.Parallel()
	naive, robust := 0, 0
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 2))
		x, h := make([]float64, 500), 1.0
		for i := range x {
			x[i] = math.Sqrt(h) * random.NormFloat64()
			h = 0.05 + 0.15*x[i]*x[i] + 0.8*h
		}
		a, err := ICSS(x, false)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ICSS(x, true)
		if err != nil {
			t.Fatal(err)
		}
		naive, robust = naive+len(a), robust+len(b)
	}
	if naive < 100 || robust*2 > naive {
		t.Errorf("naive %d, robust %d breaks in a hundred series without any", naive, robust)
	}
}

func abs(i int) int { return max(i, -i) }

// TestBubblesAgainstEachRegression runs every window's regression on its own.
func TestBubblesAgainstEachRegression(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		y := make([]float64, 50+rapid.IntRange(0, 10).Draw(t, "more"))
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		y[0] = rapid.Float64Range(-10, 10).Draw(t, "start")
		for i := 1; i < len(y); i++ {
			y[i] = y[i-1] + random.NormFloat64()
		}
		window := 20
		got, sadf := bsadf(y, window)
		top := math.Inf(-1)
		for end := window - 1; end < len(y); end++ {
			best := math.Inf(-1)
			for begin := 0; begin <= end-window+1; begin++ {
				z := y[begin : end+1]
				change := make([]float64, len(z)-1)
				for i := range change {
					change[i] = z[i+1] - z[i]
				}
				fit, err := stats.Fit(change, z[:len(z)-1])
				if err != nil {
					t.Fatal(err)
				}
				tau := fit.Coefficients[1] / fit.Errors[1]
				if best = max(best, tau); begin == 0 {
					top = max(top, tau)
				}
			}
			if math.Abs(got[end]-best) > 1e-6*(1+math.Abs(best)) {
				t.Fatalf("day %d: %g, by regressions %g", end, got[end], best)
			}
		}
		if math.Abs(sadf-top) > 1e-6 {
			t.Fatalf("SADF %g, by regressions %g", sadf, top)
		}
	})
}

// TestABubbleIsDated: an explosive stretch in a random walk is found where it
// is, the walk alone is not rejected, and the same seed gives the same limits.
func TestABubbleIsDated(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 5))
	walk := make([]float64, 200)
	walk[0] = 100
	for i := 1; i < len(walk); i++ {
		walk[i] = walk[i-1] + random.NormFloat64()
	}
	plain, err := GSADF(context.Background(), walk, 199, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(walk); i++ {
		growth := 1.0
		if i >= 100 && i < 130 {
			growth = 1.04
		}
		if walk[i] = growth*walk[i-1] + random.NormFloat64(); i == 130 {
			walk[i] = 100
		}
	}
	burst, err := GSADF(context.Background(), walk, 199, 1)
	if err != nil {
		t.Fatal(err)
	}
	if plain.P < 0.05 || burst.P > 0.01 || plain.Critical != burst.Critical {
		t.Errorf("a walk p = %g, with a bubble %g; limits %g and %g", plain.P, burst.P, plain.Critical, burst.Critical)
	}
	if !slices.ContainsFunc(burst.Episodes, func(e Episode) bool { return e.From < 115 && e.To > 125 && e.To < 140 }) {
		t.Errorf("episodes %+v, the bubble was 100 to 130", burst.Episodes)
	}
}

func TestWhatCannotBeTested(t *testing.T) {
	t.Parallel()
	nan := append(make([]float64, 60), math.NaN())
	if _, err := ICSS(nan, true); err == nil {
		t.Error("a series that is no number has breaks")
	}
	if _, err := BaiPerron(nile, 9, 0.15); err == nil {
		t.Error("nine breaks with stretches of 15 %")
	}
	if _, err := GSADF(context.Background(), make([]float64, 80), 99, 1); err == nil {
		t.Error("a price that stands still is tested for bubbles")
	}
	if _, err := GSADF(context.Background(), make([]float64, 1501), 99, 1); err == nil {
		t.Error("1,501 observations are taken")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := GSADF(ctx, normals(1, 60, func(int) float64 { return 1 }), 99, 1); err == nil {
		t.Error("a cancelled test answers")
	}
}
