package garch

import (
	"fmt"
	"math"

	"github.com/aqsha/aqsha/words"
)

// leave turns the optimiser's coordinates into parameters of the returns.
func (e *estimator) leave(x []float64) []float64 {
	theta := append([]float64(nil), x...)
	e.coords.outward(theta)
	return e.unscale(theta)
}

// enter is the inverse of leave.
func (e *estimator) enter(theta []float64) []float64 {
	x := e.rescale(theta)
	e.coords.inward(x)
	return x
}

// unscale turns parameters for scaled returns into those of the returns.
func (e *estimator) unscale(theta []float64) []float64 {
	out, at := append([]float64(nil), theta...), e.spec.layout()
	if at.mu >= 0 {
		out[at.mu] *= e.scale
	}
	if e.spec.Model == EGARCH {
		out[at.omega] += (1 - out[at.beta]) * 2 * math.Log(e.scale)
	} else {
		out[at.omega] *= e.scale * e.scale
	}
	return out
}

// rescale is the inverse of unscale.
func (e *estimator) rescale(theta []float64) []float64 {
	out, at := append([]float64(nil), theta...), e.spec.layout()
	if at.mu >= 0 {
		out[at.mu] /= e.scale
	}
	if e.spec.Model == EGARCH {
		out[at.omega] -= (1 - out[at.beta]) * 2 * math.Log(e.scale)
	} else {
		out[at.omega] /= e.scale * e.scale
	}
	return out
}

// finish evaluates the optimum in the returns' own units and writes the Fit.
func (e *estimator) finish(c *climb, starts []Start, won int) *Fit {
	k := len(c.theta)
	f := &Fit{Spec: e.spec, N: len(e.raw), Mean: e.mean, theta: e.leave(c.theta), lastRaw: e.raw[len(e.raw)-1]}
	eval := newEvaluation(k)
	p := newProblem(e.spec, e.raw)
	p.h, p.z = make([]float64, e.count()), make([]float64, e.count())
	if e.fast != nil {
		e.finishFast(f, p, eval)
	} else if e.lean != nil {
		e.finishLean(f, p, eval)
	} else {
		p.evaluate(f.theta, eval, true)
	}
	f.Variances, f.Residuals = p.h, p.z
	f.LogLik, f.hessian, f.outer = eval.value, eval.hessian, eval.outer
	f.AIC, f.BIC = 2*float64(k)-2*f.LogLik, math.Log(float64(e.count()))*float64(k)-2*f.LogLik
	f.Convergence = Convergence{Converged: c.converged, Boundary: []string{}, Starts: starts, Won: won}
	for _, row := range c.active {
		f.Convergence.Boundary = append(f.Convergence.Boundary, e.rows[row].name)
	}
	var covariance, robust []float64
	switch {
	// On a boundary the likelihood has a slope, and errors from its bend alone would be too small: none are better
	// than wrong ones.
	case len(f.Convergence.Boundary) > 0:
		f.Convergence.ErrorsNote = "no standard errors: a constraint binds"
	case !c.converged:
		f.Convergence.ErrorsNote = "no standard errors: the optimiser did not converge"
	default:
		if covariance, robust = standardErrors(eval.hessian, eval.outer, k); covariance == nil {
			f.Convergence.ErrorsNote = "no standard errors: the Hessian is not negative definite"
		}
	}
	f.ended(c, eval)
	f.setParameters(e.spec.Names(), f.theta, covariance, robust)
	f.describe()
	return f
}

