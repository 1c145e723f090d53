package node

import (
	"context"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/intake"
	"github.com/aqsha/aqsha/token"
)

// request is a transaction on its way. The stage that holds it owns it. Only its stage writes to it, so no field has a
// lock: it is passed on by channels, and read by the sender once done is closed. Where others order, a copy travels,
// and the fate is written under the lock of ordering.
type request struct {
	tx       *token.Transaction
	keyed    [2]token.PublicKey // room for verified, enough for nearly all
	keys     []token.PublicKey  // under which its signatures were verified; nil if they were not
	hopeless *token.Error       // why it was not even verified
	forged   int                // 1 + the witness found not valid under keys; 0 for none
	plain    bool               // all common libraries take the signatures, if they are valid under keys
	wanted   *wanted            // what was compiled for it
	refused  *token.Error
	hidden   bool // why it is refused is not for who may not read what it names: its signatures do not hold
	receipt  Receipt
}

// submission is what travels through the pipeline together and is answered together: one
// transaction, or up to a unit of them that came in one request.
type submission struct {
	requests []request
	bytes    int       // of the encoded transactions
	since    time.Time // it was taken in
	place    intake.Place[*submission]
	// requests that wait for their order, where others have a say in it; guarded by the lock of those
	undecided int
	done      chan struct{} // closed when every request's fate is final
}

// Submit takes a transaction in and answers when it is durable, or why it is refused. When ctx ends first, the
// transaction may still be executed: ask for its id. An error is a *token.Error with a code of the ledger's, of form,
// or of this package (errors.go); or ctx's. The same transaction again gets the receipt of the first time.
func (n *Node) Submit(ctx context.Context, tx *token.Transaction) (Receipt, error) {
	receipts, errs := n.SubmitAll(ctx, []*token.Transaction{tx})
	return receipts[0], errs[0]
}

// Sender is who sends transactions: whose share of the queue they take, and what it may be told of.
type Sender struct {
	Source intake.Source
	// Reads says whether it may read a wallet, and so learn why what that wallet did not sign is refused. Nil is
	// nothing; the operator's own process reads all.
	Reads func(id token.WalletID, w ledger.Wallet, known bool) bool
}

// SubmitAll takes transactions in, in order, and answers each. Both results are as long as txs and in its order; where
// the error is nil the receipt counts. They are not one unit: some may be executed and others refused.
func (n *Node) SubmitAll(ctx context.Context, txs []*token.Transaction) ([]Receipt, []error) {
	return n.SubmitAllOf(ctx, Sender{}, txs)
}

// SubmitAllOf is SubmitAll for a sender. As many travel at a time as its share of the queue has room for.
func (n *Node) SubmitAllOf(ctx context.Context, sender Sender, txs []*token.Transaction) ([]Receipt, []error) {
	receipts, errs := make([]Receipt, len(txs)), make([]error, len(txs))
	var sent []*submission
	answered, from := 0, 0
	collect := func() {
		s := sent[0]
		sent = sent[1:]
		n.answer(ctx, sender, s, receipts[answered:], errs[answered:])
		answered += len(s.requests)
	}
	for from < len(txs) {
		s, err := n.offer(sender, txs[from:from+fitting(txs[from:])], false)
		full := codeIs(err, Overloaded)
		if full && len(sent) > 0 && ctx.Err() == nil {
			collect() // what it has sent itself stands in its way
			continue
		}
		if err != nil {
			if full || codeIs(err, SourceBarred) {
				n.metrics.overloaded.Add(uint64(len(txs) - from))
			}
			for i := from; i < len(txs); i++ {
				errs[i] = err
			}
			break
		}
		sent = append(sent, s)
		from += len(s.requests)
	}
	for len(sent) > 0 {
		collect()
	}
	return receipts, errs
}

// fitting is how many of some transactions, from the first on, fit one submission.
func fitting(txs []*token.Transaction) int {
	bytes := 0
	for i, tx := range txs {
		if bytes += len(tx.Encode()); i == maxUnit || (i > 0 && bytes > maxUnitBytes) {
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
	s, err := n.offer(Sender{}, txs, true)
	if err != nil {
		if codeIs(err, Overloaded) {
			n.metrics.overloaded.Add(uint64(len(txs)))
		}
		return nil, err
	}
	return func(ctx context.Context) ([]Receipt, []error) {
		receipts, errs := make([]Receipt, len(txs)), make([]error, len(txs))
		n.answer(ctx, Sender{}, s, receipts, errs)
		return receipts, errs
	}, nil
}

// Barred says for how long a sender is refused because what it sent was forged, and whether a single transaction of it
// would be verified all the same. Zero is of senders in good standing.
func (n *Node) Barred(sender Sender) (wait time.Duration, single bool) {
	return n.ingest.Barred(sender.Source)
}

// offer hands transactions to the pipeline, as many from the first on as the sender's share has room for (or all), or
// refuses them when it is full.
func (n *Node) offer(sender Sender, txs []*token.Transaction, all bool) (*submission, error) {
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
	n.closing.RLock()
	defer n.closing.RUnlock()
	if n.closed {
		return nil, refuse(Stopped, "", "the node is shutting down")
	}
	place, waiting := n.ingest.Reserve(sender.Source, len(txs))
	switch {
	case place.N == 0 || (all && place.N < len(txs)):
		n.ingest.Done(place)
		if sender.Source.Class == intake.Own {
			return nil, refuse(Overloaded, "", "%d transactions wait already", waiting)
		}
		if place.Disgraced {
			return nil, refuse(SourceBarred, "",
				"what came from you was forged: so much of it is verified, and no more")
		}
		return nil, refuse(Overloaded, "", "%d transactions of yours wait already, or the queue is full", waiting)
	default:
		txs = txs[:place.N]
	}
	s := &submission{requests: make([]request, len(txs)), done: make(chan struct{}), since: time.Now(), place: place}
	for i, tx := range txs {
		s.requests[i].tx = tx
		s.bytes += len(tx.Encode())
	}
	n.stages[stageExecutor].begin(len(txs))
	n.ingest.Push(place, s)
	return s, nil
}

// answer waits for a submission's fate. When ctx ends first it is not known: the transactions are in the queue, and
// may be executed. A refusal is held against the log before it is given: of a transaction that was executed before,
// the receipt is the answer, whatever the rules say of its repetition.
func (n *Node) answer(ctx context.Context, sender Sender, s *submission, receipts []Receipt, errs []error) {
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
			errs[i] = refuse(LookupFailed, "", "refused (%v), but whether it was executed before cannot be said now: "+
				"%v; send it again later", r.refused, err)
		case found:
			receipts[i] = receipt
		default:
			errs[i] = n.reported(sender, r)
		}
	}
}

// reported is what a sender is told of a refusal. Who may sign for a wallet, and whether it is there, is the concern of
// those who may read it: what is not signed as it must be is no way to ask.
func (n *Node) reported(sender Sender, r *request) *token.Error {
	if !r.hidden || sender.Source.Class == intake.Own {
		return r.refused
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, id := range ledger.Signing(r.tx.Body) {
		w, known := n.state.Wallet(id)
		if sender.Reads == nil || !sender.Reads(id, w, known) {
			return notAccepted
		}
	}
	return r.refused
}

// notAccepted is all that a stranger is told of a transaction whose signatures do not hold.
var notAccepted = refuse(NotAccepted, "witnesses", "it is not signed as the ledger wants it: a wallet that must sign "+
	"is not there, has another key, or has not signed; who may read the wallet is told which")

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
