package realised

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestMeasuresOfADay by hand: ten returns of 1 and −1 by turns.
func TestMeasuresOfADay(t *testing.T) {
	t.Parallel()
	r := make([]float64, 10)
	for i := range r {
		r[i] = float64(1 - 2*(i%2))
	}
	d, err := OfDay("2024-01-01", r, 0.001)
	if err != nil {
		t.Fatal(err)
	}
	mu := math.Pow(2, 2.0/3) * math.Gamma(7.0/6) / math.Sqrt(math.Pi)
	for name, x := range map[string][2]float64{"RV": {d.RV, 10}, "BV": {d.BV, math.Pi / 2 * 10}, "down": {d.Down, 5},
		"MedRV":      {d.MedRV, math.Pi / (6 - 4*math.Sqrt(3) + math.Pi) * 10},
		"quarticity": {d.Quarticity, 100 / (mu * mu * mu)},
		"return":     {d.Return, 0}} {
		if math.Abs(x[0]-x[1]) > 1e-12 {
			t.Errorf("%s %g, want %g", name, x[0], x[1])
		}
	}
	if d.Jump != 0 || d.Z > 0 {
		t.Errorf("a jump in a day without: %+v", d)
	}
	if _, err := OfDay("2024-01-01", r[:9], 0.001); err == nil {
		t.Error("nine returns are measured")
	}
}

// TestJumps: a day of equal moves and one jump is told, a diffusion seldom; noise
// in prices lifts RV and hardly the two-scale estimate.
func TestJumps(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 17))
	found, noise, plain, two := 0, 0.0, 0.0, 0.0
	for range 400 {
		r := make([]float64, 288)
		for i := range r {
			r[i] = random.NormFloat64() / math.Sqrt(288)
		}
		d, err := OfDay("d", r, 0.05)
		if err != nil {
			t.Fatal(err)
		}
		if d.Jump > 0 {
			found++
		}
		r[100] += 1
		if d, err = OfDay("d", r, 0.001); err != nil || d.Jump < 0.3 || d.Jump > d.RV {
			t.Fatalf("a jump of one standard deviation of the day: %+v, %v", d, err)
		}
		r[100]--
		before := 0.0
		for i := range r {
			e := 0.05 * random.NormFloat64()
			r[i] += e - before
			before = e
		}
		if d, err = OfDay("d", r, 0.05); err != nil {
			t.Fatal(err)
		}
		noise, plain, two = noise+d.RV/400, plain+1.0/400, two+d.TSRV/400
	}
	if share := float64(found) / 400; share > 0.11 {
		t.Errorf("%.3f of days without jumps have one at 5 %%", share)
	}
	if noise < 2*plain || math.Abs(two-plain) > 0.15 {
		t.Errorf("with noise RV is %.3f, two-scale %.3f, without %.3f", noise, two, plain)
	}
}

// TestNothingBelowZero: whatever a day's returns.
func TestNothingBelowZero(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SliceOfN(rapid.Float64Range(-50, 50), 10, 60).Draw(t, "r")
		d, err := OfDay("d", r, 0.05)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range map[string]float64{"RV": d.RV, "BV": d.BV, "MedRV": d.MedRV, "TSRV": d.TSRV,
			"kernel": d.Kernel, "bandwidth": float64(d.Bandwidth), "quarticity": d.Quarticity,
			"jump": d.Jump, "rest": d.RV - d.Jump, "down": d.Down, "up": d.RV - d.Down + 1e-9} {
			if !(v >= 0) || math.IsInf(v, 0) {
				t.Fatalf("%s is %g", name, v)
			}
		}
		if d.P < 0 || d.P > 1 || math.IsNaN(d.Z) {
			t.Fatalf("p %g, z %g", d.P, d.Z)
		}
	})
}

func TestDays(t *testing.T) {
	t.Parallel()
	var times []time.Time
	var prices []float64
	for i := range 24*3 + 5 { // three days and a beginning
		times = append(times, time.Date(2024, 1, 1, i, 0, 0, 0, time.UTC))
		prices = append(prices, 100*math.Exp(0.01*math.Sin(float64(i*i))))
	}
	days, short, err := Days(times, prices, 0.01)
	if err != nil || len(days) != 3 || short != 1 || days[0].N != 23 || days[1].N != 24 {
		t.Fatalf("%d days, %d short, %v", len(days), short, err)
	}
	sum := 0.0
	for _, d := range days {
		sum += d.Return
	}
	if math.Abs(sum-100*math.Log(prices[71]/prices[0])) > 1e-9 {
		t.Errorf("the days' returns add up to %g", sum)
	}
	if _, _, err := Days(times[:30], prices[:29], 0.01); err == nil {
		t.Error("fewer prices than times")
	}
	if _, _, err := Days(times, prices, 0.7); err == nil {
		t.Error("a level of 0.7")
	}
	prices[40] = 0
	if _, _, err := Days(times, prices, 0.01); err == nil {
		t.Error("a price of zero")
	}
}

