package garch

import (
	"math"

	"gonum.org/v1/gonum/mathext"

	"github.com/aqsha/aqsha/market/stats"
)

// Student is Student's t with location, scale (not a standard deviation) and
// degrees of freedom, fitted to returns without any dynamics.
type Student struct {
	Mu     float64 `json:"mu"`
	Sigma  float64 `json:"sigma"`
	Nu     float64 `json:"nu"`
	LogLik float64 `json:"loglik"`
}

// LeastNu is the lower bound of the static fit's ν: just above one, where the
// mean ceases to exist.
const LeastNu = 1.01

// maxStatic bounds ν above; a normal sample would send it to infinity.
const maxStatic = 1e4

// FitStudent maximises the likelihood in (μ, ln σ, ln(ν−1.01)) by the same
// Newton method as the GARCH fits.
func FitStudent(r []float64) (Student, error) {
	m, err := stats.Describe(r)
	if err != nil {
		return Student{}, err
	}
	z := make([]float64, len(r))
	for i, v := range r {
		z[i] = (v - m.Mean) / m.SD
	}
	rows := []constraint{{"nu at its least", []float64{0, 0, -1}, -math.Log(1e-6)},
		{"nu at its most", []float64{0, 0, 1}, math.Log(maxStatic)}}
	var best *climb
	for _, nu := range []float64{4, 2.2} {
		start := []float64{0, math.Log(0.7), math.Log(nu - LeastNu)}
		c := maximise(func(x []float64, out *evaluation) { studentLikelihood(z, x, out) }, start, rows, nil)
		if best == nil || c.eval.value > best.eval.value {
			best = c
		}
	}
	x := best.theta
	return Student{m.Mean + m.SD*x[0], m.SD * math.Exp(x[1]), LeastNu + math.Exp(x[2]),
		best.eval.value - float64(len(r))*math.Log(m.SD)}, nil
}

// studentLikelihood is the log-likelihood of Student's t with mean, scale and degrees of freedom, its gradient and
// Hessian, in one pass. The parameters are μ, ln σ and ln(ν − LeastNu), so that every step of the search is within
// bounds; chain turns derivatives by ν into those by its logarithm.
func studentLikelihood(r, x []float64, out *evaluation) {
	mu, sigma, chain := x[0], math.Exp(x[1]), math.Exp(x[2])
	nu, n := LeastNu+chain, float64(len(r))
	var value, gm, gs, gn, mm, ms, ss, mn, sn, nn float64
	for _, v := range r {
		z := (v - mu) / sigma
		q := z * z
		w := nu + q
		a, bend := (nu+1)/w, 2*q*(nu+1)/(w*w)
		log, tail := math.Log1p(q/nu), q/(nu*w)
		value -= (nu + 1) / 2 * log
		gm += a * z / sigma
		gs += a*q - 1
		gn += (nu+1)/2*tail - log/2
		mm += (bend - a) / (sigma * sigma)
		ms += (bend - 2*a) * z / sigma
		ss += (bend - 2*a) * q
		mn += (q - 1) / (w * w) * z / sigma
		sn += (q - 1) / (w * w) * q
		nn += tail - (nu+1)/2*tail*(2*nu+q)/(nu*w)
	}
	out.value = value + n*(lgamma((nu+1)/2)-lgamma(nu/2)-math.Log(math.Pi*nu)/2-x[1])
	gn += n * ((mathext.Digamma((nu+1)/2)-mathext.Digamma(nu/2))/2 - 1/(2*nu))
	// Digamma and trigamma are of ν alone, once for all days; the terms of the days are summed above.
	nn += n * ((trigamma((nu+1)/2)-trigamma(nu/2))/4 + 1/(2*nu*nu))
	out.gradient[0], out.gradient[1], out.gradient[2] = gm, gs, gn*chain
	copy(out.hessian, []float64{mm, ms, mn * chain, ms, ss, sn * chain, mn * chain, sn * chain,
		nn*chain*chain + gn*chain})
	if math.IsNaN(out.value) {
		out.value = math.Inf(-1)
	}
}
