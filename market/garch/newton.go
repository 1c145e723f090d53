package garch

import (
	"fmt"
	"math"
	"slices"
)

// constraint is a·θ ≤ b; the name is what a report says when it binds.
type constraint struct {
	name string
	a    []float64
	b    float64
}

func (c constraint) slack(theta []float64) float64 {
	s := c.b
	for i, a := range c.a {
		s -= a * theta[i]
	}
	return s
}

// objective is a function with its derivatives.
type objective func(theta []float64, out *evaluation)

// climb is one run of the optimiser.
type climb struct {
	theta      []float64
	eval       *evaluation
	active     []int // constraints that bind
	iterations int
	evals      int
	converged  bool
	stopped    string  // why, where it did not converge
	decrement  float64 // gᵀ(−H)⁻¹g in the free directions: twice the gain still expected
	measured   bool    // whether there was a point with a decrement
}

const (
	maxIterations = 200
	// A decrement of 1e-14 leaves parameters within 1e-7 standard errors.
	converged = 1e-14
	// Differences of log-likelihoods below this are rounding.
	noise     = 1e-9
	activeTol = 1e-10
)

// maximise climbs from start by damped Newton steps inside the constraints.
// A binding constraint is held while its multiplier is positive; steps are
// taken in the null space of those held, cut where the next one is reached.
// near, if given, is asked after each step whether to give up (another start
// has been here).
func maximise(f objective, start []float64, rows []constraint, near func([]float64, float64) bool) *climb {
	return climbing{f: f, rows: rows, near: near}.from(start)
}

// climbing says what is climbed and how. search looks for a shorter step in the
// same direction before it damps a step that did not gain (along a ridge a damped
// step goes across), and where the surface is not concave goes by the size of its curvatures.
type climbing struct {
	f      objective
	rows   []constraint
	near   func([]float64, float64) bool
	search bool
}

// from climbs by Newton's steps within the bounds until a step would gain nothing. A step that does not hold what it
// promised is damped and tried again; if no damping helps, the climb ends where it is, not converged.
func (m climbing) from(start []float64) *climb {
	f, rows, near := m.f, m.rows, m.near
	k := len(start)
	c := &climb{theta: append([]float64(nil), start...), eval: newEvaluation(k)}
	trial, candidate := newEvaluation(k), make([]float64, k)
	f(c.theta, c.eval)
	c.evals = 1
	if math.IsInf(c.eval.value, -1) {
		return c
	}
	damping, bent := 0.0, false
	for ; c.iterations < maxIterations; c.iterations++ {
		step, gain, ok := newton(c, rows, damping)
		if !ok && m.search && !bent {
			bend(c.eval.hessian, len(start))
			bent = true
			step, gain, ok = newton(c, rows, damping)
		}
		if !ok { // not concave here: damp until it is
			damping = max(1e-3, damping*4)
			continue
		}
		if damping == 0 && !bent {
			c.decrement, c.measured = gain, true
		}
		if step == nil || (damping == 0 && gain < converged) {
			c.converged, c.decrement, c.measured = true, gain, true
			return c
		}
		length := reach(rows, c.active, c.theta, step)
		for i := range k {
			candidate[i] = c.theta[i] + length*step[i]
		}
		f(candidate, trial)
		c.evals++
		improved := trial.value - c.eval.value
		if m.search && damping == 0 {
			length, improved = m.shorter(c, trial, candidate, step, gain, length)
		}
		expected := gain * length * (1 - length/2)
		if !(improved >= 1e-4*expected || (expected < noise && improved > -noise)) {
			damping = max(1e-2, damping*8)
			if damping > 1e14 {
				c.stopped = "no step, however short, gains"
				return c
			}
			continue
		}
		copy(c.theta, candidate)
		c.eval, trial = trial, c.eval
		bent = false
		if damping /= 10; damping < 1e-4 || improved > 0.75*expected {
			damping = 0
		}
		if near != nil && near(c.theta, c.eval.value) {
			c.stopped = "it ran into where another start had been"
			return c
		}
	}
	c.stopped = fmt.Sprintf("after %d steps without an end", maxIterations)
	return c
}

// shorter looks along the step for a gain, up to four times: where the parabola
// through the value, the slope and the last try peaks, between a tenth and a half of the last.
func (m climbing) shorter(c *climb, trial *evaluation, candidate, step []float64, gain, length float64) (at,
	improved float64) {
	for range 4 {
		improved = trial.value - c.eval.value
		expected := gain * length * (1 - length/2)
		if improved >= 1e-4*expected || expected < noise {
			return length, improved
		}
		shrunk := 0.1
		if peak := gain * length / (2 * (gain*length - improved)); peak > shrunk {
			shrunk = min(peak, 0.5)
		}
		length *= shrunk
		for i := range candidate {
			candidate[i] = c.theta[i] + length*step[i]
		}
		m.f(candidate, trial)
		c.evals++
	}
	return length, trial.value - c.eval.value
}

// reach is how far along the step one may go: 1, or to the nearest constraint.
func reach(rows []constraint, active []int, theta, step []float64) float64 {
	length := 1.0
	for i, row := range rows {
		if slices.Contains(active, i) {
			continue
		}
		along := 0.0
		for j, a := range row.a {
			along += a * step[j]
		}
		if along > 0 {
			length = min(length, max(0, row.slack(theta))/along)
		}
	}
	return length
}

// newton finds the step in the null space of the binding constraints: it
// solves the damped Newton system. It returns a nil step when no
// direction is free, and ok = false when the system is not positive definite.
func newton(c *climb, rows []constraint, damping float64) (step []float64, gain float64, ok bool) {
	k := len(c.theta)
	var bind []int
	for i, row := range rows {
		if row.slack(c.theta) < activeTol {
			bind = append(bind, i)
		}
	}
	held := map[int]bool{}
	for {
		basis, normal := nullBasis(rows, bind, k)
		if release := maxNegative(c.eval.gradient, rows, bind, normal, held); release >= 0 {
			bind = append(bind[:release:release], bind[release+1:]...)
			continue
		}
		c.active = bind
		if len(basis) == 0 {
			return nil, 0, true
		}
		if step, gain, ok = newtonStep(c.eval, basis, k, damping); !ok {
			return nil, 0, false
		}
		blocked := blocking(c, rows, step)
		if blocked < 0 {
			// Nothing is left along the boundary, but the gradient points inward:
			// only a more damped step, nearer to the gradient, gets away from it.
			if gain < converged && len(held) > 0 {
				return nil, 0, false
			}
			return step, gain, true
		}
		// The gradient leaves this constraint, Newton's step runs into it: stay on it.
		held[blocked] = true
		bind = append(bind, blocked)
	}
}

// blocking finds a constraint at which the point stands, which is not held,
// and into which the step runs; −1 if there is none.
func blocking(c *climb, rows []constraint, step []float64) int {
	for i, row := range rows {
		if row.slack(c.theta) >= activeTol || slices.Contains(c.active, i) {
			continue
		}
		along := 0.0
		for j, a := range row.a {
			along += a * step[j]
		}
		if along > 0 {
			return i
		}
	}
	return -1
}
