package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/index"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node/intake"
	"github.com/aqsha/aqsha/node/verifier"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Config says how to run a node. Only Dir and Signers are required to write.
type Config struct {
	Dir      string        // data directory
	Options  txlog.Options // of the log: its signers, file system, segment size
	Now      func() uint64 // Unix milliseconds; nil is the system's clock, held against its monotonic one
	Queue    int           // transactions that may wait; 0 is 16,384
	Block    int           // most transactions of a block, up to 4,096; 0 is that
	KeyCache int           // bytes for decoded keys; 0 is 256 MiB
	Logger   *slog.Logger  // nil discards
	NoIndex  bool          // histories are not kept
	// Salt is that of a block's i-th system entry; nil draws at random, as everybody but a simulation does.
	Salt func(height uint64, i int) *ledger.Salt
	// Monotonic is a clock that runs on whatever Now says, with which a leader compares it; nil beside a given Now
	// believes that.
	Monotonic func() time.Duration
	// ClockBound is how far this machine's clock may be from others; 0 is DefaultClockBound.
	ClockBound time.Duration
	// AcceptTime is a person's word that the clock is right, however long ago the last block was.
	AcceptTime bool
	// TrustClock dates blocks by this machine's clock whatever it does, as on a development network.
	TrustClock bool
	// SnapshotWork is after how much work a snapshot is taken whatever policy says: an entry of the log is one, a token
	// made or ended half as much. 0 is 800,000, and one more for 32 live tokens, which replaying takes a second or two.
	SnapshotWork uint64
	// Reverify believes nothing at the start but the log's bytes: no snapshot, and every signature is verified again.
	Reverify bool
	// Followers are whose cosignatures this node takes as acknowledgements, and Acks how many of them must have
	// acknowledged before anybody is answered.
	Followers []note.Verifier
	Acks      int
	MembersID string        // of that list, as its followers say that they keep it
	Before    MembersBefore // the list with which this leader answered last, if it is another
	// Whole says that nobody can have acknowledged more than the log has, whatever was not heard: it was promoted a
	// moment ago.
	Whole   bool
	Keys    []KeyLife // keys this node uses, to be warned of in time
	KeyDays int       // how many days the key sets on the ledger live, likewise; 0 warns of none
	// SnapshotVerifiers are by whom snapshots may be signed, besides the log's key: a follower signs his with the key
	// with which he cosigns.
	SnapshotVerifiers []note.Verifier
	// Leader, if not empty, is whose log this node copies: it takes no transactions, see Follow.
	Leader string
	// Sequencer, if not nil, orders what this node takes in together with other nodes; the node itself makes no blocks.
	Sequencer Sequencer
	// Sealer signs this node's snapshots where the log's key is not one node's.
	Sealer note.Signer
	// ReadBound is how long a read waits for what it saw to be acknowledged; 0 is ten seconds.
	ReadBound time.Duration
	// Patience is how long tokens that others have set aside must have stood still before a payer whom nobody knows
	// gets them (Want.Unknown); 0 is four seconds.
	Patience time.Duration
	// Hold is how long tokens are set aside for a payer who says nothing more; 0 for half a minute.
	Hold time.Duration
	// Archive, if not empty, is a directory to which a leader copies sealed segments of the log, best on another
	// machine's disk.
	Archive string
	// ReadOnly reads a ledger over a file system that keeps writes to itself (vfs.Overlay): no snapshot is taken. With
	// Leader.
	ReadOnly bool
	// Synchronous runs no stage of its own: whoever submits does the work of all stages, so that the
	// same calls make the same writes. For simulations; one caller at a time.
	Synchronous bool
}

// Head is a durable point of the ledger.
type Head struct {
	ledger.Leaf
	Size uint64     `json:"size"` // entries of the log, with this block's
	Root txlog.Hash `json:"root"` // of the log at Size
}

// Receipt says where in the log a transaction stands.
type Receipt struct {
	ID         token.TransactionID `json:"id"`
	Index      uint64              `json:"index"`  // of its entry in the log
	Height     uint64              `json:"height"` // of its block
	TimeMillis uint64              `json:"time_millis"`
}

