package ledger

import (
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// issue makes new tenge in an intermediary's treasury, within the day's cap. With redeem it is the one place where the
// sum of live tokens changes.
func (x *Executor) issue(id token.TransactionID, t *token.Issue) *token.Error {
	a := x.state.Authority()
	if err := sequence(a.Set(token.RoleIssue).Sequence, t.Sequence); err != nil {
		return err
	}
	if err := x.active(t.To, "to"); err != nil {
		return err
	}
	treasury, ok := x.state.Wallet(t.To)
	if !ok || !treasury.Treasury {
		return refuse(UnknownIntermediary, "to", "tenge is issued to an intermediary's treasury; %s is none", t.To)
	}
	if treasury.Frozen == token.FreezeAll {
		return refuse(Frozen, "to", "treasury %s is frozen", t.To)
	}
	if len(t.Amounts) > a.Policy.MaxOutputs {
		return refuse(PolicyTooMany, "amounts", "%d amounts, at most %d", len(t.Amounts), a.Policy.MaxOutputs)
	}
	for _, amount := range t.Amounts {
		if amount < a.Policy.LeastToken {
			return refuse(Dust, "amounts", "%s tenge is less than %s", amount, a.Policy.LeastToken)
		}
	}
	total, err := t.Total()
	if err != nil {
		return err
	}
	// Never an earlier day: the policy set could turn the day's offset to and fro, at once, and have
	// the cap begin anew each time, while a higher cap takes a delay and root's silence.
	today, issued := max(a.IssueDay, a.Policy.Day(x.now)), money.Tiyn(0)
	if a.IssueDay == today {
		issued = a.IssuedToday
	}
	if issued > a.DailyCap || total > a.DailyCap-issued {
		return refuse(CapReached, "amounts", "%s tenge after %s today; the cap is %s a day", total, issued, a.DailyCap)
	}
	allIssued, overflow := money.Add(a.Issued, total)
	if overflow != nil {
		return refuse(token.AmountOverflow, "amounts", "all ever issued would exceed 63 bits")
	}

	a.Set(token.RoleIssue).Sequence++
	a.IssueDay, a.IssuedToday, a.Issued = today, issued+total, allIssued
	for i, amount := range t.Amounts {
		x.state.AddToken(token.OutputID(id, i), Token{Wallet: t.To, Amount: amount})
	}
	treasury.Balance += total
	treasury.Tokens += uint32(len(t.Amounts))
	x.state.PutWallet(t.To, treasury)
	return nil
}

// redeem destroys tokens of an intermediary's own treasury.
func (x *Executor) redeem(id token.TransactionID, t *token.Redeem) *token.Error {
	treasury, ok := x.state.Wallet(t.From)
	if !ok || !treasury.Treasury || treasury.Registrar != t.From {
		return refuse(UnknownIntermediary, "from", "an intermediary redeems from its treasury; %s is none", t.From)
	}
	if err := x.mayPay(t.From, &treasury); err != nil {
		return err
	}
	if err := x.checkTaking(t.From, t.Inputs, token.PlainTenge, t.Amount, t.Change); err != nil {
		return err
	}
	a := x.state.Authority()
	a.Redeemed += t.Amount // at most what was issued
	x.take(&treasury, t.From, t.Inputs, t.Amount, t.Change, token.OutputID(id, 0))
	x.state.PutWallet(t.From, treasury)
	return nil
}

// checkTaking checks that inputs are the wallet's, of one asset, and amount to what is taken and given back.
func (x *Executor) checkTaking(owner token.WalletID, inputs []token.ID, asset token.Asset, amount,
	change money.Tiyn) *token.Error {
	policy := &x.state.Authority().Policy
	if len(inputs) > policy.MaxInputs {
		return refuse(PolicyTooMany, "inputs", "%d inputs, at most %d", len(inputs), policy.MaxInputs)
	}
	if amount < policy.LeastToken {
		return refuse(Dust, "amount", "%s tenge is less than %s", amount, policy.LeastToken)
	}
	if change != 0 && change < policy.LeastToken {
		return refuse(Dust, "change", "%s tenge is less than %s", change, policy.LeastToken)
	}
	var total money.Tiyn
	for _, id := range inputs {
		in, ok := x.state.Token(id)
		switch {
		case !ok:
			return refuse(TokenNotLive, "inputs", "token %s is unknown or spent", id)
		case in.Wallet != owner:
			return refuse(WrongOwner, "inputs", "token %s belongs to another wallet", id)
		case in.Asset != token.PurposeAsset(in.Asset.Purpose):
			return refuse(UnknownAsset, "inputs", "asset %v is not known to these rules", in.Asset)
		case in.Asset != asset:
			return refuse(UnknownAsset, "inputs",
				"token %s is of purpose %d; what is taken here is of purpose %d (0 is plain)", id, in.Asset.Purpose,
				asset.Purpose)
		}
		// Cannot overflow: live tokens together are what circulates, which is below 2⁶³, and inputs are distinct by
		// form.
		total += in.Amount
	}
	if total-amount != change {
		return refuse(NotBalanced, "change", "inputs less amount is %s tenge, change says %s", total-amount, change)
	}
	return nil
}

// take removes inputs from a wallet and gives it its change, marked as they are, after checkTaking.
func (x *Executor) take(w *Wallet, owner token.WalletID, inputs []token.ID, amount, change money.Tiyn,
	changeID token.ID) {
	rest := Token{Wallet: owner, Amount: change}
	for _, id := range inputs {
		in, _ := x.state.Token(id)
		rest.Asset, rest.Hops = in.Asset, max(rest.Hops, in.Hops)
		x.state.RemoveToken(id)
	}
	w.Balance -= amount
	w.Tokens -= uint32(len(inputs))
	if change != 0 {
		x.state.AddToken(changeID, rest)
		w.Tokens++
	}
}

// sequence checks the number that a transaction without inputs names, which makes replays fail for ever.
func sequence(present, named uint64) *token.Error {
	if present != named {
		return refuse(StaleVersion, "sequence", "%d is named, %d is next", named, present)
	}
	return nil
}
