package node

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/txlog"
)

// BeyondFenceError means that what a node shows goes on beyond a fence and was signed before it: the leader of the
// fence's epoch never had it, and nobody was told of it.
type BeyondFenceError struct {
	Epoch, Size uint64 // of the fence
	Signed      uint64 // epoch of what goes on beyond it
}

func (e *BeyondFenceError) Error() string {
	return fmt.Sprintf("this node goes on beyond entry %d, where the leader of epoch %d began, with what was signed "+
		"in epoch %d: it was replaced, or copied one that was. Follow the leader of epoch %d (aqsha follow URL), and "+
		"restore this one from it (aqsha restore URL)",
		e.Size, e.Epoch, e.Signed, e.Epoch)
}

// ErrorCode and ErrorField are the error's stable code, and what it speaks of.
func (e *BeyondFenceError) ErrorCode() string  { return string(OldLeader) }
func (e *BeyondFenceError) ErrorField() string { return "checkpoint" }

// LeftBehindError means that this copy has entries that the leader of a newer epoch never had: of the two, this one is
// put back.
type LeftBehindError struct {
	Has, Shown     uint64 // entries here, and that the leader shows
	Signed, Leader uint64 // epoch in which those here were signed, and of the leader
}

func (e *LeftBehindError) Error() string {
	return fmt.Sprintf("this copy has %d entries, signed in epoch %d, and the leader of epoch %d shows %d: what is "+
		"here beyond was not acknowledged when that one was promoted. Restore this copy from the leader (aqsha "+
		"restore URL --accept-loss), not the leader from here",
		e.Has, e.Signed, e.Leader, e.Shown)
}

// ErrorCode and ErrorField are the error's stable code, and what it speaks of.
func (e *LeftBehindError) ErrorCode() string  { return string(LeftBehind) }
func (e *LeftBehindError) ErrorField() string { return "checkpoint" }

// boundBy notes the fence beyond which nothing is taken from a node before it has shown in which epoch that was signed.
func (f *follower) boundBy() {
	if fence, bound := f.node.boundByFence(); bound {
		f.fence = &fence
	}
}

// boundByFence returns the fence beyond which this node copies nothing that was signed before it. A candidate that has
// signed its fence, and nothing in its epoch yet, copies the last entries of those who are fenced.
func (n *Node) boundByFence() (f Fence, bound bool) {
	_, c := n.log.Checkpoint()
	n.fencing.mu.Lock()
	defer n.fencing.mu.Unlock()
	f = n.fencing.fence
	return f, n.fencing.signed != nil && (f.Leader != n.fencing.own || EpochOf(c) >= f.Epoch)
}

// Covers says whether what a node shows, by its signed checkpoint, may be copied here: if not, it goes on beyond the
// newest fence with what was signed before it.
func (n *Node) Covers(c txlog.Checkpoint) error {
	if f, bound := n.boundByFence(); bound && !failover.MayCopy(c.Size, f.Size, EpochOf(c), f.Epoch) {
		return &BeyondFenceError{f.Epoch, f.Size, EpochOf(c)}
	}
	return nil
}

// begins reads the checkpoint with which a stream begins, which covers what comes before the next one: it says how far
// the stream is followed. A stream of what a fence left behind is followed up to the fence, if its log is the one that
// the fence states. It is called by the source's goroutine, as refuses is.
func (f *follower) begins(ctx context.Context, signed []byte) error {
	n := f.node
	if f.fence == nil {
		return nil
	}
	c, err := f.open(ctx, signed)
	if err != nil {
		return err
	}
	// A leader of the fence's epoch or a later one has what was promised: the fence is behind us.
	if f.signed = EpochOf(c); f.signed >= f.fence.Epoch {
		f.fence = nil
		return nil
	}
	if failover.MayCopy(c.Size, f.fence.Size, f.signed, f.fence.Epoch) {
		return nil
	}
	// What the old leader has beyond the fence was never promised to the new one. To copy it would put two histories
	// into one follower, so it stops where the fence stands, even if those entries are honest.
	beyond := &BeyondFenceError{f.fence.Epoch, f.fence.Size, f.signed}
	if n.log.Size() >= f.fence.Size {
		return beyond
	}
	// The follower is still short of the fence: whether this log runs through it is asked of the leader's tiles,
	// whose hashes prove themselves against the signed root.
	reader := tlog.TileHashReader(tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Root)},
		&tileReader{ctx, f.leader, map[string][]byte{}})
	root, err := tlog.TreeHash(int64(f.fence.Size), reader)
	if err != nil {
		return fmt.Errorf("the leader's tiles: %w", err)
	}
	if txlog.Hash(root) != f.fence.Root {
		return beyond
	}
	return nil
}

// refuses says why a frame's block is not taken, if it has one. size is that of the log with it.
func (f *follower) refuses(frame Frame, size uint64) error {
	if f.fence == nil || size <= f.fence.Size || frame.Entries == nil {
		return f.tooEarly(frame)
	}
	return &BeyondFenceError{f.fence.Epoch, f.fence.Size, f.signed}
}

// extendsAll checks that a leader's longer tree holds what is here beyond the checkpoint kept too: blocks came without
// theirs when a connection to its predecessor ended.
func (f *follower) extendsAll(c, kept txlog.Checkpoint, reader tlog.HashReader) error {
	size, own, _ := f.node.log.State()
	if size <= kept.Size || size > c.Size {
		return nil
	}
	root, err := tlog.TreeHash(int64(size), reader)
	if err != nil {
		return fmt.Errorf("the leader's tiles: %w", err)
	}
	if txlog.Hash(root) == own {
		return nil
	}
	return f.unsigned(c, kept, own, size, txlog.Hash(root))
}

// unsigned is why a leader is not followed whose tree has other entries than came here without a checkpoint over them.
// Where they came before this connection, and it leads a newer epoch than the last checkpoint here is of, they are what
// its predecessor had not finished, and this copy is put back; else it contradicts what it sent itself.
func (f *follower) unsigned(c, kept txlog.Checkpoint, here txlog.Hash, size uint64, there txlog.Hash) error {
	if leads := max(EpochOf(c), f.leads.Epoch); leads > EpochOf(kept) && f.began > kept.Size {
		return &LeftBehindError{f.node.log.Size(), c.Size, EpochOf(kept), leads}
	}
	return &txlog.HistoryError{Size: size, Root: here, Published: there}
}

// shorter is why a leader's checkpoint over fewer entries than were signed to this copy is not followed.
func (f *follower) shorter(c, kept txlog.Checkpoint) error {
	known, _ := f.node.whoLeads()
	if leads := max(EpochOf(c), f.leads.Epoch); leads > EpochOf(kept) && known.Size < kept.Size {
		return &LeftBehindError{kept.Size, c.Size, EpochOf(kept), leads}
	}
	return &RolledBackError{c.Size, kept.Size}
}
