package ledger

import (
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// MaxPurposes bounds how many purposes there can be under rules before version 5.
const MaxPurposes = 1 << 20

// setAgency grants the role of an agency, or changes one. The agency's id is the hash of the transaction that made it.
// The sequence is the policy set's, so that the same change is not made twice.
func (x *Executor) setAgency(id token.TransactionID, t *token.SetAgency) *token.Error {
	set, err := x.policySequence(t.Sequence)
	if err != nil {
		return err
	}
	agency, isNew := t.Agency, t.Agency == token.WalletID{}
	if isNew {
		agency = token.RegisteredID(id)
	}
	a, exists := x.state.Agency(agency)
	switch {
	case isNew && exists:
		return refuse(Duplicate, "", "agency %s exists", agency)
	case !isNew && !exists:
		return refuse(UnknownAgency, "agency", "no agency %s", agency)
	case isNew:
		a.Sequence = 1
	}
	if err := x.agencyNamed(agency, t.Name); err != nil {
		return err
	}
	set.Sequence++
	a.SinceMillis = since(a.Keys, t.Keys, a.SinceMillis, x.now)
	a.Name, a.Keys, a.Suspended = t.Name, t.Keys, t.Suspended
	x.state.PutAgency(agency, a)
	return nil
}

// registerPurpose gives a purpose the next number, after checking its rules. A purpose names only purposes that are
// there already, of its own agency: so no circle of permits or amendments comes to be, and roomForPurpose finds in one
// pass from the newest to the oldest what nothing names.
func (x *Executor) registerPurpose(t *token.RegisterPurpose) *token.Error {
	agency, ok := x.state.Agency(t.Agency)
	switch {
	case !ok:
		return refuse(UnknownAgency, "agency", "no agency %s", t.Agency)
	case agency.Suspended:
		return refuse(Suspended, "agency", "agency %s is suspended", t.Agency)
	}
	drop, err := x.roomForPurpose(t)
	if err != nil {
		return err
	}
	if err := sequence(agency.Sequence, t.Sequence); err != nil {
		return err
	}
	if t.Purpose.UntilMillis <= x.now || t.Purpose.UntilMillis-x.now > contract.MaxLifeMillis {
		return refuse(token.OutOfRange, "purpose.until", "it ends before now, or in more than ten years")
	}
	if err := x.mayReceive(t.Purpose.Returns, "purpose.returns"); err != nil {
		return err
	}
	if err := x.mayAmend(t); err != nil {
		return err
	}
	if err := x.purposeNamed(t.Agency, t.Purpose.Name, t.Purpose.Amends); err != nil {
		return err
	}
	for _, permit := range t.Purpose.Permits {
		if permit.Becomes == 0 || permit.Becomes == token.BecomesSame {
			continue
		}
		other := x.state.Purpose(permit.Becomes)
		if other == nil {
			return refuse(UnknownPurpose, "purpose.permits.becomes", "no purpose %d yet", permit.Becomes)
		}
		if other.Agency != t.Agency {
			return refuse(NotAuthorised, "purpose.permits.becomes", "purpose %d is another agency's", permit.Becomes)
		}
	}
	rule, problems := contract.CompilePurposeUnder(x.rulesVersion, t.Purpose)
	if len(problems) > 0 {
		return problems.Refusal()
	}
	if later := rule.Later(); len(later) > 0 {
		if err := x.from(5, later.Refusal()); err != nil {
			return err
		}
	}
	agency.Sequence++
	x.state.PutAgency(t.Agency, agency)
	x.registered[t.Agency]++
	x.dropPurposes(drop)
	x.state.AddPurpose(Purpose{Agency: t.Agency, Purpose: t.Purpose})
	for n := t.Purpose.Amends; n != 0; n = x.state.Purpose(n).Amends {
		x.rules.Delete(n) // it may last longer now
	}
	return nil
}

// mayReceive checks that a wallet exists to which the rules may pay: not a contract's, nor one that holds for another.
func (x *Executor) mayReceive(id token.WalletID, field string) *token.Error {
	w, ok := x.state.Wallet(id)
	if !ok {
		return refuse(UnknownWallet, field, "no wallet %s", id)
	}
	if w.Contract {
		return refuse(OfContract, field, "%s is a contract's; money enters it by its actions", id)
	}
	if w.Held {
		return refuse(Held, field, "%s holds money for another wallet; the rules alone put it there", id)
	}
	return x.notReserve(id, field)
}
