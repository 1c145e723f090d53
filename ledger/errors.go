package ledger

import (
	"fmt"

	"github.com/aqsha/aqsha/token"
)

// Why was my payment refused? These are the codes of the ledger's rules; package token has those
// of form. Codes are stable: programs may depend on them.
const (
	TokenNotLive        token.Code = "token-not-live"       // an input is unknown or spent
	WrongOwner          token.Code = "wrong-owner"          // an input belongs to another wallet
	BadSignature        token.Code = "bad-signature"        // a signature is not valid for its key
	MissingSignature    token.Code = "missing-signature"    // fewer signatures than needed
	NotAuthorised       token.Code = "not-authorised"       // a signature by a key or in a role that has no say here
	NotBalanced         token.Code = "not-balanced"         // what goes out is not what comes in, of some asset
	Dust                token.Code = "dust"                 // a token smaller than the policy's least
	PolicyTooMany       token.Code = "policy-too-many"      // more inputs or outputs than the policy allows
	LimitPayment        token.Code = "limit-payment"        // over the tier's limit of one payment
	LimitDay            token.Code = "limit-day"            // over the tier's limit of a day
	LimitBalance        token.Code = "limit-balance"        // the payee would hold more than its tier may
	LimitPaymentsPerDay token.Code = "limit-payments-a-day" // more payments today than the tier may make
	Frozen              token.Code = "frozen"               // the wallet is frozen
	RekeyPending        token.Code = "rekey-pending"        // a new key waits; payments out are blocked meanwhile
	NoRekey             token.Code = "no-rekey"             // no new key waits
	Suspended           token.Code = "suspended"            // the intermediary is suspended
	// the intermediary must be suspended first, or is already as asked
	NotSuspended        token.Code = "not-suspended"
	Expired             token.Code = "expired"       // valid-until is past
	TooFarAhead         token.Code = "too-far-ahead" // valid-until lies further ahead than allowed
	StaleVersion        token.Code = "stale-version" // the version or sequence named is not the present one
	Duplicate           token.Code = "duplicate"     // what it makes exists already
	CapReached          token.Code = "cap-reached"   // over the day's issuing cap
	UnknownWallet       token.Code = "unknown-wallet"
	UnknownIntermediary token.Code = "unknown-intermediary"
	UnknownAsset        token.Code = "unknown-asset" // or not the one that is redeemed or seized here
	UnknownTier         token.Code = "unknown-tier"
	UnknownProposal     token.Code = "unknown-proposal"
	NotEmpty            token.Code = "not-empty"  // a wallet that still holds tokens is not closed
	NotFrozen           token.Code = "not-frozen" // only a frozen wallet is unfrozen or seized from
	WrongCase           token.Code = "wrong-case" // another case reference than the freeze's
	NotCourt            token.Code = "not-court"  // seized money goes to a court's wallet, registered by the authority
	Treasury            token.Code = "treasury"   // not for an intermediary's treasury wallet
	TooManyProposals    token.Code = "too-many-proposals"
	// the network follows a version of the rules that this program does not know
	UnknownRules token.Code = "unknown-rules"
	LaterRules   token.Code = "later-rules" // it exists, or is allowed, from a later version of the rules on
	// it weakens what protects somebody: it is proposed, waits, and root can veto it
	NeedsProposal token.Code = "needs-proposal"
	Held          token.Code = "held"        // not for a wallet in which the rules hold money for somebody
	BadName       token.Code = "bad-name"    // a name that can be taken for a number, a word or another name
	NameTaken     token.Code = "name-taken"  // a name that somebody bears, or one that looks like it
	InContract    token.Code = "in-contract" // a live contract names the wallet

	// of banknotes
	OfReserve      token.Code = "of-reserve"      // not for the wallet that backs banknotes
	NoReserve      token.Code = "no-reserve"      // only for a wallet that backs banknotes
	UnnamedPayment token.Code = "unnamed-payment" // a reserve's payment does not name what it pays
	OtherLog       token.Code = "other-log"       // a reserve's keysets are of one cash log
	EarlyStamp     token.Code = "early-stamp"     // the last state of the cash log was entered less than a minute ago

	// of offline purses; package purse has more
	UnknownPurse      token.Code = "unknown-purse"
	PurseOver         token.Code = "purse-over"         // the purse has ended, or its claim window is over
	PurseConvicted    token.Code = "purse-convicted"    // two links of the purse convict it
	ClaimWindow       token.Code = "claim-window"       // links of the purse are still taken
	ValidatorsChanged token.Code = "validators-changed" // in this block already
	TooManyLeave      token.Code = "too-many-leave"     // of the validators, by one transaction
	NoSeal            token.Code = "no-seal"            // a purse without its owner's name sealed
	UnknownOpeners    token.Code = "unknown-openers"    // no openers, or not the last, have this key
	NoCase            token.Code = "no-case"            // a name is opened for a conviction or a court's case
	NoBond            token.Code = "no-bond"            // the intermediary has set nothing aside for its purses

	// of programmable money; package contract has more
	Earmarked         token.Code = "marked"        // a plain transfer does not spend marked money
	WrongEarmark      token.Code = "wrong-mark"    // by the purpose's rule the money becomes something else
	HopsUsed          token.Code = "hops-used"     // the money was paid on as often as its purpose allows
	PurposeFull       token.Code = "purpose-full"  // the purpose holds as much as it may
	NotAmendable      token.Code = "not-amendable" // the purpose never changes, or not in this
	ShortNotice       token.Code = "short-notice"  // the amendment begins before the notice that its purpose promises
	Amended           token.Code = "amended"       // money is marked with the purpose that amends this one
	UnknownAgency     token.Code = "unknown-agency"
	UnknownPurpose    token.Code = "unknown-purpose"
	UnknownDefinition token.Code = "unknown-definition"
	UnknownContract   token.Code = "unknown-contract" // it has ended, or never was
	OfContract        token.Code = "of-contract"      // not for a contract's wallet
	// the purpose does not let contracts of this definition hold its money
	NotAdmitted token.Code = "not-admitted"
)

func refuse(code token.Code, field, format string, args ...any) *token.Error {
	return token.Errorf(code, field, format, args...)
}

// BlockError says where in the log a rule is broken. Err is most often a *token.Error with the rule's code.
type BlockError struct {
	Height uint64
	Entry  int // within the block; the leaf is 0
	Err    error
}

func (e *BlockError) Error() string {
	return fmt.Sprintf("block %d, entry %d: %v", e.Height, e.Entry, e.Err)
}

func (e *BlockError) Unwrap() error { return e.Err }
