package family

import (
	"math"

	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/stats"
)

// engine evaluates the power models and APARCH without a fitted mean: value,
// gradient and Hessian, all exact. Its coordinates are the parameters', but the
// logarithm of ω, in which the likelihood is nearer to a parabola.
//
// With u = s^P, u_t = F(u_{t−1}, …; θ) is linear in the past u, so ∂u/∂θ is filtered by
// the same β, and Σ ∂ℓ/∂u·∂²u/∂θ² is Σ λ·∂²F, λ being ∂ℓ/∂u filtered by β backwards
// in time: no second derivative is carried along.
//
// Series are columns with as many days before the first as the recursion looks
// back, so no day is special. One engine serves one goroutine.
type engine struct {
	spec    Spec
	at      places
	n       int
	e       []float64
	squares []float64 // e²
	logs    []float64 // ln e², for the GED
	start   float64   // s^P before the first day; of APARCH with a free power, the variance
	columns [][]float64
	u       []float64
	shocks  []shocks
	law     *bends
	theta   []float64
	lastly  []float64    // coordinates that everything here is of
	idle    [2][]float64 // filtered beside fewer than four columns

	z, q, logZ            []float64 // z = e/√h, z², ln z²
	logH                  []float64 // ln h, where the power is free
	inverse               []float64 // 1/u
	byU, weight, mixed, l []float64 // ∂ℓ/∂u; of du·du' in the Hessian; ∂²ℓ/∂u∂shape; λ
}

// shocks of one lag: what α multiplies, and for APARCH what its derivatives need.
type shocks struct {
	value, fallen []float64 // (|e| − γe)^P or |e|^P; that of falls
	log, ratio    []float64 // ln(|e| − γe), e/(|e| − γe)
}

// exact says whether an engine covers the model.
func (s Spec) exact(columns int) bool {
	return columns == 0 && s.Law.curved() && s.Model != Component
}

// newEngine makes room for all columns in one piece. Arrays begin as many days before the first as there are lags, so
// that no day is a special one.
func newEngine(spec Spec, at places, e []float64) *engine {
	n := len(e)
	g := &engine{spec: spec, at: at, n: n, e: e}
	// Some twenty columns, of one piece.
	room := make([]float64, (at.shape+20+5*spec.P)*(n+MaxOrder))
	array := func(before int) []float64 {
		out := room[: before+n : before+n]
		room = room[before+n:]
		return out
	}
	g.law = newBends(array, at.size-at.shape)
	g.squares = array(0)
	for t, v := range e {
		g.squares[t] = v * v
	}
	if spec.Law == GED {
		g.logs, g.logZ = array(0), array(0)
		for t, v := range g.squares {
			g.logs[t] = stats.Log(max(v, 1e-300))
		}
	}
	for range at.shape {
		g.columns = append(g.columns, array(spec.Q))
	}
	g.u, g.z, g.q, g.byU, g.weight, g.mixed = array(spec.Q), array(0), array(0), array(0), array(0), array(0)
	g.inverse, g.l = array(0), array(spec.Q)
	for i := range g.idle {
		g.idle[i] = array(spec.Q)
	}
	if spec.Model == APARCH {
		g.start = weighted(e, 2)
		g.logH = array(0)
		for range spec.P {
			g.shocks = append(g.shocks, shocks{value: array(spec.P), log: array(spec.P), ratio: array(spec.P)})
		}
		return g
	}
	if spec.Exp != 1 && spec.Exp != 2 {
		g.logH = array(0)
	}
	g.start = weighted(e, spec.Exp)
	s := shocks{value: array(spec.P), fallen: array(spec.P)}
	for i := range spec.P {
		s.value[i], s.fallen[i] = g.start, g.start/2
	}
	for t, v := range e {
		f := g.squares[t]
		if spec.Exp != 2 {
			f = math.Pow(math.Abs(v), spec.Exp)
		}
		if s.value[spec.P+t] = f; v < 0 {
			s.fallen[spec.P+t] = f
		}
	}
	for range spec.P {
		g.shocks = append(g.shocks, s)
	}
	return g
}

// lag is the column as it was i+1 days before, of a column with so many days before the first.
func (g *engine) lag(column []float64, before, i int) []float64 {
	return column[before-1-i : before-1-i+g.n]
}

func (g *engine) power(theta []float64) float64 {
	if g.at.delta >= 0 {
		return theta[g.at.delta]
	}
	return g.spec.Exp
}

// surface is the likelihood in the coordinates that are climbed in.
func (g *engine) surface(x []float64, out *garch.Point) {
	omega := g.at.omega
	g.theta = append(g.theta[:0], x...)
	theta := g.theta
	g.lastly = append(g.lastly[:0], x...)
	theta[omega] = math.Exp(x[omega])
	if out.Hessian == nil {
		g.lastly = g.lastly[:0]
	}
	g.evaluate(theta, out)
	if out.Hessian == nil || math.IsInf(out.Value, -1) {
		return
	}
	intoLog(out, omega, theta[omega])
}

