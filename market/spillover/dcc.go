package spillover

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
)

// DCC is a fit of Engle's (2002) dynamic conditional correlation, in two steps:
// a GARCH(1,1) a market, then
// Q_t = (1 − a − b)S + a·z_{t−1}z_{t−1}ᵀ + b·Q_{t−1}, Q_1 = S, S the mean of zzᵀ.
type DCC struct {
	Names     []string     `json:"names"`
	A         float64      `json:"a"`
	B         float64      `json:"b"`
	LogLik    float64      `json:"log_lik"` // of the correlations alone
	Constant  float64      `json:"log_lik_constant"`
	Last      [][]float64  `json:"last"`      // correlations of the last day
	Next      [][]float64  `json:"next"`      // forecast of the day after
	Mean      [][]float64  `json:"mean"`      // over the days
	Converged bool         `json:"converged"` // of the second step
	Paths     [][]float64  `json:"-"`         // of each pair i < j, row after row
	Margins   []*garch.Fit `json:"-"`         // the first step
}

// Correlate fits the model to returns in percent of common days.
func Correlate(ctx context.Context, names []string, columns [][]float64) (*DCC, error) {
	if len(columns) < 2 || len(columns) > MaxMarkets || len(names) != len(columns) {
		return nil, market.Refuse("spillover", "series", "%d series; want 2 to %d", len(columns), MaxMarkets)
	}
	out := &DCC{Names: names}
	z := make([][]float64, len(columns))
	for i, c := range columns {
		if len(c) != len(columns[0]) {
			return nil, market.Refuse("spillover", names[i], "has %d observations, %s has %d", len(c), names[0],
				len(columns[0]))
		}
		fit, err := garch.Estimate(ctx, c, garch.Spec{})
		if err != nil {
			return nil, err
		}
		out.Margins = append(out.Margins, fit)
		z[i] = fit.Residuals
	}
	return out, out.second(z)
}

// Dynamic runs the second step alone, on standardised residuals.
func Dynamic(names []string, z [][]float64) (*DCC, error) {
	out := &DCC{Names: names}
	return out, out.second(z)
}

// second maximises the likelihood of the correlations in a and b, which share keeps inside their triangle. Constant is
// the likelihood with a = b = 0, which is that of correlations that never change: twice the difference is how much the
// model gains by letting them move.
func (d *DCC) second(z [][]float64) error {
	w := newWalker(z)
	value := func(theta []float64) float64 {
		a, b := share(theta)
		return -w.walk(a, b, nil) / float64(len(z[0]))
	}
	// A flat likelihood has several tops: the best of a grid is climbed from.
	type start struct{ a, b, value float64 }
	var grid []start
	for _, a := range []float64{0.003, 0.01, 0.03, 0.08, 0.2} {
		for _, b := range []float64{0.2, 0.6, 0.85, 0.95, 0.985} {
			if a+b < 1 {
				grid = append(grid, start{a, b, -w.walk(a, b, nil)})
			}
		}
	}
	// Turned round: what has no value comes last.
	slices.SortStableFunc(grid, func(x, y start) int { return cmp.Compare(-y.value, -x.value) })
	best := math.Inf(1)
	for _, from := range grid[:3] {
		rest := 1 - from.a - from.b
		result, err := optimize.Minimize(optimize.Problem{Func: value},
			[]float64{math.Log(from.a / rest), math.Log(from.b / rest)},
			&optimize.Settings{FuncEvaluations: 600, Converger: &optimize.FunctionConverge{Absolute: 1e-12,
				Iterations: 30}},
			&optimize.NelderMead{SimplexSize: 0.3})
		if err != nil || result == nil || !(result.F < best) {
			continue
		}
		best = result.F
		d.A, d.B = share(result.X)
		d.Converged = result.Status == optimize.FunctionConvergence || result.Status == optimize.MethodConverge
	}
	if math.IsInf(best, 1) {
		return market.Refuse("spillover", "correlations",
			"the correlations of these series have no likelihood: is one of them another's multiple?")
	}
	d.Constant = w.walk(0, 0, nil)
	kept := &path{mean: square(len(z)), pairs: make([][]float64, len(z)*(len(z)-1)/2)}
	d.LogLik = w.walk(d.A, d.B, kept)
	d.Last, d.Next, d.Mean, d.Paths = kept.last, kept.next, kept.mean, kept.pairs
	return nil
}

