package ledger

import (
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// agencyNamed checks the name of a new agency, or one that takes another name, since rules version 3. All agencies'
// names differ at a glance, so that AGENCY/PURPOSE means one purpose.
func (x *Executor) agencyNamed(id token.WalletID, name string) *token.Error {
	if x.rulesVersion < 3 {
		return nil
	}
	if old, exists := x.state.Agency(id); exists && old.Name == name {
		return nil // whatever it is called since before
	}
	if problem := contract.NameProblem(name); problem != "" {
		return refuse(BadName, "name", "%q: %s", name, problem)
	}
	skeleton := contract.Skeleton(name)
	for _, other := range x.state.Agencies() {
		if a, _ := x.state.Agency(other); other != id && contract.Skeleton(a.Name) == skeleton {
			return refuse(NameTaken, "name", "%q is agency %s, or looks like its name", a.Name, other)
		}
	}
	return nil
}

// purposeNamed checks a new purpose's name since rules version 3: of an agency's live purposes no two look alike. A
// name is free again when its purpose has ended: money for it is not spent any more. An amendment bears the name of
// what it amends.
func (x *Executor) purposeNamed(agency token.WalletID, name string, amends uint32) *token.Error {
	if x.rulesVersion < 3 {
		return nil
	}
	if problem := contract.NameProblem(name); problem != "" {
		return refuse(BadName, "purpose.name", "%q: %s", name, problem)
	}
	skeleton := contract.Skeleton(name)
	for _, number := range x.state.PurposesOf(agency) {
		p := x.state.Purpose(number)
		if amends != 0 && p.Name == name {
			continue // of those that it amends: their names were asked when the first was registered
		}
		if p.UntilMillis > x.now && contract.Skeleton(p.Name) == skeleton {
			return refuse(NameTaken, "purpose.name",
				"%q is purpose %d of this agency, or looks like its name, until %s", p.Name, number,
				contract.Moment(int64(p.UntilMillis)))
		}
	}
	return nil
}

// nameOf is what definitions call an asset: plain, or AGENCY/PURPOSE.
func (x *Executor) nameOf(number uint32) string {
	p := x.state.Purpose(number)
	if p == nil {
		return contract.Plain
	}
	agency, _ := x.state.Agency(p.Agency)
	return agency.Name + "/" + p.Name
}
