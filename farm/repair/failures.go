package repair

import (
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/money"
)

// Failures are those of machines of a model, in a rack, or with a part.
type Failures struct {
	Name     string `json:"name"`
	Machines int    `json:"machines"`
	Hours    int64  `json:"hours"` // in which those machines were watched and not broken
	Failures int64  `json:"failures"`
	// MTBF is the mean time between failures, hours; −1 where none has failed.
	MTBF int64      `json:"mtbf_hours"`
	Cost money.Tiyn `json:"cost_tiyn"`
}

// By are the ways to count failures.
var By = []string{"model", "rack", "part"}

// Failures counts the failures of the fleet's machines since each is accounted for. A machine counts where it stands
// now, also with what befell it elsewhere. A part counts against the hours of the whole fleet.
func (b *Book) Failures(machines []fleet.Machine, by string, now time.Time) ([]Failures, error) {
	if !slices.Contains(By, by) {
		return nil, farm.Refuse("unknown-group", "by", "%q is not one of %v", by, By)
	}
	groups := map[string]*Failures{}
	group := func(name string) *Failures {
		if name == "" {
			name = "(none)"
		}
		if groups[name] == nil {
			groups[name] = &Failures{Name: name, MTBF: -1}
		}
		return groups[name]
	}
	tickets := map[string][]*Ticket{}
	for i := range b.Tickets {
		if t := &b.Tickets[i]; t.Failed() {
			tickets[t.Machine] = append(tickets[t.Machine], t)
		}
	}
	var whole Failures
	for i := range machines {
		m := &machines[i]
		if m.Since == 0 {
			continue // for how long it has run is not known
		}
		hours := int64(worked(tickets[m.ID], time.Unix(m.Since, 0), now) / time.Hour)
		whole.Machines, whole.Hours = whole.Machines+1, whole.Hours+hours
		if by == "part" {
			for _, t := range tickets[m.ID] {
				for _, part := range orNone(t.Parts) {
					group(part).take(t)
				}
			}
			continue
		}
		g := group(map[string]string{"model": m.Model, "rack": m.Place.RackPath()}[by])
		g.Machines, g.Hours = g.Machines+1, g.Hours+hours
		for _, t := range tickets[m.ID] {
			g.take(t)
		}
	}
	out := make([]Failures, 0, len(groups))
	for _, g := range groups {
		if by == "part" {
			g.Machines, g.Hours = whole.Machines, whole.Hours
		}
		if g.Failures > 0 {
			g.MTBF = g.Hours / g.Failures
		}
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Failures) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// take counts a ticket. Where it has several parts its cost counts with each: what each came to is not noted.
func (f *Failures) take(t *Ticket) { f.Failures, f.Cost = f.Failures+1, f.Cost+t.CostTiyn }

func orNone(parts []string) []string {
	if len(parts) == 0 {
		return []string{""}
	}
	return parts
}

// worked is the time since an instant in which a machine was not broken. Tickets may overlap.
func worked(tickets []*Ticket, since, now time.Time) time.Duration {
	ordered := slices.Clone(tickets)
	slices.SortFunc(ordered, func(a, b *Ticket) int { return a.Since.Compare(b.Since) })
	sum, at := time.Duration(0), since
	for _, t := range ordered {
		if t.Since.After(at) {
			sum += min(t.Since.Sub(at), max(0, now.Sub(at)))
		}
		end := t.Closed
		if t.Open() {
			end = now
		}
		if end.After(at) {
			at = end
		}
	}
	return sum + max(0, now.Sub(at))
}
