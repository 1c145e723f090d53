package node

import (
	"context"
	"errors"
	"time"

	"github.com/aqsha/aqsha/txlog"
)

// WaitPublished waits until a checkpoint over more than size entries is stored, and returns the newest.
func (n *Node) WaitPublished(ctx context.Context, size uint64) ([]byte, txlog.Checkpoint, error) {
	for {
		published := n.published.wait()
		if signed, c := n.log.Checkpoint(); signed != nil && c.Size > size {
			return signed, c, nil
		}
		if err := n.Err(); err != nil {
			return nil, txlog.Checkpoint{}, err
		}
		select {
		case <-published:
		case <-ctx.Done():
			return nil, txlog.Checkpoint{}, ctx.Err()
		case <-n.stop:
			return nil, txlog.Checkpoint{}, refuse(Stopped, "", "the node is shutting down")
		}
	}
}

// Feed hands on what followers need, from an entry on that begins a block: the blocks below each checkpoint, and the
// checkpoint, which comes before all of them too. It goes on until ctx ends or send fails; with nothing new it repeats the checkpoint every so often.
func (n *Node) Feed(ctx context.Context, from uint64, send func(frames []byte) error) error {
	height, err := n.feedFrom(from)
	signed, c := n.log.Checkpoint()
	// The checkpoint goes first, even where no block begins at that entry: a follower that knows another history, longer
	// or with other blocks, must see that it is one.
	if e := send(appendCheckpointFrame(nil, signed)); e != nil || err != nil {
		return errors.Join(e, err)
	}
	var frames []byte
	for size := from; ; {
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
			height, size = batch.Height+1, batch.Size()
		}
		if err := send(appendCheckpointFrame(frames, signed)); err != nil {
			return err
		}
		frames = frames[:0]
		quiet, cancel := context.WithTimeout(ctx, feedQuiet)
		newer, at, err := n.WaitPublished(quiet, size)
		cancel()
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
