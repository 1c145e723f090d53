package garch

import (
	"context"
	"math"
	"slices"
)

// Reached is a likelihood that a search came to, and how far ln h forgets where it began there.
type Reached struct {
	LogLik     float64 `json:"log_lik"`
	Forgetting float64 `json:"forgetting"` // mean of ln|∂ ln h_{t+1}/∂ ln h_t|
}

// hardlyForgets is the mean logarithm of the slope of ln h by itself above which the filter is not to be trusted: a
// difference at the start is left to a third after fifty observations or more. Below it lies the region in which the
// likelihood of EGARCH is one function of the data: there, not on the folds outside it, its top is an estimate
// (Wintenberger 2013; Blasques, Gorgi, Koopman and Wintenberger 2018).
const hardlyForgets = -0.02

// edgeBand is how near to the region's edge a climb that came to no top is taken to have been stopped by it.
const edgeBand = 2e-3

// whyEdge is what a climb says that the region's edge has stopped.
const whyEdge = "it came to the edge of the region where ln h forgets where it began"

// forgets is the mean of ln|∂ ln h_{t+1}/∂ ln h_t| over standardised residuals, by θ.
func (l layout) forgets(theta, residuals []float64) float64 {
	up, down, sum, product := theta[l.gamma]+theta[l.alpha], theta[l.gamma]-theta[l.alpha], 0.0, 1.0
	for t, z := range residuals {
		b := up
		if z < 0 {
			b = down
		}
		// A logarithm of eight slopes at once: none is so small or large that their product is no number of its size.
		if product *= math.Abs(theta[l.beta] - b*z/2); t&7 == 7 {
			sum += math.Log(product)
			product = 1
		}
	}
	return (sum + math.Log(product)) / float64(len(residuals))
}

// bounded is the likelihood inside the region: −∞ outside. last is the forgetting of the last point asked for.
type bounded struct {
	of        objective
	at        layout
	coords    coordinates
	residuals []float64 // of the last evaluation
	theta     []float64
	last      float64
	edges     int // steps in a row that ended at the edge
}

// bounded gives the likelihood of the whole series with what it takes to know where ln h forgets.
func (e *estimator) bounded() *bounded {
	b := &bounded{of: e.objective(), at: e.spec.layout(), coords: e.coords}
	if e.lean != nil {
		b.residuals = e.lean.z
	} else {
		e.slow.h, e.slow.z = make([]float64, e.count()), make([]float64, e.count())
		b.residuals = e.slow.z
	}
	return b
}

func (b *bounded) evaluate(x []float64, out *evaluation) {
	b.last = math.Inf(1)
	if b.of(x, out); math.IsInf(out.value, 0) {
		return
	}
	b.theta = append(b.theta[:0], x...)
	b.coords.outward(b.theta)
	if b.last = b.at.forgets(b.theta, b.residuals); !(b.last <= hardlyForgets) {
		out.value = math.Inf(-1)
	}
}

// climb climbs inside the region. A climb that goes along its edge, where the likelihood rises to a fold outside, is
// ended.
func (b *bounded) climb(from []float64, rows []constraint) *climb {
	b.edges = 0
	c := climbing{f: b.evaluate, rows: rows, search: true, near: func([]float64, float64) bool {
		if b.edges++; b.last < hardlyForgets-edgeBand/4 {
			b.edges = 0
		}
		return b.edges >= 4
	}}.from(from)
	if !c.converged && !math.IsInf(c.eval.value, 0) {
		b.evaluate(c.theta, newEvaluation(len(c.theta)))
		if b.last > hardlyForgets-edgeBand {
			c.stopped = whyEdge
		}
	}
	return c
}

// Grid of the region's starts: of each persistence and each sign of α the highest one climbs.
var (
	gridBetas  = []float64{-0.5, 0, 0.5, 0.8, 0.95, 0.985}
	gridAlphas = [][]float64{{-0.2, -0.05}, {0.05, 0.2}}
	gridGammas = []float64{-0.1, 0, 0.1}
)

