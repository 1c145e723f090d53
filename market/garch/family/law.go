package family

import (
	"math"
)

// Law is the distribution of the standardised errors; all have mean zero and
// unit variance.
type Law string

// The laws: normal; Student's t; the generalised error distribution (Nelson
// 1991); the skewed t of Fernández and Steel (1998), standardised, and that of
// Hansen (1994); the normal inverse Gaussian in the parameters of rugarch: skew
// ρ in (−1, 1) and shape ζ.
const (
	Normal   Law = "normal"
	StudentT Law = "t"
	GED      Law = "ged"
	SkewT    Law = "skewt"
	Hansen   Law = "hansen"
	NIG      Law = "nig"
)

// Laws in the order in which they are told.
var Laws = []Law{Normal, StudentT, GED, SkewT, Hansen, NIG}

// shape is a parameter of a law in the coordinate that is climbed in.
type shape struct {
	name           string
	start, low, up float64                 // in that coordinate
	out            func(x float64) float64 // the parameter
	slope          func(x float64) float64 // its derivative
}

func shifted(name string, shift, start, least, most float64) shape {
	return shape{name, math.Log(start - shift), math.Log(least - shift), math.Log(most - shift),
		func(x float64) float64 { return shift + math.Exp(x) }, math.Exp}
}

func plain(name string, start, least, most float64) shape {
	return shape{name, start, least, most, func(x float64) float64 { return x }, func(float64) float64 { return 1 }}
}

// shapes are a law's parameters, each with what it must exceed, where a climb begins and within which bounds it stays.
func (l Law) shapes() []shape {
	switch l {
	case StudentT:
		return []shape{shifted("nu", 2, 6, 2.01, 500)}
	case GED:
		return []shape{shifted("nu", 0, 1.5, 0.3, 10)}
	case SkewT:
		return []shape{shifted("xi", 0, 1, 0.05, 20), shifted("nu", 2, 6, 2.01, 500)}
	case Hansen:
		return []shape{shifted("eta", 2, 6, 2.01, 500), plain("lambda", 0, -0.99, 0.99)}
	case NIG:
		return []shape{plain("rho", 0, -0.99, 0.99), shifted("zeta", 0, 1.5, 0.01, 500)}
	}
	return nil
}

func (l Law) names() (out []string) {
	for _, s := range l.shapes() {
		out = append(out, s.name)
	}
	return out
}

// density evaluates ln f(z) and its derivative; it is made for one set of
// parameters.
type density interface {
	at(z float64) (g, gz float64)
}

// density is the law at parameters that are within its bounds.
func (l Law) density(p []float64) density {
	switch l {
	case StudentT:
		return newT(p[0])
	case GED:
		return newGED(p[0])
	case SkewT:
		return newSkewT(p[0], p[1])
	case Hansen:
		return newHansen(p[0], p[1])
	case NIG:
		return newNIG(p[0], p[1])
	}
	return gauss{}
}

type gauss struct{}

func (gauss) at(z float64) (g, gz float64) { return -0.91893853320467274178 - z*z/2, -z }

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

type student struct{ c, nu, k float64 }

func newT(nu float64) student {
	return student{lgamma((nu+1)/2) - lgamma(nu/2) - math.Log(math.Pi*(nu-2))/2, nu, nu - 2}
}

func (f student) at(z float64) (g, gz float64) {
	q := 1 + z*z/f.k
	return f.c - (f.nu+1)/2*math.Log(q), -(f.nu + 1) * z / (f.k * q)
}

func (f student) constants() [3]float64 { return [3]float64{f.c, f.nu} }

// sloped is the density with its derivatives by the law's coordinates; by are those of its constants.
func (f student) sloped(by [2][3]float64) func(z float64, gs *[2]float64) (g, gz float64) {
	return func(z float64, gs *[2]float64) (g, gz float64) {
		q := 1 + z*z/f.k
		log := math.Log(q)
		gs[0] = by[0][0] + by[0][1]*((f.nu+1)/2*z*z/(f.k*f.k*q)-log/2)
		return f.c - (f.nu+1)/2*log, -(f.nu + 1) * z / (f.k * q)
	}
}

// ged: ln f = ln ν − (1+1/ν)ln 2 − ln λ − ln Γ(1/ν) − ½|z/λ|^ν.
type ged struct{ c, nu, lambda float64 }

func newGED(nu float64) ged {
	logLambda := (-2/nu*math.Ln2 + lgamma(1/nu) - lgamma(3/nu)) / 2
	return ged{math.Log(nu) - (1+1/nu)*math.Ln2 - logLambda - lgamma(1/nu), nu, math.Exp(logLambda)}
}

// at is the log-density and its derivative; at 0, where |z|^ν may have none, the derivative is 0.
func (f ged) at(z float64) (g, gz float64) {
	a := math.Abs(z)
	if a < 1e-12 {
		return f.c, 0
	}
	power := math.Exp(f.nu * math.Log(a/f.lambda))
	return f.c - power/2, -f.nu / 2 * power / z
}

func (f ged) constants() [3]float64 { return [3]float64{f.c, f.nu, math.Log(f.lambda)} }

// sloped is at, with the derivatives by the law's coordinate.
func (f ged) sloped(by [2][3]float64) func(z float64, gs *[2]float64) (g, gz float64) {
	logLambda := math.Log(f.lambda)
	return func(z float64, gs *[2]float64) (g, gz float64) {
		a := math.Abs(z)
		if a < 1e-12 {
			gs[0] = by[0][0]
			return f.c, 0
		}
		log := math.Log(a) - logLambda
		power := math.Exp(f.nu * log)
		gs[0] = by[0][0] - power/2*(by[0][1]*log-f.nu*by[0][2])
		return f.c - power/2, -f.nu / 2 * power / z
	}
}

