package ledger

import (
	"math"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// transfer moves tokens between wallets: every rule first, then the change.
func (x *Executor) transfer(id token.TransactionID, t *token.Transfer) *token.Error {
	policy := &x.state.Authority().Policy
	if len(t.Inputs) > policy.MaxInputs {
		return refuse(PolicyTooMany, "inputs", "%d inputs, at most %d", len(t.Inputs), policy.MaxInputs)
	}
	if len(t.Outputs) > policy.MaxOutputs {
		return refuse(PolicyTooMany, "outputs", "%d outputs, at most %d", len(t.Outputs), policy.MaxOutputs)
	}
	if err := x.loadParties(t); err != nil {
		return err
	}
	hops, err := x.loadInputs(t)
	if err != nil {
		return err
	}
	if err := x.checkOutputs(t, policy); err != nil {
		return err
	}
	if err := x.paysForCash(t); err != nil {
		return err
	}
	// By the block's time, not a node's clock: all who replay count the same day.
	today := policy.Day(x.now)
	for party, id := range t.Parties {
		pays := party < t.Payers && paysNow(x.nets[party], x.delta[party])
		if err := x.checkLimit(policy, id, &x.wallets[party], x.nets[party], pays, today); err != nil {
			return err
		}
	}

	// From here on nothing refuses. A refusal half-way would leave a state that no entry of the log explains.
	for _, input := range t.Inputs {
		x.state.RemoveToken(input)
	}
	for i, o := range t.Outputs {
		x.state.AddToken(token.OutputID(id, i), Token{t.Parties[o.Party], o.Asset, o.Amount, hops})
	}
	for party, id := range t.Parties {
		w, net, delta := &x.wallets[party], x.nets[party], x.delta[party]
		w.book(net, net, delta, party < t.Payers && paysNow(net, delta), today)
		x.state.PutWallet(id, *w)
	}
	return nil
}

// loadParties reads the parties' wallets and checks that they may pay or be paid at all.
func (x *Executor) loadParties(t *token.Transfer) *token.Error {
	x.wallets = x.wallets[:0]
	for i, id := range t.Parties {
		w, ok := x.state.Wallet(id)
		if !ok {
			return refuse(UnknownWallet, "parties", "no wallet %s", id)
		}
		if i < t.Payers {
			if err := x.mayPay(id, &w); err != nil {
				return err
			}
		} else if err := mayBePaid(id, &w, "parties"); err != nil {
			return err
		}
		x.wallets = append(x.wallets, w)
	}
	return nil
}

// mayPay checks that nothing stops a wallet from paying: a freeze of either mode, a new key or closing that waits, and
// of a treasury its intermediary's suspension. A customer pays on when its intermediary is suspended.
func (x *Executor) mayPay(id token.WalletID, w *Wallet) *token.Error {
	if w.Frozen != token.NotFrozen {
		return refuse(Frozen, "parties", "wallet %s is frozen", id)
	}
	if w.Held {
		return refuse(Held, "parties", "%s holds money for another wallet; a release moves it", id)
	}
	if w.Rekeying {
		return refuse(RekeyPending, "parties", "wallet %s waits for a new key, or to be closed", id)
	}
	if w.Treasury {
		if err := x.ownable(id, w); err != nil {
			return err
		}
		return x.active(w.Registrar, "parties")
	}
	return nil
}

// mayBePaid checks that a wallet takes payments.
func mayBePaid(id token.WalletID, w *Wallet, field string) *token.Error {
	switch {
	case w.Frozen == token.FreezeAll:
		return refuse(Frozen, field, "wallet %s is frozen", id)
	case w.Contract:
		return refuse(OfContract, field, "%s is a contract's; money enters it by its actions", id)
	case w.Held:
		return refuse(Held, field, "%s holds money for another wallet; the rules alone put it there", id)
	}
	return nil
}

// active checks that an intermediary exists and is not suspended.
func (x *Executor) active(id token.WalletID, field string) *token.Error {
	if id == token.Authority {
		return nil
	}
	intermediary, ok := x.state.Intermediary(id)
	if !ok {
		return refuse(UnknownIntermediary, field, "no intermediary %s", id)
	}
	if intermediary.Suspended {
		return refuse(Suspended, field, "intermediary %s is suspended", id)
	}
	return nil
}

// loadInputs reads the inputs, finds each one's payer, and returns the hops that its outputs have used.
// x.nets becomes each party's outputs less inputs; x.delta the same in numbers of tokens.
func (x *Executor) loadInputs(t *token.Transfer) (hops uint16, _ *token.Error) {
	x.tokens, x.nets, x.delta = x.tokens[:0], x.nets[:0], x.delta[:0]
	for range t.Parties {
		x.nets, x.delta = append(x.nets, 0), append(x.delta, 0)
	}
	for _, id := range t.Inputs {
		in, ok := x.state.Token(id)
		if !ok {
			return 0, refuse(TokenNotLive, "inputs", "token %s is unknown or spent", id)
		}
		payer := 0
		for payer < t.Payers && t.Parties[payer] != in.Wallet {
			payer++
		}
		if payer == t.Payers {
			return 0, refuse(WrongOwner, "inputs", "token %s belongs to no payer", id)
		}
		x.tokens = append(x.tokens, in)
		x.nets[payer] -= in.Amount // cannot overflow: live tokens sum to the supply
		x.delta[payer]--
		hops = max(hops, in.Hops)
	}
	for payer := range t.Payers {
		if x.delta[payer] == 0 {
			return 0, refuse(token.Unused, "parties", "payer %s owns no input", t.Parties[payer])
		}
	}
	return hops, nil
}

// checkOutputs checks sizes and that every asset's outputs equal its inputs.
func (x *Executor) checkOutputs(t *token.Transfer, policy *token.Policy) *token.Error {
	plain := money.Tiyn(0)
	for _, in := range x.tokens {
		if in.Asset != token.PlainTenge {
			return refuse(Earmarked, "inputs", "%s tenge of asset %v: a marked transfer spends it", in.Amount, in.Asset)
		}
		plain += in.Amount
	}
	for _, o := range t.Outputs {
		if o.Asset != token.PlainTenge {
			return refuse(Earmarked, "outputs.asset", "asset %v: a marked transfer pays it", o.Asset)
		}
		if o.Amount < policy.LeastToken {
			return refuse(Dust, "outputs.amount", "%s tenge is less than %s", o.Amount, policy.LeastToken)
		}
		plain -= o.Amount // both sums fit in 63 bits, so their difference does
		x.nets[o.Party] += o.Amount
		x.delta[o.Party]++
	}
	if plain != 0 {
		return refuse(NotBalanced, "outputs", "inputs less outputs is %s tenge, want 0", plain)
	}
	return nil
}

// paidOn returns a wallet's counters of a day. A day that a change of the policy's offset brings back counts on with
// the later one: turning the offset to and fro gives no fresh limits. So nothing has to be reset at midnight: a wallet
// that did not pay today still has another day's counters.
func (w *Wallet) paidOn(day uint32) (paid money.Tiyn, payments uint32) {
	if day > w.Day {
		return 0, 0
	}
	return w.PaidToday, w.PaymentsToday
}

// checkLimit tests what a wallet pays or gains against its tier: what it pays against payment and day, what it
// receives against the balance. A treasury has no limits; of a contract's payouts, see pay.
func (x *Executor) checkLimit(policy *token.Policy, id token.WalletID, w *Wallet, net money.Tiyn, pays bool,
	today uint32) *token.Error {
	if w.Treasury {
		return nil
	}
	if w.Registrar == token.Authority && x.state.Authority().Reserve(id) != nil {
		return x.checkReserve(policy, w, net, today)
	}
	tier, ok := policy.Tier(w.Tier)
	if !ok {
		return refuse(UnknownTier, "parties", "wallet %s is in tier %d, which the policy lacks", id, w.Tier)
	}
	paid, payments := w.paidOn(today)
	if pays && tier.PaymentsPerDay != 0 && payments >= tier.PaymentsPerDay {
		return refuse(LimitPaymentsPerDay, "parties", "tier %q makes %d payments a day", tier.Name, tier.PaymentsPerDay)
	}
	switch {
	case net < 0 && tier.MaxPayment != 0 && -net > tier.MaxPayment:
		return refuse(LimitPayment, "outputs.amount", "%s tenge; tier %q pays at most %s at once", -net, tier.Name,
			tier.MaxPayment)
	case net < 0 && tier.MaxDay != 0 && (paid > tier.MaxDay || -net > tier.MaxDay-paid):
		return refuse(LimitDay, "outputs.amount", "%s tenge after %s today; tier %q pays at most %s a day", -net, paid,
			tier.Name, tier.MaxDay)
	case net > 0 && net > x.room(&tier, id, w, net):
		// What the payee has is not the payer's to know.
		return refuse(LimitBalance, "outputs.amount",
			"%s tenge is more than the payee may take now; its tier %q holds at most %s", net, tier.Name,
			tier.MaxBalance)
	}
	return nil
}

// room is how much more of an amount a wallet may hold. MaxBalance is compared by subtraction: a sum of two amounts
// could exceed 63 bits.
func (x *Executor) room(tier *token.Tier, id token.WalletID, w *Wallet, amount money.Tiyn) money.Tiyn {
	if tier.MaxBalance == 0 || (w.Balance <= tier.MaxBalance && amount <= tier.MaxBalance-w.Balance) {
		return amount
	}
	// Seldom so near the limit; only then does it matter how much of it counts.
	return min(amount, max(0, tier.MaxBalance-(w.Balance-x.state.Apart(id))))
}

// book enters a checked transaction into a party's wallet record: net is what it gains, counted the
// part of that which counts to limits, delta the same in numbers of tokens.
func (w *Wallet) book(net, counted money.Tiyn, delta int, pays bool, today uint32) {
	w.Balance += net
	w.Tokens = uint32(int(w.Tokens) + delta)
	if !pays || w.Treasury {
		return
	}
	paid, payments := w.paidOn(today)
	w.Day, w.PaymentsToday = max(w.Day, today), payments
	if payments < math.MaxUint32 {
		w.PaymentsToday++
	}
	w.PaidToday = paid
	if counted < 0 {
		// Without a limit of the day the sum may reach the end of its range; there it stays.
		total, err := money.Add(paid, -counted)
		if err != nil {
			total = math.MaxInt64
		}
		w.PaidToday = total
	}
}
