package family

import (
	"math"

	"github.com/aqsha/aqsha/market/garch"
)

// shapeStep is the step of the differences by which the gradient in the law's
// shape is taken: cubic root of the rounding error.
const shapeStep = 6e-6

// parameters turns the coordinates of the law's shape into its parameters.
func (p *problem) parameters(x []float64) []float64 {
	out := make([]float64, len(p.shapes))
	for i, s := range p.shapes {
		out[i] = s.out(x[p.at.shape+i])
	}
	return out
}

// likelihood fills value and gradient, and the score of each day in p.scores.
func (p *problem) likelihood(x []float64, out *garch.Point) {
	k, n := p.at.size, len(p.y)
	clear(out.Gradient)
	out.Value = math.Inf(-1)
	if !p.recursion(x) {
		return
	}
	shape := p.parameters(x)
	f := p.spec.Law.density(shape)
	var up, down []density
	for i, s := range p.shapes {
		moved := append([]float64(nil), shape...)
		moved[i] = s.out(x[p.at.shape+i] + shapeStep)
		up = append(up, p.spec.Law.density(moved))
		moved[i] = s.out(x[p.at.shape+i] - shapeStep)
		down = append(down, p.spec.Law.density(moved))
	}
	value := 0.0
	for t := range n {
		l := p.path.logH[t]
		sd := math.Exp(l / 2)
		z := p.e[t] / sd
		g, gz := f.at(z)
		value += g - l/2
		score, d := p.scores[t*k:(t+1)*k], p.path.d[t*k:(t+1)*k]
		half := -(1 + z*gz) / 2
		for i := range p.at.shape {
			score[i] = half * d[i]
		}
		for m, c := range p.columns {
			score[m] -= gz * c[t] / sd
		}
		for i := range p.shapes {
			a, _ := up[i].at(z)
			b, _ := down[i].at(z)
			score[p.at.shape+i] = (a - b) / (2 * shapeStep)
		}
		for i, v := range score {
			out.Gradient[i] += v
		}
	}
	if !math.IsNaN(value) {
		out.Value = value
	}
}

// outer is the sum of the outer products of the scores.
func (p *problem) outer() []float64 {
	k := p.at.size
	out := make([]float64, k*k)
	for t := range len(p.y) {
		s := p.scores[t*k : (t+1)*k]
		for i := range k {
			for j := i; j < k; j++ {
				out[i*k+j] += s[i] * s[j]
			}
		}
	}
	for i := range k {
		for j := range i {
			out[i*k+j] = out[j*k+i]
		}
	}
	return out
}

// coarse has the outer products for a Hessian: sure to be negative definite, and
// near the truth where the model is.
func (p *problem) coarse(x []float64, out *garch.Point) {
	p.likelihood(x, out)
	if math.IsInf(out.Value, -1) {
		return
	}
	for i, v := range p.outer() {
		out.Hessian[i] = -v
	}
}

// fine differences the gradient.
func (p *problem) fine(x []float64, out *garch.Point) {
	p.likelihood(x, out)
	if math.IsInf(out.Value, -1) {
		return
	}
	p.difference(x, out.Hessian)
}

// difference fills the Hessian by central differences of the gradient.
func (p *problem) difference(x, hessian []float64) {
	k := p.at.size
	moved := append([]float64(nil), x...)
	a, b := garch.Point{Gradient: make([]float64, k)}, garch.Point{Gradient: make([]float64, k)}
	for i := range k {
		step := 1e-5 * math.Max(0.01, math.Abs(x[i]))
		moved[i] = x[i] + step
		p.likelihood(moved, &a)
		moved[i] = x[i] - step
		p.likelihood(moved, &b)
		moved[i] = x[i]
		for j := range k {
			hessian[i*k+j] = (a.Gradient[j] - b.Gradient[j]) / (2 * step)
		}
	}
	for i := range k {
		for j := range i {
			mean := (hessian[i*k+j] + hessian[j*k+i]) / 2
			hessian[i*k+j], hessian[j*k+i] = mean, mean
		}
	}
}

// bounds of the parameters in the scaled series. Where α + γ may not fall below
// zero, or a sum may not reach one, the row says so.
func (p *problem) bounds() []garch.Bound {
	s, at := p.spec, p.at
	var rows []garch.Bound
	row := func(name string, b float64, of map[int]float64) {
		a := make([]float64, at.size)
		for i, v := range of {
			a[i] = v
		}
		rows = append(rows, garch.Bound{Name: name, A: a, B: b})
	}
	between := func(i int, low, high float64) {
		row(at.names[i]+" at its least", -low, map[int]float64{i: -1})
		row(at.names[i]+" at its most", high, map[int]float64{i: 1})
	}
	between(at.omega, 1e-7, 10)
	for i, shape := range p.shapes {
		between(at.shape+i, shape.low, shape.up)
	}
	switch s.Model {
	case FIGARCH: // Baillie, Bollerslev and Mikkelsen's conditions, as arch has them
		a := at.alpha
		between(a, 0, 0.5)
		between(a+1, 0, 1)
		between(a+2, 0, 0.99)
		row("2·phi + d at one", 1, map[int]float64{a: 2, a + 1: 1})
		row("beta at phi + d", 0, map[int]float64{a + 2: 1, a: -1, a + 1: -1})
		return rows
	case Component:
		a := at.alpha
		between(a, 0, 1-1e-6)
		between(a+1, 0, 1)
		between(a+2, 0, 1)
		between(a+3, 0, 1)
		row("alpha + beta below rho", -1e-6, map[int]float64{a + 2: 1, a + 3: 1, a: -1})
		row("phi at beta", 0, map[int]float64{a + 1: 1, a + 3: -1})
		return rows
	}
	sum, less := map[int]float64{}, map[int]float64{}
	for i := range s.P {
		between(at.alpha+i, 0, 5)
		sum[at.alpha+i], less[at.alpha+i] = 1, -1
		if i >= s.O {
			continue
		}
		if s.Model == APARCH {
			between(at.gamma+i, -0.9997, 0.9997)
		} else {
			row("alpha + gamma at zero", 0, map[int]float64{at.alpha + i: -1, at.gamma + i: -1})
			sum[at.gamma+i] = 0.5
		}
	}
	for j := range s.Q {
		between(at.beta+j, 0, 0.99999)
		sum[at.beta+j], less[at.beta+j] = 1, -1
	}
	if at.delta >= 0 {
		between(at.delta, 0.05, 4)
	}
	row("persistence at its most", persistent, sum)
	if s.Integrated {
		row("persistence held", -persistent, less)
	}
	return rows
}

const persistent = 1 - 1e-6
