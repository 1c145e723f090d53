package regimes

import (
	"cmp"
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// MaxRegimes that are fitted.
const MaxRegimes = 4

// Fit is a maximum of the likelihood. Transition[i][j] is the probability of j
// after i; Smoothed[t][i] that of regime i at t given all observations.
type Fit struct {
	Regimes    int         `json:"regimes"`
	Means      []float64   `json:"means"`     // in the returns' unit
	Variances  []float64   `json:"variances"` // a period
	Transition [][]float64 `json:"transition"`
	Ergodic    []float64   `json:"ergodic"`   // share of time in the long run
	Durations  []float64   `json:"durations"` // expected, 1/(1 − p_ii) periods, at most the length of the series
	LogLik     float64     `json:"log_lik"`
	BIC        float64     `json:"bic"`
	Converged  bool        `json:"converged"`
	Smoothed   [][]float64 `json:"-"`
}

// Estimate fits k regimes. From several starts expectation–maximisation
// (Hamilton 1990) goes near a top; from the two best a quasi-Newton climb goes on,
// of the likelihood whose first regime is drawn from the ergodic distribution. A
// regime whose variance falls below a millionth of the series' is a spike on one
// value, and its start is dropped.
func Estimate(ctx context.Context, r []float64, k int) (*Fit, error) {
	if err := stats.Finite("returns", r, 50*max(k, 1)); err != nil {
		return nil, err
	}
	if k < 1 || k > MaxRegimes {
		return nil, market.Refuse("regimes", "regimes", "%d; want 1 to %d", k, MaxRegimes)
	}
	whole := stats.Variance(r)
	if !(whole > 0) {
		return nil, market.Refuse("constant", "returns", "the series is constant")
	}
	w := newPasses(len(r), k)
	type near struct {
		chain
		logLik float64
	}
	var tops []near
	for _, start := range starts(r, k) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, logLik := w.expect(r, start, whole)
		tops = append(tops, near{c, logLik})
	}
	// The highest first, and last what has no likelihood.
	slices.SortStableFunc(tops, func(a, b near) int { return cmp.Compare(b.logLik, a.logLik) })
	var best *Fit
	for i, top := range tops {
		if i >= 2 && best != nil { // further starts only where the best two run into one observation
			break
		}
		c, logLik, converged := w.climb(r, top.chain)
		if slices.Min(c.variance) < 1e-6*whole || math.IsNaN(logLik) {
			continue
		}
		if best == nil || logLik > best.LogLik+1e-9 {
			best = w.fit(c, r, converged)
		}
	}
	if best == nil {
		return nil, market.Refuse("regimes", "regimes", "no start of %d regimes ends inside its bounds", k)
	}
	return best, nil
}

// starts differ in how far apart the variances are and how lasting regimes. All begin at the series' mean; variances
// are spaced by the square of spread, around that of the series; and a day's regime goes on with the probability stay.
// One regime has one start.
func starts(r []float64, k int) (out []chain) {
	mean, variance := stats.Mean(r), stats.Variance(r)
	for _, spread := range []float64{2, 6} {
		for _, stay := range []float64{0.98, 0.85} {
			c := chain{make([]float64, k), make([]float64, k), make([][]float64, k)}
			for i := range k {
				c.mean[i] = mean
				c.variance[i] = variance * math.Pow(spread, float64(2*i-(k-1)))
				c.p[i] = make([]float64, k)
				for j := range k {
					c.p[i][j] = (1 - stay) / float64(max(k-1, 1))
				}
				c.p[i][i] = stay
			}
			if k == 1 {
				c.p[0][0] = 1
				return []chain{c}
			}
			out = append(out, c)
		}
	}
	return out
}

// expect runs expectation–maximisation until the likelihood gains less than a
// thousandth, or 100 rounds: the climb does the rest.
func (w *passes) expect(r []float64, c chain, whole float64) (chain, float64) {
	last := math.Inf(-1)
	for round := 0; ; round++ {
		logLik := w.forward(&c, r)
		if round == 100 || !(logLik-last > 1e-3) {
			return c, logLik
		}
		last = logLik
		w.backward(&c)
		k := w.k
		next := chain{make([]float64, k), make([]float64, k), make([][]float64, k)}
		for i := range k {
			weight, leaving, sum, squares := 0.0, 0.0, 0.0, 0.0
			for t, x := range r {
				p := w.smoothed[t*k+i]
				e := x - c.mean[i]
				weight, sum, squares = weight+p, sum+p*e, squares+p*e*e
			}
			shift := sum / weight
			next.mean[i] = c.mean[i] + shift
			next.variance[i] = max(squares/weight-shift*shift, 1e-8*whole)
			next.p[i] = make([]float64, k)
			for _, v := range w.moves[i] {
				leaving += v
			}
			for j, v := range w.moves[i] {
				next.p[i][j] = max(v/leaving, 1e-12)
			}
		}
		for i := range k {
			if math.IsNaN(next.mean[i]+next.variance[i]) || math.IsNaN(next.p[i][0]) {
				return c, logLik // a regime without any day
			}
		}
		c = next
	}
}

