package purse

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// compareHashes orders hashes by their bytes.
func compareHashes(a, b token.Hash) int { return bytes.Compare(a[:], b[:]) }

// ofPurse is a purse's links, each once, in order of number, then id.
func ofPurse(network token.NetworkID, purse token.WalletID, links []Link) []Link {
	type named struct {
		link Link
		id   token.Hash
	}
	var own []named
	for i := range links {
		if links[i].Purse == purse {
			own = append(own, named{links[i], links[i].ID(network)})
		}
	}
	slices.SortFunc(own, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.link.Number, b.link.Number), compareHashes(a.id, b.id))
	})
	own = slices.CompactFunc(own, func(a, b named) bool { return a.id == b.id })
	result := make([]Link, len(own))
	for i := range own {
		result[i] = own[i].link
	}
	return result
}

// Cover gives each link its level: 1 where the payer's deposit covers all that the purse has paid up to it; k + 1 where
// deposit and the links of level ≤ k that came to the purse do; 0 where nothing does, however many hops are allowed. A
// link's level is the length of the chain on which its money has come. What rests on itself in a circle has no level.
// More links only lower levels, and the order of the links does not matter.
//
// Links stand once each (the caller's to see to). A purse without a deposit has none. Time is hops × links.
func Cover(links []Link, deposit func(token.WalletID) money.Tiyn, hops int) []uint8 {
	levels := make([]uint8, len(links))
	came := map[token.WalletID]money.Tiyn{} // by links of the levels before
	for level := 1; level <= hops; level++ {
		var fresh []int
		for i := range links {
			if levels[i] == 0 && links[i].End() <= deposit(links[i].Purse)+came[links[i].Purse] {
				fresh = append(fresh, i)
			}
		}
		if len(fresh) == 0 {
			break
		}
		for _, i := range fresh {
			levels[i] = uint8(min(level, 255))
			came[links[i].Payee] += links[i].Amount
		}
	}
	return levels
}

// Known puts links together, each once by its id, in order of id.
func Known(network token.NetworkID, groups ...[]Link) []Link {
	byID := map[token.Hash]Link{}
	var ids []token.Hash
	for _, group := range groups {
		for i := range group {
			id := group[i].ID(network)
			if _, twice := byID[id]; !twice {
				byID[id] = group[i]
				ids = append(ids, id)
			}
		}
	}
	slices.SortFunc(ids, compareHashes)
	links := make([]Link, len(ids))
	for i, id := range ids {
		links[i] = byID[id]
	}
	return links
}
