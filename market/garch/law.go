package garch

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// density holds ln f(z) and its derivatives at one z: by z and by the shape
// parameters (0: ξ, 1: ν).
type density struct {
	g, gz, gzz         float64
	gs, gzs            [2]float64
	gss00, gss01, gss1 float64 // ξξ, ξν, νν
}

// law evaluates a density; set is called once for each parameter vector.
type law struct {
	kind   Law
	xi, nu float64

	c, c1, c2 float64 // of the t: normalising constant and its derivatives by ν
	// Of the skewed t: location m and scale s by (ξ, ν), first and second order.
	m, s             float64
	m1, s1           [2]float64
	m00, m01, m11    float64
	s00, s01, s11    float64
	logXi, dXi, ddXi float64 // −ln(ξ+1/ξ)+ln 2 and derivatives
}

func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// set computes what does not depend on z.
func (f *law) set(kind Law, xi, nu float64) {
	f.kind, f.xi, f.nu = kind, xi, nu
	if kind == Normal {
		return
	}
	half, top := nu/2, (nu+1)/2
	psi := (mathext.Digamma(top) - mathext.Digamma(half)) / 2
	psi1 := (trigamma(top) - trigamma(half)) / 4
	f.c = lgamma(top) - lgamma(half) - math.Log(math.Pi*(nu-2))/2
	f.c1 = psi - 1/(2*(nu-2))
	f.c2 = psi1 + 1/(2*(nu-2)*(nu-2))
	if kind == SkewT {
		f.setSkew(psi, psi1)
	}
}

// setSkew prepares location and scale of Fernández and Steel's density, so
// that the skewed variate has mean zero and variance one.
func (f *law) setSkew(psi, psi1 float64) {
	xi, nu := f.xi, f.nu
	// E|T| of the unit-variance t, and its logarithmic derivatives by ν.
	m1 := math.Exp(math.Ln2 + math.Log(nu-2)/2 + lgamma((nu+1)/2) - math.Log(math.Pi)/2 - math.Log(nu-1) - lgamma(nu/2))
	d := 1/(2*(nu-2)) + psi - 1/(nu-1)
	dd := -1/(2*(nu-2)*(nu-2)) + psi1 + 1/((nu-1)*(nu-1))
	m1n, m1nn := m1*d, m1*(dd+d*d)
	a, a1, a2 := xi-1/xi, 1+1/(xi*xi), -2/(xi*xi*xi)
	f.m, f.m1 = m1*a, [2]float64{m1 * a1, m1n * a}
	f.m00, f.m01, f.m11 = m1*a2, m1n*a1, m1nn*a
	p, p1, p2 := m1*m1, 2*m1*m1n, 2*(m1n*m1n+m1*m1nn)
	b, b1, b2 := xi*xi+1/(xi*xi), 2*xi-2/(xi*xi*xi), 2+6/(xi*xi*xi*xi)
	square := (1-p)*b + 2*p - 1
	s := math.Sqrt(square)
	by := [2]float64{(1 - p) * b1, p1 * (2 - b)}
	f.s, f.s1 = s, [2]float64{by[0] / (2 * s), by[1] / (2 * s)}
	cube := 4 * s * s * s
	f.s00 = (1-p)*b2/(2*s) - by[0]*by[0]/cube
	f.s01 = -p1*b1/(2*s) - by[0]*by[1]/cube
	f.s11 = p2*(2-b)/(2*s) - by[1]*by[1]/cube
	q := xi*xi*xi + xi
	f.logXi, f.dXi = math.Ln2-math.Log(xi+1/xi), -(xi*xi-1)/q
	f.ddXi = -(2*xi*q - (xi*xi-1)*(3*xi*xi+1)) / (q * q)
}

const halfLog2Pi = 0.91893853320467274178

// at evaluates the density and its derivatives at z.
func (f *law) at(z float64, d *density) {
	switch f.kind {
	case Normal:
		d.g, d.gz, d.gzz = -halfLog2Pi-z*z/2, -z, -1
	case StudentT:
		f.t(z, d)
	default:
		f.skew(z, d)
	}
}

// t is Student's law with variance one; gs and gzs are by ν in their second place.
func (f *law) t(z float64, d *density) {
	nu, k := f.nu, f.nu-2
	w := k + z*z
	logU := math.Log1p(z * z / k)
	r := z * z / (w * k)
	d.g = f.c - (nu+1)/2*logU
	d.gz = -(nu + 1) * z / w
	d.gzz = -(nu + 1) * (k - z*z) / (w * w)
	d.gs[1] = f.c1 - logU/2 + (nu+1)/2*r
	d.gzs[1] = -z/w + (nu+1)*z/(w*w)
	d.gss1 = f.c2 + r - (nu+1)/2*r*(w+k)/(w*k)
}

// skew is ln s + ln 2 − ln(ξ+1/ξ) + t(v), v = (s·z + m)·ξ^∓1, by the chain rule.
func (f *law) skew(z float64, d *density) {
	y, sign := f.s*z+f.m, 1.0
	if y < 0 {
		sign = -1
	}
	k := math.Pow(f.xi, -sign)
	k1, k2 := -sign*k/f.xi, sign*(sign+1)*k/(f.xi*f.xi)
	y0, y1 := f.s1[0]*z+f.m1[0], f.s1[1]*z+f.m1[1]
	y00, y01, y11 := f.s00*z+f.m00, f.s01*z+f.m01, f.s11*z+f.m11
	var t density
	f.t(y*k, &t)
	vz, v0, v1 := f.s*k, y0*k+y*k1, y1*k
	v00, v01, v11 := y00*k+2*y0*k1+y*k2, y01*k+y1*k1, y11*k
	vz0, vz1 := f.s1[0]*k+f.s*k1, f.s1[1]*k
	l0, l1 := f.s1[0]/f.s, f.s1[1]/f.s
	d.g = math.Log(f.s) + f.logXi + t.g
	d.gz, d.gzz = t.gz*vz, t.gzz*vz*vz
	d.gs[0] = l0 + f.dXi + t.gz*v0
	d.gs[1] = l1 + t.gz*v1 + t.gs[1]
	d.gzs[0] = t.gzz*vz*v0 + t.gz*vz0
	d.gzs[1] = t.gzz*vz*v1 + t.gz*vz1 + t.gzs[1]*vz
	d.gss00 = f.s00/f.s - l0*l0 + f.ddXi + t.gzz*v0*v0 + t.gz*v00
	d.gss01 = f.s01/f.s - l0*l1 + t.gzz*v0*v1 + t.gz*v01 + t.gzs[1]*v0
	d.gss1 = f.s11/f.s - l1*l1 + t.gzz*v1*v1 + 2*t.gzs[1]*v1 + t.gz*v11 + t.gss1
}
