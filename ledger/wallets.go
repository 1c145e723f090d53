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

// registrarSequence checks that a registrar may register, and the sequence that it names.
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
	x.state.PutWallet(wallet, Wallet{Registrar: t.Registrar, Key: t.Key, Version: 1, Tier: t.Tier, Attributes: t.Attributes})
	if t.Recovery != token.NoKey {
		x.state.PutDetail(wallet, Detail{Recovery: t.Recovery})
	}
	return nil
}

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
	if uint64(w.Version) != version {
		return w, refuse(StaleVersion, "version", "%d is named, %d is present", version, w.Version)
	}
	return w, nil
}

// changed stores a wallet under its next version.
func (x *Executor) changed(id token.WalletID, w Wallet) {
	w.Version++
	x.state.PutWallet(id, w)
}

func (x *Executor) update(t *token.Update) *token.Error {
	w, err := x.target(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	if w.Treasury {
		return refuse(Treasury, "wallet", "a treasury has no tier")
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

// rekey replaces a wallet's key: at once when the old key, the recovery key or the enforcement set
// asks; when the intermediary asks, after a delay in which payments out are blocked and the old
// key can cancel, so that an intermediary's employee cannot take a wallet.
func (x *Executor) rekey(t *token.Rekey) *token.Error {
	w, err := x.target(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	detail := x.state.Detail(t.Wallet)
	if t.By != token.RoleIntermediary {
		detail.Rekey = PendingKey{}
		x.giveKey(t.Wallet, w, detail, PendingKey{Key: t.Key, Recovery: t.Recovery})
		return nil
	}
	if err := x.active(w.Registrar, "wallet"); err != nil {
		return err
	}
	if w.Rekeying {
		return refuse(RekeyPending, "wallet", "a new key waits already")
	}
	detail.Rekey = PendingKey{t.Key, t.Recovery, x.now + x.state.Authority().Policy.RekeyDelayMillis}
	w.Rekeying = true
	x.state.PutDetail(t.Wallet, detail)
	x.changed(t.Wallet, w)
	return nil
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

func (x *Executor) cancelRekey(t *token.CancelRekey) *token.Error {
	w, err := x.target(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	if !w.Rekeying {
		return refuse(NoRekey, "wallet", "no new key waits")
	}
	x.dropKey(t.Wallet, w)
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

func (x *Executor) closeWallet(t *token.Close) *token.Error {
	w, err := x.target(t.Wallet, t.Version)
	if err != nil {
		return err
	}
	switch {
	case w.Treasury:
		return refuse(Treasury, "wallet", "a treasury is not closed")
	case w.Tokens != 0:
		return refuse(NotEmpty, "wallet", "it holds %s tenge", w.Balance)
	case w.Frozen != token.NotFrozen:
		return refuse(Frozen, "wallet", "wallet %s is frozen", t.Wallet)
	case w.Rekeying:
		return refuse(RekeyPending, "wallet", "a new key waits")
	}
	if t.By == token.RoleIntermediary {
		if err := x.active(w.Registrar, "wallet"); err != nil {
			return err
		}
	}
	x.state.RemoveWallet(t.Wallet)
	x.state.PutClosed(t.Wallet, w.Registrar) // a contract may still owe it something
	return nil
}
