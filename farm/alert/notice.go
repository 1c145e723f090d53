package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/faults"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/words"
)

// Notice is what a person is told: one machine's alert, or many of a kind in one place.
type Notice struct {
	At       time.Time `json:"at"`
	Kind     Kind      `json:"kind"`
	Raised   bool      `json:"raised"`
	Scope    string    `json:"scope"`             // a place, or a machine's identity
	Machines []string  `json:"machines"`          // identities
	Detail   string    `json:"detail"`            // in English
	Details  []string  `json:"details,omitempty"` // of each machine, where those of a group differ
	// Finding is what Detail is a sentence of, Findings those of Details: any language makes its own of them. Notices
	// that were written before have none.
	Finding  farm.Finding   `json:"finding,omitzero"`
	Findings []farm.Finding `json:"findings,omitempty"`
	Codes    string         `json:"codes,omitempty"` // as Change.Codes: machines with other codes are told apart
	Group    bool           `json:"group,omitempty"`
	Silenced bool           `json:"silenced,omitempty"` // written down and told to nobody
}

// Subject is a machine as notices name it. Place is its path: site/container/rack/shelf.
type Subject struct{ ID, Place string }

// leastGroup is how many machines make a group, if they are also half of those in the place.
const leastGroup = 3

// Group turns the changes of a moment into notices: the widest place of which half the machines
// changed in the same way is named once.
func Group(changes []Change, subjects []Subject) (notices []Notice) {
	type class struct {
		kind   Kind
		raised bool
		codes  string
	}
	byClass := map[class][]Change{}
	var order []class
	for _, c := range changes {
		k := class{c.Kind, c.Raised, c.Codes}
		if byClass[k] == nil {
			order = append(order, k)
		}
		byClass[k] = append(byClass[k], c)
	}
	all := map[string]int{}
	if len(changes) >= leastGroup {
		for _, s := range subjects {
			for _, place := range wider(s.Place) {
				all[place]++
			}
		}
	}
	for _, k := range order {
		notices = append(notices, groupClass(byClass[k], subjects, all)...)
	}
	return notices
}

// groupClass makes one notice of changes that hit a group, at the widest place of which they are half; of the others
// one each.
func groupClass(changes []Change, subjects []Subject, all map[string]int) (notices []Notice) {
	hit := map[string]int{}
	for _, c := range changes {
		for _, place := range wider(subjects[c.Machine].Place) {
			hit[place]++
		}
	}
	at := map[string]int{} // index of the notice of a scope
	for _, c := range changes {
		s := subjects[c.Machine]
		n := Notice{At: c.At.Time(), Kind: c.Kind, Raised: c.Raised, Scope: s.ID, Machines: []string{s.ID},
			Detail: c.Detail, Finding: c.Finding, Codes: c.Codes}
		for _, place := range wider(s.Place) { // the widest first
			if hit[place] >= leastGroup && 2*hit[place] >= all[place] {
				n.Scope, n.Group = place, true
				break
			}
		}
		if i, ok := at[n.Scope]; ok && n.Group {
			notices[i].Machines = append(notices[i].Machines, s.ID)
			notices[i].Details = append(notices[i].Details, c.Detail)
			notices[i].Findings = append(notices[i].Findings, c.Finding)
			continue
		}
		at[n.Scope], n.Details, n.Findings = len(notices), []string{c.Detail}, []farm.Finding{c.Finding}
		notices = append(notices, n)
	}
	for i := range notices {
		notices[i].headline()
	}
	return notices
}

// headline makes the detail of a notice of those of its machines, which are one when all say the same.
func (n *Notice) headline() {
	n.Detail, n.Finding = n.Details[0], n.Findings[0]
	if slices.ContainsFunc(n.Details, func(detail string) bool { return detail != n.Detail }) {
		n.Detail = fmt.Sprintf("%s (%s; others differ)", n.Detail, n.Machines[0])
		n.Finding = farm.Found("others-differ", "machine", n.Machines[0]).Because(n.Finding)
	} else {
		n.Details, n.Findings = nil, nil
	}
}

// Only is the notice as far as it is of some of its machines; its scope stays, for what befell the place did.
func (n *Notice) Only(keep func(machine string) bool) Notice {
	part := *n
	part.Machines, part.Details, part.Findings = nil, nil, nil
	for i, machine := range n.Machines {
		if keep(machine) {
			part.Machines = append(part.Machines, machine)
			part.Details, part.Findings = append(part.Details, n.DetailOf(i)), append(part.Findings, n.FindingOf(i))
		}
	}
	if len(part.Machines) > 0 {
		part.headline()
	}
	return part
}

// DetailOf is the detail of one of its machines.
func (n *Notice) DetailOf(i int) string {
	if i < len(n.Details) {
		return n.Details[i]
	}
	return n.Detail
}

// FindingOf is the finding of one of its machines.
func (n *Notice) FindingOf(i int) farm.Finding {
	switch {
	case i < len(n.Findings):
		return n.Findings[i]
	case i < len(n.Details):
		return farm.Finding{} // it has a detail of its own, and that is all that is known
	}
	return n.Finding
}

// Say is what the notice says, in a language: error codes with what they mean and what to do.
func (n *Notice) Say(l words.Language) string { return say(l, n.Detail, n.Finding, n.Codes, n.Raised) }

// Say is what the alert says, as Notice.Say.
func (s *Standing) Say(l words.Language) string { return say(l, s.Detail, s.Finding, s.Codes, true) }

func say(l words.Language, detail string, found farm.Finding, codes string, raised bool) string {
	if codes != "" && raised {
		// Codes are explained when they are shown; the alert keeps the codes alone.
		return faults.Text(codes, string(l))
	}
	return found.Say(l, detail)
}

// wider lists the places that hold a place, the widest first, down to the rack.
func wider(place string) (out []string) {
	parts := strings.Split(place, "/")
	for i := 1; i <= min(3, len(parts)); i++ {
		if p := strings.Join(parts[:i], "/"); parts[i-1] != "" {
			out = append(out, p)
		}
	}
	return out
}

// Silence holds notices back until a time.
type Silence struct {
	Selector string        `json:"selector"`        // as the fleet's: *, an identity, the beginning of a place
	Kinds    []Kind        `json:"kinds,omitempty"` // none: all
	Until    usage.Instant `json:"until"`
	Why      string        `json:"why,omitempty"`
}

// covers says whether a machine's alert is held back.
func (s Silence) covers(subject Subject, kind Kind, at usage.Instant) bool {
	if at >= s.Until || (len(s.Kinds) > 0 && !slices.Contains(s.Kinds, kind)) {
		return false
	}
	return s.Selector == "*" || s.Selector == subject.ID ||
		strings.HasPrefix(subject.Place+"/", strings.TrimSuffix(s.Selector, "/")+"/")
}

// Silenced parts the changes that are told from those that a silence covers.
func Silenced(changes []Change, subjects []Subject, silences []Silence) (reported, silenced []Change) {
	for _, c := range changes {
		if slices.ContainsFunc(silences, func(s Silence) bool { return s.covers(subjects[c.Machine], c.Kind, c.At) }) {
			silenced = append(silenced, c)
		} else {
			reported = append(reported, c)
		}
	}
	return reported, silenced
}
