package family

import "math"

// path is the variance of each day and the derivatives of its logarithm by the
// parameters, day by day: d[t·k+i].
type path struct {
	logH    []float64 // where the power is estimated, or neither 1 nor 2
	sumLogH float64
	sd      []float64
	d       []float64
}

// problem is a series (scaled to unit mean square) with its mean's columns.
type problem struct {
	spec    Spec
	at      places
	y       []float64
	columns [][]float64
	back    float64 // mean square before the first day
	// backPower is that of the power model's |e|^P.
	backPower float64
	e         []float64
	path      path
	u, du     []float64 // the recursion's own variable (s^P) and derivatives
	fft       *convolution
	squares   []float64    // |e|^P
	conv      [2][]float64 // of figarch: the squares with the fractional difference and its slope
	lambda    []float64    // of figarch, at the last point
	shapes    []shape
	scores    []float64
	kept      []float64 // Hessian of the last fine steps, and where it was taken
	keptAt    []float64
}

// newProblem makes room for derivatives by every parameter on every day. What comes before the first day is computed
// once, from the residuals of the start.
func newProblem(spec Spec, y []float64, columns [][]float64, names []string, start []float64) *problem {
	p := newBare(spec, y)
	p.at, p.columns = spec.places(names), columns
	n, k := len(y), p.at.size
	p.e, p.path.logH, p.path.sd, p.path.d = make([]float64, n), make([]float64, n), make([]float64, n),
		make([]float64, n*k)
	p.u, p.du, p.scores = make([]float64, n), make([]float64, n*k), make([]float64, n*k)
	p.residuals(start)
	p.back, p.backPower = weighted(p.e, 2), weighted(p.e, spec.Exp)
	if spec.Model == FIGARCH {
		p.fft = newConvolution(n, truncation)
	}
	return p
}

// newBare is a problem that an engine evaluates: without a mean and without room for the recursion.
func newBare(spec Spec, y []float64) *problem {
	return &problem{spec: spec, at: spec.places(nil), y: y, shapes: spec.Law.shapes()}
}

// weighted is the backcast of Python's arch: weights 0.94ⁱ over the first 75.
func weighted(e []float64, power float64) float64 {
	w, sum, total := 1.0, 0.0, 0.0
	for i := range min(75, len(e)) {
		sum, total = sum+w*math.Pow(math.Abs(e[i]), power), total+w
		w *= 0.94
	}
	return sum / total
}

// residuals takes the fitted mean off the series.
func (p *problem) residuals(theta []float64) {
	for t := range p.y {
		e := p.y[t]
		for j, c := range p.columns {
			e -= theta[j] * c[t]
		}
		p.e[t] = e
	}
}

// recursion fills the path; false where the variance leaves what can be counted in.
func (p *problem) recursion(theta []float64) bool {
	p.residuals(theta)
	switch p.spec.Model {
	case APARCH:
		return p.aparch(theta)
	case FIGARCH:
		return p.figarch(theta)
	case Component:
		return p.component(theta)
	}
	return p.power(theta)
}

// finish turns s^P in u into ln h, for a power that is not a parameter.
func (p *problem) finish(power float64) bool {
	k := p.at.size
	product, logs := 1.0, 0.0 // of a few variances, so that a logarithm is taken seldom
	for t, u := range p.u {
		if !(u > 1e-10 && u < 1e10) {
			return false
		}
		switch {
		case p.at.delta < 0 && power == 2:
			p.path.sd[t] = math.Sqrt(u)
		case p.at.delta < 0 && power == 1:
			p.path.sd[t] = u
		default: // the slope by an estimated power needs the logarithm
			p.path.logH[t] = 2 / power * math.Log(u)
			p.path.sd[t] = math.Exp(p.path.logH[t] / 2)
		}
		if product *= u; t%16 == 15 {
			logs += math.Log(product)
			product = 1
		}
		scale := 2 / (power * u)
		d, du := p.path.d[t*k:t*k+p.at.shape], p.du[t*k:t*k+p.at.shape]
		for i, v := range du {
			d[i] = scale * v
		}
	}
	p.path.sumLogH = 2 / power * (logs + math.Log(product))
	return true
}

