package alert

import (
	"slices"
	"strings"
	"time"
)

// Standing is an alert of a machine that was raised and not cleared.
type Standing struct {
	Machine  string    `json:"machine"`
	Kind     Kind      `json:"kind"`
	Since    time.Time `json:"since"`
	Detail   string    `json:"detail"`
	Codes    string    `json:"codes,omitempty"`    // as Change.Codes
	Silenced bool      `json:"silenced,omitempty"` // nobody was told
}

// Stand are the alerts that hold after notices, the most urgent kind first, then the longest standing.
// One that is raised again while it holds, as by a watch that was started anew, holds since it was first raised.
func Stand(notices []Notice) []Standing {
	type key struct {
		machine string
		kind    Kind
	}
	open := map[key]Standing{}
	for _, n := range notices {
		for _, machine := range n.Machines {
			k := key{machine, n.Kind}
			before, stood := open[k]
			switch {
			case !n.Raised:
				delete(open, k)
			case stood:
				before.Detail, before.Codes, before.Silenced = n.Detail, n.Codes, before.Silenced && n.Silenced
				open[k] = before
			default:
				open[k] = Standing{machine, n.Kind, n.At, n.Detail, n.Codes, n.Silenced}
			}
		}
	}
	out := make([]Standing, 0, len(open))
	for _, s := range open {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Standing) int {
		if order := slices.Index(Kinds, a.Kind) - slices.Index(Kinds, b.Kind); order != 0 {
			return order
		}
		if order := a.Since.Compare(b.Since); order != 0 {
			return order
		}
		return strings.Compare(a.Machine, b.Machine)
	})
	return out
}
