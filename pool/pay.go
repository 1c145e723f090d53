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
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/btcsuite/btcd/wire/v2"
)

// PayOptions bound a payment from a node's wallet.
type PayOptions struct {
	Minimum       money.Satoshi // a user with less waits
	MaxFeeRate    float64       // satoshi per virtual byte; dearer, and the payment waits
	Confirmations int           // that make a payment paid, or its conflict final; 0: DefaultConfirmations
	// SweepAfter pays users with less than the minimum who have sent no share for so long; 0: never.
	SweepAfter time.Duration
}

// DefaultConfirmations is the customary depth at which a transaction counts as final.
const DefaultConfirmations = 6

// maxPaymentUsers keeps a payment's transaction well below what nodes relay (100,000 virtual bytes).
const maxPaymentUsers = 1000

// Errors of Pay that are nobody's fault.
var (
	ErrNothingToPay = errors.New("nobody is owed enough")
	ErrNoWallet     = errors.New("the pool has no node whose wallet could pay")
	ErrFeeTooHigh   = errors.New("fees are above the cap; the payment waits")
)

// PaymentSent is a payment on its way. It counts as paid once it is deep in the chain.
type PaymentSent struct {
	Number uint64
	TxID   bitcoin.Hash
	Fee    money.Satoshi
	Payees int
	// Unpaid are those for whom the wallet's coins did not suffice, oldest debts first.
	Unpaid []Unpaid
}

// Unpaid is who waits for the wallet to be filled.
type Unpaid struct {
	Address string
	Amount  money.Satoshi
}

// Pay pays what users are owed for certain in one transaction of a node's wallet, Bitcoin Core's or
// btcwallet's, oldest debts first. The signed transaction, then the intention and its id are durable
// before it is sent. From then on the chain decides what became of it, not an answer of the wallet:
// see watchPayments. A crash at any step sends the same transaction again or none, so nothing is
// paid twice.
func (p *Pool) Pay(ctx context.Context, options PayOptions) (*PaymentSent, error) {
	if p.wallet == nil {
		return nil, ErrNoWallet
	}
	p.paying.Lock()
	defer p.paying.Unlock()
	p.payOptions.Store(&options)
	if err := p.mayPay(ctx); err != nil {
		return nil, err
	}
	if p.PayoutsPaused() {
		return nil, ErrPaused
	}
	if err := p.announceTerms(ctx, options); err != nil {
		return nil, err
	}
	if err := p.watchPayments(ctx); err != nil {
		p.logger.Warn("open payments", "error", err)
	}
	rate, err := p.wallet.FeeRate(ctx)
	if err != nil {
		return nil, err
	}
	if rate > options.MaxFeeRate {
		return nil, fmt.Errorf("%w: %.1f satoshi per virtual byte, cap %.1f", ErrFeeTooHigh, rate, options.MaxFeeRate)
	}
	candidates, err := p.accounts.choose(ctx, p, options)
	if err != nil {
		return nil, err
	}
	return p.pay(ctx, candidates, rate)
}

// announceTerms enters by which terms users are paid from here on, if the log says otherwise. The caller holds p.paying.
func (p *Pool) announceTerms(ctx context.Context, options PayOptions) error {
	terms := &sharelog.PaymentTerms{Minimum: max(options.Minimum, 0), SweepMillis: uint64(max(options.SweepAfter.Milliseconds(), 0))}
	a := p.accounts
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	known := a.state.PayTerms != nil && *a.state.PayTerms == *terms
	a.mu.Unlock()
	if known {
		return nil
	}
	return p.recordDurably(ctx, terms)
}

