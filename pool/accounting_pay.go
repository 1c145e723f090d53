package pool

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/books"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// payment is a payment from the operator's wallet: intended, then sent once or more, then settled by
// the chain. Until it is, its amounts are on the account "paying".
type payment struct {
	*sharelog.Payment
	entry   books.Entry
	sent    []*sharelog.Sent
	child   []*sharelog.Child // that raise the fee of one that was sent
	done    *sharelog.Paid    // logs of before: sent was paid, refused was not
	settled *sharelog.Settled // what the chain says

	entryIndex uint64 // for an auditor
}

func (p *payment) open() bool { return p.done == nil && p.settled == nil }

// transaction is what has paid, and when; false while nothing has.
func (p *payment) transaction() (id bitcoin.Hash, timeMillis int64, paid bool) {
	switch {
	case p.settled != nil && p.settled.Outcome == sharelog.OutcomeConfirmed:
		return p.settled.TxID, p.settled.TimeMillis, true
	case p.done != nil && p.done.TxID != (bitcoin.Hash{}):
		return p.done.TxID, p.done.TimeMillis, true
	}
	return id, 0, false
}

func (p *payment) total() (total money.Satoshi) {
	for _, payee := range p.Payees {
		total += payee.Amount
	}
	return total
}

// payment takes what is to be paid out of the users' accounts before the node is asked.
func (a *accounting) payment(r *sharelog.Payment) ([]books.Entry, error) {
	if r.Number != uint64(len(a.payments))+1 {
		return nil, fmt.Errorf("payment %d comes after payment %d", r.Number, len(a.payments))
	}
	e := books.Entry{Key: fmt.Sprintf("payment %d", r.Number), TimeMillis: r.TimeMillis, Memo: "payment"}
	for _, p := range r.Payees {
		e.Postings = append(e.Postings, books.Posting{Account: userAccount(p.User), Amount: -p.Amount}, books.Posting{Account: "paying", Amount: p.Amount})
	}
	a.payments = append(a.payments, &payment{Payment: r, entry: e})
	return []books.Entry{e}, nil
}

var errNotOpen = errors.New("which is not open")

func (a *accounting) openPayment(number uint64) (*payment, error) {
	at := slices.IndexFunc(a.payments, func(p *payment) bool { return p.Number == number })
	if at < 0 || !a.payments[at].open() {
		return nil, fmt.Errorf("outcome of payment %d, %w", number, errNotOpen)
	}
	return a.payments[at], nil
}

// paid books the outcome in logs of before: out of the wallet, with the fee, or back to the users.
func (a *accounting) paid(r *sharelog.Paid) ([]books.Entry, error) {
	p, err := a.openPayment(r.Number)
	if err != nil {
		return nil, err
	}
	p.done = r
	if r.TxID == (bitcoin.Hash{}) {
		return []books.Entry{p.entry.Reverse(fmt.Sprintf("unpaid %d", r.Number), "payment refused", r.TimeMillis)}, nil
	}
	return []books.Entry{p.leaves(r.TxID, r.Fee, r.TimeMillis)}, nil
}

// leaves takes a payment and its fee, which is the operator's, out of the wallet.
func (p *payment) leaves(id bitcoin.Hash, fee money.Satoshi, timeMillis int64) books.Entry {
	total := p.total()
	return books.Entry{
		Key: fmt.Sprintf("paid %d", p.Number), TimeMillis: timeMillis, Memo: "transaction " + id.String(),
		Postings: []books.Posting{{Account: "paying", Amount: -total}, {Account: "wallet", Amount: total + fee}, {Account: "operator", Amount: -fee}},
	}
}

// sent books nothing: a transaction on its way has paid nobody.
func (a *accounting) sent(r *sharelog.Sent) error {
	p, err := a.openPayment(r.Number)
	if err == nil {
		p.sent = append(p.sent, r)
	}
	return err
}

// child books nothing either: it moves the wallet's own coins, and its fee counts once it is mined.
func (a *accounting) child(r *sharelog.Child) error {
	p, err := a.openPayment(r.Number)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(p.sent, func(s *sharelog.Sent) bool { return s.TxID == r.Parent }) {
		return fmt.Errorf("child of transaction %s, which payment %d has not sent", r.Parent, r.Number)
	}
	p.child = append(p.child, r)
	return nil
}

// settled books what the chain has made of a payment.
func (a *accounting) settled(r *sharelog.Settled) ([]books.Entry, error) {
	p, err := a.openPayment(r.Number)
	if err != nil {
		return nil, err
	}
	p.settled = r
	switch r.Outcome {
	case sharelog.OutcomeConfirmed:
		return []books.Entry{p.leaves(r.TxID, r.Fee, r.TimeMillis)}, nil
	case sharelog.OutcomeConflicted:
		return []books.Entry{p.entry.Reverse(fmt.Sprintf("unpaid %d", r.Number), "its coins were spent by "+r.TxID.String(), r.TimeMillis)}, nil
	}
	return []books.Entry{p.entry.Reverse(fmt.Sprintf("unpaid %d", r.Number), "payment was never signed", r.TimeMillis)}, nil
}
