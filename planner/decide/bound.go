package decide

import (
	"math"
	"slices"
)

// item is an open group in a relaxation: gaining its best, while using its least; with options that are linear
// in a number (0, 250, 500 of one unit) any part of the most can be taken.
type item struct{ gain, use float64 }

// canFit says whether the rest of the groups can be chosen within every resource. It may say yes though no choice keeps
// within all at once; never no where one does.
func (s *searcher) canFit(n *node) bool {
	for r, limit := range s.Limits {
		if s.used(n, r) > limit*(1+1e-12) {
			return false
		}
	}
	return true
}

// used is what a node uses of a resource at least.
func (s *searcher) used(n *node, r int) float64 {
	total := 0.0
	for g, o := range n.choice {
		if o >= 0 {
			total += s.Groups[g][o].Use[r]
			continue
		}
		least := math.Inf(1)
		for _, option := range s.Groups[g] {
			least = min(least, option.Use[r])
		}
		total += least
	}
	return total
}

// bound is above the objective of every choice that completes the node: of each cut the best completion, relaxed to one
// resource at a time; the lowest of all. A node can be no better than any of these, so that more cuts only help.
// Without a cut there is none: +∞.
func (s *searcher) bound(n *node) float64 {
	lowest := math.Inf(1)
	for i := range s.cuts {
		c := &s.cuts[i]
		fixed, free := c.constant, 0.0
		for g, o := range n.choice {
			if o >= 0 {
				fixed += c.value(s.Groups[g][o])
				continue
			}
			best := math.Inf(-1)
			for _, option := range s.Groups[g] {
				best = max(best, c.value(option))
			}
			free += best
		}
		lowest = min(lowest, fixed+free)
		for r := range s.Limits {
			lowest = min(lowest, fixed+s.knapsack(n, c, r))
		}
	}
	return lowest
}

// knapsack is the best of the open groups within one resource, with fractions allowed: by each group the
// concave hull of (use, gain), taken in the order of gain for use.
func (s *searcher) knapsack(n *node, c *cut, r int) float64 {
	// A bound may be too high but never too low: rounding is given to it.
	left := s.Limits[r]*(1+1e-12) - s.used(n, r)
	if left < 0 {
		return math.Inf(-1)
	}
	total := 0.0
	var steps []item
	for g, o := range n.choice {
		if o >= 0 {
			continue
		}
		var base float64
		base, steps = hull(s.Groups[g], c, r, steps)
		total += base
	}
	slices.SortFunc(steps, func(a, b item) int {
		switch x, y := a.gain*b.use, b.gain*a.use; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for _, step := range steps {
		// The part of a step that still fits: whole options gain at most this (Dantzig 1957), group by group on the
		// concave hull (Sinha, Zoltners 1979).
		if step.use > left {
			return total + step.gain*left/step.use
		}
		total += step.gain
		left -= step.use
	}
	return total
}

// hull appends the steps of a group's upper concave hull from its least use, and returns the gain there. Gain for use
// falls from step to step, so that the fractional best never takes a later step of a group before an earlier one.
func hull(options []Option, c *cut, r int, steps []item) (base float64, all []item) {
	points := make([]item, 0, len(options))
	for _, o := range options {
		points = append(points, item{c.value(o), o.Use[r]})
	}
	slices.SortFunc(points, func(a, b item) int {
		switch {
		case a.use < b.use || (a.use == b.use && a.gain > b.gain):
			return -1
		case a.use > b.use || (a.use == b.use && a.gain < b.gain):
			return 1
		}
		return 0
	})
	edge := points[:1]
	for _, p := range points[1:] {
		if p.gain <= edge[len(edge)-1].gain {
			continue // uses more, gains no more
		}
		for len(edge) > 1 {
			a, b := edge[len(edge)-2], edge[len(edge)-1]
			if (b.gain-a.gain)*(p.use-a.use) > (p.gain-a.gain)*(b.use-a.use) {
				break
			}
			edge = edge[:len(edge)-1]
		}
		edge = append(edge, p)
	}
	for i := 1; i < len(edge); i++ {
		steps = append(steps, item{edge[i].gain - edge[i-1].gain, edge[i].use - edge[i-1].use})
	}
	return edge[0].gain, steps
}
