package family

import (
	"math"

	"github.com/aqsha/aqsha/market/stats"
)

// bends are what a law says of every day: ℓ is its log-likelihood, L = ln h. The
// arrays are one value a day, the sums over all days. Shape derivatives are by the
// coordinates that are climbed in.
type bends struct {
	byL, byLL []float64    // ∂ℓ/∂L, ∂²ℓ/∂L²
	byLS      [2][]float64 // ∂²ℓ/∂L∂shape
	byS       [2][]float64 // ∂ℓ/∂shape, filled only for the outer products
	value     float64      // Σ ln f(z), without −½ΣL
	sumS      [2]float64
	sumSS     [3]float64 // in the order of a jet's dd
}

func newBends(array func(before int) []float64, shapes int) *bends {
	b := &bends{byL: array(0), byLL: array(0)}
	for i := range shapes {
		b.byLS[i], b.byS[i] = array(0), array(0)
	}
	return b
}

// curved says whether a law's second derivatives are known here.
func (l Law) curved() bool { return l != NIG }

// bend fills what the law says for shapes at coordinates x, from z² (and, for the
// skewed laws z, for the GED ln z²). daily asks for byS too.
func (b *bends) bend(law Law, x, z, squares, logs []float64, daily bool) {
	switch law {
	case StudentT:
		b.student(x[0], squares, daily)
	case GED:
		b.ged(x[0], squares, logs, daily)
	case SkewT:
		b.sided(sidesOfSkewT(x[0], x[1]), z, daily)
	case Hansen:
		b.sided(sidesOfHansen(x[0], x[1]), z, daily)
	default:
		sum := 0.0
		for t, q := range squares {
			sum += q
			b.byL[t], b.byLL[t] = (q-1)/2, -q/2
		}
		b.value = -halfLog2Pi*float64(len(squares)) - sum/2
	}
}

const halfLog2Pi = 0.91893853320467274178

// degrees is ν = 2 + eˣ as the i-th coordinate's jet.
func degrees(x float64, i int) jet { return coordinate(x, i).exp().shifted(2) }

// normaliser is ln Γ((ν+1)/2) − ln Γ(ν/2) − ½ ln π(ν−2), of the t with variance one.
func normaliser(nu jet) jet {
	return nu.shifted(1).scaled(0.5).lgamma().minus(nu.scaled(0.5).lgamma()).
		minus(nu.shifted(-2).scaled(math.Pi).log().scaled(0.5))
}

// logProduct sums logarithms, one taken of the product of sixteen factors: they are
// between 1e-18 and 1e18, which the caller sees to.
type logProduct struct{ sum, product float64 }

func (l *logProduct) add(t int, v float64) {
	l.product *= v
	if t&15 == 15 {
		l.sum += stats.Log(l.product)
		l.product = 1
	}
}

func (l *logProduct) total() float64 { return l.sum + stats.Log(l.product) }

// student: ℓ = c(ν) − (ν+1)/2·ln(1 + q/(ν−2)) − L/2 with q = z² = e²/h.
func (b *bends) student(x float64, squares []float64, daily bool) {
	nu := degrees(x, 0)
	c := normaliser(nu)
	v, k := nu.v, nu.v-2
	top, inverseK := (v+1)/2, 1/k
	n := float64(len(squares))
	tails := logProduct{product: 1}
	var first, second float64 // Σ of the derivatives by ν, without the logarithm
	byL, byLL, byLS := b.byL[:len(squares)], b.byLL[:len(squares)], b.byLS[0][:len(squares)]
	for t, q := range squares {
		w := k + q
		inverse := 1 / w
		tail := w * inverseK
		tails.add(t, tail)
		share := q * inverse // q/w
		r := share * inverseK
		pull := top * share
		byL[t] = pull - 0.5
		byLL[t] = -pull * k * inverse
		byLS[t] = share * (0.5 - top*inverse) * k
		first += r
		second += r * (1 - top*(w+k)*inverse*inverseK)
		if daily {
			b.byS[0][t] = c.d[0] + k*(top*r-stats.Log(tail)/2)
		}
	}
	log := tails.total()
	b.value = n*c.v - top*log
	byNu := top*first - log/2
	b.sumS[0] = n*c.d[0] + k*byNu
	b.sumSS[0] = n*c.dd[0] + k*k*second + k*byNu
}

