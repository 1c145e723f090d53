package garch

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/market"
)

// Roll is the fit of one window.
type Roll struct {
	End        int       `json:"end"` // index of the window's last return
	Theta      []float64 `json:"theta"`
	Mean       float64   `json:"mean"`
	LogLik     float64   `json:"log_lik"`
	HNext      float64   `json:"h_next"` // variance forecast for the day after
	Converged  bool      `json:"converged"`
	Iterations int       `json:"iterations"`
	// Checked windows were also fitted cold, from every start; Gap is how much
	// higher that likelihood was (the better of the two is kept).
	Checked bool    `json:"checked"`
	Gap     float64 `json:"gap"`
}

// Rolling fits the model to each window of the given length that ends at
// from, from+1 … to (indices of returns), starting from the optimum of the
// window before. Every checkEvery-th window, and any that did not converge, is
// also fitted from all starts. progress, if given, is called after each window.
func Rolling(ctx context.Context, returns []float64, window, from, to, checkEvery int, spec Spec,
	progress func(done, all int)) ([]Roll, error) {
	if window < leastN || from < window-1 || to >= len(returns) || from > to {
		return nil, market.Refuse("window", "window", "%d returns from index %d to %d do not fit %d returns", window,
			from, to, len(returns))
	}
	e, err := prepare(returns[from-window+1:from+1], spec)
	if err != nil {
		return nil, err
	}
	var theta []float64
	rolls := make([]Roll, 0, to-from+1)
	for end := from; end <= to; end++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e.load(returns[end-window+1 : end+1])
		if !(e.scale > 0) {
			return nil, market.Refuse("constant", "returns", "the window ending at return %d is constant", end+1)
		}
		var c *climb
		if theta != nil {
			c = maximise(e.objective(), e.feasible(e.enter(theta)), e.rows, nil)
		}
		roll := Roll{End: end, Mean: e.mean}
		// A warm start may stay in a lower top for good: the check finds it, and Gap tells how often it did.
		if (end-from)%checkEvery == 0 || c == nil || !c.converged {
			cold := e.cold()
			if c != nil {
				roll.Checked, roll.Gap = true, cold.eval.value-c.eval.value
			}
			if c == nil || cold.eval.value > c.eval.value {
				c = cold
			}
		}
		theta = e.leave(c.theta)
		roll.Theta, roll.LogLik = theta, c.eval.value-float64(e.count())*math.Log(e.scale)
		roll.Converged, roll.Iterations, roll.HNext = c.converged, c.iterations, e.nextVariance(theta)
		rolls = append(rolls, roll)
		if progress != nil {
			progress(len(rolls), to-from+1)
		}
	}
	return rolls, nil
}

// cold runs every start and keeps the best.
func (e *estimator) cold() *climb {
	var best *climb
	for _, from := range e.spec.starts() {
		e.coords.inward(from)
		if c := maximise(e.objective(), from, e.rows, nil); best == nil || c.eval.value > best.eval.value {
			best = c
		}
	}
	return best
}

// feasible moves a warm start off constraints that rounding put it across.
func (e *estimator) feasible(x []float64) []float64 {
	for _, row := range e.rows {
		if s := row.slack(x); s < 0 {
			norm := 0.0
			for _, a := range row.a {
				norm += a * a
			}
			for i, a := range row.a {
				x[i] += a * s / norm
			}
		}
	}
	return x
}

// nextVariance runs the bare recursion over the window to the day after it.
func (e *estimator) nextVariance(theta []float64) float64 {
	if e.fast == nil {
		p := newProblem(e.spec, e.raw)
		p.h, p.z = make([]float64, e.count()), make([]float64, e.count())
		p.evaluate(theta, newEvaluation(len(theta)), false)
		f := &Fit{Spec: e.spec, theta: theta, Variances: p.h, Residuals: p.z}
		return f.next()
	}
	d := e.fast.first(theta[0]/(e.scale*e.scale), theta[1], theta[2])
	h := d.h * e.scale * e.scale
	for _, r := range e.raw {
		h = theta[0] + theta[1]*r*r + theta[2]*h
	}
	return h
}
