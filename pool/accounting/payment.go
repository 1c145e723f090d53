package accounting

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// payment is a payment from the operator's wallet: intended, then sent once or more, then settled by
// the chain. Until it is, its amounts are on the account "paying".
type Payment struct {
	*sharelog.Payment
	entry   Entry
	Sent    []*sharelog.Sent
	Child   []*sharelog.Child // that raise the fee of one that was sent
	Done    *sharelog.Paid    // logs of before: sent was paid, refused was not
	Settled *sharelog.Settled // what the chain says

	EntryIndex uint64 // for an auditor
}

func (p *Payment) Open() bool { return p.Done == nil && p.Settled == nil }

// transaction is what has paid, and when; false while nothing has.
func (p *Payment) Transaction() (id bitcoin.Hash, timeMillis int64, paid bool) {
	switch {
	case p.Settled != nil && p.Settled.Outcome == sharelog.OutcomeConfirmed:
		return p.Settled.TxID, p.Settled.TimeMillis, true
	case p.Done != nil && p.Done.TxID != (bitcoin.Hash{}):
		return p.Done.TxID, p.Done.TimeMillis, true
	}
	return id, 0, false
}

func (p *Payment) total() (total money.Satoshi) {
	for _, payee := range p.Payees {
		total += payee.Amount
	}
	return total
}

// payment takes what is to be paid out of the users' accounts before the node is asked.
func (a *State) payment(r *sharelog.Payment) ([]Entry, error) {
	if r.Number != uint64(len(a.Payments))+1 {
		return nil, fmt.Errorf("payment %d comes after payment %d", r.Number, len(a.Payments))
	}
	e := Entry{Key: fmt.Sprintf("payment %d", r.Number), TimeMillis: r.TimeMillis, Memo: "payment"}
	for _, p := range r.Payees {
		e.Postings = append(e.Postings, Posting{Account: UserAccount(p.User), Amount: -p.Amount}, Posting{Account: "paying", Amount: p.Amount})
	}
	a.Payments = append(a.Payments, &Payment{Payment: r, entry: e})
	return []Entry{e}, nil
}

var errNotOpen = errors.New("which is not open")

func (a *State) openPayment(number uint64) (*Payment, error) {
	at := slices.IndexFunc(a.Payments, func(p *Payment) bool { return p.Number == number })
	if at < 0 || !a.Payments[at].Open() {
		return nil, fmt.Errorf("outcome of payment %d, %w", number, errNotOpen)
	}
	return a.Payments[at], nil
}

// paid books the outcome in logs of before: out of the wallet, with the fee, or back to the users.
func (a *State) paid(r *sharelog.Paid) ([]Entry, error) {
	p, err := a.openPayment(r.Number)
	if err != nil {
		return nil, err
	}
	p.Done = r
	if r.TxID == (bitcoin.Hash{}) {
		return []Entry{p.entry.Reverse(fmt.Sprintf("unpaid %d", r.Number), "payment refused", r.TimeMillis)}, nil
	}
	return []Entry{p.leaves(r.TxID, r.Fee, r.TimeMillis)}, nil
}

// leaves takes a payment and its fee, which is the operator's, out of the wallet.
func (p *Payment) leaves(id bitcoin.Hash, fee money.Satoshi, timeMillis int64) Entry {
	total := p.total()
	return Entry{
		Key: fmt.Sprintf("paid %d", p.Number), TimeMillis: timeMillis, Memo: "transaction " + id.String(),
		Postings: []Posting{{Account: "paying", Amount: -total}, {Account: "wallet", Amount: total + fee}, {Account: "operator", Amount: -fee}},
	}
}

// sent books nothing: a transaction on its way has paid nobody.
func (a *State) sent(r *sharelog.Sent) error {
	p, err := a.openPayment(r.Number)
	if err == nil {
		p.Sent = append(p.Sent, r)
	}
	return err
}

// child books nothing either: it moves the wallet's own coins, and its fee counts once it is mined.
func (a *State) child(r *sharelog.Child) error {
	p, err := a.openPayment(r.Number)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(p.Sent, func(s *sharelog.Sent) bool { return s.TxID == r.Parent }) {
		return fmt.Errorf("child of transaction %s, which payment %d has not sent", r.Parent, r.Number)
	}
	p.Child = append(p.Child, r)
	return nil
}

// settled books what the chain has made of a payment. One that says the same of a settled payment, in another block,
// books nothing: a deep reorganisation has moved it.
func (a *State) settled(r *sharelog.Settled) ([]Entry, error) {
	at := slices.IndexFunc(a.Payments, func(p *Payment) bool { return p.Number == r.Number })
	if at >= 0 && movedTo(a.Payments[at].Settled, r) {
		a.Payments[at].Settled = r
		return nil, nil
	}
	p, err := a.openPayment(r.Number)
	if err != nil {
		return nil, err
	}
	p.Settled = r
	switch r.Outcome {
	case sharelog.OutcomeConfirmed:
		return []Entry{p.leaves(r.TxID, r.Fee, r.TimeMillis)}, nil
	case sharelog.OutcomeConflicted:
		return []Entry{p.entry.Reverse(fmt.Sprintf("unpaid %d", r.Number), "its coins were spent by "+r.TxID.String(), r.TimeMillis)}, nil
	}
	return []Entry{p.entry.Reverse(fmt.Sprintf("unpaid %d", r.Number), "payment was never signed", r.TimeMillis)}, nil
}

// movedTo tells whether a record says of a settled payment only that its transaction is in another block.
func movedTo(known, r *sharelog.Settled) bool {
	return known != nil && known.Outcome != sharelog.OutcomeDropped && known.Outcome == r.Outcome &&
		known.TxID == r.TxID && known.Fee == r.Fee && known.Block != r.Block
}
