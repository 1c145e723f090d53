package family

import (
	"context"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/market/garch"
)

func returns(t testing.TB) []float64 {
	data, err := os.ReadFile("testdata/returns.txt")
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

// The gradient is that of the value, for each model and law, at points off the optimum.
func TestGradient(t *testing.T) {
	r := returns(t)[:400]
	for _, spec := range []Spec{{P: 2, O: 1, Q: 2}, {P: 1, O: 1, Q: 1, Exp: 1, Law: GED}, {Model: APARCH, P: 2, O: 2, Q: 1, Law: StudentT}, {Model: APARCH, P: 1, O: 1, Q: 1, Exp: 1.3}, {Model: FIGARCH, Law: Hansen}, {Model: Component, Law: SkewT}, {Law: NIG}} {
		spec, err := spec.complete()
		if err != nil {
			t.Fatal(err)
		}
		mean, y, err := MeanOf("ar", 1, r, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := newProblem(spec, y, mean.Columns, mean.Names, []float64{0.02, 0.05})
		x := p.starts([]float64{0.03, -0.04})[1]
		for i := range spec.O {
			x[p.at.gamma+i] = 0.03
		}
		a, b := gradientPoint(p), gradientPoint(p)
		at := gradientPoint(p)
		p.likelihood(x, &at)
		for i := range x {
			moved := append([]float64(nil), x...)
			step := 1e-6
			moved[i] += step
			p.likelihood(moved, &a)
			moved[i] -= 2 * step
			p.likelihood(moved, &b)
			want := (a.Value - b.Value) / (2 * step)
			if math.Abs(at.Gradient[i]-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("%s %s: gradient by %s %v, differences %v", spec.Model, spec.Law, p.at.names[i], at.Gradient[i], want)
			}
		}
	}
}

func TestTry(t *testing.T) {
	r := returns(t)
	for name, spec := range map[string]Spec{
		"garch11-n": {}, "garch21-n": {P: 2, Q: 1}, "garch22-t": {P: 2, Q: 2, Law: StudentT}, "gjr11-t": {P: 1, O: 1, Q: 1, Law: StudentT}, "gjr22-n": {P: 2, O: 2, Q: 2}, "aparch11-n": {Model: APARCH, P: 1, O: 1, Q: 1}, "aparch11-t": {Model: APARCH, P: 1, O: 1, Q: 1, Law: StudentT},
		"tgarch11-t": {P: 1, O: 1, Q: 1, Exp: 1, Law: StudentT}, "figarch11-n": {Model: FIGARCH}, "figarch11-t": {Model: FIGARCH, Law: StudentT}, "garch11-ged": {Law: GED}, "garch11-hansen": {Law: Hansen}, "garch11-nig": {Law: NIG}, "component": {Model: Component},
		"igarch": {Integrated: true},
	} {
		f, err := Estimate(context.Background(), r, Mean{}, spec)
		if err != nil {
			t.Fatal(name, err)
		}
		t.Logf("%s %.6f it %d conv %v %.1e bound %v starts %v", name, f.LogLik, f.Iterations, f.Converged, f.Decrement, f.Bound, f.Starts)
		for _, p := range f.Parameters {
			t.Logf("   %s %.6f", p.Name, p.Value)
		}
	}
}

func BenchmarkFit(b *testing.B) {
	r := returns(b)
	for name, spec := range map[string]Spec{"garch11-n": {}, "garch22-t": {P: 2, Q: 2, Law: StudentT}, "aparch11-t": {Model: APARCH, P: 1, O: 1, Q: 1, Law: StudentT}, "figarch11-n": {Model: FIGARCH}, "garch11-ged": {Law: GED}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Estimate(context.Background(), r, Mean{}, spec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func gradientPoint(p *problem) garch.Point {
	return garch.Point{Gradient: make([]float64, p.at.size), Hessian: make([]float64, p.at.size*p.at.size)}
}
