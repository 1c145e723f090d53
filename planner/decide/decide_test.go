package decide_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/planner/decide"
)

func Example() {
	machine := decide.Unit{PV: []float64{3, -1}, Tax: []float64{4, 0}}
	p := &decide.Problem{Paths: 2, Years: 1, TaxWeight: []float64{0.2}, Base: decide.Unit{PV: make([]float64, 2), Tax: make([]float64, 2)}, Units: []decide.Unit{machine},
		Groups: [][]decide.Option{{{Unit: -1, Use: []float64{0}}, {Unit: 0, Count: 5, Use: []float64{5}}, {Unit: 0, Count: 10, Use: []float64{10}}}}, Limits: []float64{7}, Effort: 100}
	s, err := decide.Solve(context.Background(), p)
	fmt.Println(s.Choice, s.Objective, s.Exact, err)
	// Output: [1] 3 true <nil>
}

// draw makes a small problem that can be enumerated.
func draw(t *rapid.T) *decide.Problem {
	number := func(name string) float64 { return float64(rapid.IntRange(-50, 60).Draw(t, name)) }
	p := &decide.Problem{Paths: rapid.IntRange(1, 30).Draw(t, "paths"), Years: rapid.IntRange(1, 3).Draw(t, "years"), Lambda: rapid.SampledFrom([]float64{0, 0.5, 2}).Draw(t, "lambda"), Effort: 100_000}
	weight := 0.3
	for range p.Years {
		p.TaxWeight = append(p.TaxWeight, weight)
		weight *= 0.8
	}
	unit := func() decide.Unit {
		u := decide.Unit{}
		for range p.Paths {
			u.PV = append(u.PV, number("pv"))
			for range p.Years {
				u.Tax = append(u.Tax, number("tax"))
			}
		}
		return u
	}
	p.Base = unit()
	resources := rapid.IntRange(0, 2).Draw(t, "resources")
	for range resources {
		p.Limits = append(p.Limits, float64(rapid.IntRange(0, 40).Draw(t, "limit")))
	}
	none := decide.Option{Unit: -1, Use: make([]float64, resources)}
	for g := range rapid.IntRange(1, 5).Draw(t, "groups") {
		options := []decide.Option{none}
		same := rapid.Bool().Draw(t, "numbers of one unit")
		for n := range rapid.IntRange(1, 3).Draw(t, "options") {
			if n == 0 || !same {
				p.Units = append(p.Units, unit())
			}
			o := decide.Option{Unit: len(p.Units) - 1, Count: float64(1 + n)}
			for range resources {
				o.Use = append(o.Use, float64(rapid.IntRange(0, 15).Draw(t, fmt.Sprint("use", g))))
			}
			options = append(options, o)
		}
		p.Groups = append(p.Groups, options)
	}
	return p
}

// Branch and bound agrees with trying everything.
func TestAgreesWithBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		got, err := decide.Solve(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		best := bruteForce(p)
		if !got.Exact || math.Abs(got.Objective-best) > 1e-7*(1+math.Abs(best)) {
			t.Fatalf("%+v; trying everything gives %v", got, best)
		}
		if value := p.Objective(got.Choice); math.Abs(value-got.Objective) > 1e-9*(1+math.Abs(value)) {
			t.Fatalf("the choice is worth %v, not %v", value, got.Objective)
		}
	})
}

// A tax that rises from a year to the next is not convex, and yet what is called exact is the best, and no choice is
// better than the bound.
func TestExactWhereTheTaxRises(t *testing.T) {
	// Alone the machine is not worth its tax; a loss in the year without tax makes it so.
	none := decide.Option{Unit: -1}
	p := &decide.Problem{Paths: 1, Years: 3, TaxWeight: []float64{0, 0, 0.3}, Effort: 100,
		Base:   decide.Unit{PV: make([]float64, 1), Tax: make([]float64, 3)},
		Units:  []decide.Unit{{PV: []float64{4}, Tax: []float64{0, 1, 14}}, {PV: []float64{0}, Tax: []float64{0, -2, 0}}},
		Groups: [][]decide.Option{{none, {Unit: 0, Count: 1}}, {none, {Unit: 1, Count: 1}}}}
	if got, err := decide.Solve(t.Context(), p); err != nil || !got.Exact || math.Abs(got.Objective-0.1) > 1e-9 {
		t.Errorf("%+v, %v; both together are worth 0.1", got, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		for y := range p.TaxWeight {
			p.TaxWeight[y] = rapid.SampledFrom([]float64{0, 0.1, 0.3, 0.9}).Draw(t, "weight")
		}
		best := bruteForce(p)
		for _, effort := range []int{p.Effort, rapid.IntRange(0, 5).Draw(t, "effort")} {
			p.Effort = effort
			got, err := decide.Solve(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			if off := 1e-7 * (1 + math.Abs(best)); got.Bound < best-off || got.Exact && got.Objective < best-off {
				t.Fatalf("%+v; trying everything gives %v", got, best)
			}
			if effort > 5 && !got.Exact {
				t.Fatalf("%+v is not exact", got)
			}
		}
	})
}

// With little effort the answer may be worse, and the bound says by how much at most.
func TestBoundHoldsWhenEffortEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		p.Effort = rapid.IntRange(0, 5).Draw(t, "effort")
		got, err := decide.Solve(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if best := bruteForce(p); got.Bound < best-1e-7*(1+math.Abs(best)) {
			t.Fatalf("%+v, but %v can be had", got, best)
		}
	})
}

// A runner-up is the best of what is not forbidden.
func TestForbidden(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		first, err := decide.Solve(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		p.Forbidden = func(choice []int) bool { return choice[0] == first.Choice[0] }
		second, err := decide.Solve(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		best := bruteForce(p)
		if second.Found == math.IsInf(best, -1) || (second.Found && math.Abs(second.Objective-best) > 1e-7*(1+math.Abs(best))) {
			t.Fatalf("%+v; trying everything else gives %v", second, best)
		}
	})
}

func bruteForce(p *decide.Problem) float64 {
	best := math.Inf(-1)
	choice := make([]int, len(p.Groups))
	var search func(g int)
	search = func(g int) {
		if g == len(p.Groups) {
			for r, limit := range p.Limits {
				used := 0.0
				for g, o := range choice {
					used += p.Groups[g][o].Use[r]
				}
				if used > limit {
					return
				}
			}
			if p.Forbidden == nil || !p.Forbidden(choice) {
				best = max(best, p.Objective(choice))
			}
			return
		}
		for o := range p.Groups[g] {
			choice[g] = o
			search(g + 1)
		}
	}
	search(0)
	return best
}
