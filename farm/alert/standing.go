package alert

import (
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/words"
)

// Standing is an alert of a machine that was raised and not cleared.
type Standing struct {
	Machine  string       `json:"machine"`
	Kind     Kind         `json:"kind"`
	Since    time.Time    `json:"since"`
	Detail   string       `json:"detail"` // in English
	Finding  farm.Finding `json:"finding,omitzero"`
	Codes    string       `json:"codes,omitempty"`    // as Change.Codes
	Silenced bool         `json:"silenced,omitempty"` // nobody was told
}

// State is which alerts hold, as notices say one after another. The zero value is ready.
type State struct{ open map[standingKey]Standing }

type standingKey struct {
	machine string
	kind    Kind
}

// Take follows a notice. An alert that is raised again while it holds, as by a watch that was started anew, holds since
// it was first raised.
func (s *State) Take(n Notice) {
	if s.open == nil {
		s.open = map[standingKey]Standing{}
	}
	for i, machine := range n.Machines {
		k := standingKey{machine, n.Kind}
		before, stood := s.open[k]
		switch {
		case !n.Raised:
			delete(s.open, k)
		case stood:
			before.Detail, before.Finding = n.DetailOf(i), n.FindingOf(i)
			before.Codes, before.Silenced = n.Codes, before.Silenced && n.Silenced
			s.open[k] = before
		default:
			s.open[k] = Standing{machine, n.Kind, n.At, n.DetailOf(i), n.FindingOf(i), n.Codes, n.Silenced}
		}
	}
}

// End is a change with which an alert ends, with what it was and how long it held: what was found at its beginning
// holds no more, and what the last poll shows is none of it.
func (s *State) End(c Change, machine string) Change {
	held, stood := s.Find(machine, c.Kind)
	if c.Raised || !stood {
		return c
	}
	c.Finding = Over(held.Since, c.At.Time(), held.Finding)
	c.Detail = c.Finding.In(words.English)
	return c
}

// Over is the finding of an alert that held from one time to another, and of what it was; the zero finding: unknown.
func Over(since, until time.Time, was farm.Finding) farm.Finding {
	held := max(0, until.Sub(since))
	minutes := int64(held.Round(time.Minute) / time.Minute)
	code, figures := "over-minutes", []any{"minutes", minutes}
	switch {
	case held < time.Minute:
		code, figures = "over-seconds", []any{"seconds", int64(held / time.Second)}
	case minutes >= 60:
		code, figures = "over-hours", []any{"hours", minutes / 60, "minutes", minutes % 60}
	}
	if was.In(words.English) == "" {
		return farm.Found(code, figures...)
	}
	return farm.Found(code+"-was", figures...).Because(was)
}

// Find is a machine's alert of a kind, if it holds.
func (s *State) Find(machine string, kind Kind) (Standing, bool) {
	found, ok := s.open[standingKey{machine, kind}]
	return found, ok
}

// Standing are the alerts that hold, the most urgent kind first, then the longest standing.
func (s *State) Standing() []Standing {
	out := make([]Standing, 0, len(s.open))
	for _, held := range s.open {
		out = append(out, held)
	}
	Sort(out)
	return out
}

// Sort puts alerts in that order.
func Sort(out []Standing) {
	slices.SortFunc(out, func(a, b Standing) int {
		if order := slices.Index(Kinds, a.Kind) - slices.Index(Kinds, b.Kind); order != 0 {
			return order
		}
		if order := a.Since.Compare(b.Since); order != 0 {
			return order
		}
		return strings.Compare(a.Machine, b.Machine)
	})
}

// Stand are the alerts that hold after notices, in the order of Standing.
func Stand(notices []Notice) []Standing {
	var s State
	for _, n := range notices {
		s.Take(n)
	}
	return s.Standing()
}
