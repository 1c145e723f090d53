package node

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node/replay"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/quorum"
)

// Folders of a data directory.
const (
	logDir      = "log"
	snapshotDir = "snapshots"
	indexDir    = "index"
)

// LedgerParts are the parts of a data directory that hold the ledger, or are made from it.
var LedgerParts = []string{logDir, snapshotDir, indexDir}

const snapshotSuffix = ".snapshot"

// Recovered says how a node came to its state when it was opened.
type Recovered struct {
	Snapshot uint64 // entries that the snapshot covers; 0 without one
	Tail     uint64 // entries replayed after it
	LogTook  time.Duration
	LoadTook time.Duration // reading the snapshot
	TailTook time.Duration
}

// Recovered says how the node came to its state when it was opened.
func (n *Node) Recovered() Recovered { return n.recovery }

// recover brings the live state to the end of the log: the newest usable snapshot, then the tail. It runs before any
// goroutine, so that nothing here takes a lock. n.durable is what may be shown, which with followers is less than what
// is durable until they are heard.
func (n *Node) recover() error {
	dir := n.config.Dir
	if err := n.fs.MkdirAll(filepath.Join(dir, snapshotDir)); err != nil {
		return err
	}
	start := time.Now()
	log, err := txlog.Open(filepath.Join(dir, logDir), n.config.Options)
	if err != nil {
		return err
	}
	n.log = log
	n.recovery.LogTook = time.Since(start)
	if torn := log.Recovery(); torn.TornBytes > 0 {
		n.logger.Warn("a write that a crash interrupted was cut; it was never acknowledged", "bytes", torn.TornBytes,
			"file", torn.TornFile)
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
	if n.logVerifier, err = quorum.NewVerifier(n.genesis.LogKey); err != nil {
		return fmt.Errorf("the genesis names no usable log key: %w", err)
	}

	r, err := n.rebuild(n.config.Reverify)
	if err != nil {
		return err
	}
	n.state, n.executor, n.head = r.state, r.replay.Executor(), r.head
	n.executor.Compiled = n.compiled.get
	n.executor.Strict = n.config.Sequencer == nil // nodes of other builds must come to the same
	n.recovered = r.head
	n.shownTime.Store(r.head.TimeMillis)
	n.metrics.counted(r.state.Counts())
	n.metChanges()
	last := r.head.TimeMillis
	if r.head.Height == 0 {
		last = 0 // nothing waits for anything yet
	}
	n.clock.begin(last, shortestDelay(r.state.Authority()))
	n.durable.Store(&r.head)
	if n.config.Acks > 0 && n.config.Leader == "" && r.head.Size > 1 {
		// What nobody else may have yet is not shown: until followers have acknowledged it, there is the genesis only.
		root, err := n.log.Root(1)
		if err != nil {
			return err
		}
		n.durable.Store(&Head{Leaf: n.genesis.Leaf(), Size: 1, Root: root})
	}
	return n.openAcknowledged(r.head)
}

// signRecovered has a leader sign what it begins with, before it answers anybody: entries that a crash left without a
// checkpoint, which were replayed, and count (the log has written them again, so that they do not lie in the page cache
// alone); and, in an epoch of its own, what a leader of an older one signed: followers take nothing beyond a fence that
// was signed before it. Until then followers could not acknowledge them, and whoever verifies the directory would find
// entries for which nobody has signed.
func (n *Node) signRecovered() error {
	if n.config.Leader != "" || n.config.ReadOnly || n.config.Sequencer != nil || len(n.config.Options.Signers) == 0 {
		return nil
	}
	_, known := n.KnownFence()
	signed, c := n.log.Checkpoint()
	if signed != nil && c.Size >= n.log.Size() && EpochOf(c) >= known.Epoch {
		return nil
	}
	if c.Size < n.log.Size() {
		n.logger.Info("signing entries that a crash left without a checkpoint", "from", c.Size, "to", n.log.Size())
	}
	_, err := n.Publish()
	return err
}

// rebuilt is a state made from a snapshot and the log, and the replay that made it. The replay goes on as the executor.
type rebuilt struct {
	state  *livestate.State
	replay *ledger.Replay
	head   Head
}

// rebuild makes the state after the last durable block.
func (n *Node) rebuild(reverify bool) (rebuilt, error) {
	start := time.Now()
	r := fromNothing(!reverify)
	if !reverify {
		r = n.fromSnapshot()
	}
	loaded := time.Now()
	n.recovery.Snapshot, n.recovery.LoadTook = r.head.Size, loaded.Sub(start)
	err := n.replayTail(&r, reverify)
	n.recovery.Tail, n.recovery.TailTook = r.head.Size-n.recovery.Snapshot, time.Since(loaded)
	return r, err
}

func fromNothing(trust bool) rebuilt {
	state := livestate.New(randomSeed())
	return rebuilt{state, ledger.NewReplay(state, trust), Head{}}
}

// fromSnapshot starts from the newest snapshot that fits the log, or from nothing.
func (n *Node) fromSnapshot() rebuilt {
	for _, name := range n.snapshotFiles() {
		state, at, err := n.readSnapshot(name)
		if errors.Is(err, errUnsealed) {
			n.logger.Warn("a snapshot without a signature, as earlier versions wrote them, is not believed; the log "+
				"is replayed this once", "file", name)
			continue
		}
		if err != nil {
			n.logger.Warn("snapshot passed over; the log has everything", "file", name, "cause", err)
			continue
		}
		return rebuilt{state, ledger.ResumeReplay(state, n.network, at.Leaf, true),
			Head{Leaf: at.Leaf, Size: at.LogSize}}
	}
	return fromNothing(true)
}

// snapshotFiles lists snapshots, the newest first.
func (n *Node) snapshotFiles() []string {
	names, err := n.fs.List(filepath.Join(n.config.Dir, snapshotDir))
	if err != nil {
		return nil
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, snapshotSuffix) })
	slices.Sort(names)
	slices.Reverse(names)
	return names
}

