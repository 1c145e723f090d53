package node

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Sequencer orders transactions that several nodes take in, in place of each of them alone. What it has ordered comes
// back by ExecuteOrdered and CommitOrdered, at every node the same and in the same order.
type Sequencer interface {
	// Propose takes transactions that this node has taken in and verified, or says why it takes none now. It never
	// blocks for long: who waits for their fate waits in the node.
	Propose(batch *Batch) *token.Error
	// Behind says that blocks are decided, or may be, which this node has not executed yet: it fetches them. What it
	// knows of tokens and keys may be past then. It is asked often, and answers at once.
	Behind() bool
}

// MaxOrdered is the most transactions of a block that was ordered with others, as of any block.
const MaxOrdered = maxBlock

// Batch is transactions that travel together, with what the verification of their signatures came to.
type Batch struct {
	submission *submission
}

// NewBatch makes a batch of transactions that came from another node; Verify must follow.
func NewBatch(txs []*token.Transaction) *Batch {
	b := &Batch{&submission{requests: make([]request, len(txs))}}
	for i, tx := range txs {
		b.submission.requests[i].tx = tx
		b.submission.bytes += len(tx.Encode())
	}
	return b
}

// Len is how many transactions a batch has.
func (b *Batch) Len() int { return len(b.submission.requests) }

// Bytes is how long they are, encoded.
func (b *Batch) Bytes() int { return b.submission.bytes }

// Transaction is the i-th one.
func (b *Batch) Transaction(i int) *token.Transaction { return b.submission.requests[i].tx }

// Without is the batch without some of its transactions.
func (b *Batch) Without(drop []int) *Batch {
	kept := &Batch{&submission{requests: make([]request, 0, b.Len())}}
	for i := range b.submission.requests {
		if r := &b.submission.requests[i]; !slices.Contains(drop, i) {
			kept.submission.requests = append(kept.submission.requests, *r)
			kept.submission.bytes += len(r.tx.Encode())
		}
	}
	return kept
}

// VerifyBatch verifies a batch's signatures, under the keys that stand now, and compiles what it needs. It may be
// called beside everything else, once for a batch.
func (n *Node) VerifyBatch(b *Batch) {
	n.verifyUnit(&unit{submissions: []*submission{b.submission}, size: b.Len(), bytes: b.Bytes()}, n.newVerifier())
	n.compile(b.submission)
}

// Unsigned lists the transactions of a verified batch that nobody may put into a block as the ledger stands: their keys
// are known, and a signature is not one of theirs, or not one that all libraries take. It depends on nothing but the
// batch and the state after the last block.
func (n *Node) Unsigned(b *Batch) (list []int) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var keys []token.PublicKey
	for i := range b.submission.requests {
		r := &b.submission.requests[i]
		present, err := ledger.Keys(keys[:0], n.state, r.tx)
		if err != nil {
			continue // the executor says what is wrong, or a transaction before it has mended it
		}
		keys = present
		if slices.Equal(present, r.keys) {
			if r.forged != 0 || !r.plain && uncommon(r.tx, present) != nil {
				list = append(list, i)
			}
			continue
		}
		if ledger.Verify(n.network, r.tx, present) != nil || uncommon(r.tx, present) != nil {
			list = append(list, i)
		}
	}
	return list
}

// Ordered is a block as several nodes have agreed on it.
type Ordered struct {
	TimeMillis uint64
	Seed       [32]byte // of the salts of system entries: a secret of those who order
	Batches    []*Batch // verified
}

// Outcome is what a block came to.
type Outcome struct {
	Head     Head
	Verdicts []*token.Error // of each transaction, in order: nil when it was executed
}

// ordering is what a node knows of transactions that were handed to a sequencer. mu is never held while a block is
// executed. A transaction is in waiting from propose until its fate is known, whoever put it into a block; each of its
// submissions counts down undecided once for it.
type ordering struct {
	mu       sync.Mutex // over waiting and ended
	waiting  map[token.TransactionID][]waiter
	ended    *token.Error // refuses what comes once nothing more is ordered here; nil before
	executed *block       // and not yet committed; of who calls ExecuteOrdered
}

