package family

import (
	"math"
	"math/bits"
	"math/cmplx"
	"sync"
)

// convolution sums a series with weights of its past, Σᵢ wᵢ·x_{t−1−i}, for two
// sets of weights at a time (one in the real, one in the imaginary parts). The
// transform is the plain radix-2 of Cooley and Tukey (1965) on a size that is
// fixed, which is all that is needed here and is several times faster than one
// for any size.
type convolution struct {
	n, size int
	lags    int
	roots   []complex128 // e^{−2πij/size}
	x, w    []complex128
}

func newConvolution(n, lags int) *convolution {
	lags = min(lags, n) // a weight beyond the series' length meets no day
	size := 1
	for size < n+lags {
		size *= 2
	}
	return &convolution{n: n, size: size, lags: lags, roots: rootsOf(size), x: make([]complex128, size),
		w: make([]complex128, size)}
}

// roots of unity by size: a power of two, so there are few. They are never written again.
var roots sync.Map

func rootsOf(size int) []complex128 {
	if known, ok := roots.Load(size); ok {
		return known.([]complex128)
	}
	out := make([]complex128, size/2)
	for j := range out {
		out[j] = cmplx.Rect(1, -2*math.Pi*float64(j)/float64(size))
	}
	roots.Store(size, out)
	return out
}

// load sets the series.
func (c *convolution) load(x []float64) {
	clear(c.x)
	for t, v := range x {
		c.x[t] = complex(v, 0)
	}
	c.transform(c.x)
}

// with gives both sums into a and b.
func (c *convolution) with(first, second, a, b []float64) {
	clear(c.w)
	for i, v := range first[:c.lags] {
		c.w[i] = complex(v, second[i])
	}
	c.transform(c.w)
	for i := range c.w { // the inverse is the transform of the conjugate, conjugated
		c.w[i] = cmplx.Conj(c.w[i] * c.x[i])
	}
	c.transform(c.w)
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
	c.transform(c.w)
	for i := range c.w {
		c.w[i] = cmplx.Conj(c.w[i]) * c.x[i] // the conjugate, for the inverse
	}
	c.transform(c.w)
	scale := 1 / float64(c.size)
	clear(out)
	for i := range min(c.lags, len(out)) {
		out[i] = real(c.w[(i+1)%c.size]) * scale
	}
}

// transform is in place, decimation in time after reversing the bits.
func (c *convolution) transform(x []complex128) {
	shift := 64 - bits.Len(uint(c.size-1))
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); j > i {
			x[i], x[j] = x[j], x[i]
		}
	}
	for half := 1; half < c.size; half *= 2 {
		stride := c.size / (2 * half)
		for from := 0; from < c.size; from += 2 * half {
			low, high := x[from:from+half], x[from+half:from+2*half]
			for j := range low {
				v := high[j] * c.roots[j*stride]
				low[j], high[j] = low[j]+v, low[j]-v
			}
		}
	}
}
