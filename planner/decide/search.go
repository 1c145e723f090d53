package decide

import (
	"container/heap"
	"context"
	"math"
	"slices"
)

// node is a choice of the first groups in the order of the search.
type node struct {
	choice []int // by group; −1: open
	depth  int
	bound  float64
	order  int // of making, so that ties are broken the same way always
}

// frontier is the heap of open nodes, the highest bound first; of equal bounds the one that was made first.
type frontier []*node

func (f frontier) Len() int { return len(f) }
func (f frontier) Less(a, b int) bool {
	if f[a].bound != f[b].bound {
		return f[a].bound > f[b].bound
	}
	return f[a].order < f[b].order
}
func (f frontier) Swap(a, b int) { f[a], f[b] = f[b], f[a] }
func (f *frontier) Push(x any)   { *f = append(*f, x.(*node)) }
func (f *frontier) Pop() any {
	old := *f
	last := old[len(old)-1]
	*f = old[:len(old)-1]
	return last
}

// searcher is a branch and bound in progress.
type searcher struct {
	*evaluator
	cuts  []cut
	best  Solution
	order []int // groups, those that matter most first
}

// maxCuts is how many cuts are kept: every bound takes time in proportion to them. When they are full, only the cut at
// a better choice is worth the oldest one's place.
const maxCuts = 60

// Solve searches the grid. The first incumbents come from improving single groups until none improves. Its end is one
// of three: the open nodes cannot be better, and the answer is exact; the effort is used up, and Bound says what may
// still be had; the context has ended, and there is no answer. Time is nodes × cuts × resources × options in all
// groups, and a whole evaluation at each leaf.
func Solve(ctx context.Context, p *Problem) (Solution, error) {
	s := &searcher{evaluator: newEvaluator(p)}
	s.best.Objective = math.Inf(-1)
	if err := s.climb(ctx); err != nil {
		return Solution{}, err
	}
	s.rank()
	open := &frontier{}
	root := &node{choice: slices.Repeat([]int{-1}, len(p.Groups))}
	root.bound = s.bound(root)
	heap.Push(open, root)
	made := 0
	for open.Len() > 0 {
		if err := ctx.Err(); err != nil {
			return Solution{}, err
		}
		top := heap.Pop(open).(*node)
		// Cuts made since may have lowered it.
		if bound := s.bound(top); bound < top.bound-s.slack() {
			top.bound = bound
			heap.Push(open, top)
			continue
		}
		if s.best.Found && top.bound <= s.best.Objective+s.slack() {
			break // nothing that is open can be better
		}
		if s.best.Nodes >= p.Effort {
			s.best.Bound, s.best.Exact = max(top.bound, s.best.Objective), false
			return s.best, nil
		}
		s.best.Nodes++
		if top.depth == len(p.Groups) {
			s.try(top.choice)
			continue
		}
		g := s.order[top.depth]
		for o := range p.Groups[g] {
			child := &node{choice: slices.Clone(top.choice), depth: top.depth + 1, order: made}
			child.choice[g] = o
			made++
			if !s.canFit(child) {
				continue
			}
			child.bound = s.bound(child)
			if !s.best.Found || child.bound > s.best.Objective+s.slack() {
				heap.Push(open, child)
			}
		}
	}
	s.best.Bound, s.best.Exact = s.best.Objective, true
	return s.best, nil
}

// slack is what rounding may take from a bound. An answer that is called exact may be off by so much.
func (s *searcher) slack() float64 {
	if !s.best.Found {
		return 0
	}
	return 1e-10 * (1 + math.Abs(s.best.Objective))
}

// try evaluates a whole choice and learns a cut from it. The cut is made of the outcomes that the objective just left.
func (s *searcher) try(choice []int) float64 {
	if !s.feasible(choice) {
		return math.Inf(-1)
	}
	value := s.objective(choice)
	if len(s.cuts) < maxCuts || value > s.best.Objective {
		if len(s.cuts) >= maxCuts {
			s.cuts = s.cuts[1:]
		}
		s.cuts = append(s.cuts, s.cutAt())
	}
	if value > s.best.Objective || !s.best.Found {
		s.best.Choice, s.best.Objective, s.best.Found = slices.Clone(choice), value, true
	}
	return value
}

// climb improves one group at a time from the first option of each. It leaves a cut after each round: the search starts
// with bounds that are near the best choice.
func (s *searcher) climb(ctx context.Context) error {
	choice := make([]int, len(s.Groups))
	current := s.try(choice)
	for range 4 {
		improved := false
		for g := range s.Groups {
			if err := ctx.Err(); err != nil {
				return err
			}
			at := choice[g]
			for o := range s.Groups[g] {
				if o == at {
					continue
				}
				was := choice[g]
				choice[g] = o
				if !s.feasible(choice) {
					choice[g] = was
					continue
				}
				// More than rounding: else two options of one value would be changed for each other for ever. Four
				// rounds are for a start, which the search then bounds.
				if value := s.objective(choice); value > current+1e-9*math.Abs(current) || math.IsInf(current, -1) {
					current, improved = value, true
				} else {
					choice[g] = was
				}
			}
		}
		s.try(choice)
		if !improved {
			break
		}
	}
	return nil
}

// rank orders groups by how much they can change the newest cut. Deciding first what matters most lowers bounds
// soonest; equal groups keep their order.
func (s *searcher) rank() {
	spread := make([]float64, len(s.Groups))
	for g, options := range s.Groups {
		low, high := math.Inf(1), math.Inf(-1)
		for _, o := range options {
			v := 0.0
			if len(s.cuts) > 0 {
				v = s.cuts[len(s.cuts)-1].value(o)
			}
			low, high = min(low, v), max(high, v)
		}
		spread[g] = high - low
		s.order = append(s.order, g)
	}
	slices.SortStableFunc(s.order, func(a, b int) int {
		switch {
		case spread[a] > spread[b]:
			return -1
		case spread[a] < spread[b]:
			return 1
		}
		return a - b
	})
}

// value is what the option adds to the cut.
func (c *cut) value(o Option) float64 {
	if o.Unit < 0 {
		return 0
	}
	return c.unit[o.Unit] * o.Count
}