// waiter is a request of this node's that was handed to the sequencer.
type waiter struct {
	request    *request
	submission *submission
	since      time.Time
}

// gatherFor is how long transactions are gathered for one batch: little beside the time that agreeing on a block takes,
// and the more a batch has the less each costs.
const gatherFor = 10 * time.Millisecond

// sequence hands what was taken in to the sequencer.
func (n *Node) sequence() {
	var held *unit // did not fit the last batch
	for {
		u := held
		if u == nil {
			var ok bool
			if u, ok = <-n.units; !ok {
				return
			}
		}
		<-u.verified
		held = n.gatherUnits(u)
		n.propose(u)
	}
}

// gatherUnits adds units to one, up to a batch, for a while; it returns one that does not fit.
func (n *Node) gatherUnits(u *unit) (held *unit) {
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	for u.size < maxUnit/2 {
		select {
		case next, ok := <-n.units:
			if !ok {
				return nil
			}
			<-next.verified
			if u.size+next.size > maxUnit || u.bytes+next.bytes > maxUnitBytes {
				return next
			}
			u.submissions = append(u.submissions, next.submissions...)
			u.size, u.bytes = u.size+next.size, u.bytes+next.bytes
		case <-timer.C:
			return nil
		}
	}
	return nil
}

// propose refuses what is not signed, and hands the rest to the sequencer.
func (n *Node) propose(u *unit) {
	batch := &Batch{&submission{}}
	behind := n.behind() // before the lock, under which nothing else is asked
	o := &n.ordering
	o.mu.Lock()
	if o.waiting == nil {
		o.waiting = map[token.TransactionID][]waiter{}
	}
	for _, s := range u.submissions {
		for i := range s.requests {
			r := &s.requests[i]
			if r.refused = n.unfit(r, behind); r.refused == nil {
				r.refused = o.ended
			}
			if r.refused != nil {
				continue
			}
			id := r.tx.ID()
			if len(o.waiting[id]) == 0 {
				// whoever asked may be answered before it is executed
				batch.submission.requests = append(batch.submission.requests, *r)
				batch.submission.bytes += len(r.tx.Encode())
			}
			o.waiting[id] = append(o.waiting[id], waiter{r, s, time.Now()})
			s.undecided++
		}
		if s.undecided == 0 {
			n.answerAll([]*block{{submissions: []*submission{s}}}, nil)
		}
	}
	o.mu.Unlock()
	n.stages[stageExecutor].end(u.size)
	if batch.Len() == 0 {
		return
	}
	if refused := n.config.Sequencer.Propose(batch); refused != nil {
		n.decide(batch.submission.requests, func(*request) (Receipt, *token.Error) { return Receipt{}, refused })
	}
}

// unfit says why a verified request is handed to nobody: it is too late for it, or it is not signed. Whether it can be
// executed is for the order to say. A node that is behind refuses nothing for good by the state that it has: a key may
// have changed since.
func (n *Node) unfit(r *request, behind bool) *token.Error {
	var refused *token.Error
	switch {
	case r.hopeless != nil:
		refused = r.hopeless
	case r.keys == nil:
		return nil
	case r.forged != 0:
		refused = ledger.BadSignatureOf(&r.tx.Witnesses[r.forged-1])
		r.hidden = !behind
	case !r.plain:
		return uncommon(r.tx, r.keys)
	}
	if refused != nil && refused.Code != ledger.Expired && behind {
		return isBehind()
	}
	return refused
}

func isBehind() *token.Error {
	return refuse(NotJoined, "", "this validator fetches blocks that it has missed, and does not judge by what it "+
		"knew before them: send the same again in a moment, or to another")
}

// behind says whether others have decided blocks that this node has not executed yet.
func (n *Node) behind() bool { return n.config.Sequencer != nil && n.config.Sequencer.Behind() }

// behindLook is how often a node that is behind looks whether it still is, while somebody waits.
const behindLook = 20 * time.Millisecond

