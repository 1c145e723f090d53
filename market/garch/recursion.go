package garch

import "math"

// state is what the recursion carries from one observation to the next.
type state struct {
	e, z, l, h float64 // residual, standardised residual, ln h, h
}

// standardise computes z = ε·e^(−λ/2) with first and second derivatives.
func (p *problem) standardise(e, l float64) {
	k := p.at.size
	w := math.Exp(-l / 2)
	z := e * w
	p.state.e, p.state.z, p.state.l = e, z, l
	for i := range k {
		p.dz[i] = w*p.de[i] - z/2*p.dl[i]
	}
	for i := range k {
		for j := i; j < k; j++ {
			p.d2z[i*k+j] = -w/2*(p.de[i]*p.dl[j]+p.de[j]*p.dl[i]) + z/4*p.dl[i]*p.dl[j] - z/2*p.d2l[i*k+j]
		}
	}
}

// meanSquare is the mean of ε² with gradient and Hessian by the mean's
// parameters (ε is linear in them).
func (p *problem) meanSquare(theta []float64) (v float64, dv, d2v []float64) {
	k := p.at.size
	dv, d2v = make([]float64, k), make([]float64, k*k)
	n := float64(len(p.r) - p.first)
	for t := p.first; t < len(p.r); t++ {
		e := p.residual(theta, t)
		v += e * e / n
		for i := range k {
			dv[i] += 2 * e * p.de[i] / n
			for j := i; j < k; j++ {
				d2v[i*k+j] += 2 * p.de[i] * p.de[j] / n
			}
		}
	}
	return v, dv, d2v
}

// startVariance is h₁ of GARCH and GJR by the chosen convention; it returns
// ln h₁ and leaves derivatives of h and ln h in the scratch.
func (p *problem) startVariance(theta []float64) float64 {
	k, at := p.at.size, p.at
	clear(p.dh)
	clear(p.d2h)
	switch p.spec.Initial {
	case MeanSquare:
		v, dv, d2v := p.meanSquare(theta)
		p.state.h = v
		copy(p.dh, dv)
		copy(p.d2h, d2v)
	default: // one step of the recursion from a past of variance v
		v, dv, d2v := p.backcast, make([]float64, k), make([]float64, k*k)
		if p.spec.Initial == ThroughRecursion {
			v, dv, d2v = p.meanSquare(theta)
		}
		persistence := p.spec.persistence(theta)
		p.state.h = theta[at.omega] + persistence*v
		by := make([]float64, k) // of the persistence
		by[at.alpha], by[at.beta] = 1, 1
		if at.gamma >= 0 {
			by[at.gamma] = 0.5
		}
		for i := range k {
			p.dh[i] = by[i]*v + persistence*dv[i]
			for j := i; j < k; j++ {
				p.d2h[i*k+j] = by[i]*dv[j] + by[j]*dv[i] + persistence*d2v[i*k+j]
			}
		}
		p.dh[at.omega]++
	}
	return p.toLog()
}

// stepVariance advances h = ω + (α + γ·1[ε<0])ε² + βh.
func (p *problem) stepVariance(theta []float64) float64 {
	k, at, s := p.at.size, p.at, &p.state
	a, beta, q := theta[at.alpha], theta[at.beta], s.e*s.e
	if at.gamma >= 0 && s.e < 0 {
		a += theta[at.gamma]
	}
	for i := range k {
		for j := i; j < k; j++ {
			p.d2h[i*k+j] = beta*p.d2h[i*k+j] + 2*a*p.de[i]*p.de[j]
		}
	}
	p.cross(p.d2h, at.beta, p.dh, 1)
	p.cross(p.d2h, at.alpha, p.de, 2*s.e)
	if at.gamma >= 0 && s.e < 0 {
		p.cross(p.d2h, at.gamma, p.de, 2*s.e)
	}
	for i := range k {
		p.dh[i] = beta*p.dh[i] + 2*a*s.e*p.de[i]
	}
	p.dh[at.omega]++
	p.dh[at.alpha] += q
	if at.gamma >= 0 && s.e < 0 {
		p.dh[at.gamma] += q
	}
	p.dh[at.beta] += s.h
	s.h = theta[at.omega] + a*q + beta*s.h
	return p.toLog()
}