// starts are points of the grid inside the region, in coordinates, highest first.
func (b *bounded) starts(nu float64) [][]float64 {
	type start struct {
		x     []float64
		value float64
	}
	var found []start
	// One point for each persistence and size of the shock's answer: its sign and the asymmetry are the better ones.
	// Others climb to the same top, and each climb costs as much as the grid.
	out := newEvaluation(b.at.size)
	for _, beta := range gridBetas {
		for _, alphas := range gridAlphas {
			best := start{value: math.Inf(-1)}
			for _, alpha := range alphas {
				for _, gamma := range gridGammas {
					x := make([]float64, b.at.size)
					x[b.at.alpha], x[b.at.gamma], x[b.at.beta] = alpha, gamma, beta
					if b.at.nu >= 0 {
						x[b.at.nu] = nu
					}
					b.coords.inward(x)
					if b.evaluate(x, out); out.value > best.value {
						best = start{x, out.value}
					}
				}
			}
			if best.x != nil {
				found = append(found, best)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b start) int {
		switch {
		case a.value > b.value:
			return -1
		case a.value < b.value:
			return 1
		}
		return 0
	})
	starts := make([][]float64, len(found))
	for i, s := range found {
		starts[i] = s.x
	}
	return starts
}

// simpler is the estimator of the same series with a fixed mean and a symmetric law, whose likelihood costs a tenth:
// its tops are near the whole model's.
func (e *estimator) simpler() *estimator {
	if e.lean != nil {
		return e
	}
	spec := e.spec
	spec.Mean = Zero
	if spec.Law == SkewT {
		spec.Law = StudentT
	}
	s := &estimator{spec: spec, coords: spec.coordinates(), rows: spec.constraints(), scale: 1}
	s.coords.bounds(s.rows)
	// The mean's line of least squares is near the model's, and is taken off once.
	c, phi := e.line()
	at := e.spec.layout()
	first := 0
	if at.phi >= 0 {
		first = 1
	}
	for t := first; t < len(e.scaled); t++ {
		v := e.scaled[t]
		if at.mu >= 0 {
			v -= c
		}
		if at.phi >= 0 {
			v -= phi * e.scaled[t-1]
		}
		s.scaled = append(s.scaled, v)
	}
	s.raw = s.scaled
	s.lean = newEGARCH(spec, s.scaled)
	return s
}

// line is the mean's line by least squares.
func (e *estimator) line() (c, phi float64) {
	at := e.spec.layout()
	n := float64(len(e.scaled))
	for _, v := range e.scaled {
		c += v / n
	}
	if at.phi < 0 {
		return c, 0
	}
	square := 0.0
	for t := 1; t < len(e.scaled); t++ {
		phi += (e.scaled[t] - c) * (e.scaled[t-1] - c)
		square += (e.scaled[t-1] - c) * (e.scaled[t-1] - c)
	}
	phi = max(-0.99, min(0.99, phi/square))
	return c * (1 - phi), phi
}

// whole turns coordinates of the simpler estimator into those of the whole model.
func (e *estimator) whole(s *estimator, x []float64) []float64 {
	theta, from, to := append([]float64(nil), x...), s.spec.layout(), e.spec.layout()
	s.coords.outward(theta)
	out := make([]float64, to.size)
	c, phi := e.line()
	for _, place := range []struct {
		to    int
		value float64
	}{{to.mu, c}, {to.phi, phi}, {to.xi, 1}} {
		if place.to >= 0 {
			out[place.to] = place.value
		}
	}
	out[to.omega], out[to.alpha], out[to.gamma], out[to.beta] = theta[from.omega], theta[from.alpha], theta[from.gamma],
		theta[from.beta]
	if to.nu >= 0 {
		out[to.nu] = theta[from.nu]
	}
	e.coords.inward(out)
	return out
}

// fullClimbs is how many of the simpler estimator's ends are climbed from by the whole model.
const fullClimbs = 3

// inside climbs within the region from many places; the climbs are of the whole model.
func (e *estimator) inside(ctx context.Context) ([]*climb, error) {
	s := e.simpler()
	b := s.bounded()
	var ends []*climb
	for _, from := range b.starts(8) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ends = append(ends, b.climb(from, s.rows))
	}
	ends = highest(ends)
	if s == e {
		return ends, nil
	}
	b = e.bounded()
	var climbs []*climb
	for _, c := range ends[:min(fullClimbs, len(ends))] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		climbs = append(climbs, b.climb(e.whole(s, c.theta), e.rows))
	}
	return climbs, nil
}

