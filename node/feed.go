package node

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/aqsha/aqsha/txlog"
)

// WaitPublished waits until a checkpoint over more than size entries is stored, and returns the newest.
func (n *Node) WaitPublished(ctx context.Context, size uint64) ([]byte, txlog.Checkpoint, error) {
	return n.waitNews(ctx, size, math.MaxUint64)
}

// waitNews waits until a checkpoint over more than size entries is stored, or more entries than so many are
// acknowledged.
func (n *Node) waitNews(ctx context.Context, size, acknowledged uint64) ([]byte, txlog.Checkpoint, error) {
	for {
		published, grown := n.published.wait(), n.grown.wait()
		signed, c := n.log.Checkpoint()
		if signed != nil && (c.Size > size || n.Head().Size > acknowledged) {
			return signed, c, nil
		}
		if err := n.Err(); err != nil {
			return nil, txlog.Checkpoint{}, err
		}
		select {
		case <-published:
		case <-grown:
		case <-ctx.Done():
			return nil, txlog.Checkpoint{}, ctx.Err()
		case <-n.stop:
			return nil, txlog.Checkpoint{}, refuse(Stopped, "", "the node is shutting down")
		}
	}
}

// Feed hands on what followers need, from an entry on that begins a block: the blocks below each checkpoint, and the
// checkpoint, which comes before all of them too. To who asks for it, it says after that first checkpoint how much was
// acknowledged, and again when that grows. It goes on until ctx ends or send fails; with nothing new it repeats the
// checkpoint every so often. Many may run at once: each reads the log alone, and a slow one holds up nobody. send must
// not keep the frames.
func (n *Node) Feed(ctx context.Context, from uint64, acknowledged bool, send func(frames []byte) error) error {
	height, err := n.feedFrom(from)
	signed, c := n.log.Checkpoint()
	reported := uint64(math.MaxUint64)
	if acknowledged {
		reported = 0
	}
	notify := func(frames []byte) []byte {
		if size := n.Head().Size; size > reported {
			reported = size
			frames = appendAcknowledgedFrame(frames, size)
		}
		return frames
	}
	// The checkpoint goes first, even where no block begins at that entry: a follower that knows another history,
	// longer or with other blocks, must see that it is one.
	first := appendCheckpointFrame(nil, signed)
	if err == nil {
		first = notify(first)
	}
	if e := send(first); e != nil || err != nil {
		return errors.Join(e, err)
	}
	var frames []byte
	for size, quiet := from, true; ; {
		for batch, err := range n.log.Batches(height) {
			if err != nil {
				return err
			}
			if batch.Size() > c.Size {
				break
			}
			if frames = appendBatchFrame(frames, batch); len(frames) > feedBytes {
				if err := send(frames); err != nil {
					return err
				}
				frames = frames[:0]
			}
			height, size, quiet = batch.Height+1, batch.Size(), true
		}
		if quiet {
			frames = appendCheckpointFrame(frames, signed)
		}
		if err := send(notify(frames)); err != nil {
			return err
		}
		frames = frames[:0]
		waiting, cancel := context.WithTimeout(ctx, feedQuiet)
		newer, at, err := n.waitNews(waiting, size, reported)
		cancel()
		quiet = err != nil
		switch {
		case err == nil:
			signed, c = newer, at
		case ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded):
			return err
		}
	}
}

// feedFrom is the height of the block that an entry begins; the next one's for the end of the log.
func (n *Node) feedFrom(from uint64) (uint64, error) {
	size, _, heights := n.log.State()
	if from == size {
		return heights, nil
	}
	info, err := n.log.BatchOf(from)
	switch {
	case err != nil:
		return 0, refuse(NotFound, "from", "the log has %d entries", size)
	case info.FirstIndex != from:
		return 0, refuse(NotFound, "from", "entry %d does not begin a block", from)
	}
	return info.Height, nil
}

// A feed says that it is there when it has been quiet so long, and sends about so many bytes at a time.
const (
	feedQuiet = 2 * time.Second
	feedBytes = 1 << 20
)
