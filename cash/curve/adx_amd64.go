package curve

import "golang.org/x/sys/cpu"

// adx says whether this processor multiplies with two chains of carries: what element_amd64.s needs. A variable for
// tests.
var adx = cpu.X86.HasBMI2 && cpu.X86.HasADX

func (z *element) mul(x, y *element) {
	if adx {
		mulADX(&z[0], &x[0], &y[0])
		return
	}
	z.mulGeneric(x, y)
}

func (z *element) square(x *element) { z.squares(x, 1) }

// squares sets z to x^(2^times), at least once.
func (z *element) squares(x *element, times int) {
	if adx {
		squaresADX(&z[0], &x[0], uint64(times))
		return
	}
	z.squaresGeneric(x, times)
}

// double sets p to 2q. Infinity stays infinity.
func (p *jacobian) double(q *jacobian) {
	if adx {
		doubleADX(&p.x[0], &q.x[0])
		return
	}
	p.doubleGeneric(q)
}

// addAffineStep is addAffine, and gives what p's denominator was multiplied by.
func (p *jacobian) addAffineStep(q *Point, h *element) {
	if adx {
		addAffineADX(&p.x[0], &q.x[0], &h[0])
		return
	}
	p.addAffineGeneric(q, h)
}

// addDistinct sets sum to p + q, given the inverse of the difference of their x.
func addDistinct(sum, p, q *Point, inverse *element) {
	if adx {
		addDistinctADX(&sum.x[0], &p.x[0], &q.x[0], &inverse[0])
		return
	}
	addDistinctGeneric(sum, p, q, inverse)
}
