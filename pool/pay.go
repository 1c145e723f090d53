package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// PayOptions bound a payment from the node's wallet.
type PayOptions struct {
	Minimum    money.Satoshi // a user with less waits
	MaxFeeRate float64       // satoshi per virtual byte; dearer, and the payment waits
}

// maxPaymentUsers keeps a payment's transaction well below what nodes relay (100,000 virtual bytes).
const maxPaymentUsers = 1000

// Errors of Pay that are nobody's fault.
var (
	ErrNothingToPay = errors.New("nobody is owed enough")
	ErrFeeTooHigh   = errors.New("fees are above the cap; the payment waits")
)

// Pay pays what users are owed for certain in one transaction of the node's wallet (Bitcoin Core's;
// btcd has none). The intention is durable before the node is asked, and marked in the wallet, so
// that after a crash the outcome is found there and nothing is paid twice.
func (p *Pool) Pay(ctx context.Context, options PayOptions) (*sharelog.Paid, error) {
	if err := p.resolvePayments(ctx); err != nil {
		return nil, err
	}
	rate, err := p.feeRate(ctx)
	if err != nil {
		return nil, err
	}
	if rate > options.MaxFeeRate {
		return nil, fmt.Errorf("%w: %.1f satoshi per virtual byte, cap %.1f", ErrFeeTooHigh, rate, options.MaxFeeRate)
	}
	intent, amounts := p.accounts.nextPayment(options.Minimum)
	if intent == nil {
		return nil, ErrNothingToPay
	}
	if err := p.recordDurably(ctx, intent); err != nil {
		return nil, err
	}
	var id bitcoin.Hash
	// dummy, amounts, minconf, comment, subtractfeefrom, replaceable, conf_target, estimate_mode, fee_rate
	err = p.nodes[0].Call(ctx, &id, "sendmany", "", amounts, 1, p.paymentMark(intent.Number), []string{}, true, nil, "unset", rate)
	var refusal *bitcoin.RPCError
	if errors.As(err, &refusal) {
		done := &sharelog.Paid{Number: intent.Number, TimeMillis: time.Now().UnixMilli()}
		return nil, errors.Join(err, p.recordDurably(ctx, done))
	}
	if err != nil {
		return nil, fmt.Errorf("payment %d may or may not have been sent; the next attempt looks it up: %w", intent.Number, err)
	}
	return p.finishPayment(ctx, intent.Number, id)
}

func (p *Pool) paymentMark(number uint64) string {
	return fmt.Sprintf("aqsha pool %s payment %d", p.log.Origin(), number)
}

// finishPayment asks what a transaction has cost and logs it.
func (p *Pool) finishPayment(ctx context.Context, number uint64, id bitcoin.Hash) (*sharelog.Paid, error) {
	var sent struct {
		Fee json.Number `json:"fee"`
	}
	if err := p.nodes[0].Call(ctx, &sent, "gettransaction", id.String()); err != nil {
		return nil, err
	}
	fee, err := money.ParseBitcoin(sent.Fee.String())
	if err != nil {
		return nil, err
	}
	if fee < 0 { // the wallet's view of it
		fee = -fee
	}
	done := &sharelog.Paid{Number: number, TimeMillis: time.Now().UnixMilli(), TxID: id, Fee: fee}
	return done, p.recordDurably(ctx, done)
}

// resolvePayments finds out what became of payments whose outcome was lost in a crash.
func (p *Pool) resolvePayments(ctx context.Context) error {
	for _, number := range p.accounts.openPayments() {
		var known []struct {
			Comment string       `json:"comment"`
			TxID    bitcoin.Hash `json:"txid"`
		}
		if err := p.nodes[0].Call(ctx, &known, "listtransactions", "*", 10_000); err != nil {
			return err
		}
		mark := p.paymentMark(number)
		at := slices.IndexFunc(known, func(k struct {
			Comment string       `json:"comment"`
			TxID    bitcoin.Hash `json:"txid"`
		}) bool {
			return k.Comment == mark
		})
		var err error
		if at >= 0 {
			_, err = p.finishPayment(ctx, number, known[at].TxID)
		} else { // the wallet writes the mark with the transaction, so it was never made
			err = p.recordDurably(ctx, &sharelog.Paid{Number: number, TimeMillis: time.Now().UnixMilli()})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// feeRate is the node's estimate for six blocks, in satoshi per virtual byte, at least 1.
func (p *Pool) feeRate(ctx context.Context) (float64, error) {
	var estimate struct {
		FeeRate float64 `json:"feerate"` // BTC per 1,000 virtual bytes
	}
	if err := p.nodes[0].Call(ctx, &estimate, "estimatesmartfee", 6); err != nil {
		return 0, err
	}
	return max(estimate.FeeRate*1e5, 1), nil
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

// nextPayment is what is to be paid now, and sendmany's amounts by address.
func (a *Accounts) nextPayment(minimum money.Satoshi) (*sharelog.Payment, map[string]json.Number) {
	a.mu.Lock()
	defer a.mu.Unlock()
	intent := &sharelog.Payment{Number: uint64(len(a.state.payments) + 1), TimeMillis: time.Now().UnixMilli()}
	for user := range a.state.address {
		if debt := a.state.debt(user); debt > 0 && debt >= minimum {
			intent.Payees = append(intent.Payees, sharelog.Payee{User: user, Amount: debt})
		}
	}
	slices.SortFunc(intent.Payees, func(x, y sharelog.Payee) int {
		if x.Amount != y.Amount {
			return int(min(max(int64(y.Amount-x.Amount), -1), 1))
		}
		return int(int64(x.User) - int64(y.User))
	})
	intent.Payees = intent.Payees[:min(len(intent.Payees), maxPaymentUsers)]
	if len(intent.Payees) == 0 {
		return nil, nil
	}
	amounts := map[string]json.Number{}
	for _, payee := range intent.Payees {
		amounts[a.state.address[payee.User]] = json.Number(payee.Amount.String())
	}
	return intent, amounts
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
