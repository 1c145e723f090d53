package garch

import (
	"math"

	"github.com/aqsha/aqsha/market/stats"
)

// egarch evaluates EGARCH(1,1) with a fixed mean and normal or t errors. It gives
// what problem.evaluate gives, by columns: the slopes of ln h are carried forward
// together, and what their own slopes add comes of one recursion backwards, λ, the
// derivative of the likelihood by the next day's ln h.
type egarch struct {
	spec Spec
	at   layout
	e    []float64
	l0   float64 // ln h before the first day (backcast) or of it
	f    law

	l, z, q, kappa          []float64 // ln h, e/√h, z²; ∂l_{t+1}/∂l_t
	byL, byLL, bySh         []float64 // ∂ℓ/∂l, ∂²ℓ/∂l², ∂²ℓ/∂l∂ν
	lambda, weight, weighed []float64
	columns                 [5][]float64
}

// newEGARCH makes room for all columns in one piece; it is used for one series, again and again.
func newEGARCH(spec Spec, e []float64) *egarch {
	g := &egarch{spec: spec, at: spec.layout(), e: e}
	n := len(e)
	room := make([]float64, 15*n)
	for _, column := range []*[]float64{&g.l, &g.z, &g.q, &g.kappa, &g.byL, &g.byLL, &g.bySh, &g.lambda, &g.weight,
		&g.weighed, &g.columns[0], &g.columns[1], &g.columns[2], &g.columns[3], &g.columns[4]} {
		*column, room = room[:n:n], room[n:]
	}
	square := backcast(e)
	if spec.Initial != Backcast {
		square = 0
		for _, v := range e {
			square += v * v / float64(n)
		}
	}
	g.l0 = math.Log(square)
	return g
}

// expected is E|z| with its derivatives by ν.
func (g *egarch) expected(nu float64) (e, first, second float64) {
	if g.spec.NormalAbs || g.at.nu < 0 {
		return math.Sqrt(2 / math.Pi), 0, 0
	}
	abs := absOf(StudentT, 1, nu)
	return abs.e, abs.by[1], abs.e11
}

// evaluate gives the value alone where there is no room for a Hessian.
func (g *egarch) evaluate(theta []float64, out *evaluation) {
	out.value = math.Inf(-1)
	nu := 0.0
	if g.at.nu >= 0 {
		nu = theta[g.at.nu]
	}
	g.f.set(g.spec.Law, 1, nu)
	abs, byNu, byNuNu := g.expected(nu)
	sum, ok := g.recur(theta, abs, byNu)
	if !ok {
		return
	}
	value := -sum / 2
	var shape, bend float64 // of the law alone, by ν
	if g.at.nu >= 0 {
		v, first, second := g.student(nu)
		value += v
		shape, bend = first, second
	} else {
		squares := 0.0
		for t, q := range g.q {
			squares += q
			g.byL[t], g.byLL[t] = (q-1)/2, -q/2
		}
		value -= halfLog2Pi*float64(len(g.q)) + squares/2
	}
	if math.IsNaN(value) {
		return
	}
	if out.value = value; out.hessian == nil {
		return
	}
	clear(out.gradient)
	clear(out.hessian)
	if i := g.at.nu; i >= 0 {
		out.gradient[i], out.hessian[i*g.at.size+i] = shape, bend
	}
	g.accumulate(theta, out, byNu, byNuNu)
}

// recur fills ln h and its slopes; it gives Σ ln h, and false where that runs away.
func (g *egarch) recur(theta []float64, abs, byNu float64) (sum float64, ok bool) {
	at := g.at
	omega, alpha, gamma, beta := theta[at.omega], theta[at.alpha], theta[at.gamma], theta[at.beta]
	l := g.l0
	var byOmega, byAlpha, byGamma, byBeta, byShape float64
	if g.spec.Initial == Backcast {
		byOmega, byBeta = 1, l
		l = omega + beta*l
	}
	shape := -alpha * byNu
	n := len(g.e)
	columns := [5][]float64{g.columns[0][:n], g.columns[1][:n], g.columns[2][:n], g.columns[3][:n], g.columns[4][:n]}
	logs, zs, squares, kappas := g.l[:n], g.z[:n], g.q[:n], g.kappa[:n]
	for t, e := range g.e {
		// e⁸⁰ is beyond any variance of a scaled series: what runs there comes back as NaN if it is let. Turned round
		// for NaN.
		if !(math.Abs(l) < 80) {
			return 0, false
		}
		sum += l
		z := e * stats.Exp(-l/2)
		size, b := z, gamma+alpha
		if z < 0 {
			size, b = -z, gamma-alpha
		}
		kappa := beta - b*z/2
		logs[t], zs[t], squares[t], kappas[t] = l, z, z*z, kappa
		columns[0][t], columns[1][t], columns[2][t], columns[3][t], columns[4][t] = byOmega, byAlpha, byGamma, byBeta,
			byShape
		// ln h depends on itself by β and by z, which shrinks as h grows: kappa is the slope of both together.
		byOmega = byOmega*kappa + 1
		byAlpha = byAlpha*kappa + size - abs
		byGamma = byGamma*kappa + z
		byBeta = byBeta*kappa + l
		byShape = byShape*kappa + shape
		l = omega + alpha*(size-abs) + gamma*z + beta*l
	}
	return sum, true
}