// mayPay holds books and log against each other before each payment.
func (p *Pool) mayPay(ctx context.Context) error {
	a := p.accounts
	if err := a.catchUp(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fault == nil {
		if err := a.compare(ctx); err != nil {
			a.freeze(err)
		}
	}
	return a.reason()
}

// pay drafts, enters and sends one transaction.
func (p *Pool) pay(ctx context.Context, candidates []sharelog.Payee, rate float64) (*PaymentSent, error) {
	outputs := make([]bitcoin.Output, len(candidates))
	for i, payee := range candidates {
		outputs[i] = bitcoin.Output{Value: payee.Amount, Script: p.registry.scriptOf(payee.User)}
	}
	spent, err := p.spentCoins()
	if err != nil {
		return nil, err
	}
	height, tip, err := p.chainTip(ctx)
	if err != nil {
		return nil, err
	}
	draft, paid, err := p.wallet.Draft(ctx, outputs, rate, spent)
	if err != nil {
		return nil, err
	}
	draft.Height, draft.Tip = height, tip
	now := time.Now().UnixMilli()
	intent := &sharelog.Payment{Number: p.accounts.nextPaymentNumber(), TimeMillis: now}
	result := &PaymentSent{Number: intent.Number, TxID: draft.ID, Fee: draft.Fee}
	for i, payee := range candidates {
		if paid[i] {
			intent.Payees = append(intent.Payees, payee)
		} else {
			result.Unpaid = append(result.Unpaid, Unpaid{p.accounts.addressOf(payee.User), payee.Amount})
		}
	}
	result.Payees = len(intent.Payees)
	if err := p.drawer.put(intent.Number, []*wallet.Draft{draft}); err != nil {
		return nil, err
	}
	p.committer.record(intent)
	sent := &sharelog.Sent{Number: intent.Number, TimeMillis: now, TxID: draft.ID, Fee: draft.Fee, Height: height}
	if err := p.recordDurably(ctx, sent); err != nil {
		return nil, err
	}
	p.accounts.unclaim(intent.Payees)
	if err := p.wallet.Send(ctx, draft.Raw); err != nil {
		return result, fmt.Errorf("payment %d is entered and may or may not have been sent; the same transaction, or one that spends the same coin, is sent until the chain has it: %w", intent.Number, err)
	}
	return result, nil
}

// spentCoins are the coins of payments that the chain has not decided: another payment must not spend
// them.
func (p *Pool) spentCoins() (map[wire.OutPoint]bool, error) {
	spent := map[wire.OutPoint]bool{}
	for _, open := range p.accounts.openPayments() {
		drafts, err := p.drawer.get(open.Number)
		if err != nil {
			continue // reported by watchPayments; the wallet itself offers no coin that is spent
		}
		children, err := p.drawer.children(open.Number)
		if err != nil {
			return nil, err
		}
		for _, d := range slices.Concat(drafts, children) {
			coins, err := d.Coins()
			if err != nil {
				return nil, err
			}
			for _, c := range coins {
				spent[c] = true
			}
		}
	}
	return spent, nil
}

func (p *Pool) recordDurably(ctx context.Context, record sharelog.Record) error {
	p.committer.record(record)
	if err := p.flush(ctx); err != nil {
		return err
	}
	return p.accounts.catchUp(ctx)
}

// flush waits until everything queued is in the log.
func (p *Pool) flush(ctx context.Context) error {
	durable := make(chan struct{})
	p.committer.then(func() { close(durable) })
	select {
	case <-durable:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// choose lists who is to be paid now and how much, the oldest debts first. Debts that a coinbase pays
// that is still out wait; from now on no new one pays what the wallet is to pay.
func (a *Accounts) choose(ctx context.Context, p *Pool, options PayOptions) ([]sharelog.Payee, error) {
	a.layout.Lock()
	defer a.layout.Unlock()
	// A job that is laid out is queued: it counts once it is in the log.
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	if err := a.catchUp(ctx); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.claimed)
	now := time.Now()
	var payees []sharelog.Payee
	for user := range a.state.Since {
		if !due(a.state, user, a.state.Debt(user), options, now) {
			continue
		}
		a.claimed[user] = true
		if amount := a.state.Payable(user); due(a.state, user, amount, options, now) {
			payees = append(payees, sharelog.Payee{User: user, Amount: amount})
		}
	}
	slices.SortFunc(payees, func(x, y sharelog.Payee) int {
		return cmp.Or(cmp.Compare(a.state.Since[x.User], a.state.Since[y.User]), cmp.Compare(x.User, y.User))
	})
	if len(payees) == 0 {
		return nil, ErrNothingToPay
	}
	return payees[:min(len(payees), maxPaymentUsers)], nil
}

// due tells whether an amount is to be paid to a user: it is at least the minimum, or the user has left.
func due(a *accounting.State, user uint64, amount money.Satoshi, options PayOptions, now time.Time) bool {
	if amount < payout.Dust {
		return false
	}
	left := options.SweepAfter > 0 && now.Sub(time.UnixMilli(a.LastShare[user])) > options.SweepAfter
	return amount >= options.Minimum || left
}

func (a *Accounts) unclaim(payees []sharelog.Payee) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range payees {
		delete(a.claimed, p.User)
	}
}

func (a *Accounts) addressOf(user uint64) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Address[user]
}