// intoLog turns derivatives by the i-th parameter into those by its logarithm.
func intoLog(out *garch.Point, i int, v float64) {
	h, k := out.Hessian, len(out.Gradient)
	out.Gradient[i] *= v
	for j := range k {
		h[i*k+j] *= v
		h[j*k+i] *= v
	}
	h[i*k+i] += out.Gradient[i]
}

// evaluate is the same in the parameters (those of the law in its coordinates);
// without room for a Hessian it gives the value alone.
func (g *engine) evaluate(theta []float64, out *garch.Point) {
	out.Value = math.Inf(-1)
	if out.Hessian != nil {
	} else {
	}
	g.sources(theta)
	if out.Hessian == nil {
		filter(g.u, nil, nil, nil, theta[g.at.beta:g.at.beta+g.spec.Q])
	} else {
		g.recur(theta)
	}
	sumL, ok := g.standardise(theta)
	if !ok {
		return
	}
	g.law.bend(g.spec.Law, theta[g.at.shape:], g.z, g.q, g.logZ, false)
	if value := g.law.value - sumL/2; !math.IsNaN(value) {
		out.Value = value
	}
	if out.Hessian == nil || math.IsInf(out.Value, -1) {
		return
	}
	g.accumulate(theta, out)
}

// sources fills u and the columns with what the recursion adds each day, less the past's.
func (g *engine) sources(theta []float64) {
	s, at := g.spec, g.at
	before := g.start
	if s.Model == APARCH {
		before = g.aparch(theta)
	}
	for i := range s.Q {
		g.u[i] = before
	}
	u := g.u[s.Q:]
	for t := range u {
		u[t] = theta[at.omega]
	}
	for i, shock := range g.shocks {
		add(u, theta[at.alpha+i], g.lag(shock.value, s.P, i))
		if i < s.O && s.Model == Power {
			add(u, theta[at.gamma+i], g.lag(shock.fallen, s.P, i))
		}
	}
}

func add(to []float64, a float64, x []float64) {
	x = x[:len(to)]
	for t := range to {
		to[t] += a * x[t]
	}
}

// recur filters u and the columns by β.
func (g *engine) recur(theta []float64) {
	s, at := g.spec, g.at
	for i, c := range g.columns {
		if clear(c[:s.Q]); i == at.delta {
			half := math.Log(g.start) / 2
			for j := range s.Q { // the past's own slope
				c[j] = math.Exp(theta[at.delta]*half) * half
			}
		}
	}
	ones := g.columns[at.omega][s.Q:]
	for t := range ones {
		ones[t] = 1
	}
	first := []int{at.omega}
	for i, shock := range g.shocks {
		copy(g.columns[at.alpha+i][s.Q:], g.lag(shock.value, s.P, i))
		first = append(first, at.alpha+i)
		if i < s.O {
			g.asymmetric(theta, i)
			first = append(first, at.gamma+i)
		}
	}
	if at.delta >= 0 {
		g.byPower(theta)
		first = append(first, at.delta)
	}
	beta := theta[at.beta : at.beta+s.Q]
	if s.Q == 1 && len(first) < 4 {
		group := [3][]float64{g.idle[0], g.idle[0], g.idle[1]}
		for i, column := range first {
			group[i] = g.columns[column]
		}
		first5(g.u, group[0], group[1], group[2], g.columns[at.beta], beta[0])
		return
	}
	chains := [][]float64{g.u}
	for _, i := range first {
		chains = append(chains, g.columns[i])
	}
	chains = g.four(chains, beta)
	for _, c := range chains {
		filter(c, nil, nil, nil, beta)
	}
	var last [][]float64
	for j := range s.Q {
		c := g.columns[at.beta+j]
		copy(c[s.Q:], g.lag(g.u, s.Q, j))
		last = append(last, c)
	}
	for _, c := range g.four(last, beta) {
		filter(c, nil, nil, nil, beta)
	}
}

// four filters columns by fours, twos as they come, and returns what is left over.
func (g *engine) four(columns [][]float64, beta []float64) [][]float64 {
	for len(columns) > 1 {
		group := [4][]float64{2: g.idle[0], 3: g.idle[1]}
		columns = columns[copy(group[:], columns):]
		filter(group[0], group[1], group[2], group[3], beta)
	}
	return columns
}

