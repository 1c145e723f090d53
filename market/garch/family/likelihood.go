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

// slopes gives the density's value and derivatives, those by the coordinates of
// its shape in gs: analytic in z, and where a law has no form of its own by
// differences.
func (p *problem) slopes(x []float64) func(z float64, gs *[2]float64) (g, gz float64) {
	shape := p.parameters(x)
	f := p.spec.Law.density(shape)
	if own, ok := f.(interface {
		sloped(constants [2][3]float64) func(z float64, gs *[2]float64) (g, gz float64)
		constants() [3]float64
	}); ok {
		var by [2][3]float64 // of the law's constants, by each coordinate
		for i, s := range p.shapes {
			moved := append([]float64(nil), shape...)
			moved[i] = s.out(x[p.at.shape+i] + shapeStep)
			up := p.spec.Law.density(moved).(interface{ constants() [3]float64 }).constants()
			moved[i] = s.out(x[p.at.shape+i] - shapeStep)
			down := p.spec.Law.density(moved).(interface{ constants() [3]float64 }).constants()
			for c := range up {
				by[i][c] = (up[c] - down[c]) / (2 * shapeStep)
			}
		}
		return own.sloped(by)
	}
	var up, down [2]density
	for i, s := range p.shapes {
		moved := append([]float64(nil), shape...)
		moved[i] = s.out(x[p.at.shape+i] + shapeStep)
		up[i] = p.spec.Law.density(moved)
		moved[i] = s.out(x[p.at.shape+i] - shapeStep)
		down[i] = p.spec.Law.density(moved)
	}
	return func(z float64, gs *[2]float64) (g, gz float64) {
		for i := range p.shapes {
			a, _ := up[i].at(z)
			b, _ := down[i].at(z)
			gs[i] = (a - b) / (2 * shapeStep)
		}
		return f.at(z)
	}
}

// likelihood fills value and gradient, and the score of each day in p.scores.
func (p *problem) likelihood(x []float64, out *garch.Point) {
	k, n := p.at.size, len(p.y)
	clear(out.Gradient)
	// Outside of what can be computed a point is infinitely bad and has no slope: the search turns back and never
	// sees NaN.
	out.Value = math.Inf(-1)
	if !p.recursion(x) {
		return
	}
	f := p.slopes(x)
	value := -p.path.sumLogH / 2
	var gs [2]float64
	for t := range n {
		sd := p.path.sd[t]
		z := p.e[t] / sd
		g, gz := f(z, &gs)
		value += g
		score, d := p.scores[t*k:(t+1)*k:(t+1)*k], p.path.d[t*k:(t+1)*k:(t+1)*k]
		half := -(1 + z*gz) / 2
		for i := range p.at.shape {
			score[i] = half * d[i]
		}
		for m, c := range p.columns {
			score[m] -= gz * c[t] / sd
		}
		for i := p.at.shape; i < k; i++ {
			score[i] = gs[i-p.at.shape]
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

// fine differences the gradient for its Hessian, and keeps that until the climb
// has moved by a quarter of a standard error: near the top the parabola hardly
// turns, and a step costs one gradient.
func (p *problem) fine(x []float64, out *garch.Point) {
	k := p.at.size
	p.likelihood(x, out)
	if math.IsInf(out.Value, -1) {
		return
	}
	moved := math.Inf(1)
	if p.kept != nil {
		moved = 0
		for i := range k {
			for j := range k {
				moved -= (x[i] - p.keptAt[i]) * p.kept[i*k+j] * (x[j] - p.keptAt[j])
			}
		}
	}
	if !(moved >= 0 && moved < 0.06) {
		p.kept = resized(p.kept, k*k)
		p.keptAt = append(p.keptAt[:0], x...)
		p.forward(x, out.Gradient, p.kept)
	}
	copy(out.Hessian, p.kept)
}

// forward differences the gradient to one side, from its value there.
func (p *problem) forward(x, gradient, hessian []float64) {
	k := p.at.size
	moved, a := append([]float64(nil), x...), garch.Point{Gradient: make([]float64, k)}
	for i := range k {
		step := 1e-6 * math.Max(0.01, math.Abs(x[i]))
		moved[i] = x[i] + step
		p.likelihood(moved, &a)
		moved[i] = x[i]
		for j := range k {
			hessian[i*k+j] = (a.Gradient[j] - gradient[j]) / step
		}
	}
	symmetric(hessian, k)
}

// symmetric takes the mean of both halves, which rounding has made differ.
func symmetric(m []float64, k int) {
	for i := range k {
		for j := range i {
			mean := (m[i*k+j] + m[j*k+i]) / 2
			m[i*k+j], m[j*k+i] = mean, mean
		}
	}
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
	symmetric(hessian, k)
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