// nextPaymentNumber is the number that the next payment gets.
func (a *Accounts) nextPaymentNumber() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return uint64(len(a.state.Payments) + 1)
}

func (a *Accounts) openPayments() (open []accounting.Payment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.state.Payments {
		if p.Open() {
			open = append(open, *p)
		}
	}
	return open
}

// nextPayday is an interval after the last payment in the log, or after the log's beginning: a restart does
// not begin the interval anew.
func (a *Accounts) nextPayday(interval time.Duration) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := a.state.FirstMilli
	if n := len(a.state.Payments); n > 0 {
		last = a.state.Payments[n-1].TimeMillis
	}
	if last == 0 {
		return time.Now().Add(interval)
	}
	return time.UnixMilli(last).Add(interval)
}

// payRetry is how soon a payment is tried again that could not be made, or for which nobody was owed enough.
const payRetry = time.Minute

// PayEvery pays at intervals, counted from the last payment, until ctx ends.
func (p *Pool) PayEvery(ctx context.Context, interval time.Duration, options PayOptions) {
	p.payOptions.Store(&options)
	p.paying.Lock()
	err := p.announceTerms(ctx, options)
	p.paying.Unlock()
	if err != nil && ctx.Err() == nil {
		p.logger.Warn("payment terms", "error", err)
	}
	tried := time.Time{}
	for {
		next := p.accounts.nextPayday(interval)
		if again := tried.Add(min(interval, payRetry)); !tried.IsZero() && next.Before(again) {
			next = again
		}
		pause(ctx, max(time.Until(next), 10*time.Millisecond))
		if ctx.Err() != nil {
			return
		}
		tried = time.Now()
		for ctx.Err() == nil { // a transaction has so many payees, and there may be more
			sent, err := p.Pay(ctx, options)
			if errors.Is(err, ErrNothingToPay) {
				break
			}
			p.logPay(sent, err)
			if err != nil || len(sent.Unpaid) > 0 {
				break
			}
		}
	}
}

// logPay tells what became of an attempt to pay. A payment that is entered is not sent yet: see Pay.
func (p *Pool) logPay(sent *PaymentSent, err error) {
	switch {
	case sent == nil:
		p.logger.Warn("not paid", "error", err)
		return
	case err != nil:
		p.logger.Warn("payment entered, not known to be sent", "number", sent.Number, "transaction", sent.TxID, "error", err)
	default:
		p.logger.Info("payment sent", "number", sent.Number, "transaction", sent.TxID, "fee", sent.Fee, "payees", sent.Payees)
	}
	for _, u := range sent.Unpaid {
		p.logger.Warn("not paid: the wallet has too little", "address", u.Address, "amount", u.Amount)
	}
}
