package ledger

import "github.com/aqsha/aqsha/token"

// advance moves on the sequence of a registrar.
func (x *Executor) advance(registrar token.WalletID) {
	if registrar == token.Authority {
		x.state.Authority().Set(token.RolePolicy).Sequence++
		return
	}
	intermediary, _ := x.state.Intermediary(registrar)
	intermediary.Sequence++
	x.state.PutIntermediary(registrar, intermediary)
}

// registrarSequence checks that a registrar may register, and the sequence that it names. One sequence orders all that
// a registrar signs without inputs: of two registrations that cross, one is refused and signed again.
func (x *Executor) registrarSequence(registrar token.WalletID, named uint64) *token.Error {
	present := x.state.Authority().Set(token.RolePolicy).Sequence
	if registrar != token.Authority {
		if err := x.active(registrar, "registrar"); err != nil {
			return err
		}
		intermediary, _ := x.state.Intermediary(registrar)
		present = intermediary.Sequence
	}
	return sequence(present, named)
}

// register makes a wallet, whose id follows from the transaction. Its keys prove themselves (possessed); that they are
// the customer's is the registrar's to know.
func (x *Executor) register(id token.TransactionID, t *token.Register) *token.Error {
	if err := x.registrarSequence(t.Registrar, t.Sequence); err != nil {
		return err
	}
	if err := x.tierExists(t.Tier); err != nil {
		return err
	}
	wallet := token.RegisteredID(id)
	if _, exists := x.state.Wallet(wallet); exists || wallet == token.Authority {
		return refuse(Duplicate, "", "wallet %s exists", wallet)
	}

	x.advance(t.Registrar)
	x.state.PutWallet(wallet, Wallet{Registrar: t.Registrar, Key: t.Key, Version: 1, Tier: t.Tier,
		Attributes: t.Attributes})
	if t.Recovery != token.NoKey {
		x.state.PutDetail(wallet, Detail{Recovery: t.Recovery})
	}
	return nil
}

// tierExists refuses a tier that the policy has not.
func (x *Executor) tierExists(tier uint8) *token.Error {
	if _, ok := x.state.Authority().Policy.Tier(tier); !ok {
		return refuse(UnknownTier, "tier", "the policy has no tier %d", tier)
	}
	return nil
}

// target reads the wallet that a change names and checks the version it names.
func (x *Executor) target(id token.WalletID, version uint64) (Wallet, *token.Error) {
	w, ok := x.state.Wallet(id)
	if !ok {
		return w, refuse(UnknownWallet, "wallet", "no wallet %s", id)
	}
	if w.Contract {
		return w, refuse(OfContract, "wallet", "%s is a contract's; nobody changes it", id)
	}
	return w, versionNamed(&w, version)
}

// versionNamed refuses a change that was made to another version than the present one.
func versionNamed(w *Wallet, version uint64) *token.Error {
	if uint64(w.Version) != version {
		return refuse(StaleVersion, "version", "%d is named, %d is present", version, w.Version)
	}
	return nil
}

// suspense says whether a wallet is one that rules version 1 opened to receive in place of closed wallets: a treasury
// in name, of no intermediary.
func (x *Executor) suspense(id token.WalletID, w *Wallet) bool {
	if !w.Treasury {
		return false
	}
	_, treasury := x.state.Intermediary(id)
	return !treasury
}

// ownable checks that a wallet is one that belongs to somebody: what is held for others has no key, tier or end, and
// nobody gives it any.
func (x *Executor) ownable(id token.WalletID, w *Wallet) *token.Error {
	if w.Held {
		return refuse(Held, "wallet", "%s holds money for another wallet; nobody changes it", id)
	}
	if x.suspense(id, w) {
		return x.from(2, refuse(Held, "wallet", "%s holds money in place of closed wallets; enforcement and "+
			"registrar together release it", id))
	}
	return nil
}

// changed stores a wallet under its next version.
func (x *Executor) changed(id token.WalletID, w Wallet) {
	w.Version++
	x.state.PutWallet(id, w)
}

