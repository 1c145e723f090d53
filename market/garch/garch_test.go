package garch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

var everySpec = func() []Spec {
	var all []Spec
	for _, model := range []Model{GARCH, GJR, EGARCH} {
		for _, law := range []Law{Normal, StudentT, SkewT} {
			for _, mean := range []Mean{Demeaned, Constant, AR1} {
				for _, initial := range []Initial{ThroughRecursion, MeanSquare, Backcast} {
					all = append(all, Spec{Model: model, Law: law, Mean: mean, Initial: initial})
				}
			}
		}
	}
	return all
}()

func simulated(t testing.TB, n int, seed uint64) []float64 {
	t.Helper()
	r, err := Simulate(Spec{Law: StudentT, Mean: Constant}, []float64{0.1, 0.3, 0.1, 0.85, 6}, n, seed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// point is an interior parameter vector of a specification.
func point(spec Spec) []float64 {
	at := spec.layout()
	theta := make([]float64, at.size)
	for i, v := range map[int]float64{at.mu: 0.07, at.phi: -0.0517, at.omega: 0.11, at.alpha: 0.12, at.gamma: 0.04,
		at.beta: 0.8, at.xi: 1.15, at.nu: 5.5} {
		if i >= 0 {
			theta[i] = v
		}
	}
	return theta
}

// The analytic gradient and Hessian agree with differences of the value and
// of the gradient, for every model, law, mean and initial variance.
func TestDerivatives(t *testing.T) {
	r := simulated(t, 300, 3)
	for i := range r {
		r[i] /= 2
	}
	for _, spec := range everySpec {
		p := newProblem(spec, r)
		k := p.at.size
		theta, here := point(spec), newEvaluation(k)
		p.evaluate(theta, here, true)
		for i := range k {
			step := 1e-5 * max(1, math.Abs(theta[i]))
			up, down := newEvaluation(k), newEvaluation(k)
			shifted := append([]float64(nil), theta...)
			shifted[i] += step
			p.evaluate(shifted, up, false)
			shifted[i] -= 2 * step
			p.evaluate(shifted, down, false)
			if got, want := here.gradient[i], (up.value-down.value)/(2*step); math.Abs(got-want) > 1e-4*max(1,
				math.Abs(want)) {
				t.Errorf("%+v: ∂%s = %v, differences %v", spec, spec.Names()[i], got, want)
			}
			for j := range k {
				want := (up.gradient[j] - down.gradient[j]) / (2 * step)
				// |z| has a kink that a joint mean crosses; differences see it, the derivative does not.
				tolerance := 2e-4 * max(5, math.Abs(want))
				if spec.Model == EGARCH && spec.Law == SkewT {
					tolerance *= 5
				}
				if got := here.hessian[i*k+j]; math.Abs(got-want) > tolerance {
					t.Errorf("%+v: ∂²%s%s = %v, differences %v", spec, spec.Names()[i], spec.Names()[j], got, want)
				}
			}
		}
	}
}

// The specialised engine is the general one.
func TestFastEngineIsTheGeneralOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := Spec{Model: GARCH, Law: rapid.SampledFrom([]Law{Normal, StudentT}).Draw(t, "law"), Mean: Zero,
			Initial: rapid.SampledFrom([]Initial{ThroughRecursion, MeanSquare, Backcast}).Draw(t, "initial")}
		n := rapid.IntRange(50, 400).Draw(t, "n")
		r, err := Simulate(Spec{Mean: Zero}, []float64{0.1, 0.1, 0.8}, n, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		theta := []float64{rapid.Float64Range(0.01, 1).Draw(t, "omega"), rapid.Float64Range(0, 0.5).Draw(t, "alpha"),
			rapid.Float64Range(0, 0.98).Draw(t, "beta")}
		if spec.Law == StudentT {
			theta = append(theta, rapid.Float64Range(2.05, 60).Draw(t, "nu"))
		}
		k := len(theta)
		general, fast := newEvaluation(k), newEvaluation(k)
		newProblem(spec, r).evaluate(theta, general, true)
		e := &estimator{spec: spec}
		g := e.garch11(nil, r)
		if g.t {
			g.student(theta, fast, true)
		} else {
			g.normal(theta, fast, true)
		}
		near := func(what string, a, b []float64) {
			for i := range a {
				if math.Abs(a[i]-b[i]) > 1e-8*max(1, math.Abs(a[i])) {
					t.Fatalf("%s %d: %v and %v", what, i, a[i], b[i])
				}
			}
		}
		near("value", []float64{general.value}, []float64{fast.value})
		near("gradient", general.gradient, fast.gradient)
		near("hessian", general.hessian, fast.hessian)
		near("outer", general.outer, fast.outer)
	})
}

