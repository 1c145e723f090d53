package node

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// unit is submissions that are verified together. Units are executed in order of arrival, so that a client may send a
// payment that spends the one before it. verified is closed by the verifier when all requests are looked at: what a
// verifier wrote into them is seen by whoever waited for that.
type unit struct {
	submissions []*submission
	size        int // requests
	bytes       int // of their transactions
	verified    chan struct{}
}

// maxUnit is the most requests of a unit: where batch verification stops gaining.
const maxUnit = 1024

// Units and blocks are bounded by size too: the log takes 64 MiB at a time, and a block that it refuses
// would stop the node for good.
const (
	maxUnitBytes  = 4 << 20
	maxBlockBytes = 16 << 20
)

// block is an executed block on its way to the disk, or refusals that wait for what they saw to be durable. The
// executor makes it, the committer stores it, and with followers acknowledge answers it: each owns it until it sends it
// on.
type block struct {
	batch       *txlog.Batch // nil when nothing was executed
	head        Head
	submissions []*submission
	stored      time.Time // of the first of a group that waits for followers

	// Of a block that was ordered with others, see ExecuteOrdered; ordered is nil otherwise.
	ordered []*request
	at      uint64 // its time
	salt    func(height uint64, i int) *ledger.Salt
}

// collect groups what has arrived into units, without waiting for more. Every unit goes to both channels: to the
// verifiers in whatever order they take it, to the executor in the order of arrival.
func (n *Node) collect() {
	defer n.running.Done()
	defer close(n.units)
	defer close(n.work)
	var held *submission // did not fit the last unit
	for {
		first := held
		if held = nil; first == nil {
			var ok bool
			if first, ok = n.ingest.Pop(true); !ok {
				return
			}
		}
		u := &unit{submissions: []*submission{first}, size: len(first.requests), bytes: first.bytes,
			verified: make(chan struct{})}
		for u.size < maxUnit {
			s, ok := n.ingest.Pop(false)
			if !ok {
				break
			}
			if u.size+len(s.requests) > maxUnit || u.bytes+s.bytes > maxUnitBytes {
				held = s
				break
			}
			u.submissions = append(u.submissions, s)
			u.size += len(s.requests)
			u.bytes += s.bytes
		}
		n.work <- u
		n.units <- u
	}
}

// dueEvery is how often the executor looks whether something falls due without anybody paying.
const dueEvery = time.Second

// execute orders and executes, one block at a time.
func (n *Node) execute() {
	defer n.running.Done()
	defer close(n.commits)
	n.awaitFollowersClock()
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
			for n.onlyDue() { // a block takes only some of what falls due together
				n.executeBlock(nil)
			}
		}
	}
}

// awaitFollowersClock waits, where followers must acknowledge, for the first that says what time it is with him: a
// block dated ahead of their clocks would never be acknowledged, and could not be taken back. Nobody is answered
// without them anyway.
func (n *Node) awaitFollowersClock() {
	if n.config.Acks == 0 || n.config.Monotonic == nil {
		return
	}
	select {
	case <-n.clock.anybody:
		return
	default:
	}
	n.awaiting.Store(true)
	defer n.awaiting.Store(false)
	select {
	case <-n.clock.anybody:
	case <-n.stop:
	case <-n.failed:
	}
}

// gather waits for a unit's verification and adds units that are ready too, up to a block.
func (n *Node) gather(u *unit) []*submission {
	<-u.verified
	submissions, size, bytes := u.submissions, u.size, u.bytes
	for size+maxUnit <= n.config.Block && bytes+maxUnitBytes <= maxBlockBytes {
		select {
		case next, ok := <-n.units:
			if !ok {
				return submissions
			}
			<-next.verified
			submissions = append(submissions, next.submissions...)
			size += next.size
			bytes += next.bytes
		default:
			return submissions
		}
	}
	return submissions
}

// onlyDue says whether something falls due while nobody pays and the node is to go on.
func (n *Node) onlyDue() bool {
	select {
	case <-n.stop:
		return false
	default:
		return len(n.units) == 0 && n.Err() == nil && n.somethingDue()
	}
}

