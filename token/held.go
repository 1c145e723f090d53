package token

import (
	"crypto/sha256"

	"github.com/aqsha/aqsha/money"
)

// heldDomain derives the ids of the wallets in which the rules hold money for somebody.
const heldDomain = "aqsha held v1\x00"

// HeldFor is the wallet in which the rules hold a wallet's money that it cannot have yet: what was paid to it beyond
// its limit, or after it was closed. It has no key; a Release moves money out of it.
func HeldFor(wallet WalletID) WalletID {
	var preimage [len(heldDomain) + 16]byte
	copy(preimage[copy(preimage[:], heldDomain):], wallet[:])
	digest := sha256.Sum256(preimage[:])
	return WalletID(digest[:16])
}

// Release moves money that the rules hold for a wallet. By says who asks: the wallet's own key, to the wallet itself
// or, once it is closed, to wherever its last key says; the last recovery key of a closed wallet; or the enforcement
// set together with the registrar.
type Release struct {
	Held   WalletID   `json:"held"` // whose tokens these are: HeldFor(For), or a suspense wallet
	For    WalletID   `json:"for"`  // for whom it is held; zeros for a suspense wallet of rules version 1
	By     Role       `json:"by"`   // wallet, recovery or enforcement
	Inputs []ID       `json:"inputs"`
	Amount money.Tiyn `json:"amount"`
	Change money.Tiyn `json:"change"` // stays held; 0 for none
	To     WalletID   `json:"to"`
}

func (*Release) Kind() Kind  { return KindRelease }
func (*Release) fields() int { return 7 }

func (t *Release) appendFields(b []byte) []byte {
	b = AppendBytes(AppendBytes(b, t.Held[:]), t.For[:])
	b = appendIDs(AppendUint(b, uint64(t.By)), t.Inputs)
	b = AppendUint(AppendUint(b, uint64(t.Amount)), uint64(t.Change))
	return AppendBytes(b, t.To[:])
}

func (t *Release) decodeFields(d *Decoder) {
	t.Held, t.For = d.wallet("held"), d.wallet("for")
	t.By = d.role("by")
	t.Inputs = d.ids("inputs", 1, MaxInputs)
	t.Amount = d.amount("amount")
	t.Change = money.Tiyn(d.Uint("change", 1<<63-1))
	t.To = d.wallet("to")
}

// check: who may release, and that money held for a wallet lies in the wallet that holds for it, whose id follows from
// that one's.
func (t *Release) check() *Error {
	suspense := t.For == WalletID{}
	switch {
	case t.By != RoleWallet && t.By != RoleRecovery && t.By != RoleEnforcement:
		return Errorf(OutOfRange, "by", "held money is released by wallet, recovery or enforcement")
	case suspense && t.By != RoleEnforcement:
		return Errorf(OutOfRange, "by", "what a suspense wallet holds is released by enforcement and the registrar")
	case !suspense && t.Held != HeldFor(t.For):
		return Errorf(OutOfRange, "held", "money for wallet %s is held in wallet %s", t.For, HeldFor(t.For))
	case t.To == t.Held:
		return Errorf(Repeated, "to", "the money lies there already")
	}
	return checkTaking(t.Inputs, t.Amount, t.Change)
}
