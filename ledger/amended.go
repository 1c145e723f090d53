package ledger

import (
	"slices"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// An agency may amend a purpose that says so, with the notice that it promises. The amendment is a purpose of the same
// name under a number of its own, and amends for new money: from its first moment on plain tenge is marked with it.
// Money that carries the older mark keeps the rule under which it was marked, to the last word, and beside it may do
// what an amendment permits, from when that begins. So it gains and never loses, whatever an amendment says, and nobody
// has to prove that one rule is milder than another.

// MaxAmendments bounds how often a purpose is amended: a payment of its oldest money may have to ask as many rules.
const MaxAmendments = 8

// anyEarmark is what a contract wants that its payout becomes: what the first rule that permits it says.
const anyEarmark = token.BecomesSame

// mayAmend checks what came to purposes with rules version 3.
func (x *Executor) mayAmend(t *token.RegisterPurpose) *token.Error {
	p := &t.Purpose
	if x.rulesVersion < 3 && (p.Amends != 0 || p.NoticeMillis != 0) {
		return refuse(LaterRules, "purpose.notice",
			"purposes are amended from rules version 3 on; this network follows %d", x.rulesVersion)
	}
	if p.Amends == 0 {
		return nil
	}
	old := x.state.Purpose(p.Amends)
	if old == nil {
		return refuse(UnknownPurpose, "purpose.amends", "no purpose %d", p.Amends)
	}
	first, amendments := old, 1
	for ; first.Amends != 0; first = x.state.Purpose(first.Amends) {
		amendments++
	}
	switch {
	case old.Agency != t.Agency:
		return refuse(NotAuthorised, "purpose.amends", "purpose %d is another agency's", p.Amends)
	case old.NoticeMillis == 0:
		return refuse(NotAmendable, "purpose.amends", "purpose %d promises no notice of amendments: it never changes",
			p.Amends)
	case first.UntilMillis <= x.now: // the first lasts as long as any that amends it
		return refuse(contract.PurposeExpired, "purpose.amends", "purpose %d ended at %s", p.Amends,
			contract.Moment(int64(first.UntilMillis)))
	case old.AmendedBy != 0:
		return refuse(Amended, "purpose.amends", "purpose %d is amended by %d already: amend that", p.Amends,
			old.AmendedBy)
	case old.Name != p.Name:
		return refuse(NotAmendable, "purpose.name", "an amendment bears the name of what it amends, %q", old.Name)
	case old.OwnLimits != p.OwnLimits:
		return refuse(NotAmendable, "purpose.own_limits", "whether money counts to its holders' limits is not amended")
	case p.FromMillis < x.now+old.NoticeMillis:
		return refuse(ShortNotice, "purpose.from", "it begins at %s; purpose %d promises a notice of %s, until %s",
			contract.Moment(int64(p.FromMillis)), p.Amends, contract.Period(old.NoticeMillis),
			contract.Moment(int64(x.now+old.NoticeMillis)))
	case amendments > MaxAmendments:
		return refuse(token.TooMany, "purpose.amends", "a purpose is amended %d times at most: register another",
			MaxAmendments)
	}
	return nil
}

// inForce checks that new money is marked with a purpose now: not yet with an amendment before its first moment, and
// not any more with what is amended.
func (x *Executor) inForce(number uint32) *token.Error {
	p := x.state.Purpose(number)
	if p.Amends != 0 && x.now < p.FromMillis {
		return refuse(contract.PurposeNotBegun, "outputs", "purpose %d amends %d from %s on", number, p.Amends,
			contract.Moment(int64(p.FromMillis)))
	}
	if next := x.state.Purpose(p.AmendedBy); next != nil && x.now >= next.FromMillis {
		return refuse(Amended, "outputs", "since %s money for %q is marked with purpose %d, which amends %d",
			contract.Moment(int64(next.FromMillis)), p.Name, p.AmendedBy, number)
	}
	return nil
}

// permitted asks the rule of some money, and then those that amend it: the first that permits the payment decides what
// the money becomes, or a later one where that gives what the payer has signed. What its own rule says is the refusal.
// bounded says that what is paid at once is to be booked. It asks at most MaxAmendments+1 rules. The order, from the
// money's own rule to the newest, is part of the rules of the ledger: with another one a payment would become other
// money.
func (x *Executor) permitted(from, wanted uint32,
	payment *contract.Payment) (after uint32, bounded bool, refusal *token.Error) {
	found := false
	for number := from; number != 0; number = x.state.Purpose(number).AmendedBy {
		r, err := x.rule(number)
		if err != nil {
			return 0, false, err
		}
		bounded = bounded || r.Purpose.MaxPayment != 0
		next, err := x.permits(r, from, payment)
		switch {
		case err != nil:
			if refusal == nil {
				refusal = err
			}
		case !found || next == wanted:
			after, found = next, true
		}
		if found && (after == wanted || wanted == anyEarmark) {
			break
		}
	}
	if found {
		refusal = nil
	}
	return after, bounded || x.state.Purpose(from).AmendedBy != 0, refusal
}

// admits checks that contracts of a definition may hold a purpose's money: by its own rule, or one that amends it and
// has begun.
func (x *Executor) admits(number uint32, definition token.Hash) *token.Error {
	p := x.state.Purpose(number)
	if p == nil {
		return refuse(UnknownPurpose, "outputs", "no purpose %d", number)
	}
	for n := number; n != 0; n = x.state.Purpose(n).AmendedBy {
		amending := x.state.Purpose(n)
		if slices.Contains(amending.Contracts, definition) && (n == number || x.now >= amending.FromMillis) {
			return nil
		}
	}
	return refuse(NotAdmitted, "assets", "money for %q may not be held by contracts of definition %s", p.Name,
		definition)
}
