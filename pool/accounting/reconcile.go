package accounting

import (
	"errors"
	"fmt"
	"maps"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// What a log has lost, and others know: see pool/reconcile.

// Start is where a process has begun to write the log, or has changed the scheme: what the log has lost was after the
// entry before.
type Start struct {
	Entry  uint64
	Before int64 // the newest time in the log then, milliseconds
}

// keptParents is how far below Reconciled the blocks are kept that jobs were on.
const keptParents = 200

func (a *State) reconciled(r *sharelog.Reconciled) {
	a.Reconciled, a.Starts = r, nil
	maps.DeleteFunc(a.parents, func(_ bitcoin.Hash, j lastJob) bool { return j.height+keptParents < r.Height })
}

// Knows tells whether a transaction is a payment's, or one that has spent its coin, or was set aside.
func (a *State) Knows(id bitcoin.Hash) bool { return a.known[id] }

// lastJob is the newest job on a parent.
type lastJob struct{ height, number uint64 }

// HasBlock tells whether the log has a block of the pool's, or a job on its parent that is no older than the block's
// own: then the log was alive at the time, and the block is one that nobody is credited for. A job on the parent alone
// says nothing: a backup that was made under the same tip has one, and the first block after it is lost all the same. A
// coinbase has the low 32 bits of its job's number, which may have begun again.
func (a *State) HasBlock(hash, previous bitcoin.Hash, jobMark uint32) bool {
	if newest, has := a.parents[previous]; has && int32(jobMark-uint32(newest.number)) <= 0 {
		return true
	}
	for _, b := range a.Blocks {
		if b.Hash == hash {
			return true
		}
	}
	return false
}

// GapBefore is the entry before which the log has lost what happened at a time: the latest start before which it names
// no later time. Without any it is the log's end.
func (a *State) GapBefore(millis int64) uint64 {
	gap := a.Position
	for _, s := range a.Starts {
		if s.Before <= millis {
			gap = s.Entry
		}
	}
	return gap
}

// RecoveredSince is what was recovered for users from an entry on.
func (a *State) RecoveredSince(entry uint64) map[uint64]money.Satoshi {
	sum := map[uint64]money.Satoshi{}
	for _, p := range a.Payments {
		if p.Recovered != nil && p.EntryIndex >= entry {
			for _, payee := range p.Payees {
				sum[payee.User] += payee.Amount
			}
		}
	}
	return sum
}

var errKnown = errors.New("recovers a transaction that the log knows")

// recovered books a payment that the log did not know, or sets a transaction aside. A block that the log did not know
// has credited as much as its coinbase has paid, beside what was owed before.
func (a *State) recovered(index uint64, r *sharelog.Recovered) ([]Entry, error) {
	switch {
	case a.known[r.TxID]:
		return nil, errKnown
	case r.Number == 0 && len(r.Payees) > 0:
		return nil, errors.New("sets a transaction aside that pays users")
	case r.Number == 0:
		a.known[r.TxID] = true
		return nil, nil
	case r.Number != uint64(len(a.Payments))+1:
		return nil, fmt.Errorf("payment %d comes after payment %d", r.Number, len(a.Payments))
	}
	e := Entry{Key: fmt.Sprintf("payment %d", r.Number), TimeMillis: r.TimeMillis, Memo: "payment recovered"}
	for _, p := range r.Payees {
		if owed := a.Balance[UserAccount(p.User)]; p.User == 0 || p.Amount > max(owed, 0) {
			return nil, fmt.Errorf("recovers %d satoshi to user %d, who is owed %d", p.Amount, p.User, owed)
		}
		if p.Amount > 0 {
			e.Postings = append(e.Postings, Posting{Account: UserAccount(p.User), Amount: -p.Amount},
				Posting{Account: "paying", Amount: p.Amount})
		}
	}
	p := &Payment{
		Payment: &sharelog.Payment{Number: r.Number, TimeMillis: r.TimeMillis, Payees: r.Payees}, Recovered: r,
		entry: e, EntryIndex: index,
		Settled: &sharelog.Settled{Number: r.Number, TimeMillis: r.TimeMillis, Outcome: sharelog.OutcomeConfirmed,
			TxID: r.TxID, Fee: r.Fee, Height: r.Height, Block: r.Block},
	}
	a.Payments = append(a.Payments, p)
	a.known[r.TxID] = true
	if p.outcome = p.leaves(p.Settled, r.Fee); p.total() == 0 && r.Fee == 0 {
		return nil, nil // all was for work that the log has lost
	}
	if len(e.Postings) == 0 {
		return []Entry{p.outcome}, nil
	}
	return []Entry{e, p.outcome}, nil
}

// from is the account that a payment leaves.
func (p *Payment) from() string {
	if p.Recovered != nil && p.Recovered.Coinbase {
		return "recovered"
	}
	return "wallet"
}
