package ledger

import (
	"math"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// What a contract pays cannot be refused for the payee's sake: a secret may be out, a deadline past. So what would lift
// the payee above its tier's limit is held for it, beyond the reach of the contract and of everybody else, until a
// Release takes it in parts that fit.

// gain is what a wallet gains and pays in the entry under way, of money that counts to its limit. An entry touches few
// wallets, so that a list is searched faster than a map.
type gain struct {
	wallet token.WalletID
	amount money.Tiyn
}

// gained adds to what a wallet gains in the entry, and returns the sum.
func (x *Executor) gained(id token.WalletID, amount money.Tiyn) money.Tiyn {
	for i := range x.gains {
		if x.gains[i].wallet == id {
			x.gains[i].amount += amount
			return x.gains[i].amount
		}
	}
	x.gains = append(x.gains, gain{id, amount})
	return amount
}

// beginPaying readies the books of an entry in which a contract pays: who has paid in what, and what each wallet gains.
func (x *Executor) beginPaying(c *Contract) {
	x.gains, x.paidIn = x.gains[:0], append(x.paidIn[:0], c.PaidIn...)
}

// paysIn books what a caller pays into a contract. What is paid in can come back whatever the limit.
func (x *Executor) paysIn(c *Contract, caller token.WalletID, paid []money.Tiyn) {
	if x.rulesVersion < 2 {
		return
	}
	party := -1
	for i := range c.Parties {
		if c.Parties[i] == caller {
			party = i
			break
		}
	}
	for asset, amount := range paid {
		if party >= 0 && len(x.paidIn) > 0 {
			x.paidIn[party*len(c.Assets)+asset] += amount // at most what is live
		}
		if x.counts(c.Assets[asset]) {
			x.gained(caller, -amount)
		}
	}
}

// paidInBy is what a payee has paid in of an asset and not got back. In a contract that was made under rules version 1
// nobody knows: it is everything.
func (x *Executor) paidInBy(c *Contract, payee token.WalletID, asset int) (sum money.Tiyn) {
	if len(x.paidIn) == 0 {
		return math.MaxInt64
	}
	for i := range c.Parties {
		if c.Parties[i] == payee {
			sum += x.paidIn[i*len(c.Assets)+asset]
		}
	}
	return sum
}

// comesBack is the part of a payout that its payee has paid in.
func (x *Executor) comesBack(c *Contract, payee token.WalletID, asset int, amount money.Tiyn) (back money.Tiyn) {
	if len(x.paidIn) == 0 {
		return 0
	}
	for i := range c.Parties {
		if c.Parties[i] == payee {
			paid := &x.paidIn[i*len(c.Assets)+asset]
			part := min(*paid, amount-back)
			*paid -= part
			back += part
		}
	}
	return back
}

// pay plans what a contract pays of one of its assets: what comes back and what fits the payee's limit to the payee,
// the rest to be held for it. Where it is split, each part is at least the policy's least token; an amount too small
// for two such parts is held whole.
func (x *Executor) pay(c *Contract, payee token.WalletID, asset int, amount money.Tiyn, purpose uint32, hops uint16) {
	if x.rulesVersion < 2 || amount == 0 {
		x.effect(payee, amount, purpose, hops)
		return
	}
	back := x.comesBack(c, payee, asset, amount)
	now := back + x.fits(payee, purpose, amount-back)
	if least := x.state.Authority().Policy.LeastToken; now != amount {
		switch { // neither part is dust
		case now < least || amount < 2*least:
			now = 0
		case amount-now < least:
			now = amount - least
		}
	}
	x.effect(payee, now, purpose, hops)
	if x.counts(purpose) {
		x.gained(payee, now)
	}
	if now != amount {
		x.effects.Made = append(x.effects.Made, Effect{token.HeldFor(payee), amount - now, purpose, payee})
		x.effectHops = append(x.effectHops, hops)
	}
}

// fits is how much of an amount a payee may have on top of what it has and gains in this entry. For a closed wallet all
// is held anyway. A wallet whose tier the policy lacks takes all: a payout cannot be refused, and there is no limit to
// hold it against.
func (x *Executor) fits(payee token.WalletID, purpose uint32, amount money.Tiyn) money.Tiyn {
	w, ok := x.state.Wallet(payee)
	if !ok || w.Treasury || !x.counts(purpose) {
		return amount
	}
	tier, ok := x.state.Authority().Policy.Tier(w.Tier)
	if !ok {
		return amount
	}
	w.Balance += x.gained(payee, 0)
	return x.room(&tier, payee, &w, amount)
}

// releaseHeld moves money that is held for a wallet: every rule first, then the change.
func (x *Executor) releaseHeld(id token.TransactionID, t *token.Release) *token.Error {
	held, err := x.releasable(t)
	if err != nil {
		return err
	}
	first, _ := x.state.Token(t.Inputs[0])
	if err := x.checkTaking(t.Held, t.Inputs, first.Asset, t.Amount, t.Change); err != nil {
		return err
	}
	purpose := first.Asset.Purpose
	if p := x.state.Purpose(purpose); p != nil && x.now >= p.UntilMillis {
		return refuse(contract.PurposeExpired, "inputs", "money for %q was spendable until %s; it returns", p.Name,
			contract.Moment(int64(p.UntilMillis)))
	}
	to, ok := x.state.Wallet(t.To)
	if !ok {
		return refuse(UnknownWallet, "to", "no wallet %s", t.To)
	}
	if err := x.mayTakeHeld(t, &to, purpose); err != nil {
		return err
	}
	policy := &x.state.Authority().Policy
	today := policy.Day(x.now)
	counted := t.Amount
	if !x.counts(purpose) {
		counted = 0
	}
	// A closed wallet's money that its key sends elsewhere is paid, within the tier that the wallet had.
	pays := t.By != token.RoleEnforcement && t.To != t.For
	if pays {
		if err := x.checkLimit(policy, t.Held, &held, -counted, true, today); err != nil {
			return err
		}
	}
	if err := x.checkLimit(policy, t.To, &to, counted, false, today); err != nil {
		return err
	}

	hops := uint16(0)
	for _, input := range t.Inputs {
		in, _ := x.state.Token(input)
		hops = max(hops, in.Hops)
	}
	x.take(&held, t.Held, t.Inputs, t.Amount, t.Change, token.OutputID(id, 1))
	held.book(0, -counted, 0, pays, today)
	x.state.PutWallet(t.Held, held)
	x.state.AddToken(token.OutputID(id, 0), Token{t.To, first.Asset, t.Amount, hops})
	to.Balance += t.Amount
	to.Tokens++
	x.state.PutWallet(t.To, to)
	return nil
}

// releasable checks that a wallet holds money for the one that the release names, and that nothing stops it: a freeze
// of either. While the wallet is there, its own key may release to it alone.
func (x *Executor) releasable(t *token.Release) (Wallet, *token.Error) {
	held, ok := x.state.Wallet(t.Held)
	switch {
	case !ok:
		return held, refuse(UnknownWallet, "held", "nothing was ever held in wallet %s", t.Held)
	case held.Held != (t.For != token.WalletID{}) || (!held.Held && !x.suspense(t.Held, &held)):
		return held, refuse(WrongOwner, "held", "wallet %s holds nothing for others, or not for this one", t.Held)
	case held.Frozen != token.NotFrozen:
		return held, refuse(Frozen, "held", "wallet %s is frozen", t.Held)
	}
	if owner, ok := x.state.Wallet(t.For); ok {
		if owner.Frozen == token.FreezeAll {
			return held, refuse(Frozen, "for", "wallet %s is frozen", t.For)
		}
		if t.By == token.RoleWallet && t.To != t.For {
			return held, refuse(NotAuthorised, "to", "held money goes to wallet %s, for which it is held", t.For)
		}
	}
	if t.By == token.RoleEnforcement {
		return held, x.active(held.Registrar, "held")
	}
	return held, nil
}

// mayTakeHeld checks where released money goes. Marked money keeps its mark and asks no rule, so by a closed wallet's
// key it goes to the same person only: to a wallet that has the closed one's key, or its recovery key.
func (x *Executor) mayTakeHeld(t *token.Release, to *Wallet, purpose uint32) *token.Error {
	if err := mayBePaid(t.To, to, "to"); err != nil {
		return err
	}
	if purpose == 0 || t.To == t.For || t.By == token.RoleEnforcement {
		return nil
	}
	closed, _ := x.state.Closed(t.For)
	if to.Key == closed.Key || to.Key == closed.Recovery {
		return nil
	}
	return refuse(Earmarked, "to", "marked money goes to a wallet with the closed one's key, or its recovery key")
}
