package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// PayOptions bound a payment from a node's wallet. Amounts are in satoshi.
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

// Pay pays what users are owed for certain in one transaction of a node's wallet, Bitcoin Core's or btcwallet's, oldest
// debts first. The signed transaction, then the intention and its id are durable before it is sent. From then on the
// chain decides what became of it, not an answer of the wallet: see watchPayments. A crash at any step sends the same
// transaction again or none, so nothing is paid twice. With a result beside an error the payment is entered, and is not
// to be made again.
func (p *Payments) Pay(ctx context.Context, options PayOptions) (*PaymentSent, error) {
	if p.wallet == nil {
		return nil, ErrNoWallet
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	// Watching goes on by these bounds when nobody pays: how deep is paid, and how dear a fee may become.
	p.options.Store(&options)
	if err := p.accounts.MayPay(ctx); err != nil {
		return nil, err
	}
	if err := p.reconcile(ctx); err != nil {
		return nil, err
	}
	if p.PayoutsPaused() {
		return nil, ErrPaused
	}
	if err := p.announceTerms(ctx, options); err != nil {
		return nil, err
	}
	// One that cannot be looked after does not keep others from being paid: its own amounts are out of the accounts.
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
	candidates, err := p.accounts.Choose(ctx, options.Minimum, options.SweepAfter)
	if err != nil {
		return nil, err
	}
	if len(candidates) == 0 {
		return nil, ErrNothingToPay
	}
	return p.pay(ctx, candidates[:min(len(candidates), maxPaymentUsers)], rate)
}

// announceTerms enters by which terms users are paid from here on, if the log says otherwise. The caller holds p.mu.
func (p *Payments) announceTerms(ctx context.Context, options PayOptions) error {
	terms := &sharelog.PaymentTerms{Minimum: max(options.Minimum, 0),
		SweepMillis: uint64(max(options.SweepAfter.Milliseconds(), 0))}
	known, err := p.accounts.Terms(ctx)
	if err != nil {
		return err
	}
	if known != nil && *known == *terms {
		return nil
	}
	return p.accounts.RecordDurably(ctx, terms)
}

// pay drafts, enters and sends one transaction.
func (p *Payments) pay(ctx context.Context, candidates []sharelog.Payee, rate float64) (*PaymentSent, error) {
	outputs := make([]bitcoin.Output, len(candidates))
	for i, payee := range candidates {
		outputs[i] = bitcoin.Output{Value: payee.Amount, Script: p.scriptOf(payee.User)}
	}
	spent, err := p.spentCoins()
	if err != nil {
		return nil, err
	}
	height, tip, err := p.nodes.Tip(ctx)
	if err != nil {
		return nil, err
	}
	draft, paid, err := p.wallet.Draft(ctx, outputs, rate, spent)
	if err != nil {
		return nil, err
	}
	draft.Height, draft.Tip = height, tip
	now := time.Now().UnixMilli()
	intent := &sharelog.Payment{Number: p.accounts.NextPaymentNumber(), TimeMillis: now}
	result := &PaymentSent{Number: intent.Number, TxID: draft.ID, Fee: draft.Fee}
	for i, payee := range candidates {
		if paid[i] {
			intent.Payees = append(intent.Payees, payee)
		} else {
			result.Unpaid = append(result.Unpaid, Unpaid{p.accounts.AddressOf(payee.User), payee.Amount})
		}
	}
	result.Payees = len(intent.Payees)
	// The order is what makes a crash harmless. After this line nothing was promised and the draft is removed; after
	// the next the intention takes the amounts out of the accounts, with the id of the one transaction that may pay
	// them; only then is it sent.
	if err := p.outbox.Put(intent.Number, []*wallet.Draft{draft}); err != nil {
		return nil, err
	}
	p.writer.Record(intent)
	sent := &sharelog.Sent{Number: intent.Number, TimeMillis: now, TxID: draft.ID, Fee: draft.Fee, Height: height}
	if err := p.accounts.RecordDurably(ctx, sent); err != nil {
		return nil, err
	}
	p.accounts.Unclaim(intent.Payees)
	if err := p.wallet.Send(ctx, draft.Raw); err != nil {
		return result, fmt.Errorf("payment %d is entered and may or may not have been sent; the same transaction, or "+
			"one that spends the same coin, is sent until the chain has it: %w", intent.Number, err)
	}
	return result, nil
}

// spentCoins are the coins of payments that the chain has not decided: another payment must not spend
// them.
func (p *Payments) spentCoins() (map[wire.OutPoint]bool, error) {
	spent := map[wire.OutPoint]bool{}
	for _, open := range p.accounts.OpenPayments() {
		drafts, err := p.outbox.Get(open.Number)
		if err != nil {
			continue // reported by watchPayments; the wallet itself offers no coin that is spent
		}
		children, err := p.outbox.Children(open.Number)
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
