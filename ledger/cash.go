package ledger

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Of banknotes the ledger knows which keysets a cash office signs with, which wallet backs them, and where the office's
// public log stands. Since rules version 5. The reserve is a wallet like any for whoever pays into it; out of it pays
// the office's key alone, within the policy's cap of a day, each payment naming what it pays; it has no tier's limits,
// is neither frozen nor seized, and only the issue set, after the re-key delay, gives it another key or closes it.
// While that waits nothing is paid from it: that is how a stolen office key is stopped.

// Bounds of what the authority's record says of banknotes.
const (
	MaxReserves = 16
	MaxKeysets  = 64 // of one reserve that have not expired
)

// stampEvery is the least time between two states of one cash log: they cost the office nothing.
const stampEvery = 60_000

// CashReserve is a wallet that backs banknotes, and what is announced of them.
type CashReserve struct {
	Wallet token.WalletID `json:"wallet"`
	Origin string         `json:"origin"`  // of the office's public log
	LogKey string         `json:"log_key"` // verifier key of its checkpoints
	// in the order in which they were announced; those that expired are dropped for new ones
	Keysets []CashKeyset `json:"keysets"`
	Stamp   CashStamp    `json:"stamp,omitzero"`
}

// CashKeyset is an announced keyset.
type CashKeyset struct {
	Keyset      token.KeysetID      `json:"keyset"`
	Transaction token.TransactionID `json:"transaction"` // that announces it
	Until       uint64              `json:"until"`
	Expiry      uint64              `json:"expiry"`
}

// CashStamp is the last state of an office's log that was entered.
type CashStamp struct {
	Size   uint64     `json:"size"`
	Root   token.Hash `json:"root"`
	Millis uint64     `json:"millis"` // of the block
}

// Reserve finds a reserve by its wallet, or nil.
func (a *Authority) Reserve(id token.WalletID) *CashReserve {
	for i := range a.Reserves {
		if a.Reserves[i].Wallet == id {
			return &a.Reserves[i]
		}
	}
	return nil
}

// changeReserve is Reserve for a change: what was read of the record before keeps what it said.
func (a *Authority) changeReserve(id token.WalletID) *CashReserve {
	a.Reserves = slices.Clone(a.Reserves)
	return a.Reserve(id)
}

// reserves is what all reserves hold together, for the leaf.
func (x *Executor) reserves() (sum money.Tiyn) {
	for i := range x.state.Authority().Reserves {
		w, _ := x.state.Wallet(x.state.Authority().Reserves[i].Wallet)
		sum += w.Balance // at most what circulates
	}
	return sum
}

// announceKeyset enters a keyset of a reserve; the zero reserve opens one, whose id is the transaction's registered id.
// Until and Expiry are in Unix seconds, as in the keysets themselves; a block's time is in milliseconds.
func (x *Executor) announceKeyset(id token.TransactionID, t *token.AnnounceKeyset) *token.Error {
	a := x.state.Authority()
	set := a.Set(token.RoleIssue)
	if err := sequence(set.Sequence, t.Sequence); err != nil {
		return err
	}
	if x.now >= t.Until*1000 {
		return refuse(Expired, "until", "the keyset would sign nothing any more")
	}
	// Of all reserves, not of this one alone: a keyset that two reserves backed would let one banknote be redeemed
	// from either.
	for i := range a.Reserves {
		if slices.ContainsFunc(a.Reserves[i].Keysets, func(k CashKeyset) bool { return k.Keyset == t.Keyset }) {
			return refuse(Duplicate, "keyset", "keyset %s is announced already", t.Keyset)
		}
	}
	keyset := CashKeyset{Keyset: t.Keyset, Transaction: id, Until: t.Until, Expiry: t.Expiry}
	if t.Reserve == (token.WalletID{}) {
		return x.openReserve(token.RegisteredID(id), t, keyset)
	}
	reserve := a.Reserve(t.Reserve)
	switch {
	case reserve == nil:
		return refuse(NoReserve, "reserve", "%s backs no banknotes", t.Reserve)
	case reserve.Origin != t.Origin || reserve.LogKey != t.LogKey:
		return refuse(OtherLog, "origin", "reserve %s is of the cash log %s with the key %s", t.Reserve, reserve.Origin,
			reserve.LogKey)
	}
	// What has expired makes room only here, by a transaction: the state changes with entries of the log and never by
	// the passing of time. A clone, as in changeReserve.
	kept := slices.DeleteFunc(slices.Clone(reserve.Keysets), func(k CashKeyset) bool { return x.now >= k.Expiry*1000 })
	if len(kept) >= MaxKeysets {
		return refuse(token.TooMany, "keyset", "reserve %s has %d keysets that have not expired, the most", t.Reserve,
			len(kept))
	}
	set.Sequence++
	a.changeReserve(t.Reserve).Keysets = append(kept, keyset)
	return nil
}

// openReserve opens the wallet that backs an office's notes, with its first keyset.
func (x *Executor) openReserve(id token.WalletID, t *token.AnnounceKeyset, keyset CashKeyset) *token.Error {
	a := x.state.Authority()
	if len(a.Reserves) >= MaxReserves {
		return refuse(token.TooMany, "reserve", "%d reserves stand, the most", MaxReserves)
	}
	if _, exists := x.state.Wallet(id); exists || id == token.Authority {
		return refuse(Duplicate, "", "wallet %s exists", id)
	}
	a.Set(token.RoleIssue).Sequence++
	a.Reserves = append(slices.Clip(a.Reserves), CashReserve{Wallet: id, Origin: t.Origin, LogKey: t.LogKey,
		Keysets: []CashKeyset{keyset}})
	x.state.PutWallet(id, Wallet{Registrar: token.Authority, Key: t.Key, Version: 1})
	return nil
}

