package ledger

import "github.com/aqsha/aqsha/token"

// applyDue applies what falls due at the block's time, in order: proposals first, so that a new
// policy governs what follows, then re-keys by (due, wallet), ends of contracts by (end, id), and money
// whose purpose has ended by (end, id). At most MaxSystemPerBlock in a block, of the last two MaxPaidPerBlock;
// the rest waits for the next.
func (x *Executor) applyDue() []System {
	var applied []System
	a := x.state.Authority()
	for len(a.Proposals) > 0 && a.Proposals[0].DueMillis <= x.now && len(applied) < MaxSystemPerBlock {
		p := a.Proposals[0]
		a.Proposals = a.Proposals[1:]
		a.enact(p.Change, x.now)
		applied = append(applied, System{Kind: SystemProposal, Proposal: p.ID})
	}
	for len(applied) < MaxSystemPerBlock {
		id, due, found := x.state.NextRekey()
		if !found || due > x.now {
			break
		}
		w, _ := x.state.Wallet(id)
		if x.active(w.Registrar, "") != nil {
			// Who was suspended meanwhile, perhaps for this very theft, takes no wallets any more.
			x.dropKey(id, w)
			applied = append(applied, System{Kind: SystemRekeyDropped, Wallet: id})
			continue
		}
		detail := x.state.Detail(id)
		x.giveKey(id, w, detail, detail.Rekey)
		applied = append(applied, System{Kind: SystemRekey, Wallet: id})
	}
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

// enact makes a proposed change the law, at a block's time.
func (a *Authority) enact(c token.Change, now uint64) {
	switch {
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