// somethingDue says whether applyDue would find anything now: a block without entries is never made.
func (n *Node) somethingDue() bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	now, doubted := n.clock.read(n.head.TimeMillis)
	if doubted != nil || n.full() != nil {
		return false
	}
	if p := n.state.Authority().Proposals; len(p) > 0 && p[0].DueMillis <= now {
		return true
	}
	if _, due, found := n.state.NextRekey(); found && due <= now {
		return true
	}
	if c := n.state.NextEnd(); c != nil && c.EndsMillis <= now {
		return true
	}
	return n.state.AnyExpired(now)
}

// pump does what the stages do for all that waits, in the caller's goroutine.
func (n *Node) pump() {
	v := n.newVerifier()
	n.store(nil) // what waits for room
	for {
		s, ok := n.ingest.Pop(false)
		if !ok {
			return
		}
		n.verify(&unit{submissions: []*submission{s}, size: len(s.requests)}, v)
		n.executeBlock([]*submission{s})
		n.store([]*block{<-n.commits})
	}
}

// executeBlock makes one block of what its requests and the due list give, and passes it on. Also a block of refusals
// alone is passed on, so that they are answered behind what they saw.
func (n *Node) executeBlock(submissions []*submission) {
	b := &block{submissions: submissions}
	size := 0
	for _, s := range submissions {
		size += len(s.requests)
	}
	if n.Err() == nil {
		n.mu.Lock()
		start := time.Now()
		if err := n.apply(b); err != nil {
			n.fail(err)
		}
		n.metrics.executeNanos.Add(int64(time.Since(start)))
		n.metrics.counted(n.state.Counts())
		n.mu.Unlock()
	}
	n.stages[stageExecutor].end(size)
	n.stages[stageCommitter].begin(1)
	n.commits <- b
}

// judge executes a request, or says why not. A signature that was found forged is not verified again
// here, alone and one at a time, unless it is another key's by now: forgeries must not hold up payments.
func (n *Node) judge(r *request) *token.Error {
	switch {
	case r.hopeless != nil:
		return n.executor.Refuse(r.hopeless)
	case r.refused != nil: // later is the time for it
		return r.refused
	}
	if r.forged == 0 && r.keys != nil && r.plain {
		return n.executor.Apply(r.tx, r.keys)
	}
	present, err := ledger.Keys(nil, n.state, r.tx)
	if err != nil {
		return n.executor.Apply(r.tx, nil) // which says so, or what comes before it
	}
	same := slices.Equal(present, r.keys)
	if same && r.forged != 0 {
		return n.executor.Refuse(ledger.BadSignatureOf(&r.tx.Witnesses[r.forged-1]))
	}
	if err := uncommon(r.tx, present); err != nil {
		if forged := ledger.Verify(n.network, r.tx, present); forged != nil {
			return n.executor.Refuse(forged)
		}
		return n.executor.RefuseOpenly(err)
	}
	if same {
		return n.executor.Apply(r.tx, r.keys)
	}
	return n.executor.Apply(r.tx, nil)
}

// uncommon refuses a transaction with a signature that the log's rule takes and common libraries do not: in the log it
// would keep everybody who verifies with one of them from going on. Followers take what is in their leader's log.
func uncommon(tx *token.Transaction, keys []token.PublicKey) *token.Error {
	for i := range tx.Witnesses {
		if w := &tx.Witnesses[i]; !token.PlainSignature(keys[i], &w.Signature) {
			return refuse(UncommonSignature, "witnesses",
				"the signature of %s %d, or its key, has a component of small order or another encoding than RFC "+
					"8032's: many libraries refuse it; sign with a common one", w.Role, w.Index)
		}
	}
	return nil
}

// warmedTogether is how many transactions' wallets and tokens are fetched from memory at once: few enough to
// stay in the processor's nearest cache until they are executed.
const warmedTogether = 32

// chunkTransactions is how many transactions are executed, while a capture is told, until it has its turn: two
// milliseconds.
const chunkTransactions = 512

// knowsRules says whether this program can make a block of a height.
func (n *Node) knowsRules(height uint64) error {
	if err := ledger.CheckKnown(n.state.Authority().RulesAt(height), height); err != nil {
		return err
	}
	return nil
}

