package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/errtext"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/node/replay"
	"github.com/aqsha/aqsha/txlog"
)

// Leader is the node whose log is copied, as a follower speaks to it.
type Leader interface {
	// Feed streams frames (see ReadFrame) of the blocks from an entry on, and goes on as blocks become durable.
	Feed(ctx context.Context, from uint64) (io.ReadCloser, error)
	Checkpoint(ctx context.Context) ([]byte, error) // the newest that it shows to anybody; an error when none
	Tile(ctx context.Context, t txlog.Tile) ([]byte, error)
	Fence(ctx context.Context) ([]byte, error) // nil when it knows of none
	// Signers shows who signs its log since the genesis: a file of links; nil where nothing has changed
	Signers(ctx context.Context) ([]byte, error)
	Cosign(ctx context.Context, signed []byte) error
}

// following is a follower's state. mu is over connected and what follows; it is held for a few assignments, never while
// the network or the disk is waited for.
type following struct {
	// ms by which the last block that came was dated ahead of the clock here, or before it
	ahead     atomic.Int64
	refused   atomic.Bool                 // the leader did not take the last cosignature: it is said once
	signer    atomic.Pointer[note.Signer] // with which it cosigns, and signs its snapshots; nil before it follows
	mu        sync.Mutex
	connected bool
	size      uint64 // of the leader's log, as last heard
	heard     time.Time
	detail    string // why it is not connected
	waits     bool   // for its own clock
	last      error  // why the last connection ended
	alarm     string // what the leader showed that no honest one shows, until it shows otherwise
}

// FollowState says how far a follower is behind its leader.
type FollowState struct {
	Leader     string `json:"leader"`
	Connected  bool   `json:"connected"`             // the leader was heard within SilenceBound
	LeaderSize uint64 `json:"leader_size,omitempty"` // entries, as last heard; absent when never
	// entries of them not yet verified and durable here; absent when not connected: nobody knows
	Lag          *uint64 `json:"lag,omitempty"`
	SilentMillis *int64  `json:"silent_millis,omitempty"` // since the leader was last heard; absent when never
	// that the last block was dated ahead of this machine's clock when it came; less than 0 before it
	Ahead int64 `json:"ahead_millis"`
	// for its own clock: the leader's next block is dated too far ahead of it
	Waits  bool   `json:"waits"`
	Detail string `json:"detail,omitempty"` // why it is not connected, or waits
	Alarm  string `json:"alarm,omitempty"`  // what the leader showed that no honest one shows
}

// FollowState returns how far this follower is behind; false if the node follows nobody.
func (n *Node) FollowState() (FollowState, bool) {
	if n.config.Leader == "" {
		return FollowState{}, false
	}
	f := &n.following
	f.mu.Lock()
	defer f.mu.Unlock()
	own := n.log.Size()
	state := FollowState{Leader: errtext.Redact(n.config.Leader), LeaderSize: f.size, Detail: errtext.Redact(f.detail),
		Ahead: f.ahead.Load(), Waits: f.waits, Alarm: errtext.Redact(f.alarm)}
	if !f.heard.IsZero() {
		silent := time.Since(f.heard)
		millis := silent.Milliseconds()
		state.SilentMillis, state.Connected = &millis, f.connected && silent < SilenceBound
	}
	if state.Connected {
		lag := f.size - min(f.size, own)
		state.Lag = &lag
	}
	return state, true
}

// How long a follower waits before it tries its leader again, at first and at most.
const (
	leastRetry = 100 * time.Millisecond
	maxRetry   = 5 * time.Second
)