// simulate makes returns and measures of a realised GARCH.
func simulate(seed uint64, n int) (r, x []float64) {
	random := rand.New(rand.NewPCG(seed, 19))
	logH := 1.0
	for range n {
		z, u := random.NormFloat64(), 0.4*random.NormFloat64()
		logX := -0.3 + logH - 0.05*z + 0.1*(z*z-1) + u
		r, x = append(r, math.Exp(logH/2)*z), append(x, math.Exp(logX))
		logH = 0.2 + 0.55*logH + 0.4*logX
	}
	return r, x
}

// TestRealisedGARCH: the parameters that the days were made with come back within
// four standard errors, and another unit moves the likelihood by its logarithm.
func TestRealisedGARCH(t *testing.T) {
	t.Parallel()
	r, x := simulate(1, 4000)
	g, err := Estimate(r, x)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.2, 0.55, 0.4, -0.3, 1, -0.05, 0.1, 0.4} {
		name := Names[i]
		if got, se := g.Parameters[name], g.Errors[name]; !(se > 0) || math.Abs(got-want) > 4*se {
			t.Errorf("%s %.4f ± %.4f, made with %g", name, got, se, want)
		}
	}
	if math.Abs(g.Persistence-0.95) > 0.03 || !g.Converged || !(g.Next > 0) {
		t.Errorf("%+v", g)
	}
	for i := range r {
		r[i] /= 10
		x[i] /= 100
	}
	small, err := Estimate(r, x)
	if err != nil || math.Abs(small.ReturnsOnly-g.ReturnsOnly-4000*math.Log(10)) > 1e-2 ||
		math.Abs(small.Persistence-g.Persistence) > 1e-3 {
		t.Errorf("in another unit %+v, %v", small, err)
	}
	x[7] = 0
	if _, err := Estimate(r, x); err == nil {
		t.Error("a day without movement has no logarithm")
	}
	if _, err := Estimate(r, x[1:]); err == nil {
		t.Error("unequal lengths")
	}
}

// The kernel is that of Python's arch (Parzen, not centred) on the same returns, whose bandwidth was
// worked out there anew (../verify/references/kernel.py).
func TestKernelAgainstArch(t *testing.T) {
	data, err := os.ReadFile("../verify/references/kernel.json")
	if err != nil {
		t.Fatal(err)
	}
	var days []struct {
		Returns   []float64 `json:"returns"`
		Kernel    float64   `json:"kernel"`
		Bandwidth int       `json:"bandwidth"`
	}
	if err := json.Unmarshal(data, &days); err != nil || len(days) < 4 {
		t.Fatalf("%d days, %v", len(days), err)
	}
	for i, day := range days {
		v, h := Kernel(day.Returns)
		if h != day.Bandwidth || math.Abs(v-day.Kernel) > 1e-10*day.Kernel {
			t.Errorf("day %d of %d returns: %v by %d, arch %v by %d", i, len(day.Returns), v, h, day.Kernel,
				day.Bandwidth)
		}
	}
}

// Noise in the prices is counted by the sum of squares and not by the kernel; without any both are
// near the variance.
func TestKernelLeavesTheNoiseOut(t *testing.T) {
	draw := rand.New(rand.NewPCG(26, 3))
	const n, days = 1440, 40
	var clean, noisy, squares float64
	for range days {
		r, noise := make([]float64, n), make([]float64, n+1)
		for i := range noise {
			noise[i] = 0.1 * draw.NormFloat64()
		}
		dirty := make([]float64, n)
		for i := range r {
			r[i] = 2 / math.Sqrt(n) * draw.NormFloat64() // variance 4 a day
			dirty[i] = r[i] + noise[i+1] - noise[i]
			squares += dirty[i] * dirty[i] / days
		}
		v, _ := Kernel(r)
		clean += v / days
		v, _ = Kernel(dirty)
		noisy += v / days
	}
	if math.Abs(clean-4) > 0.6 || math.Abs(noisy-4) > 0.9 || squares < 25 {
		t.Errorf("kernel %.3f without noise, %.3f with it, sum of squares %.3f; the variance is 4", clean, noisy,
			squares)
	}
}
