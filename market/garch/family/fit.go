package family

import (
	"context"
	"fmt"
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
	"github.com/aqsha/aqsha/market/stats"
)

// leastN observations a fit accepts.
const leastN = 100

// Parameter with its standard errors; null where a bound holds it.
type Parameter struct {
	Name      string   `json:"name"`
	Value     float64  `json:"value"`
	SEHessian *float64 `json:"se_hessian"`
	SERobust  *float64 `json:"se_robust"`
}

// Fit is an estimated model; variances are in the square of the returns' unit.
type Fit struct {
	Spec       Spec        `json:"spec"`
	N          int         `json:"n"`
	Parameters []Parameter `json:"parameters"`
	LogLik     float64     `json:"log_lik"`
	AIC        float64     `json:"aic"`
	BIC        float64     `json:"bic"`
	// Persistence of the variance: Σα + γ/2 + β (power 2), ρ (component); null for others.
	Persistence *float64  `json:"persistence"`
	HLast       float64   `json:"h_last"`
	HNext       float64   `json:"h_next"`
	Converged   bool      `json:"converged"`
	Decrement   float64   `json:"decrement"`
	Iterations  int       `json:"iterations"`
	Bound       []string  `json:"boundary"`
	Starts      []float64 `json:"starts"` // log-likelihood that each start reached
	Warnings    []string  `json:"warnings,omitempty"`

	Variances []float64 `json:"-"`
	Residuals []float64 `json:"-"` // standardised

	law       Law
	parameter []float64 // of the law
}

// Value of a parameter by name; NaN if the model has none.
func (f *Fit) Value(name string) float64 {
	for _, p := range f.Parameters {
		if p.Name == name {
			return p.Value
		}
	}
	return math.NaN()
}

// Estimate fits the model to returns, with a linear mean of the named columns.
func Estimate(ctx context.Context, y []float64, mean Mean, spec Spec) (*Fit, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, err
	}
	if len(mean.Columns) != len(mean.Names) {
		return nil, fmt.Errorf("%d columns of the mean and %d names", len(mean.Columns), len(mean.Names))
	}
	if err := stats.Finite("returns", y, leastN); err != nil {
		return nil, err
	}
	for i, c := range mean.Columns {
		if len(c) != len(y) {
			return nil, market.Refuse("mean", mean.Names[i], "%d values beside %d returns", len(c), len(y))
		}
		if err := stats.Finite(mean.Names[i], c, leastN); err != nil {
			return nil, err
		}
	}
	start, scale, err := mean.start(y)
	if err != nil {
		return nil, err
	}
	// In units of its own deviation, so that bounds and steps mean the same for percent and for fractions.
	scaled := make([]float64, len(y))
	for i, v := range y {
		scaled[i] = v / scale
	}
	columns, units := mean.scaled()
	for i := range start {
		start[i] *= units[i] / scale
	}
	if spec.exact(len(columns)) {
		return estimateExact(ctx, newBare(spec, scaled), scale)
	}
	return newProblem(spec, scaled, columns, mean.Names, start).estimate(ctx, start, scale, units)
}

// estimate climbs from every start by outer products of the gradient, and from the best
// to the top by differences of the gradient.
func (p *problem) estimate(ctx context.Context, start []float64, scale float64, units []float64) (*Fit, error) {
	best, reported, err := p.climb(ctx, start)
	if err != nil {
		return nil, err
	}
	f := p.fitted(best, scale, units)
	for _, value := range reported {
		f.Starts = append(f.Starts, value-float64(len(p.y))*math.Log(scale))
	}
	return f, nil
}

// climb gives the highest top and what each start reached before the last climb.
func (p *problem) climb(ctx context.Context, start []float64) (best garch.Top, reported []float64, err error) {
	bounds := p.bounds()
	for i, from := range p.starts(start) {
		if err := ctx.Err(); err != nil {
			return best, nil, err
		}
		last := math.Inf(-1)
		top := garch.Climb(p.coarse, from, bounds, func(_ []float64, value float64) bool {
			done := value-last < 0.02
			last = value
			return done
		})
		reported = append(reported, top.Point.Value)
		if i == 0 || top.Point.Value > best.Point.Value {
			best = top
		}
	}
	if math.IsInf(best.Point.Value, 0) || math.IsNaN(best.Point.Value) {
		return best, nil, market.Refuse("no-optimum", "returns", "no start reached a finite likelihood")
	}
	coarse := best.Iterations
	best = garch.Climb(p.fine, best.Theta, bounds, nil)
	best.Iterations += coarse
	return best, reported, nil
}

