package garch

import "math"

// coordinates are what Newton's method walks in: ln ω (not in EGARCH), ln ξ
// and ln(ν−2) instead of ω, ξ and ν. The likelihood is nearer to a parabola
// there, which takes a third of the steps; the linear constraints touch only
// α, γ and β, which stay as they are.
type coordinates struct {
	index []int     // of transformed parameters
	shift []float64 // θ = shift + e^x
}

// coordinates are the parameters that are climbed as logarithms, each with what it must exceed.
func (s Spec) coordinates() coordinates {
	at := s.layout()
	var c coordinates
	add := func(i int, shift float64) {
		if i >= 0 {
			c.index, c.shift = append(c.index, i), append(c.shift, shift)
		}
	}
	if s.Model != EGARCH {
		add(at.omega, 0)
	}
	add(at.xi, 0)
	add(at.nu, 2)
	return c
}

// inward turns θ into coordinates, in place.
func (c coordinates) inward(theta []float64) {
	for j, i := range c.index {
		theta[i] = math.Log(theta[i] - c.shift[j])
	}
}

// outward is the inverse of inward.
func (c coordinates) outward(x []float64) {
	for j, i := range c.index {
		x[i] = c.shift[j] + math.Exp(x[i])
	}
}

// bounds moves the single-parameter bounds of transformed parameters inward.
func (c coordinates) bounds(rows []constraint) {
	for r, row := range rows {
		for j, i := range c.index {
			if row.a[i] != 0 { // ±θ ≤ b
				rows[r].b = row.a[i] * math.Log(row.b*row.a[i]-c.shift[j])
			}
		}
	}
}

// wrap gives the objective in coordinates: the chain rule for e^x.
func (c coordinates) wrap(f objective, k int) objective {
	theta := make([]float64, k)
	return func(x []float64, out *evaluation) {
		copy(theta, x)
		c.outward(theta)
		f(theta, out)
		for j, i := range c.index {
			d := theta[i] - c.shift[j]
			for b := range k {
				out.hessian[i*k+b] *= d
				out.hessian[b*k+i] *= d
			}
			out.gradient[i] *= d
			out.hessian[i*k+i] += out.gradient[i]
		}
	}
}