// student fills the slopes by ln h of the t, and gives its value without −½ ln h and
// the value's derivatives by ν.
func (g *egarch) student(nu float64) (value, first, second float64) {
	k, top := nu-2, (nu+1)/2
	inverseK := 1 / k
	log, product := 0.0, 1.0
	for t, q := range g.q {
		w := k + q
		inverse := 1 / w
		product *= w * inverseK
		if t&15 == 15 {
			log += stats.Log(product)
			product = 1
		}
		share := q * inverse
		r := share * inverseK
		first += r
		second += r * (1 - top*(w+k)*inverse*inverseK)
		g.byL[t] = top*share - 0.5
		g.byLL[t] = -top * share * k * inverse
		g.bySh[t] = share * (0.5 - top*inverse)
	}
	log += stats.Log(product)
	n := float64(len(g.q))
	return n*g.f.c - top*log, n*g.f.c1 + top*first - log/2, n*g.f.c2 + second
}

// accumulate adds up gradient and second derivatives, from the last day back: λ carries what a day's variance does to
// all days after it.
func (g *egarch) accumulate(theta []float64, out *evaluation, byNu, byNuNu float64) {
	at, k, n := g.at, g.at.size, len(g.e)
	alpha, gamma := theta[at.alpha], theta[at.gamma]
	next, total := 0.0, 0.0 // λ of the next day
	for t := n - 1; t >= 0; t-- {
		z := g.z[t]
		b := gamma + alpha
		if z < 0 {
			b = gamma - alpha
		}
		g.lambda[t] = next
		total += next
		g.weight[t] = g.byLL[t] + next*b*z/4
		next = g.byL[t] + g.kappa[t]*next
	}
	h := out.hessian
	both := func(i, j int, v float64) { // on the diagonal twice
		h[i*k+j] += v
		h[j*k+i] += v
	}
	for i := range k {
		c := g.columns[i]
		var gradient, byAlpha, byGamma, byBeta, byShape float64
		lambda, z, byL, byShapes := g.lambda[:len(c)], g.z[:len(c)], g.byL[:len(c)], g.bySh[:len(c)]
		for t, v := range c {
			gradient += byL[t] * v
			v2 := lambda[t] * v
			byBeta += v2
			v2 *= z[t]
			byGamma += v2
			byAlpha += math.Abs(z[t]) * lambda[t] * v
			byShape += byShapes[t] * v
		}
		out.gradient[i] += gradient
		both(at.alpha, i, -byAlpha/2)
		both(at.gamma, i, -byGamma/2)
		both(at.beta, i, byBeta)
		if at.nu >= 0 {
			both(at.nu, i, byShape)
		}
		weighed := g.weighed
		for t, v := range g.weight {
			weighed[t] = v * c[t]
		}
		for j := range i {
			both(i, j, dot(weighed, g.columns[j]))
		}
		h[i*k+i] += dot(weighed, c)
	}
	if at.nu >= 0 { // F by α and ν, and by ν twice
		both(at.alpha, at.nu, -byNu*total)
		h[at.nu*k+at.nu] -= alpha * byNuNu * total
	}
}

// outer fills the outer products of the days' gradients, of the last evaluation.
func (g *egarch) outer(theta []float64, out *evaluation) {
	k := g.at.size
	var scores [5][]float64
	for i := range k {
		scores[i] = make([]float64, len(g.e))
		for t, v := range g.columns[i] {
			scores[i][t] = g.byL[t] * v
		}
	}
	if g.at.nu >= 0 {
		nu := theta[g.at.nu]
		rest := nu - 2
		for t, q := range g.q {
			scores[g.at.nu][t] += g.f.c1 - stats.Log(1+q/rest)/2 + (nu+1)/2*q/((rest+q)*rest)
		}
	}
	for i := range k {
		for j := range k {
			out.outer[i*k+j] = dot(scores[i], scores[j])
		}
	}
}

// dot in four sums, which do not wait for each other.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var v, w, x, y float64
	t := 0
	for ; t+4 <= len(a); t += 4 {
		p, q := a[t:t+4:t+4], b[t:t+4:t+4]
		v += p[0] * q[0]
		w += p[1] * q[1]
		x += p[2] * q[2]
		y += p[3] * q[3]
	}
	for ; t < len(a); t++ {
		v += a[t] * b[t]
	}
	return (v + w) + (x + y)
}
