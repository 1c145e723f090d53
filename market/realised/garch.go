package realised

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// Names of the parameters of realised GARCH, in order.
var Names = []string{"omega", "beta", "gamma", "xi", "phi", "tau1", "tau2", "sigma_u"}

// Garch is a fit of the log-linear realised GARCH(1,1):
//
//	r_t = μ + √h_t·z_t, ln h_t = ω + β ln h_{t−1} + γ ln x_{t−1},
//	ln x_t = ξ + φ ln h_t + τ₁z_t + τ₂(z_t² − 1) + u_t, u normal.
//
// μ is the mean of the returns; ln h of the first day is the mean of ln x,
// shifted to the returns' variance.
type Garch struct {
	N           int                `json:"n"`
	Parameters  map[string]float64 `json:"parameters"`
	Errors      map[string]float64 `json:"standard_errors,omitempty"` // of the Hessian; absent where it is not definite
	LogLik      float64            `json:"log_lik"`                   // of returns and measures
	ReturnsOnly float64            `json:"log_lik_returns"`           // of returns alone, to hold against other models
	Persistence float64            `json:"persistence"`               // β + φγ
	Next        float64            `json:"next_variance"`
	Converged   bool               `json:"converged"`
	Variances   []float64          `json:"-"`
}

// realisedProblem holds what the likelihood needs.
type realisedProblem struct {
	r, logX []float64
	first   float64 // ln h of the first day
}

// Estimate fits the model to returns and realised variances of the same days.
func Estimate(r, x []float64) (*Garch, error) {
	if err := stats.Finite("returns", r, 100); err != nil {
		return nil, err
	}
	if len(x) != len(r) {
		return nil, market.Refuse("realised", "measures", "%d returns and %d measures", len(r), len(x))
	}
	p := realisedProblem{r: make([]float64, len(r)), logX: make([]float64, len(x))}
	mean := stats.Mean(r)
	for i := range r {
		if !(x[i] > 0) || math.IsInf(x[i], 0) {
			return nil, market.Refuse("realised", "measures", "day %d: a variance of %g has no logarithm", i+1, x[i])
		}
		p.r[i], p.logX[i] = r[i]-mean, math.Log(x[i])
	}
	shift := math.Log(stats.Variance(r)) - stats.Mean(p.logX)
	p.first = stats.Mean(p.logX) + shift
	value := func(theta []float64) float64 {
		both, _, _ := p.likelihood(theta, nil)
		if math.IsNaN(both) {
			return math.Inf(1)
		}
		return -both / float64(len(r))
	}
	best := math.Inf(1)
	var top []float64
	out := &Garch{N: len(r), Parameters: map[string]float64{}}
	for _, start := range [][]float64{{0.1, 0.55, 0.4, -shift, 1, -0.05, 0.1, math.Log(0.5)},
		{0.02, 0.8, 0.18, -shift, 1, 0, 0.05, math.Log(0.7)}} {
		start[0] = (1-start[1]-start[2])*p.first + start[2]*shift // at rest on the mean
		// A line search that gives up before the top begins anew where it stopped.
		for range 3 {
			result, err := optimize.Minimize(optimize.Problem{Func: value, Grad: central(value)}, start,
				&optimize.Settings{GradientThreshold: 1e-9, MajorIterations: 500,
					Converger: &optimize.FunctionConverge{Absolute: 1e-13, Iterations: 10}}, &optimize.BFGS{})
			if result == nil {
				break
			}
			if result.F < best {
				best, top = result.F, slices.Clone(result.X)
			}
			if start = result.X; err == nil {
				break
			}
		}
	}
	if top == nil || math.IsInf(best, 0) {
		return nil, market.Refuse("realised", "measures", "the model has no likelihood on these days")
	}
	gradient := make([]float64, len(top))
	central(value)(gradient, top)
	out.Converged = true
	for _, g := range gradient {
		out.Converged = out.Converged && math.Abs(g) < 1e-5
	}
	out.Variances = make([]float64, len(r))
	out.LogLik, out.ReturnsOnly, out.Next = p.likelihood(top, out.Variances)
	for i, name := range Names {
		out.Parameters[name] = top[i]
	}
	out.Parameters["sigma_u"] = math.Exp(top[7])
	out.Persistence = top[1] + top[4]*top[2]
	out.Errors = errorsOf(value, top, float64(len(r)))
	return out, nil
}

// likelihood of both series and of the returns alone, and tomorrow's variance.
func (p *realisedProblem) likelihood(theta, variances []float64) (both, alone, next float64) {
	omega, beta, gamma, xi, phi, tau1, tau2 := theta[0], theta[1], theta[2], theta[3], theta[4], theta[5], theta[6]
	logU := theta[7]
	inverse := math.Exp(-2 * logU)
	logH := p.first
	for t, r := range p.r {
		h := math.Exp(logH)
		z := r / math.Sqrt(h)
		u := p.logX[t] - xi - phi*logH - tau1*z - tau2*(z*z-1)
		alone -= 0.5 * (math.Log(2*math.Pi) + logH + z*z)
		both -= 0.5 * (math.Log(2*math.Pi) + 2*logU + u*u*inverse)
		if variances != nil {
			variances[t] = h
		}
		logH = omega + beta*logH + gamma*p.logX[t]
	}
	return both + alone, alone, math.Exp(logH)
}

// central differences of a function.
func central(f func([]float64) float64) func(grad, x []float64) {
	return func(grad, x []float64) {
		at := slices.Clone(x)
		for i := range at {
			h := 1e-5 * max(1, math.Abs(x[i]))
			at[i] = x[i] + h
			up := f(at)
			at[i] = x[i] - h
			grad[i] = (up - f(at)) / (2 * h)
			at[i] = x[i]
		}
	}
}