// The engine of EGARCH is the general one, but for rounding.
func TestTheEGARCHEngineIsTheGeneralOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := Spec{Model: EGARCH, Law: rapid.SampledFrom([]Law{Normal, StudentT}).Draw(t, "law"), Mean: Zero,
			Initial:   rapid.SampledFrom([]Initial{ThroughRecursion, MeanSquare, Backcast}).Draw(t, "initial"),
			NormalAbs: rapid.Bool().Draw(t, "abs")}
		n := rapid.IntRange(50, 400).Draw(t, "n")
		r, err := Simulate(Spec{Mean: Zero}, []float64{0.1, 0.1, 0.8}, n, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		theta := []float64{rapid.Float64Range(-0.5, 0.5).Draw(t, "omega"),
			rapid.Float64Range(-0.1, 0.4).Draw(t, "alpha"), rapid.Float64Range(-0.2, 0.2).Draw(t, "gamma"),
			rapid.Float64Range(-0.5, 0.98).Draw(t, "beta")}
		if spec.Law == StudentT {
			theta = append(theta, rapid.Float64Range(2.05, 60).Draw(t, "nu"))
		}
		k := len(theta)
		general, lean := newEvaluation(k), newEvaluation(k)
		p := newProblem(spec, r)
		p.h, p.z = make([]float64, n), make([]float64, n)
		p.evaluate(theta, general, true)
		g := newEGARCH(spec, r)
		if g.evaluate(theta, lean); !math.IsInf(lean.value, -1) {
			g.outer(theta, lean)
		}
		near := func(what string, a, b []float64) {
			size := 1.0
			for i := range a {
				size = max(size, math.Abs(a[i]))
			}
			for i := range a {
				if !(math.Abs(a[i]-b[i]) <= 1e-8*size) && a[i] != b[i] {
					t.Fatalf("%s %d: %v and %v", what, i, a[i], b[i])
				}
			}
		}
		near("value", []float64{general.value}, []float64{lean.value})
		if math.IsInf(general.value, -1) {
			return
		}
		near("gradient", general.gradient, lean.gradient)
		near("hessian", general.hessian, lean.hessian)
		near("outer", general.outer, lean.outer)
		near("residuals", p.z, g.z)
	})
}

// E|z| of the skewed t by numerical integration, and its reduction to the t.
func TestAbsoluteMoment(t *testing.T) {
	if d := absSkew(1, 5) - absT(5); math.Abs(d) > 1e-12 {
		t.Errorf("ξ = 1 differs from the t by %v", d)
	}
	var f law
	f.set(SkewT, 1.4, 6)
	var d density
	var mass, mean, square, abs float64
	const h = 1e-3
	for z := -200.0; z < 200; z += h {
		f.at(z, &d)
		p := math.Exp(d.g) * h
		mass, mean, square, abs = mass+p, mean+z*p, square+z*z*p, abs+math.Abs(z)*p
	}
	for what, v := range map[string][2]float64{"mass": {mass, 1}, "mean": {mean, 0}, "variance": {square, 1},
		"E|z|": {abs, absSkew(1.4, 6)}} {
		if math.Abs(v[0]-v[1]) > 2e-4 {
			t.Errorf("%s = %v, want %v", what, v[0], v[1])
		}
	}
}

