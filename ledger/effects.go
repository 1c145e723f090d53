package ledger

import (
	"crypto/sha256"
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Effects are what the rules add to what somebody signed, or do without anybody: tokens of a contract that they spend,
// and tokens that they make. The tokens made are numbered in order. They stand in the entry behind the transaction,
// though everybody can derive them: a reader that follows balances then needs no compiler of contracts, and Replay
// compares them with what the rules give.
type Effects struct {
	Spent []token.ID `json:"spent,omitempty"`
	Made  []Effect   `json:"made,omitempty"`
}

// Effect is a token that the rules make: a contract's payout, what it keeps, change, what returns.
type Effect struct {
	Wallet  token.WalletID `json:"wallet"`
	Amount  money.Tiyn     `json:"amount"`
	Purpose uint32         `json:"purpose,omitempty"`
	For     token.WalletID `json:"for,omitzero"` // the wallet for which another one holds it
}

// Empty says whether there are none, as of nearly all entries.
func (e *Effects) Empty() bool { return len(e.Spent) == 0 && len(e.Made) == 0 }

// Equal says whether two are the same.
func (e *Effects) Equal(other *Effects) bool {
	return slices.Equal(e.Spent, other.Spent) && slices.Equal(e.Made, other.Made)
}

func (e *Effects) clone() Effects { return Effects{slices.Clone(e.Spent), slices.Clone(e.Made)} }

func (e *Effects) reset() { e.Spent, e.Made = e.Spent[:0], e.Made[:0] }

// Bounds of an entry's effects: a contract holds a token of each asset; payouts, change and rest of every asset, and
// the end's shares. A part of each but the change may be held for the payee.
const (
	maxSpent = token.MaxContractAssets
	maxMade  = 128
)

// appendEffects encodes effects in their one form; none are an empty list.
func appendEffects(b []byte, effects *Effects) []byte {
	if effects.Empty() {
		return token.AppendArray(b, 0)
	}
	b = token.AppendArray(token.AppendArray(b, 2), len(effects.Spent))
	for i := range effects.Spent {
		b = token.AppendBytes(b, effects.Spent[i][:])
	}
	b = token.AppendArray(b, len(effects.Made))
	for _, e := range effects.Made {
		items := 3
		if e.For != (token.WalletID{}) {
			items = 4
		}
		b = token.AppendBytes(token.AppendArray(b, items), e.Wallet[:])
		b = token.AppendUint(token.AppendUint(b, uint64(e.Amount)), uint64(e.Purpose))
		if items == 4 {
			b = token.AppendBytes(b, e.For[:])
		}
	}
	return b
}

// decodeEffects reads what appendEffects writes, and nothing else.
func decodeEffects(d *token.Decoder) (effects Effects) {
	if d.Array("effects", 0, 2) == 0 {
		return effects
	}
	for range d.Array("effects.spent", 0, maxSpent) {
		var id token.ID
		d.Fixed("effects.spent", id[:])
		effects.Spent = append(effects.Spent, id)
	}
	for range d.Array("effects.made", 0, maxMade) {
		effects.Made = append(effects.Made, decodeEffect(d))
		if d.Err() != nil {
			return Effects{}
		}
	}
	if effects.Empty() {
		d.Fail(refuse(token.NotCanonical, "effects", "none are written as an empty list"))
	}
	return effects
}

// decodeEffect reads one token that was made.
func decodeEffect(d *token.Decoder) (e Effect) {
	items := d.Array("effects.made", 3, 4)
	d.Fixed("effects.wallet", e.Wallet[:])
	e.Amount = money.Tiyn(d.Uint("effects.amount", 1<<63-1))
	e.Purpose = uint32(d.Uint("effects.purpose", 1<<32-1))
	if items == 4 {
		d.Fixed("effects.for", e.For[:])
		if d.Err() == nil && e.For == (token.WalletID{}) {
			d.Fail(refuse(token.NotCanonical, "effects.for", "nobody is written by leaving it out"))
		}
	}
	return e
}

// suspenseDomain derives the ids of suspense wallets.
const suspenseDomain = "aqsha suspense v1\x00"

// SuspenseOf is the wallet at an intermediary, or at the authority, that under rules version 1 receives in place of all
// its closed wallets. The rules open it when it is first needed, without a key. See token.HeldFor for what came after.
func SuspenseOf(registrar token.WalletID) token.WalletID {
	var preimage [len(suspenseDomain) + 16]byte
	copy(preimage[copy(preimage[:], suspenseDomain):], registrar[:])
	digest := sha256.Sum256(preimage[:])
	return token.WalletID(digest[:16])
}

// receiver is where money for a wallet goes that the rules pay: to the wallet, frozen or not; or, when it is closed, to
// the wallet that holds it for its last key, under rules version 1 to its registrar's suspense wallet.
func (x *Executor) receiver(id token.WalletID) (to, instead token.WalletID) {
	if _, ok := x.state.Wallet(id); ok {
		return id, token.WalletID{}
	}
	if x.rulesVersion >= 2 {
		return token.HeldFor(id), id
	}
	closed, _ := x.state.Closed(id)
	return SuspenseOf(closed.Registrar), id
}

// effect plans a token for a wallet.
func (x *Executor) effect(id token.WalletID, amount money.Tiyn, purpose uint32, hops uint16) {
	if amount == 0 {
		return
	}
	to, instead := x.receiver(id)
	x.effects.Made = append(x.effects.Made, Effect{to, amount, purpose, instead})
	x.effectHops = append(x.effectHops, hops)
}

// enactEffects makes the planned tokens, under the ids of an entry. Wallets gain; one that is to hold money for another
// and does not exist is opened. Numbers follow the order of Effects.Made.
func (x *Executor) enactEffects(of token.TransactionID) {
	for i, e := range x.effects.Made {
		w, ok := x.state.Wallet(e.Wallet)
		if !ok {
			w = x.holder(e.For)
		}
		w.Balance += e.Amount
		w.Tokens++
		x.state.PutWallet(e.Wallet, w)
		x.state.AddToken(token.OutputID(of, i), Token{e.Wallet, token.PurposeAsset(e.Purpose), e.Amount,
			x.effectHops[i]})
	}
}

// holder is a new wallet that holds money for another, which is live or closed. It has that one's tier, so that the
// closed wallet's owner pays from it within its limits.
func (x *Executor) holder(of token.WalletID) Wallet {
	closed, _ := x.state.Closed(of)
	if x.rulesVersion < 2 {
		return Wallet{Registrar: closed.Registrar, Version: 1, Treasury: true}
	}
	if w, ok := x.state.Wallet(of); ok {
		closed.Registrar, closed.Tier = w.Registrar, w.Tier
	}
	return Wallet{Registrar: closed.Registrar, Version: 1, Tier: closed.Tier, Held: true}
}

// spend ends a token without its owner's signature: a contract's, or one that returns.
func (x *Executor) spend(id token.ID, t Token) {
	x.effects.Spent = append(x.effects.Spent, id)
	x.state.RemoveToken(id)
	w, _ := x.state.Wallet(t.Wallet)
	w.Balance -= t.Amount
	w.Tokens--
	x.state.PutWallet(t.Wallet, w)
}

// became counts money that goes over from one mark to another.
func (x *Executor) became(from, to uint32, amount money.Tiyn) {
	if from == to {
		return
	}
	if p := x.state.Purpose(from); p != nil {
		p.Left += amount
		x.touched(from)
	}
	if p := x.state.Purpose(to); p != nil {
		p.Entered += amount // the ledger checks that the sum fits before it pays
		x.touched(to)
	}
}

// touched remembers that a purpose's money is counted at the end of the block.
func (x *Executor) touched(number uint32) {
	for _, n := range x.earmarks {
		if n == number {
			return
		}
	}
	x.earmarks = append(x.earmarks, number)
}
