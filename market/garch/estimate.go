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
	slow   *problem
	rows   []constraint
	coords coordinates
}

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
	if e.quick() {
		e.fast = e.garch11(e.fast, e.scaled)
	} else {
		e.slow = newProblem(e.spec, e.scaled)
	}
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

func (e *estimator) garch11(reuse *garch11, residuals []float64) *garch11 {
	p := reuse
	if p == nil {
		p = &garch11{}
	}
	p.t, p.direct = e.spec.Law == StudentT, e.spec.Initial == MeanSquare
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
	f := e.objective()
	var climbs []*climb
	var reported []Start
	best := -1
	for _, from := range e.spec.starts() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		joined := 0
		inside := append([]float64(nil), from...)
		e.coords.inward(inside)
		c := maximise(f, inside, e.rows, func(theta []float64, value float64) bool {
			joined = sameBasin(climbs, theta, value)
			return joined > 0
		})
		climbs = append(climbs, c)
		reported = append(reported, Start{from, c.eval.value - float64(e.count())*math.Log(e.scale), c.iterations,
			c.converged, joined})
		if joined == 0 && (best < 0 || c.eval.value > climbs[best].eval.value+noise) {
			best = len(climbs) - 1
		}
	}
	if best < 0 || math.IsInf(climbs[best].eval.value, 0) {
		return nil, market.Refuse("no-optimum", "returns", "no start reached a finite likelihood")
	}
	return e.finish(climbs[best], reported, best+1), nil
}

// sameBasin finds an earlier, converged start within whose quadratic basin the
// point lies: so near that Newton's method can only end there.
func sameBasin(climbs []*climb, theta []float64, value float64) int {
	for i, c := range climbs {
		if !c.converged || value > c.eval.value {
			continue
		}
		if basin(c.theta, c.eval.hessian, c.eval.value, theta, value) {
			return i + 1
		}
	}
	return 0
}

// basin: one tenth of a standard error from the top, and the likelihood agrees with the parabola.
func basin(top, hessian []float64, best float64, theta []float64, value float64) bool {
	k, distance := len(theta), 0.0
	for a := range k {
		for b := range k {
			distance -= (theta[a] - top[a]) * hessian[a*k+b] * (theta[b] - top[b])
		}
	}
	drop := best - value
	return distance < 0.01 && math.Abs(drop-distance/2) < 0.1*drop+noise
}

// count is the number of observations in the likelihood.
func (e *estimator) count() int {
	if e.spec.Mean == AR1 {
		return len(e.raw) - 1
	}
	return len(e.raw)
}