// stampCash enters where an office's log stands. A log only grows, so what is signed once is entered once.
func (x *Executor) stampCash(t *token.StampCash) *token.Error {
	reserve := x.state.Authority().Reserve(t.Reserve)
	if reserve == nil {
		return refuse(NoReserve, "reserve", "%s backs no banknotes", t.Reserve)
	}
	if w, _ := x.state.Wallet(t.Reserve); w.Rekeying {
		return refuse(RekeyPending, "reserve", "reserve %s waits for a new key, or to be closed", t.Reserve)
	}
	switch last := &reserve.Stamp; {
	case t.Size <= last.Size:
		return refuse(StaleVersion, "size", "%d entries; a state of %d was entered", t.Size, last.Size)
	case last.Size > 0 && x.now < last.Millis+stampEvery:
		return refuse(EarlyStamp, "reserve", "the last state was entered %d s ago; %d s lie between two",
			(x.now-last.Millis)/1000, stampEvery/1000)
	}
	x.state.Authority().changeReserve(t.Reserve).Stamp = CashStamp{Size: t.Size, Root: t.Root, Millis: x.now}
	return nil
}

// notReserve refuses what is not for a reserve.
func (x *Executor) notReserve(id token.WalletID, field string) *token.Error {
	if x.state.Authority().Reserve(id) == nil {
		return nil
	}
	return refuse(OfReserve, field, "%s backs banknotes; only the issue set changes it, and only plain transfers pay "+
		"to it and from it", id)
}

// byIssue checks that a reserve is changed by the issue set, and nothing else by it.
func (x *Executor) byIssue(id token.WalletID, by token.Role) *token.Error {
	switch reserve := x.state.Authority().Reserve(id); {
	case reserve != nil && by != token.RoleIssue:
		return refuse(OfReserve, "by", "%s backs banknotes; only the issue set changes it, after the delay", id)
	case reserve == nil && by == token.RoleIssue:
		return refuse(NoReserve, "by", "the issue set changes wallets that back banknotes; %s backs none", id)
	}
	return nil
}

// CashMemo is how a reserve's payment names what it pays: "cash redeemed", "cash returned" or "cash expired", the
// redemption's reference in 32 hexadecimal digits, and after a space what the payee is to read.
func CashMemo(memo token.Memo) (what, reference string, ok bool) {
	word, rest, _ := strings.Cut(memo.Text(), " ")
	what, rest, _ = strings.Cut(rest, " ")
	reference, _, _ = strings.Cut(rest, " ")
	if word != "cash" || what != "redeemed" && what != "returned" && what != "expired" {
		return "", "", false
	}
	if raw, err := hex.DecodeString(reference); err != nil || len(raw) != 16 ||
		strings.ToLower(reference) != reference {
		return "", "", false
	}
	return what, reference, true
}

// paysForCash checks a transfer out of a reserve: the office's key pays alone, and names what it pays, unless it pays
// itself.
func (x *Executor) paysForCash(t *token.Transfer) *token.Error {
	a := x.state.Authority()
	if len(a.Reserves) == 0 {
		return nil
	}
	for payer := range t.Payers {
		if a.Reserve(t.Parties[payer]) == nil {
			continue
		}
		if t.Payers != 1 {
			return refuse(OfReserve, "parties", "%s backs banknotes; it pays alone", t.Parties[payer])
		}
		if _, _, named := CashMemo(t.Memo); len(t.Parties) > 1 && !named {
			return refuse(UnnamedPayment, "memo", "a reserve's payment names its redemption: cash redeemed, returned "+
				"or expired, and 32 hexadecimal digits")
		}
	}
	return nil
}

// checkReserve is checkLimit for a reserve: what its key pays in a day, and what it may hold.
func (x *Executor) checkReserve(policy *token.Policy, w *Wallet, net money.Tiyn, today uint32) *token.Error {
	most := policy.ReserveDay()
	paid, _ := w.paidOn(today)
	switch {
	case net < 0 && (paid > most || -net > most-paid):
		return refuse(LimitDay, "outputs.amount", "%s tenge after %s today; a cash office's key pays at most %s a "+
			"day, more waits for the issue set", -net, paid, most)
	case net > 0 && policy.MaxReserve != 0 && (w.Balance > policy.MaxReserve || net > policy.MaxReserve-w.Balance):
		return refuse(LimitBalance, "outputs.amount",
			"%s tenge; the policy lets banknotes for %s circulate, and %s are backed", net, policy.MaxReserve,
			w.Balance)
	}
	return nil
}

// cashKnown checks that a policy speaks of banknotes only where the rules know them.
func cashKnown(rules uint32, field string, policy *token.Policy) *token.Error {
	if policy.Cash() && rules < sharedRoom {
		return refuse(LaterRules, field, "banknotes exist from rules version %d on; this network follows %d",
			sharedRoom, rules)
	}
	return nil
}

// dropReserve forgets a reserve whose wallet closes.
func (a *Authority) dropReserve(id token.WalletID) {
	if a.Reserve(id) != nil {
		a.Reserves = slices.DeleteFunc(slices.Clone(a.Reserves), func(r CashReserve) bool { return r.Wallet == id })
	}
}
