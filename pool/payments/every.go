package payments

import (
	"context"
	"errors"
	"time"
)

// payRetry is how soon a payment is tried again that could not be made, or for which nobody was owed enough.
const payRetry = time.Minute

// PayEvery pays at intervals, counted from the last payment, until ctx ends. The time of the last payment is the log's,
// so neither a restart nor a clock that was wrong for a while pays more often.
func (p *Payments) PayEvery(ctx context.Context, interval time.Duration, options PayOptions) {
	p.options.Store(&options)
	p.mu.Lock()
	err := p.announceTerms(ctx, options)
	p.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		p.logger.Warn("payment terms", "error", err)
	}
	tried := time.Time{}
	for {
		next := p.accounts.NextPayday(interval)
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
func (p *Payments) logPay(sent *PaymentSent, err error) {
	switch {
	case sent == nil:
		p.logger.Warn("not paid", "error", err)
		return
	case err != nil:
		p.logger.Warn("payment entered, not known to be sent", "number", sent.Number, "transaction", sent.TxID, "error",
			err)
	default:
		p.logger.Info("payment sent", "number", sent.Number, "transaction", sent.TxID, "fee", sent.Fee, "payees",
			sent.Payees)
	}
	for _, u := range sent.Unpaid {
		p.logger.Warn("not paid: the wallet has too little", "address", u.Address, "amount", u.Amount)
	}
}
