package regimes

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// chain is a set of parameters.
type chain struct {
	mean, variance []float64
	p              [][]float64
}

// ergodic distribution: πP = π, Σπ = 1, by least squares.
func (c *chain) ergodic() []float64 {
	k := len(c.mean)
	if k == 2 { // the common case, in closed form
		to, back := c.p[0][1], c.p[1][0]
		if to+back <= 0 {
			return []float64{0.5, 0.5}
		}
		return []float64{back / (to + back), to / (to + back)}
	}
	a, b := mat.NewDense(k+1, k, nil), mat.NewVecDense(k+1, nil)
	for j := range k {
		for i := range k {
			a.Set(j, i, c.p[i][j])
		}
		a.Set(j, j, c.p[j][j]-1)
		a.Set(k, j, 1)
	}
	b.SetVec(k, 1)
	var pi mat.VecDense
	if err := pi.SolveVec(a, b); err != nil {
		return slices.Repeat([]float64{1 / float64(k)}, k)
	}
	out, sum := make([]float64, k), 0.0
	for i := range k {
		out[i] = max(pi.AtVec(i), 0)
		sum += out[i]
	}
	for i := range k {
		out[i] /= sum
	}
	return out
}

// passes holds the probabilities of one forward and one backward pass, n·k by
// rows, so that a fit allocates them once.
type passes struct {
	k                             int
	filtered, predicted, smoothed []float64
	moves                         [][]float64 // expected transitions from i to j
}

// newPasses makes the room for n observations and k regimes.
func newPasses(n, k int) *passes {
	w := &passes{k: k, filtered: make([]float64, n*k), predicted: make([]float64, n*k), smoothed: make([]float64, n*k)}
	for range k {
		w.moves = append(w.moves, make([]float64, k))
	}
	return w
}

// forward is Hamilton's filter; it returns the log-likelihood, −Inf where it has none.
func (w *passes) forward(c *chain, r []float64) (logLik float64) {
	k := w.k
	scale, half := make([]float64, k), make([]float64, k)
	for i := range k {
		scale[i], half[i] = 1/math.Sqrt(2*math.Pi*c.variance[i]), -0.5/c.variance[i]
	}
	before := c.ergodic()
	product := 1.0 // of a few terms, so that a logarithm is taken seldom
	for t, x := range r {
		now, predicted := w.filtered[t*k:(t+1)*k], w.predicted[t*k:(t+1)*k]
		copy(predicted, before)
		sum := 0.0
		for i := range k {
			e := x - c.mean[i]
			now[i] = before[i] * scale[i] * math.Exp(half[i]*e*e)
			sum += now[i]
		}
		if !(sum > 0) || math.IsInf(sum, 0) {
			return math.Inf(-1)
		}
		for i := range k {
			now[i] /= sum
		}
		if product *= sum; product < 1e-200 || product > 1e200 || t%16 == 15 {
			logLik += math.Log(product)
			product = 1
		}
		for j := range k {
			before[j] = 0
			for i := range k {
				before[j] += now[i] * c.p[i][j]
			}
		}
	}
	return logLik + math.Log(product)
}

// backward is Kim's (1994) smoother after a forward pass: from the last day back, P(i at t, j at t+1 | all) =
// filtered_t(i)·p_ij·smoothed_{t+1}(j)/predicted_{t+1}(j). Summed over j it is the smoothed probability of i at t;
// summed over t it is the expected number of moves from i to j, by which expectation–maximisation and the score are
// made.
func (w *passes) backward(c *chain) {
	k := w.k
	n := len(w.filtered) / k
	for i := range k {
		clear(w.moves[i])
	}
	copy(w.smoothed[(n-1)*k:], w.filtered[(n-1)*k:])
	for t := n - 2; t >= 0; t-- {
		now, next := w.smoothed[t*k:(t+1)*k], w.smoothed[(t+1)*k:(t+2)*k]
		clear(now)
		for j := range k {
			predicted := w.predicted[(t+1)*k+j]
			if predicted <= 0 {
				continue
			}
			ratio := next[j] / predicted
			for i := range k {
				joint := w.filtered[t*k+i] * c.p[i][j] * ratio
				now[i] += joint
				w.moves[i][j] += joint
			}
		}
	}
}

// pack writes the chain without bounds: means, logarithms of variances, and of
// each row the logits against its own diagonal.
func (c *chain) pack() (theta []float64) {
	theta = append(theta, c.mean...)
	for _, v := range c.variance {
		theta = append(theta, math.Log(v))
	}
	for i, row := range c.p {
		for j, p := range row {
			if j != i {
				theta = append(theta, math.Log(max(p, 1e-12)/max(row[i], 1e-12)))
			}
		}
	}
	return theta
}

// unpack undoes pack: p_ij = e^θ/(1 + Σe^θ), the diagonal's logit being 0, so that every row adds up to 1 whatever
// theta is. The means are theta's own memory and not a copy.
func unpack(theta []float64, k int) chain {
	c := chain{theta[:k], make([]float64, k), make([][]float64, k)}
	at := 2 * k
	for i := range k {
		c.variance[i], c.p[i] = math.Exp(theta[k+i]), make([]float64, k)
		c.p[i][i] = 1
		sum := 1.0
		for j := range k {
			if j != i {
				c.p[i][j] = math.Exp(theta[at])
				sum += c.p[i][j]
				at++
			}
		}
		for j := range k {
			c.p[i][j] /= sum
		}
	}
	return c
}
