package advise

import (
	"context"
	"math"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/planner/decide"
	"github.com/aqsha/aqsha/planner/value"
)

// search solves the grid for each share held, and once more for the best that differs in kind. Bounds of all shares
// together bound the whole: the gap is the largest bound less what was found, 0 where the search was exact.
func (r *Result) search(ctx context.Context, w *value.Economy) (best Strategy, second *Strategy, err error) {
	most, bound := math.Inf(-1), math.Inf(-1)
	r.Search.Exact = true
	var grids []*grid
	for _, hold := range w.Plan.Hold {
		g, err := newGrid(ctx, w, hold)
		if err != nil {
			return best, nil, err
		}
		grids = append(grids, g)
		s, err := decide.Solve(ctx, g.Problem)
		if err != nil {
			return best, nil, err
		}
		r.Search.Nodes += s.Nodes
		r.Search.Exact = r.Search.Exact && s.Exact
		if !s.Found {
			continue
		}
		bound = max(bound, s.Bound)
		if s.Objective > most {
			most, best = s.Objective, g.strategy(s.Choice)
		}
	}
	if math.IsInf(most, -1) {
		return best, nil, farm.Refuse("infeasible", "site.limit_kw",
			"no combination on the grid keeps within power and capital")
	}
	r.found = most
	if !r.Search.Exact {
		r.Search.Gap = max(0, bound-most)
	}
	most = math.Inf(-1)
	for _, g := range grids {
		g.Effort = max(1, g.Effort/10) // the runner-up is told, not promised
		g.Forbidden = func(choice []int) bool { return g.strategy(choice).same(best) }
		s, err := decide.Solve(ctx, g.Problem)
		if err != nil {
			return best, nil, err
		}
		if s.Found && s.Objective > most {
			most = s.Objective
			second = ptr(g.strategy(s.Choice))
		}
	}
	return best, second, nil
}

// Found is the best strategy's objective as the search computed it, by units; Options have it by months.
func (r *Result) Found() float64 { return r.found }