// filter adds to each day its past by β, in place, for up to four columns in step:
// one column waits for its own last sum, four wait together.
func filter(a, b, c, d, beta []float64) {
	q := len(beta)
	switch {
	case q == 0:
	case q == 1 && b == nil:
		v := a[0]
		for t := 1; t < len(a); t++ {
			v = a[t] + beta[0]*v
			a[t] = v
		}
	// The sums of a gradient: four columns in one pass, their last values in registers. The slices are cut to one
	// length, so that the loop has no bounds to check.
	case q == 1 && d != nil:
		w, v, x, y, z := beta[0], a[0], b[0], c[0], d[0]
		b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
		for t := 1; t < len(a); t++ {
			v, x, y, z = a[t]+w*v, b[t]+w*x, c[t]+w*y, d[t]+w*z
			a[t], b[t], c[t], d[t] = v, x, y, z
		}
	case q == 2 && d != nil:
		first, second := beta[0], beta[1]
		b, c, d = b[:len(a)], c[:len(a)], d[:len(a)]
		for t := 2; t < len(a); t++ {
			a[t] += second*a[t-2] + first*a[t-1]
			b[t] += second*b[t-2] + first*b[t-1]
			c[t] += second*c[t-2] + first*c[t-1]
			d[t] += second*d[t-2] + first*d[t-1]
		}
	default:
		for _, column := range [4][]float64{a, b, c, d} {
			for t := q; t < len(column); t++ {
				sum := column[t]
				for j := q - 1; j >= 0; j-- {
					sum += beta[j] * column[t-1-j]
				}
				column[t] = sum
			}
		}
	}
}

// first5 filters u and three columns with one lag, and with them the column of β,
// which adds the u of the day before.
func first5(u, a, b, c, last []float64, beta float64) {
	a, b, c, last = a[:len(u)], b[:len(u)], c[:len(u)], last[:len(u)]
	v, x, y, z, by := u[0], a[0], b[0], c[0], last[0]
	for t := 1; t < len(u); t++ {
		by = v + beta*by
		v, x, y, z = u[t]+beta*v, a[t]+beta*x, b[t]+beta*y, c[t]+beta*z
		u[t], a[t], b[t], c[t], last[t] = v, x, y, z, by
	}
}

// standardise fills z² and what else the law asks for; it gives Σ ln h, and false
// where the variance leaves what can be counted in.
func (g *engine) standardise(theta []float64) (sumL float64, ok bool) {
	power := g.power(theta)
	u, inverse := g.u[g.spec.Q:], g.inverse
	sided := g.spec.Law == Hansen || g.spec.Law == SkewT
	logs := logProduct{product: 1}
	squares, q := g.squares[:len(u)], g.q[:len(u)]
	for t, v := range u {
		// Inside it a product of some variances stays a number, from which logarithms are taken together.
		if !(v > 1e-10 && v < 1e10) {
			return 0, false
		}
		by := 1 / v
		inverse[t] = by
		switch {
		case g.logH != nil:
			l := 2 / power * stats.Log(v)
			g.logH[t] = l
			sumL += l
			if sided {
				g.z[t] = g.e[t] * stats.Exp(-l/2)
				q[t] = g.z[t] * g.z[t]
			} else {
				q[t] = squares[t] * stats.Exp(-l)
			}
			continue
		case power == 1:
			g.z[t], q[t] = g.e[t]*by, squares[t]*by*by
		default:
			if q[t] = squares[t] * by; sided {
				g.z[t] = g.e[t] * math.Sqrt(by)
			}
		}
		if g.logZ == nil {
			logs.add(t, v)
		}
	}
	if g.logZ != nil {
		logs = logProduct{product: 1}
		for t, v := range u {
			l := stats.Log(v)
			g.logZ[t] = g.logs[t] - 2/power*l
			logs.sum += l
		}
	}
	if g.logH == nil {
		sumL = 2 / power * logs.total()
	}
	return sumL, true
}

