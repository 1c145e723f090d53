package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/txlog"
)

// SilenceBound is how long a connection between nodes may say nothing: a leader with nothing new says every feedQuiet
// that it is there. After it the connection is given up, whatever TCP believes of it.
const SilenceBound = 3 * feedQuiet

// RolledBackError means that a leader has less than it signed to this follower: an old copy was put back, or its disk
// lost what it had said was written. There is no second signature, so no evidence; but what it writes next is another
// history.
type RolledBackError struct{ Has, Signed uint64 }

func (e *RolledBackError) Error() string {
	return fmt.Sprintf("the leader has gone back: it shows %d entries, and has signed %d to this follower. Stop it, "+
		"and restore it from here (aqsha restore)", e.Has, e.Signed)
}

// ErrorCode and ErrorField are the error's stable code, and what it speaks of.
func (e *RolledBackError) ErrorCode() string  { return "leader-rolled-back" }
func (e *RolledBackError) ErrorField() string { return "checkpoint" }

// alarming says whether an error means that the leader shows what no honest one shows, though it may yet be mended.
func alarming(err error) bool {
	var back *RolledBackError
	var left *LeftBehindError
	return errors.As(err, &back) || errors.As(err, &left) || codeIs(err, FenceConflict)
}

// compareCheckpoints holds the leader's public checkpoint against the log here, before anything is asked of its stream:
// a leader that rewrote its history refuses an entry of the old one, and would not show what proves it. It may be older
// than the newest that the leader signed (where followers must acknowledge); the stream's first frame is not.
func (f *follower) compareCheckpoints(ctx context.Context) error {
	asking, done := context.WithTimeout(ctx, SilenceBound)
	defer done()
	signed, err := f.leader.Checkpoint(asking)
	if err != nil {
		if asking.Err() != nil {
			return fmt.Errorf("the leader's checkpoint: %w", err)
		}
		return nil // it shows none yet: the stream does
	}
	_, err = f.consistent(ctx, signed)
	return err
}

// check verifies a leader's newest checkpoint and holds it against the log here, and against what it signed before.
func (f *follower) check(ctx context.Context, signed []byte) (txlog.Checkpoint, error) {
	c, err := f.consistent(ctx, signed)
	if err != nil {
		return c, err
	}
	if _, kept := f.node.log.Checkpoint(); c.Size < kept.Size {
		return c, f.shorter(c, kept)
	}
	f.node.heard(c)
	return c, nil
}

// open verifies a leader's checkpoint. One that is not signed by those known here may be of validators that came after
// what the log here holds: the leader shows how.
func (f *follower) open(ctx context.Context, signed []byte) (txlog.Checkpoint, error) {
	c, _, err := f.node.openCheckpoint(signed)
	if err == nil {
		f.completeSigners(ctx)
		return c, nil
	}
	claimed, parsing := txlog.ParseSigned(signed)
	if parsing != nil || claimed.Size <= f.node.log.Size() {
		return c, err
	}
	asking, done := context.WithTimeout(ctx, SilenceBound)
	defer done()
	shown, asked := f.leader.Signers(asking)
	if asked != nil || shown == nil {
		return c, err
	}
	links, asked := signers.Decode(shown)
	if asked == nil {
		asked = f.node.LearnSigners(links)
	}
	if asked != nil {
		return c, fmt.Errorf("who signs the leader's log: %w", errors.Join(asked, err))
	}
	c, _, err = f.node.openCheckpoint(signed)
	return c, err
}

// askAgain is how long a follower waits before it asks a leader again that has not shown what it lacks.
const askAgain = 5 * time.Second

// completeSigners asks the leader for the checkpoints that show changes of validators and are not here: the log may
// bring a change before any checkpoint does that only those after it have signed, and a leader makes that of a change a
// while after its block. Without them nobody who asks here could be shown who signs. What is missing yet is asked for
// with a later checkpoint; a failure stops nothing, since the log here needs none of them.
func (f *follower) completeSigners(ctx context.Context) {
	if f.node.config.ReadOnly || time.Since(f.completed) < askAgain {
		return
	}
	if whole, err := f.node.signersWhole(); err != nil || whole {
		return
	}
	f.completed = time.Now()
	asking, done := context.WithTimeout(ctx, SilenceBound)
	defer done()
	shown, err := f.leader.Signers(asking)
	if err == nil && shown != nil {
		var links []signers.Link
		if links, err = signers.Decode(shown); err == nil {
			err = f.node.LearnSigners(links)
		}
	}
	if err != nil && ctx.Err() == nil {
		f.node.logger.Debug("the checkpoints that show changes of validators are not all here", "cause", err)
	}
}

