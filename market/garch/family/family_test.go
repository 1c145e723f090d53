package family

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/market/garch"
)

func returns(t testing.TB) []float64 {
	data, err := os.ReadFile("../../verify/references/returns.txt")
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

// models by the names of the reference file.
var models = map[string]Spec{
	"garch11-n": {}, "garch21-n": {P: 2, Q: 1}, "garch22-t": {P: 2, Q: 2, Law: StudentT}, "gjr11-t": {P: 1, O: 1, Q: 1, Law: StudentT}, "gjr22-n": {P: 2, O: 2, Q: 2},
	"aparch11-n": {Model: APARCH, P: 1, O: 1, Q: 1}, "aparch11-t": {Model: APARCH, P: 1, O: 1, Q: 1, Law: StudentT}, "tgarch11-t": {P: 1, O: 1, Q: 1, Exp: 1, Law: StudentT},
	"figarch11-n": {Model: FIGARCH}, "figarch11-t": {Model: FIGARCH, Law: StudentT}, "garch11-ged": {Law: GED}, "garch11-hansen": {Law: Hansen}, "gjr11-ged": {P: 1, O: 1, Q: 1, Law: GED},
}

// Python's arch gives the same figures on the same returns.
func TestAgainstArch(t *testing.T) {
	r := returns(t)
	var file struct {
		Fits map[string]struct {
			LogLik     float64
			Parameters map[string]float64
		}
	}
	data, err := os.ReadFile("../../verify/references/family.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Fits) != len(models) {
		t.Fatalf("%d references for %d models", len(file.Fits), len(models))
	}
	for name, want := range file.Fits {
		mean := "zero"
		if name == "gjr11-ged" {
			mean = "constant"
		}
		m, y, err := MeanOf(mean, 0, r, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Estimate(context.Background(), y, m, models[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		// Ours may only be better, and by no more than arch's tolerance left.
		if gain := f.LogLik - want.LogLik; !f.Converged || gain < -1e-6 || gain > 1e-3 {
			t.Errorf("%s: log-likelihood %.8f, arch %.8f", name, f.LogLik, want.LogLik)
		}
		for parameter, v := range want.Parameters {
			ours := strings.NewReplacer("[1]", "1", "[2]", "2").Replace(parameter)
			got := f.Value(ours)
			if math.IsNaN(got) {
				got = f.Value(strings.TrimSuffix(ours, "1"))
			}
			if !(math.Abs(got-v) < 2e-3*(0.1+math.Abs(v))) {
				t.Errorf("%s: %s is %v, arch %v", name, parameter, got, v)
			}
		}
		for _, p := range f.Parameters {
			if p.SEHessian == nil || !(*p.SEHessian > 0) {
				t.Errorf("%s: no standard error of %s", name, p.Name)
			}
		}
	}
}

// The normal inverse Gaussian, like every law, integrates to one with mean zero
// and variance one, and its slope is that of its value.
func TestLawsAreStandardised(t *testing.T) {
	for law, shapes := range map[Law][][]float64{Normal: {nil}, StudentT: {{4.5}, {30}}, GED: {{0.9}, {2.4}}, SkewT: {{0.8, 7}, {1.3, 5}}, Hansen: {{6, -0.3}, {12, 0.4}}, NIG: {{0.2, 1.3}, {-0.5, 0.6}, {0, 20}}} {
		for _, shape := range shapes {
			f := law.density(shape)
			var moments [3]float64
			const step = 1e-3
			for z := -60.0; z <= 60; z += step {
				g, _ := f.at(z)
				p := math.Exp(g) * step
				moments[0], moments[1], moments[2] = moments[0]+p, moments[1]+p*z, moments[2]+p*z*z
			}
			if math.Abs(moments[0]-1) > 1e-5 || math.Abs(moments[1]) > 1e-5 || math.Abs(moments[2]-1) > 5e-3 {
				t.Errorf("%s %v: moments %v", law, shape, moments)
			}
			for _, z := range []float64{-3.1, -0.4, 0.2, 2.7} {
				a, _ := f.at(z + 1e-6)
				b, _ := f.at(z - 1e-6)
				if _, gz := f.at(z); math.Abs(gz-(a-b)/2e-6) > 1e-6*(1+math.Abs(gz)) {
					t.Errorf("%s %v at %v: slope %v, differences %v", law, shape, z, gz, (a-b)/2e-6)
				}
			}
		}
	}
}

// Models that contain another are no worse; an integrated one holds its sum.
func TestNesting(t *testing.T) {
	r := returns(t)
	fit := func(spec Spec) *Fit {
		f, err := Estimate(context.Background(), r, Mean{}, spec)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	plain, component, integrated := fit(Spec{}), fit(Spec{Model: Component}), fit(Spec{Integrated: true})
	if component.LogLik < plain.LogLik || integrated.LogLik > plain.LogLik || math.Abs(*integrated.Persistence-1) > 2e-6 {
		t.Errorf("%v %v %v", plain.LogLik, component.LogLik, integrated)
	}
	if skewed := fit(Spec{Law: SkewT}); skewed.LogLik < fit(Spec{Law: StudentT}).LogLik || skewed.Value("xi") > 1.1 || skewed.Value("xi") < 0.85 {
		t.Errorf("%+v", skewed.Parameters)
	}
	// The next day's variance is the recursion's.
	n := len(r)
	want := plain.Value("omega") + plain.Value("alpha")*r[n-1]*r[n-1] + plain.Value("beta")*plain.HLast
	if math.Abs(plain.HNext-want) > 1e-9*want {
		t.Errorf("next %v, want %v", plain.HNext, want)
	}
	// Returns a hundred times as large have variances 10⁴ times as large and the same persistence.
	big := make([]float64, n)
	for i, v := range r {
		big[i] = 100 * v
	}
	scaled, err := Estimate(context.Background(), big, Mean{}, Spec{})
	if err != nil || math.Abs(scaled.HNext/plain.HNext-1e4) > 1e-3 || math.Abs(*scaled.Persistence-*plain.Persistence) > 1e-8 {
		t.Errorf("%v", err)
	}
}

func TestRefusals(t *testing.T) {
	r := returns(t)
	for _, bad := range []Spec{{Model: "x"}, {Law: "x"}, {P: 6, Q: 1}, {P: 1, O: 2}, {Model: FIGARCH, P: 2, Q: 1}, {Exp: 5}, {Integrated: true, P: 1, O: 1, Q: 1}, {Q: -1, P: 1}} {
		if _, err := Estimate(context.Background(), r, Mean{}, bad); err == nil {
			t.Errorf("%+v was fitted", bad)
		}
	}
	if _, err := Estimate(context.Background(), make([]float64, 500), Mean{}, Spec{}); err == nil {
		t.Error("a constant series was fitted")
	}
	if _, err := Estimate(context.Background(), r[:40], Mean{}, Spec{}); err == nil {
		t.Error("forty returns were fitted")
	}
	for _, bad := range []string{"x", "ar"} {
		if _, _, err := MeanOf(bad, 0, r, nil, nil); err == nil {
			t.Errorf("mean %s", bad)
		}
	}
	if m, y, err := MeanOf("har", 0, r, []string{"x"}, [][]float64{r}); err != nil || len(m.Columns) != 5 || len(y) != len(r)-22 || m.Columns[4][0] != r[22] {
		t.Errorf("%v, %v", m.Names, err)
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