// Multiplying returns by c multiplies ω by c² (EGARCH: adds (1−β)·ln c²) and
// leaves the rest, and the likelihood loses n·ln c.
func TestScaleInvariance(t *testing.T) {
	r := simulated(t, 1500, 7)
	for _, spec := range []Spec{{}, {Law: StudentT}, {Model: GJR, Law: SkewT, Mean: Constant},
		{Model: EGARCH, Law: StudentT}} {
		one, err := Estimate(context.Background(), r, spec)
		if err != nil {
			t.Fatal(err)
		}
		const c = 250.0
		scaled := make([]float64, len(r))
		for i := range r {
			scaled[i] = c * r[i]
		}
		other, err := Estimate(context.Background(), scaled, spec)
		if err != nil {
			t.Fatal(err)
		}
		if d := one.LogLik - float64(len(r))*math.Log(c) - other.LogLik; math.Abs(d) > 1e-6 {
			t.Errorf("%+v: likelihoods differ by %v", spec, d)
		}
		for i, p := range one.Parameters {
			want := p.Value
			switch {
			case p.Name == "omega" && spec.Model == EGARCH:
				want += (1 - one.Value("beta")) * 2 * math.Log(c)
			case p.Name == "omega":
				want *= c * c
			case p.Name == "mu":
				want *= c
			}
			if got := other.Parameters[i].Value; math.Abs(got-want) > 1e-6*math.Abs(want) {
				t.Errorf("%+v: %s = %v, want %v", spec, p.Name, got, want)
			}
		}
	}
}

// Monte Carlo: 200 simulated series of 1,500 returns. The 95 % intervals from
// the Hessian hold the truth at the nominal rate: between 90 and 98 % of the
// time (three standard deviations of a binomial are 4.6 points).
func TestIntervalsCoverAtTheNominalRate(t *testing.T) {
	const series = 200
	truth := []float64{0.2, 0.1, 0.85, 6}
	spec := Spec{Law: StudentT, Mean: Zero}
	covered, usable := make([]int, len(truth)), 0
	for seed := range uint64(series) {
		r, err := Simulate(spec, truth, 1500, 1000+seed)
		if err != nil {
			t.Fatal(err)
		}
		fit, err := Estimate(context.Background(), r, spec)
		if err != nil {
			t.Fatal(err)
		}
		if fit.Convergence.ErrorsNote != "" {
			continue
		}
		usable++
		for i, p := range fit.Parameters {
			if math.Abs(p.Value-truth[i]) < 1.96**p.SEHessian {
				covered[i]++
			}
		}
	}
	if usable < series*95/100 {
		t.Errorf("only %d of %d fits have standard errors", usable, series)
	}
	for i, n := range covered {
		if rate := float64(n) / float64(usable); rate < 0.90 || rate > 0.985 {
			t.Errorf("%s: covered %.3f", spec.Names()[i], rate)
		}
	}
}

func TestOtherModelsRecoverTheirParameters(t *testing.T) {
	for _, c := range []struct {
		spec  Spec
		truth []float64
	}{
		{Spec{Model: GJR, Law: SkewT, Mean: Constant}, []float64{0.1, 0.2, 0.05, 0.1, 0.82, 1.2, 6}},
		{Spec{Model: EGARCH, Law: SkewT, Mean: Zero}, []float64{0.05, 0.2, -0.06, 0.95, 0.85, 6}},
		{Spec{Model: EGARCH, Law: Normal, Mean: AR1}, []float64{0.1, 0.2, 0.05, 0.2, -0.06, 0.95}},
	} {
		r, err := Simulate(c.spec, c.truth, 6000, 42)
		if err != nil {
			t.Fatal(err)
		}
		fit, err := Estimate(context.Background(), r, c.spec)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range fit.Parameters {
			if p.SEHessian == nil || math.Abs(p.Value-c.truth[i]) > 3.5**p.SEHessian {
				t.Errorf("%+v: %s = %v, truth %v (%+v)", c.spec, p.Name, p.Value, c.truth[i], fit.Convergence)
			}
		}
	}
}