// Follow copies a leader's log, verifying every signature, rule and checkpoint, until ctx ends or the leader
// shows what cannot be: then the error says so, evidence is saved if there is any, and the node is poisoned. A leader
// that cannot be reached is tried again. cosigner, if not nil, cosigns each checkpoint reached.
func (n *Node) Follow(ctx context.Context, leader Leader, cosigner note.Signer) error {
	if n.config.Leader == "" {
		return errors.New("a leader follows nobody")
	}
	if cosigner != nil {
		n.following.signer.Store(&cosigner)
	}
	wait := leastRetry
	for ctx.Err() == nil {
		before := n.log.Size()
		err := n.followOnce(ctx, leader, cosigner)
		if fatal := n.fatal(err); fatal {
			return err
		}
		if n.log.Size() > before {
			wait = leastRetry
		}
		n.heardNothing(err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, maxRetry)
	}
	return ctx.Err()
}

// stalled is how long a copy may make no progress before it is given up.
const stalled = 30 * time.Second

// FollowUntil follows until this node has a checkpoint of at least so many entries. notify, if not nil, is called every
// now and then with how many it has. It gives up, unlike Follow, when nothing comes for stalled, the disk is full, or
// the leader shows what no honest one shows.
func (n *Node) FollowUntil(ctx context.Context, leader Leader, cosigner note.Signer, size uint64,
	notify func(size uint64)) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- n.Follow(ctx, leader, cosigner) }()
	running, err := n.reach(ctx, size, ended, notify)
	cancel()
	if running {
		<-ended
	}
	return err
}

