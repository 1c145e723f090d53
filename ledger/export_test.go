package ledger

import (
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"
)

// InDepth lets tests compare states whole.
var InDepth = cmp.AllowUnexported(Programs{}, Contract{})

// Clone copies in depth, for tests that hold a state against what it was.
func (p *Programs) Clone() Programs {
	c := Programs{
		agencies: maps.Clone(p.agencies), definitions: maps.Clone(p.definitions), defined: slices.Clone(p.defined),
		closed: maps.Clone(p.closed), named: maps.Clone(p.named),
	}
	for _, purpose := range p.purposes {
		copied := *purpose
		c.purposes = append(c.purposes, &copied)
	}
	c.contracts = maps.Clone(p.contracts)
	for id, live := range p.contracts { // any order: each by itself
		copied := *live
		copied.State, copied.Tokens, copied.PaidIn = slices.Clone(live.State), slices.Clone(live.Tokens), slices.Clone(live.PaidIn)
		c.contracts[id] = &copied
	}
	for _, live := range p.ends {
		c.ends = append(c.ends, c.contracts[live.ID])
	}
	return c
}
