package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/reconcile"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// Missing is a transaction of the pool's that its log does not know, and what becomes of it.
type Missing struct {
	TxID     bitcoin.Hash `json:"transaction"`
	Coinbase bool         `json:"coinbase,omitempty"`
	Unmarked bool         `json:"unmarked,omitempty"` // sent by an earlier program, or by hand
	Height   uint64       `json:"height,omitempty"`   // of its block
	Time     time.Time    `json:"time"`
	Payees   int          `json:"payees"`
	// Booked is what it has paid of what the log owes; Beyond what it has paid users for work that the log has lost.
	Booked money.Satoshi `json:"booked_satoshi"`
	Beyond money.Satoshi `json:"beyond_satoshi"`
	Aside  bool          `json:"aside,omitempty"`
	Waits  string        `json:"waits,omitempty"` // why it is not entered yet
}

// RecoverRequest says what is to become of what the log does not know.
type RecoverRequest struct {
	Reason string         // published with the log; empty: nothing is entered, only listed
	Aside  []bitcoin.Hash // are none of the pool's payments
}

// Recover lists what chain and wallet have of the pool's that the log does not know and, with a reason, enters it:
// users are owed less by what they were owed before the gap and were paid. An error in the midst leaves those before it
// entered; what is left is found again.
func (p *Payments) Recover(ctx context.Context, request RecoverRequest) (list []Missing, err error) {
	if len(request.Reason) > accounts.MaxReason {
		return nil, fmt.Errorf("reason: want 1 to %d bytes; the log publishes it", accounts.MaxReason)
	}
	if request.Reason == "" && len(request.Aside) > 0 {
		return nil, errors.New("reason: why is the transaction none of the pool's?")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.accounts.Fault(); err != nil {
		return nil, err
	}
	if err := p.reconcile(ctx); err != nil && !errors.As(err, new(*accounts.FaultError)) {
		return nil, err
	}
	tip, _, err := p.nodes.Tip(ctx)
	if err != nil {
		return nil, err
	}
	found := slices.Clone(p.outside.found)
	for _, id := range request.Aside {
		if !slices.ContainsFunc(found, func(f reconcile.Found) bool { return f.ID == id }) {
			return nil, fmt.Errorf("aside: %s is no transaction that the log misses", id)
		}
	}
	// Oldest first: each reduces what was owed before it, of which the next finds less.
	slices.SortStableFunc(found, func(a, b reconcile.Found) int { return a.Time.Compare(b.Time) })
	for i := range found {
		one, err := p.recoverOne(ctx, &found[i], tip, request)
		if err != nil {
			return list, fmt.Errorf("transaction %s: %w", found[i].ID, err)
		}
		list = append(list, *one)
	}
	if request.Reason == "" {
		return list, nil
	}
	if err := p.reconcile(ctx); err != nil && !errors.As(err, new(*accounts.FaultError)) {
		return list, err
	}
	return list, nil
}

// recoverOne enters one transaction, if it may be entered.
func (p *Payments) recoverOne(ctx context.Context, f *reconcile.Found, tip uint64,
	request RecoverRequest) (*Missing, error) {
	one := &Missing{TxID: f.ID, Coinbase: f.Coinbase, Unmarked: f.Unmarked, Height: f.Height, Time: f.Time.UTC(),
		Aside: slices.Contains(request.Aside, f.ID)}
	record := &sharelog.Recovered{TimeMillis: time.Now().UnixMilli(), TxID: f.ID, Coinbase: f.Coinbase,
		Height: f.Height, Block: f.Block, Reason: request.Reason}
	if one.Aside {
		return one, p.accounts.RecordDurably(ctx, record)
	}
	// What it has paid is read off its outputs. What a user was not owed before the gap he was paid for work that the
	// log has lost: it is named, and nobody is charged with it.
	payees, err := p.accounts.PayeesBefore(ctx, f.Transaction, f.Time, p.byScript())
	if err != nil {
		return nil, err
	}
	for _, payee := range payees {
		one.Booked += payee.Amount
		one.Beyond += payee.Debt
	}
	one.Payees = len(payees)
	// As deep as any outcome must be, or a reorganisation would make the entry false.
	depth := p.payDepth()
	if f.Coinbase {
		depth = accounting.FinalConfirmations
	}
	switch {
	case f.Block == (bitcoin.Hash{}):
		one.Waits = "it is in no block of the chain yet"
	case tip+1 < f.Height+depth:
		one.Waits = fmt.Sprintf("it has %d of %d confirmations", tip+1-f.Height, depth)
	}
	if request.Reason == "" || one.Waits != "" {
		return one, nil
	}
	if record.Payees = payees; !f.Coinbase {
		if record.Fee, err = p.wallet.FeeOf(ctx, f.Transaction); err != nil {
			return nil, err
		}
	}
	record.Number = p.accounts.NextPaymentNumber()
	p.logger.Warn("a transaction that the log did not know is entered", "number", record.Number, "transaction", f.ID,
		"booked", one.Booked, "beyond", one.Beyond)
	return one, p.accounts.RecordDurably(ctx, record)
}