// Node is a running ledger.
//
// Locks that are taken while another is held are taken in this order: snapshots, fencing.mu, signing.mu, mu, stateLock;
// and under any of them cosigners.mu before clock.mu, acknowledged.mu, and the small ones of single parts (compiled,
// reserved, ordering, following), under which nothing else is taken but a broadcast's or the queue's own. fencing.mu is
// held while a file is written, and mu by a stage that may hang: what must always answer (health, warnings, metrics)
// reads atomics, or tries a lock.
type Node struct {
	// Set by Open, and not changed after.
	config  Config
	network token.NetworkID
	genesis ledger.Genesis
	log     *txlog.Log
	fs      vfs.FS
	lock    interface{ Close() error }
	logger  *slog.Logger

	// The stages of a payment: each channel is sent to, and closed, by the one stage before it, so that Close ends
	// them in order and what was taken in is answered.
	ingest   *intake.Queue[*submission]
	units    chan *unit // in order of arrival
	work     chan *unit // the same, for any verifier
	commits  chan *block
	answers  chan []*block // durable, and waiting for followers
	stop     chan struct{}
	closing  sync.RWMutex // held for reading while Submit hands a request over
	closed   bool
	closeErr func() error // once
	running  sync.WaitGroup

	mu         sync.RWMutex // guards state and head; the executor alone writes
	state      *livestate.State
	executor   *ledger.Executor
	head       Head     // executed, perhaps not yet durable
	executed   uint64   // height; on a follower it may be one more than head's
	entries    [][]byte // of the block being made; the executor's alone, reused
	encoded    []byte   // likewise: their bytes
	requests   []*request
	prefetcher livestate.Prefetcher
	keys       *verifier.Cache
	compiled   *compiled
	nets       *index.Nets // what the executor hands to the index; nil without one

	snapshots sync.Mutex // one is taken at a time
	unsnapped unsnapped
	room      room
	capturing atomic.Bool // a capture of the state is under way
	// held to change the state, and to tell a capture. Taken after mu, and let go in the midst of a block
	stateLock sync.Mutex

	ordering ordering // with others
	// the last block that may be shown: durable here, and acknowledged where that is asked for
	durable   atomic.Pointer[Head]
	recovered Head      // with which the node began
	recovery  Recovered // and how it came there
	grown     broadcast // durable has moved
	failure   atomic.Pointer[token.Error]
	failed    chan struct{} // closed with failure

	published    broadcast     // a checkpoint was stored
	logVerifier  note.Verifier // of the genesis
	signing      signing       // of checkpoints
	cosigners    *cosigners
	following    following
	acknowledged acknowledged // on a follower
	poisoned     atomic.Bool  // the live state must not be read any more
	fencing      fencing
	index        *indexer
	reserved     *reservations
	metrics      Metrics
	archiving    archiving
	clock        *clock
	stages       [stages]stage
	// the newest version of the rules that is in force or announced, as Warnings saw it last
	rulesSeen atomic.Uint32
	lives     atomic.Pointer[[]KeyLife] // of the sets on the ledger, as last seen
	awaiting  atomic.Bool               // the executor waits for a follower's clock
	ended     chan struct{}             // closed when closing has ended
	shownTime atomic.Uint64             // of the last executed block, for who must not wait for mu
}

// maxBlock is the most transactions of a block: followers take no more.
const maxBlock = 4_096

var processStart = time.Now()

// systemClock is the wall clock in Unix milliseconds.
func systemClock() uint64 { return uint64(time.Now().UnixMilli()) }