// highest sorts climbs by where they ended and leaves out those that ended where another did.
func highest(climbs []*climb) []*climb {
	slices.SortStableFunc(climbs, func(a, b *climb) int {
		switch {
		case a.eval.value > b.eval.value+noise:
			return -1
		case b.eval.value > a.eval.value+noise:
			return 1
		}
		return 0
	})
	return slices.CompactFunc(climbs, func(a, b *climb) bool {
		return a.converged == b.converged && math.Abs(a.eval.value-b.eval.value) < 1e-6
	})
}

// search is what the search of an estimate has come to: its climbs, what is said of each, and which is the best.
type search struct {
	climbs   []*climb
	reported []Start
	best     int
}

// inRegion searches the region where ln h forgets where it began, after the usual climbs came to no top or to one
// outside it. The region's top is the fit where it has one that is higher than all that was reached inside; where
// the likelihood rises to the region's edge the fit is the highest point reached anywhere, and no estimate.
func (e *estimator) inRegion(ctx context.Context, usual search) (*Fit, error) {
	start := usual.best
	if c := usual.climbs[start]; !c.converged && e.forgetting(c) > hardlyForgets {
		var err error
		if usual.climbs, usual.reported, usual.best, err = e.alongBeta(ctx, usual.climbs, usual.reported,
			usual.best); err != nil {
			return nil, err
		}
	}
	// The climbs inside stay beside the usual ones: which side wins is judged over all of them (sides).
	within, err := e.inside(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range within {
		from := append([]float64(nil), c.theta...)
		e.coords.outward(from)
		usual.climbs, usual.reported = append(usual.climbs, c), append(usual.reported, e.start(from, c, 0))
	}
	won, inner, outside := e.sides(usual.climbs, start)
	fit, err := e.chosen(usual.climbs, usual.reported, won, nil)
	if err != nil {
		return nil, err
	}
	reached := func(i int) *Reached {
		if i < 0 || i == won {
			return nil
		}
		c := usual.climbs[i]
		return &Reached{c.eval.value - float64(e.count())*math.Log(e.scale), e.forgetting(c)}
	}
	if won == outside {
		fit.Convergence.Inside = reached(inner)
	} else if outside >= 0 && usual.climbs[outside].eval.value > usual.climbs[won].eval.value+noise {
		fit.Convergence.Outside = reached(outside)
	}
	fit.warn()
	return fit, nil
}

// sides finds the highest climbs inside the region and outside it, and which of them is the fit: the one inside unless
// the region's edge stopped it, or a top outside, to which the usual climbs came, is higher; −1: none.
func (e *estimator) sides(climbs []*climb, usual int) (won, inside, outside int) {
	inside, outside = -1, -1
	for i, c := range climbs {
		if c == nil || math.IsInf(c.eval.value, 0) {
			continue
		}
		side := &inside
		if e.forgetting(c) > hardlyForgets {
			side = &outside
		}
		if *side < 0 || c.eval.value > climbs[*side].eval.value+noise {
			*side = i
		}
	}
	switch {
	case climbs[usual].converged && (inside < 0 || climbs[usual].eval.value >= climbs[inside].eval.value-noise):
		return usual, inside, outside
	case inside >= 0 && climbs[inside].stopped != whyEdge || outside < 0:
		return inside, inside, outside
	}
	return outside, inside, outside
}

// forgetting is that of a climb's end.
func (e *estimator) forgetting(c *climb) float64 {
	b := e.bounded()
	b.evaluate(c.theta, newEvaluation(len(c.theta)))
	return b.last
}