// consistent verifies a leader's checkpoint, and that of its tree and the one here the shorter begins the longer.
func (f *follower) consistent(ctx context.Context, signed []byte) (txlog.Checkpoint, error) {
	n := f.node
	c, err := f.open(ctx, signed)
	if err != nil {
		return c, err
	}
	if c.Size > n.log.Size() {
		return c, f.extends(ctx, signed, c)
	}
	root, err := n.log.Root(c.Size)
	if err != nil || root == c.Root {
		return c, err
	}
	if own, kept := n.log.Checkpoint(); own == nil || kept.Size < c.Size {
		// There is no signed pair yet: either the leader's tree contradicts what was kept, or its stream its tree.
		if err := f.extends(ctx, signed, c); err != nil {
			return c, err
		}
		return c, f.unsigned(c, kept, root, c.Size, c.Root)
	}
	return c, f.accuse(ctx, signed, c)
}

// extends checks that a leader's longer checkpoint extends the log here, by the leader's own hashes.
func (f *follower) extends(ctx context.Context, signed []byte, c txlog.Checkpoint) error {
	n := f.node
	own, kept := n.log.Checkpoint()
	size := kept.Size
	if own == nil || size == 0 {
		size = min(n.log.Size(), c.Size)
	}
	reader := tlog.TileHashReader(tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Root)},
		&tileReader{ctx, f.leader, map[string][]byte{}})
	// The reader checks each tile against the signed root, so that what follows holds whoever has sent the tiles.
	root, err := tlog.TreeHash(int64(size), reader)
	if err != nil {
		return fmt.Errorf("the leader's tiles: %w", err)
	}
	want, err := n.log.Root(size)
	if err == nil && txlog.Hash(root) == want {
		return f.extendsAll(c, kept, reader)
	}
	if err != nil {
		return err
	}
	// Without a checkpoint of the leader's over the shorter history nothing is proved against it: only two signatures
	// are.
	if own == nil {
		return f.unsigned(c, kept, want, size, txlog.Hash(root))
	}
	proof, err := tlog.ProveTree(int64(c.Size), int64(size), reader)
	if err != nil {
		return err
	}
	e := TwoHistories{Origin: c.Origin, Shorter: string(own), Longer: string(signed), Root: txlog.Hash(root)}
	for _, hash := range proof {
		e.Proof = append(e.Proof, txlog.Hash(hash))
	}
	return f.saveEvidence(ctx, e, kept, c)
}

// alive notes that the leader said something.
func (n *Node) alive() {
	n.following.mu.Lock()
	n.following.heard = time.Now()
	n.following.mu.Unlock()
}

// openFeed opens a leader's stream, which ends when the leader says nothing for SilenceBound while it is waited for.
func openFeed(ctx context.Context, leader Leader, from uint64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	s := &feedStream{cancel: cancel}
	s.timer = time.AfterFunc(SilenceBound, func() {
		s.silent.Store(true)
		cancel()
	})
	body, err := leader.Feed(ctx, from)
	if s.timer.Stop(); err != nil || s.silent.Load() {
		if body != nil {
			_ = body.Close()
		}
		cancel()
		return nil, s.why(err)
	}
	s.body = body
	// A read that hangs is ended by closing what it reads from.
	s.closes = context.AfterFunc(ctx, func() { _ = body.Close() })
	return s, nil
}

// feedStream is a leader's stream with the deadline of each read.
type feedStream struct {
	body   io.ReadCloser
	timer  *time.Timer
	silent atomic.Bool // the deadline passed
	cancel func()
	closes func() bool
}

// Read gives the leader SilenceBound to say something; silence ends the stream.
func (s *feedStream) Read(p []byte) (int, error) {
	s.timer.Reset(SilenceBound)
	k, err := s.body.Read(p)
	s.timer.Stop()
	return k, s.why(err)
}

// why is silence where that ended it.
func (s *feedStream) why(err error) error {
	if s.silent.Load() {
		return fmt.Errorf("the leader has said nothing for %s", SilenceBound)
	}
	return err
}

// Close ends the stream, its deadline and what waits for its context.
func (s *feedStream) Close() error {
	s.timer.Stop()
	s.closes()
	s.cancel()
	return s.body.Close()
}

// wholeLog is an entry that no log has: asked for the stream from there, a node shows its newest checkpoint and ends.
const wholeLog = 1 << 62

// Standing asks a node how far its log is: its newest signed checkpoint, whether or not anybody acknowledged it. A
// follower's bears its cosignature, so that it shows who speaks. The caller verifies it.
func Standing(ctx context.Context, of Leader) ([]byte, error) {
	stream, err := openFeed(ctx, of, wholeLog)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	frame, err := ReadFrame(bufio.NewReader(stream))
	if err != nil {
		return nil, err
	}
	if frame.Checkpoint == nil {
		return nil, errors.New("the stream does not begin with a checkpoint")
	}
	return frame.Checkpoint, nil
}