// reach waits for a checkpoint, and says whether following goes on.
func (n *Node) reach(ctx context.Context, size uint64, ended <-chan error,
	notify func(size uint64)) (running bool, _ error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last, since := uint64(0), time.Now()
	for {
		_, kept := n.log.Checkpoint()
		has := n.log.Size()
		if notify != nil {
			notify(has)
		}
		if kept.Size >= size {
			return true, nil
		}
		if _, cause := n.NoRoom(); cause != nil {
			return true, &txlog.NoRoomError{Cause: cause} // whoever wants a copy now is not to wait for room
		}
		if has != last {
			last, since = has, time.Now()
		}
		state, _ := n.FollowState()
		if state.Alarm != "" {
			return true, errors.New(state.Alarm)
		}
		var beyond *BeyondFenceError
		if n.following.mu.Lock(); errors.As(n.following.last, &beyond) {
			n.following.mu.Unlock()
			return true, beyond // trying again would show the same
		}
		n.following.mu.Unlock()
		if time.Since(since) > stalled {
			return true, fmt.Errorf("no progress at entry %d of %d: %s", has, size, state.Detail)
		}
		select {
		case <-tick.C:
		case err := <-ended:
			return false, err
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
}

// fatal says whether a follower cannot go on, and stops the node when so.
func (n *Node) fatal(err error) bool {
	var invalid *replay.InvalidError
	var evidence *EvidenceError
	var history *txlog.HistoryError
	if errors.As(err, &invalid) {
		n.poisoned.Store(true) // part of a block that does not hold was executed
	}
	if errors.As(err, &invalid) || errors.As(err, &evidence) || errors.As(err, &history) ||
		errors.Is(err, ErrOldLeader) {
		n.fail(err)
	}
	return n.Err() != nil
}

// heardNothing notes that a connection ended, and logs why once, not at every try: a leader that is away for a day
// would fill the log. An alarm is said again when it is another one. The lock is let go before anything is written.
func (n *Node) heardNothing(err error) {
	f := &n.following
	f.mu.Lock()
	var early *aheadError
	waits := errors.As(err, &early)
	said := waits && f.waits || !f.connected && f.detail != ""
	f.connected, f.detail, f.waits, f.last = false, "the stream ended", waits, err
	if err != nil {
		f.detail = err.Error()
	}
	alarmed := alarming(err)
	if alarmed {
		said = f.alarm == err.Error()
		f.alarm = err.Error()
	}
	f.mu.Unlock()
	switch {
	case said:
	case alarmed:
		n.logger.Error("the leader shows what no honest one shows; nothing is copied until it does otherwise", "leader",
			n.config.Leader, "cause", err)
	default:
		n.logger.Warn("the leader is not heard; trying again", "leader", n.config.Leader, "cause", err)
	}
}

// heard notes a checkpoint of the leader's that holds: it is there, and what it was accused of is mended.
func (n *Node) heard(c txlog.Checkpoint) {
	f := &n.following
	f.mu.Lock()
	f.waits = f.waits && c.Size > n.log.Size() // then the next block says whether it still does
	said := f.connected || f.waits
	f.connected, f.size, f.heard, f.alarm = true, c.Size, time.Now(), ""
	if !f.waits {
		f.detail = ""
	}
	f.mu.Unlock()
	if !said {
		n.logger.Info("following", "leader", n.config.Leader, "its size", c.Size, "behind",
			c.Size-min(c.Size, n.log.Size()))
	}
}

// ErrOldLeader means that another node has replaced the leader.
var ErrOldLeader = errors.New("the leader was replaced: it knows less of who leads than this follower")

// follower is one connection to a leader.
//
// Three goroutines share it, and followOnce ends when all have: the source reads the stream (blocks) and has fence and
// signed; the engine executes (executed) and has group, bytes and staged; notify tells the leader. The source may be
// ahead of the engine by as much as maxUnverified. What all read, node, leader, cosigner, began and leads, is set
// before they start.
type follower struct {
	node     *Node
	leader   Leader
	cosigner note.Signer
	group    []*txlog.Batch  // executed and not yet durable
	bytes    int             // of them
	staged   uint64          // size of the log with them
	began    uint64          // size of the log when it was connected
	leads    failover.Ballot // by which the leader leads, as it says
	// beyond which nothing is taken from this leader, as it signed nothing after it; nil without one
	fence  *Fence
	signed uint64 // epoch in which what this leader shows was signed
	// when this leader was last asked for checkpoints that are missing here (completeSigners)
	completed time.Time
	cosigned  newest // for the leader

	unverified atomic.Int64  // bytes of blocks that came and are not executed
	executes   chan struct{} // something was
}

// newest is the newest checkpoint that was cosigned and not yet sent. The source and the engine put, notify takes;
// nobody who puts waits, since notify may have ended before them. mu is over what follows it.
type newest struct {
	wake   chan struct{} // one place: there may be something to take
	mu     sync.Mutex
	signed []byte // nil once it was taken
	size   uint64 // of the largest that was put: one that comes after it says nothing new
}

// put keeps a checkpoint unless a larger one is kept, and wakes whoever waits; a wake that was not taken yet stands
// for this one too.
func (c *newest) put(signed []byte, size uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if size < c.size {
		return
	}
	c.signed, c.size = signed, size
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *newest) take() (signed []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	signed, c.signed = c.signed, nil
	return signed
}

// followOnce follows over one connection until it ends. Who leads is compared first, then the leader's public
// checkpoint, and only then blocks are asked for: a leader that was replaced, or rewrote its history, has nothing of it
// executed here.
func (n *Node) followOnce(ctx context.Context, leader Leader, cosigner note.Signer) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	fenced := n.fencing.changed.wait()
	f := &follower{node: n, leader: leader, cosigner: cosigner, cosigned: newest{wake: make(chan struct{}, 1)},
		staged: n.log.Size(), began: n.log.Size(), executes: make(chan struct{}, 1)}
	var group sync.WaitGroup
	group.Go(func() { f.notify(ctx) })
	defer group.Wait()
	defer cancel()
	if err := f.compareFences(ctx); err != nil {
		return err
	}
	if err := f.compareCheckpoints(ctx); err != nil {
		return err
	}
	// Who learns while he follows that another leads acknowledges nothing more to this one before fences were compared
	// again.
	known, _ := n.whoLeads()
	f.boundBy()
	group.Go(func() {
		for n.stillLeads(known, f.leads) {
			select {
			case <-fenced:
				fenced = n.fencing.changed.wait()
			case <-ctx.Done():
				return
			}
		}
		cancel()
	})
	defer func() {
		// Blocks that came without their checkpoint hold all the same; the next connection begins after them.
		if e := f.commit(ctx); err == nil {
			err = e
		}
	}()
	engine := replay.Engine{
		State: n.state, Replay: ledger.ResumeReplay(n.state, n.network, n.head.Leaf, false), Root: n.head.Root,
		Network: n.network,
		Cache:   n.keys, Lock: &n.mu, StateLock: &n.stateLock, Stands: n.stands,
		Executed: func(b *replay.Block, leaf ledger.Leaf) (txlog.Hash, error) { return f.executed(ctx, b, leaf) },
	}
	return engine.Run(ctx, f.blocks)
}

// stands notes that the state is the one after a block. Its lock is held.
func (n *Node) stands(leaf ledger.Leaf) {
	n.executed = leaf.Height
	n.shownTime.Store(leaf.TimeMillis)
	n.metrics.counted(n.state.Counts())
}

// whoLeads is the newest fence that the node knows of, and what it promised.
func (n *Node) whoLeads() (Fence, failover.Ballot) {
	n.fencing.mu.Lock()
	defer n.fencing.mu.Unlock()
	return n.fencing.fence, n.fencing.promised
}

// stillLeads says whether nothing was heard against a leader that was connected to under a fence.
func (n *Node) stillLeads(known Fence, leader failover.Ballot) bool {
	now, promised := n.whoLeads()
	return now == known && failover.MayAcknowledge(promised, leader)
}

// compareFences leaves a leader that was replaced, and learns of one that replaced another.
func (f *follower) compareFences(ctx context.Context) error {
	asking, done := context.WithTimeout(ctx, SilenceBound)
	defer done()
	theirs, err := f.leader.Fence(asking)
	if err != nil {
		return err
	}
	own, known := f.node.KnownFence()
	switch {
	case theirs != nil:
		err := f.node.Fence(theirs)
		if codeIs(err, Fenced) {
			return fmt.Errorf("%w: %w", ErrOldLeader, err)
		}
		f.leads = f.node.leaderOf(theirs)
		if err == nil {
			err = f.node.stillMayAcknowledge(f.leads)
		}
		return err // one that cannot be read says nothing of who leads: it may have been damaged on its way
	case own != nil:
		return fmt.Errorf("%w: it knows of no epoch, this follower of %d", ErrOldLeader, known.Epoch)
	}
	return f.node.stillMayAcknowledge(f.leads)
}

// leaderOf is by which ballot the one leads who shows a fence; the founder's without one.
func (n *Node) leaderOf(fence []byte) failover.Ballot {
	f, err := n.readFence(fence)
	if err != nil {
		return failover.Ballot{}
	}
	return failover.Ballot{Epoch: f.Epoch, Candidate: f.Leader}
}

// stillMayAcknowledge is mayAcknowledge for who does not hold the lock.
func (n *Node) stillMayAcknowledge(leader failover.Ballot) error {
	n.fencing.mu.Lock()
	defer n.fencing.mu.Unlock()
	return n.mayAcknowledge(leader)
}

// gatherBytes is how much of blocks is gathered for the checkpoint that covers them, and made durable at a time.
const gatherBytes = 8 << 20

// blocks reads the leader's stream. A checkpoint travels with the last block that it covers.
func (f *follower) blocks(ctx context.Context) iter.Seq2[*replay.Block, error] {
	return func(yield func(*replay.Block, error) bool) {
		stream, err := openFeed(ctx, f.leader, f.node.log.Size())
		if err != nil {
			yield(nil, err)
			return
		}
		defer stream.Close()
		r := bufio.NewReaderSize(stream, 1<<18)
		var last *replay.Block
		at := f.node.log.Size()
		for frames := 0; ; frames++ {
			if f.unverified.Load() > maxUnverified {
				if last != nil {
					last.Wait = true // its checkpoint is passed over; the next says the same
					if !yield(last, nil) {
						return
					}
					last = nil
				}
				if !f.verifies(ctx) {
					return
				}
			}
			frame, err := ReadFrame(r)
			if err != nil {
				yield(nil, fmt.Errorf("the leader's stream: %w", err))
				return
			}
			f.node.alive()
			if err := f.hears(frame.Acknowledged, frames == 1); err != nil {
				yield(nil, err)
				return
			}
			if frame.Acknowledged > 0 {
				continue
			}
			at += uint64(len(frame.Entries))
			if err := f.refuses(frame, at); err != nil {
				if last != nil && !yield(last, nil) { // what came before it holds
					return
				}
				yield(nil, err)
				return
			}
			if frame.Checkpoint != nil {
				if last == nil { // nothing new: the leader is there, and its history the one that was seen before
					if err := f.stands(ctx, frame.Checkpoint); err != nil {
						yield(nil, err)
						return
					}
					continue
				}
				last.Note, last.Wait = frame.Checkpoint, true
			}
			if last != nil && !yield(last, nil) {
				return
			}
			last = nil
			if frame.Entries != nil {
				last = &replay.Block{Entries: frame.Entries}
				f.unverified.Add(sizeOf(frame.Entries))
			}
		}
	}
}

// hears takes in how much is acknowledged. A leader that has something to say of it says so before anything else, so
// that the second frame without a word means that it counts no followers.
func (f *follower) hears(acknowledged uint64, second bool) error {
	if acknowledged > 0 || second {
		return f.node.hearAcknowledged(acknowledged, acknowledged == 0)
	}
	return nil
}

// stands checks a checkpoint of what is here already.
func (f *follower) stands(ctx context.Context, checkpoint []byte) error {
	if err := f.begins(ctx, checkpoint); err != nil {
		return err
	}
	return f.reached(ctx, checkpoint)
}

// maxUnverified bounds the bytes of blocks that a follower takes before it has verified those before: a leader that
// lies fills no memory with what will be refused.
const maxUnverified = 64 << 20

// verifies waits until less than half of that is not verified; false when ctx ends.
func (f *follower) verifies(ctx context.Context) bool {
	for f.unverified.Load() > maxUnverified/2 {
		select {
		case <-f.executes:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// sizeOf is how many bytes the entries have.
func sizeOf(entries [][]byte) (bytes int64) {
	for _, entry := range entries {
		bytes += int64(len(entry))
	}
	return bytes
}

// aheadError says that a block is dated ahead of this machine's clock. The follower waits, and goes on when its time
// has come: one of the two clocks is wrong, and he cannot know which.
type aheadError struct{ ahead, bound time.Duration }

func (e *aheadError) Error() string {
	return fmt.Sprintf("the leader's next block is dated %s ahead of this machine's clock, more than %s: waiting "+
		"until it is not; set right whichever clock is wrong", spell(e.ahead.Milliseconds()), e.bound)
}

// tooEarly says whether a block is dated further ahead of this machine's clock than clocks may be apart. Whoever
// cosigns neither executes nor keeps such a block; a copy that nobody relies on, such as a backup, takes what there is.
func (f *follower) tooEarly(frame Frame) error {
	if f.cosigner == nil || len(frame.Entries) == 0 {
		return nil
	}
	leaf, err := ledger.DecodeEntry(frame.Entries[0])
	if err != nil || leaf.Leaf == nil {
		return nil //nolint:nilerr // whoever executes it says what is wrong
	}
	ahead := time.Duration(int64(leaf.Leaf.TimeMillis)-int64(f.node.config.Now())) * time.Millisecond
	f.node.following.ahead.Store(ahead.Milliseconds())
	if bound := f.node.config.ClockBound; ahead > bound {
		return &aheadError{ahead, bound}
	}
	return nil
}

// executed stages a block that holds, and makes it durable with those before it when its checkpoint is there. The head
// moves before the block is durable, as at a leader; readers wait for n.durable. A crash loses the group, and the next
// connection asks for it again.
func (f *follower) executed(ctx context.Context, b *replay.Block, leaf ledger.Leaf) (txlog.Hash, error) {
	n := f.node
	f.unverified.Add(-sizeOf(b.Entries))
	select {
	case f.executes <- struct{}{}:
	default:
	}
	batch, err := n.log.Stage(b.Entries)
	if err != nil {
		return txlog.Hash{}, n.fail(err)
	}
	f.group = append(f.group, batch)
	f.bytes += batch.Bytes()
	f.staged = batch.Size()
	n.mu.Lock()
	n.head = Head{Leaf: leaf, Size: batch.Size(), Root: batch.Root()}
	n.metChanges()
	n.mu.Unlock()
	if b.Note == nil && f.bytes < gatherBytes && len(f.group) < maxGroup {
		return batch.Root(), nil
	}
	if err := f.commit(ctx); err != nil {
		return batch.Root(), err
	}
	if b.Note != nil {
		err = f.reached(ctx, b.Note)
	}
	return batch.Root(), err
}

// store commits the group. While the disk is full it waits, and the leader's stream with it.
func (f *follower) store(ctx context.Context) error {
	n := f.node
	for {
		err := n.log.Commit(f.group...)
		switch {
		case err == nil:
			n.roomy()
			return nil
		case !n.hinder(err):
			return n.fail(err)
		}
		select {
		case <-time.After(roomRetry):
		case <-ctx.Done():
			return err
		}
	}
}

// commit makes what was executed durable.
func (f *follower) commit(ctx context.Context) error {
	n := f.node
	if len(f.group) == 0 {
		return nil
	}
	start, entries := time.Now(), 0
	for _, b := range f.group {
		entries += b.Len() - 1
	}
	if err := f.store(ctx); err != nil {
		return err
	}
	n.metrics.committed(len(f.group), entries, time.Since(start))
	f.group, f.bytes = f.group[:0], 0
	head := n.head // this goroutine alone writes it
	return n.has(head)
}

// reached keeps a checkpoint that the log has come to, cosigned, and has the leader told.
func (f *follower) reached(ctx context.Context, signed []byte) error {
	n := f.node
	c, err := f.check(ctx, signed)
	if err != nil || c.Size != n.log.Size() {
		return err // blocks here that the leader signed no checkpoint over yet: it will
	}
	if signed, err = f.acknowledge(signed, c); err != nil {
		return err
	}
	if f.cosigner != nil {
		f.cosigned.put(signed, c.Size)
	}
	return nil
}

// acknowledge keeps a checkpoint, cosigned, unless that was promised away. Whoever promises meanwhile waits, and counts
// it. The lock of the fencing is held from looking at the promise to the stored checkpoint: a promise states the size
// of that checkpoint, so nothing that was cosigned is missing from it.
func (f *follower) acknowledge(signed []byte, c txlog.Checkpoint) ([]byte, error) {
	n := f.node
	if f.cosigner != nil {
		n.fencing.mu.Lock()
		defer n.fencing.mu.Unlock()
		if err := n.mayAcknowledge(f.leads); err != nil {
			return nil, err
		}
		_, opened, err := n.openCheckpoint(signed)
		if err != nil {
			return nil, err
		}
		opened.UnverifiedSigs = nil
		if signed, err = note.Sign(opened, f.cosigner); err != nil {
			return nil, err
		}
	}
	if _, kept := n.log.Checkpoint(); kept.Size >= c.Size && kept.Root == c.Root {
		return signed, nil
	}
	if err := n.keepSigned(signed); err != nil {
		return nil, err
	}
	if err := n.log.Adopt(signed); err != nil {
		return nil, n.fail(err)
	}
	n.published.wake()
	return signed, n.adopted(signed, c.Size)
}

// notify sends the newest cosigned checkpoint to the leader, who need not take it.
func (f *follower) notify(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.cosigned.wake:
			signed := f.cosigned.take()
			if signed == nil {
				continue // it went with the one before
			}
			notifying, done := context.WithTimeout(ctx, SilenceBound)
			err := f.leader.Cosign(notifying, signed)
			done()
			if err != nil && ctx.Err() == nil && !f.node.following.refused.Load() {
				f.node.logger.Warn("the leader does not take this follower's cosignature", "cause", err)
			}
			if ctx.Err() == nil {
				f.node.following.refused.Store(err != nil)
			}
		}
	}
}
