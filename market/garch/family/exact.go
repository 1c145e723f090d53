package family

import (
	"context"
	"math"
	"slices"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
)

const (
	// leastWhole is how many days make it worth to sort the starts on a part first.
	leastWhole = 1000
	// leastPart of the days that starts are sorted on.
	leastPart = 400
)

// evaluator is a likelihood with exact derivatives, in the coordinates that are climbed in.
type evaluator interface {
	// surface gives the value alone where there is no room for a Hessian.
	surface(x []float64, out *garch.Point)
	// last are the coordinates that outer and days are of.
	last() []float64
	outer() []float64
	// days are the variances, and that of the day after.
	days() (h []float64, next float64)
}

func (p *problem) evaluator(n int) evaluator {
	if p.spec.Model == FIGARCH {
		return newFractional(p.spec, p.y[:n])
	}
	return newEngine(p.spec, p.at, p.y[:n])
}

// ascent is the climb of an evaluator: the tops found on the whole series, the highest,
// and the value that each beginning led to.
type ascent struct {
	whole   evaluator
	bounds  []garch.Bound
	tops    []garch.Top
	reached []float64
	// cameFrom is for each start which beginning it led to.
	cameFrom []int
	best     int
	steps    int
}

// estimateExact climbs by exact Newton steps. In a long series every start first
// climbs on the first quarter, which costs a quarter; one of those that lead to the
// same top there then climbs on the whole. A top that a bound holds, or at which the
// climb did not converge, is where surfaces have several: there the general climb,
// which goes another way, is made too (of FIGARCH, whose bounds are often met, only
// in a corner: else from every start), and the higher one kept.
func estimateExact(ctx context.Context, p *problem, scale float64) (*Fit, error) {
	a, err := climbExact(ctx, p)
	if err != nil {
		return nil, err
	}
	top := a.tops[a.best]
	top.Iterations = a.steps
	f := p.fittedExact(a.whole, top, scale)
	for _, i := range a.cameFrom {
		f.Starts = append(f.Starts, a.reached[i]-float64(len(p.y))*math.Log(scale))
	}
	return f, nil
}

// climbExact climbs on the exact curvature, with ln ω in the place of ω. Where a bound holds the best top, or none was
// reached, it starts from what the slower climb finds too.
func climbExact(ctx context.Context, p *problem) (*ascent, error) {
	n, omega := len(p.y), p.at.omega
	a := &ascent{whole: p.evaluator(len(p.y)), bounds: p.bounds(), best: -1}
	for i, b := range a.bounds { // those of ω alone
		if b.A[omega] != 0 {
			a.bounds[i].B = b.A[omega] * math.Log(b.B*b.A[omega])
		}
	}
	starts := p.starts(nil)
	from, cameFrom := starts, make([]int, len(starts))
	for i, s := range starts {
		s[omega], cameFrom[i] = math.Log(s[omega]), i
	}
	if p.spec.P > 1 && p.spec.Q > 1 {
		nested, err := p.nested(ctx)
		if err != nil {
			return nil, err
		}
		from, cameFrom = nested, []int{0, 1, 2}
	} else if n >= leastWhole && p.spec.P <= 1 && p.spec.Q <= 1 { // more lags may peak twice
		from, cameFrom = a.sorted(p.evaluator(max(leastPart, n/4)), starts)
	}
	for _, x := range from {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a.climb(x)
	}
	bound := a.best >= 0 && len(a.tops[a.best].Bound) > 0
	switch {
	case bound && p.spec.Model == FIGARCH && a.tops[a.best].Converged && len(a.tops[a.best].Bound) == 1:
		for _, x := range starts {
			a.climb(x)
		}
	case a.best < 0 || bound || !a.tops[a.best].Converged:
		general, _, err := newProblem(p.spec, p.y, nil, nil, nil).climb(ctx, nil)
		if err != nil {
			return nil, err
		}
		x := append([]float64(nil), general.Theta...)
		x[omega] = math.Log(x[omega])
		a.climb(x)
	}
	if a.best < 0 {
		return nil, market.Refuse("no-optimum", "returns", "no start reached a finite likelihood")
	}
	a.cameFrom = cameFrom
	return a, nil
}

