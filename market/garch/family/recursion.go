package family

import (
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// path is the variance of each day and the derivatives of its logarithm by the
// parameters, day by day: d[t·k+i].
type path struct {
	logH []float64
	d    []float64
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
	shapes    []shape
	scores    []float64
}

func newProblem(spec Spec, y []float64, columns [][]float64, names []string, start []float64) *problem {
	p := &problem{spec: spec, at: spec.places(names), y: y, columns: columns, shapes: spec.Law.shapes()}
	n, k := len(y), p.at.size
	p.e, p.path.logH, p.path.d = make([]float64, n), make([]float64, n), make([]float64, n*k)
	p.u, p.du, p.scores = make([]float64, n), make([]float64, n*k), make([]float64, n*k)
	p.residuals(start)
	p.back, p.backPower = weighted(p.e, 2), weighted(p.e, spec.Exp)
	if spec.Model == FIGARCH {
		p.fft = newConvolution(n, truncation)
	}
	return p
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
	for t, u := range p.u {
		if !(u > 1e-10 && u < 1e10) {
			return false
		}
		p.path.logH[t] = 2 / power * math.Log(u)
		scale := 2 / (power * u)
		for i := range p.at.shape {
			p.path.d[t*k+i] = scale * p.du[t*k+i]
		}
	}
	return true
}

func (p *problem) power(theta []float64) bool {
	s, k, power := p.spec, p.at.size, p.spec.Exp
	start := p.backPower
	f := make([]float64, len(p.e)) // |e|^P
	for t, e := range p.e {
		if power == 2 {
			f[t] = e * e
		} else {
			f[t] = math.Pow(math.Abs(e), power)
		}
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

func (p *problem) figarch(theta []float64) bool {
	k, a := p.at.size, p.at.alpha
	omega, phi, d, beta := theta[p.at.omega], theta[a], theta[a+1], theta[a+2]
	lambda, by := weights(phi, d, beta)
	squares := make([]float64, len(p.e))
	for t, e := range p.e {
		squares[t] = e * e
	}
	p.fft.load(squares)
	whole := p.fft.with(lambda)
	var parts [3][]float64
	for i := range parts {
		parts[i] = p.fft.with(by[i])
	}
	// What the lags before the first day weigh.
	rest := func(x []float64) []float64 {
		out, sum := make([]float64, len(p.e)), 0.0
		for i := len(x) - 1; i >= 0; i-- {
			if sum += x[i]; i < len(out) {
				out[i] = sum
			}
		}
		return out
	}
	before := rest(lambda)
	var befores [3][]float64
	for i := range befores {
		befores[i] = rest(by[i])
	}
	var shocks [][]float64
	for _, c := range p.columns { // dh/dm = −2·Σλᵢ·e·c
		x := make([]float64, len(p.e))
		for t, e := range p.e {
			x[t] = -2 * e * c[t]
		}
		p.fft.load(x)
		shocks = append(shocks, p.fft.with(lambda))
	}
	for t := range p.u {
		p.u[t] = omega/(1-beta) + whole[t] + before[t]*p.back
		row := p.du[t*k : (t+1)*k]
		clear(row)
		row[p.at.omega] = 1 / (1 - beta)
		for i := range parts {
			row[a+i] = parts[i][t] + befores[i][t]*p.back
		}
		row[a+2] += omega / ((1 - beta) * (1 - beta))
		for m := range shocks {
			row[m] = shocks[m][t]
		}
	}
	return p.finish(2)
}

// weights are λ and its derivatives by φ, d and β.
func weights(phi, d, beta float64) (lambda []float64, by [3][]float64) {
	lambda = make([]float64, truncation)
	for i := range by {
		by[i] = make([]float64, truncation)
	}
	delta, slope := d, 1.0
	lambda[0], by[0][0], by[1][0], by[2][0] = phi-beta+d, 1, 1, -1
	for i := 1; i < truncation; i++ {
		x := float64(i)
		last, lastSlope := delta, slope
		delta, slope = (x-d)/(x+1)*last, ((x-d)*lastSlope-last)/(x+1)
		lambda[i] = beta*lambda[i-1] + delta - phi*last
		by[0][i] = beta*by[0][i-1] - last
		by[1][i] = beta*by[1][i-1] + slope - phi*lastSlope
		by[2][i] = beta*by[2][i-1] + lambda[i-1]
	}
	return lambda, by
}

// convolution multiplies a series with weights of its past: Σᵢ wᵢ·x_{t−1−i}.
type convolution struct {
	fft       *fourier.FFT
	n, size   int
	loaded, w []complex128
	pad       []float64
}

func newConvolution(n, lags int) *convolution {
	size := 1
	for size < n+lags {
		size *= 2
	}
	return &convolution{fft: fourier.NewFFT(size), n: n, size: size, pad: make([]float64, size)}
}

func (c *convolution) load(x []float64) {
	clear(c.pad)
	copy(c.pad, x)
	c.loaded = c.fft.Coefficients(c.loaded, c.pad)
}

func (c *convolution) with(w []float64) []float64 {
	clear(c.pad)
	copy(c.pad, w)
	c.w = c.fft.Coefficients(c.w, c.pad)
	for i := range c.w {
		c.w[i] *= c.loaded[i]
	}
	out := make([]float64, c.n)
	sum := c.fft.Sequence(c.pad, c.w)
	for t := 1; t < c.n; t++ {
		out[t] = sum[t-1] / float64(c.size)
	}
	return out
}