// climb goes on from where expectation–maximisation stopped. The gradient is
// exact (Fisher's identity): the score of the complete data, expected given the
// observations.
func (w *passes) climb(r []float64, from chain) (chain, float64, bool) {
	n, k := float64(len(r)), w.k
	value := func(theta []float64) float64 {
		c := unpack(theta, k)
		return -w.forward(&c, r) / n
	}
	gradient := func(grad, theta []float64) {
		c := unpack(theta, k)
		w.forward(&c, r)
		w.backward(&c)
		w.score(&c, r, theta, grad)
		for i := range grad {
			grad[i] /= -n
		}
	}
	start := from.pack()
	result, _ := optimize.Minimize(optimize.Problem{Func: value, Grad: gradient}, start,
		&optimize.Settings{GradientThreshold: 1e-9, MajorIterations: 300,
			Converger: &optimize.FunctionConverge{Absolute: 1e-14, Iterations: 5}}, &optimize.BFGS{})
	// A line search that can gain nothing more ends with an error at the top: the gradient there decides.
	top := start
	if result != nil && result.F <= value(start) {
		top = result.X
	}
	grad := make([]float64, len(top))
	gradient(grad, top)
	converged := true
	for _, g := range grad {
		converged = converged && math.Abs(g) < 1e-5
	}
	return unpack(top, k), -n * value(top), converged
}

// score is the gradient of the log-likelihood at theta after both passes.
func (w *passes) score(c *chain, r, theta, grad []float64) {
	k := w.k
	for i := range k {
		sum, squares, weight := 0.0, 0.0, 0.0
		for t, x := range r {
			p := w.smoothed[t*k+i]
			e := x - c.mean[i]
			sum, squares, weight = sum+p*e, squares+p*e*e, weight+p
		}
		grad[i] = sum / c.variance[i]
		grad[k+i] = 0.5 * (squares/c.variance[i] - weight)
	}
	at := 2 * k
	for i := range k {
		leaving := 0.0
		for _, v := range w.moves[i] {
			leaving += v
		}
		for j := range k {
			if j != i {
				grad[at] = w.moves[i][j] - leaving*c.p[i][j]
				at++
			}
		}
	}
	// The first regime is drawn from the ergodic distribution, which moves with the logits too.
	moved := slices.Clone(theta)
	for i := 2 * k; i < len(theta); i++ {
		const h = 1e-5
		moved[i] = theta[i] + h
		up := unpack(moved, k)
		moved[i] = theta[i] - h
		down := unpack(moved, k)
		moved[i] = theta[i]
		high, low := up.ergodic(), down.ergodic()
		for s := range k {
			if high[s] > 0 && low[s] > 0 {
				grad[i] += w.smoothed[s] * (math.Log(high[s]) - math.Log(low[s])) / (2 * h)
			}
		}
	}
}

// fit sorts the regimes and tells what follows from the parameters.
func (w *passes) fit(c chain, r []float64, converged bool) *Fit {
	k := len(c.mean)
	order := make([]int, k)
	for i := range order {
		order[i] = i
	}
	// Regimes have no names of their own: the calmest comes first, whichever start found them.
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case c.variance[a] < c.variance[b]:
			return -1
		case c.variance[a] > c.variance[b]:
			return 1
		}
		return 0
	})
	sorted := chain{make([]float64, k), make([]float64, k), make([][]float64, k)}
	f := &Fit{Regimes: k, Converged: converged}
	for i, from := range order {
		sorted.mean[i], sorted.variance[i], sorted.p[i] = c.mean[from], c.variance[from], make([]float64, k)
		for j, to := range order {
			sorted.p[i][j] = c.p[from][to]
		}
		// Of what lasts longer than the series, the series cannot say how long.
		f.Durations = append(f.Durations, min(1/(1-min(sorted.p[i][i], 1-1e-12)), float64(len(r))))
	}
	f.LogLik = w.forward(&sorted, r)
	w.backward(&sorted)
	f.Means, f.Variances, f.Transition, f.Ergodic = sorted.mean, sorted.variance, sorted.p, sorted.ergodic()
	f.BIC = -2*f.LogLik + float64(2*k+k*(k-1))*math.Log(float64(len(r)))
	for t := range r {
		f.Smoothed = append(f.Smoothed, slices.Clone(w.smoothed[t*k:(t+1)*k]))
	}
	return f
}
