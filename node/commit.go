package node

import (
	"time"

	"github.com/aqsha/aqsha/txlog"
)

// groupMost is the most blocks that one write makes durable.
const groupMost = 16

// commit makes blocks durable in groups: whatever was executed during one sync goes into the next.
func (n *Node) commit() {
	defer n.running.Done()
	defer close(n.publish)
	for first := range n.commits {
		group := append(make([]*block, 0, groupMost), first)
	more:
		for len(group) < groupMost {
			select {
			case b, ok := <-n.commits:
				if !ok {
					break more
				}
				group = append(group, b)
			default:
				break more
			}
		}
		n.store(group)
	}
}

// store writes and syncs a group, then answers its requests. When the write fails nobody is told
// that his payment is done, and nothing more is accepted.
func (n *Node) store(group []*block) {
	var batches []*txlog.Batch
	transactions := 0
	for _, b := range group {
		if b.batch != nil {
			batches = append(batches, b.batch)
			transactions += b.batch.Len() - 1
		}
	}
	if len(batches) > 0 && n.Err() == nil {
		start := time.Now()
		if err := n.log.Commit(batches...); err != nil {
			n.fail(err)
		} else {
			n.metrics.committed(len(batches), transactions, time.Since(start))
			head := group[len(group)-1].head
			n.durable.Store(&head)
			n.grown.wake()
		}
	}
	failed := n.failure.Load()
	for _, b := range group {
		for _, r := range b.requests {
			switch {
			case failed != nil:
				r.refused = failed
			case r.refused != nil:
				n.metrics.refused.Add(1)
			}
			close(r.done)
		}
	}
	if failed == nil && len(batches) > 0 {
		select {
		case n.publish <- struct{}{}:
		default: // it will see this block too
		}
	}
}

// publisher signs a checkpoint of what is durable, and takes the snapshots that policy asks for.
func (n *Node) publisher() {
	defer n.running.Done()
	lastSnapshot := n.durable.Load().Height
	for range n.publish {
		if n.Err() != nil {
			continue
		}
		if len(n.config.Options.Signers) > 0 {
			if _, err := n.log.Publish(); err != nil {
				n.fail(err)
				continue
			}
		}
		n.mu.RLock()
		every := n.state.Authority().Policy.SnapshotEvery
		n.mu.RUnlock()
		if height := n.durable.Load().Height; height >= lastSnapshot+every {
			if err := n.Snapshot(); err != nil {
				n.logger.Warn("no snapshot taken; the log still has everything", "cause", err)
			}
			lastSnapshot = height
		}
	}
}
