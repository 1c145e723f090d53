package node

import (
	"context"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// request is a transaction on its way. The stage that holds it owns it.
type request struct {
	tx      *token.Transaction
	keys    []token.PublicKey // under which its signatures were found valid; nil if not verified
	refused *token.Error
	receipt Receipt
	done    chan struct{} // closed when refused or receipt is final
}

// unit is a batch of requests that are verified together. Units are executed in order of arrival,
// so that a client may send a payment that spends the one before it.
type unit struct {
	requests []*request
	verified chan struct{}
}

// unitMost is the most requests of a unit: where batch verification stops gaining.
const unitMost = 1024

// block is an executed block on its way to the disk, or refusals that wait for what they saw to be durable.
type block struct {
	batch    *txlog.Batch // nil when nothing was executed
	head     Head
	requests []*request
}

// Submit takes a transaction in and answers when it is durable, or why it is refused. When ctx
// ends first, the transaction may still be executed: ask for its id.
func (n *Node) Submit(ctx context.Context, tx *token.Transaction) (Receipt, error) {
	r, err := n.offer(tx)
	if err != nil {
		return Receipt{}, err
	}
	return n.answer(ctx, r)
}

// SubmitAll takes transactions in, in order, and answers each.
func (n *Node) SubmitAll(ctx context.Context, txs []*token.Transaction) ([]Receipt, []error) {
	requests, errs := make([]*request, len(txs)), make([]error, len(txs))
	for i, tx := range txs {
		r, err := n.offer(tx)
		if err != nil {
			errs[i] = err
			continue
		}
		requests[i] = r
	}
	receipts := make([]Receipt, len(txs))
	for i, r := range requests {
		if r != nil {
			receipts[i], errs[i] = n.answer(ctx, r)
		}
	}
	return receipts, errs
}

// offer hands a transaction to the pipeline, or refuses it when the queue is full.
func (n *Node) offer(tx *token.Transaction) (*request, error) {
	if err := n.Err(); err != nil {
		return nil, err
	}
	r := &request{tx: tx, done: make(chan struct{})}
	n.closing.RLock()
	defer n.closing.RUnlock()
	if n.closed {
		return nil, refuse(Stopped, "", "the node is shutting down")
	}
	select {
	case n.ingest <- r:
		return r, nil
	default:
		n.metrics.overloaded.Add(1)
		return nil, refuse(Overloaded, "", "%d transactions wait already", cap(n.ingest))
	}
}

func (n *Node) answer(ctx context.Context, r *request) (Receipt, error) {
	select {
	case <-r.done:
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
	if r.refused == nil {
		return r.receipt, nil
	}
	if n.index != nil && n.Err() == nil {
		if receipt, found, err := n.Lookup(ctx, r.tx.ID()); err == nil && found {
			return receipt, nil // it was executed before
		}
	}
	return Receipt{}, r.refused
}

// collect groups what has arrived into units, without waiting for more.
func (n *Node) collect() {
	defer n.running.Done()
	defer close(n.units)
	defer close(n.work)
	for first := range n.ingest {
		u := &unit{requests: append(make([]*request, 0, 8), first), verified: make(chan struct{})}
	more:
		for len(u.requests) < unitMost {
			select {
			case r, ok := <-n.ingest:
				if !ok {
					break more
				}
				u.requests = append(u.requests, r)
			default:
				break more
			}
		}
		n.work <- u
		n.units <- u
	}
}

// verifier checks signatures of units, any of them.
func (n *Node) verifier() {
	defer n.running.Done()
	for u := range n.work {
		for _, r := range u.requests {
			n.verify(r)
		}
		close(u.verified)
	}
}

// verify finds the keys that a transaction's signatures must be of, as they stand now, and checks
// them. What cannot be resolved yet (a wallet registered a moment ago) is left to the executor.
func (n *Node) verify(r *request) {
	n.mu.RLock()
	keys, err := ledger.Keys(nil, n.state, r.tx)
	n.mu.RUnlock()
	if err != nil {
		return
	}
	if err := ledger.Verify(n.network, r.tx, keys); err != nil {
		return // the executor verifies again under the then present keys, and refuses
	}
	r.keys = keys
}

// dueEvery is how often the executor looks whether something falls due without anybody paying.
const dueEvery = time.Second

// execute orders and executes, one block at a time.
func (n *Node) execute() {
	defer n.running.Done()
	defer close(n.commits)
	tick := time.NewTicker(dueEvery)
	defer tick.Stop()
	for {
		select {
		case u, ok := <-n.units:
			if !ok {
				return
			}
			n.executeBlock(n.gather(u))
		case <-tick.C:
			if n.somethingDue() {
				n.executeBlock(nil)
			}
		}
	}
}

// gather waits for a unit's verification and adds units that are ready too, up to a block.
func (n *Node) gather(u *unit) []*request {
	<-u.verified
	requests := u.requests
	for len(requests) < n.config.Block {
		select {
		case next, ok := <-n.units:
			if !ok {
				return requests
			}
			<-next.verified
			requests = append(requests, next.requests...)
		default:
			return requests
		}
	}
	return requests
}

func (n *Node) somethingDue() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	now := n.config.Now()
	if p := n.state.Authority().Proposals; len(p) > 0 && p[0].DueMillis <= now {
		return true
	}
	_, due, found := n.state.NextRekey()
	return found && due <= now
}

// executeBlock makes one block of what its requests and the due list give, and passes it on.
func (n *Node) executeBlock(requests []*request) {
	b := &block{requests: requests}
	if n.Err() == nil {
		n.mu.Lock()
		if err := n.apply(b); err != nil {
			n.fail(err)
		}
		n.mu.Unlock()
	}
	n.commits <- b
}

// apply executes requests and stages the block they make, if any. The write lock is held.
func (n *Node) apply(b *block) error {
	now := max(n.config.Now(), n.head.TimeMillis)
	due := n.executor.Begin(n.head.Height+1, now)
	entries := make([][]byte, 1, 1+len(due)+len(b.requests))
	for _, s := range due {
		entries = append(entries, s.Encode())
	}
	for _, r := range b.requests {
		if r.refused = n.executor.Apply(r.tx, r.keys); r.refused != nil {
			continue
		}
		r.receipt = Receipt{ID: r.tx.ID(), Index: n.head.Size + uint64(len(entries)), Height: n.head.Height + 1, TimeMillis: now}
		raw := r.tx.Encode()
		entries = append(entries, ledger.AppendTransactionEntry(make([]byte, 0, len(raw)+3), raw))
	}
	if len(entries) > 1 {
		leaf := n.executor.Leaf(token.Hash(n.head.Root))
		entries[0] = leaf.Encode()
		batch, err := n.log.Stage(entries)
		if err != nil {
			return err
		}
		b.batch = batch
		n.head = Head{Leaf: leaf, Size: batch.Size(), Root: batch.Root()}
	}
	b.head = n.head
	return nil
}
