package api

import (
	"sync"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// StandingKind is what a contract is by which somebody takes money of another.
type StandingKind string

// The kinds that are known: the definitions that come with the program, as they are and as they were.
const (
	StandingDebit StandingKind = "debit"   // a subscription: the payee takes a price once a period
	Channel       StandingKind = "channel" // the payee takes what vouchers say that the payer signed off the ledger
	Metered       StandingKind = "metered" // the payee bills by a meter
	Order         StandingKind = "order"   // the payee is paid by the milestone, once what was delivered is accepted
	Escrow        StandingKind = "escrow"  // the payee is paid when the payer or an arbiter says so
)

// Standing is what a contract of a known kind lets its payee take yet. The bound is of what is in it now: nobody
// takes more, unless the payer puts more in.
type Standing struct {
	Kind    StandingKind   `json:"kind" enum:"debit,channel,metered,order,escrow"`
	Payer   token.WalletID `json:"payer"`
	Payee   token.WalletID `json:"payee"`
	MayTake money.Tiyn     `json:"may_take" doc:"tiyn, at most"`
	Taken   money.Tiyn     `json:"taken" doc:"tiyn, so far"`
	Each    money.Tiyn     `json:"each,omitzero" doc:"tiyn a period, of a debit"`
	// Owed is a bill that waits, or a delivery, less its penalty.
	Owed money.Tiyn `json:"owed,omitzero" doc:"tiyn, of a bill or a delivery that waits for its payer"`
	// From is, of a debit, when the payee may take next; of a channel that its payer leaves, when it may be finished; of
	// a bill or a delivery, when it may be collected though its payer says nothing. A dispute has none.
	From uint64 `json:"from_millis,omitzero" doc:"Unix milliseconds: when the payee may take, or finish one that is left"`
	// Due is when the next delivery of an order is due.
	Due      uint64 `json:"due_millis,omitzero" doc:"Unix milliseconds: of the next delivery"`
	Done     uint64 `json:"done,omitzero" doc:"milestones that were paid"`
	Of       uint64 `json:"of,omitzero" doc:"milestones in all"`
	Disputed bool   `json:"disputed,omitzero" doc:"it waits for the arbiter"`
}

// standingKinds are the definitions whose terms and state are known, by id.
var standingKinds = sync.OnceValue(func() map[token.Hash]StandingKind {
	kinds := map[token.Hash]StandingKind{}
	for name, kind := range map[string]StandingKind{"subscription": StandingDebit, "channel": Channel,
		"metered": Metered, "order": Order, "escrow": Escrow} { // any order
		if now, err := contract.TemplateProgram(name); err == nil {
			kinds[now.ID()] = kind
		}
		if before, ok := contract.EarlierTemplate(name); ok {
			kinds[before.ID()] = kind
		}
	}
	return kinds
})

// numbers are a contract's integers by name, terms as "term NAME" and variables as "state NAME".
func numbers(d *contract.Definition, c contract.Instance) map[string]int64 {
	all := map[string]int64{}
	for i, f := range d.Terms {
		if i < len(c.Terms) && f.Type == token.IntValue {
			all["term "+f.Name] = c.Terms[i].Int
		}
	}
	for i, v := range d.State {
		if i < len(c.State) {
			all["state "+v.Name] = c.State[i]
		}
	}
	return all
}

// standingOf is what a contract lets its payee take; nil where it is of no known kind. A kind is known by the hash of
// its definition, not by a name that anybody could give; its terms and variables are then read by their names. What
// may be taken never exceeds what is held, and of a standing debit it is whole instalments within the cap.
func standingOf(d *contract.Definition, v ContractView) *Standing {
	kind, known := standingKinds()[v.Definition]
	if !known || len(v.Parties) < 2 || len(v.Held) == 0 {
		return nil
	}
	n, held := numbers(d, v.Instance), v.Held[0]
	s := &Standing{Kind: kind, Payer: v.Parties[0], Payee: v.Parties[1]}
	switch kind {
	case StandingDebit:
		s.Each, s.Taken, s.From = money.Tiyn(n["term price"]), money.Tiyn(n["state taken"]), uint64(n["state next"])
		if s.Each > 0 {
			s.MayTake = min(held, money.Tiyn(n["term cap"])-s.Taken) / s.Each * s.Each
		}
	case Channel:
		s.MayTake, s.Taken = held, money.Tiyn(n["state paid"])
		if left := n["state left_at"]; left > 0 {
			s.From = uint64(left + n["term window"])
		}
	case Metered:
		s.MayTake = held
		s.bill(n)
	case Order:
		s.MayTake = held
		s.delivery(n)
	case Escrow:
		s.MayTake = held
	}
	return s
}

// bill is what a metered contract's supplier has billed and may collect; see the definition's states.
func (s *Standing) bill(n map[string]int64) {
	if n["state due"] == 0 {
		return
	}
	s.Owed, s.Disputed = min(s.MayTake, money.Tiyn(n["state billed"])), n["state open"] != 0
	if n["state open"] < 2 {
		s.From = uint64(n["state due"]) // a dispute that the arbiter lets lie may be collected too
	}
}

// delivery is what was delivered of an order and waits, or when the next is due; see the definition's states.
func (s *Standing) delivery(n map[string]int64) {
	s.Done, s.Of = uint64(n["state done"]), uint64(n["term milestones"])
	switch {
	case n["state delivered"] > 0:
		s.Owed = min(s.MayTake, max(money.Tiyn(n["term price"]-n["state penalty"]), 0))
		if s.Disputed = n["state disputed"] == 1; !s.Disputed {
			s.From = uint64(n["state delivered"] + n["term inspect"])
		}
	case s.Done < s.Of:
		s.Due = uint64(n["state due"])
	}
}