// ged: ℓ = c(ν) − ½·P − L/2, P = |z/λ|^ν, of which ln P is linear in L.
func (b *bends) ged(x float64, squares, logs []float64, daily bool) {
	nu := coordinate(x, 0).exp()
	inverse := nu.inverse()
	one, three := inverse.lgamma(), inverse.scaled(3).lgamma()
	lambda := inverse.scaled(-2 * math.Ln2).plus(one).minus(three).scaled(0.5) // its logarithm
	c := nu.log().minus(inverse.shifted(1).scaled(math.Ln2)).minus(lambda).minus(one)
	drop := nu.times(lambda) // ln P = ν/2·ln z² − ν ln λ
	n, v := float64(len(squares)), nu.v
	var sum, first, second float64
	byL, byLL, byLS, logs := b.byL[:len(squares)], b.byLL[:len(squares)], b.byLS[0][:len(squares)], logs[:len(squares)]
	for t, q := range squares {
		power, slope, bend := 0.0, 0.0, 0.0 // P, and the derivatives of ln P by the coordinate
		if q > 1e-24 {
			half := logs[t] / 2
			power = stats.Exp(v*half - drop.v)
			slope, bend = nu.d[0]*half-drop.d[0], nu.dd[0]*half-drop.dd[0]
		}
		sum += power
		first += power * slope
		second += power * (slope*slope + bend)
		byL[t] = v*power/4 - 0.5
		byLL[t] = -v * v * power / 8
		byLS[t] = power / 4 * (nu.d[0] + v*slope)
		if daily {
			b.byS[0][t] = c.d[0] - power*slope/2
		}
	}
	b.value = n*c.v - sum/2
	b.sumS[0], b.sumSS[0] = n*c.d[0]-first/2, n*c.dd[0]-second/2
}

// sides are a law made of two halves of a t: ln f = c + ln t(a + b·z; ν), a and b
// by the side of the limit on which z lies (0: below).
type sides struct {
	c, nu jet
	a, b  [2]jet
	limit float64
}

// sidesOfHansen are those of Hansen (1994), section 3.
func sidesOfHansen(eta, lambda float64) sides {
	nu, l := degrees(eta, 0), coordinate(lambda, 1)
	c := normaliser(nu)
	a := l.times(c.exp()).times(nu.shifted(-2)).over(nu.shifted(-1)).scaled(4)
	b := l.times(l).scaled(3).shifted(1).minus(a.times(a)).sqrt()
	below, above := l.scaled(-1).shifted(1).inverse(), l.shifted(1).inverse()
	return sides{c: c.plus(b.log()), nu: nu, a: [2]jet{a.times(below), a.times(above)},
		b: [2]jet{b.times(below), b.times(above)}, limit: -a.v / b.v}
}

// sidesOfSkewT are those of Fernández and Steel (1998), moved and scaled.
func sidesOfSkewT(logXi, x float64) sides {
	xi, nu := coordinate(logXi, 0).exp(), degrees(x, 1)
	back := xi.inverse()
	c := normaliser(nu)
	// E|T| = 2·exp(c)·(ν−2)/(ν−1)
	first := c.exp().times(nu.shifted(-2)).over(nu.shifted(-1)).scaled(2)
	square := first.times(first)
	m := first.times(xi.minus(back))
	second := xi.times(xi).plus(back.times(back)).times(square.scaled(-1).shifted(1))
	s := second.plus(square.scaled(2)).shifted(-1).sqrt()
	c = c.plus(s.log()).minus(xi.plus(back).log()).shifted(math.Ln2)
	return sides{c: c, nu: nu, a: [2]jet{m.times(xi), m.times(back)}, b: [2]jet{s.times(xi), s.times(back)},
		limit: -m.v / s.v}
}