// skewT is the t stretched by ξ to the right and 1/ξ to the left, moved and
// scaled to mean zero and variance one.
type skewT struct {
	t           student
	c, m, s, xi float64
}

func newSkewT(xi, nu float64) skewT {
	m1 := 2 * math.Sqrt(nu-2) * math.Exp(lgamma((nu+1)/2)-lgamma(nu/2)) / (math.SqrtPi * (nu - 1))
	m := m1 * (xi - 1/xi)
	s := math.Sqrt((1-m1*m1)*(xi*xi+1/(xi*xi)) + 2*m1*m1 - 1)
	return skewT{newT(nu), math.Log(s) + math.Ln2 - math.Log(xi+1/xi), m, s, xi}
}

// at is the t's log-density, stretched on one side and pressed on the other.
func (f skewT) at(z float64) (g, gz float64) {
	y := f.s*z + f.m
	k := 1 / f.xi
	if y < 0 {
		k = f.xi
	}
	g, gz = f.t.at(y * k)
	return f.c + g, gz * f.s * k
}

// hansen: the constants a, b, c of Hansen (1994), section 3.
type hansen struct{ c, a, b, eta, lambda float64 }

func newHansen(eta, lambda float64) hansen {
	c := lgamma((eta+1)/2) - lgamma(eta/2) - math.Log(math.Pi*(eta-2))/2
	a := 4 * lambda * math.Exp(c) * (eta - 2) / (eta - 1)
	b := math.Sqrt(1 + 3*lambda*lambda - a*a)
	return hansen{c + math.Log(b), a, b, eta, lambda}
}

// at is the log-density of either side of the mode.
func (f hansen) at(z float64) (g, gz float64) {
	side := 1 + f.lambda
	if z < -f.a/f.b {
		side = 1 - f.lambda
	}
	x := (f.b*z + f.a) / side
	q := 1 + x*x/(f.eta-2)
	return f.c - (f.eta+1)/2*math.Log(q), -(f.eta + 1) * x / ((f.eta - 2) * q) * f.b / side
}

func (f hansen) constants() [3]float64 { return [3]float64{f.c, f.a, f.b} }

// sloped is at, with the derivatives by the law's coordinates.
func (f hansen) sloped(by [2][3]float64) func(z float64, gs *[2]float64) (g, gz float64) {
	k, limit := f.eta-2, -f.a/f.b
	dEta := f.eta - 2 // of η = 2 + e^x by x
	return func(z float64, gs *[2]float64) (g, gz float64) {
		sign := 1.0
		if z < limit {
			sign = -1
		}
		side := 1 + sign*f.lambda
		x := (f.b*z + f.a) / side
		q := 1 + x*x/k
		log, pull := math.Log(q), (f.eta+1)*x/(k*q)
		gs[0] = by[0][0] - dEta*(log/2-(f.eta+1)/2*x*x/(k*k*q)) - pull*(by[0][2]*z+by[0][1])/side
		gs[1] = by[1][0] - pull*((by[1][2]*z+by[1][1])/side-sign*x/side)
		return f.c - (f.eta+1)/2*log, -pull * f.b / side
	}
}

// nig in the parameters of location and scale that give mean zero and variance
// one: with γ² = α² − β², variance δα²/γ³ = 1 and ρ = β/α, ζ = δγ.
type nig struct{ alpha, beta, delta, mu, c float64 }

func newNIG(rho, zeta float64) nig {
	k := 1 - rho*rho
	alpha := math.Sqrt(zeta) / k // from δα²/γ³ = 1
	delta := zeta / (alpha * math.Sqrt(k))
	beta := alpha * rho
	return nig{alpha, beta, delta, -delta * beta / (alpha * math.Sqrt(k)), math.Log(alpha*delta/math.Pi) + zeta}
}

// at is the log-density with scaled Bessel functions, which do not vanish far out.
func (f nig) at(z float64) (g, gz float64) {
	x := z - f.mu
	root := math.Sqrt(f.delta*f.delta + x*x)
	k0, k1 := besselScaled(f.alpha * root)
	y := f.alpha * root
	// ln K₁(y) = ln(scaled) − y; its derivative by y is −K₀/K₁ − 1/y.
	g = f.c + math.Log(k1) - y + f.beta*x - math.Log(root)
	gz = (-k0/k1-1/y)*f.alpha*x/root + f.beta - x/(root*root)
	return g, gz
}

// besselScaled is eˣK₀(x) and eˣK₁(x) by the trapezoid rule on
// ∫₀^∞ e^{−x(cosh t − 1)}·cosh(νt) dt, which for this integrand is exact to
// rounding at a step of a tenth (Trefethen and Weideman 2014).
func besselScaled(x float64) (k0, k1 float64) {
	step := 0.1
	if x > 50 { // the peak narrows as 1/√x
		step = 0.7 / math.Sqrt(x)
	}
	k0, k1 = 0.5, 0.5
	grow := math.Exp(step)
	e := grow
	for range 4000 {
		cosh := (e + 1/e) / 2
		w := math.Exp(-x * (cosh - 1))
		if w*cosh < 1e-18*k1 {
			break
		}
		k0, k1 = k0+w, k1+w*cosh
		e *= grow
	}
	return k0 * step, k1 * step
}
