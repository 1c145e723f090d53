package garch

import (
	"math"

	"github.com/aqsha/aqsha/market/stats"
)

// garch11 evaluates GARCH(1,1) with a fixed mean and normal or t errors: the
// case that is fitted thousands of times. It gives what problem.evaluate
// gives, with the recursion's derivatives in registers. h is linear in ω and
// α given the past, so only three second derivatives move: ωβ, αβ, ββ.
//
// Logarithms are taken of products of eight terms, the points' range being
// checked, which saves most of their cost.
type garch11 struct {
	q      []float64 // ε², in units of their mean
	start  float64   // variance of the past, for h₁
	direct bool      // h₁ = start, not passed through the recursion
	t      bool
	// thorough takes each day's logarithm as reports of the earlier formats did.
	thorough bool
	f        law
}

// dual is h with its derivatives by (ω, α, β).
type dual struct{ h, w, a, b, wb, ab, bb float64 }

func (p *garch11) first(omega, alpha, beta float64) dual {
	if p.direct {
		return dual{h: p.start}
	}
	return dual{h: omega + (alpha+beta)*p.start, w: 1, a: p.start, b: p.start}
}

func (p *garch11) evaluate(theta []float64, out *evaluation) {
	if p.t {
		p.student(theta, out, false)
		return
	}
	p.normal(theta, out, false)
}

// value is the likelihood alone.
func (p *garch11) value(theta []float64) float64 {
	omega, alpha, beta := theta[0], theta[1], theta[2]
	h := p.first(omega, alpha, beta).h
	logH, logTail, sum := 0.0, 0.0, 0.0
	productH, productTail, inverseK := 1.0, 1.0, 0.0
	if p.t {
		inverseK = 1 / (theta[3] - 2)
	}
	for t, q := range p.q {
		if !(h > leastH && h < maxH) {
			return math.Inf(-1)
		}
		ratio := q / h
		sum += ratio
		productH *= h
		productTail *= 1 + ratio*inverseK
		// Eight variances between leastH and maxH multiply to a number that a float holds; a logarithm costs as much
		// as the rest of the day.
		if t&7 == 7 {
			logH += stats.Log(productH)
			logTail += math.Log(productTail)
			productH, productTail = 1, 1
		}
		h = omega + alpha*q + beta*h
	}
	logH += stats.Log(productH)
	n := float64(len(p.q))
	if !p.t {
		return -halfLog2Pi*n - (logH+sum)/2
	}
	p.f.set(StudentT, 1, theta[3])
	return n*p.f.c - logH/2 - (theta[3]+1)/2*(logTail+math.Log(productTail))
}

// sums of one pass: value, gradient and Hessian's upper triangle over (ω, α, β).
type sums struct{ log, other, gw, ga, gb, ww, wa, wb, aa, ab, bb float64 }

// add adds one day, of whose variance lh and lhh are the likelihood's derivatives.
func (s *sums) add(d *dual, lh, lhh float64) {
	s.gw += lh * d.w
	s.ga += lh * d.a
	s.gb += lh * d.b
	w, a, b := lhh*d.w, lhh*d.a, lhh*d.b
	s.ww += w * d.w
	s.wa += w * d.a
	s.wb += w*d.b + lh*d.wb
	s.aa += a * d.a
	s.ab += a*d.b + lh*d.ab
	s.bb += b*d.b + lh*d.bb
}

// step goes to the next day; second derivatives come before first ones, and these before the variance, as each needs
// the others of the day before.
func (d *dual) step(omega, alpha, beta, q float64) {
	d.bb = 2*d.b + beta*d.bb
	d.wb = d.w + beta*d.wb
	d.ab = d.a + beta*d.ab
	d.w = 1 + beta*d.w
	d.a = q + beta*d.a
	d.b = d.h + beta*d.b
	d.h = omega + alpha*q + beta*d.h
}

const (
	leastH = 1e-30
	maxH   = 1e30
)

