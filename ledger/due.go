package ledger

import (
	"slices"

	"github.com/aqsha/aqsha/token"
)

// applyDue applies what falls due at the block's time, in order: proposals first, so that a new policy governs what
// follows, then re-keys and closings by (due, wallet), ends of contracts by (end, id), and money whose purpose has
// ended by (end, id). At most MaxSystemPerBlock in a block, of the last two MaxPaidPerBlock; the rest waits for the
// next. It goes by the time of the block and the state alone. Replay calls it with the same two and must come to the
// very entries that stand in the log, so its order and its bounds are rules: they change with a version only.
func (x *Executor) applyDue() []System {
	var applied []System
	a := x.state.Authority()
	for len(a.Proposals) > 0 && a.Proposals[0].DueMillis <= x.now && len(applied) < MaxSystemPerBlock {
		p := a.Proposals[0]
		a.Proposals = a.Proposals[1:]
		a.enact(p.Change, x.now, x.height)
		applied = append(applied, System{Kind: SystemProposal, Proposal: p.ID})
	}
	for len(applied) < MaxSystemPerBlock {
		id, due, found := x.state.NextRekey()
		if !found || due > x.now {
			break
		}
		applied = append(applied, x.rekeyDue(id))
	}
	// Ends and returns pay out: each makes tokens and effects, which cost many times what a new key does. With fewer
	// of them a block's work stays bounded, and one that puts thousands of ends at one instant delays ends alone.
	most := min(MaxSystemPerBlock, len(applied)+MaxPaidPerBlock)
	for len(applied) < most {
		c := x.state.NextEnd()
		if c == nil || c.EndsMillis > x.now {
			break
		}
		applied = append(applied, x.end(c))
	}
	for len(applied) < most {
		id, found := x.state.NextExpired(x.now)
		if !found {
			break
		}
		applied = append(applied, x.expire(id))
	}
	return applied
}

// rekeyDue gives a wallet its new key, closes it, or lets that lapse: who was suspended meanwhile, perhaps for this
// very theft, takes no wallets any more; and what has become of a wallet that it may not be closed keeps it open.
func (x *Executor) rekeyDue(id token.WalletID) System {
	w, _ := x.state.Wallet(id)
	detail := x.state.Detail(id)
	lapses := x.active(w.Registrar, "") != nil || (x.rulesVersion >= 2 && x.suspense(id, &w))
	closes := detail.Rekey.Closes()
	if closes {
		lapses = lapses || x.closable(id, &w) != nil || x.state.Named(id)
	}
	switch {
	case lapses:
		x.dropKey(id, w)
		return System{Kind: SystemRekeyDropped, Wallet: id}
	case closes:
		x.endWallet(id, w)
		return System{Kind: SystemClose, Wallet: id}
	}
	x.giveKey(id, w, detail, detail.Rekey)
	return System{Kind: SystemRekey, Wallet: id}
}

// enact makes a proposed change the law, at a block's time and height.
func (a *Authority) enact(c token.Change, now, height uint64) {
	switch {
	case c.Rules != 0:
		a.upgrade(c, height)
	case c.Policy != nil:
		tiers := a.Policy.Tiers
		a.Policy = *c.Policy
		if kept := len(c.Policy.Tiers); kept < len(tiers) { // wallets may be in tiers that came since
			a.Policy.Tiers = append(slices.Clone(c.Policy.Tiers), tiers[kept:]...)
		}
	case c.Keys != nil:
		set := a.Set(c.Set)
		set.SinceMillis = since(set.KeySet, *c.Keys, set.SinceMillis, now)
		set.KeySet = *c.Keys
	case c.DailyCap != 0:
		a.DailyCap = c.DailyCap
	default:
		a.DelayMillis = c.DelayMillis
	}
}