// complete fills in what is left out.
func (c *Config) complete() {
	if c.Now == nil {
		c.Now = systemClock
		// Only with the system's clock: under a test's clock the monotonic one would go its own way.
		if c.Monotonic == nil {
			c.Monotonic = monotonicClock
		}
	}
	if c.ClockBound == 0 {
		c.ClockBound = DefaultClockBound
	}
	if c.ReadBound == 0 {
		c.ReadBound = readBound
	}
	if c.Patience == 0 {
		c.Patience = patience
	}
	if c.Hold == 0 {
		c.Hold = hold
	}
	if c.Queue == 0 {
		c.Queue = 16_384
	}
	if c.Block == 0 || c.Block > maxBlock {
		c.Block = maxBlock
	}
	if c.KeyCache == 0 {
		c.KeyCache = 256 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Options.FS == nil {
		c.Options.FS = vfs.OS
	}
}

// Open recovers the ledger in a data directory and runs it until Close. An error leaves nothing running and the
// directory unlocked. What a crash left is mended by then: a torn write is cut, the state is rebuilt from snapshot and
// log, entries without a checkpoint are signed.
func Open(config Config) (*Node, error) {
	config.complete()
	n := &Node{
		config: config, logger: config.Logger, fs: config.Options.FS,
		ingest:  intake.New[*submission](config.Queue, time.Now),
		units:   make(chan *unit, 2*runtime.GOMAXPROCS(0)),
		work:    make(chan *unit, 2*runtime.GOMAXPROCS(0)),
		commits: make(chan *block, 1),
		answers: make(chan []*block, maxUnacknowledged),
		stop:    make(chan struct{}),
		failed:  make(chan struct{}),
		ended:   make(chan struct{}),
	}
	n.clock = newClock(&config)
	n.archiving.dir.Store(&config.Archive)
	n.grown.init()
	n.published.init()
	n.fencing.changed.init()
	n.cosigners = newCosigners(&config)
	n.closeErr = sync.OnceValue(n.shutDown)
	n.reserved = newReservations(n)
	n.keys, n.compiled = verifier.NewCache(config.KeyCache), newCompiled()
	// In this order: the log and state as they are, then who leads, which may forbid writing, and only then a signature
	// over what was recovered. Each may refuse; nothing runs yet, so that closing the files is all there is to undo.
	err := checkAcks(config.Acks, len(config.Followers), config.Synchronous)
	if err == nil {
		err = n.recover()
	}
	if err == nil {
		err = n.openFence()
	}
	if err == nil {
		err = n.signRecovered()
	}
	if err == nil {
		err = n.keepPublished()
	}
	if err != nil {
		n.closeFiles()
		return nil, err
	}
	if !config.NoIndex && !config.Synchronous {
		if n.index, err = openIndexer(n); err != nil {
			n.closeFiles()
			return nil, err
		}
	}
	if !config.Synchronous {
		n.start()
	}
	return n, nil
}

// maxUnacknowledged is how many groups of blocks may wait for followers. When they are full the committer waits, then
// the executor, then the queue: senders are refused as overloaded.
const maxUnacknowledged = 64

// start runs the stages. A follower has none of a leader's: Follow does their work, in the goroutine of whoever calls
// it.
func (n *Node) start() {
	go n.watch()
	if !n.config.ReadOnly {
		n.running.Go(n.snapshotter)
	}
	n.running.Go(n.warn)
	if n.config.Leader != "" {
		return
	}
	n.running.Go(n.archiver)
	n.running.Add(1)
	go n.collect()
	if n.config.Sequencer != nil {
		n.running.Go(n.sequence)
		n.running.Go(n.reconsider)
	} else {
		n.running.Add(2)
		go n.execute()
		go n.commit()
	}
	if n.config.Acks > 0 {
		n.running.Add(1)
		go n.acknowledge()
	}
	for range runtime.GOMAXPROCS(0) {
		n.running.Add(1)
		go n.verifier()
	}
}

// Close takes no more transactions, answers those it has, takes a snapshot and releases the directory. A snapshot that
// cannot be written is no error: what was answered is in the log. SnapshotFailure says so.
// Closing again waits for the first time to end and returns the same.
func (n *Node) Close() error { return n.closeErr() }

// shutDown ends the stages in the order of the channels: Submit hands over nothing more once closed is set under
// closing, collect ends with the queue and closes what the next stage reads, and so on, so that all that was taken in
// is answered before the snapshot is taken.
func (n *Node) shutDown() error {
	defer close(n.ended)
	n.closing.Lock()
	n.closed = true
	close(n.stop)
	n.ingest.Close()
	n.closing.Unlock()
	n.running.Wait()
	n.abandonOrdered()
	// of the log: a snapshot would be of blocks that will be forgotten
	ahead := len(n.room.held) > 0 || n.ordering.executed != nil
	if n.failure.Load() == nil && !ahead && !n.config.ReadOnly && n.snapshotSigner() != nil {
		if err := n.snapshot(nil); err != nil {
			n.unsnapped.failed(err)
			n.logger.Warn(noSnapshot, "cause", err)
		}
	}
	if n.index != nil {
		n.index.close()
	}
	n.acknowledged.mu.Lock()
	_ = n.keepAcknowledged(true)
	n.acknowledged.mu.Unlock()
	return n.closeFiles()
}

// closeFiles lets go of the directory: the lock last, when nothing of ours writes there any more.
func (n *Node) closeFiles() (err error) {
	if n.log != nil {
		err = n.log.Close()
	}
	if n.lock != nil {
		if e := n.lock.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Network is the id of the network whose ledger this is.
func (n *Node) Network() token.NetworkID { return n.network }

// Genesis is what founded the network.
func (n *Node) Genesis() ledger.Genesis { return n.genesis }

// Log gives access to the verifiable log, for reading.
func (n *Node) Log() *txlog.Log { return n.log }

// Head is the last durable block.
func (n *Node) Head() Head { return *n.durable.Load() }

// Err says why the node takes no more writes, or nil.
func (n *Node) Err() error {
	if e := n.failure.Load(); e != nil {
		return e
	}
	return nil
}

// fail stops all writing for good.
func (n *Node) fail(cause error) *token.Error {
	e := refuse(WriteFailed, "", "the log takes no more writes: %v", cause)
	n.stopWriting(e)
	return n.failure.Load()
}

// stopWriting takes no more transactions, for a reason that stays.
func (n *Node) stopWriting(e *token.Error) {
	if n.failure.CompareAndSwap(nil, e) {
		n.logger.Error("no more transactions are taken", "cause", e)
		close(n.failed)
		n.grown.wake()
		n.published.wake()
	}
}

// View shows the live state to read, and returns once what was seen is durable. The state must not be kept. read runs
// under the read lock, for which a block waits, and behind a waiting block all other readers: it must be short and take
// no lock of this node. With an error, such as not-yet or not-shown, nothing of what was seen may be used.
func (n *Node) View(ctx context.Context, read func(state *livestate.State, head Head)) error {
	return n.view(ctx, n.waitShown, read)
}

// view shows the live state, and waits for what was seen.
func (n *Node) view(ctx context.Context, wait func(ctx context.Context, height uint64) error,
	read func(state *livestate.State, head Head)) error {
	n.mu.RLock()
	if n.poisoned.Load() {
		n.mu.RUnlock()
		return n.Err()
	}
	read(n.state, n.head)
	height := n.head.Height
	n.mu.RUnlock()
	return wait(ctx, height)
}

// WaitHeight waits until a block is durable. At a leader with followers, and at a follower, durable means acknowledged
// too.
func (n *Node) WaitHeight(ctx context.Context, height uint64) error {
	for {
		grown := n.grown.wait()
		if n.durable.Load().Height >= height {
			return nil
		}
		if err := n.Err(); err != nil {
			return err
		}
		if full := n.full(); full != nil {
			return full // what was executed is not shown before it is stored
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		case <-n.stop:
			return refuse(Stopped, "", "the node is shutting down")
		}
	}
}

// broadcast wakes everybody who waits. Take the channel before looking at what is waited for: what changes between the
// two closes that very channel.
type broadcast struct {
	mu sync.Mutex // over ch
	ch chan struct{}
}

func (b *broadcast) init() { b.ch = make(chan struct{}) }

func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

// wake lets all go who wait, and begins anew.
func (b *broadcast) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}

// randomSeed is for tables whose order nobody may foresee.
func randomSeed() (seed [32]byte) {
	if _, err := rand.Read(seed[:]); err != nil {
		panic(fmt.Sprintf("no randomness: %v", err))
	}
	return seed
}
