package node

import (
	"context"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// maxGroup is the most blocks that one write makes durable.
const maxGroup = 16

// commit makes blocks durable in groups: whatever was executed during one sync goes into the next. It alone commits to
// the log and has n.room.held.
func (n *Node) commit() {
	defer n.running.Done()
	defer close(n.answers)
	for {
		var again <-chan time.Time
		if len(n.room.held) > 0 {
			again = time.After(roomRetry)
		}
		select {
		case first, ok := <-n.commits:
			if !ok {
				return
			}
			n.store(n.gatherBlocks(first))
		case <-again:
			n.store(nil)
		}
	}
}

// gatherBlocks adds what waits beside a block, up to a group.
func (n *Node) gatherBlocks(first *block) []*block {
	group := append(make([]*block, 0, maxGroup), first)
	for len(group) < maxGroup {
		select {
		case b, ok := <-n.commits:
			if !ok {
				return group
			}
			group = append(group, b)
		default:
			return group
		}
	}
	return group
}

// store makes a group durable, after what waited for room before it. Blocks reach the log in the order in which they
// were staged, so that a group never passes one that is held.
func (n *Node) store(group []*block) {
	for len(n.room.held) > 0 && n.Err() == nil {
		waiting := n.room.held[:min(len(n.room.held), maxGroup)]
		if !n.storeGroup(waiting) {
			break
		}
		n.room.held = n.room.held[len(waiting):]
	}
	switch {
	case len(group) == 0:
	case len(n.room.held) > 0 && n.Err() == nil:
		n.stages[stageCommitter].end(len(group))
		n.hold(group)
	default:
		stored := n.storeGroup(group)
		n.stages[stageCommitter].end(len(group)) // not before: a write that hangs is a standstill
		if !stored {
			n.hold(group)
		}
	}
}

// storeGroup writes and syncs a group, then has its requests answered. When the write fails nobody is told that his
// payment is done, and nothing more is accepted. It returns false, and has done nothing, when the disk is full. A block
// without a batch has refusals alone: they come behind the blocks whose effects they saw, and so are told of a state
// that is durable.
func (n *Node) storeGroup(group []*block) bool {
	var batches []*txlog.Batch
	transactions, bytes := 0, 0
	for _, b := range group {
		if b.batch != nil {
			batches = append(batches, b.batch)
			transactions += b.batch.Len() - 1
			bytes += b.batch.Bytes()
		}
	}
	if len(batches) > 0 && n.Err() == nil {
		start := time.Now()
		err := n.makeDurable(batches)
		switch {
		case n.hinder(err):
			return false
		case err != nil:
			n.fail(err)
		default:
			n.roomy()
			n.metrics.logBytes.Add(uint64(bytes))
			n.metrics.committed(len(batches), transactions, time.Since(start))
			n.published.wake()
		}
	}
	if n.config.Acks > 0 {
		group[0].stored = time.Now()
		n.answers <- group // may wait for followers, which is no standstill
		return true
	}
	n.settle(group, n.failure.Load())
	return true
}

// acknowledge lets groups be answered once enough followers have them.
func (n *Node) acknowledge() {
	defer n.running.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-n.stop:
			time.Sleep(lastAckWait)
		case <-n.failed:
		case <-ctx.Done():
		}
		cancel()
	}()
	// This may be an old copy, put back: a follower can have acknowledged more than is here, and to go on from here
	// would make a second history of what was answered. All that could have are heard first.
	if n.mayBeOld() && n.cosigners.waitWhole(ctx) != nil {
		n.logger.Warn("ended before enough followers were heard to know that nobody has more than this log")
	}
	// What was found at the start was answered to nobody by this run: it is shown once enough followers have it, as
	// before the crash.
	if recovered := n.recovered; recovered.Size > 1 && n.cosigners.wait(ctx, recovered.Size) == nil {
		n.durable.Store(&recovered)
		n.grown.wake()
	}
	// In order: a later group is never answered before an earlier one, whose payments it may spend.
	for group := range n.answers {
		failed := n.failure.Load()
		if head := group[len(group)-1].head; failed == nil && head.Size > n.durable.Load().Size {
			if n.cosigners.wait(ctx, head.Size) != nil {
				if failed = n.failure.Load(); failed == nil {
					failed = refuse(Unacknowledged, "",
						"too few followers have acknowledged; it may be executed: ask for its id")
				}
			}
		}
		if failed == nil {
			n.metrics.ackTook.observe(time.Since(group[0].stored), 1)
		}
		n.settle(group, failed)
	}
}