// readSnapshot reads a file and holds it against the log: it must be of this network, not ahead, and follow this very
// log.
func (n *Node) readSnapshot(name string) (*livestate.State, livestate.Position, error) {
	f, err := n.fs.Open(filepath.Join(n.config.Dir, snapshotDir, name))
	if err != nil {
		return nil, livestate.Position{}, err
	}
	defer f.Close()
	state, at, err := n.readSnapshotFile(f)
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

// replayTail executes the durable blocks after a point again. Their signatures were verified before they were
// written, and are believed unless the node was told to verify everything again: then entries' hashes too.
func (n *Node) replayTail(r *rebuilt, reverify bool) error {
	height := r.head.Height + 1
	if r.head.Size == 0 {
		height = 0
	}
	root, err := n.log.Root(r.head.Size)
	if err != nil {
		return err
	}
	r.head.Root = root
	engine := replay.Engine{State: r.state, Replay: r.replay, Root: root, Network: n.network}
	if height == 0 {
		engine.Network = token.NetworkID{} // its genesis is in the log
	}
	var tree txlog.Tree
	if reverify {
		engine.Cache, engine.Hash = n.keys, true
	}
	size := r.head.Size
	engine.Executed = func(b *replay.Block, leaf ledger.Leaf) (txlog.Hash, error) {
		size += uint64(len(b.Entries))
		for _, hash := range b.Hashes {
			tree.Add(hash)
		}
		if engine.Hash && tree.Root() != b.Root {
			return b.Root, fmt.Errorf("the entries of block %d do not give the root that the log states", leaf.Height)
		}
		r.head = Head{Leaf: leaf, Size: size, Root: b.Root}
		return b.Root, nil
	}
	if err := engine.Run(context.Background(), blocksOf(n.log, height)); err != nil {
		return fmt.Errorf("replaying the log: %w", err)
	}
	return nil
}

// blocksOf reads a log's durable blocks from a height on.
func blocksOf(log *txlog.Log, height uint64) replay.Source {
	return func(context.Context) iter.Seq2[*replay.Block, error] {
		return func(yield func(*replay.Block, error) bool) {
			for batch, err := range log.Batches(height) {
				if err != nil {
					yield(nil, err)
					return
				}
				b := &replay.Block{Root: batch.Root, Entries: make([][]byte, 0, batch.Count)}
				bytes := 0
				for _, entry := range batch.Entries() {
					bytes += len(entry)
				}
				space := make([]byte, 0, bytes) // the batch is valid until the next only
				for _, entry := range batch.Entries() {
					from := len(space)
					space = append(space, entry...)
					b.Entries = append(b.Entries, space[from:len(space):len(space)])
				}
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}