func TestBadSeriesAreRefusedOrWarnedOf(t *testing.T) {
	constant := make([]float64, 100)
	for i := range constant {
		constant[i] = 1.25
	}
	withNaN := simulated(t, 100, 1)
	withNaN[40] = math.NaN()
	for code, r := range map[string][]float64{"constant": constant, "too-short": {1, 2}, "not-finite": withNaN} {
		_, err := Estimate(context.Background(), r, Spec{})
		var refused *market.Error
		if !errors.As(err, &refused) || refused.Code != "market-"+code {
			t.Errorf("want %s, got %v", code, err)
		}
	}
	if _, err := Estimate(context.Background(), simulated(t, 100, 1), Spec{Law: "cauchy"}); err == nil {
		t.Error("an unknown law was accepted")
	}
	near, err := Simulate(Spec{Mean: Zero}, []float64{0.01, 0.1, 0.899}, 3000, 9)
	if err != nil {
		t.Fatal(err)
	}
	fit, err := Estimate(context.Background(), near, Spec{Mean: Zero})
	if err != nil || len(fit.Warnings) == 0 {
		t.Errorf("near-integrated: %+v, %v", fit, err)
	}
	short, err := Estimate(context.Background(), simulated(t, 60, 2), Spec{})
	if err != nil || len(short.Warnings) == 0 {
		t.Errorf("60 observations: no warning, %v", err)
	}
	// A huge gap: one return of a hundred standard deviations.
	jump := simulated(t, 800, 4)
	jump[400] = 300
	if _, err := Estimate(context.Background(), jump, Spec{Law: StudentT}); err != nil {
		t.Errorf("jump: %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Estimate(cancelled, simulated(t, 100, 1), Spec{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// A warm-started window reaches what a cold start reaches.
func TestRollingAgreesWithColdStarts(t *testing.T) {
	r := simulated(t, 900, 11)
	for _, spec := range []Spec{{}, {Law: StudentT}, {Model: GJR, Law: StudentT}} {
		rolls, err := Rolling(context.Background(), r, 600, 599, 799, 20, spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, roll := range rolls {
			if !roll.Converged || math.Abs(roll.Gap) > 1e-6 {
				t.Errorf("%+v: %+v", spec, roll)
			}
			if roll.Checked {
				checked++
			}
		}
		if checked != 10 {
			t.Errorf("%d windows were checked", checked)
		}
		last, err := Estimate(context.Background(), r[200:800], spec)
		if err != nil || math.Abs(last.LogLik-rolls[200].LogLik) > 1e-6 ||
			math.Abs(last.HNext/rolls[200].HNext-1) > 1e-5 {
			t.Errorf("%+v: %v %v, rolled %v %v", spec, last.LogLik, last.HNext, rolls[200].LogLik, rolls[200].HNext)
		}
	}
}

func TestConventions(t *testing.T) {
	r := simulated(t, 1200, 5)
	for _, p := range []Package{FGarch, RUGarch, Arch} {
		for _, model := range []Model{GARCH, EGARCH} {
			spec, err := Spec{Model: model, Law: SkewT}.Like(p)
			if p == FGarch && model == EGARCH {
				if err == nil {
					t.Error("fGarch with EGARCH accepted")
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			fit, err := Estimate(context.Background(), r, spec)
			if err != nil {
				t.Fatal(err)
			}
			as, err := fit.As(p)
			if err != nil {
				t.Fatal(err)
			}
			byName := map[string]Reported{}
			for _, a := range as {
				byName[a.Name] = a
			}
			if p == Arch {
				l := byName["lambda"].Value
				if xi := fit.Value("xi"); math.Abs(xi*xi-(1+l)/(1-l)) > 1e-12 ||
					byName["eta"].Value != fit.Value("nu") {
					t.Errorf("arch: %+v", as)
				}
			}
			if p == RUGarch && model == EGARCH && byName["gamma1"].Value != fit.Value("alpha") {
				t.Errorf("rugarch keeps α in place: %+v", as)
			}
		}
	}
	if _, err := (Spec{}).Like("stata"); err == nil {
		t.Error("an unknown package was accepted")
	}
}

// Mean, variance and quantiles of simulated forecasts stand where the model says.
func TestForecast(t *testing.T) {
	r := simulated(t, 2000, 8)
	for _, spec := range []Spec{{Law: SkewT}, {Model: EGARCH, Law: StudentT, Mean: AR1}} {
		fit, err := Estimate(context.Background(), r, spec)
		if err != nil {
			t.Fatal(err)
		}
		a, err := fit.Forecast(20, 20_000, 0.95, 1)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := fit.Forecast(20, 20_000, 0.95, 1)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Error("the same seed gave other numbers")
		}
		first, last := a.Horizons[0], a.Horizons[19]
		if math.Abs(first.Variance-fit.HNext) > 1e-9 || first.VarianceLow != first.VarianceHigh {
			t.Errorf("one day ahead: %+v, h %v", first, fit.HNext)
		}
		if last.ReturnHigh-last.ReturnLow < 3*(first.ReturnHigh-first.ReturnLow) ||
			last.VarianceLow >= last.VarianceHigh {
			t.Errorf("20 days: %+v", last)
		}
	}
	fit, _ := Estimate(context.Background(), r, Spec{Model: GJR})
	curve := fit.NewsImpact(3, 31)
	if len(curve) != 31 || curve[0].Variance <= curve[15].Variance {
		t.Errorf("news impact %+v", curve)
	}
	if _, err := fit.Forecast(0, 10, 2, 1); err == nil {
		t.Error("nonsense accepted")
	}
	shocks, _ := Simulate(Spec{Law: SkewT, Mean: Zero}, []float64{1, 0, 0, 1.5, 8}, 100_000, 3)
	m, _ := stats.Describe(shocks)
	if math.Abs(m.Mean) > 0.02 || math.Abs(m.SD-1) > 0.02 || m.Skewness < 0.5 {
		t.Errorf("skewed shocks: %+v", m)
	}
}

func TestStaticStudentFit(t *testing.T) {
	d := distuv.StudentsT{Mu: 0.2, Sigma: 1.7, Nu: 2.5, Src: rand.NewPCG(1, 2)}
	r := make([]float64, 20_000)
	for i := range r {
		r[i] = d.Rand()
	}
	f, err := FitStudent(r)
	if err != nil || math.Abs(f.Mu-0.2) > 0.05 || math.Abs(f.Sigma-1.7) > 0.06 || math.Abs(f.Nu-2.5) > 0.15 {
		t.Errorf("%+v, %v", f, err)
	}
	logLik := func(mu, sigma, nu float64) (sum float64) {
		for _, v := range r {
			sum += distuv.StudentsT{Mu: mu, Sigma: sigma, Nu: nu}.LogProb(v)
		}
		return sum
	}
	if own := logLik(f.Mu, f.Sigma, f.Nu); math.Abs(own-f.LogLik) > 1e-6 {
		t.Errorf("likelihood %v, by the density %v", f.LogLik, own)
	}
	// A maximum: every neighbour is lower.
	for _, v := range []float64{logLik(f.Mu+1e-3, f.Sigma, f.Nu), logLik(f.Mu, f.Sigma*1.001, f.Nu),
		logLik(f.Mu, f.Sigma, f.Nu*0.999)} {
		if v > f.LogLik {
			t.Errorf("a neighbour has %v, above %v", v, f.LogLik)
		}
	}
}