// normal is the likelihood of GARCH(1,1) with normal innovations, with its gradient and what the Hessian needs, in one
// pass. Logarithms are what costs: one is taken of the product of eight variances.
func (p *garch11) normal(theta []float64, out *evaluation, outer bool) {
	omega, alpha, beta := theta[0], theta[1], theta[2]
	var s sums
	d := p.first(omega, alpha, beta)
	product := 1.0
	clear(out.outer)
	for t, q := range p.q {
		// Bounds within which eight of them multiply to a number; turned round for NaN.
		if !(d.h > leastH && d.h < maxH) {
			out.value = math.Inf(-1)
			return
		}
		inverse := 1 / d.h
		ratio := q * inverse
		s.other += ratio
		product *= d.h
		if t&7 == 7 {
			s.log += math.Log(product)
			product = 1
		}
		lh := 0.5 * inverse * (ratio - 1)
		s.add(&d, lh, (0.5-ratio)*inverse*inverse)
		if outer {
			p.outer(out.outer, 3, [4]float64{lh * d.w, lh * d.a, lh * d.b})
		}
		d.step(omega, alpha, beta, q)
	}
	s.log += math.Log(product)
	out.value = -halfLog2Pi*float64(len(p.q)) - (s.log+s.other)/2
	out.fill(&s, 3)
	if math.IsNaN(out.value) {
		out.value = math.Inf(-1)
	}
}

func (p *garch11) outer(m []float64, k int, g [4]float64) {
	for i := range k {
		for j := range k {
			m[i*k+j] += g[i] * g[j]
		}
	}
}

func (e *evaluation) fill(s *sums, k int) {
	g, h := e.gradient, e.hessian
	g[0], g[1], g[2] = s.gw, s.ga, s.gb
	h[0], h[1], h[2] = s.ww, s.wa, s.wb
	h[k], h[k+1], h[k+2] = s.wa, s.aa, s.ab
	h[2*k], h[2*k+1], h[2*k+2] = s.wb, s.ab, s.bb
}

// student is the same for t errors with unit variance; ν is the fourth
// parameter. With w = h(ν−2) + ε²: ℓ = c − ½ln h − (ν+1)/2·ln(w/(h(ν−2))).
func (p *garch11) student(theta []float64, out *evaluation, outer bool) {
	omega, alpha, beta, nu := theta[0], theta[1], theta[2], theta[3]
	p.f.set(StudentT, 1, nu)
	k, top := nu-2, (nu+1)/2
	inverseK := 1 / k
	var s sums
	var gn, wn, an, bn, nn, logD float64
	d := p.first(omega, alpha, beta)
	productH, productD := 1.0, 1.0
	clear(out.outer)
	for t, q := range p.q {
		if !(d.h > leastH && d.h < maxH) {
			out.value = math.Inf(-1)
			return
		}
		hk := d.h * k
		w := hk + q
		both := 1 / (d.h * w) // one division serves 1/h and 1/w
		inverse, inverseW := w*both, d.h*both
		tail := w * inverse * inverseK
		productH *= d.h
		productD *= tail
		if t&7 == 7 {
			s.log += math.Log(productH)
			logD += math.Log(productD)
			productH, productD = 1, 1
		}
		qhw, qw := q*both, q*inverseW
		lh := top*qhw - 0.5*inverse
		lhh := 0.5*inverse*inverse - top*qhw*(w+hk)*both
		s.add(&d, lh, lhh)
		r := qw * inverseK
		gn += r
		nn += r * (1 - top*(1+hk*inverseW)*inverseK)
		lhn := 0.5*qhw - top*qw*inverseW
		wn += lhn * d.w
		an += lhn * d.a
		bn += lhn * d.b
		if outer {
			log := stats.Log
			if p.thorough {
				log = math.Log
			}
			p.outer(out.outer, 4, [4]float64{lh * d.w, lh * d.a, lh * d.b, p.f.c1 - log(tail)/2 + top*r})
		}
		d.step(omega, alpha, beta, q)
	}
	s.log += math.Log(productH)
	logD += math.Log(productD)
	n := float64(len(p.q))
	out.value = n*p.f.c - s.log/2 - top*logD
	out.fill(&s, 4)
	out.gradient[3] = n*p.f.c1 - logD/2 + top*gn
	h := out.hessian
	h[3], h[7], h[11] = wn, an, bn
	h[12], h[13], h[14] = wn, an, bn
	h[15] = n*p.f.c2 + nn
	if math.IsNaN(out.value) {
		out.value = math.Inf(-1)
	}
}
