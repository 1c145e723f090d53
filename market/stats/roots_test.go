package stats

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

func simulated(t *testing.T) []float64 {
	t.Helper()
	data, err := os.ReadFile("../verify/references/returns.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []float64
	for _, line := range strings.Fields(string(data)) {
		v, err := strconv.ParseFloat(line, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

// Python arch 8.0.0, PhillipsPerron(x, lags=12), on ../verify/references/returns.txt and the
// first 1,500 of their sums; the local Whittle estimate by numpy's Fourier
// transform and scipy's bounded minimum, ⌊n^0.65⌋ frequencies.
func TestRootsAndMemoryAgainstPython(t *testing.T) {
	r := simulated(t)
	var level, absolute []float64
	sum := 0.0
	for i, v := range r {
		sum += v
		if absolute = append(absolute, math.Abs(v)); i < 1500 {
			level = append(level, sum)
		}
	}
	near := func(name string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-6*(1e-3+math.Abs(want))) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for _, c := range []struct {
		x           []float64
		trend       bool
		tau, rho, p float64
	}{
		{level, false, -0.37811048180605084, -0.7771328773004045, 0.9136898908534533}, {level, true, -2.8898283873067854, -13.397450739481226, 0.1659068210576234},
		{r, false, -43.52071403184431, -1898.3230964978995, 0}, {r, true, -43.560079950001786, -1889.3655071606254, 0},
	} {
		got, err := PP(c.x, c.trend, 12)
		if err != nil {
			t.Fatal(err)
		}
		near("tau", got.Tau, c.tau)
		near("rho", got.Rho, c.rho)
		if math.Abs(got.P-c.p) > 1e-5 {
			t.Errorf("p %v, want %v", got.P, c.p)
		}
	}
	for _, c := range []struct {
		x []float64
		d float64
	}{{absolute, 0.16678817276753513}, {r, -0.03907150605416732}} {
		got, err := LocalWhittle(c.x, 0)
		if err != nil || got.M != 139 || math.Abs(got.D-c.d) > 1e-6 {
			t.Errorf("%+v, want %v, %v", got, c.d, err)
		}
	}
	if _, err := LocalWhittle(make([]float64, 500), 0); err == nil {
		t.Error("a constant has a memory")
	}
	if _, err := LocalWhittle(r[:10], 0); err == nil {
		t.Error("ten values have a memory")
	}
	if _, err := PP(r[:10], false, -1); err == nil {
		t.Error("ten values have a unit root")
	}
}
