package ledger

import (
	"slices"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// enforced reads the wallet that the enforcement set names, and its contract if it is one's: from rules version 2 on
// contracts' money can be frozen and seized like anybody's.
func (x *Executor) enforced(id token.WalletID, version uint64) (Wallet, *Contract, *token.Error) {
	if c := x.state.Contract(id); c != nil && x.rulesVersion >= 2 {
		w, _ := x.state.Wallet(id)
		return w, c, versionNamed(&w, version)
	}
	w, err := x.target(id, version)
	return w, nil, err
}

// setFrozen stops a contract, whose end waits meanwhile, or lets it go on.
func (x *Executor) setFrozen(c *Contract, frozen bool) {
	if c != nil {
		x.state.ChangeContract(c)
		x.state.SetFrozen(c, frozen)
	}
}

// freeze stops a wallet, or changes how far it is stopped under the same case. A contract is stopped wholly by either
// mode.
func (x *Executor) freeze(t *token.Freeze) *token.Error {
	w, c, err := x.enforced(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	if err := x.notReserve(t.Wallet, "wallet"); err != nil {
		return err
	}
	if err := notFund(t.Wallet); err != nil {
		return err
	}
	detail := x.state.Detail(t.Wallet)
	if w.Frozen != token.NotFrozen && detail.Case != t.Case {
		return refuse(WrongCase, "case", "the wallet is frozen under another case")
	}
	x.setFrozen(c, true)
	w.Frozen, detail.Case = t.Mode, t.Case
	x.state.PutDetail(t.Wallet, detail)
	x.changed(t.Wallet, w)
	return nil
}

// unfreeze ends a freeze, under the case that began it.
func (x *Executor) unfreeze(t *token.Unfreeze) *token.Error {
	w, c, err := x.enforced(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	detail := x.state.Detail(t.Wallet)
	if err := underCase(&w, detail, t.Case); err != nil {
		return err
	}
	x.setFrozen(c, false)
	w.Frozen, detail.Case = token.NotFrozen, ""
	x.state.PutDetail(t.Wallet, detail)
	x.changed(t.Wallet, w)
	return nil
}

// underCase refuses what is done to a wallet that is not frozen, or under another case.
func underCase(w *Wallet, detail Detail, reference string) *token.Error {
	if w.Frozen == token.NotFrozen {
		return refuse(NotFrozen, "wallet", "the wallet is not frozen")
	}
	if detail.Case != reference {
		return refuse(WrongCase, "case", "the wallet is frozen under another case")
	}
	return nil
}

// CourtRole is the role of wallets that seized money may go to.
const CourtRole = "court"

// seize moves an amount from a frozen wallet to a court's; the change stays in the frozen wallet. Marked money is
// taken like any: the mark ends on what the court has, so that a judgment can be paid from it, and stays on the change.
func (x *Executor) seize(id token.TransactionID, t *token.Seize) *token.Error {
	w, ok := x.state.Wallet(t.Wallet)
	if !ok {
		return refuse(UnknownWallet, "wallet", "no wallet %s", t.Wallet)
	}
	if err := x.notReserve(t.Wallet, "wallet"); err != nil {
		return err
	}
	if err := notFund(t.Wallet); err != nil {
		return err
	}
	if err := underCase(&w, x.state.Detail(t.Wallet), t.Case); err != nil {
		return err
	}
	court, ok := x.state.Wallet(t.Court)
	if !ok {
		return refuse(UnknownWallet, "court", "no wallet %s", t.Court)
	}
	if court.Registrar != token.Authority || court.Attributes.Role != CourtRole || t.Court == t.Wallet {
		return refuse(NotCourt, "court", "wallet %s is not a court's, registered by the authority", t.Court)
	}
	if court.Frozen == token.FreezeAll {
		return refuse(Frozen, "court", "wallet %s is frozen", t.Court)
	}
	first, _ := x.state.Token(t.Inputs[0])
	if err := x.checkTaking(t.Wallet, t.Inputs, first.Asset, t.Amount, t.Change); err != nil {
		return err
	}
	purpose := first.Asset.Purpose
	if p := x.state.Purpose(purpose); p != nil && x.now >= p.UntilMillis {
		// It is its holder's no more, only on its way to where the purpose returns it.
		return refuse(contract.PurposeExpired, "inputs", "money for %q was the wallet's until %s; it returns", p.Name,
			contract.Moment(int64(p.UntilMillis)))
	}

	if c := x.state.Contract(t.Wallet); c != nil {
		x.state.ChangeContract(c)
		kept := &c.Tokens[slices.Index(c.Assets, purpose)]
		if *kept = (token.ID{}); t.Change != 0 {
			*kept = token.OutputID(id, 1)
		}
	}
	x.became(purpose, 0, t.Amount)
	x.take(&w, t.Wallet, t.Inputs, t.Amount, t.Change, token.OutputID(id, 1))
	x.state.PutWallet(t.Wallet, w)
	x.state.AddToken(token.OutputID(id, 0), Token{Wallet: t.Court, Amount: t.Amount})
	court.Balance += t.Amount
	court.Tokens++
	x.state.PutWallet(t.Court, court)
	return nil
}

// notFund refuses what is not for the money of all purses.
func notFund(id token.WalletID) *token.Error {
	if id == PurseFund {
		return refuse(Held, "wallet", "%s holds the money of all purses; the rules alone move it", id)
	}
	return nil
}
