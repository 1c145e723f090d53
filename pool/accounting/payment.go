package accounting

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// Payment is a payment from the operator's wallet: intended, then sent once or more, then settled by the chain. Until
// it is, its amounts are on the account "paying".
//
// States, by the log alone: open (Sent and Child may grow), then either Done, in logs of before, or Settled. A settled
// one changes only to what a deep reorganisation has made of it.
type Payment struct {
	*sharelog.Payment
	entry   Entry
	Sent    []*sharelog.Sent
	Child   []*sharelog.Child // that raise the fee of one that was sent
	Done    *sharelog.Paid    // logs of before: sent was paid, refused was not
	Settled *sharelog.Settled // what the chain says
	// Recovered is what it was entered by, when the log did not know of it; it has paid more than the amounts then.
	Recovered *sharelog.Recovered

	outcome Entry // of Settled
	changed int   // how often a deep reorganisation has made something else of it

	EntryIndex uint64 // for an auditor
}

// Open says whether its outcome is not known yet.
func (p *Payment) Open() bool { return p.Done == nil && p.Settled == nil }

// Transaction is what has paid, and when, in Unix milliseconds; false while nothing has.
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
		e.Postings = append(e.Postings, Posting{Account: UserAccount(p.User), Amount: -p.Amount},
			Posting{Account: "paying", Amount: p.Amount})
	}
	a.Payments = append(a.Payments, &Payment{Payment: r, entry: e})
	a.NewestMilli = max(a.NewestMilli, r.TimeMillis)
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
	a.known[r.TxID] = true
	if r.TxID == (bitcoin.Hash{}) {
		return []Entry{p.entry.Reverse(fmt.Sprintf("unpaid %d", r.Number), "payment refused", r.TimeMillis)}, nil
	}
	return []Entry{p.leaves(&sharelog.Settled{TxID: r.TxID, TimeMillis: r.TimeMillis}, r.Fee)}, nil
}

// leaves takes a payment and its fee, which is the operator's, out of the wallet.
func (p *Payment) leaves(s *sharelog.Settled, fee money.Satoshi) Entry {
	total := p.total()
	return Entry{
		Key: p.key("paid"), TimeMillis: s.TimeMillis, Memo: "transaction " + s.TxID.String(),
		Postings: []Posting{{Account: "paying", Amount: -total}, {Account: p.from(), Amount: total + fee},
			{Account: "operator", Amount: -fee}},
	}
}

// sent books nothing: a transaction on its way has paid nobody.
func (a *State) sent(r *sharelog.Sent) error {
	p, err := a.openPayment(r.Number)
	if err == nil {
		p.Sent = append(p.Sent, r)
		a.known[r.TxID] = true
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
	a.known[r.TxID] = true
	return nil
}

// key is that of an entry of a payment's outcome, of which there may be several.
func (p *Payment) key(what string) string {
	if p.changed == 0 {
		return fmt.Sprintf("%s %d", what, p.Number)
	}
	return fmt.Sprintf("%s %d %d", what, p.Number, p.changed)
}

// settled books what the chain has made of a payment. One that says the same of a settled payment, in another block,
// books nothing: a deep reorganisation has moved it. Where that has made something else of it, the first outcome is
// undone: another transaction has spent its coins, or one of the payment's own that was given up for lost is mined.
func (a *State) settled(r *sharelog.Settled) ([]Entry, error) {
	at := slices.IndexFunc(a.Payments, func(p *Payment) bool { return p.Number == r.Number })
	if at >= 0 && changesTo(a.Payments[at].Settled, r) {
		return a.resettled(a.Payments[at], r), nil
	}
	p, err := a.openPayment(r.Number)
	if err != nil {
		return nil, err
	}
	p.Settled, p.outcome = r, p.outcomeOf(r)
	a.known[r.TxID] = true
	return []Entry{p.outcome}, nil
}

// outcomeOf is the entry of an outcome.
func (p *Payment) outcomeOf(r *sharelog.Settled) Entry {
	switch r.Outcome {
	case sharelog.OutcomeConfirmed:
		return p.leaves(r, r.Fee)
	case sharelog.OutcomeConflicted:
		return p.entry.Reverse(p.key("unpaid"), "its coins were spent by "+r.TxID.String(), r.TimeMillis)
	}
	return p.entry.Reverse(p.key("unpaid"), "payment was never signed", r.TimeMillis)
}

// resettled changes a settled payment's outcome.
func (a *State) resettled(p *Payment, r *sharelog.Settled) []Entry {
	before := p.Settled
	p.Settled = r
	a.known[r.TxID] = true
	if before.Outcome == r.Outcome && before.TxID == r.TxID {
		return nil
	}
	undo := p.outcome.Reverse(p.key("undone"), fmt.Sprintf("block %s has left the chain", before.Block), r.TimeMillis)
	p.changed++
	p.outcome = p.outcomeOf(r)
	return []Entry{undo, p.outcome}
}

// changesTo tells whether a record says of a settled payment what a deep reorganisation has made of it: it is in
// another block.
func changesTo(known, r *sharelog.Settled) bool {
	if known == nil || known.Outcome == sharelog.OutcomeDropped || r.Outcome == sharelog.OutcomeDropped ||
		known.Block == r.Block {
		return false
	}
	return known.Outcome != r.Outcome || known.TxID != r.TxID || known.Fee == r.Fee
}
