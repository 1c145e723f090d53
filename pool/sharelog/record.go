package sharelog

import (
	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Record is one entry of the log.
type Record interface{ kind() byte }

// Kinds of records. A number is never used again for something else.
const (
	kindShare  = 1
	kindJob    = 2
	kindWorker = 3
	// 4 is free
	kindStatus       = 5
	kindLease        = 6
	kindScheme       = 7
	kindPayment      = 8
	kindPaid         = 9
	kindTerms        = 10 // a Scheme of rules 2 and later
	kindSent         = 11
	kindSettled      = 12
	kindPaymentTerms = 13
	kindOverride     = 14
	kindChild        = 15
	kindReconciled   = 16
	kindRecovered    = 17
)

// ExtranonceSize is how many bytes of a coinbase are a connection's and a device's.
const ExtranonceSize = 13

// Share is work that was accepted and is credited with the difficulty.
type Share struct {
	TimeMillis  int64 // pool's clock, since 1970
	Worker      uint64
	Job         uint64
	Variant     uint64 // of the job's coinbases
	Difficulty  stratum.Difficulty
	Version     uint32
	Time        uint32 // header's, seconds
	Nonce       uint32
	Extranonce  []byte   // both parts, as in the coinbase
	HashPrefix  [16]byte // first bytes of the header's hash in its serialized order
	SolvesBlock bool
}

// Job is a template as it was handed out. Everything that a coinbase's split rests on is in it. Amounts are in satoshi,
// MinTime in Unix seconds, Branch the coinbase's siblings from the leaf up.
type Job struct {
	Number        uint64
	TimeMillis    int64
	Height        uint64
	Previous      bitcoin.Hash
	Version       uint32
	Bits          uint32
	MinTime       uint32
	CoinbaseValue money.Satoshi
	Fees          money.Satoshi
	MeanFees      money.Satoshi // of the 144 blocks before, for FPPS
	Branch        []bitcoin.Hash
	// Position is the size of the log whose shares the split counts.
	Position uint64
	Variants []Variant
}

// Variant is one coinbase of a job: connections differ in the size they take, or in whom they pay. The coinbase is
// Head, the share's extranonce, and Tail, without witness.
type Variant struct {
	Name       string // class of firmware, or the user of a solo coinbase
	Head, Tail []byte
	Witness    bool // the block commits to witnesses
	Payees     []Payee
}

// Payee is a part of the coinbase. What a user is owed and not paid here is in Debt.
type Payee struct {
	User   uint64 // 0 is the operator
	Amount money.Satoshi
	Debt   money.Satoshi // owed before (earlier debts with this reward's share) and not paid here
}

// Worker names a number. The user is an address; its number is that of its first worker.
type Worker struct {
	Number, User uint64
	Address      string
	Name         string // without the address
}

// Statuses of a block.
const (
	StatusConfirmed = 1 // 100 confirmations: final
	StatusOrphaned  = 2 // left the best chain: reversed
	StatusRestored  = 3 // came back to it
)

// Status is what became of a block.
type Status struct {
	TimeMillis int64
	Hash       bitcoin.Hash
	Status     uint64
}

// Lease reserves extranonces from First on, before any is used: none is ever used twice.
type Lease struct{ First, Count uint64 }

// Rules by which the accounts read a log. A log's first entries may follow older ones.
const (
	// RulesAtJob: every block's split is fixed when its job is built. Logs before November 2026.
	RulesAtJob = 1
	// RulesAtBlock: a split is fixed at the job when the coinbase pays it, and at the block when the
	// operator's wallet does; shares that a scheme has paid one by one are in no window and no round.
	RulesAtBlock = 2
)

// Scheme is the way shares are paid from here on.
type Scheme struct {
	Name       string
	FeePPM     uint64 // operator's fee in parts per million
	Address    string // operator's
	Rules      uint64 // 0 is RulesAtJob
	InCoinbase bool   // coinbases pay the users; always false in RulesAtJob, which does not say
}

// Payment is the intention to pay users from the operator's wallet; it is durable before the node
// is asked, so that nothing is ever paid that the log does not know.
type Payment struct {
	Number     uint64
	TimeMillis int64
	Payees     []Payee // Debt is 0
}

// Paid is what became of a payment in logs before November 2026: it counted as paid when it was sent.
// Today a payment is Sent, perhaps several times, and then Settled.
type Paid struct {
	Number     uint64
	TimeMillis int64
	TxID       bitcoin.Hash // zero: the node has refused, nothing was paid
	Fee        money.Satoshi
}

// Sent is a signed transaction that makes a payment, entered before the network gets it. A later one
// for the same payment pays the same and spends a coin of the first, so that only one can be mined.
type Sent struct {
	Number     uint64 // of the payment
	TimeMillis int64
	TxID       bitcoin.Hash
	Fee        money.Satoshi
	Height     uint64 // of the chain then: it is mined in a later block, unless the chain becomes another
}

// Child is a signed transaction that spends what one of a payment's returns to the wallet, and pays so much that miners
// take both: a fee that is raised where the payment cannot be replaced. It pays nobody but the wallet. Entered before
// the network gets it; a later one of the same parent spends the same coin.
type Child struct {
	Number     uint64 // of the payment
	TimeMillis int64
	TxID       bitcoin.Hash
	Parent     bitcoin.Hash // a transaction of the payment that was Sent
	Fee        money.Satoshi
	Height     uint64 // of the chain then
}

// Outcomes of a payment.
const (
	OutcomeConfirmed  = 1 // the transaction is deep in the chain
	OutcomeConflicted = 2 // another one has spent its coin, deep in the chain; nothing was paid
	OutcomeDropped    = 3 // it was never signed, so nothing was paid
)

// Settled is what the chain has made of a payment. A later one of the same payment, with the same outcome, transaction
// and fee, says that a deep reorganisation has moved it into another block.
type Settled struct {
	Number     uint64
	TimeMillis int64 // of the block, when there is one
	Outcome    uint64
	TxID       bitcoin.Hash  // that is in the chain: of the payment, or the one that has spent its coin
	Fee        money.Satoshi // with that of its Child, if the chain has one
	Height     uint64        // of the block that it is in
	Block      bitcoin.Hash
}

// PaymentTerms say from here on who is paid from the operator's wallet, so that a payment below them convicts.
type PaymentTerms struct {
	Minimum money.Satoshi // a user with less waits
	// SweepMillis is after how long without a share a user is paid less than the minimum; 0: never.
	SweepMillis uint64
}

// Override says that the operator has looked at entries, first to last, which the accounts do not understand, and goes
// on without them. They book nothing, as before; payments are no longer stopped for them.
type Override struct {
	TimeMillis  int64
	First, Last uint64
	Reason      string
}

// Reconciled says that the chain up to a height, and the operator's wallet at a time, hold no payment and no block of
// the pool that the log does not know. The next start looks from there on.
type Reconciled struct {
	TimeMillis int64
	Height     uint64
}

// Recovered enters a transaction of the pool's that the log does not know, as after a backup was put back: a payment,
// or the coinbase of a block. It is as deep in the chain as a payment that is settled.
type Recovered struct {
	Number     uint64 // of the payment that it is entered as; 0: it is none of the pool's, and set aside
	TimeMillis int64
	TxID       bitcoin.Hash
	Fee        money.Satoshi // the operator's; 0 of a coinbase
	Coinbase   bool
	Height     uint64 // of its block
	Block      bitcoin.Hash
	// Payees are whom it pays. Amount is what the log owed before the gap; Debt what the transaction pays beyond that,
	// for work that the log has lost, and nobody is charged for.
	Payees []Payee
	Reason string // of the operator
}

func (*Reconciled) kind() byte   { return kindReconciled }
func (*Recovered) kind() byte    { return kindRecovered }
func (*PaymentTerms) kind() byte { return kindPaymentTerms }
func (*Override) kind() byte     { return kindOverride }
func (*Sent) kind() byte         { return kindSent }
func (*Child) kind() byte        { return kindChild }
func (*Settled) kind() byte      { return kindSettled }
func (*Payment) kind() byte      { return kindPayment }
func (*Paid) kind() byte         { return kindPaid }
func (*Share) kind() byte        { return kindShare }
func (*Job) kind() byte          { return kindJob }
func (*Worker) kind() byte       { return kindWorker }
func (*Status) kind() byte       { return kindStatus }
func (*Lease) kind() byte        { return kindLease }
func (*Scheme) kind() byte       { return kindScheme }
