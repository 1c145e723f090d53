package node

import (
	"context"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// request is a transaction on its way. The stage that holds it owns it.
type request struct {
	tx      *token.Transaction
	keyed   [2]token.PublicKey // room for verified, enough for nearly all
	keys    []token.PublicKey  // under which its signatures were verified; nil if they were not
	forged  int                // 1 + the witness found not valid under keys; 0 for none
	plain   bool               // all common libraries take the signatures, if they are valid under keys
	refused *token.Error
	receipt Receipt
}

// submission is what travels through the pipeline together and is answered together: one
// transaction, or up to a unit of them that came in one request.
type submission struct {
	requests []request
	bytes    int           // of the encoded transactions
	since    time.Time     // it was taken in
	done     chan struct{} // closed when every request's fate is final
}

// Submit takes a transaction in and answers when it is durable, or why it is refused. When ctx
// ends first, the transaction may still be executed: ask for its id.
func (n *Node) Submit(ctx context.Context, tx *token.Transaction) (Receipt, error) {
	receipts, errs := n.SubmitAll(ctx, []*token.Transaction{tx})
	return receipts[0], errs[0]
}

// SubmitAll takes transactions in, in order, and answers each.
func (n *Node) SubmitAll(ctx context.Context, txs []*token.Transaction) ([]Receipt, []error) {
	receipts, errs := make([]Receipt, len(txs)), make([]error, len(txs))
	var sent []*submission
	for from := 0; from < len(txs); {
		part := txs[from : from+fitting(txs[from:])]
		s, err := n.offer(part)
		if err != nil {
			for i := from; i < len(txs); i++ {
				errs[i] = err
			}
			break
		}
		sent = append(sent, s)
		from += len(part)
	}
	at := 0
	for _, s := range sent {
		n.answer(ctx, s, receipts[at:], errs[at:])
		at += len(s.requests)
	}
	return receipts, errs
}

// fitting is how many of some transactions, from the first on, fit one submission.
func fitting(txs []*token.Transaction) int {
	bytes := 0
	for i, tx := range txs {
		if bytes += len(tx.Encode()); i == unitMost || (i > 0 && bytes > unitBytesMost) {
			return i
		}
	}
	return len(txs)
}

// Offer takes transactions in, in order, at most as many as fit a unit, and returns at once; wait answers each.
func (n *Node) Offer(txs []*token.Transaction) (wait func(ctx context.Context) ([]Receipt, []error), err error) {
	if len(txs) == 0 {
		return nil, refuse(token.TooFew, "", "no transaction")
	}
	if fits := fitting(txs); fits < len(txs) {
		return nil, refuse(token.TooMany, "", "%d transactions, of which %d fit at once", len(txs), fits)
	}
	s, err := n.offer(txs)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) ([]Receipt, []error) {
		receipts, errs := make([]Receipt, len(txs)), make([]error, len(txs))
		n.answer(ctx, s, receipts, errs)
		return receipts, errs
	}, nil
}

// offer hands transactions to the pipeline, or refuses them when the queue is full.
func (n *Node) offer(txs []*token.Transaction) (*submission, error) {
	if err := n.Err(); err != nil {
		return nil, err
	}
	if n.config.Leader != "" {
		return nil, refuse(Following, "", "this node copies the log of %s: send transactions there", n.config.Leader)
	}
	if _, doubted := n.clock.read(n.shownTime.Load()); doubted != nil {
		return nil, doubted
	}
	if full := n.full(); full != nil && !n.config.Synchronous { // who does the work of all stages looks for himself
		return nil, full
	}
	s := &submission{requests: make([]request, len(txs)), done: make(chan struct{}), since: time.Now()}
	for i, tx := range txs {
		s.requests[i].tx = tx
		s.bytes += len(tx.Encode())
	}
	n.closing.RLock()
	defer n.closing.RUnlock()
	if n.closed {
		return nil, refuse(Stopped, "", "the node is shutting down")
	}
	if waiting := n.waiting.Add(int64(len(txs))); waiting > int64(n.config.Queue) {
		n.waiting.Add(-int64(len(txs)))
		n.metrics.overloaded.Add(uint64(len(txs)))
		return nil, refuse(Overloaded, "", "%d transactions wait already", waiting-int64(len(txs)))
	}
	n.stages[stageExecutor].begin(len(txs))
	n.ingest <- s // has room for as many submissions as transactions may wait
	return s, nil
}

// answer waits for a submission's fate.
func (n *Node) answer(ctx context.Context, s *submission, receipts []Receipt, errs []error) {
	if n.config.Synchronous {
		n.pump()
	}
	select {
	case <-s.done:
	case <-ctx.Done():
		for i := range s.requests {
			errs[i] = ctx.Err()
		}
		return
	}
	for i := range s.requests {
		r := &s.requests[i]
		if r.refused == nil {
			receipts[i] = r.receipt
			continue
		}
		switch receipt, found, err := n.executedBefore(ctx, r); {
		case err != nil:
			errs[i] = refuse(LookupFailed, "", "refused (%v), but whether it was executed before cannot be said now: %v; send it again later", r.refused, err)
		case found:
			receipts[i] = receipt
		default:
			errs[i] = r.refused
		}
	}
}

// executedBefore finds a refused transaction among those executed: the same sent twice gets the same answer. When the
// index cannot say, the refusal is not final: the transaction may be among those executed.
func (n *Node) executedBefore(ctx context.Context, r *request) (Receipt, bool, error) {
	if n.index == nil {
		return Receipt{}, false, nil
	}
	if err := n.Err(); err != nil {
		if final(r.refused.Code) {
			return Receipt{}, false, err
		}
		return Receipt{}, false, nil
	}
	return n.Lookup(ctx, r.tx.ID())
}

// final says whether a refusal means that the transaction can never be executed any more.
func final(code token.Code) bool { return code == ledger.Expired || code == ledger.TokenNotLive }
