package ledger

import (
	"bytes"
	"slices"

	"github.com/aqsha/aqsha/token"
)

// MaxProposals bounds how many changes may wait at once. Each set has a quarter: whoever has stolen
// one cannot fill the list and keep root from replacing its keys.
const (
	MaxProposals    = 64
	proposalsPerSet = MaxProposals / 4
)

// policySequence checks and returns the set whose sequence most decisions name.
func (x *Executor) policySequence(named uint64) (*Set, *token.Error) {
	set := x.state.Authority().Set(token.RolePolicy)
	return set, sequence(set.Sequence, named)
}

// admit adds an intermediary. Its treasury is the wallet with the same id, so that one id names both and neither can be
// there without the other.
func (x *Executor) admit(id token.TransactionID, t *token.Admit) *token.Error {
	set, err := x.policySequence(t.Sequence)
	if err != nil {
		return err
	}
	intermediary := token.RegisteredID(id)
	_, exists := x.state.Intermediary(intermediary)
	if _, wallet := x.state.Wallet(intermediary); exists || wallet || intermediary == token.Authority {
		return refuse(Duplicate, "", "id %s exists", intermediary)
	}
	set.Sequence++
	x.state.PutIntermediary(intermediary, Intermediary{Name: t.Name, Keys: t.Keys, SinceMillis: x.now, Sequence: 1})
	x.state.PutWallet(intermediary, Wallet{Registrar: intermediary, Key: t.Treasury, Version: 1, Treasury: true})
	return nil
}

// policyOn is what a decision of the policy set about an intermediary begins with.
func (x *Executor) policyOn(id token.WalletID, named uint64) (*Set, Intermediary, *token.Error) {
	set, err := x.policySequence(named)
	if err != nil {
		return nil, Intermediary{}, err
	}
	intermediary, ok := x.state.Intermediary(id)
	if !ok {
		return nil, Intermediary{}, refuse(UnknownIntermediary, "intermediary", "no intermediary %s", id)
	}
	return set, intermediary, nil
}

// suspend stops an intermediary, or lets it go on. A suspended one registers nothing and asks for no change of a
// wallet, and its treasury pays nothing (see active and mayPay); its customers' wallets pay and are paid as before,
// until move hands them to another.
func (x *Executor) suspend(t *token.Suspend) *token.Error {
	set, intermediary, err := x.policyOn(t.Intermediary, t.Sequence)
	if err != nil {
		return err
	}
	if intermediary.Suspended == t.Suspended {
		return refuse(NotSuspended, "suspended", "it is so already")
	}
	set.Sequence++
	intermediary.Suspended = t.Suspended
	x.state.PutIntermediary(t.Intermediary, intermediary)
	return nil
}

// renew gives an intermediary other keys at once. Its sequence stays: what the old keys signed and was not executed yet
// is refused for its signatures, not repeated.
func (x *Executor) renew(t *token.RenewIntermediary) *token.Error {
	set, intermediary, err := x.policyOn(t.Intermediary, t.Sequence)
	if err != nil {
		return err
	}
	set.Sequence++
	intermediary.SinceMillis = since(intermediary.Keys, t.Keys, intermediary.SinceMillis, x.now)
	intermediary.Keys = t.Keys
	x.state.PutIntermediary(t.Intermediary, intermediary)
	return nil
}

// move hands wallets of a suspended intermediary to another: all of those named, or none.
func (x *Executor) move(t *token.Move) *token.Error {
	set, err := x.policySequence(t.Sequence)
	if err != nil {
		return err
	}
	if err := x.active(t.To, "to"); err != nil {
		return err
	}
	from, ok := x.state.Intermediary(t.From)
	if !ok {
		return refuse(UnknownIntermediary, "from", "no intermediary %s", t.From)
	}
	if !from.Suspended {
		return refuse(NotSuspended, "from", "wallets are moved from a suspended intermediary")
	}
	wallets := make([]Wallet, len(t.Wallets))
	for i, id := range t.Wallets {
		w, ok := x.state.Wallet(id)
		switch {
		case !ok:
			return refuse(UnknownWallet, "wallets", "no wallet %s", id)
		case w.Treasury && id == t.From: // a suspense wallet moves with those it stands in for
			return refuse(Treasury, "wallets", "a treasury is not moved")
		case w.Registrar != t.From:
			return refuse(WrongOwner, "wallets", "wallet %s is not registered by %s", id, t.From)
		}
		w.Registrar = t.To
		wallets[i] = w
	}
	set.Sequence++
	for i, id := range t.Wallets {
		x.dropKey(id, wallets[i]) // what the failed intermediary asked for does not outlast it
	}
	return nil
}