// waitCurrent waits, as long as reads do, until this node is not behind; not-joined when it still is then.
func (n *Node) waitCurrent(ctx context.Context) error {
	if !n.behind() {
		return nil
	}
	look, until := time.NewTicker(behindLook), time.NewTimer(n.config.ReadBound)
	defer look.Stop()
	defer until.Stop()
	for n.behind() {
		select {
		case <-look.C:
		case <-until.C:
			return isBehind()
		case <-ctx.Done():
			return isBehind()
		case <-n.failed:
			return n.Err()
		case <-n.stop:
			return refuse(Stopped, "", "the node is shutting down")
		}
	}
	return nil
}

// ExecuteOrdered executes a block. Nothing is durable before CommitOrdered, which must follow; both are called by one
// goroutine at a time. What a transaction is refused for is its verdict; an error is the node's own, and it cannot go
// on. A crash before CommitOrdered leaves no trace of the block here: whoever orders hands it in again (package
// cluster).
func (n *Node) ExecuteOrdered(o Ordered) (Outcome, error) {
	b := &block{ordered: []*request{}, salt: seeded(o.Seed)}
	for _, batch := range o.Batches {
		for i := range batch.submission.requests {
			b.ordered = append(b.ordered, &batch.submission.requests[i])
		}
	}
	if err := n.Err(); err != nil {
		return Outcome{}, err
	}
	n.stages[stageCommitter].begin(1)
	n.mu.Lock()
	start := time.Now()
	b.at = max(o.TimeMillis, n.head.TimeMillis)
	err := n.apply(b)
	n.metrics.executeNanos.Add(int64(time.Since(start)))
	n.metrics.counted(n.state.Counts())
	if err == nil {
		n.shownTime.Store(b.at) // also of a block without entries: what is too late for it is too late for any after it
	}
	n.mu.Unlock()
	if err != nil {
		return Outcome{}, n.fail(err)
	}
	n.ordering.executed = b
	out := Outcome{Head: b.head, Verdicts: make([]*token.Error, len(b.ordered))}
	for i, r := range b.ordered {
		out.Verdicts[i] = r.refused
	}
	return out, nil
}

// seeded makes the salts of a block's system entries from a seed that all who execute it know. It is SHA-256("aqsha
// salt\n" ‖ seed ‖ height ‖ i), the first 16 bytes, with both numbers of 64 bits big-endian.
func seeded(seed [32]byte) func(height uint64, i int) *ledger.Salt {
	return func(height uint64, i int) *ledger.Salt {
		b := append([]byte("aqsha salt\n"), seed[:]...)
		b = binary.BigEndian.AppendUint64(b, height)
		b = binary.BigEndian.AppendUint64(b, uint64(i))
		sum := sha256.Sum256(b)
		salt := new(ledger.Salt)
		copy(salt[:], sum[:])
		return salt
	}
}

// CommitOrdered makes the block that was executed last durable, and answers those who wait for its transactions. While
// the disk is full it waits, and whoever orders with it: the others go on without this node. A stop while the disk is
// full returns disk-full, and the block stays to be committed.
func (n *Node) CommitOrdered() error {
	b := n.ordering.executed
	if b == nil {
		return nil
	}
	if b.batch != nil {
		start := time.Now()
		for {
			err := n.log.Commit(b.batch)
			if err == nil {
				break
			}
			if !n.hinder(err) {
				return n.fail(err)
			}
			select {
			case <-time.After(roomRetry):
			case <-n.stop:
				return n.full()
			}
		}
		n.roomy()
		n.metrics.logBytes.Add(uint64(b.batch.Bytes()))
		n.metrics.committed(1, b.batch.Len()-1, time.Since(start))
		n.durable.Store(&b.head)
		n.grown.wake()
	}
	// Only now: a commit that is stopped while the disk is full leaves the block, and is called again.
	n.ordering.executed = nil
	n.stages[stageCommitter].end(1)
	// Others' transactions are among them; those who wait here are found by id.
	requests := make([]request, len(b.ordered))
	for i, r := range b.ordered {
		requests[i] = *r
	}
	n.decide(requests, func(r *request) (Receipt, *token.Error) { return r.receipt, r.refused })
	return nil
}

// decide settles the fate of transactions, and answers the submissions of which no other waits.
func (n *Node) decide(requests []request, fate func(*request) (Receipt, *token.Error)) {
	o := &n.ordering
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 {
		return
	}
	for i := range requests {
		id := requests[i].tx.ID()
		for _, w := range o.waiting[id] {
			w.request.receipt, w.request.refused = fate(&requests[i])
			w.request.hidden = requests[i].hidden
			n.decided(w.submission)
		}
		delete(o.waiting, id)
	}
}

