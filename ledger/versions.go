package ledger

import (
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// Versions of the rules. Every block says in its leaf by which it was made, and is read and judged by that one for
// ever; this package knows all from FirstRules to LatestRules. What a later version adds, a kind of transaction, a
// field, a function of expressions, does not exist under an earlier one.
//
// Version 2: a wallet without a key signs nothing; what a contract pays beyond the payee's limit, or to a closed
// wallet, is held for the payee and for nobody else; closing by an intermediary waits and can be cancelled; beside a
// recovery key the wallet's own key waits too; contracts' money can be frozen and seized.
//
// Version 3: names of purposes and agencies that can be taken for others are refused; rules tell the authority's
// wallets from the banks'; definitions say which assets they take and which parties differ; times are half-open; the
// checks of definitions prove what they say; ends do actions and share by state, contracts go on and know members by a
// root; purposes are amended for new money.
//
// Version 4: what the ledger does by itself is recorded with a salt, and what versions 2 and 3 still let pass is
// refused; agencies vouch for wallets, and rules ask for what they vouched.
//
// Version 5: offline purses; banknotes: keysets that the issue set announces, and the wallets that back them; a share of
// definitions and purposes for each who registers them, in which room is freed; days of the calendar in expressions, and
// calls that cost what they take; and what version 4 still lets pass is refused.
const (
	FirstRules  = 1
	LatestRules = contract.NewestRules
)

// bornIn is the version in which a kind of transaction came to be.
func bornIn(k token.Kind) uint32 {
	if k >= token.KindAnnounceKeyset {
		return 5
	}
	if k >= token.KindVouch {
		return 4
	}
	if k >= token.KindCancel {
		return 2
	}
	return FirstRules
}

// Upgrade is a version of the rules that waits for its block.
type Upgrade struct {
	Rules  uint32 `json:"rules"`
	Height uint64 `json:"height"` // of the first block that follows it
}

// RulesAt is the version that a block of a height follows, when it is the next. It is asked of the next height alone:
// of an earlier block its leaf says by which version it was made.
func (a *Authority) RulesAt(height uint64) uint32 {
	if a.Upgrade.Rules != 0 && height >= a.Upgrade.Height {
		return a.Upgrade.Rules
	}
	return a.Rules
}

// CheckKnown says whether this program knows the rules that a block follows, and what to do if not.
func CheckKnown(rules uint32, height uint64) *token.Error {
	if rules >= FirstRules && rules <= LatestRules {
		return nil
	}
	return refuse(UnknownRules, "rules",
		"from block %d on the network follows rules version %d; this program knows versions %d to %d: install a "+
			"newer aqsha and start it again",
		height, rules, FirstRules, LatestRules)
}

// upgrade notes that a version begins with a block, or with the next one where that is past.
func (a *Authority) upgrade(c token.Change, height uint64) {
	if c.Rules > a.Rules {
		a.Upgrade = Upgrade{Rules: c.Rules, Height: max(c.Height, height+1)}
	}
}

// Breach is an old log's use of what a later version forbids.
type Breach struct {
	Height      uint64              `json:"height"`
	Entry       int                 `json:"entry"` // within the block; the leaf is 0
	Transaction token.TransactionID `json:"transaction"`
	Kind        string              `json:"kind"`
	Refusal     *token.Error        `json:"refusal"` // what a later version says
}

// from judges by what a version of the rules forbids: the refusal stands under that version and later ones. Earlier
// blocks may hold it, as a use that Replay reports; but an executor that is Strict makes no more such blocks.
func (x *Executor) from(version uint32, refusal *token.Error) *token.Error {
	if x.rulesVersion >= version || x.Strict {
		return refusal
	}
	if x.outlawed == nil {
		x.outlawed = refusal
	}
	return nil
}
