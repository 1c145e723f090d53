package ledger

import (
	"maps"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/aqsha/aqsha/token"
)

// InDepth lets tests compare states whole.
var InDepth = cmp.AllowUnexported(Programs{}, Contract{})

// Clone copies in depth, for tests that hold a state against what it was.
func (p *Programs) Clone() Programs {
	c := Programs{
		agencies: maps.Clone(p.agencies), definitions: maps.Clone(p.definitions), defined: slices.Clone(p.defined),
		closed: maps.Clone(p.closed), named: maps.Clone(p.named), instances: maps.Clone(p.instances), holding: maps.Clone(p.holding),
		registered: maps.Clone(p.registered), definedBy: map[token.WalletID][]token.Hash{}, purposesOf: map[token.WalletID][]uint32{},
		purposes: map[uint32]*Purpose{}, numbers: slices.Clone(p.numbers), lastNumber: p.lastNumber,
	}
	for number, purpose := range p.purposes { // any order: each by itself
		copied := *purpose
		c.purposes[number] = &copied
	}
	for id, of := range p.definedBy { // any order: each by itself
		c.definedBy[id] = slices.Clone(of)
	}
	for id, of := range p.purposesOf { // any order: each by itself
		c.purposesOf[id] = slices.Clone(of)
	}
	c.contracts = maps.Clone(p.contracts)
	for id, live := range p.contracts { // any order: each by itself
		copied := *live
		copied.State, copied.Tokens, copied.PaidIn = slices.Clone(live.State), slices.Clone(live.Tokens), slices.Clone(live.PaidIn)
		c.contracts[id] = &copied
	}
	c.purses, c.purseBook = map[token.WalletID]*Purse{}, p.purseBook
	c.purseBook.Bonds = slices.Clone(p.purseBook.Bonds)
	for id, purse := range p.purses { // any order: each by itself
		copied := *purse
		copied.Links = slices.Clone(purse.Links)
		c.purses[id] = &copied
	}
	for _, live := range p.ends {
		c.ends = append(c.ends, c.contracts[live.ID])
	}
	return c
}
