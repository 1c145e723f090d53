package ledger

import (
	"bytes"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// clearing finds which of the open links of some purses, and of those that get money by them, are paid: all of them at
// once where no purse then holds less than nothing, since what goes round in a circle needs no order. Where a purse
// falls short of more than the bond pays in its place, its last links wait; each waits whole.
//
// It begins with every open link paid and takes back the last links of purses that fall short, until none does: each
// round but the last drops a link at least, so that there is at most one round more than there are links. What a purse
// falls short of is Σ links it pays − its lock − Σ links to it that are paid; the bond adds at most may. Purses are
// taken in the order of their ids, and so is what is left of a bond that several need: every node drops the same links.
type clearing struct {
	x      *Executor
	purses []*clearingPurse // by id
	bonds  map[token.WalletID]money.Tiyn
}

// clearingPurse is a purse in a clearing, with those of its open links that are still to be paid, in their order.
type clearingPurse struct {
	*Purse
	lock, may money.Tiyn // what it has, and what the bond may add
	pay       []*PurseLink
	short     money.Tiyn // what the bond adds
}

// clearing decides. It changes nothing.
func (s *settlement) clearing(touched []token.WalletID) *clearing {
	c := &clearing{x: s.x, bonds: map[token.WalletID]money.Tiyn{}}
	wait, seen := slices.Clone(touched), map[token.WalletID]bool{}
	for ; len(wait) > 0; wait = wait[1:] {
		p := s.x.state.Purse(wait[0])
		if p == nil || p.State != PurseOpen || seen[p.ID] {
			continue
		}
		seen[p.ID] = true
		member := &clearingPurse{Purse: p, pay: p.open()}
		excess := min(p.Lock, max(0, p.Bonded-p.Guaranteed())) // goes back to the bond first
		member.lock, member.may = p.Lock-excess, max(0, p.Guaranteed()-p.Bonded+excess)
		c.purses = append(c.purses, member)
		c.bonds[p.Intermediary] += excess
		for _, l := range member.pay {
			wait = append(wait, l.Payee)
		}
	}
	slices.SortFunc(c.purses, func(a, b *clearingPurse) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for id := range c.bonds { // any order: each by itself
		c.bonds[id] += s.book.Bond(id).Amount
	}
	payouts := s.payouts
	for _, p := range c.purses {
		p.pay = slices.DeleteFunc(p.pay, func(l *PurseLink) bool {
			if !s.x.outside(l.Payee) {
				return false
			}
			payouts++
			return payouts > maxPayouts
		})
	}
	for c.dropOne() {
	}
	return c
}

// outside says whether a payee is paid by tokens: a wallet, or the owner of a purse that has ended.
func (x *Executor) outside(payee token.WalletID) bool {
	p := x.state.Purse(payee)
	return p == nil || p.State == PurseEnded
}

// dropOne takes back links of purses that fall short of more than their bond pays; false when none does. What purses
// get is of the links that were paid when the round began: a link that is taken back may make another purse fall
// short, which the next round finds. A bond that several purses need is spent on those with the lesser ids first.
func (c *clearing) dropOne() (dropped bool) {
	gets, bonds := map[token.WalletID]money.Tiyn{}, map[token.WalletID]money.Tiyn{}
	for _, p := range c.purses {
		for _, l := range p.pay {
			gets[l.Payee] += l.Amount
		}
	}
	for _, p := range c.purses {
		left, known := bonds[p.Intermediary]
		if !known {
			left = c.bonds[p.Intermediary]
		}
		p.short = -p.lock - gets[p.ID]
		for _, l := range p.pay {
			p.short += l.Amount
		}
		for p.short > min(p.may, left) && len(p.pay) > 0 {
			last := len(p.pay) - 1
			p.short -= p.pay[last].Amount
			p.pay, dropped = p.pay[:last], true
		}
		p.short = max(0, p.short)
		bonds[p.Intermediary] = left - p.short
	}
	return dropped
}

// pays lists the links that are paid.
func (c *clearing) pays() (links []*PurseLink) {
	for _, p := range c.purses {
		links = append(links, p.pay...)
	}
	return links
}

// clear pays what clearing decides. First the bonds' money goes in, then all links are paid, so that no lock is below
// nothing when a circle has been paid whole; between the two steps single locks may be. What a purse got beyond what it
// owes goes back to its bond last.
func (s *settlement) clear(touched ...token.WalletID) {
	c := s.clearing(touched)
	for _, p := range c.purses {
		s.x.state.ChangePurse(p.Purse)
		s.reimburse(p.Purse, p.Bonded-p.Guaranteed())
		if p.short > 0 {
			s.fromBond(p.Purse, p.short)
		}
	}
	for _, p := range c.purses {
		for _, l := range p.pay {
			l.Paid = true
			p.Lock -= l.Amount
			s.credit(l.Payee, l.Amount)
		}
	}
	for _, p := range c.purses {
		s.reimburse(p.Purse, p.Bonded-p.Guaranteed())
		if p.Lock < 0 {
			panic("a purse paid more than it had: " + p.ID.String())
		}
	}
}