// update changes a wallet's tier and attributes, and neither its keys nor its money: its registrar alone signs it.
func (x *Executor) update(t *token.Update) *token.Error {
	w, err := x.target(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	if err := x.ownable(t.Wallet, &w); err != nil {
		return err
	}
	if w.Treasury {
		return refuse(Treasury, "wallet", "a treasury has no tier")
	}
	if err := x.notReserve(t.Wallet, "wallet"); err != nil {
		return err
	}
	if err := x.active(w.Registrar, "wallet"); err != nil {
		return err
	}
	if w.Rekeying {
		// Each update makes a new version, so that a registrar could outrun the owner's cancellation for ever.
		return refuse(RekeyPending, "wallet", "a new key waits; the wallet does not change meanwhile")
	}
	if err := x.tierExists(t.Tier); err != nil {
		return err
	}
	w.Tier, w.Attributes = t.Tier, t.Attributes
	x.changed(t.Wallet, w)
	return nil
}

// rekey replaces a wallet's key: at once when the recovery key or the enforcement set asks, or the wallet's own key
// where there is no recovery key. The intermediary waits a delay, in which payments out are blocked and the wallet's
// keys can cancel, so that an intermediary's employee cannot take a wallet; so does the wallet's own key beside a
// recovery key, so that who has stolen it cannot take the recovery away.
func (x *Executor) rekey(t *token.Rekey) *token.Error {
	w, err := x.target(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	if err := x.ownable(t.Wallet, &w); err != nil {
		return err
	}
	if err := x.byIssue(t.Wallet, t.By); err != nil {
		return err
	}
	// A recovery key re-keys at once. On a reserve it would go round the delay in which the issue set sees a theft.
	if t.By == token.RoleIssue && t.Recovery != token.NoKey {
		return refuse(OfReserve, "recovery", "a wallet that backs banknotes has no recovery key: the issue set is it")
	}
	detail := x.state.Detail(t.Wallet)
	waits, err := x.rekeyWaits(t, &detail)
	if err != nil {
		return err
	}
	// Who asks at once is the wallet's last word: what waits, perhaps a thief's, is dropped with it.
	if !waits {
		detail.Rekey = PendingKey{}
		x.giveKey(t.Wallet, w, detail, PendingKey{Key: t.Key, Recovery: t.Recovery})
		return nil
	}
	if t.By == token.RoleIntermediary {
		if err := x.active(w.Registrar, "wallet"); err != nil {
			return err
		}
	}
	// One waits at a time: a second would begin the delay anew, and could push out the owner's own for ever.
	if w.Rekeying {
		return refuse(RekeyPending, "wallet", "a new key or the closing waits already")
	}
	x.wait(t.Wallet, w, detail, PendingKey{Key: t.Key, Recovery: t.Recovery})
	return nil
}

// rekeyWaits says whether a new key waits the delay.
func (x *Executor) rekeyWaits(t *token.Rekey, detail *Detail) (bool, *token.Error) {
	if t.By != token.RoleWallet || detail.Recovery == token.NoKey {
		return t.By == token.RoleIntermediary || t.By == token.RoleIssue, nil
	}
	if x.rulesVersion >= 2 {
		return true, nil
	}
	if t.Recovery == token.NoKey || t.Recovery == detail.Recovery {
		return false, nil // the recovery key can take the wallet back
	}
	return false, x.from(2, refuse(LaterRules, "recovery",
		"the wallet's key alone replaces the recovery key only after a delay, which rules version 2 has"))
}

// wait begins the delay after which a new key, or without one the closing, takes effect.
func (x *Executor) wait(id token.WalletID, w Wallet, detail Detail, pending PendingKey) {
	pending.DueMillis = x.now + x.state.Authority().Policy.RekeyDelayMillis
	detail.Rekey = pending
	w.Rekeying = true
	x.state.PutDetail(id, detail)
	x.changed(id, w)
}

// giveKey makes a key a wallet's own.
func (x *Executor) giveKey(id token.WalletID, w Wallet, detail Detail, key PendingKey) {
	w.Key, w.Rekeying = key.Key, false
	if key.Recovery != token.NoKey {
		detail.Recovery = key.Recovery
	}
	detail.Rekey = PendingKey{}
	x.state.PutDetail(id, detail)
	x.changed(id, w)
}

// cancelRekey is cancel as rules version 1 had it: by the wallet's own key alone.
func (x *Executor) cancelRekey(t *token.CancelRekey) *token.Error {
	return x.cancel(t.Wallet, t.Version, token.RoleWallet)
}

// cancel stops a new key or the closing that waits.
func (x *Executor) cancel(id token.WalletID, version uint64, by token.Role) *token.Error {
	w, err := x.target(id, version)
	if err != nil {
		return err
	}
	if err := x.byIssue(id, by); err != nil {
		return err
	}
	if !w.Rekeying {
		return refuse(NoRekey, "wallet", "no new key waits, and no closing")
	}
	x.dropKey(id, w)
	return nil
}

// dropKey lets a wallet keep the key it has.
func (x *Executor) dropKey(id token.WalletID, w Wallet) {
	detail := x.state.Detail(id)
	detail.Rekey = PendingKey{}
	w.Rekeying = false
	x.state.PutDetail(id, detail)
	x.changed(id, w)
}

// closeWallet ends an empty wallet: at once when its own key asks, after the delay when its intermediary does, and then
// never while a contract names it: what the contract pays would go round the delay that protects the wallet's key.
func (x *Executor) closeWallet(t *token.Close) *token.Error {
	w, err := x.target(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	if err := x.ownable(t.Wallet, &w); err != nil {
		return err
	}
	if err := x.byIssue(t.Wallet, t.By); err != nil {
		return err
	}
	if err := x.closable(t.Wallet, &w); err != nil {
		return err
	}
	if w.Rekeying {
		return refuse(RekeyPending, "wallet", "a new key or the closing waits")
	}
	if t.By == token.RoleIntermediary || t.By == token.RoleIssue {
		if err := x.active(w.Registrar, "wallet"); err != nil {
			return err
		}
		if x.state.Named(t.Wallet) {
			// Version 1 let it pass, and blocks of that version are judged so for ever; a strict executor makes no
			// more of them.
			if err := x.from(2, refuse(InContract, "wallet",
				"a live contract names the wallet: its owner alone closes it")); err != nil {
				return err
			}
		}
		if x.rulesVersion >= 2 {
			x.wait(t.Wallet, w, x.state.Detail(t.Wallet), PendingKey{})
			return nil
		}
	}
	x.endWallet(t.Wallet, w)
	return nil
}

// closable checks that a wallet has nothing, and that nothing is held for it.
func (x *Executor) closable(id token.WalletID, w *Wallet) *token.Error {
	switch held, _ := x.state.Wallet(token.HeldFor(id)); {
	case w.Treasury:
		return refuse(Treasury, "wallet", "a treasury is not closed")
	case w.Tokens != 0:
		return refuse(NotEmpty, "wallet", "it holds %s tenge", w.Balance)
	case held.Tokens != 0:
		return refuse(NotEmpty, "wallet", "%s tenge is held for it", held.Balance)
	case w.Frozen != token.NotFrozen:
		return refuse(Frozen, "wallet", "wallet %s is frozen", id)
	}
	return nil
}

// endWallet closes a wallet. What stays known of it says whom money obeys that a contract may still owe it. The id is
// never given again, so that money which comes late finds this record and no stranger's wallet.
func (x *Executor) endWallet(id token.WalletID, w Wallet) {
	closed := Closed{Registrar: w.Registrar}
	if x.rulesVersion >= 2 {
		closed = Closed{Registrar: w.Registrar, Key: w.Key, Recovery: x.state.Detail(id).Recovery, Tier: w.Tier}
	}
	x.state.Authority().dropReserve(id)
	x.state.RemoveWallet(id)
	x.state.PutClosed(id, closed)
}