// power runs the recursion u = ω + Σ(α + γ·[e<0])|e|^P + Σβu with its derivatives; false where a variance is none.
func (p *problem) power(theta []float64) bool {
	s, k, power := p.spec, p.at.size, p.spec.Exp
	start := p.backPower
	f := p.squares // |e|^P, which only a mean that is fitted moves
	if len(f) != len(p.e) || len(p.columns) > 0 {
		f = resized(p.squares, len(p.e))
		p.squares = f
		for t, e := range p.e {
			switch power {
			case 2:
				f[t] = e * e
			case 1:
				f[t] = math.Abs(e)
			default:
				f[t] = math.Pow(math.Abs(e), power)
			}
		}
	}
	if s.P == 1 && s.Q == 1 && len(p.columns) == 0 {
		p.first(theta, f, start)
		return p.finish(power)
	}
	for t := range p.u {
		u, d := theta[p.at.omega], p.du[t*k:(t+1)*k]
		clear(d)
		d[p.at.omega] = 1
		for i := range s.P {
			shock, weight := start, 0.5
			if j := t - 1 - i; j >= 0 {
				shock, weight = f[j], 0
				if p.e[j] < 0 {
					weight = 1
				}
				a := theta[p.at.alpha+i]
				if i < s.O {
					a += weight * theta[p.at.gamma+i]
				}
				if p.e[j] != 0 {
					slope := -a * power * shock / p.e[j] // d|e|^P/de = P|e|^P/e
					for m, c := range p.columns {
						d[m] += slope * c[j]
					}
				}
			}
			u += theta[p.at.alpha+i] * shock
			d[p.at.alpha+i] += shock
			if i < s.O {
				u += theta[p.at.gamma+i] * weight * shock
				d[p.at.gamma+i] += weight * shock
			}
		}
		u += p.lagged(theta, d, t, start)
		p.u[t] = u
	}
	return p.finish(power)
}

// first is the recursion of order (1,1) without a mean, in registers: most fits
// are of it.
func (p *problem) first(theta, f []float64, start float64) {
	k, at := p.at.size, p.at
	omega, alpha, beta, gamma := theta[at.omega], theta[at.alpha], theta[at.beta], 0.0
	if p.spec.O > 0 {
		gamma = theta[at.gamma]
	}
	var byOmega, byAlpha, byGamma, byBeta float64
	shock, weight, before := start, 0.5, start
	for t := range p.u {
		fallen := weight * shock
		byOmega, byAlpha = 1+beta*byOmega, shock+beta*byAlpha
		byGamma, byBeta = fallen+beta*byGamma, before+beta*byBeta
		before = omega + alpha*shock + gamma*fallen + beta*before
		p.u[t] = before
		row := p.du[t*k : t*k+k]
		row[at.omega], row[at.alpha], row[at.beta] = byOmega, byAlpha, byBeta
		if p.spec.O > 0 {
			row[at.gamma] = byGamma
		}
		if shock, weight = f[t], 0; p.e[t] < 0 {
			weight = 1
		}
	}
}

// lagged adds the lags of the recursion itself.
func (p *problem) lagged(theta, d []float64, t int, start float64) (sum float64) {
	k := p.at.size
	for j := range p.spec.Q {
		b, before := theta[p.at.beta+j], start
		if i := t - 1 - j; i >= 0 {
			before = p.u[i]
			for m, v := range p.du[i*k : i*k+p.at.shape] {
				d[m] += b * v
			}
		}
		sum += b * before
		d[p.at.beta+j] += before
	}
	return sum
}