// ended says how near to a top the climb came: what was measured alone.
func (f *Fit) ended(c *climb, eval *evaluation) {
	end := &f.Convergence
	norm := 0.0
	for i, g := range eval.gradient {
		// By the parameter, so that the number means the same in all units.
		norm = max(norm, math.Abs(g*f.theta[i]))
	}
	if f.Spec.Earlier { // zero for what was not measured
		end.Decrement, end.GradientNorm = new(float64), new(float64)
		if c.converged {
			*end.Decrement = c.decrement
		}
		if c.converged && len(end.Boundary) == 0 {
			*end.GradientNorm = norm
		}
		return
	}
	if c.measured {
		end.Decrement = &c.decrement
	}
	if len(end.Boundary) == 0 && !math.IsNaN(norm) && !math.IsInf(norm, 0) {
		end.GradientNorm = &norm
	}
	if !c.converged {
		end.Stopped = c.stopped
	}
}

// setParameters names the values and takes standard errors from the diagonals; without covariances there are none.
func (f *Fit) setParameters(names []string, values, covariance, robust []float64) {
	k := len(values)
	f.Parameters = nil
	for i, name := range names {
		p := Parameter{Name: name, Value: values[i]}
		if covariance != nil {
			h, r := math.Sqrt(covariance[i*k+i]), math.Sqrt(robust[i*k+i])
			p.SEHessian, p.SERobust = &h, &r
		}
		f.Parameters = append(f.Parameters, p)
	}
}

// finishFast is the last evaluation by the specialised engine; variances and
// residuals come from the bare recursion.
func (e *estimator) finishFast(f *Fit, p *problem, eval *evaluation) {
	g := e.garch11(nil, e.raw)
	if g.t {
		g.student(f.theta, eval, true)
	} else {
		g.normal(f.theta, eval, true)
	}
	d := g.first(f.theta[0], f.theta[1], f.theta[2])
	h := d.h
	for t, r := range e.raw {
		p.h[t], p.z[t] = h, r/math.Sqrt(h)
		h = f.theta[0] + f.theta[1]*r*r + f.theta[2]*h
	}
}

// finishLean is the same by the engine of EGARCH.
func (e *estimator) finishLean(f *Fit, p *problem, eval *evaluation) {
	g := newEGARCH(e.spec, e.raw)
	g.evaluate(f.theta, eval)
	g.outer(f.theta, eval)
	for t, l := range g.l {
		p.h[t], p.z[t] = math.Exp(l), g.z[t]
	}
}

// describe derives what follows from the parameters, and warns.
func (f *Fit) describe() {
	f.Persistence = f.Spec.persistence(f.theta)
	f.Stationary = f.Persistence < 1
	f.HFirst, f.HLast = f.Variances[0], f.Variances[len(f.Variances)-1]
	f.HNext = f.next()
	if f.Stationary && f.Persistence > 0 {
		half := math.Log(0.5) / math.Log(f.Persistence)
		f.HalfLife = &half
	}
	if at := f.Spec.layout(); f.Stationary {
		u := f.theta[at.omega] / (1 - f.Persistence)
		if f.Spec.Model == EGARCH {
			u = math.Exp(u) // of ln h: its geometric mean
		}
		f.UncondVar = &u
	}
	f.warn()
}

