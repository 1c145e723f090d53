package node

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/txlog"
)

// FollowTo copies a leader's log up to a block's end and no further: the ledger as it stood then. Every signature and
// rule is verified, and that the log so far begins the one over which the leader's checkpoint is signed. The copy has
// no checkpoint of its own size unless the leader signed one; PointFile says under which it stands.
func (n *Node) FollowTo(ctx context.Context, leader Leader, size uint64, notify func(size uint64)) error {
	if n.config.Leader == "" {
		return errors.New("a leader follows nobody")
	}
	// The leader's stream is cut at the block's end; a checkpoint over more is of no use before that is compared,
	// below.
	part := &beginning{leader, size, notify}
	for n.log.Size() < size {
		before := n.log.Size()
		err := n.followOnce(ctx, part, nil)
		if n.fatal(err) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if n.log.Size() == before {
			return fmt.Errorf("no progress at entry %d of %d: %w", before, size, err)
		}
	}
	signed, err := leader.Checkpoint(ctx)
	if err != nil {
		return err
	}
	c, err := (&follower{node: n, leader: leader}).open(ctx, signed)
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Root)}
	root, err := tlog.TreeHash(int64(size), tlog.TileHashReader(tree, &tileReader{ctx, leader, map[string][]byte{}}))
	if err != nil {
		return fmt.Errorf("the leader's tiles: %w", err)
	}
	own, err := n.log.Root(size)
	if err == nil && own != txlog.Hash(root) {
		err = &txlog.HistoryError{Size: size, Root: own, Published: txlog.Hash(root)}
	}
	if err != nil {
		return err
	}
	return n.keepPoint(ctx, leader, signed, c, size, own)
}

// beginning is a leader of whose log only the beginning is taken.
type beginning struct {
	Leader
	size   uint64
	notify func(size uint64)
}

// Feed ends the stream with the block that reaches the size, and after it the checkpoint with which the stream began:
// what is sent without one is not taken.
func (b *beginning) Feed(ctx context.Context, from uint64) (io.ReadCloser, error) {
	stream, err := b.Leader.Feed(ctx, from)
	if err != nil {
		return nil, err
	}
	return &cutFeed{stream: stream, frames: bufio.NewReaderSize(stream, 1<<18), at: from, leader: b}, nil
}

// cutFeed passes frames on until a size is reached.
type cutFeed struct {
	stream io.ReadCloser
	frames *bufio.Reader
	passed bytes.Reader // of a frame, what was not read yet
	first  []byte       // the frame of the first checkpoint
	at     uint64       // entries so far
	leader *beginning
}

// Read hands frames on up to the size at which the feed is cut, and then the checkpoint that it held back. A block
// that reaches beyond the size is an error: half a block is no state. It is used by one goroutine.
func (c *cutFeed) Read(p []byte) (int, error) {
	for c.passed.Len() == 0 {
		if c.at == c.leader.size && c.first != nil {
			c.passed.Reset(c.first)
			c.first = nil
			break
		}
		if c.at == c.leader.size {
			return 0, io.EOF
		}
		var frame bytes.Buffer
		f, err := ReadFrame(io.TeeReader(c.frames, &frame))
		if err != nil {
			return 0, err
		}
		if c.at += uint64(len(f.Entries)); c.at > c.leader.size {
			return 0, &FrameError{fmt.Sprintf("no block ends at entry %d", c.leader.size)}
		}
		if c.leader.notify != nil {
			c.leader.notify(c.at)
		}
		if c.first == nil && f.Checkpoint != nil {
			c.first = frame.Bytes()
		}
		c.passed.Reset(frame.Bytes())
	}
	return c.passed.Read(p)
}

func (c *cutFeed) Close() error { return c.stream.Close() }
