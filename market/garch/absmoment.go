package garch

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// absMoment is E|z| and its derivatives by (ξ, ν).
type absMoment struct {
	e             float64
	by            [2]float64
	e00, e01, e11 float64
}

// absOf gives E|z| of the law: √(2/π), the closed form of the t with its
// derivatives, or, for the skewed t (whose derivative by ν has no closed
// form), the closed form of E|z| differentiated by fourth-order differences.
func absOf(kind Law, xi, nu float64) absMoment {
	switch kind {
	case Normal:
		return absMoment{e: math.Sqrt(2 / math.Pi)}
	case StudentT:
		e := absT(nu)
		d := 1/(2*(nu-2)) - 1/(nu-1) + (mathext.Digamma((nu+1)/2)-mathext.Digamma(nu/2))/2
		dd := -1/(2*(nu-2)*(nu-2)) + 1/((nu-1)*(nu-1)) + (trigamma((nu+1)/2)-trigamma(nu/2))/4
		return absMoment{e: e, by: [2]float64{0, e * d}, e11: e * (dd + d*d)}
	}
	hx, hn := 1e-3*xi, 2e-3*(nu-2)
	f := func(i, j float64) float64 { return absSkew(xi+i*hx, nu+j*hn) }
	first := func(g func(float64) float64, h float64) float64 {
		return (8*(g(1)-g(-1)) - (g(2) - g(-2))) / (12 * h)
	}
	second := func(g func(float64) float64, h float64) float64 {
		return (16*(g(1)+g(-1)) - (g(2) + g(-2)) - 30*g(0)) / (12 * h * h)
	}
	inXi, inNu := func(i float64) float64 { return f(i, 0) }, func(j float64) float64 { return f(0, j) }
	mixed := first(func(i float64) float64 { return first(func(j float64) float64 { return f(i, j) }, hn) }, hx)
	return absMoment{e: f(0, 0), by: [2]float64{first(inXi, hx), first(inNu, hn)}, e00: second(inXi, hx), e01: mixed,
		e11: second(inNu, hn)}
}

// absT is E|T| of the unit-variance t with ν degrees of freedom.
func absT(nu float64) float64 {
	return 2 * math.Sqrt(nu-2) / (math.Sqrt(math.Pi) * (nu - 1)) * math.Exp(lgamma((nu+1)/2)-lgamma(nu/2))
}

// absSkew is E|Y − m|/s of Fernández and Steel's variate Y, by the partial
// first moment of the t: ∫_a^∞ x f(x) dx = f(a)(ν−2+a²)/(ν−1).
func absSkew(xi, nu float64) float64 {
	var f law
	f.set(SkewT, xi, nu)
	flip := f.m < 0 // |z| is the same for the mirrored law
	if flip {
		xi = 1 / xi
		f.set(SkewT, xi, nu)
	}
	// m ≥ 0: E(Y−m)⁺ = 2/(ξ+1/ξ) · ∫_m^∞ (y−m) t(y/ξ) dy, and E|Y−m| is twice it.
	a, scale := f.m/xi, math.Sqrt(nu/(nu-2))
	standard := distuv.StudentsT{Sigma: 1, Nu: nu}
	partial := standard.Prob(a*scale) * scale * (nu - 2 + a*a) / (nu - 1)
	tail := standard.Survival(a * scale)
	upper := 2 / (xi + 1/xi) * xi * (xi*partial - f.m*tail)
	return 2 * upper / f.s
}
