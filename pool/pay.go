package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// PayOptions bound a payment from a node's wallet.
type PayOptions struct {
	Minimum    money.Satoshi // a user with less waits
	MaxFeeRate float64       // satoshi per virtual byte; dearer, and the payment waits
}

// maxPaymentUsers keeps a payment's transaction well below what nodes relay (100,000 virtual bytes).
const maxPaymentUsers = 1000

// Errors of Pay that are nobody's fault.
var (
	ErrNothingToPay = errors.New("nobody is owed enough")
	ErrNoWallet     = errors.New("the pool has no node whose wallet could pay")
	ErrFeeTooHigh   = errors.New("fees are above the cap; the payment waits")
)

// Pay pays what users are owed for certain in one transaction of a node's wallet, Bitcoin Core's or
// btcwallet's. The signed transaction and then the intention are durable before it is sent. After a
// crash the same transaction is sent again, so nothing is paid twice.
func (p *Pool) Pay(ctx context.Context, options PayOptions) (*sharelog.Paid, error) {
	if p.wallet == nil {
		return nil, ErrNoWallet
	}
	p.paying.Lock()
	defer p.paying.Unlock()
	if err := p.resolvePayments(ctx); err != nil {
		return nil, err
	}
	if p.PayoutsPaused() {
		return nil, ErrPaused
	}
	rate, err := p.wallet.FeeRate(ctx)
	if err != nil {
		return nil, err
	}
	if rate > options.MaxFeeRate {
		return nil, fmt.Errorf("%w: %.1f satoshi per virtual byte, cap %.1f", ErrFeeTooHigh, rate, options.MaxFeeRate)
	}
	intent, outputs, err := p.accounts.nextPayment(p.network, options.Minimum)
	if err != nil {
		return nil, err
	}
	draft, err := p.wallet.Draft(ctx, outputs, rate)
	if err != nil {
		return nil, err
	}
	if err := p.drawer.put(intent.Number, draft); err != nil {
		return nil, err
	}
	if err := p.recordDurably(ctx, intent); err != nil {
		return nil, err
	}
	err = p.wallet.Send(ctx, draft.Raw)
	// It was never sent before: refused is refused.
	if errors.Is(err, wallet.ErrRefused) || errors.Is(err, wallet.ErrSpent) {
		return nil, errors.Join(err, p.closePayment(ctx, &sharelog.Paid{Number: intent.Number}))
	}
	if err != nil {
		return nil, fmt.Errorf("payment %d may or may not have been sent; the next attempt sends the same transaction again: %w", intent.Number, err)
	}
	done := &sharelog.Paid{Number: intent.Number, TxID: draft.ID, Fee: draft.Fee}
	return done, p.closePayment(ctx, done)
}

// closePayment logs what became of a payment; without a transaction, nothing was paid.
func (p *Pool) closePayment(ctx context.Context, done *sharelog.Paid) error {
	done.TimeMillis = time.Now().UnixMilli()
	if err := p.recordDurably(ctx, done); err != nil {
		return err
	}
	return p.drawer.remove(done.Number)
}

// resolvePayments finds out what became of payments whose outcome was lost in a crash, by sending the
// same transactions again.
func (p *Pool) resolvePayments(ctx context.Context) error {
	for _, number := range p.accounts.openPayments() {
		draft, err := p.drawer.get(number)
		if err != nil { // without it nobody knows the transaction's id
			return fmt.Errorf("payment %d was begun and its signed transaction is gone; look in the wallet whether it was sent: %w", number, err)
		}
		done := &sharelog.Paid{Number: number, TxID: draft.ID, Fee: draft.Fee}
		err = p.wallet.Send(ctx, draft.Raw)
		if errors.Is(err, wallet.ErrSpent) { // it can never be mined
			done = &sharelog.Paid{Number: number}
			err = nil
		}
		if err != nil { // refused for another reason, it may still live with other nodes
			return fmt.Errorf("payment %d is open: %w", number, err)
		}
		if err := p.closePayment(ctx, done); err != nil {
			return err
		}
	}
	// A draft whose intention was never logged was never sent.
	return p.drawer.removeFrom(p.accounts.nextPaymentNumber())
}

func (p *Pool) recordDurably(ctx context.Context, record sharelog.Record) error {
	durable := make(chan struct{})
	p.committer.recordThen(record, func() { close(durable) })
	select {
	case <-durable:
		return p.accounts.catchUp(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// nextPayment is what is to be paid now, and the outputs that pay it.
func (a *Accounts) nextPayment(network bitcoin.Network, minimum money.Satoshi) (*sharelog.Payment, []bitcoin.Output, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	intent := &sharelog.Payment{Number: uint64(len(a.state.payments) + 1), TimeMillis: time.Now().UnixMilli()}
	for user := range a.state.address {
		if debt := a.state.debt(user); debt >= max(minimum, payout.Dust) {
			intent.Payees = append(intent.Payees, sharelog.Payee{User: user, Amount: debt})
		}
	}
	slices.SortFunc(intent.Payees, func(x, y sharelog.Payee) int {
		return cmp.Or(cmp.Compare(y.Amount, x.Amount), cmp.Compare(x.User, y.User))
	})
	intent.Payees = intent.Payees[:min(len(intent.Payees), maxPaymentUsers)]
	var outputs []bitcoin.Output
	for _, payee := range intent.Payees {
		script, err := network.PayTo(a.state.address[payee.User])
		if err != nil {
			return nil, nil, err // the log has only addresses that could be paid
		}
		outputs = append(outputs, bitcoin.Output{Value: payee.Amount, Script: script})
	}
	if len(outputs) == 0 {
		return nil, nil, ErrNothingToPay
	}
	return intent, outputs, nil
}

// nextPaymentNumber is the number that the next payment gets.
func (a *Accounts) nextPaymentNumber() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return uint64(len(a.state.payments) + 1)
}

func (a *Accounts) openPayments() (numbers []uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.state.payments {
		if p.done == nil {
			numbers = append(numbers, p.Number)
		}
	}
	return numbers
}

// PayEvery pays at intervals until ctx ends.
func (p *Pool) PayEvery(ctx context.Context, interval time.Duration, options PayOptions) {
	for {
		pause(ctx, interval)
		if ctx.Err() != nil {
			return
		}
		paid, err := p.Pay(ctx, options)
		switch {
		case errors.Is(err, ErrNothingToPay):
		case err != nil:
			p.logger.Warn("not paid", "error", err)
		default:
			p.logger.Info("paid", "transaction", paid.TxID, "fee", paid.Fee)
		}
	}
}
