package ledger

import (
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// Signing lists the wallets whose keys sign a transaction and are nobody's concern but of those who may read them. Keys
// of the authority, of intermediaries and agencies are public.
func Signing(body token.Body) []token.WalletID {
	switch t := body.(type) {
	case *token.Transfer:
		return t.Parties[:t.Payers]
	case *token.EarmarkedTransfer:
		return t.Parties[:1]
	case *token.Create:
		return []token.WalletID{t.Creator}
	case *token.Act:
		return []token.WalletID{t.Caller}
	case *token.Redeem:
		return []token.WalletID{t.From}
	case *token.Release:
		return []token.WalletID{t.For, t.Held}
	case *token.StampCash:
		return []token.WalletID{t.Reserve}
	case *token.BondPurses:
		return []token.WalletID{t.Intermediary}
	case *token.OpenPurse:
		return []token.WalletID{t.Owner}
	case *token.FundPurse:
		return []token.WalletID{t.From}
	case *token.Freeze, *token.Unfreeze: // enforcement's keys
		return nil
	}
	if id, ok := Target(body); ok {
		return []token.WalletID{id}
	}
	return nil
}

// Late says whether a transaction's time has passed, which it can only more and more.
func Late(now uint64, tx *token.Transaction) *token.Error {
	if tx.ValidUntil >= now {
		return nil
	}
	return refuse(Expired, "valid_until", "%s before the block's time", contract.Period(now-tx.ValidUntil))
}

// Hopeless says, without any cryptography and by a few looks into the state, why a transaction cannot be executed as
// the state stands: its time has passed, what it spends is not there, or it names a version that is not the present
// one. Nil promises nothing. What waits before the transaction may change the answer.
func Hopeless(state State, now uint64, tx *token.Transaction) *token.Error {
	if late := Late(now, tx); late != nil {
		return late
	}
	// A node asks this of those who sent forgeries before, ahead of paying for their signatures. It may say no only
	// where Apply says no by the same state, so each check here is one of Apply's, in its words.
	inputs, owners := spends(tx.Body)
	for _, id := range inputs {
		in, ok := state.Token(id)
		if !ok {
			return refuse(TokenNotLive, "inputs", "token %s is unknown or spent", id)
		}
		owned := false
		for _, owner := range owners {
			owned = owned || owner == in.Wallet
		}
		if !owned {
			return refuse(WrongOwner, "inputs", "token %s belongs to no payer", id)
		}
	}
	if t, ok := tx.Body.(*token.Act); ok {
		c := state.Contract(t.Contract)
		if c == nil {
			return refuse(UnknownContract, "contract", "no contract %s: it has ended, or never was", t.Contract)
		}
		if c.Version != t.Version {
			return refuse(StaleVersion, "version", "%d is named, %d is present", t.Version, c.Version)
		}
	}
	if id, ok := Target(tx.Body); ok {
		w, known := state.Wallet(id)
		if !known {
			return refuse(UnknownWallet, "wallet", "no wallet %s", id)
		}
		if version, names := namedVersion(tx.Body); names && version != uint64(w.Version) {
			return refuse(StaleVersion, "version", "%d is named, %d is present", version, w.Version)
		}
	}
	return nil
}

// spends lists the tokens that a transaction spends, and the wallets of which one must own each. Both are empty for
// kinds that spend nothing.
func spends(body token.Body) (inputs []token.ID, owners []token.WalletID) {
	switch t := body.(type) {
	case *token.Transfer:
		return t.Inputs, t.Parties[:t.Payers]
	case *token.EarmarkedTransfer:
		return t.Inputs, t.Parties[:1]
	case *token.Create:
		return t.Inputs, []token.WalletID{t.Creator}
	case *token.Act:
		return t.Inputs, []token.WalletID{t.Caller}
	case *token.Redeem:
		return t.Inputs, []token.WalletID{t.From}
	case *token.Seize:
		return t.Inputs, []token.WalletID{t.Wallet}
	case *token.Release:
		return t.Inputs, []token.WalletID{t.Held}
	case *token.BondPurses:
		return t.Inputs, []token.WalletID{t.Intermediary}
	case *token.OpenPurse:
		return t.Inputs, []token.WalletID{t.Owner}
	case *token.FundPurse:
		return t.Inputs, []token.WalletID{t.From}
	}
	return nil, nil
}

// namedVersion is the version of its wallet that a change names.
func namedVersion(body token.Body) (version uint64, names bool) {
	switch t := body.(type) {
	case *token.Update:
		return t.Version, true
	case *token.Rekey:
		return t.Version, true
	case *token.CancelRekey:
		return t.Version, true
	case *token.Cancel:
		return t.Version, true
	case *token.Close:
		return t.Version, true
	}
	return 0, false
}
