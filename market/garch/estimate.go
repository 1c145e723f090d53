package garch

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// least observations a fit accepts.
const leastN = 50

// estimator is a series prepared for one specification: returns over their
// root mean square, so that starts, bounds and tolerances mean the same for
// every series.
type estimator struct {
	spec   Spec
	raw    []float64 // returns less the fixed mean
	mean   float64
	scale  float64 // root mean square (about the mean, where one is fitted)
	scaled []float64
	fast   *garch11 // nil when the general engine is needed
	lean   *egarch  // the same
	slow   *problem
	rows   []constraint
	coords coordinates
}

// prepare refuses what cannot be estimated, before anything is.
func prepare(returns []float64, spec Spec) (*estimator, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, err
	}
	if err := stats.Finite("returns", returns, leastN); err != nil {
		return nil, err
	}
	e := &estimator{spec: spec, rows: spec.constraints(), coords: spec.coordinates()}
	e.coords.bounds(e.rows)
	e.load(returns)
	if !(e.scale > 1e-12*(1+math.Abs(e.mean))) {
		return nil, market.Refuse("constant", "returns", "the series is constant: there is no variance to model")
	}
	return e, nil
}

// load puts a window of returns in place, reusing buffers.
func (e *estimator) load(returns []float64) {
	e.mean = 0
	centre := 0.0
	if e.spec.Mean != Zero {
		centre = stats.Mean(returns)
	}
	if e.spec.Mean == Demeaned {
		e.mean = centre
	}
	square := 0.0
	for _, r := range returns {
		square += (r - centre) * (r - centre)
	}
	square /= float64(len(returns))
	e.scale = math.Sqrt(square)
	e.raw, e.scaled = resize(e.raw, len(returns)), resize(e.scaled, len(returns))
	for i, r := range returns {
		e.raw[i] = r - e.mean
		e.scaled[i] = e.raw[i] / e.scale
	}
	e.engines()
}

// engines evaluate the scaled series.
func (e *estimator) engines() {
	switch {
	case e.quick():
		e.fast = e.garch11(e.fast, e.scaled)
	case e.spec.columnar():
		e.lean = newEGARCH(e.spec, e.scaled)
	default:
		e.slow = newProblem(e.spec, e.scaled)
	}
}

// columnar says whether the engine of EGARCH covers the specification.
func (s Spec) columnar() bool {
	return s.Model == EGARCH && s.Law != SkewT && (s.Mean == Zero || s.Mean == Demeaned) && !s.Thorough
}