// warn says how far to trust the fit: in English for files, and as texts of any language.
func (f *Fit) warn() {
	f.Warnings, f.warned = nil, nil
	warn := func(key, format string, figures ...any) { // {a}, {b} of the catalogue's text are the figures in order
		var pairs []any
		var args []any
		for i, v := range figures {
			text, ok := v.(string)
			if !ok {
				text = fmt.Sprint(v)
			}
			args, pairs = append(args, text), append(pairs, string(rune('a'+i)), text)
		}
		english := fmt.Sprintf(format, args...)
		f.Warnings, f.warned = append(f.Warnings, english), append(f.warned,
			words.SayAs(english, "study."+key, pairs...))
	}
	figure := func(format string, v float64) string { return fmt.Sprintf(format, v) }
	switch {
	case f.Convergence.Converged:
	case f.Spec.Earlier:
		warn("warned-decrement", "the optimiser did not converge: decrement %s",
			figure("%.3g", *f.Convergence.Decrement))
	default:
		warn("warned-no-optimum", "the optimiser did not converge: its parameters are of no optimum, and what follows "+
			"from them does not hold")
	}
	if outside := f.Convergence.Outside; outside != nil {
		warn("warned-fold", "outside the region where ln h forgets where it began a log-likelihood of %s was reached "+
			"(mean logarithm of its slope %s): a fold there is no estimate, and this fit is the top of the region",
			figure("%.4f", outside.LogLik), figure("%.4f", outside.Forgetting))
	}
	if inside := f.Convergence.Inside; inside != nil {
		warn("warned-edge", "the log-likelihood rises to the edge of the region where ln h forgets where it began (to "+
			"%s, mean logarithm of its slope %s): it has no top inside, and this is the highest point reached outside",
			figure("%.4f", inside.LogLik), figure("%.4f", inside.Forgetting))
	}
	if memory := f.forgetting(); memory > hardlyForgets && !f.Spec.Earlier {
		warn("warned-rough", "ln h hardly forgets where it began (its slope by itself has the mean logarithm %s, which "+
			"ought to be well below 0): the likelihood is rough there, and a higher fold of it is no better fit",
			figure("%.4f", memory))
	}
	if !f.Stationary {
		warn("warned-persistence", "persistence %s is not below one: the variance has no finite mean; the fit is "+
			"printed as found, without the stationarity constraint", figure("%.4f", f.Persistence))
	} else if f.Persistence > 0.99 {
		warn("warned-near-one", "persistence %s is near one: unconditional variance and half-life are hardly "+
			"determined", figure("%.6f", f.Persistence))
	}
	if f.N < 500 {
		warn("warned-few", "%s observations: GARCH estimates from fewer than 500 are unreliable", f.N)
	}
	if nu := f.Value("nu"); nu < 4 {
		warn("warned-tails", "ν = %s: the errors have no fourth moment, robust standard errors and the kurtosis are "+
			"formal", figure("%.3f", nu))
	}
}

// Warned are the warnings as texts of any language.
func (f *Fit) Warned() []words.Said { return f.warned }

// forgetting is the mean of ln|∂ ln h_{t+1}/∂ ln h_t| in EGARCH: where it is not below zero the fitted variances depend
// on the first for ever (Wintenberger 2013, continuous invertibility). −∞ for other models.
func (f *Fit) forgetting() float64 {
	if f.Spec.Model != EGARCH {
		return math.Inf(-1)
	}
	return f.Spec.layout().forgets(f.theta, f.Residuals)
}

// next is h one step after the last observation.
func (f *Fit) next() float64 {
	at, p := f.Spec.layout(), f.theta
	h, z := f.Variances[len(f.Variances)-1], f.Residuals[len(f.Residuals)-1]
	return step(f.Spec, at, p, h, z, f.absE())
}

// absE is E|z| as the fitted model uses it.
func (f *Fit) absE() float64 {
	at := f.Spec.layout()
	if f.Spec.Model != EGARCH {
		return 0
	}
	if f.Spec.NormalAbs || f.Spec.Law == Normal {
		return math.Sqrt(2 / math.Pi)
	}
	if f.Spec.Law == StudentT {
		return absT(f.theta[at.nu])
	}
	return absSkew(f.theta[at.xi], f.theta[at.nu])
}

// step advances the variance by one standardised shock.
func step(spec Spec, at layout, p []float64, h, z, absE float64) float64 {
	switch spec.Model {
	case EGARCH:
		return math.Exp(p[at.omega] + p[at.alpha]*(math.Abs(z)-absE) + p[at.gamma]*z + p[at.beta]*math.Log(h))
	case GJR:
		a := p[at.alpha]
		if z < 0 {
			a += p[at.gamma]
		}
		return p[at.omega] + (a*z*z+p[at.beta])*h
	}
	return p[at.omega] + (p[at.alpha]*z*z+p[at.beta])*h
}
