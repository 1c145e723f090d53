package garch

import "math"

// leastBend is the curvature, of the largest, that bend leaves in a direction.
const leastBend = 1e-4

// leastScale is the scale, of the largest element's, below which a diagonal element is taken for zero:
// divided by a smaller one, the elements beside it and their squares would overflow.
const leastScale = 1e-60

// bend makes a symmetric matrix negative definite: each eigenvalue, the diagonal
// scaled to one, becomes minus its size. Newton's step then goes uphill in every
// direction, by as much as the surface bends in it, whichever way (Greenstadt 1967).
func bend(h []float64, k int) {
	largest := 0.0
	for _, v := range h {
		largest = max(largest, math.Abs(v))
	}
	if largest == 0 {
		// Flat in every direction: no curvature to go by, so the step is the gradient.
		for i := range k {
			h[i*k+i] = -1
		}
		return
	}
	scale := make([]float64, k)
	for i := range k {
		if scale[i] = math.Sqrt(math.Abs(h[i*k+i])); scale[i] < leastScale*math.Sqrt(largest) {
			scale[i] = math.Sqrt(largest)
		}
	}
	for i := range k {
		for j := range k {
			h[i*k+j] /= scale[i] * scale[j]
		}
	}
	vectors := jacobi(h, k)
	values, most := make([]float64, k), 0.0
	for i := range k {
		values[i] = math.Abs(h[i*k+i])
		most = max(most, values[i])
	}
	clear(h)
	for e, v := range values {
		// A direction that hardly bends would send the step to infinity.
		v = max(v, leastBend*most)
		for i := range k {
			for j := range k {
				h[i*k+j] -= v * vectors[i*k+e] * vectors[j*k+e]
			}
		}
	}
	for i := range k {
		for j := range k {
			h[i*k+j] *= scale[i] * scale[j]
		}
	}
}

// jacobi turns a symmetric matrix into its eigenvalues on the diagonal, in place, by
// rotations (Golub and Van Loan, section 8.5), and returns the eigenvectors by columns.
func jacobi(m []float64, k int) []float64 {
	v := make([]float64, k*k)
	for i := range k {
		v[i*k+i] = 1
	}
	for range 30 { // sweeps; they converge by squares
		off := 0.0
		for p := range k {
			for q := p + 1; q < k; q++ {
				off += m[p*k+q] * m[p*k+q]
				rotate(m, v, k, p, q)
			}
		}
		if !(off > 1e-24) {
			break
		}
	}
	return v
}

// rotate makes the element (p, q) zero.
func rotate(m, v []float64, k, p, q int) {
	if m[p*k+q] == 0 {
		return
	}
	tau := (m[q*k+q] - m[p*k+p]) / (2 * m[p*k+q])
	t := 1 / (math.Abs(tau) + math.Sqrt(1+tau*tau))
	if tau < 0 {
		t = -t
	}
	c := 1 / math.Sqrt(1+t*t)
	s := t * c
	for i := range k {
		a, b := m[i*k+p], m[i*k+q]
		m[i*k+p], m[i*k+q] = c*a-s*b, s*a+c*b
		a, b = v[i*k+p], v[i*k+q]
		v[i*k+p], v[i*k+q] = c*a-s*b, s*a+c*b
	}
	for i := range k {
		a, b := m[p*k+i], m[q*k+i]
		m[p*k+i], m[q*k+i] = c*a-s*b, s*a+c*b
	}
}
