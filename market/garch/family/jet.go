package family

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// jet is a number with its derivatives by the one or two coordinates of a law's
// shape: the first in d, the second in dd as (00, 01, 11). Sums, products and
// functions of jets carry the derivatives along by the rules of calculus, exactly.
type jet struct {
	v  float64
	d  [2]float64
	dd [3]float64
}

func constant(v float64) jet { return jet{v: v} }

// coordinate is the i-th coordinate itself.
func coordinate(v float64, i int) jet {
	j := jet{v: v}
	j.d[i] = 1
	return j
}

// plus is the sum, with all derivatives.
func (a jet) plus(b jet) jet {
	a.v += b.v
	for i := range a.d {
		a.d[i] += b.d[i]
	}
	for i := range a.dd {
		a.dd[i] += b.dd[i]
	}
	return a
}

// scaled is the product with a number.
func (a jet) scaled(by float64) jet {
	a.v *= by
	for i := range a.d {
		a.d[i] *= by
	}
	for i := range a.dd {
		a.dd[i] *= by
	}
	return a
}

func (a jet) minus(b jet) jet { return a.plus(b.scaled(-1)) }

func (a jet) shifted(by float64) jet {
	a.v += by
	return a
}

// times is the product, by Leibniz's rule.
func (a jet) times(b jet) jet {
	out := jet{v: a.v * b.v}
	for i := range out.d {
		out.d[i] = a.d[i]*b.v + a.v*b.d[i]
	}
	for at, p := range pairs {
		i, j := p[0], p[1]
		out.dd[at] = a.dd[at]*b.v + a.d[i]*b.d[j] + a.d[j]*b.d[i] + a.v*b.dd[at]
	}
	return out
}

// pairs of coordinates in the order of dd.
var pairs = [3][2]int{{0, 0}, {0, 1}, {1, 1}}

// through is f(a), f given by its value and first two derivatives at a.
func (a jet) through(v, first, second float64) jet {
	out := jet{v: v}
	for i := range out.d {
		out.d[i] = first * a.d[i]
	}
	for at, p := range pairs {
		out.dd[at] = first*a.dd[at] + second*a.d[p[0]]*a.d[p[1]]
	}
	return out
}

func (a jet) exp() jet {
	v := math.Exp(a.v)
	return a.through(v, v, v)
}

func (a jet) log() jet { return a.through(math.Log(a.v), 1/a.v, -1/(a.v*a.v)) }

func (a jet) sqrt() jet {
	v := math.Sqrt(a.v)
	return a.through(v, 1/(2*v), -1/(4*v*a.v))
}

func (a jet) inverse() jet {
	v := 1 / a.v
	return a.through(v, -v*v, 2*v*v*v)
}

func (a jet) over(b jet) jet { return a.times(b.inverse()) }

// lgamma is ln Γ(a).
func (a jet) lgamma() jet { return a.through(lgamma(a.v), digamma(a.v), trigamma(a.v)) }

func digamma(x float64) float64 { return mathext.Digamma(x) }

// trigamma is the derivative of digamma: the recurrence up to where the asymptotic
// series is exact to rounding (NIST DLMF 5.15.8).
func trigamma(x float64) float64 {
	sum := 0.0
	for ; x < 12; x++ {
		sum += 1 / (x * x)
	}
	y := 1 / x
	q := y * y
	return sum + y*(1+y/2+q*(1.0/6-q*(1.0/30-q*(1.0/42-q*(1.0/30-q*5.0/66)))))
}
