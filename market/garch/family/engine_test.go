package family

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/mathext"

	"github.com/aqsha/aqsha/market/garch"
)

// exactModels are models of every kind that the engine covers.
var exactModels = []Spec{{}, {Law: StudentT}, {P: 2, O: 1, Q: 2, Law: GED}, {P: 1, O: 1, Q: 1, Exp: 1, Law: StudentT},
	{P: 1, O: 1, Q: 1, Exp: 1, Law: Hansen},
	{P: 2, Q: 1, Law: Hansen}, {P: 2, Q: 3, Law: SkewT}, {P: 1, O: 1, Q: 1, Exp: 1.4, Law: SkewT},
	{P: 1, O: 1, Q: 1, Exp: 1.4}, {P: 3, Q: 0, Law: GED},
	{Model: APARCH, P: 1, O: 1, Q: 1, Law: StudentT}, {Model: APARCH, P: 2, O: 1, Q: 2, Law: Hansen},
	{Model: APARCH, P: 2, O: 2, Q: 1, Exp: 1.3, Law: GED}, {Model: APARCH, P: 1, Q: 0},
	{Model: FIGARCH}, {Model: FIGARCH, Law: GED}, {Model: FIGARCH, Law: SkewT}}

// The engine's value, gradient and outer products are those of the general recursion,
// its gradient and Hessian those of differences.
func TestEngineIsTheGeneralRecursion(t *testing.T) {
	for _, spec := range exactModels {
		r := returns(t)[:500]
		spec, err := spec.complete()
		if err != nil {
			t.Fatal(err)
		}
		if spec.Model == FIGARCH && spec.Law == Normal { // past where its weights are cut
			r = returns(t)[:1300]
		}
		p := newProblem(spec, r, nil, nil, nil)
		x := p.starts(nil)[1]
		x[0] *= 1.3
		if spec.Model == FIGARCH { // inside its bounds
			x[1] += 0.02
		}
		for i := range spec.O {
			x[p.at.gamma+i] = 0.04
		}
		for i := p.at.shape; i < p.at.size; i++ {
			x[i] += 0.07
		}
		general := gradientPoint(p)
		p.likelihood(x, &general)
		g := newBare(spec, r).evaluator(len(r))
		inside := append([]float64(nil), x...)
		inside[p.at.omega] = math.Log(x[p.at.omega])
		at, up, down := gradientPoint(p), gradientPoint(p), gradientPoint(p)
		g.surface(inside, &at)
		if !(math.Abs(at.Value-general.Value) < 1e-9*math.Abs(general.Value)) {
			t.Errorf("%s %s: value %v, general %v", spec.Model, spec.Law, at.Value, general.Value)
		}
		outer := p.outer()
		for i, v := range g.outer() {
			want := outer[i]
			for _, j := range []int{i / p.at.size, i % p.at.size} {
				if j == p.at.omega {
					want *= x[j]
				}
			}
			if math.Abs(v-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("%s %s: outer product %d is %v, general %v", spec.Model, spec.Law, i, v, want)
			}
		}
		for i := range inside {
			moved := append([]float64(nil), inside...)
			const step = 1e-5
			moved[i] += step
			g.surface(moved, &up)
			moved[i] -= 2 * step
			g.surface(moved, &down)
			if want := (up.Value - down.Value) / (2 * step); math.Abs(at.Gradient[i]-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("%s %s: gradient by %s %v, differences %v", spec.Model, spec.Law, p.at.names[i],
					at.Gradient[i], want)
			}
			for j := range inside {
				want := (up.Gradient[j] - down.Gradient[j]) / (2 * step)
				if got := at.Hessian[i*p.at.size+j]; math.Abs(got-want) > 2e-6*(10+math.Abs(want)) {
					t.Errorf("%s %s: Hessian by %s, %s %v, differences %v", spec.Model, spec.Law, p.at.names[i],
						p.at.names[j], got, want)
				}
			}
		}
		value := garch.Point{}
		if g.surface(inside, &value); value.Value != at.Value &&
			!(math.Abs(value.Value-at.Value) < 1e-10*math.Abs(at.Value)) {
			t.Errorf("%s %s: value alone %v, with derivatives %v", spec.Model, spec.Law, value.Value, at.Value)
		}
	}
}

// On series of other kinds (calm, jumpy, with a break, short), the exact climb ends no
// lower than the general one, whose starts all climb on the whole series.
func TestTheExactClimbIsNoWorse(t *testing.T) {
	for seed, truth := range [][]float64{{0.4, 0.12, 0.86, 4}, {0.05, 0.03, 0.95, 8}, {1, 0.3, 0.4, 3.5},
		{0.2, 0.02, 0.2, 30}} {
		r, err := garch.Simulate(garch.Spec{Law: garch.StudentT, Mean: garch.Zero}, truth, 1400, uint64(seed)+3)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r[:500] {
			if seed == 1 {
				r[i] *= 4
			}
		}
		if seed == 2 {
			r = r[:700]
		}
		for _, spec := range exactModels {
			spec, err := spec.complete()
			if err != nil {
				t.Fatal(err)
			}
			exact, err := Estimate(context.Background(), r, Mean{}, spec)
			if err != nil {
				t.Fatal(err)
			}
			_, scale, err := Mean{}.start(r)
			if err != nil {
				t.Fatal(err)
			}
			scaled := append([]float64(nil), r...)
			for i := range scaled {
				scaled[i] /= scale
			}
			general, err := newProblem(spec, scaled, nil, nil, nil).estimate(context.Background(), nil, scale, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !exact.Converged && general.Converged || exact.LogLik < general.LogLik-1e-6 {
				t.Errorf("%d %s(%d,%d,%d) %g %s: exact %.8f converged %v bounds %v, general %.8f %v", seed, spec.Model,
					spec.P, spec.O, spec.Q, spec.Exp, spec.Law,
					exact.LogLik, exact.Converged, exact.Bound, general.LogLik, general.Bound)
			}
		}
	}
}

// Jets carry exact derivatives: those of a made-up expression are those of differences,
// and the trigamma function is the zeta function of order two.
func TestJets(t *testing.T) {
	f := func(x, y float64) jet {
		a, b := coordinate(x, 0), coordinate(y, 1)
		return a.times(b).exp().plus(b.lgamma().over(a.sqrt())).minus(a.shifted(2).log().times(constant(3))).times(
			b.inverse())
	}
	const x, y, step = 1.3, 2.4, 1e-4
	at := f(x, y)
	want := [5]float64{(f(x+step, y).v - f(x-step, y).v) / (2 * step), (f(x, y+step).v - f(x, y-step).v) / (2 * step),
		(f(x+step, y).d[0] - f(x-step, y).d[0]) / (2 * step), (f(x, y+step).d[0] - f(x, y-step).d[0]) / (2 * step),
		(f(x, y+step).d[1] - f(x, y-step).d[1]) / (2 * step)}
	for i, got := range [5]float64{at.d[0], at.d[1], at.dd[0], at.dd[1], at.dd[2]} {
		if math.Abs(got-want[i]) > 1e-6*(1+math.Abs(want[i])) {
			t.Errorf("derivative %d is %v, differences %v", i, got, want[i])
		}
	}
	for _, v := range []float64{0.3, 1, 2.5, 11.9, 40} {
		if zeta := mathext.Zeta(2, v); math.Abs(trigamma(v)-zeta) > 2e-14*zeta {
			t.Errorf("trigamma of %v is %v, not %v", v, trigamma(v), zeta)
		}
	}
}