// starts in the scaled series: persistent and jumpy. A model with two lags of
// the variance may peak twice, so one start leans on the second lag.
func (p *problem) starts(mean []float64) [][]float64 {
	s, at := p.spec, p.at
	base := make([]float64, at.size)
	copy(base, mean)
	for i, shape := range p.shapes {
		base[at.shape+i] = shape.start
	}
	var out [][]float64
	add := func(set func(theta []float64)) {
		theta := append([]float64(nil), base...)
		set(theta)
		out = append(out, theta)
	}
	a := at.alpha
	switch s.Model {
	case FIGARCH:
		for _, v := range [][3]float64{{0.2, 0.4, 0.5}, {0.1, 0.2, 0.25}} {
			add(func(theta []float64) { theta[at.omega], theta[a], theta[a+1], theta[a+2] = 0.1, v[0], v[1], v[2] })
		}
		return out
	case Component:
		for _, v := range [][4]float64{{0.99, 0.03, 0.06, 0.8}, {0.97, 0.05, 0.1, 0.5}} {
			add(func(theta []float64) {
				theta[at.omega], theta[a], theta[a+1], theta[a+2], theta[a+3] = 1, v[0], v[1], v[2], v[3]
			})
		}
		return out
	}
	leans := []int{0}
	if s.Q > 1 {
		leans = append(leans, s.Q-1)
	}
	for _, lean := range leans {
		for _, v := range [][2]float64{{0.05, 0.90}, {0.12, 0.82}} {
			add(func(theta []float64) {
				for i := range s.P {
					theta[a+i] = v[0] / float64(s.P)
				}
				for j := range s.Q {
					theta[at.beta+j] = 0.1 * v[1] / float64(max(1, s.Q-1))
				}
				if s.Q > 0 {
					theta[at.beta+lean] = 0.9 * v[1]
				}
				if s.Q == 1 {
					theta[at.beta] = v[1]
				}
				// The variance of the scaled series is one: ω is what makes it so.
				theta[at.omega] = 1 - v[0] - v[1]
				if s.Integrated {
					theta[at.beta] += persistent - v[0] - v[1]
				}
				if at.delta >= 0 {
					theta[at.delta] = 1.5
				}
			})
			if s.Integrated {
				break
			}
		}
	}
	return out
}

// fitted turns the top of the climb into figures of the series as it came.
func (p *problem) fitted(top garch.Top, scale float64, units []float64) *Fit {
	k, n := p.at.size, len(p.y)
	hessian, point := make([]float64, k*k), garch.Point{Gradient: make([]float64, k)}
	p.difference(top.Theta, hessian)
	p.likelihood(top.Theta, &point)
	f := p.figures(top, scale, units, hessian, p.outer())
	for t := range n {
		h := p.path.sd[t] * p.path.sd[t]
		f.Variances = append(f.Variances, h*scale*scale)
		f.Residuals = append(f.Residuals, p.e[t]/math.Sqrt(h))
	}
	f.HLast, f.HNext = f.Variances[n-1], p.next(top.Theta)*scale*scale
	return f
}

// figures are the fit's but for the days': hessian and outer products by the coordinates at the top.
func (p *problem) figures(top garch.Top, scale float64, units, hessian, outer []float64) *Fit {
	k, n := p.at.size, len(p.y)
	value, slope := make([]float64, k), make([]float64, k) // of each parameter, and by its coordinate
	power := p.spec.Exp
	if p.at.delta >= 0 {
		power = top.Theta[p.at.delta]
	}
	if p.spec.Model == FIGARCH || p.spec.Model == Component {
		power = 2
	}
	for i, x := range top.Theta {
		value[i], slope[i] = x, 1
		switch {
		case i < len(p.columns):
			value[i], slope[i] = x*scale/units[i], scale/units[i]
		case i == p.at.omega:
			value[i], slope[i] = x*math.Pow(scale, power), math.Pow(scale, power)
		case i >= p.at.shape:
			s := p.shapes[i-p.at.shape]
			value[i], slope[i] = s.out(x), s.slope(x)
		}
	}
	logLik := top.Point.Value - float64(n)*math.Log(scale)
	f := &Fit{Spec: p.spec, N: n, LogLik: logLik, AIC: 2*float64(k) - 2*logLik,
		BIC:       float64(k)*math.Log(float64(n)) - 2*logLik,
		Converged: top.Converged, Decrement: top.Decrement, Iterations: top.Iterations, Bound: top.Bound,
		law: p.spec.Law, parameter: p.parameters(top.Theta)}
	var plainSE, robust []float64
	if len(top.Bound) == 0 && top.Converged {
		plainSE, robust = garch.Covariance(hessian, outer, k)
	}
	for i := range k {
		out := Parameter{Name: p.at.names[i], Value: value[i]}
		if plainSE != nil {
			a, b := slope[i]*math.Sqrt(plainSE[i*k+i]), slope[i]*math.Sqrt(robust[i*k+i])
			out.SEHessian, out.SERobust = &a, &b
		}
		f.Parameters = append(f.Parameters, out)
	}
	p.remarks(f)
	return f
}

// next is the variance of the day after the last: the recursion on a series
// with one day more, whose own return is not used.
func (p *problem) next(theta []float64) float64 {
	columns := make([][]float64, len(p.columns))
	for i, c := range p.columns {
		columns[i] = append(append([]float64(nil), c...), 0)
	}
	longer := newProblem(p.spec, append(append([]float64(nil), p.y...), 0), columns, p.at.names[:len(p.columns)], theta)
	longer.back, longer.backPower = p.back, p.backPower
	if !longer.recursion(theta) {
		return math.NaN()
	}
	sd := longer.path.sd[len(p.y)]
	return sd * sd
}

// remarks say of a fit what its parameters do not: the persistence, where the model has one, and why there are no
// standard errors.
func (p *problem) remarks(f *Fit) {
	s := p.spec
	sum := 0.0
	switch {
	case s.Model == Component:
		sum = f.Value("rho")
	case s.Model == Power && s.Exp == 2:
		for i, name := range p.at.names[:p.at.shape] {
			switch {
			case i >= p.at.gamma && i < p.at.beta && s.O > 0:
				sum += f.Value(name) / 2
			case i >= p.at.alpha:
				sum += f.Value(name)
			}
		}
	default:
		sum = math.NaN()
	}
	if !math.IsNaN(sum) {
		f.Persistence = &sum
	}
	if !f.Converged {
		f.Warnings = append(f.Warnings, "the climb did not converge: no standard errors")
	}
	if len(f.Bound) > 0 {
		f.Warnings = append(f.Warnings, "a bound holds a parameter: no standard errors")
	}
}
