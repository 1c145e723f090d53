package ledger

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Domains that derive the ids of the tokens that a contract's end makes, and a renewal instead of it.
const (
	endDomain     = "aqsha end v1\x00"
	renewalDomain = "aqsha renewal v1\x00"
)

// EndID stands for the transaction in the ids of the tokens that a contract's end makes.
func EndID(id token.WalletID) token.TransactionID {
	return sha256.Sum256(append([]byte(endDomain), id[:]...))
}

// RenewalID is EndID where the contract goes on, with the version that it has from then on.
func RenewalID(id token.WalletID, version uint64) token.TransactionID {
	return sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte(renewalDomain), id[:]...), version))
}

// end does what a contract's definition says for its deadline: an action in nobody's name, if one is possible, and then
// the shares; or, where the action puts the end off, nothing more. Nothing in it can fail.
func (x *Executor) end(c *Contract) System {
	d := x.definitionOf(c.Definition)
	x.effects.reset()
	x.effectHops, x.held, x.heldHops = x.effectHops[:0], x.held[:0], x.heldHops[:0]
	for i := range c.Assets {
		held, _ := x.heldToken(c, i)
		x.held, x.heldHops = append(x.held, held.Amount), append(x.heldHops, held.Hops)
	}
	x.beginPaying(c)
	x.holdings, x.portions, x.entering = x.holdings[:0], x.portions[:0], x.entering[:0]
	for i, purpose := range c.Assets {
		x.holdingOf(purpose).hops = x.heldHops[i]
	}
	w, _ := x.state.Wallet(c.ID)
	out := x.byItself(c, d)
	nobody := contract.Party{ID: c.ID, Bank: w.Registrar} // nobody calls: the contract pays, which has no role
	call := x.call(c, &nobody, nil, nil)
	if out != nil && out.EndsMillis != 0 {
		return x.renewAtEnd(c, out, call)
	}
	state := c.State
	if out != nil {
		x.paidByItself(c, out.Payouts, call)
		state = out.State
	}
	for i := range c.Assets {
		if held, has := x.heldToken(c, i); has {
			x.spend(c.Tokens[i], held)
		}
		x.shares(c, d, state, i, x.held[i], x.heldHops[i], call)
	}
	x.noteEntered()
	x.enactEffects(EndID(c.ID))
	x.remove(c)
	return System{Kind: SystemEnd, Wallet: c.ID, Effects: x.effects.clone()}
}

// byItself computes the action that a contract does at its end, if one is possible. Its time is the end's, however late
// the block comes, so that a node that stood still decides as one that did not. A renewal beyond the life of the
// contract's money is not possible.
func (x *Executor) byItself(c *Contract, d *contract.Definition) *contract.Outcome {
	if len(d.End.Do) == 0 {
		return nil
	}
	program, err := x.program(c.Definition)
	if err != nil {
		panic("a live contract has no definition: " + err.Error())
	}
	call := x.call(c, &contract.Party{}, make([]money.Tiyn, len(c.Assets)), nil)
	call.Now, call.Today = c.EndsMillis, x.state.Authority().Policy.Day(c.EndsMillis)
	return program.AtEnd(&c.Instance, call, func(out *contract.Outcome) bool {
		return x.outlives(c, out.EndsMillis) == nil
	})
}

// paidByItself plans what an action at the end pays, as payAtEnd has it.
func (x *Executor) paidByItself(c *Contract, payouts []contract.Paid, call *contract.Call) {
	for _, p := range payouts {
		x.held[p.Asset] -= p.Amount // package contract computes each from what is left
		x.payAtEnd(c, p.Party, p.Asset, p.Amount, x.heldHops[p.Asset], call)
	}
}

// renewAtEnd lets a contract go on: of what the action pays out of, the contract keeps the rest as a new token.
func (x *Executor) renewAtEnd(c *Contract, out *contract.Outcome, call *contract.Call) System {
	x.state.ChangeContract(c)
	x.paidByItself(c, out.Payouts, call)
	for i, purpose := range c.Assets {
		held, has := x.heldToken(c, i)
		if !has || held.Amount == x.held[i] {
			continue // untouched
		}
		x.spend(c.Tokens[i], held)
		c.Tokens[i] = token.ID{}
		x.effect(c.ID, x.held[i], purpose, x.heldHops[i])
	}
	x.goesOn(c, out)
	x.noteEntered()
	id := RenewalID(c.ID, c.Version)
	x.enactEffects(id)
	x.locate(c, id)
	return System{Kind: SystemRenewal, Wallet: c.ID, Version: c.Version, Effects: x.effects.clone()}
}

// shares plans the end's payments, as payAtEnd has them.
func (x *Executor) shares(c *Contract, d *contract.Definition, state []int64, asset int, amount money.Tiyn, hops uint16,
	call *contract.Call) {
	for _, s := range contract.Shares(d, state, amount) {
		x.payAtEnd(c, s.Party, asset, s.Amount, hops, call)
	}
}

// payAtEnd plans a payment that nobody signs. What goes back to who paid it in stays as it is. Since rules version 3
// marked money for anybody else asks its purpose, as every payment of it does; and since an end cannot fail, what the
// purpose forbids returns to where its unspent money goes, plain.
func (x *Executor) payAtEnd(c *Contract, party, asset int, amount money.Tiyn, hops uint16, call *contract.Call) {
	purpose, payee := c.Assets[asset], c.Parties[party]
	if amount == 0 || x.rulesVersion < 3 || purpose == 0 || x.paidInBy(c, payee, asset) >= amount {
		x.pay(c, payee, asset, amount, purpose, hops)
		return
	}
	payment := contract.Payment{Payer: call.Caller, Payee: x.party(c, party), Amount: amount, Now: x.now,
		Document: call.Document, Definition: c.Definition[:]}
	becomes, refused := x.judge(purpose, purpose, false, &payment)
	switch {
	case refused != nil:
		x.entering = append(x.entering, remark{purpose, 0, amount})
		x.effect(x.state.Purpose(purpose).Returns, amount, 0, 0)
	case becomes == purpose:
		x.pay(c, payee, asset, amount, purpose, used(hops))
	default:
		x.entering = append(x.entering, remark{purpose, becomes, amount})
		x.pay(c, payee, asset, amount, becomes, 0)
	}
}

// noteEntered books what became other money.
func (x *Executor) noteEntered() {
	for _, e := range x.entering {
		x.became(e.from, e.to, e.amount)
	}
}
