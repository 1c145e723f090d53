package family

import (
	"math"
	"math/cmplx"
)

// convolution sums a series with weights of its past, Σᵢ wᵢ·x_{t−1−i}, for two
// sets of weights at a time (one in the real, one in the imaginary parts). The
// transform is the plain radix-2 of Cooley and Tukey (1965) on a size that is
// fixed, which is all that is needed here and is several times faster than one
// for any size; no order is restored between the two of a product.
type convolution struct {
	n, size int
	lags    int
	roots   []complex128 // e^{−πij/half} for half 1, 2, 4 … below size
	x, w    []complex128
}

// newConvolution prepares sums over lags of a series of n days; the size is a power of two in which they do not run
// into each other.
func newConvolution(n, lags int) *convolution {
	lags = min(lags, n) // a weight beyond the series' length meets no day
	size := 1
	for size < n+lags {
		size *= 2
	}
	return &convolution{n: n, size: size, lags: lags, roots: rootsOf(size), x: make([]complex128, size),
		w: make([]complex128, size)}
}

// rootsOf gives the roots of unity of every stage in a row, from the last stage's.
func rootsOf(size int) []complex128 {
	out := make([]complex128, size)
	last := out[size/2-1 : size-1]
	for j := range last {
		last[j] = cmplx.Rect(1, -2*math.Pi*float64(j)/float64(size))
	}
	for half := size / 4; half >= 1; half /= 2 {
		for j := range half {
			out[half-1+j] = last[j*(len(last)/half)]
		}
	}
	return out
}

// load sets the series.
func (c *convolution) load(x []float64) {
	clear(c.x)
	for t, v := range x {
		c.x[t] = complex(v, 0)
	}
	c.forth(c.x)
}

// with gives both sums into a and b.
func (c *convolution) with(first, second, a, b []float64) {
	clear(c.w)
	for i, v := range first[:c.lags] {
		c.w[i] = complex(v, second[i])
	}
	c.forth(c.w)
	for i := range c.w { // the inverse is the transform of the conjugate, conjugated
		c.w[i] = cmplx.Conj(c.w[i] * c.x[i])
	}
	c.back(c.w)
	scale := 1 / float64(c.size)
	a[0], b[0] = 0, 0
	for t := 1; t < c.n; t++ {
		a[t], b[t] = real(c.w[t-1])*scale, -imag(c.w[t-1])*scale
	}
}

// against sums a second series with the loaded one's past, Σ_t a_t·x_{t−1−i}, by lag
// i: what the derivative by each weight is, a_t being that by each day's sum.
func (c *convolution) against(a, out []float64) {
	clear(c.w)
	for t, v := range a {
		c.w[t] = complex(v, 0)
	}
	c.forth(c.w)
	for i := range c.w {
		c.w[i] = cmplx.Conj(c.w[i]) * c.x[i] // the conjugate, for the inverse
	}
	c.back(c.w)
	scale := 1 / float64(c.size)
	clear(out)
	for i := range min(c.lags, len(out)) {
		out[i] = real(c.w[(i+1)%c.size]) * scale
	}
}

// forth is in place, by frequency: from the natural order into that of the bits
// reversed, in which products are taken too. back returns from it.
func (c *convolution) forth(x []complex128) {
	for half := c.size / 2; half >= 1; half /= 2 {
		roots := c.roots[half-1 : 2*half-1]
		for from := 0; from < c.size; from += 2 * half {
			low, high := x[from:from+half:from+half], x[from+half:from+2*half:from+2*half]
			if half == 1 {
				low[0], high[0] = low[0]+high[0], low[0]-high[0]
				continue
			}
			high, roots = high[:len(low)], roots[:len(low)]
			for j, u := range low {
				v := high[j]
				low[j], high[j] = u+v, (u-v)*roots[j]
			}
		}
	}
}

// back is the same transform by time.
func (c *convolution) back(x []complex128) {
	for half := 1; half < c.size; half *= 2 {
		roots := c.roots[half-1 : 2*half-1]
		for from := 0; from < c.size; from += 2 * half {
			low, high := x[from:from+half:from+half], x[from+half:from+2*half:from+2*half]
			if half == 1 {
				low[0], high[0] = low[0]+high[0], low[0]-high[0]
				continue
			}
			high, roots = high[:len(low)], roots[:len(low)]
			for j, u := range low {
				v := high[j] * roots[j]
				low[j], high[j] = u+v, u-v
			}
		}
	}
}