// nested are beginnings for a model of two lags or more: the fit of one lag, of which
// the likelihood is the same all along (1 + cL)·u = (1 + cL)·(ω + αf + βLu), so that
// β₁ = β − c, β₂ = βc, α₂ = αc. Where such a model peaks twice, it does so towards either end.
func (p *problem) nested(ctx context.Context) ([][]float64, error) {
	spec := p.spec
	spec.P, spec.Q, spec.O = 1, 1, min(1, spec.O)
	one, err := climbExact(ctx, newBare(spec, p.y))
	if err != nil {
		return nil, err
	}
	x, at := one.tops[one.best].Theta, spec.places(nil)
	var out [][]float64
	// Along the ridge, near both ends and in its midst: Newton goes to the nearer top from each.
	for _, share := range []float64{0.1, 0.5, 0.9} {
		theta := make([]float64, p.at.size)
		beta := max(x[at.beta], 1e-3)
		c := share * beta
		theta[p.at.omega] = x[at.omega] + math.Log1p(c)
		theta[p.at.beta], theta[p.at.beta+1] = beta-c, beta*c
		theta[p.at.alpha], theta[p.at.alpha+1] = x[at.alpha], x[at.alpha]*c
		if spec.O > 0 {
			theta[p.at.gamma] = x[at.gamma]
		}
		if p.spec.O > 1 {
			theta[p.at.gamma+1] = x[at.gamma] * c
			if spec.Model == APARCH {
				theta[p.at.gamma+1] = x[at.gamma]
			}
		}
		if at.delta >= 0 {
			theta[p.at.delta] = x[at.delta]
		}
		copy(theta[p.at.shape:], x[at.shape:])
		out = append(out, theta)
	}
	return out, nil
}

// climb climbs on the whole series from x, unless it comes into a basin already known.
func (a *ascent) climb(x []float64) {
	joined := -1
	top := garch.Climb(a.whole.surface, x, a.bounds, func(theta []float64, value float64) bool {
		joined = basinOf(a.tops, theta, value, false)
		return joined >= 0
	})
	value := top.Point.Value
	if joined >= 0 {
		value = a.reached[joined]
	} else if !math.IsInf(value, 0) && (a.best < 0 || value > a.tops[a.best].Point.Value) {
		a.best = len(a.tops)
	}
	a.steps += top.Iterations
	a.tops, a.reached = append(a.tops, top), append(a.reached, value)
}

// basinOf is which converged top a point is in the basin of; −1: none.
func basinOf(tops []garch.Top, theta []float64, value float64, roughly bool) int {
	for i, top := range tops {
		if top.Converged && value <= top.Point.Value && top.Basin(theta, value, roughly) {
			return i
		}
	}
	return -1
}

// sorted climbs every start on the part. Those that lead to one top there are one
// on the whole too, and begin where the whole is highest: at the top or at one of them.
// It gives these beginnings and for each start which of them is its own.
func (a *ascent) sorted(part evaluator, starts [][]float64) (from [][]float64, of []int) {
	var tops []garch.Top
	var highest []float64
	begins := map[int]int{} // of a top, in from
	value := func(x []float64) float64 {
		var p garch.Point
		a.whole.surface(x, &p)
		return p.Value
	}
	for _, start := range starts {
		joined := -1
		top := garch.Climb(part.surface, start, a.bounds, func(theta []float64, value float64) bool {
			joined = basinOf(tops, theta, value, true)
			return joined >= 0
		})
		a.steps += top.Iterations
		tops = append(tops, top)
		if joined < 0 {
			joined = len(tops) - 1
			begins[joined] = len(from)
			from, highest = append(from, top.Theta), append(highest, value(top.Theta))
		}
		at := begins[joined]
		if v := value(start); v > highest[at] || math.IsNaN(highest[at]) {
			from[at], highest[at] = start, v
		}
		of = append(of, at)
	}
	return from, of
}

// fittedExact turns the top into figures of the series as it came.
func (p *problem) fittedExact(g evaluator, top garch.Top, scale float64) *Fit {
	n, k := len(p.y), p.at.size
	x, point := top.Theta, top.Point
	top.Theta = append([]float64(nil), x...)
	top.Theta[p.at.omega] = math.Exp(x[p.at.omega])
	if !slices.Equal(x, g.last()) {
		point = garch.Point{Gradient: make([]float64, k), Hessian: make([]float64, k*k)}
		g.surface(x, &point)
	}
	f := p.figures(top, scale, nil, point.Hessian, g.outer())
	if omega := &f.Parameters[p.at.omega]; omega.SEHessian != nil {
		*omega.SEHessian *= top.Theta[p.at.omega]
		*omega.SERobust *= top.Theta[p.at.omega]
	}
	h, next := g.days()
	f.Variances, f.Residuals = make([]float64, n), make([]float64, n)
	for t, v := range h {
		f.Variances[t], f.Residuals[t] = v*scale*scale, p.y[t]/math.Sqrt(v)
	}
	f.HLast, f.HNext = f.Variances[n-1], next*scale*scale
	return f
}