// share keeps a, b and 1 − a − b above zero.
func share(theta []float64) (a, b float64) {
	x, y := math.Exp(theta[0]), math.Exp(theta[1])
	return x / (1 + x + y), y / (1 + x + y)
}

// square is a k×k matrix of zeros.
func square(k int) [][]float64 {
	out := make([][]float64, k)
	for i := range out {
		out[i] = make([]float64, k)
	}
	return out
}

// path keeps the correlations of a walk.
type path struct {
	last, next, mean [][]float64
	pairs            [][]float64
}

// walker walks over standardised residuals in memory of its own: lower
// triangles, row after row.
type walker struct {
	z           [][]float64 // by market
	k, n        int
	s, q, l     []float64 // mean product, Q, and the factor of the correlations
	now, solved []float64
}

// newWalker computes S, the mean of zzᵀ, once: every walk begins with it.
func newWalker(z [][]float64) *walker {
	k := len(z)
	w := &walker{z: z, k: k, n: len(z[0]), s: make([]float64, k*(k+1)/2), q: make([]float64, k*(k+1)/2),
		l: make([]float64, k*(k+1)/2), now: make([]float64, k), solved: make([]float64, k)}
	at := 0
	for i := range k {
		for j := range i + 1 {
			for t := range w.n {
				w.s[at] += z[i][t] * z[j][t]
			}
			w.s[at] /= float64(w.n)
			at++
		}
	}
	return w
}

// correlation of i and j ≤ i by the present Q.
func (w *walker) correlation(i, j int) float64 {
	if i == j {
		return 1
	}
	diagonal := func(i int) float64 { return w.q[i*(i+1)/2+i] }
	return w.q[i*(i+1)/2+j] / math.Sqrt(diagonal(i)*diagonal(j))
}

// step moves Q past the day t.
func (w *walker) step(a, b float64, t int) {
	at := 0
	for i := range w.k {
		for j := range i + 1 {
			w.q[at] = (1-a-b)*w.s[at] + a*w.z[i][t]*w.z[j][t] + b*w.q[at]
			at++
		}
	}
}

// walk is the log-likelihood of the correlations, ½Σ(zᵀz − ln|R| − zᵀR⁻¹z): the
// part of the normal likelihood that the first step leaves open. −Inf where a
// correlation matrix is not positive definite.
func (w *walker) walk(a, b float64, keep *path) (logLik float64) {
	copy(w.q, w.s)
	for t := range w.n {
		if t > 0 {
			w.step(a, b, t-1)
		}
		// R = LLᵀ and Ly = z in one pass: zᵀR⁻¹z = yᵀy, ln|R| = 2Σ ln l_ii.
		determinant, squares, solved, at := 1.0, 0.0, 0.0, 0
		for i := range w.k {
			z := w.z[i][t]
			rest := z
			for j := range i + 1 {
				sum := w.correlation(i, j)
				for m := range j {
					sum -= w.l[at+m] * w.l[j*(j+1)/2+m]
				}
				if j < i {
					w.l[at+j] = sum / w.l[j*(j+1)/2+j]
					rest -= w.l[at+j] * w.solved[j]
					continue
				}
				if !(sum > 1e-12) {
					return math.Inf(-1)
				}
				determinant *= sum
				w.l[at+i] = math.Sqrt(sum)
			}
			w.solved[i] = rest / w.l[at+i]
			squares, solved = squares+z*z, solved+w.solved[i]*w.solved[i]
			at += i + 1
		}
		logLik += 0.5 * (squares - math.Log(determinant) - solved)
		if keep != nil {
			w.keep(keep)
		}
	}
	if keep != nil {
		keep.last = w.matrix()
		w.step(a, b, w.n-1)
		keep.next = w.matrix()
	}
	return logLik
}

// keep notes a day's correlations.
func (w *walker) keep(p *path) {
	for i, row := range w.matrix() {
		for j, r := range row {
			p.mean[i][j] += r / float64(w.n)
		}
	}
	pair := 0
	for i := range w.k {
		for j := i + 1; j < w.k; j++ {
			p.pairs[pair] = append(p.pairs[pair], w.correlation(j, i))
			pair++
		}
	}
}

// matrix of the present correlations.
func (w *walker) matrix() [][]float64 {
	out := square(w.k)
	for i := range w.k {
		for j := range i + 1 {
			out[i][j] = w.correlation(i, j)
			out[j][i] = out[i][j]
		}
	}
	return out
}