// aparch runs the recursion u = ω + Σα(|e| − γe)^δ + Σβu with its derivatives.
func (p *problem) aparch(theta []float64) bool {
	s, k := p.spec, p.at.size
	delta := s.Exp
	if p.at.delta >= 0 {
		delta = theta[p.at.delta]
	}
	logBack := math.Log(p.back)
	start := math.Exp(delta / 2 * logBack)
	for t := range p.u {
		u, d := theta[p.at.omega], p.du[t*k:(t+1)*k]
		clear(d)
		d[p.at.omega] = 1
		for i := range s.P {
			a, j := theta[p.at.alpha+i], t-1-i
			shock, logM := start, logBack/2
			if j >= 0 {
				gamma := 0.0
				if i < s.O {
					gamma = theta[p.at.gamma+i]
				}
				e := p.e[j]
				m := math.Abs(e) - gamma*e
				if m <= 0 {
					continue
				}
				logM = math.Log(m)
				shock = math.Exp(delta * logM)
				slope := a * delta * shock / m
				if i < s.O {
					d[p.at.gamma+i] -= slope * e
				}
				by := slope * (math.Copysign(1, e) - gamma)
				for c, column := range p.columns {
					d[c] -= by * column[j]
				}
			}
			u += a * shock
			d[p.at.alpha+i] += shock
			if p.at.delta >= 0 {
				d[p.at.delta] += a * shock * logM
			}
		}
		u += p.lagged(theta, d, t, start)
		if p.at.delta >= 0 { // the start itself depends on the power
			for j := range s.Q {
				if t-1-j < 0 {
					d[p.at.delta] += theta[p.at.beta+j] * start * logBack / 2
				}
			}
		}
		p.u[t] = u
	}
	if !p.finish(delta) {
		return false
	}
	if p.at.delta >= 0 {
		for t := range p.u {
			p.path.d[t*k+p.at.delta] -= p.path.logH[t] / delta
		}
	}
	return true
}

// component runs the recursions of the slow part q and of the variance around it, with their derivatives.
func (p *problem) component(theta []float64) bool {
	k, a := p.at.size, p.at.alpha
	omega, rho, phi, alpha, beta := theta[p.at.omega], theta[a], theta[a+1], theta[a+2], theta[a+3]
	q, h := p.back, p.back // of the day before; both start at the backcast, as does its square
	dq, dh := make([]float64, k), make([]float64, k)
	nq := make([]float64, k)
	for t := range p.u {
		square := p.back
		if t > 0 {
			square = p.e[t-1] * p.e[t-1]
		}
		newQ := omega + rho*(q-omega) + phi*(square-h)
		newH := newQ + alpha*(square-q) + beta*(h-q)
		for i := range p.at.shape {
			nq[i] = rho*dq[i] - phi*dh[i]
		}
		nq[p.at.omega] += 1 - rho
		nq[a] += q - omega
		nq[a+1] += square - h
		if t > 0 {
			for m, c := range p.columns {
				nq[m] -= 2 * phi * p.e[t-1] * c[t-1]
			}
		}
		d := p.du[t*k : (t+1)*k]
		clear(d)
		for i := range p.at.shape {
			d[i] = nq[i] - alpha*dq[i] + beta*(dh[i]-dq[i])
		}
		d[a+2] += square - q
		d[a+3] += h - q
		if t > 0 {
			for m, c := range p.columns {
				d[m] -= 2 * alpha * p.e[t-1] * c[t-1]
			}
		}
		q, h = newQ, newH
		copy(dq, nq)
		copy(dh, d)
		p.u[t] = h
	}
	return p.finish(2)
}

// truncation of the infinite moving average of FIGARCH, as Python's arch cuts it.
const truncation = 1000