// lastAckWait is how long a node that shuts down waits for its followers.
const lastAckWait = 3 * time.Second

// settle answers a group's requests. What failed, if not nil, holds for all of them. The head is moved before anybody
// is answered: who reads after his answer sees what he paid.
func (n *Node) settle(group []*block, failed *token.Error) {
	if head := group[len(group)-1].head; failed == nil && head.Height > n.durable.Load().Height {
		n.durable.Store(&head)
		n.grown.wake()
	}
	n.answerAll(group, failed)
}

// answerAll answers those who wait for blocks. What failed, if not nil, holds for all of them.
func (n *Node) answerAll(group []*block, failed *token.Error) {
	now := time.Now()
	for _, b := range group {
		for _, s := range b.submissions {
			for i := range s.requests {
				r := &s.requests[i]
				switch {
				case failed != nil:
					r.refused = failed
				case r.refused != nil:
					n.metrics.refused.Add(1)
				}
			}
			n.reckonCompiled(s)
			n.ingest.Done(s.place)
			n.metrics.transactionTook.observe(now.Sub(s.since), uint64(len(s.requests)))
			close(s.done)
		}
	}
}

// makeDurable writes and syncs blocks and signs a checkpoint over them. Only what a checkpoint covers is acknowledged:
// without it, damage to the last write could not be told from a write never finished. A crash between the two leaves
// entries that nobody was answered: the next start replays them, and signs (signRecovered).
func (n *Node) makeDurable(batches []*txlog.Batch) error {
	if err := n.log.Commit(batches...); err != nil {
		return err
	}
	if len(n.config.Options.Signers) == 0 {
		return nil
	}
	_, err := n.Publish()
	return err
}

// Publish signs a checkpoint over what is durable. It states the epoch in which this node leads, but for the founder's,
// so that whoever holds two can tell what a promotion left behind from a history that was rewritten. Anybody may call
// it; with nothing new it returns the last one.
func (n *Node) Publish() ([]byte, error) {
	n.fencing.mu.Lock()
	epoch := n.fencing.fence.Epoch
	n.fencing.mu.Unlock()
	if epoch == 0 {
		return n.log.Publish()
	}
	return n.log.Publish(epochLine + strconv.FormatUint(epoch, 10))
}

// The more tokens there are, the longer taking a snapshot lasts, and the more it waits.
const (
	snapshotWork  = 800_000
	workPerTokens = 32 // one more for so many live tokens
)

// dueAfter is how much work asks for a snapshot.
func (n *Node) dueAfter(tokens int) uint64 {
	if n.config.SnapshotWork != 0 {
		return n.config.SnapshotWork
	}
	return uint64(snapshotWork + tokens/workPerTokens)
}

// noSnapshot is what is logged when a snapshot could not be written.
const noSnapshot = "no snapshot could be written; the log has everything, the next start takes longer"

// snapshotter takes the snapshots that policy asks for, and more when the log grows fast.
func (n *Node) snapshotter() {
	last, lastWork := *n.durable.Load(), uint64(0)
	var retry <-chan time.Time // set after one that failed
	for first := true; ; first = false {
		grown := n.grown.wait()
		n.mu.RLock()
		every := n.state.Authority().Policy.SnapshotEvery
		tokens, _ := n.state.Counts()
		work := n.head.Size + n.state.Changes()/2
		n.mu.RUnlock()
		if first {
			lastWork = work
		}
		due := work >= lastWork+n.dueAfter(tokens)
		if head := *n.durable.Load(); retry == nil && (due || head.Height >= last.Height+every) && n.Err() == nil &&
			n.snapshotSigner() != nil {
			if err := n.Snapshot(); err != nil {
				wait := n.unsnapped.failed(err)
				n.logger.Warn(noSnapshot, "cause", err, "again in", wait)
				retry = time.After(wait)
			} else {
				last, lastWork = head, work
			}
		}
		select {
		case <-grown:
		case <-retry:
			retry = nil
		case <-n.stop:
			return
		}
	}
}
