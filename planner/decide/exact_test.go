package decide_test

import (
	"context"
	"errors"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/planner/decide"
)

// exactly is the objective of a choice in rationals, from the definition: sums by path, tax on each year's new maximum
// of the cumulative profit, the mean, and the mean of the worst twentieth (at least one).
func exactly(p *decide.Problem, choice []int) float64 {
	rat := func(v float64) *big.Rat { return new(big.Rat).SetFloat64(v) }
	var outcomes []*big.Rat
	for i := range p.Paths {
		value := rat(p.Base.PV[i])
		profit := make([]*big.Rat, p.Years)
		for y := range profit {
			profit[y] = rat(p.Base.Tax[i*p.Years+y])
		}
		for g, o := range choice {
			option := p.Groups[g][o]
			if option.Unit < 0 {
				continue
			}
			unit := p.Units[option.Unit]
			value.Add(value, new(big.Rat).Mul(rat(option.Count), rat(unit.PV[i])))
			for y := range profit {
				profit[y].Add(profit[y], new(big.Rat).Mul(rat(option.Count), rat(unit.Tax[i*p.Years+y])))
			}
		}
		total, most := new(big.Rat), new(big.Rat)
		for y := range profit {
			if total.Add(total, profit[y]); total.Cmp(most) > 0 {
				due := new(big.Rat).Sub(total, most)
				value.Sub(value, due.Mul(due, rat(p.TaxWeight[y])))
				most.Set(total)
			}
		}
		outcomes = append(outcomes, value)
	}
	slices.SortFunc(outcomes, func(a, b *big.Rat) int { return a.Cmp(b) })
	mean, tail, worst := new(big.Rat), new(big.Rat), max(1, len(outcomes)/20)
	for i, o := range outcomes {
		if mean.Add(mean, o); i < worst {
			tail.Add(tail, o)
		}
	}
	mean.Quo(mean, big.NewRat(int64(len(outcomes)), 1))
	tail.Quo(tail, big.NewRat(int64(worst), 1)) // less a loss is plus what is left
	got, _ := mean.Add(mean, tail.Mul(tail, rat(p.Lambda))).Float64()
	return got
}

// drawChoice is one option of each group, within the limits or not.
func drawChoice(t *rapid.T, p *decide.Problem) []int {
	var choice []int
	for _, options := range p.Groups {
		choice = append(choice, rapid.IntRange(0, len(options)-1).Draw(t, "option"))
	}
	return choice
}

// Objectives are what their definition says in rationals, whose rounding cannot hide an error.
func TestObjectivesInRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		choice := drawChoice(t, p)
		want := exactly(p, choice)
		if got := p.Objective(choice); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
			t.Fatalf("%v, in rationals %v", got, want)
		}
		if got := p.Outcomes(choice); len(got) != p.Paths || math.Abs(got.Mean()-mean(p, choice)) > 1e-9*(1+math.Abs(want)) {
			t.Fatalf("%d outcomes of mean %v", len(got), got.Mean())
		}
	})
}

// mean is what exactly says without a weight on the tail.
func mean(p *decide.Problem, choice []int) float64 {
	certain := *p
	certain.Lambda = 0
	return exactly(&certain, choice)
}

// One more limit, or a tighter one, never makes the best better; one more option never makes it worse; and a limit that
// nothing reaches changes nothing.
func TestTheBestFollowsItsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		solve := func() float64 {
			s, err := decide.Solve(context.Background(), p)
			if err != nil || !s.Exact || !s.Found || s.Bound != s.Objective {
				t.Fatalf("%+v, %v", s, err)
			}
			return s.Objective
		}
		slack := func(v float64) float64 { return 1e-9 * (1 + math.Abs(v)) }
		before := solve()
		for g := range p.Groups { // what nothing uses up
			for o := range p.Groups[g] {
				p.Groups[g][o].Use = append(slices.Clone(p.Groups[g][o].Use), float64(o))
			}
		}
		p.Limits = append(p.Limits, 1000)
		if loose := solve(); math.Abs(loose-before) > slack(before) {
			t.Fatalf("a limit out of reach turns %v into %v", before, loose)
		}
		p.Limits[len(p.Limits)-1] = float64(rapid.IntRange(0, 6).Draw(t, "limit"))
		tight := solve()
		if tight > before+slack(before) {
			t.Fatalf("a limit turns %v into %v", before, tight)
		}
		g := rapid.IntRange(0, len(p.Groups)-1).Draw(t, "group")
		more := p.Groups[g][len(p.Groups[g])-1]
		more.Count, more.Use = more.Count+1, make([]float64, len(p.Limits)) // free, too
		p.Groups[g] = append(p.Groups[g], more)
		if wider := solve(); wider < tight-slack(tight) {
			t.Fatalf("one more option turns %v into %v", tight, wider)
		}
	})
}

// What is found keeps within every resource, counted here; in whichever order groups are written the best is worth the
// same.
func TestSolutionsKeepWithinTheirLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		s, err := decide.Solve(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		for r, limit := range p.Limits {
			used := 0.0
			for g, o := range s.Choice {
				used += p.Groups[g][o].Use[r]
			}
			if used > limit {
				t.Fatalf("%v of %v are used: %+v", used, limit, s)
			}
		}
		slices.Reverse(p.Groups)
		again, err := decide.Solve(context.Background(), p)
		if err != nil || math.Abs(again.Objective-s.Objective) > 1e-9*(1+math.Abs(s.Objective)) {
			t.Fatalf("%v, with groups the other way round %v (%v)", s.Objective, again.Objective, err)
		}
	})
}

// Where nothing fits there is no choice, and it is said; where the first options do not fit, others are found.
func TestWhenNothingFits(t *testing.T) {
	machine := decide.Unit{PV: []float64{3}, Tax: []float64{0}}
	p := &decide.Problem{Paths: 1, Years: 1, TaxWeight: []float64{0}, Base: decide.Unit{PV: []float64{1}, Tax: []float64{0}},
		Units: []decide.Unit{machine}, Limits: []float64{4}, Effort: 100,
		Groups: [][]decide.Option{
			{{Unit: 0, Count: 9, Use: []float64{9}}, {Unit: 0, Count: 2, Use: []float64{2}}},
			{{Unit: 0, Count: 8, Use: []float64{8}}, {Unit: 0, Count: 1, Use: []float64{1}}}}}
	s, err := decide.Solve(context.Background(), p)
	if err != nil || !s.Found || s.Objective != 10 || !slices.Equal(s.Choice, []int{1, 1}) {
		t.Errorf("one choice fits: %+v, %v", s, err)
	}
	p.Limits[0] = 2.5
	if s, err = decide.Solve(context.Background(), p); err != nil || s.Found || !s.Exact {
		t.Errorf("no choice fits: %+v, %v", s, err)
	}
	p.Groups, p.Limits = nil, nil
	if s, err = decide.Solve(context.Background(), p); err != nil || !s.Found || s.Objective != 1 || len(s.Choice) != 0 {
		t.Errorf("nothing to decide: %+v, %v", s, err)
	}
	called, cancel := context.WithCancel(context.Background())
	cancel()
	p.Groups, p.Limits = [][]decide.Option{{{Unit: -1}, {Unit: 0, Count: 1}}}, nil
	if _, err = decide.Solve(called, p); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
}
