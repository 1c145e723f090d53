package garch

import "math"

// evaluation is the log-likelihood at a point with its derivatives. Matrices
// are full, row-major, of the layout's size. outer is Σ of the outer products
// of the observations' gradients, filled on request.
type evaluation struct {
	value    float64
	gradient []float64
	hessian  []float64
	outer    []float64
}

func newEvaluation(k int) *evaluation {
	return &evaluation{gradient: make([]float64, k), hessian: make([]float64, k*k), outer: make([]float64, k*k)}
}

// problem is a likelihood to maximise; its scratch is reused between calls,
// so one problem serves one goroutine.
type problem struct {
	spec     Spec
	at       layout
	r        []float64 // returns, in units of the root mean square
	first    int       // first observation that counts: 1 for AR(1)
	backcast float64

	state            state
	f                law
	d                density
	de, dl, dz, grad []float64
	dh               []float64
	d2l, d2h, d2z    []float64
	h, z             []float64 // kept on request: conditional variances, standardised residuals
}

// newProblem makes room for the derivatives of one day at a time.
func newProblem(spec Spec, r []float64) *problem {
	at := spec.layout()
	k := at.size
	p := &problem{spec: spec, at: at, r: r, de: make([]float64, k), dl: make([]float64, k), dz: make([]float64, k),
		grad: make([]float64, k), dh: make([]float64, k),
		d2l: make([]float64, k*k), d2h: make([]float64, k*k), d2z: make([]float64, k*k)}
	if spec.Mean == AR1 {
		p.first = 1
	}
	p.backcast = backcast(p.startResiduals())
	return p
}

// startResiduals are the residuals before any fit: about the mean, where one
// is fitted. Only the backcast uses them.
func (p *problem) startResiduals() []float64 {
	if p.at.mu < 0 {
		return p.r
	}
	mean := 0.0
	for _, v := range p.r {
		mean += v / float64(len(p.r))
	}
	e := make([]float64, len(p.r)-p.first)
	for i := range e {
		e[i] = p.r[i+p.first] - mean
	}
	return e
}

// backcast is Python arch's: weights 0.94^i over the first 75 squares.
func backcast(e []float64) float64 {
	weight, sum, total := 1.0, 0.0, 0.0
	for i := range min(75, len(e)) {
		sum, total = sum+weight*e[i]*e[i], total+weight
		weight *= 0.94
	}
	return sum / total
}

// residual is ε_t and, in p.de, its derivatives by the mean's parameters.
func (p *problem) residual(theta []float64, t int) float64 {
	e := p.r[t]
	if p.at.mu >= 0 {
		e -= theta[p.at.mu]
		p.de[p.at.mu] = -1
	}
	if p.at.phi >= 0 {
		e -= theta[p.at.phi] * p.r[t-1]
		p.de[p.at.phi] = -p.r[t-1]
	}
	return e
}

// evaluate fills out with value, gradient and Hessian, and the outer products
// if asked. A point where the recursion leaves the positive numbers has value
// −Inf. This is the general engine; garch11 in fast.go serves the common case.
func (p *problem) evaluate(theta []float64, out *evaluation, outer bool) {
	k := p.at.size
	clear(out.gradient)
	clear(out.hessian)
	clear(out.outer)
	out.value = 0
	xi, nu := 1.0, 0.0
	if p.at.xi >= 0 {
		xi = theta[p.at.xi]
	}
	if p.at.nu >= 0 {
		nu = theta[p.at.nu]
	}
	p.f.set(p.spec.Law, xi, nu)
	var abs absMoment
	if p.spec.Model == EGARCH {
		abs = absMoment{e: math.Sqrt(2 / math.Pi)}
		if !p.spec.NormalAbs {
			abs = absOf(p.spec.Law, xi, nu)
		}
	}
	for t := p.first; t < len(p.r); t++ {
		var l float64 // ln h_t, with derivatives in p.dl, p.d2l
		switch {
		case t == p.first && p.spec.Model == EGARCH:
			l = p.startLog(theta, abs)
		case t == p.first:
			l = p.startVariance(theta)
		case p.spec.Model == EGARCH:
			l = p.stepLog(theta, abs)
		default:
			l = p.stepVariance(theta)
		}
		if !(math.Abs(l) < 80) { // e^80 of the mean square: the recursion has run away
			out.value = math.Inf(-1)
			return
		}
		e := p.residual(theta, t)
		p.standardise(e, l)
		p.f.at(p.state.z, &p.d)
		out.value += p.d.g - l/2
		p.accumulate(out, outer, k)
		if p.h != nil {
			p.h[t-p.first], p.z[t-p.first] = math.Exp(l), p.state.z
		}
	}
	mirror(out.hessian, k)
	mirror(out.outer, k)
	if math.IsNaN(out.value) {
		out.value = math.Inf(-1)
	}
}

// mirror copies the upper triangle to the lower.
func mirror(m []float64, k int) {
	for i := range k {
		for j := range i {
			m[i*k+j] = m[j*k+i]
		}
	}
}

// shapeIndex maps the law's shape parameters to the vector.
func (p *problem) shapeIndex() [2]int { return [2]int{p.at.xi, p.at.nu} }

// accumulate adds one observation: ℓ = G(z; s) − λ/2 with λ = ln h.
func (p *problem) accumulate(out *evaluation, outer bool, k int) {
	d, shape := &p.d, p.shapeIndex()
	for i := range k {
		p.grad[i] = d.gz*p.dz[i] - p.dl[i]/2
	}
	for s, i := range shape {
		if i >= 0 {
			p.grad[i] += d.gs[s]
		}
	}
	for i := range k {
		out.gradient[i] += p.grad[i]
		for j := i; j < k; j++ {
			out.hessian[i*k+j] += d.gzz*p.dz[i]*p.dz[j] + d.gz*p.d2z[i*k+j] - p.d2l[i*k+j]/2
		}
	}
	for s, i := range shape {
		if i < 0 {
			continue
		}
		for j := range k { // the mixed term appears for (i,j) and (j,i)
			a, b := min(i, j), max(i, j)
			out.hessian[a*k+b] += d.gzs[s] * p.dz[j]
			if i == j {
				out.hessian[i*k+i] += d.gzs[s] * p.dz[i]
			}
		}
	}
	if i, j := shape[0], shape[1]; j >= 0 {
		out.hessian[j*k+j] += d.gss1
		if i >= 0 {
			out.hessian[i*k+i] += d.gss00
			out.hessian[i*k+j] += d.gss01
		}
	}
	if outer {
		for i := range k {
			for j := i; j < k; j++ {
				out.outer[i*k+j] += p.grad[i] * p.grad[j]
			}
		}
	}
}
