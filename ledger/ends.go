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

// end does what a contract's definition says for its deadline: an action in nobody's name, if one is possible, and then the
// shares; or, where the action puts the end off, nothing more. Nothing in it can fail.
func (x *Executor) end(c *Contract) System {
	d := x.definitionOf(c.Definition)
	x.effects.reset()
	x.effectHops, x.held, x.heldHops = x.effectHops[:0], x.held[:0], x.heldHops[:0]
	for i := range c.Assets {
		held, _ := x.heldToken(c, i)
		x.held, x.heldHops = append(x.held, held.Amount), append(x.heldHops, held.Hops)
	}
	x.beginPaying(c)
	out := x.byItself(c, d)
	if out != nil && out.EndsMillis != 0 {
		return x.renewAtEnd(c, out)
	}
	state := c.State
	if out != nil {
		x.paidByItself(c, out.Payouts)
		state = out.State
	}
	for i := range c.Assets {
		if held, has := x.heldToken(c, i); has {
			x.spend(c.Tokens[i], held)
		}
		x.shares(c, d, state, i, x.held[i], x.heldHops[i])
	}
	x.enactEffects(EndID(c.ID))
	x.remove(c)
	return System{Kind: SystemEnd, Wallet: c.ID, Effects: x.effects.clone()}
}

// byItself computes the action that a contract does at its end, if one is possible. Its time is the end's, however late the
// block comes, so that a node that stood still decides as one that did not. A renewal beyond the life of the
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
	return program.AtEnd(&c.Instance, call, func(out *contract.Outcome) bool { return x.outlives(c, out.EndsMillis) == nil })
}

// paidByItself plans what an action at the end pays. As of the shares, marks and hops stay as they are, and no rule is
// asked: nobody signs, who could be refused. A purpose has admitted the definition with its end.
func (x *Executor) paidByItself(c *Contract, payouts []contract.Paid) {
	for _, p := range payouts {
		x.held[p.Asset] -= p.Amount // package contract computes each from what is left
		x.pay(c, c.Parties[p.Party], p.Asset, p.Amount, c.Assets[p.Asset], x.heldHops[p.Asset])
	}
}

// renewAtEnd lets a contract go on: of what the action pays out of, the contract keeps the rest as a new token.
func (x *Executor) renewAtEnd(c *Contract, out *contract.Outcome) System {
	x.state.ChangeContract(c)
	x.paidByItself(c, out.Payouts)
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
	id := RenewalID(c.ID, c.Version)
	x.enactEffects(id)
	x.locate(c, id)
	return System{Kind: SystemRenewal, Wallet: c.ID, Version: c.Version, Effects: x.effects.clone()}
}

// shares plans the end's payments: marks and hops stay as they are, and no rule is asked.
func (x *Executor) shares(c *Contract, d *contract.Definition, state []int64, asset int, amount money.Tiyn, hops uint16) {
	for _, s := range contract.Shares(d, state, amount) {
		x.pay(c, c.Parties[s.Party], asset, s.Amount, c.Assets[asset], hops)
	}
}