// apply executes requests and stages the block they make, if any. The write lock is held.
//
// An error comes before anything is executed, or from the log, which takes no part of a block: then the state is ahead
// of it, and the caller stops the node. With a capture under way stateLock is let go within the block: what the capture
// then reads is what was put aside, or has not changed.
func (n *Node) apply(b *block) error {
	n.stateLock.Lock()
	defer n.stateLock.Unlock()
	if err := n.knowsRules(n.head.Height + 1); err != nil {
		return err
	}
	now, salt := b.at, b.salt
	if b.ordered == nil {
		var doubted *token.Error
		if now, doubted = n.clock.read(n.head.TimeMillis); doubted == nil {
			doubted = n.full()
		}
		if doubted == nil {
			doubted = n.handedOver()
		}
		if doubted != nil {
			b.head = n.head
			b.refuse(doubted)
			return nil
		}
		salt = n.salt
	}
	due := n.executor.Begin(n.head.Height+1, now)
	n.entries, n.encoded = append(n.entries[:0], nil), n.encoded[:0]
	for i, s := range due {
		if n.executor.Salted() {
			s.Salt = salt(n.head.Height+1, i)
		}
		n.entries = append(n.entries, s.Encode())
	}
	n.listRequests(b)
	executed := 0
	for together := range slices.Chunk(n.requests, warmedTogether) {
		if executed += len(together); executed >= chunkTransactions && n.capturing.Load() {
			executed = 0
			n.stateLock.Unlock() // whoever tells the capture has waited longer, and is let in
			n.stateLock.Lock()
		}
		for _, r := range together {
			n.prefetcher.Add(r.tx)
		}
		n.prefetcher.Fetch(n.state)
		for _, r := range together {
			if r.refused = n.judge(r); r.refused != nil {
				r.hidden = !n.executor.Tellable() && r.refused.Code != Overloaded
				continue
			}
			r.receipt = Receipt{ID: r.tx.ID(), Index: n.head.Size + uint64(len(n.entries)), Height: n.head.Height + 1,
				TimeMillis: now}
			n.enter(r)
		}
	}
	clear(n.requests) // they are the submitters'
	if len(n.entries) > 1 {
		leaf := n.executor.Leaf(token.Hash(n.head.Root))
		n.entries[0] = leaf.Encode()
		batch, err := n.log.Stage(n.entries) // copies the entries
		if err != nil {
			return err
		}
		b.batch = batch
		n.head = Head{Leaf: leaf, Size: batch.Size(), Root: batch.Root()}
		n.metChanges()
		n.handed.Store(n.handedOver())
		n.shownTime.Store(leaf.TimeMillis)
	}
	b.head = n.head
	return nil
}

// enter adds a request that was executed just now to the block's entries, and hands the index what several payers
// gained: the executor knows it, and the log would have to be read for it.
func (n *Node) enter(r *request) {
	if t, is := r.tx.Body.(*token.Transfer); is && t.Payers > 1 && n.nets != nil {
		n.nets.Put(r.receipt.Index, n.executor.Nets())
	}
	from := len(n.encoded)
	n.encoded = ledger.AppendEntry(n.encoded, r.tx.Encode(), n.executor.Effects())
	n.entries = append(n.entries, n.encoded[from:len(n.encoded):len(n.encoded)])
}

// listRequests lists those of a block in their order, in memory that every block uses again: apply alone touches it,
// under stateLock.
func (n *Node) listRequests(b *block) {
	n.requests = append(n.requests[:0], b.ordered...)
	for _, s := range b.submissions {
		for i := range s.requests {
			n.requests = append(n.requests, &s.requests[i])
		}
	}
}

// salt is that of a block's i-th system entry.
func (n *Node) salt(height uint64, i int) *ledger.Salt {
	if n.config.Salt != nil {
		return n.config.Salt(height, i)
	}
	salt := new(ledger.Salt)
	_, _ = rand.Read(salt[:]) // never fails: the program ends where there is no randomness
	return salt
}

// refuse refuses all of a block's requests for one reason.
func (b *block) refuse(why *token.Error) {
	for _, s := range b.submissions {
		for i := range s.requests {
			s.requests[i].refused = why
		}
	}
}