// cross adds c·v_j to the second derivative by (row, j), both ways.
func (p *problem) cross(m []float64, row int, v []float64, c float64) {
	k := p.at.size
	for j := range k {
		a, b := min(row, j), max(row, j)
		m[a*k+b] += c * v[j]
		if j == row {
			m[a*k+b] += c * v[j]
		}
	}
}

// toLog turns derivatives of h into those of ln h.
func (p *problem) toLog() float64 {
	k, h := p.at.size, p.state.h
	if !(h > 0) {
		return math.NaN()
	}
	for i := range k {
		p.dl[i] = p.dh[i] / h
	}
	for i := range k {
		for j := i; j < k; j++ {
			p.d2l[i*k+j] = p.d2h[i*k+j]/h - p.dl[i]*p.dl[j]
		}
	}
	return math.Log(h)
}

// startLog is ln h₁ of EGARCH: the logarithm of the mean square, or the
// recursion from a backcast (whose past shocks count as expected).
func (p *problem) startLog(theta []float64, _ absMoment) float64 {
	k, at := p.at.size, p.at
	clear(p.dl)
	clear(p.d2l)
	if p.spec.Initial == Backcast {
		l := math.Log(p.backcast)
		p.dl[at.omega], p.dl[at.beta] = 1, l
		return theta[at.omega] + theta[at.beta]*l
	}
	v, dv, d2v := p.meanSquare(theta)
	for i := range k {
		p.dl[i] = dv[i] / v
	}
	for i := range k {
		for j := i; j < k; j++ {
			p.d2l[i*k+j] = d2v[i*k+j]/v - p.dl[i]*p.dl[j]
		}
	}
	return math.Log(v)
}

// stepLog advances ln h = ω + α(|z| − E|z|) + γz + β·ln h; dz and d2z still
// hold the derivatives of the last z.
func (p *problem) stepLog(theta []float64, abs absMoment) float64 {
	k, at, s := p.at.size, p.at, &p.state
	alpha, gamma, beta, sign := theta[at.alpha], theta[at.gamma], theta[at.beta], 1.0
	if s.z < 0 {
		sign = -1
	}
	b := alpha*sign + gamma
	for i := range k {
		for j := i; j < k; j++ {
			p.d2l[i*k+j] = beta*p.d2l[i*k+j] + b*p.d2z[i*k+j]
		}
	}
	p.cross(p.d2l, at.beta, p.dl, 1)
	p.cross(p.d2l, at.alpha, p.dz, sign)
	p.cross(p.d2l, at.gamma, p.dz, 1)
	for i := range k {
		p.dl[i] = beta*p.dl[i] + b*p.dz[i]
	}
	p.dl[at.omega]++
	p.dl[at.alpha] += math.Abs(s.z) - abs.e
	p.dl[at.gamma] += s.z
	p.dl[at.beta] += s.l
	p.absTerms(alpha, abs)
	return theta[at.omega] + alpha*(math.Abs(s.z)-abs.e) + gamma*s.z + beta*s.l
}

// absTerms adds what E|z| contributes through the shape parameters.
func (p *problem) absTerms(alpha float64, abs absMoment) {
	if p.spec.NormalAbs {
		return
	}
	k, shape := p.at.size, p.shapeIndex()
	for s, i := range shape {
		if i < 0 {
			continue
		}
		p.dl[i] -= alpha * abs.by[s]
		p.d2l[min(p.at.alpha, i)*k+max(p.at.alpha, i)] -= abs.by[s]
	}
	if i, j := shape[0], shape[1]; j >= 0 {
		p.d2l[j*k+j] -= alpha * abs.e11
		if i >= 0 {
			p.d2l[i*k+i] -= alpha * abs.e00
			p.d2l[i*k+j] -= alpha * abs.e01
		}
	}
}
