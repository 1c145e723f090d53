package trace

import (
	"fmt"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// none stands for no event: a token that is live.
const none = -1

// Token is a token that was ever made.
type Token struct {
	ID      token.ID
	Wallet  token.WalletID
	Amount  money.Tiyn
	Purpose uint32
	Made    int // event
	Spent   int // event, or none while it is live
}

// Event is an entry that moves money.
type Event struct {
	Entry    uint64 // in the log
	Millis   uint64
	Contract token.WalletID // of creating, acting and ending, or the fund of purses; zero otherwise
	in, out  []int          // tokens
}

// Graph is all money that a log moves: events, and tokens between them.
type Graph struct {
	Tokens []Token
	Events []Event
	byID   map[token.ID]int
	now    uint64
}

// New makes an empty graph.
func New() *Graph { return &Graph{byID: map[token.ID]int{}} }

// Find finds a token.
func (g *Graph) Find(id token.ID) (Token, bool) {
	i, ok := g.byID[id]
	if !ok {
		return Token{}, false
	}
	return g.Tokens[i], true
}

// Authority stands for the issuer, who makes and destroys money.
var Authority = token.Authority

// event begins an event.
func (g *Graph) event(entry uint64, contract token.WalletID) {
	g.Events = append(g.Events, Event{Entry: entry, Millis: g.now, Contract: contract})
}

// spend books tokens out to the latest event. A token is spent once: anything else is not this log.
func (g *Graph) spend(ids []token.ID) error {
	e := &g.Events[len(g.Events)-1]
	for _, id := range ids {
		i, ok := g.byID[id]
		if !ok || g.Tokens[i].Spent != none {
			return fmt.Errorf("entry %d spends token %s, which is not live", e.Entry, id)
		}
		g.Tokens[i].Spent = len(g.Events) - 1
		e.in = append(e.in, i)
	}
	return nil
}

// make books a token that the latest event made; an amount of zero makes none.
func (g *Graph) make(id token.ID, wallet token.WalletID, amount money.Tiyn, purpose uint32) {
	if amount == 0 {
		return
	}
	e := &g.Events[len(g.Events)-1]
	g.byID[id] = len(g.Tokens)
	e.out = append(e.out, len(g.Tokens))
	g.Tokens = append(g.Tokens, Token{id, wallet, amount, purpose, len(g.Events) - 1, none})
}

// effects books what a contract or the rules did beside the transaction itself.
func (g *Graph) effects(of token.TransactionID, effects *ledger.Effects) error {
	if err := g.spend(effects.Spent); err != nil {
		return err
	}
	for i, made := range effects.Made {
		g.make(token.OutputID(of, i), made.Wallet, made.Amount, made.Purpose)
	}
	return nil
}

// Add takes the next entry of the log.
func (g *Graph) Add(number uint64, e *ledger.Entry) error {
	switch {
	case e.Leaf != nil:
		g.now = e.Leaf.TimeMillis
		return nil
	case e.System != nil:
		if e.System.Effects.Empty() {
			return nil
		}
		contract := token.WalletID{}
		if e.System.Kind == ledger.SystemEnd || e.System.Kind == ledger.SystemRenewal {
			contract = e.System.Wallet
		}
		g.event(number, contract)
		return g.effects(e.System.Makes(), &e.System.Effects)
	}
	return g.transaction(number, e)
}

// transaction must know every kind that spends or makes tokens: a token that was made unseen stops the reading of the
// whole log where it is spent.
func (g *Graph) transaction(number uint64, e *ledger.Entry) error {
	id := e.Transaction.ID()
	switch t := e.Transaction.Body.(type) {
	case *token.Transfer:
		g.event(number, token.WalletID{})
		if err := g.spend(t.Inputs); err != nil {
			return err
		}
		for i, o := range t.Outputs {
			g.make(token.OutputID(id, i), t.Parties[o.Party], o.Amount, o.Asset.Purpose)
		}
	case *token.EarmarkedTransfer:
		g.event(number, token.WalletID{})
		if err := g.spend(t.Inputs); err != nil {
			return err
		}
		for i, o := range t.Outputs {
			g.make(token.OutputID(id, i), t.Parties[o.Party], o.Amount, o.Becomes)
		}
	case *token.Issue:
		g.event(number, token.WalletID{})
		for i, amount := range t.Amounts {
			g.make(token.OutputID(id, i), t.To, amount, 0)
		}
	case *token.Redeem:
		g.event(number, token.WalletID{})
		if err := g.spend(t.Inputs); err != nil {
			return err
		}
		g.make(token.OutputID(id, 0), t.From, t.Change, 0)
	case *token.Seize:
		return g.take(number, id, t.Inputs, taken{t.Court, t.Amount}, taken{t.Wallet, t.Change}, false)
	case *token.Release:
		return g.take(number, id, t.Inputs, taken{t.To, t.Amount}, taken{t.Held, t.Change}, true)
	case *token.Create:
		g.event(number, token.RegisteredID(id))
		if err := g.spend(t.Inputs); err != nil {
			return err
		}
		return g.effects(id, &e.Effects)
	case *token.Act:
		g.event(number, t.Contract)
		if err := g.spend(t.Inputs); err != nil {
			return err
		}
		return g.effects(id, &e.Effects)
	case *token.BondPurses:
		return g.purses(number, id, t.Inputs, &e.Effects)
	case *token.OpenPurse:
		return g.purses(number, id, t.Inputs, &e.Effects)
	case *token.FundPurse:
		return g.purses(number, id, t.Inputs, &e.Effects)
	}
	// Of the kinds that are left, settling and closing purses pay out of the fund; the others move nothing.
	return g.purses(number, id, nil, &e.Effects)
}

// purses takes what goes into the purses' fund and out of it. All tokens that such an entry makes are its effects, the
// payer's change too; the fund stands between payer and payee as a contract does.
func (g *Graph) purses(number uint64, id token.TransactionID, inputs []token.ID, effects *ledger.Effects) error {
	if len(inputs) == 0 && effects.Empty() {
		return nil
	}
	g.event(number, ledger.PurseFund)
	if err := g.spend(inputs); err != nil {
		return err
	}
	return g.effects(id, effects)
}

// taken is what a wallet has of what was taken.
type taken struct {
	wallet token.WalletID
	amount money.Tiyn
}

// take keeps on the change what the money was marked with, and on the rest if it is released and not seized: on what
// the court has, the mark ends.
func (g *Graph) take(number uint64, id token.TransactionID, inputs []token.ID, of, change taken, released bool) error {
	g.event(number, token.WalletID{})
	if err := g.spend(inputs); err != nil {
		return err
	}
	purpose, becomes := uint32(0), uint32(0)
	if in := g.Events[len(g.Events)-1].in; len(in) > 0 {
		purpose = g.Tokens[in[0]].Purpose
	}
	if released {
		becomes = purpose
	}
	g.make(token.OutputID(id, 0), of.wallet, of.amount, becomes)
	g.make(token.OutputID(id, 1), change.wallet, change.amount, purpose)
	return nil
}