func resize(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

// quick says whether the specialised engine covers the specification.
func (e *estimator) quick() bool {
	return e.spec.Model == GARCH && e.spec.Law != SkewT && (e.spec.Mean == Zero || e.spec.Mean == Demeaned)
}

// garch11 loads residuals into the fast likelihood, in the room of another that is not needed any more.
func (e *estimator) garch11(reuse *garch11, residuals []float64) *garch11 {
	p := reuse
	if p == nil {
		p = &garch11{}
	}
	p.t, p.direct = e.spec.Law == StudentT, e.spec.Initial == MeanSquare
	p.thorough = e.spec.Thorough
	p.q = resize(p.q, len(residuals))
	sum := 0.0
	for i, v := range residuals {
		p.q[i] = v * v
		sum += v * v
	}
	p.start = sum / float64(len(residuals))
	if e.spec.Initial == Backcast {
		p.start = backcast(residuals)
	}
	return p
}

// objective is the log-likelihood in the optimiser's coordinates.
func (e *estimator) objective() objective {
	k := e.spec.layout().size
	if e.fast != nil {
		return e.coords.wrap(e.fast.evaluate, k)
	}
	if e.lean != nil {
		return e.coords.wrap(e.lean.evaluate, k)
	}
	return e.coords.wrap(func(theta []float64, out *evaluation) { e.slow.evaluate(theta, out, false) }, k)
}

// Estimate fits the model to returns (percent) from several starts. It
// refuses fewer than 50 observations, values that are not finite and a
// constant series; anything short of that returns a Fit that says how far to
// trust it.
func Estimate(ctx context.Context, returns []float64, spec Spec) (*Fit, error) {
	e, err := prepare(returns, spec)
	if err != nil {
		return nil, err
	}
	var s search
	// Long series sort their starts on a part; where that ends at a bound or in no top, every start climbs after all.
	sorted := false
	if !e.spec.Thorough && e.slow == nil && e.spec.worthSorting() && len(e.scaled) >= leastWhole {
		s.climbs, s.reported, s.best, err = e.sorted(ctx)
		sorted = err != nil || s.best >= 0 && s.climbs[s.best].converged && len(s.climbs[s.best].active) == 0
	}
	if !sorted {
		s.climbs, s.reported, s.best, err = e.everywhere(ctx)
	}
	if err == nil && e.spec.kinked() && len(e.scaled) < leastWhole {
		err = e.besideMean(ctx, &s)
	}
	fit, err := e.chosen(s.climbs, s.reported, s.best, err)
	if err != nil || e.spec.Model != EGARCH || e.spec.Thorough || e.spec.Earlier {
		return fit, err
	}
	rough := fit.forgetting() > hardlyForgets
	switch {
	case e.spec.Folds && rough && !fit.Convergence.Converged:
		return e.chosen(e.alongBeta(ctx, s.climbs, s.reported, s.best))
	case !e.spec.Folds && (rough || !fit.Convergence.Converged):
		return e.inRegion(ctx, s)
	}
	return fit, nil
}

// kinked: |z| bends the likelihood of EGARCH wherever a fitted mean meets a return, and has tops between two of them.
func (s Spec) kinked() bool {
	return s.Model == EGARCH && (s.Mean == Constant || s.Mean == AR1) && !s.Thorough && !s.Earlier && !s.Folds
}

// besideMean climbs again from means half a standard error to both sides of the best climb's, of a series so short that
// its returns lie apart.
func (e *estimator) besideMean(ctx context.Context, s *search) error {
	if s.best < 0 || !s.climbs[s.best].converged {
		return nil
	}
	f, origin, mu := e.objective(), s.climbs[s.best], e.spec.layout().mu
	bend := origin.eval.hessian[mu*len(origin.theta)+mu]
	if !(bend < 0) {
		return nil
	}
	for _, way := range []float64{-0.5, 0.5} {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := append([]float64(nil), origin.theta...)
		from[mu] += way / math.Sqrt(-bend)
		c := climbing{f: f, rows: e.rows, search: true}.from(from)
		e.coords.outward(from)
		s.climbs, s.reported = append(s.climbs, c), append(s.reported, e.start(from, c, 0))
		if c.eval.value > s.climbs[s.best].eval.value+noise {
			s.best = len(s.climbs) - 1
		}
	}
	return nil
}

// worthSorting: a normal GARCH is in the same basin from every start within a few steps.
func (s Spec) worthSorting() bool { return s.Model != GARCH || s.Law != Normal }

// chosen makes the fit of the best climb.
func (e *estimator) chosen(climbs []*climb, reported []Start, best int, err error) (*Fit, error) {
	if err != nil {
		return nil, err
	}
	if best < 0 || math.IsInf(climbs[best].eval.value, 0) {
		return nil, market.Refuse("no-optimum", "returns", "no start reached a finite likelihood")
	}
	return e.finish(climbs[best], reported, best+1), nil
}

// everywhere climbs from every start on the whole series.
func (e *estimator) everywhere(ctx context.Context) (climbs []*climb, reported []Start, best int, err error) {
	f := e.objective()
	best = -1
	for _, from := range e.spec.starts() {
		if err := ctx.Err(); err != nil {
			return nil, nil, best, err
		}
		joined := 0
		inside := append([]float64(nil), from...)
		e.coords.inward(inside)
		c := maximise(f, inside, e.rows, func(theta []float64, value float64) bool {
			joined = sameBasin(climbs, theta, value, narrow)
			return joined > 0
		})
		climbs = append(climbs, c)
		reported = append(reported, e.start(from, c, joined))
		if joined == 0 && (best < 0 || c.eval.value > climbs[best].eval.value+noise) {
			best = len(climbs) - 1
		}
	}
	return climbs, reported, best, nil
}

func (e *estimator) start(from []float64, c *climb, joined int) Start {
	return Start{from, c.eval.value - float64(e.count())*math.Log(e.scale), c.iterations, c.converged, joined}
}

const (
	// leastWhole is how many returns make it worth to sort the starts on a part first.
	leastWhole = 1000
	// leastPart of the returns that starts are sorted on.
	leastPart = 400
)

// sorted climbs from every start on the first quarter, which costs a quarter; those
// that lead to one top there climb once on the whole, from where the whole is highest: that
// top or one of them. A start's entry in climbs is nil where another climbs for it.
func (e *estimator) sorted(ctx context.Context) (climbs []*climb, reported []Start, best int, err error) {
	n := max(leastPart, len(e.scaled)/4)
	part := &estimator{spec: e.spec, scaled: e.scaled[:n], rows: e.rows, coords: e.coords}
	part.engines()
	f, whole := part.objective(), e.objective()
	var tops []*climb
	starts := e.spec.starts()
	joined := make([]int, len(starts))
	begin, highest := make([][]float64, len(starts)), make([]float64, len(starts))
	for i, from := range starts {
		inside := append([]float64(nil), from...)
		e.coords.inward(inside)
		c := climbing{f: f, rows: e.rows, search: true, near: func(theta []float64, value float64) bool {
			// A top that is met again is the same top on the whole: only one of its starts climbs there.
			joined[i] = sameBasin(tops, theta, value, wide)
			return joined[i] > 0
		}}.from(inside)
		tops = append(tops, c)
		first := i
		if joined[i] > 0 {
			first = joined[i] - 1
		} else {
			begin[i], highest[i] = c.theta, e.value(c.theta)
		}
		// The start itself may be higher on the whole than what the quarter led to.
		if v := e.value(inside); v > highest[first] || math.IsNaN(highest[first]) {
			begin[first], highest[first] = inside, v
		}
	}
	best = -1
	for i, from := range starts {
		if err := ctx.Err(); err != nil {
			return nil, nil, best, err
		}
		if joined[i] > 0 {
			climbs = append(climbs, nil)
			shared := e.start(from, climbs[joined[i]-1], joined[i])
			shared.Iterations = tops[i].iterations
			reported = append(reported, shared)
			continue
		}
		c := climbing{f: whole, rows: e.rows, search: true}.from(begin[i])
		climbs = append(climbs, c)
		reported = append(reported, e.start(from, c, 0))
		reported[i].Iterations += tops[i].iterations
		// By more than rounding: of two that are equal the earlier start wins, on every machine.
		if !math.IsInf(c.eval.value, 0) && (best < 0 || c.eval.value > climbs[best].eval.value+noise) {
			best = i
		}
	}
	return climbs, reported, best, nil
}

// sameBasin finds an earlier, converged start within whose quadratic basin the
// point lies: so near that Newton's method can only end there.
func sameBasin(climbs []*climb, theta []float64, value float64, within vicinity) int {
	for i, c := range climbs {
		if !c.converged || value > c.eval.value {
			continue
		}
		if within.holds(c.theta, c.eval.hessian, c.eval.value, theta, value) {
			return i + 1
		}
	}
	return 0
}

// vicinity of a top: the square of the distance in standard errors, and by what share
// of it the likelihood may be off the parabola.
type vicinity struct{ distance, off float64 }

var (
	narrow = vicinity{0.01, 0.1}
	wide   = vicinity{1, 0.25} // where it only sorts starts
)

// holds says whether a point lies so near a top that a climb from it would end there: near by the curvature, and as
// much lower as the curvature says.
func (v vicinity) holds(top, hessian []float64, best float64, theta []float64, value float64) bool {
	k, distance := len(theta), 0.0
	for a := range k {
		for b := range k {
			distance -= (theta[a] - top[a]) * hessian[a*k+b] * (theta[b] - top[b])
		}
	}
	drop := best - value
	return distance < v.distance && math.Abs(drop-distance/2) < v.off*drop+noise
}

// value is the likelihood alone, in the optimiser's coordinates.
func (e *estimator) value(x []float64) float64 {
	theta := append([]float64(nil), x...)
	e.coords.outward(theta)
	if e.fast != nil {
		return e.fast.value(theta)
	}
	var out evaluation
	e.lean.evaluate(theta, &out)
	return out.value
}

// count is the number of observations in the likelihood.
func (e *estimator) count() int {
	if e.spec.Mean == AR1 {
		return len(e.raw) - 1
	}
	return len(e.raw)
}