// figarch filters the squares with λ by way of the fractional difference alone:
// λ obeys λᵢ = βλᵢ₋₁ + δᵢ − φδᵢ₋₁, so one convolution with δ (and one with its
// derivative by d) and recursions of the first order give h and its slopes; what
// the recursions carry past the cut at 1,000 lags is taken off again exactly.
func (p *problem) figarch(theta []float64) bool {
	k, a, n := p.at.size, p.at.alpha, len(p.e)
	omega, phi, d, beta := theta[p.at.omega], theta[a], theta[a+1], theta[a+2]
	lambda, by, delta, slope := weights(phi, d, beta)
	p.lambda = lambda
	if len(p.squares) == 0 || len(p.columns) > 0 {
		p.squares = resized(p.squares, n)
		for t, e := range p.e {
			p.squares[t] = e * e
		}
		p.fft.load(p.squares)
	}
	p.conv[0], p.conv[1] = resized(p.conv[0], n), resized(p.conv[1], n)
	p.fft.with(delta, slope, p.conv[0], p.conv[1])
	before := rest(lambda, n)
	var befores [3][]float64
	for i := range befores {
		befores[i] = rest(by[i], n)
	}
	cut := func(x []float64, t int) float64 { // what lay one lag beyond the cut
		if i := t - 1 - truncation; i >= 0 {
			return x[i]
		}
		return 0
	}
	last := truncation - 1
	var h float64         // Σλᵢe²
	var slopes [3]float64 // by φ, d, β
	for t := range n {
		var d0, d1 float64 // of the day before: δ*x and δ'*x there
		if t > 0 {
			d0, d1 = p.conv[0][t-1], p.conv[1][t-1]
		}
		x0, x := 0.0, cut(p.squares, t)
		if t > 0 {
			x0 = p.squares[t-1]
		}
		// φ − β + d at the first lag is δ₀ − φ·1 + … with δ₋₁ = −1: x0 is that lag's square.
		hBefore := h
		h = beta*h + p.conv[0][t] - phi*d0 + (phi-beta)*x0 + x*(phi*delta[last]-beta*lambda[last])
		slopes[2] = beta*slopes[2] + hBefore - x0 - x*(lambda[last]+beta*by[2][last])
		slopes[0] = beta*slopes[0] - d0 + x0 + x*(delta[last]-beta*by[0][last])
		slopes[1] = beta*slopes[1] + p.conv[1][t] - phi*d1 + x*(phi*slope[last]-beta*by[1][last])
		p.u[t] = omega/(1-beta) + h + before[t]*p.back
		row := p.du[t*k : (t+1)*k]
		clear(row)
		row[p.at.omega] = 1 / (1 - beta)
		for i := range slopes {
			row[a+i] = slopes[i] + befores[i][t]*p.back
		}
		row[a+2] += omega / ((1 - beta) * (1 - beta))
	}
	p.shocks(lambda)
	return p.finish(2)
}

// shocks adds dh/dm = −2·Σλᵢ·e·c for the mean's columns, two at a time.
func (p *problem) shocks(lambda []float64) {
	n, k := len(p.e), p.at.size
	if len(p.columns) == 0 {
		return
	}
	none := make([]float64, len(lambda))
	out, unused := make([]float64, n), make([]float64, n)
	x := make([]float64, n)
	for m, c := range p.columns {
		for t, e := range p.e {
			x[t] = -2 * e * c[t]
		}
		p.fft.load(x)
		p.fft.with(lambda, none, out, unused)
		for t := range n {
			p.du[t*k+m] = out[t]
		}
	}
}

func resized(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

// rest is what the lags before the first day weigh, for each day.
func rest(x []float64, n int) []float64 {
	out, sum := make([]float64, n), 0.0
	for i := len(x) - 1; i >= 0; i-- {
		if sum += x[i]; i < n {
			out[i] = sum
		}
	}
	return out
}

// weights are λ and its derivatives by φ, d and β, with the fractional
// difference δ and its derivative.
func weights(phi, d, beta float64) (lambda []float64, by [3][]float64, delta, slope []float64) {
	lambda, delta, slope = make([]float64, truncation), make([]float64, truncation), make([]float64, truncation)
	for i := range by {
		by[i] = make([]float64, truncation)
	}
	delta[0], slope[0] = d, 1
	lambda[0], by[0][0], by[1][0], by[2][0] = phi-beta+d, 1, 1, -1
	for i := 1; i < truncation; i++ {
		x := float64(i)
		delta[i], slope[i] = (x-d)/(x+1)*delta[i-1], ((x-d)*slope[i-1]-delta[i-1])/(x+1)
		lambda[i] = beta*lambda[i-1] + delta[i] - phi*delta[i-1]
		by[0][i] = beta*by[0][i-1] - delta[i-1]
		by[1][i] = beta*by[1][i-1] + slope[i] - phi*slope[i-1]
		by[2][i] = beta*by[2][i-1] + lambda[i-1]
	}
	return lambda, by, delta, slope
}
