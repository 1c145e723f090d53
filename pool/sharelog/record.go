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
	kindStatus  = 5
	kindLease   = 6
	kindScheme  = 7
	kindPayment = 8
	kindPaid    = 9
)

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

// Job is a template as it was handed out. Everything that a coinbase's split rests on is in it.
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

// Variant is one coinbase of a job: connections differ in the size they take, or in whom they pay.
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

// Scheme is the way shares are paid from here on.
type Scheme struct {
	Name    string
	FeePPM  uint64 // operator's fee in parts per million
	Address string // operator's
}

// Payment is the intention to pay users from the operator's wallet; it is durable before the node
// is asked, so that nothing is ever paid that the log does not know.
type Payment struct {
	Number     uint64
	TimeMillis int64
	Payees     []Payee // Debt is 0
}

// Paid is what became of a payment.
type Paid struct {
	Number     uint64
	TimeMillis int64
	TxID       bitcoin.Hash // zero: the node has refused, nothing was paid
	Fee        money.Satoshi
}

func (*Payment) kind() byte { return kindPayment }
func (*Paid) kind() byte    { return kindPaid }
func (*Share) kind() byte   { return kindShare }
func (*Job) kind() byte     { return kindJob }
func (*Worker) kind() byte  { return kindWorker }
func (*Status) kind() byte  { return kindStatus }
func (*Lease) kind() byte   { return kindLease }
func (*Scheme) kind() byte  { return kindScheme }