// setPolicy puts a policy in force at once. What would take away time or a limit that protects others is refused here
// with needs-proposal: it comes by propose, which waits and can be vetoed.
func (x *Executor) setPolicy(t *token.SetPolicy) *token.Error {
	set, err := x.policySequence(t.Sequence)
	if err != nil {
		return err
	}
	a := x.state.Authority()
	// A wallet names its tier by its place in the list: a shorter list would leave wallets with a tier that is not
	// there, and what has no tier can neither pay nor be paid.
	if len(t.Policy.Tiers) < len(a.Policy.Tiers) {
		return refuse(UnknownTier, "policy.tiers", "tiers in use cannot be dropped: %d, had %d", len(t.Policy.Tiers),
			len(a.Policy.Tiers))
	}
	if err := sharesKnown(x.rulesVersion, "policy", &t.Policy); err != nil {
		return err
	}
	if err := cashKnown(x.rulesVersion, "policy", &t.Policy); err != nil {
		return err
	}
	// The limit of a day is all that bounds what a thief of the reserve's key takes before it is noticed, so it rises
	// only by the way that waits and can be vetoed; it falls at once.
	if len(a.Reserves) > 0 && t.Policy.ReserveDay() > a.Policy.ReserveDay() {
		return refuse(NeedsProposal, "policy.reserve_day_most",
			"%s tenge a day is more than the present %s, and the limit of a stolen office key: propose the policy; "+
				"it waits, and root can veto it",
			t.Policy.ReserveDay(), a.Policy.ReserveDay())
	}
	if err := weakens(&a.Policy, &t.Policy); err != nil {
		if err := x.from(2, err); err != nil {
			return err
		}
	}
	set.Sequence++
	a.Policy = t.Policy
	return nil
}

// weakens says whether a new policy takes away, at once, the time that others have to stop something: to cancel a
// bank's re-key or closing; or whether it moves the day, so that a second one's cap and limits begin. That is proposed.
func weakens(old, policy *token.Policy) *token.Error {
	switch {
	case policy.RekeyDelayMillis < old.RekeyDelayMillis:
		return refuse(NeedsProposal, "policy.rekey_delay_millis",
			"%d ms is shorter than the present %d: propose the policy; it waits, and root can veto it",
			policy.RekeyDelayMillis, old.RekeyDelayMillis)
	case policy.DayOffsetMillis != old.DayOffsetMillis:
		return refuse(NeedsProposal, "policy.day_offset_millis",
			"another day begins other limits and another cap: propose the policy; it waits, and root can veto it")
	}
	return nil
}

// propose enters a change that takes effect Authority.DelayMillis after this block unless root vetoes it. Its effect
// comes by applyDue, in a system entry of its own.
func (x *Executor) propose(id token.TransactionID, t *token.Propose) *token.Error {
	a := x.state.Authority()
	set := a.Set(t.By)
	if err := sequence(set.Sequence, t.Sequence); err != nil {
		return err
	}
	// Versions only rise, and an upgrade that waits counts as in force: two proposals cannot be made to pass each
	// other, and no block is ever judged by a lower version than the one before it.
	if rules := max(a.Rules, a.Upgrade.Rules); t.Change.Rules != 0 && t.Change.Rules <= rules {
		return refuse(StaleVersion, "change.rules", "version %d is in force, or about to be", rules)
	}
	if p := t.Change.Policy; p != nil && x.rulesVersion < 2 {
		return refuse(LaterRules, "change.policy", "a policy is proposed from rules version 2 on")
	} else if p != nil && len(p.Tiers) < len(a.Policy.Tiers) {
		return refuse(UnknownTier, "change.policy.tiers", "tiers in use cannot be dropped: %d, had %d", len(p.Tiers),
			len(a.Policy.Tiers))
	} else if p != nil {
		if err := sharesKnown(x.rulesVersion, "change.policy", p); err != nil {
			return err
		}
		if err := cashKnown(x.rulesVersion, "change.policy", p); err != nil {
			return err
		}
	}
	// Root vetoes one proposal by one transaction. The bound keeps a stolen set from burying the one it wants under
	// more than root can veto within the delay, and the snapshot's size from being an attacker's choice.
	waiting := 0
	for _, p := range a.Proposals {
		if p.By == t.By {
			waiting++
		}
	}
	if waiting >= proposalsPerSet {
		return refuse(TooManyProposals, "by", "%d by %s wait already", waiting, t.By)
	}
	set.Sequence++
	proposal := Proposal{ID: id, By: t.By, DueMillis: x.now + a.DelayMillis, Change: t.Change}
	// Kept in the order (due, id), in which applyDue takes from the front and a snapshot writes them.
	at, _ := slices.BinarySearchFunc(a.Proposals, proposal, byDue)
	a.Proposals = slices.Insert(a.Proposals, at, proposal)
	return nil
}

// byDue orders proposals by (due, id): the id breaks ties, so that every node applies those of one block in one order.
func byDue(a, b Proposal) int {
	switch {
	case a.DueMillis < b.DueMillis:
		return -1
	case a.DueMillis > b.DueMillis:
		return 1
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}

// veto drops a proposal that waits. Only root can, also what it proposed itself; the proposer is not asked.
func (x *Executor) veto(t *token.Veto) *token.Error {
	a := x.state.Authority()
	root := a.Set(token.RoleRoot)
	if err := sequence(root.Sequence, t.Sequence); err != nil {
		return err
	}
	at := slices.IndexFunc(a.Proposals, func(p Proposal) bool { return p.ID == t.Proposal })
	if at < 0 {
		return refuse(UnknownProposal, "proposal", "no proposal %s waits", t.Proposal)
	}
	root.Sequence++
	a.Proposals = slices.Delete(a.Proposals, at, at+1)
	return nil
}
