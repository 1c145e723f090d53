package ledger

import (
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Token is a live token.
type Token struct {
	Wallet token.WalletID `json:"wallet"`
	Asset  token.Asset    `json:"asset,omitzero"`
	Amount money.Tiyn     `json:"amount"`
	Hops   uint16         `json:"hops,omitempty"` // used up; merging takes the largest
}

// Wallet is what every payment needs to know of a wallet. What is rarer stands in Detail.
//
// Invariant: Balance is the sum of its live tokens and Tokens their number. The executor keeps both with every token it
// makes or ends; a State does not, and a snapshot's reader checks them.
type Wallet struct {
	Registrar token.WalletID  `json:"registrar"` // its intermediary, or token.Authority
	Key       token.PublicKey `json:"key"`
	Version   uint32          `json:"version"` // counts every change but payments
	Tier      uint8           `json:"tier"`
	// of the intermediary with the same id, or a suspense wallet; exempt from limits
	Treasury bool             `json:"treasury,omitempty"`
	Frozen   token.FreezeMode `json:"frozen,omitempty"`
	Rekeying bool             `json:"rekeying,omitempty"` // Detail.Rekey waits: a new key, or the closing
	Contract bool             `json:"contract,omitempty"` // of the contract with the same id
	// holds money for another wallet, see token.HeldFor; has no key
	Held       bool             `json:"held,omitempty"`
	Attributes token.Attributes `json:"attributes"`

	Balance money.Tiyn `json:"balance"` // of all its live tokens in tenge, plain and marked
	Tokens  uint32     `json:"tokens"`  // how many those are

	Day           uint32     `json:"day"`            // the day the next two speak of; another day means zero
	PaidToday     money.Tiyn `json:"paid_today"`     // net
	PaymentsToday uint32     `json:"payments_today"` // transactions signed as payer
}

// Detail is what few wallets have. The zero Detail is not stored.
type Detail struct {
	Recovery token.PublicKey `json:"recovery,omitzero"`
	Case     string          `json:"case,omitempty"` // of the freeze
	Rekey    PendingKey      `json:"rekey,omitzero"`
	Vouched  Vouched         `json:"-"` // shown with the agencies' names
}

// MaxVouched bounds what agencies vouch for of one wallet.
const MaxVouched = 8

// Vouched is what agencies vouch for, by (agency, what); the rest is empty.
type Vouched [MaxVouched]Testimony

// Testimony is one thing that one agency vouches for.
type Testimony struct {
	Agency token.WalletID `json:"agency,omitzero"`
	As     string         `json:"as,omitempty"`
}

// PendingKey waits to replace a wallet's key, or without a key to close the wallet.
type PendingKey struct {
	Key       token.PublicKey `json:"key"`
	Recovery  token.PublicKey `json:"recovery,omitzero"` // NoKey keeps the present one
	DueMillis uint64          `json:"due_millis"`        // 0 when nothing waits
}

// Closes says whether it is the closing that waits.
func (p *PendingKey) Closes() bool { return p.DueMillis != 0 && p.Key == token.NoKey }

// Closed is what stays known of a wallet that was closed.
type Closed struct {
	Registrar token.WalletID `json:"registrar"`
	// its last one; NoKey of wallets that were closed under rules version 1
	Key      token.PublicKey `json:"key,omitzero"`
	Recovery token.PublicKey `json:"recovery,omitzero"`
	Tier     uint8           `json:"tier,omitempty"`
}

// Intermediary is a bank or payment company admitted by the authority.
type Intermediary struct {
	Name        string       `json:"name"`
	Keys        token.KeySet `json:"keys"`
	SinceMillis uint64       `json:"since_millis"` // since when these keys stand: the time of that block
	Sequence    uint64       `json:"sequence"`     // the next transaction it signs without inputs names this
	Suspended   bool         `json:"suspended"`
}

// Set is a key set of the authority. Sequence is what the next decision of the set names that spends and changes
// nothing which has a version of its own. It rises by one with each, so that none is executed twice.
type Set struct {
	token.KeySet
	SinceMillis uint64 `json:"since_millis"` // since when these keys stand: the time of that block
	Sequence    uint64 `json:"sequence"`
}

// since is from when on the keys stand that are put in the place of others now. The same keys put again are
// no younger for it.
func since(old, keys token.KeySet, stands, now uint64) uint64 {
	if keys.Equal(old) {
		return stands
	}
	return now
}

// Authority is what the central bank decides, and its counters.
type Authority struct {
	Sets        [4]Set       `json:"sets"` // root, issue, policy, enforcement: index role − 1
	Policy      token.Policy `json:"policy"`
	DailyCap    money.Tiyn   `json:"daily_cap"`    // of issuing
	DelayMillis uint64       `json:"delay_millis"` // before a proposal takes effect
	Proposals   []Proposal   `json:"proposals"`    // by (due, id)

	Issued      money.Tiyn `json:"issued"` // since genesis
	Redeemed    money.Tiyn `json:"redeemed"`
	IssueDay    uint32     `json:"issue_day"`
	IssuedToday money.Tiyn `json:"issued_today"` // on IssueDay

	Rules   uint32  `json:"rules"`            // version that the last block followed
	Upgrade Upgrade `json:"upgrade,omitzero"` // waits

	Reserves []CashReserve `json:"reserves,omitempty"` // of banknotes, in the order in which they were opened

	Validators Validators `json:"validators,omitzero"` // since they were set first
}

// Proposal waits to take effect.
type Proposal struct {
	ID        token.TransactionID `json:"id"`
	By        token.Role          `json:"by"`
	DueMillis uint64              `json:"due_millis"`
	Change    token.Change        `json:"change"`
}

// Set returns the key set of one of the authority's four roles.
func (a *Authority) Set(role token.Role) *Set { return &a.Sets[role-token.RoleRoot] }

// Circulating is what was issued and not redeemed.
func (a *Authority) Circulating() money.Tiyn { return a.Issued - a.Redeemed }

// Reader answers what verification of signatures needs.
type Reader interface {
	Wallet(token.WalletID) (Wallet, bool)
	Detail(token.WalletID) Detail
	Intermediary(token.WalletID) (Intermediary, bool)
	Authority() *Authority
	Agency(token.WalletID) (Agency, bool)
	Closed(token.WalletID) (Closed, bool)
}

// State is the live set. Only the executor changes it, one transaction at a time.
//
// Records come and go by value but for Authority, Purpose, Contract, Purse and PurseBook, which the executor changes in
// place; of a contract and a purse it says so first. To add what is there, or to remove what is not, is a broken
// invariant of the executor: an implementation may panic. Nothing in it is safe for concurrent use; readers and the
// executor exclude each other outside.
type State interface {
	Reader
	Token(token.ID) (Token, bool)
	AddToken(token.ID, Token)
	RemoveToken(token.ID)
	PutWallet(token.WalletID, Wallet)
	RemoveWallet(token.WalletID) // with its detail
	PutDetail(token.WalletID, Detail)
	PutIntermediary(token.WalletID, Intermediary)
	// NextRekey is the waiting re-key or closing with the least (due, wallet).
	NextRekey() (wallet token.WalletID, dueMillis uint64, found bool)
	// LiveTotal is the sum of all live tokens in tenge.
	LiveTotal() money.Tiyn

	// Programmable money; Programs implements it but for what concerns tokens.
	PutAgency(token.WalletID, Agency)
	Agencies() []token.WalletID // in order
	Purpose(number uint32) *Purpose
	AddPurpose(Purpose) (number uint32)
	PutPurpose(number uint32, p Purpose) // after the last; for a state that is read back
	RemovePurpose(number uint32)
	Purposes() int            // the last number that was given
	PurposeNumbers() []uint32 // of those that stand, in order
	PurposesOf(agency token.WalletID) []uint32
	Holding(purpose uint32) bool // by a live contract
	Definition(token.Hash) (encoded []byte, ok bool)
	AddDefinition(id token.Hash, encoded []byte, by Registered)
	RemoveDefinition(token.Hash)
	DefinitionsOf(registrar token.WalletID) []token.Hash // in the order in which they came
	Instances(definition token.Hash) int                 // live contracts of it
	Contract(token.WalletID) *Contract
	// ChangeContract says that a live contract's record is about to change in place.
	ChangeContract(*Contract)
	AddContract(*Contract)
	RemoveContract(token.WalletID)
	// NextEnd is the contract with the least (end, id), of those that are not frozen.
	NextEnd() *Contract
	// SetFrozen freezes a live contract, whose end then waits, or lets it go on.
	SetFrozen(c *Contract, frozen bool)
	// SetEnd gives a live contract that is not frozen another end.
	SetEnd(c *Contract, endsMillis uint64)
	// Named says whether a wallet is a party of a live contract.
	Named(token.WalletID) bool
	PutClosed(token.WalletID, Closed)
	// Offline purses; Programs implements it.
	Purse(token.WalletID) *Purse
	AddPurse(*Purse)
	// ChangePurse says that a purse's record is about to change in place.
	ChangePurse(*Purse)
	PurseBook() *PurseBook
	// NextExpired is the live token with the least (end of its purpose, id), of purposes that end at now or before.
	NextExpired(now uint64) (id token.ID, found bool)
	// LiveOf is the sum of live tokens marked with a purpose.
	LiveOf(purpose uint32) money.Tiyn
	// Apart is how much of a wallet's balance carries purposes that do not count to limits.
	Apart(token.WalletID) money.Tiyn
}