// sideSums are over the days of one side: τ = ln t(x; ν) without its constant.
type sideSums struct{ x, xz, xx, xxz, xxzz, xn, xnz float64 }

// sided: x = a + b·z; all derivatives by the shape's coordinates are combinations
// of a few sums, so a day costs no more for two coordinates than for one.
func (b *bends) sided(s sides, z []float64, daily bool) {
	v, k := s.nu.v, s.nu.v-2
	top, inverseK := (v+1)/2, 1/k
	var sums [2]sideSums
	var byNu, byNuNu float64
	var days [2]float64
	tails := logProduct{product: 1}
	type line struct{ a, b, a0, a1, b0, b1 float64 } // x = a + b·z, and by the coordinates
	var lines [2]line
	for i := range lines {
		a, c := s.a[i], s.b[i]
		lines[i] = line{a.v, c.v, a.d[0], a.d[1], c.d[0], c.d[1]}
	}
	nu0, nu1 := s.nu.d[0], s.nu.d[1]
	byL, byLL, first, second := b.byL[:len(z)], b.byLL[:len(z)], b.byLS[0][:len(z)], b.byLS[1][:len(z)]
	for t, z := range z {
		side := 0
		if z >= s.limit {
			side = 1
		}
		sum, on := &sums[side], &lines[side]
		slope := on.b
		x := on.a + slope*z
		q := x * x
		w := k + q
		inverse := 1 / w
		tail := w * inverseK
		tails.add(t, tail)
		tx := -(v + 1) * x * inverse
		txx := -(v + 1) * (k - q) * inverse * inverse
		txn := x * inverse * ((v+1)*inverse - 1)
		r := q * inverse * inverseK
		byNu += r
		byNuNu += r * (1 - top*(w+k)*inverse*inverseK)
		days[side]++
		sum.x += tx
		sum.xz += tx * z
		sum.xx += txx
		sum.xxz += txx * z
		sum.xxzz += txx * z * z
		sum.xn += txn
		sum.xnz += txn * z
		zg := z * slope * tx // z·∂g/∂z
		byL[t] = -(1 + zg) / 2
		byLL[t] = (zg + z*z*slope*slope*txx) / 4
		by0, by1 := on.a0+on.b0*z, on.a1+on.b1*z
		first[t] = -z / 2 * (slope*(txx*by0+txn*nu0) + tx*on.b0)
		second[t] = -z / 2 * (slope*(txx*by1+txn*nu1) + tx*on.b1)
		if daily {
			own := top*r - stats.Log(tail)/2
			b.byS[0][t], b.byS[1][t] = s.c.d[0]+tx*by0+nu0*own, s.c.d[1]+tx*by1+nu1*own
		}
	}
	log := tails.total()
	n := days[0] + days[1]
	b.value = n*s.c.v - top*log
	b.combine(s, sums, top*byNu-log/2, byNuNu, n)
}

// combine makes the sums by the shape's coordinates of those by x and ν.
func (b *bends) combine(s sides, sums [2]sideSums, byNu, byNuNu, n float64) {
	for i := range 2 {
		b.sumS[i] = n*s.c.d[i] + byNu*s.nu.d[i]
		for side, sum := range sums {
			b.sumS[i] += sum.x*s.a[side].d[i] + sum.xz*s.b[side].d[i]
		}
	}
	for at, pair := range pairs {
		i, j := pair[0], pair[1]
		ni, nj := s.nu.d[i], s.nu.d[j]
		v := n*s.c.dd[at] + byNuNu*ni*nj + byNu*s.nu.dd[at]
		for side, sum := range sums {
			a, c := s.a[side], s.b[side]
			v += sum.xx*a.d[i]*a.d[j] + sum.xxz*(a.d[i]*c.d[j]+a.d[j]*c.d[i]) + sum.xxzz*c.d[i]*c.d[j]
			v += sum.x*a.dd[at] + sum.xz*c.dd[at]
			v += sum.xn*(a.d[i]*nj+a.d[j]*ni) + sum.xnz*(c.d[i]*nj+c.d[j]*ni)
		}
		b.sumSS[at] = v
	}
}
