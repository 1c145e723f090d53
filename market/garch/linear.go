package garch

import "math"

// nullBasis orthonormalises the binding rows (normal) and completes them to a
// basis; the completion spans the free directions.
func nullBasis(rows []constraint, bind []int, k int) (free, normal [][]float64) {
	var q [][]float64
	add := func(v []float64) bool {
		v = append([]float64(nil), v...)
		for range 2 { // twice is enough (Kahan)
			for _, u := range q {
				dot := 0.0
				for i := range v {
					dot += u[i] * v[i]
				}
				for i := range v {
					v[i] -= dot * u[i]
				}
			}
		}
		norm := 0.0
		for _, x := range v {
			norm += x * x
		}
		if norm < 1e-16 {
			return false
		}
		for i := range v {
			v[i] /= math.Sqrt(norm)
		}
		q = append(q, v)
		return true
	}
	for _, b := range bind {
		if add(rows[b].a) {
			normal = append(normal, q[len(q)-1])
		}
	}
	for i := range k {
		unit := make([]float64, k)
		unit[i] = 1
		if len(q) < k && add(unit) {
			free = append(free, q[len(q)-1])
		}
	}
	return free, normal
}

// maxNegative gives the position in bind of the constraint whose multiplier
// is most negative (it holds the climb back for nothing) and that is not to be
// held, or −1. Multipliers
// solve Σ μ_i a_i = projection of the gradient on the rows' span.
func maxNegative(g []float64, rows []constraint, bind []int, normal [][]float64, held map[int]bool) int {
	n := len(bind)
	if n == 0 || len(normal) < n {
		return -1
	}
	m, rhs := make([]float64, n*n), make([]float64, n)
	for i, q := range normal {
		for j, b := range bind {
			for x := range g {
				m[i*n+j] += q[x] * rows[b].a[x]
			}
		}
		for x := range g {
			rhs[i] += q[x] * g[x]
		}
	}
	// Gram–Schmidt made m upper triangular.
	worst, at := -1e-9, -1
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			rhs[i] -= m[i*n+j] * rhs[j]
		}
		rhs[i] /= m[i*n+i]
	}
	for i, mu := range rhs {
		if mu < worst && !held[bind[i]] {
			worst, at = mu, i
		}
	}
	return at
}

// newtonStep solves (−ZᵀHZ + damping·|diag|)·y = Zᵀg and returns Zy and gᵀZy.
func newtonStep(e *evaluation, basis [][]float64, k int, damping float64) ([]float64, float64, bool) {
	n := len(basis)
	m, g := make([]float64, n*n), make([]float64, n)
	hz := make([]float64, k)
	for j, z := range basis {
		for i := range k {
			hz[i] = 0
			for x := range k {
				hz[i] -= e.hessian[i*k+x] * z[x]
			}
		}
		for i, u := range basis {
			for x := range k {
				m[i*n+j] += u[x] * hz[x]
			}
		}
		for x := range k {
			g[j] += z[x] * e.gradient[x]
		}
	}
	for i := range n {
		// Levenberg–Marquardt, by the diagonal's own size, so that units do not matter.
		m[i*n+i] += damping * math.Abs(m[i*n+i])
	}
	y := append([]float64(nil), g...)
	if !cholesky(m, n) {
		return nil, 0, false
	}
	solveCholesky(m, n, y)
	step, gain := make([]float64, k), 0.0
	for j, z := range basis {
		gain += g[j] * y[j]
		for x := range k {
			step[x] += y[j] * z[x]
		}
	}
	return step, gain, true
}

// cholesky factors m in place (lower triangle); false if not positive definite.
func cholesky(m []float64, n int) bool {
	for j := range n {
		for i := j; i < n; i++ {
			sum := m[i*n+j]
			for x := range j {
				sum -= m[i*n+x] * m[j*n+x]
			}
			if i == j {
				// Relative to the diagonal: a pivot lost to rounding is not positive.
				if !(sum > 1e-13*math.Abs(m[j*n+j])) {
					return false
				}
				m[j*n+j] = math.Sqrt(sum)
			} else {
				m[i*n+j] = sum / m[j*n+j]
			}
		}
	}
	return true
}

// solveCholesky solves L·Lᵀ·x = y in place, with L in the lower half of m.
func solveCholesky(m []float64, n int, y []float64) {
	for i := range n {
		for x := range i {
			y[i] -= m[i*n+x] * y[x]
		}
		y[i] /= m[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for x := i + 1; x < n; x++ {
			y[i] -= m[x*n+i] * y[x]
		}
		y[i] /= m[i*n+i]
	}
}