// accumulate fills gradient and Hessian.
func (g *engine) accumulate(theta []float64, out *garch.Point) {
	s, at, k := g.spec, g.at, g.at.size
	power := g.power(theta)
	u, law := g.u[s.Q:], g.law
	scale := 2 / power
	byL, byLL, inverse := law.byL[:len(u)], law.byLL[:len(u)], g.inverse[:len(u)]
	byU, weight := g.byU[:len(u)], g.weight[:len(u)]
	for t, v := range byL {
		c := scale * inverse[t]
		byU[t] = c * v
		weight[t] = c * c * (byLL[t] - power/2*v)
	}
	g.backwards(theta)
	n := g.n
	h := out.Hessian
	clear(h)
	both := func(i, j int, v float64) { // on the diagonal twice
		h[i*k+j] += v
		h[j*k+i] += v
	}
	for i, c := range g.columns { // ∂²F/∂β∂u = 1
		for j := range s.Q {
			both(at.beta+j, i, dot(g.l[:n], g.lag(c, s.Q, j)))
		}
	}
	if s.Model == APARCH {
		g.bendShocks(theta, both)
	}
	for i, c := range g.columns {
		c = c[s.Q:]
		out.Gradient[i] = dot(g.byU, c)
		weighed, c := g.mixed, c[:n]
		for t, v := range weight {
			weighed[t] = v * c[t]
		}
		j := 0
		for ; j+1 < i; j += 2 {
			v, w := dots(weighed, g.columns[j][s.Q:], g.columns[j+1][s.Q:])
			both(i, j, v)
			both(i, j+1, w)
		}
		if j < i {
			v, w := dots(weighed, g.columns[j][s.Q:], c)
			both(i, j, v)
			h[i*k+i] += w
		} else {
			h[i*k+i] += dot(weighed, c)
		}
	}
	for i := at.shape; i < k; i++ {
		for t, v := range law.byLS[i-at.shape] {
			g.mixed[t] = scale * inverse[t] * v
		}
		for j, c := range g.columns {
			both(i, j, dot(g.mixed, c[s.Q:]))
		}
		out.Gradient[i] = law.sumS[i-at.shape]
		h[i*k+i] = law.sumSS[2*(i-at.shape)]
	}
	if k-at.shape == 2 {
		both(at.shape, at.shape+1, law.sumSS[1])
	}
}

// backwards fills λ, with days after the last of which there is nothing.
func (g *engine) backwards(theta []float64) {
	n, q := g.n, g.spec.Q
	clear(g.l[n:])
	switch beta := theta[g.at.beta : g.at.beta+q]; q {
	case 1:
		v, b := 0.0, beta[0]
		for t := n - 1; t >= 0; t-- {
			v = g.byU[t] + b*v
			g.l[t] = v
		}
	default:
		for t := n - 1; t >= 0; t-- {
			sum := g.byU[t]
			for j := q - 1; j >= 0; j-- {
				sum += beta[j] * g.l[t+1+j]
			}
			g.l[t] = sum
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

// dots are two of them with one factor in common.
func dots(a, b, c []float64) (p, q float64) {
	b, c = b[:len(a)], c[:len(a)]
	var v, w, x, y float64
	t := 0
	for ; t+2 <= len(a); t += 2 {
		i, j, k := a[t:t+2:t+2], b[t:t+2:t+2], c[t:t+2:t+2]
		v += i[0] * j[0]
		w += i[1] * j[1]
		x += i[0] * k[0]
		y += i[1] * k[1]
	}
	if t < len(a) {
		v += a[t] * b[t]
		x += a[t] * c[t]
	}
	return v + w, x + y
}

// scores are the days' gradients by parameter, for the outer products.
func (g *engine) scores(theta []float64) [][]float64 {
	g.law.bend(g.spec.Law, theta[g.at.shape:], g.z, g.q, g.logZ, true)
	out := make([][]float64, g.at.size)
	for i := range out {
		if i >= g.at.shape {
			out[i] = g.law.byS[i-g.at.shape]
			continue
		}
		out[i] = make([]float64, g.n)
		for t, v := range g.columns[i][g.spec.Q:] {
			out[i][t] = g.byU[t] * v
		}
	}
	return out
}

func (g *engine) last() []float64 { return g.lastly }

// days are the variances of the last point.
func (g *engine) days() (h []float64, next float64) {
	power := g.power(g.theta)
	variance := func(u float64) float64 {
		switch power {
		case 2:
			return u
		case 1:
			return u * u
		}
		return math.Pow(u, 2/power)
	}
	h = make([]float64, g.n)
	for t, u := range g.u[g.spec.Q:] {
		h[t] = variance(u)
	}
	return h, variance(g.next(g.theta))
}

// outer is the sum of the outer products of the scores, in the coordinates of surface.
func (g *engine) outer() []float64 {
	return outerOf(g.scores(g.theta), g.at, g.theta[g.at.omega])
}

// outerOf takes ω for its logarithm.
func outerOf(scores [][]float64, at places, omega float64) []float64 {
	k := at.size
	out := make([]float64, k*k)
	for i := range k {
		for j := i; j < k; j++ {
			v := dot(scores[i], scores[j])
			if i == at.omega {
				v *= omega
			}
			if j == at.omega {
				v *= omega
			}
			out[i*k+j], out[j*k+i] = v, v
		}
	}
	return out
}

// next is u of the day after the last.
func (g *engine) next(theta []float64) float64 {
	s, at := g.spec, g.at
	u := theta[at.omega]
	for i, shock := range g.shocks {
		last := s.P + g.n - 1 - i
		u += theta[at.alpha+i] * shock.value[last]
		if i < s.O && s.Model == Power {
			u += theta[at.gamma+i] * shock.fallen[last]
		}
	}
	for j := range s.Q {
		u += theta[at.beta+j] * g.u[s.Q+g.n-1-j]
	}
	return u
}
