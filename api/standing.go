package api

import (
	"sync"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// StandingKind is what a contract is by which somebody takes money again and again.
type StandingKind string

// The kinds that are known: the definitions that come with the program, as they are and as they were.
const (
	StandingDebit StandingKind = "debit"   // a subscription: the payee takes a price once a period
	Channel       StandingKind = "channel" // the payee takes what vouchers say that the payer signed off the ledger
)

// Standing is what a standing debit or a channel lets its payee take yet. The bound is of what is in it now: nobody
// takes more, unless the payer puts more in.
type Standing struct {
	Kind    StandingKind   `json:"kind" enum:"debit,channel"`
	Payer   token.WalletID `json:"payer"`
	Payee   token.WalletID `json:"payee"`
	MayTake money.Tiyn     `json:"may_take" doc:"tiyn, at most"`
	Taken   money.Tiyn     `json:"taken" doc:"tiyn, so far"`
	Each    money.Tiyn     `json:"each,omitzero" doc:"tiyn a period, of a debit"`
	// From is, of a debit, when the payee may take next; of a channel that its payer leaves, when it may be finished.
	From uint64 `json:"from_millis,omitzero" doc:"Unix milliseconds: the next time, or the end of one that is left"`
}

// standingKinds are the definitions whose terms and state are known, by id.
var standingKinds = sync.OnceValue(func() map[token.Hash]StandingKind {
	kinds := map[token.Hash]StandingKind{}
	for name, kind := range map[string]StandingKind{"subscription": StandingDebit, "channel": Channel} { // any order
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

// standingOf is what a contract lets its payee take; nil where it is neither a debit nor a channel of those known.
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
	}
	return s
}
