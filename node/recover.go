package node

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Folders of a data directory.
const (
	logDir      = "log"
	snapshotDir = "snapshots"
	indexDir    = "index"
)

const snapshotSuffix = ".snapshot"

// recover brings the live state to the end of the log: the newest usable snapshot, then the tail.
func (n *Node) recover() error {
	dir := n.config.Dir
	if err := n.fs.MkdirAll(filepath.Join(dir, snapshotDir)); err != nil {
		return err
	}
	log, err := txlog.Open(filepath.Join(dir, logDir), n.config.Options)
	if err != nil {
		return err
	}
	n.log = log
	if torn := log.Recovery(); torn.TornBytes > 0 {
		n.logger.Warn("a write that a crash interrupted was cut; it was never acknowledged", "bytes", torn.TornBytes, "file", torn.TornFile)
	}
	if log.Size() == 0 {
		return fmt.Errorf("the log in %s is empty: no network was founded here", dir)
	}
	first, err := log.Entry(0)
	if err != nil {
		return err
	}
	entry, err := ledger.DecodeEntry(first)
	if err != nil || entry.Leaf == nil || entry.Leaf.Genesis == nil {
		return fmt.Errorf("the log in %s does not begin with a genesis: %w", dir, err)
	}
	n.network, n.genesis = ledger.NetworkOf(first), *entry.Leaf.Genesis

	r, err := n.rebuild()
	if err != nil {
		return err
	}
	n.state, n.executor, n.head = r.state, r.replay.Executor(), r.head
	n.durable.Store(&r.head)
	return nil
}

// rebuilt is a state made from a snapshot and the log, and the replay that made it.
type rebuilt struct {
	state  *livestate.State
	replay *ledger.Replay
	head   Head
}

// rebuild makes the state after the last durable block, without touching the live one.
func (n *Node) rebuild() (rebuilt, error) {
	r := n.fromSnapshot()
	return r, n.replayTail(&r)
}

// fromSnapshot starts from the newest snapshot that fits the log, or from nothing.
func (n *Node) fromSnapshot() rebuilt {
	for _, name := range n.snapshots() {
		state, at, err := n.readSnapshot(name)
		if err != nil {
			n.logger.Warn("snapshot passed over; the log has everything", "file", name, "cause", err)
			continue
		}
		return rebuilt{state, ledger.ResumeReplay(state, n.network, at.Leaf, true), Head{Leaf: at.Leaf, Size: at.LogSize}}
	}
	state := livestate.New(randomSeed())
	return rebuilt{state, ledger.NewReplay(state, true), Head{}}
}

// snapshots lists snapshot files, the newest first.
func (n *Node) snapshots() []string {
	names, err := n.fs.List(filepath.Join(n.config.Dir, snapshotDir))
	if err != nil {
		return nil
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, snapshotSuffix) })
	slices.Sort(names)
	slices.Reverse(names)
	return names
}

func (n *Node) readSnapshot(name string) (*livestate.State, livestate.Position, error) {
	f, err := n.fs.Open(filepath.Join(n.config.Dir, snapshotDir, name))
	if err != nil {
		return nil, livestate.Position{}, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, livestate.Position{}, err
	}
	state, at, err := livestate.ReadSnapshot(io.NewSectionReader(f, 0, size), randomSeed())
	if err != nil {
		return nil, at, err
	}
	if at.Network != n.network {
		return nil, at, fmt.Errorf("it is of network %s", at.Network)
	}
	if at.LogSize > n.log.Size() {
		return nil, at, fmt.Errorf("it stands at %d entries, the log has %d", at.LogSize, n.log.Size())
	}
	root, err := n.log.Root(at.LogSize)
	if err == nil && root != at.LogRoot {
		err = fmt.Errorf("it follows another log: root %s at %d entries, here %s", at.LogRoot, at.LogSize, root)
	}
	return state, at, err
}

// replayTail executes the durable blocks after a point again. Their signatures were verified before
// they were written.
func (n *Node) replayTail(r *rebuilt) error {
	height := r.head.Height + 1
	if r.head.Size == 0 {
		height = 0
	}
	root, err := n.log.Root(r.head.Size)
	if err != nil {
		return err
	}
	r.head.Root = root
	var entries [][]byte
	for batch, err := range n.log.Batches(height) {
		if err != nil {
			return err
		}
		entries = entries[:0]
		for _, entry := range batch.Entries() {
			entries = append(entries, entry)
		}
		leaf, err := r.replay.Block(entries, token.Hash(r.head.Root))
		if err != nil {
			return fmt.Errorf("replaying the log: %w", err)
		}
		r.head = Head{Leaf: leaf, Size: batch.Size(), Root: batch.Root}
	}
	return nil
}
