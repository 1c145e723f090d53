package accounts

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/btcsuite/btcd/wire/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// What payments ask of the accounts.

// Terms are those by which users are paid as the log says; nil: it does not.
func (a *Accounts) Terms(ctx context.Context) (*sharelog.PaymentTerms, error) {
	if err := a.CatchUp(ctx); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state.PayTerms == nil {
		return nil, nil
	}
	terms := *a.state.PayTerms
	return &terms, nil
}

// MayPay holds books and log against each other before each payment.
func (a *Accounts) MayPay(ctx context.Context) error {
	if err := a.CatchUp(ctx); err != nil {
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

// Choose lists who is to be paid now and how much, the oldest debts first. Debts that a coinbase pays that is still out
// wait; from now on no new one pays what the wallet is to pay. The claims hold until the payment is entered (Unclaim),
// or the next Choose: a payment that is not made keeps back only the debts that coinbases would pay.
func (a *Accounts) Choose(ctx context.Context, minimum money.Satoshi,
	sweepAfter time.Duration) ([]sharelog.Payee, error) {
	a.layout.Lock()
	defer a.layout.Unlock()
	// A job that is laid out is queued: it counts once it is in the log.
	if err := a.writer.Flush(ctx); err != nil {
		return nil, err
	}
	if err := a.CatchUp(ctx); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.claimed)
	now := time.Now()
	var payees []sharelog.Payee
	for user := range a.state.Since {
		if !due(a.state, user, a.state.Debt(user), minimum, sweepAfter, now) {
			continue
		}
		a.claimed[user] = true
		if amount := a.state.Payable(user); due(a.state, user, amount, minimum, sweepAfter, now) {
			payees = append(payees, sharelog.Payee{User: user, Amount: amount})
		}
	}
	slices.SortFunc(payees, func(x, y sharelog.Payee) int {
		return cmp.Or(cmp.Compare(a.state.Since[x.User], a.state.Since[y.User]), cmp.Compare(x.User, y.User))
	})
	return payees, nil
}

// due tells whether an amount is to be paid to a user: it is at least the minimum, or the user has left.
func due(a *accounting.State, user uint64, amount money.Satoshi, minimum money.Satoshi, sweepAfter time.Duration,
	now time.Time) bool {
	if amount < payout.Dust {
		return false
	}
	left := sweepAfter > 0 && now.Sub(time.UnixMilli(a.LastShare[user])) > sweepAfter
	return amount >= minimum || left
}

// Unclaim gives back to coinbases what a payment that was chosen has entered.
func (a *Accounts) Unclaim(payees []sharelog.Payee) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range payees {
		delete(a.claimed, p.User)
	}
}

// AddressOf is a user's address.
func (a *Accounts) AddressOf(user uint64) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Address[user]
}

// NextPaymentNumber is the number that the next payment gets.
func (a *Accounts) NextPaymentNumber() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return uint64(len(a.state.Payments) + 1)
}

// OpenPayments are those that the chain has not decided.
func (a *Accounts) OpenPayments() (open []accounting.Payment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.state.Payments {
		if p.Open() {
			open = append(open, *p)
		}
	}
	return open
}

// NextPayday is an interval after the last payment in the log, or after the log's beginning: a restart does
// not begin the interval anew.
func (a *Accounts) NextPayday(interval time.Duration) time.Time {
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

// SettledSince are the payments that the chain has settled in a block from a height on.
func (a *Accounts) SettledSince(height uint64) (settled []accounting.Payment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.state.Payments {
		if p.Settled != nil && p.Settled.Outcome != sharelog.OutcomeDropped && p.Settled.Height >= height {
			settled = append(settled, *p)
		}
	}
	return settled
}

var errReconciling = errors.New("the log has not been held against the chain and the wallet since the start")

// ReconciledFrom is up to where the log was held against the chain and the wallet, which it says from now on; nil when
// it has nothing that could be missing. Where there is a chain to ask nobody is paid until it has been.
func (a *Accounts) ReconciledFrom(asks bool) *sharelog.Reconciled {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := a.state.Reconciled
	if from == nil && a.state.Height > 0 {
		from = &sharelog.Reconciled{TimeMillis: a.state.NewestMilli, Height: a.state.Height}
		a.writer.Record(from)
	}
	if from != nil && asks {
		a.outside = errReconciling
	}
	return from
}

// SetOutside says what chain, wallet or a mirror know and the log does not; nil: nothing. It returns what was said
// before, nil too when they had not been asked yet, and why nobody is paid now.
func (a *Accounts) SetOutside(missing error) (before, fault error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if before = a.outside; errors.Is(before, errReconciling) {
		before = nil
	}
	a.outside = missing
	return before, a.stopped()
}

// Knows says whether the log has a transaction.
func (a *Accounts) Knows(id bitcoin.Hash) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.Knows(id)
}

// HasBlock says whether the log has a block of the pool's, or a job as late as the block's on its parent.
func (a *Accounts) HasBlock(hash, previous bitcoin.Hash, jobMark uint32) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state.HasBlock(hash, previous, jobMark)
}

// PayeesBefore are the users that a transaction of a time pays, by output script. What they were owed before the log's
// gap is what it has paid of it; the rest was for work that the log has lost. It reads the log up to the gap with the
// lock held, which takes as long as that is; only an operator's recovery asks it.
func (a *Accounts) PayeesBefore(ctx context.Context, tx *wire.MsgTx, at time.Time,
	users map[string]uint64) (payees []sharelog.Payee, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	gap := a.state.GapBefore(at.UnixMilli() + 999) // wallets and blocks tell whole seconds
	before := accounting.New()
	before.Recall = a.state.Recall
	for entry, err := range a.log.Entries(0, gap) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		_, _ = before.ApplyEntry(entry) // what it does not understand is a fault of its own
	}
	recovered := a.state.RecoveredSince(gap)
	for _, out := range tx.TxOut {
		user := users[string(out.PkScript)]
		if user == 0 || out.Value <= 0 {
			continue
		}
		account, paid := accounting.UserAccount(user), money.Satoshi(out.Value)
		amount := max(0, min(paid, before.Balance[account]-recovered[user], a.state.Balance[account]))
		recovered[user] += amount
		payees = append(payees, sharelog.Payee{User: user, Amount: amount, Debt: paid - amount})
	}
	return payees, nil
}
