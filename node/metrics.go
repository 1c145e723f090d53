package node

import (
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/txlog/vfs"
)

// Metrics counts what the node does since it was opened. Every field is counted by itself: figures that are read
// together need not fit each other to the unit.
type Metrics struct {
	transactions atomic.Uint64
	blocks       atomic.Uint64
	refused      atomic.Uint64
	overloaded   atomic.Uint64
	commitNanos  atomic.Int64
	executeNanos atomic.Int64
	logBytes     atomic.Uint64
	tokens       atomic.Int64 // live
	wallets      atomic.Int64

	transactionTook, commitTook, ackTook latency

	snapshots     atomic.Uint64
	snapshotNanos atomic.Int64 // of the last
	snapshotBytes atomic.Int64 // of the last
	snapshotHold  atomic.Int64 // ns, the longest of all
}

// snapshotTaken notes a snapshot; of holds the longest is kept.
func (m *Metrics) snapshotTaken(took, hold time.Duration, bytes int64) {
	m.snapshots.Add(1)
	m.snapshotNanos.Store(int64(took))
	m.snapshotBytes.Store(bytes)
	m.snapshotHold.Store(max(m.snapshotHold.Load(), int64(hold)))
}

// committed notes one commit, of one block or several.
func (m *Metrics) committed(blocks, transactions int, took time.Duration) {
	m.blocks.Add(uint64(blocks))
	m.transactions.Add(uint64(transactions))
	m.commitNanos.Add(int64(took))
	m.commitTook.observe(took, 1)
}

// Counts are a node's figures at one moment.
type Counts struct {
	Transactions  uint64  `json:"transactions"` // executed, with system entries
	Blocks        uint64  `json:"blocks"`
	Refused       uint64  `json:"refused"`
	Overloaded    uint64  `json:"overloaded"`     // turned away because the queue was full
	CommitSeconds float64 `json:"commit_seconds"` // spent writing and syncing
	LogBytes      uint64  `json:"log_bytes"`      // written, with framing, without tiles
	Waiting       int     `json:"waiting"`        // in the queue
	LiveTokens    int     `json:"live_tokens"`
	Wallets       int     `json:"wallets"`
	IndexLag      uint64  `json:"index_lag"` // entries durable and not yet indexed

	Snapshots          uint64  `json:"snapshots"`
	SnapshotSeconds    float64 `json:"snapshot_seconds"`     // that the last one took
	SnapshotBytes      int64   `json:"snapshot_bytes"`       // of the last one
	SnapshotHoldMillis float64 `json:"snapshot_hold_millis"` // the longest that any of them held payments up at a time
}

// counted notes how much is live after a block. The state's lock is held.
func (m *Metrics) counted(tokens, wallets int) {
	m.tokens.Store(int64(tokens))
	m.wallets.Store(int64(wallets))
}

// Counts returns the node's figures. It takes no lock: a stage of the pipeline may hold it for ever.
func (n *Node) Counts() Counts {
	c := Counts{
		Transactions: n.metrics.transactions.Load(), Blocks: n.metrics.blocks.Load(),
		Refused: n.metrics.refused.Load(), Overloaded: n.metrics.overloaded.Load(),
		CommitSeconds: time.Duration(n.metrics.commitNanos.Load()).Seconds(),
		LogBytes:      n.metrics.logBytes.Load(),
		Waiting:       n.ingest.Waiting(), LiveTokens: int(n.metrics.tokens.Load()),
		Wallets:            int(n.metrics.wallets.Load()),
		Snapshots:          n.metrics.snapshots.Load(),
		SnapshotSeconds:    time.Duration(n.metrics.snapshotNanos.Load()).Seconds(),
		SnapshotBytes:      n.metrics.snapshotBytes.Load(),
		SnapshotHoldMillis: float64(n.metrics.snapshotHold.Load()) / 1e6,
	}
	if n.index != nil {
		durable := n.durable.Load().Size // of what may be shown; more can be in the log, and indexed
		c.IndexLag = durable - min(durable, n.index.size.Load())
	}
	return c
}

// Space is the room on the disk that holds the log; false where the file system cannot say.
func (n *Node) Space() (vfs.Space, bool) {
	roomy, ok := n.fs.(vfs.Roomy)
	if !ok {
		return vfs.Space{}, false
	}
	space, err := roomy.Space(n.config.Dir)
	return space, err == nil && space.Total > 0
}

// A disk is warned of when less than one part in so many is free, and less than so many bytes: two segments and what a
// snapshot and the index take beside them.
const (
	spacePart  = 20
	spaceBytes = 4 << 30
)

// KeyCache says how often a wallet's key was found decoded, and how often not.
func (n *Node) KeyCache() (hits, misses uint64) { return n.keys.Counts() }

// ExecuteMicros is how long executing and staging took per transaction, on average since the start.
func (n *Node) ExecuteMicros() float64 {
	return float64(n.metrics.executeNanos.Load()) / 1000 / float64(max(1, n.metrics.transactions.Load()))
}
