package realised

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// errorsOf are standard errors from second differences of the mean negative log-likelihood: √((H⁻¹)_ii/n); nil where
// it does not curve upwards everywhere. Steps are a ten-thousandth of the parameter, or of 1 for small ones: with
// finer ones the differences would be of rounding.
func errorsOf(f func([]float64) float64, top []float64, n float64) map[string]float64 {
	k := len(top)
	hessian := mat.NewSymDense(k, nil)
	step := func(i int) float64 { return 1e-4 * max(1, math.Abs(top[i])) }
	at := slices.Clone(top)
	value := func(i, j int, a, b float64) float64 {
		copy(at, top)
		at[i] += a * step(i)
		at[j] += b * step(j)
		return f(at)
	}
	for i := range k {
		for j := i; j < k; j++ {
			v := (value(i, j, 1, 1) - value(i, j, 1, -1) - value(i, j, -1, 1) + value(i, j, -1, -1)) /
				(4 * step(i) * step(j))
			hessian.SetSym(i, j, v)
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(hessian) {
		return nil
	}
	var inverse mat.SymDense
	if err := factor.InverseTo(&inverse); err != nil {
		return nil
	}
	out := map[string]float64{}
	for i, name := range Names {
		out[name] = math.Sqrt(inverse.At(i, i) / n)
	}
	out["sigma_u"] *= math.Exp(top[7]) // fitted as its logarithm
	return out
}
