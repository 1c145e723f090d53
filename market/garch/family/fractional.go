package family

import (
	"math"

	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/stats"
)

// fractional evaluates FIGARCH without a fitted mean, with exact derivatives. The first
// derivatives of h are the recursion's. Their own derivatives are not carried along:
// h = Σλᵢe²_{t−1−i} is linear in λ, so Σ ∂ℓ/∂h·∂²h is Σ Cᵢ·∂²λᵢ, with C the sums of ∂ℓ/∂h
// against the squares by lag, which one transform gives. Its coordinates have ln ω.
type fractional struct {
	p       *problem
	law     *bends
	z, q    []float64
	logZ    []float64
	byH     []float64
	against []float64
	theta   []float64
	lastly  []float64
}

// newFractional prepares the likelihood with its curvature, for a series whose mean is taken off already.
func newFractional(spec Spec, y []float64) *fractional {
	p := newProblem(spec, y, nil, nil, nil)
	n := len(y)
	array := func(before int) []float64 { return make([]float64, before+n) }
	g := &fractional{p: p, law: newBends(array, p.at.size-p.at.shape), z: array(0), q: array(0), byH: array(0),
		against: make([]float64, truncation)}
	if spec.Law == GED {
		g.logZ = array(0)
	}
	return g
}

func (g *fractional) last() []float64 { return g.lastly }

// surface is the likelihood at a point, with gradient and curvature where they are asked for; −∞ where there is none.
func (g *fractional) surface(x []float64, out *garch.Point) {
	p, omega := g.p, g.p.at.omega
	g.lastly = append(g.lastly[:0], x...)
	g.theta = append(g.theta[:0], x...)
	g.theta[omega] = math.Exp(x[omega])
	out.Value = math.Inf(-1)
	if !p.recursion(g.theta) {
		return
	}
	for t, sd := range p.path.sd {
		z := p.e[t] / sd
		g.z[t], g.q[t] = z, z*z
		if g.logZ != nil {
			g.logZ[t] = stats.Log(max(z*z, 1e-300))
		}
	}
	g.law.bend(p.spec.Law, g.theta[p.at.shape:], g.z, g.q, g.logZ, false)
	value := g.law.value - p.path.sumLogH/2
	if math.IsNaN(value) {
		return
	}
	if out.Value = value; out.Hessian == nil {
		g.lastly = g.lastly[:0]
		return
	}
	g.accumulate(out)
	intoLog(out, omega, g.theta[omega])
}

// accumulate fills gradient and Hessian by ω, φ, d, β and the shape.
func (g *fractional) accumulate(out *garch.Point) {
	p, law := g.p, g.law
	k, shape, h := p.at.size, p.at.shape, out.Hessian
	clear(h)
	clear(out.Gradient)
	for t, u := range p.u {
		d := p.path.d[t*k : t*k+shape] // of ln h
		byL, weight := law.byL[t], law.byLL[t]-law.byL[t]
		g.byH[t] = byL / u
		for i, v := range d {
			out.Gradient[i] += byL * v
			w := weight * v
			for j := range i + 1 {
				h[i*k+j] += w * d[j]
			}
			for s := shape; s < k; s++ {
				h[s*k+i] += law.byLS[s-shape][t] * v
			}
		}
	}
	for i := shape; i < k; i++ {
		out.Gradient[i] = law.sumS[i-shape]
		h[i*k+i] = law.sumSS[2*(i-shape)]
	}
	if k-shape == 2 {
		h[(k-1)*k+k-2] = law.sumSS[1]
	}
	g.bendWeights(h)
	for i := range k {
		for j := range i {
			h[j*k+i] = h[i*k+j]
		}
	}
}

// bendWeights adds Σ ∂ℓ/∂h·∂²h to the lower triangle.
func (g *fractional) bendWeights(h []float64) {
	p := g.p
	k, a, omega := p.at.size, p.at.alpha, p.at.omega
	phi, d, beta := g.theta[a], g.theta[a+1], g.theta[a+2]
	p.fft.against(g.byH, g.against)
	total := 0.0
	for i := range g.against { // and the squares before the first day
		if i < len(g.byH) {
			total += g.byH[i]
		}
		g.against[i] += p.back * total
	}
	for i := truncation; i < len(g.byH); i++ {
		total += g.byH[i]
	}
	rest := 1 / (1 - beta) // h has ω/(1−β)
	h[(a+2)*k+omega] += total * rest * rest
	h[(a+2)*k+a+2] += total * 2 * g.theta[omega] * rest * rest * rest
	// λᵢ = βλᵢ₋₁ + δᵢ − φδᵢ₋₁, differentiated once and twice
	delta, slope, bend := d, 1.0, 0.0 // δ and its derivatives by d
	byPhi, byD, byBeta := 1.0, 1.0, -1.0
	var phiD, phiBeta, dD, dBeta, betaBeta float64
	var sums [5]float64
	for i := 1; i < truncation; i++ {
		x := float64(i)
		phiD, phiBeta = beta*phiD-slope, beta*phiBeta+byPhi
		dBeta, betaBeta = beta*dBeta+byD, beta*betaBeta+2*byBeta
		lambdaBefore := p.lambda[i-1]
		byPhi = beta*byPhi - delta
		before, slopeBefore, bendBefore := delta, slope, bend
		delta = (x - d) / (x + 1) * before
		slope = ((x-d)*slopeBefore - before) / (x + 1)
		bend = ((x-d)*bendBefore - 2*slopeBefore) / (x + 1)
		byD = beta*byD + slope - phi*slopeBefore
		byBeta = beta*byBeta + lambdaBefore
		dD = beta*dD + bend - phi*bendBefore
		c := g.against[i]
		for j, v := range [5]float64{phiD, phiBeta, dD, dBeta, betaBeta} {
			sums[j] += c * v
		}
	}
	for j, place := range [5][2]int{{a + 1, a}, {a + 2, a}, {a + 1, a + 1}, {a + 2, a + 1}, {a + 2, a + 2}} {
		h[place[0]*k+place[1]] += sums[j]
	}
}

// outer is the sum of the outer products of the days' gradients.
func (g *fractional) outer() []float64 {
	p := g.p
	g.law.bend(p.spec.Law, g.theta[p.at.shape:], g.z, g.q, g.logZ, true)
	scores := make([][]float64, p.at.size)
	for i := range scores {
		if i >= p.at.shape {
			scores[i] = g.law.byS[i-p.at.shape]
			continue
		}
		scores[i] = make([]float64, len(p.u))
		for t := range p.u {
			scores[i][t] = g.law.byL[t] * p.path.d[t*p.at.size+i]
		}
	}
	return outerOf(scores, p.at, g.theta[p.at.omega])
}

// days are the variances of the last point.
func (g *fractional) days() (h []float64, next float64) {
	p := g.p
	n := len(p.u)
	next = g.theta[p.at.omega] / (1 - g.theta[p.at.alpha+2])
	for i, w := range p.lambda {
		square := p.back
		if i < n {
			square = p.squares[n-1-i]
		}
		next += w * square
	}
	return append([]float64(nil), p.u...), next
}
