package office

import (
	"context"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/money"
)

// Head is where the ledger stands.
type Head struct {
	Network []byte
	Height  uint64
	Millis  uint64 // of the last durable block
}

// Outcome is what became of a payment.
type Outcome int

// Outcomes.
const (
	Undecided Outcome = iota // not in the ledger, and may still come in
	Durable                  // in a durable block
	Never                    // not in the ledger, and a durable block is dated after its valid-until
)

// Ledger is what an office needs of the ledger: its reserve wallet's payments. It is asked without the office's mu, and
// may take long. Its methods may be called from several goroutines.
type Ledger interface {
	Head(ctx context.Context) (Head, error)
	// Wallet is the reserve's id.
	Wallet() string
	// Prepare signs a payment from the reserve without sending it.
	Prepare(ctx context.Context, to string, amount money.Tiyn, memo string) (cash.Payment, error)
	// Send sends a signed payment; sent again it is executed once. An error says nothing of whether it was.
	Send(ctx context.Context, p *cash.Payment) error
	Find(ctx context.Context, p *cash.Payment) (Outcome, error)
	// Credits are payments into the reserve from an index of the log on, in order, and the index after the last entry
	// seen.
	Credits(ctx context.Context, from uint64) (credits []cash.Credit, err error)
	// Reserve is what the ledger says of the reserve, all at one height.
	Reserve(ctx context.Context) (Reserve, error)
	// Payable is what the reserve's key can pay now.
	Payable(ctx context.Context) (Payable, error)
	// Stamp enters a state of the cash log.
	Stamp(ctx context.Context, size uint64, root [32]byte) error
	// Receipt is the file that shows that a transaction is in the ledger.
	Receipt(ctx context.Context, transaction string) ([]byte, error)
}

// Payable is what a reserve's key can pay now, by the ledger's rules.
type Payable struct {
	Amount money.Tiyn
	Why    string     // it is no more: told to whoever wants more
	Day    money.Tiyn // the policy's cap of a day; 0 is none
}

// Reserve is what the ledger says of a wallet that backs notes.
type Reserve struct {
	Height, Millis uint64
	Balance        money.Tiyn
	Keysets        []string // that are announced and have not made room for others
	Stamped        uint64   // size of the cash log that was entered last
	StampedMillis  uint64
	// the wallet that gets what is left of expired keysets, by the policy; empty leaves it in the reserve
	Expired string
}
