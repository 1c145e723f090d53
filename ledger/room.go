package ledger

import (
	"slices"

	"github.com/aqsha/aqsha/token"
)

// To register a definition or a purpose costs its registrar nothing, so whatever all share can be filled by one. Since
// rules version 5 each has a share of its own (token.Policy), which the policy set raises, and there is no bound over
// all: how many there are is how many registrars and agencies the policy set has admitted. Room is freed by what
// nothing live names. It goes when its registrar's share is full and it is wanted, not before, so that what is merely
// not used now stays. A purpose's number is never given twice; a definition is the hash of its bytes, and whoever wants
// it again registers it again.

// sharedRoom is the first version of the rules with shares.
const sharedRoom = 5

// MaxPerBlock bounds how many definitions a registrar, and purposes an agency, registers in a block. It bounds what one
// of them can add to a block's time by compiling and looking for room.
const MaxPerBlock = 64

// perBlock checks how often somebody has registered in the block.
func (x *Executor) perBlock(who token.WalletID, field string) *token.Error {
	if x.registered[who] >= MaxPerBlock {
		return refuse(token.TooMany, field, "%s has registered %d in this block, the most: send it again for the next",
			who, MaxPerBlock)
	}
	return nil
}

// roomForDefinition finds which of a registrar's definitions makes room for another: none while its share is not full,
// otherwise the oldest of which there is no live contract and which no purpose that has not ended admits.
func (x *Executor) roomForDefinition(registrar token.WalletID) (drop token.Hash, full bool, refusal *token.Error) {
	if x.rulesVersion < sharedRoom {
		return drop, false, nil
	}
	if err := x.perBlock(registrar, "definition"); err != nil {
		return drop, false, err
	}
	share, of := x.state.Authority().Policy.Definitions(), x.state.DefinitionsOf(registrar)
	if len(of) < share {
		return drop, false, nil
	}
	if len(of) == share {
		admitted := x.admitted()
		for _, id := range of {
			if x.state.Instances(id) == 0 && !admitted[id] {
				return id, true, nil
			}
		}
	}
	return drop, false, refuse(token.TooMany, "definition",
		"of %s stand %d definitions, its share is %d, and none makes room: each has a live contract or a purpose "+
			"that admits it", registrar, len(of), share)
}

// admitted are the definitions that purposes admit which have not ended.
func (x *Executor) admitted() map[token.Hash]bool {
	admitted := map[token.Hash]bool{}
	for _, number := range x.state.PurposeNumbers() {
		if p := x.state.Purpose(number); p.UntilMillis > x.now {
			for _, id := range p.Contracts {
				admitted[id] = true
			}
		}
	}
	return admitted
}

// roomForPurpose finds which of an agency's purposes make room for another: none while its share is not full, otherwise
// all that have ended and that nothing names: no money, no live contract, no purpose that stands, and not the new one.
func (x *Executor) roomForPurpose(t *token.RegisterPurpose) (drop []uint32, refusal *token.Error) {
	if x.rulesVersion < sharedRoom {
		if x.state.Purposes() >= MaxPurposes {
			return nil, refuse(token.TooMany, "purpose", "there are %d purposes", MaxPurposes)
		}
		return nil, nil
	}
	if err := x.perBlock(t.Agency, "purpose"); err != nil {
		return nil, err
	}
	if x.state.Purposes() >= token.BecomesSame-1 {
		return nil, refuse(token.TooMany, "purpose", "no number is left")
	}
	share, of := x.state.Authority().Policy.Purposes(), x.state.PurposesOf(t.Agency)
	if len(of) < share {
		return nil, nil
	}
	named := map[uint32]bool{}
	names := func(p *token.Purpose) {
		named[p.Amends] = true
		for _, permit := range p.Permits {
			named[permit.Becomes] = true
		}
	}
	names(&t.Purpose)
	for _, number := range slices.Backward(of) { // a purpose names only earlier ones, of its own agency
		p := x.state.Purpose(number)
		if p.UntilMillis > x.now || p.Live() != 0 || named[number] || x.state.Holding(number) {
			names(&p.Purpose)
			continue
		}
		drop = append(drop, number)
	}
	if len(of)-len(drop) >= share {
		return nil, refuse(token.TooMany, "purpose",
			"of %s stand %d purposes, its share is %d, and too few have ended", t.Agency, len(of)-len(drop), share)
	}
	return drop, nil
}

// dropPurposes forgets purposes that make room, the latest first.
func (x *Executor) dropPurposes(numbers []uint32) {
	for _, number := range numbers {
		x.state.RemovePurpose(number)
		x.rules.Delete(number)
	}
}

// sharesKnown checks that a policy names shares only where the rules know them.
func sharesKnown(rules uint32, field string, policy *token.Policy) *token.Error {
	if policy.Shares() && rules < sharedRoom {
		return refuse(LaterRules, field, "shares of definitions and purposes exist from rules version %d on; this "+
			"network follows %d", sharedRoom, rules)
	}
	return nil
}
