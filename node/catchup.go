package node

import (
	"context"
	"iter"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/replay"
	"github.com/aqsha/aqsha/txlog"
)

// StoredBlocks encodes blocks of the log as frames (see ReadFrame), from a height on, and says how many entries the log
// has up to their end. There is at least one; another follows while all are shorter than a number of bytes and within
// a size, at which a block must end.
func (n *Node) StoredBlocks(height, size uint64, bytes int) (frames []byte, to uint64, err error) {
	for batch, err := range n.log.Batches(height) {
		if err != nil {
			return nil, 0, err
		}
		if batch.Size() > size {
			break
		}
		frames, to = appendBatchFrame(frames, batch), batch.Size()
		if len(frames) >= bytes {
			break
		}
	}
	if frames == nil {
		return nil, 0, refuse(NotFound, "height", "no block %d within %d entries", height, size)
	}
	return frames, to, nil
}

// CatchUp executes blocks that others have ordered and that follow on this node's log, each of which whoever hands them
// in has found in a log that enough have signed. Every rule and signature is verified all the same. It makes them
// durable, and returns when there are no more: in place of ExecuteOrdered, never beside it.
func (n *Node) CatchUp(ctx context.Context, blocks iter.Seq2[[][]byte, error]) (err error) {
	f := &follower{node: n, executes: make(chan struct{}, 1), staged: n.log.Size()}
	defer func() {
		if e := f.commit(ctx); err == nil {
			err = e
		}
	}()
	n.mu.RLock()
	head := n.head
	n.mu.RUnlock()
	engine := replay.Engine{
		State: n.state, Replay: ledger.ResumeReplay(n.state, n.network, head.Leaf, false), Root: head.Root,
		Network: n.network, Cache: n.keys, Lock: &n.mu, StateLock: &n.stateLock, Stands: n.stands,
		Executed: func(b *replay.Block, leaf ledger.Leaf) (txlog.Hash, error) { return f.executed(ctx, b, leaf) },
	}
	return engine.Run(ctx, func(context.Context) iter.Seq2[*replay.Block, error] {
		return func(yield func(*replay.Block, error) bool) {
			for entries, err := range blocks {
				if err != nil {
					yield(nil, err)
					return
				}
				if !yield(&replay.Block{Entries: entries}, nil) {
					return
				}
			}
		}
	})
}

// Edge is the right edge of this node's durable log, and how many blocks it has.
func (n *Node) Edge() (edge txlog.Tree, blocks uint64, err error) {
	edge, err = n.log.Edge()
	return edge, n.log.Heights(), err
}

// ConsistencyProof proves that the log of a size begins that of another.
func (n *Node) ConsistencyProof(from, to uint64) ([]txlog.Hash, error) {
	return n.log.ConsistencyProof(from, to)
}

// CheckCheckpoint says whether a checkpoint is signed by whoever signs so many entries of this log.
func (n *Node) CheckCheckpoint(signed []byte) error {
	s, err := n.Signers()
	if err != nil {
		return err
	}
	return signedBy(s, signed)
}

// Published is the newest checkpoint that is kept; nil without one.
func (n *Node) Published() (signed []byte, c txlog.Checkpoint) { return n.log.Checkpoint() }
