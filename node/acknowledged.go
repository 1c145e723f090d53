package node

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// acknowledgedFile holds the newest checkpoint that a follower may show, so that a restart shows no more.
const acknowledgedFile = "acknowledged"

// maxPending bounds the checkpoints that a follower keeps until they are acknowledged: a leader has far fewer under
// way.
const maxPending = 256

// acknowledged is how much of its leader's log a follower may show. What fewer followers have than must acknowledge is
// taken back by a promotion of another: whoever was shown it has handed over goods for nothing.
//
// Invariants: reported never falls; what is shown (size, and Node.durable) is at most what is durable here and what was
// reported; kept is at most size, so that after a crash less is shown, until the leader says again how much was
// acknowledged, and never more.
type acknowledged struct {
	mu       sync.Mutex       // over everything here; n.durable grows under it
	reported uint64           // by the leader: entries that were acknowledged; 0 when it never told
	every    bool             // the leader is of a time when none told: everything is shown
	own      Head             // durable here
	pending  []heldCheckpoint // of more entries than were acknowledged, oldest first
	shown    []byte           // the newest checkpoint of what was
	size     uint64           // of shown
	kept     uint64           // size of the one in the file
	keptAt   time.Time
}

type heldCheckpoint struct {
	size   uint64
	signed []byte
}

// bound is how many entries may be shown of so many. The lock is held.
func (a *acknowledged) bound(has uint64) uint64 {
	if a.every || a.reported == 0 {
		return has
	}
	return failover.Shown(has, a.reported)
}

// advance chooses the newest checkpoint that may be shown. The lock is held.
func (a *acknowledged) advance() {
	for len(a.pending) > 0 && a.pending[0].size <= a.bound(a.pending[0].size) {
		a.shown, a.size = a.pending[0].signed, a.pending[0].size
		a.pending = a.pending[1:]
	}
}

// openAcknowledged brings back what a follower may show. Whoever reads a directory himself sees all of it. Until the
// leader is heard, what stands in the file is shown, or nothing is held back where there is none.
func (n *Node) openAcknowledged(head Head) error {
	a := &n.acknowledged
	a.own = head
	if n.config.Leader == "" || n.config.ReadOnly {
		return nil
	}
	if signed, c := n.log.Checkpoint(); signed != nil {
		a.pending = []heldCheckpoint{{c.Size, signed}}
	}
	signed, err := readSmall(n.fs, filepath.Join(n.config.Dir, acknowledgedFile))
	if err != nil || signed == nil {
		return err
	}
	c, _, err := n.openCheckpoint(signed)
	if err != nil {
		n.logger.Warn("what was acknowledged cannot be read; the leader tells it again", "cause", err)
		return nil //nolint:nilerr // logged
	}
	if root, err := n.log.Root(c.Size); err != nil || root != c.Root {
		return nil //nolint:nilerr // of a log that was here before
	}
	a.reported, a.shown, a.size, a.kept = c.Size, signed, c.Size, c.Size
	if c.Size < head.Size {
		at, err := n.headAt(c.Size)
		if err != nil {
			return err
		}
		n.durable.Store(&at)
	}
	return nil
}

// AcknowledgedIn is how many entries a follower's directory knows to have been acknowledged, whoever signed it; 0 when
// it knows of none.
func AcknowledgedIn(files vfs.FS, dir string) uint64 {
	signed, err := readSmall(files, filepath.Join(dir, acknowledgedFile))
	if err != nil || signed == nil {
		return 0
	}
	c, err := txlog.ParseSigned(signed)
	if err != nil {
		return 0
	}
	return c.Size
}

// headAt is the last block within so many entries of the log. A size in the midst of a block is that of the block
// before: half a block is nothing that anybody was answered.
func (n *Node) headAt(size uint64) (Head, error) {
	info, err := n.log.BatchOf(size - 1)
	if err == nil && info.Size() > size && info.Height > 0 {
		info, err = n.log.Batch(info.Height - 1)
	}
	if err != nil {
		return Head{}, err
	}
	data, err := n.log.Entry(info.FirstIndex)
	if err != nil {
		return Head{}, err
	}
	entry, err := ledger.DecodeEntry(data)
	if err != nil {
		return Head{}, err
	}
	leaf := *entry.Leaf
	if leaf.Genesis != nil {
		leaf = n.genesis.Leaf()
	}
	return Head{Leaf: leaf, Size: info.Size(), Root: info.Root}, nil
}

// hearAcknowledged takes in how many entries the leader says were acknowledged. every means that it does not say such
// things. Connections come and go, and a later one may tell an older number: the largest that was heard counts.
func (n *Node) hearAcknowledged(size uint64, every bool) error {
	a := &n.acknowledged
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reported, a.every = max(a.reported, size), every
	return n.show()
}

// has notes what is durable here.
func (n *Node) has(head Head) error {
	a := &n.acknowledged
	a.mu.Lock()
	defer a.mu.Unlock()
	a.own = head
	return n.show()
}

// adopted notes a checkpoint that the log has come to.
func (n *Node) adopted(signed []byte, size uint64) error {
	a := &n.acknowledged
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.pending) == maxPending {
		a.pending = a.pending[:maxPending-1] // the newest says as much as the one before it
	}
	a.pending = append(a.pending, heldCheckpoint{size, signed})
	return n.show()
}

// show shows what is durable here and acknowledged. The lock of what is acknowledged is held. What is shown never goes
// back: a bound below it, as of a follower that has lost its disk, only holds up what comes next.
func (n *Node) show() error {
	a := &n.acknowledged
	before := a.size
	a.advance()
	head := a.own
	if bound := a.bound(head.Size); bound < head.Size {
		if bound <= n.durable.Load().Size {
			return n.keepAcknowledged(false)
		}
		var err error
		if head, err = n.headAt(bound); err != nil {
			return err
		}
	}
	if head.Size > n.durable.Load().Size {
		n.durable.Store(&head)
		n.grown.wake()
	}
	if a.size > before {
		n.grown.wake()
	}
	return n.keepAcknowledged(false)
}

// keepAcknowledged stores the newest checkpoint that may be shown, now and then: one that is older shows less, no more.
func (n *Node) keepAcknowledged(now bool) error {
	a := &n.acknowledged
	if a.size <= a.kept || n.config.ReadOnly || (!now && time.Since(a.keptAt) < keepEvery) {
		return nil
	}
	if err := replaceFile(n.fs, n.config.Dir, filepath.Join(n.config.Dir, acknowledgedFile), a.shown); err != nil {
		return nil //nolint:nilerr // such as a full disk; the one before stands
	}
	a.kept, a.keptAt = a.size, time.Now()
	return nil
}

// followersCheckpoint is the newest checkpoint that a follower may show, or nil.
func (n *Node) followersCheckpoint() []byte {
	a := &n.acknowledged
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shown == nil && (a.every || a.reported == 0) {
		signed, _ := n.log.Checkpoint()
		return signed
	}
	return a.shown
}