// decided counts a request of a submission, and answers it after the last. The lock of what waits is held.
func (n *Node) decided(s *submission) {
	if s.undecided--; s.undecided == 0 {
		n.answerAll([]*block{{submissions: []*submission{s}}}, nil)
	}
}

// reconsiderAfter is how long a transaction may wait for its order before it is looked at again, and maxReconsidered
// how many are looked at in a second: their signatures are verified once more.
const (
	reconsiderAfter = 3 * time.Second
	maxReconsidered = 256
)

// reconsider refuses transactions that no block will have any more: their time has passed, or a key has changed since
// they were verified, so that whoever makes blocks leaves them out.
func (n *Node) reconsider() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			n.reconsiderOld(time.Now().Add(-reconsiderAfter))
		case <-n.stop:
			return
		}
	}
}

// reconsiderOld looks at some that have waited since before a moment. Signatures are verified with the state's lock
// held for reading, which is why they are few.
func (n *Node) reconsiderOld(before time.Time) {
	o := &n.ordering
	o.mu.Lock()
	var old []request
	for _, waiters := range o.waiting { // any order: each has its turn
		if w := &waiters[0]; w.since.Before(before) && len(old) < maxReconsidered {
			w.since = time.Now()
			old = append(old, request{tx: w.request.tx})
		}
	}
	o.mu.Unlock()
	var refused []request
	behind := n.behind() // then only what is too late is
	n.mu.RLock()
	for i := range old {
		r := &old[i]
		if r.refused = ledger.Late(n.shownTime.Load(), r.tx); r.refused == nil && !behind {
			if keys, err := ledger.Keys(nil, n.state, r.tx); err == nil {
				if r.refused = ledger.Verify(n.network, r.tx, keys); r.refused != nil {
					r.hidden = true
				}
			}
		}
		if r.refused != nil {
			refused = append(refused, *r)
		}
	}
	n.mu.RUnlock()
	n.decide(refused, func(r *request) (Receipt, *token.Error) { return Receipt{}, r.refused })
}

// StopOrdering ends all writing here for good, because the sequencer has stopped: whoever waits is answered at once, as
// by AbandonOrdered, and reads do not wait for a block that was executed and will not be committed by this run. cause
// ends a sentence. The node is to be closed then.
func (n *Node) StopOrdering(cause string) {
	n.stopWriting(refuse(Stopped, "", "nothing more is ordered here: %s", cause))
	n.AbandonOrdered(cause)
}

// AbandonOrdered answers those who wait for their order that it is not known (undecided): what was handed to the
// sequencer may yet be executed. What comes later is refused (stopped). A node that is about to be closed calls it, so
// that nobody waits for a block until his connection is cut. cause ends a sentence.
func (n *Node) AbandonOrdered(cause string) {
	o := &n.ordering
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended == nil {
		o.ended = refuse(Stopped, "", "nothing more is ordered here: %s", cause)
	}
	for id, waiters := range o.waiting { // any order: all get the same answer
		for _, w := range waiters {
			w.request.refused = refuse(Undecided, "", "not ordered here so far: %s; it may be "+
				"executed: ask for its id, or send the same again to another validator", cause)
			n.decided(w.submission)
		}
		delete(o.waiting, id)
	}
}

// AdoptCheckpoint keeps a checkpoint that enough of those who order have signed.
func (n *Node) AdoptCheckpoint(signed []byte) error {
	if err := n.CheckCheckpoint(signed); err != nil {
		return err
	}
	if err := n.keepSigned(signed); err != nil {
		return n.fail(err)
	}
	if err := n.log.Adopt(signed); err != nil {
		return n.fail(err)
	}
	n.published.wake()
	return nil
}

// CheckpointText is what a checkpoint over everything durable states.
func (n *Node) CheckpointText() (text string, size uint64) {
	head := n.Head()
	return txlog.Checkpoint{Origin: n.log.Origin(), Size: head.Size, Root: head.Root}.Text(), head.Size
}
