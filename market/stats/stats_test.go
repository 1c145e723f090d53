package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func normals(n int, seed uint64) []float64 {
	r, out := rand.New(rand.NewPCG(seed, 1)), make([]float64, n)
	for i := range out {
		out[i] = r.NormFloat64()
	}
	return out
}

func TestMomentsOfAKnownSample(t *testing.T) {
	m, err := Describe([]float64{1, 2, 3, 4, 10})
	if err != nil || m.Mean != 4 || m.VarN != 10 || math.Abs(m.Skewness-1.1384199576606164) > 1e-12 || math.Abs(m.Excess+0.212) > 1e-12 {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range [][]float64{{1}, {1, math.NaN()}, {2, 2, 2}} {
		if _, err := Describe(bad); err == nil {
			t.Errorf("%v accepted", bad)
		}
	}
	if q := Quantile([]float64{1, 2, 3, 4}, 0.4); math.Abs(q-2.2) > 1e-12 { // R: quantile(1:4, .4)
		t.Error(q)
	}
	if s := Spearman([]float64{1, 2, 2, 9}, []float64{10, 20, 20, 21}); math.Abs(s-1) > 1e-12 {
		t.Error(s)
	}
}

// Least squares recovers exact coefficients; Newey–West with lag 0 is White's.
func TestRegression(t *testing.T) {
	x1, x2 := normals(200, 1), normals(200, 2)
	y := make([]float64, 200)
	for i := range y {
		y[i] = 3 - 2*x1[i] + 0.5*x2[i]
	}
	fit, err := Fit(y, x1, x2)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{3, -2, 0.5} {
		if math.Abs(fit.Coefficients[i]-want) > 1e-12 {
			t.Errorf("b%d = %v", i, fit.Coefficients[i])
		}
	}
	noise := normals(200, 3)
	for i := range y {
		y[i] += noise[i]
	}
	fit, _ = Fit(y, x1, x2)
	for i, se := range fit.NeweyWest(0) {
		if math.Abs(se/fit.Errors[i]-1) > 0.3 {
			t.Errorf("robust %v, classical %v", se, fit.Errors[i])
		}
	}
	if _, err := Fit(y, x1, x1); err == nil {
		t.Error("collinear regressors accepted")
	}
}

// Under the null a test rejects at its level: 400 samples of noise, 5 %.
func TestLevels(t *testing.T) {
	rejected := map[string]int{}
	for seed := range uint64(400) {
		x := normals(300, 100+seed)
		arch, _ := ARCHLM(x, 5)
		jb, _ := JarqueBera(x)
		bias, _ := SignBias(x)
		granger, _ := Granger(x, normals(300, 9000+seed), 2)
		for name, p := range map[string]float64{"ARCH": arch.P, "Ljung–Box": LjungBox(x, 10).P, "Jarque–Bera": jb.P, "sign bias": bias.P, "Granger": granger.P, "KPSS": KPSS(x).P} {
			if p < 0.05 {
				rejected[name]++
			}
		}
	}
	for name, n := range rejected {
		if n < 4 || n > 36 { // 20 expected, standard deviation 4.4
			t.Errorf("%s rejects %d of 400", name, n)
		}
	}
	if len(rejected) != 6 {
		t.Errorf("%v", rejected)
	}
}

// Against the alternative they reject.
func TestPower(t *testing.T) {
	x := normals(500, 1)
	walk, driven := make([]float64, 500), make([]float64, 500)
	for i := range walk {
		if i > 0 {
			walk[i] = walk[i-1] + x[i]
			driven[i] = 0.5*x[i-1] + 0.3*walk[0]
		}
	}
	if a, _ := ADF(x); a.P > 0.01+1e-9 {
		t.Errorf("noise has a unit root: %+v", a)
	}
	if a, _ := ADF(walk); a.P < 0.05 {
		t.Errorf("a walk has none: %+v", a)
	}
	if k := KPSS(walk); k.P > 0.01+1e-9 {
		t.Errorf("a walk is level: %+v", k)
	}
	noise := normals(500, 7)
	for i := range driven {
		driven[i] += 0.3 * noise[i]
	}
	if g, _ := Granger(driven, x, 2); g.P > 1e-6 {
		t.Errorf("%+v", g)
	}
	if g, _ := Granger(x, driven, 2); g.P < 0.001 {
		t.Errorf("backwards: %+v", g)
	}
}

func TestMemoryOfNoise(t *testing.T) {
	x := normals(4000, 5)
	for name, v := range map[string][2]float64{"DFA": {DFA(x), 0.5}, "R/S": {RescaledRange(x), 0.56}, "GPH": {GPH(x), 0}} {
		if math.Abs(v[0]-v[1]) > 0.1 {
			t.Errorf("%s = %v", name, v[0])
		}
	}
}

func TestShiftAndScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(-100, 100), 30, 60).Draw(t, "x")
		a, b := rapid.Float64Range(0.1, 10).Draw(t, "a"), rapid.Float64Range(-50, 50).Draw(t, "b")
		m, err := Describe(x)
		if err != nil || m.SD < 1e-3 {
			t.Skip("a constant series was drawn, which has no such moments")
		}
		y := make([]float64, len(x))
		for i := range x {
			y[i] = a*x[i] + b
		}
		n, _ := Describe(y)
		if math.Abs(n.SD-a*m.SD) > 1e-9*n.SD || math.Abs(n.Skewness-m.Skewness) > 1e-6 || math.Abs(n.Excess-m.Excess) > 1e-5 {
			t.Fatalf("%+v and %+v", m, n)
		}
	})
}
