package decide

import (
	"github.com/aqsha/aqsha/planner/finance"
)

// Unit is a thing that can be had in numbers: its present value and taxable profit along every path. Its tax here is
// the profit that is taxed, which is negative in a year of loss.
type Unit struct {
	PV  []float64
	Tax []float64 // [path*years + year]
}

// Option is so many of a unit; Unit −1 is nothing. The first options of all groups should keep within the limits
// together: the climb starts from them.
type Option struct {
	Unit  int
	Count float64
	Use   []float64 // of each resource
}

// Problem is what is to be decided. With no limit and no group there is one choice, the empty one. Where a weight rises
// from a year to the next, the tax is not convex in the profits: cuts are then looser, and the search takes longer.
type Problem struct {
	Paths     int
	Years     int
	TaxWeight []float64 // of a year's tax: its rate, discounted; none is less than 0
	Base      Unit      // what is there anyway
	Units     []Unit
	Groups    [][]Option // one option of each is chosen
	Limits    []float64  // of each resource
	Lambda    float64
	Effort    int // nodes to open
	// Forbidden leaves out choices, as for a runner-up; nil: none.
	Forbidden func(choice []int) bool
}

// evaluator computes outcomes, with scratch of its own: one at a time may use it. The tax along a path is Σ v_y·max(0,
// P_0, …, P_y), where P_y is the profit of all years up to y: with v_y ≥ 0 a sum of maxima of linear functions, and so
// convex in the choice. Where w rises, v_y < 0, and the tax is not. It is never less than that of the weights w′_y =
// min(w_0, …, w_y), since each year taxes what its maximum rises by, which is no less than 0; w′ never rises, and so
// the tax of w′ is convex and below that of w everywhere.
type evaluator struct {
	*Problem
	pv, tax []float64
	weights []float64 // v_y = w_y − w_{y+1}
	convex  []float64 // the same of w′
	outcome finance.Outcomes
}

func newEvaluator(p *Problem) *evaluator {
	e := &evaluator{Problem: p, pv: make([]float64, p.Paths), tax: make([]float64, p.Paths*p.Years),
		outcome: make(finance.Outcomes, p.Paths)}
	least := make([]float64, p.Years)
	for y := range least {
		if least[y] = p.TaxWeight[y]; y > 0 {
			least[y] = min(least[y], least[y-1])
		}
	}
	e.weights, e.convex = falls(p.TaxWeight[:p.Years]), falls(least)
	return e
}

// falls are by what each weight is above the next, and the last above 0.
func falls(weights []float64) []float64 {
	out := make([]float64, len(weights))
	for y := range out {
		next := 0.0
		if y+1 < len(weights) {
			next = weights[y+1]
		}
		out[y] = weights[y] - next
	}
	return out
}

// Outcomes of a choice: present values after profit tax, by path. It does not ask whether the choice is feasible.
func (p *Problem) Outcomes(choice []int) finance.Outcomes {
	e := newEvaluator(p)
	e.outcomes(choice)
	return e.outcome
}

// Objective of a choice. It is the mean less Lambda times the shortfall in the worst twentieth.
func (p *Problem) Objective(choice []int) float64 {
	e := newEvaluator(p)
	return e.objective(choice)
}

// sum adds up what is chosen, with the base, in the order of the groups.
func (e *evaluator) sum(choice []int) {
	copy(e.pv, e.Base.PV)
	copy(e.tax, e.Base.Tax)
	for g, o := range choice {
		option := e.Groups[g][o]
		if option.Unit < 0 || option.Count == 0 {
			continue
		}
		unit := e.Units[option.Unit]
		for i, v := range unit.PV {
			e.pv[i] += option.Count * v
		}
		for i, v := range unit.Tax {
			e.tax[i] += option.Count * v
		}
	}
}

// outcomes leaves in outcome what each path brings after tax.
func (e *evaluator) outcomes(choice []int) {
	e.sum(choice)
	for i := range e.outcome {
		total, most, paid := 0.0, 0.0, 0.0
		for y := range e.Years {
			total += e.tax[i*e.Years+y]
			most = max(most, total)
			paid += e.weights[y] * most
		}
		e.outcome[i] = e.pv[i] - paid
	}
}

// objective leaves the outcomes of the choice, from which cutAt makes its cut.
func (e *evaluator) objective(choice []int) float64 {
	e.outcomes(choice)
	_, shortfall := e.outcome.Risk()
	return e.outcome.Mean() - e.Lambda*shortfall
}

// cut is a linear function of the choice that is nowhere below the objective, and touches it where it was made, but
// where a weight rises: there it may be above.
type cut struct {
	constant float64
	unit     []float64
}

// cutAt makes the cut at a choice whose outcomes were just computed. A path's weight is what the objective gains by a
// tenge on it: 1/n for the mean, and in the tail its part of λ. Each year's slope is the sum of v over the years whose
// highest cumulative profit so far was reached in that year or later; of v as of w′, whose tax no slope exceeds.
func (e *evaluator) cutAt() cut {
	weight := make([]float64, e.Paths)
	for i := range weight {
		weight[i] = 1 / float64(e.Paths)
	}
	tail := e.outcome.Tail()
	for _, i := range tail {
		weight[i] += e.Lambda / float64(len(tail))
	}
	// By year, how much a tenge of its profit adds to the tax along each path.
	slope := make([]float64, e.Paths*e.Years)
	for i := range e.Paths {
		total, most, at := 0.0, 0.0, -1
		for y := range e.Years {
			total += e.tax[i*e.Years+y]
			if total > most {
				most, at = total, y
			}
			if at >= 0 {
				slope[i*e.Years+at] += e.convex[y]
			}
		}
		for y := e.Years - 2; y >= 0; y-- {
			slope[i*e.Years+y] += slope[i*e.Years+y+1]
		}
		for y := range e.Years {
			slope[i*e.Years+y] *= weight[i]
		}
	}
	value := func(u Unit) float64 {
		total := 0.0
		for i, v := range u.PV {
			total += weight[i] * v
		}
		for i, v := range u.Tax {
			total -= slope[i] * v
		}
		return total
	}
	c := cut{constant: value(e.Base), unit: make([]float64, len(e.Units))}
	for k, u := range e.Units {
		c.unit[k] = value(u)
	}
	return c
}

// feasible says whether a choice keeps within the resources. A use that exceeds its limit by rounding alone is within
// it.
func (p *Problem) feasible(choice []int) bool {
	for r, limit := range p.Limits {
		used := 0.0
		for g, o := range choice {
			used += p.Groups[g][o].Use[r]
		}
		if used > limit*(1+1e-12) {
			return false
		}
	}
	return p.Forbidden == nil || !p.Forbidden(choice)
}

// Solution is the best choice found.
type Solution struct {
	Choice    []int
	Objective float64
	Bound     float64 // no choice is better than this
	Exact     bool
	Nodes     int
	Found     bool // false: nothing is feasible
}
