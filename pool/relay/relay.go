package relay

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
)

// Block is one that the pool has found.
type Block struct {
	Raw      []byte
	Hash     bitcoin.Hash
	Previous bitcoin.Hash
	Height   uint32
	Found    time.Time

	// Owned by whoever holds Relay.mu.
	written bool // its file is durable; Raw may be dropped
	taken   bool // a node has said that it has it
	settled bool // final, or lost for good
	alarmed bool
	loaded  time.Time // when its file was read at the start; no node has been asked about it before
	missing bool      // a node has said that it does not have it
	tries   int       // to hand it over again
	next    time.Time // not before
}

// Options of a relay.
type Options struct {
	Network bitcoin.Network
	Nodes   []*bitcoin.Client
	// Peers are addresses of further nodes' peer-to-peer ports, which get every block at once.
	Peers []string
	// Dir keeps blocks over a restart; empty keeps them in memory only.
	Dir    string
	Logger *slog.Logger
	// Taken is told when a node first has a block; Refused when every node has refused it or it has
	// left the chain while its parent is the tip again: another block on that parent is worth having.
	Taken, Refused func(hash, previous bitcoin.Hash)
}

// Relay hands blocks to the network. Its methods may be used by many goroutines at once. Taken and Refused are called
// without the lock, by any goroutine, and may come in any order for two blocks.
type Relay struct {
	options Options
	journal journal
	sending sync.WaitGroup

	mu     sync.Mutex // over what follows, and what changes of a Block; nothing is sent under it
	blocks map[bitcoin.Hash]*Block
	order  []*Block // of blocks, as they were found
}

const (
	// journalPatience is how long the disk may take before a block goes out all the same.
	journalPatience = 100 * time.Millisecond
	// rpcPatience is how long RPC may take before the peer-to-peer protocol is tried as well.
	rpcPatience = time.Second
	peerTimeout = 20 * time.Second
	// alarmAfter is how long a block may be without a node that has it before the operator hears of it.
	alarmAfter = 10 * time.Second
	// attemptTime bounds one round of attempts at a node; Run begins the next.
	attemptTime = 15 * time.Second
	// longestWait is between two rounds for a block that a node does not take.
	longestWait = time.Minute
)

// Open reads what an earlier run has not brought home. Run hands it over again.
func Open(options Options) (*Relay, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Relay{options: options, journal: journal{options.Dir}, blocks: map[bitcoin.Hash]*Block{}}
	blocks, bad, err := r.journal.load()
	if err != nil {
		return nil, err
	}
	for _, problem := range bad {
		options.Logger.Error("a block's file cannot be used; look at it", "error", problem)
	}
	for _, b := range blocks {
		b.written, b.loaded = true, time.Now()
		r.blocks[b.Hash] = b
		r.order = append(r.order, b)
	}
	return r, nil
}

// Undelivered is how many blocks no node is known to have. One of an earlier run, which may have handed it over, counts
// when a node does not have it, or none has answered for a while.
func (r *Relay) Undelivered() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, b := range r.blocks {
		if !b.taken && (b.loaded.IsZero() || b.missing || b.overdue()) {
			n++
		}
	}
	return n
}

// overdue says whether the operator should hear of a block that no node is known to have: the nodes had time to
// take it, or to say that they have it. The caller holds mu.
func (b *Block) overdue() bool {
	since := b.Found
	if b.loaded.After(since) {
		since = b.loaded
	}
	return time.Since(since) > alarmAfter
}

// Send writes a block down and hands it to everybody. It returns at once. The same block again is none. b belongs to
// the relay from here on.
func (r *Relay) Send(b *Block) {
	r.mu.Lock()
	if r.blocks[b.Hash] != nil {
		r.mu.Unlock()
		return
	}
	r.blocks[b.Hash] = b
	r.order = append(r.order, b)
	r.mu.Unlock()
	r.sending.Go(func() {
		// Written down first, so that a crash does not lose it, but a disk that hangs must not lose it either: after
		// some patience the block goes out, and the journal follows when it can.
		written := make(chan error, 1)
		go func() {
			err := r.journal.put(b)
			r.mu.Lock()
			b.written = err == nil && r.options.Dir != ""
			r.mu.Unlock()
			written <- err
		}()
		patience := time.NewTimer(journalPatience)
		select {
		case err := <-written:
			if err != nil {
				r.options.Logger.Error("block is not written down; it is handed over all the same", "hash", b.Hash,
					"error", err)
			}
		case <-patience.C:
			r.options.Logger.Warn("writing the block takes long; it is handed over meanwhile", "hash", b.Hash)
		}
		patience.Stop()
		r.handOver(b)
	})
}

// handOver gives a block to all nodes and peers and waits until each has answered or timed out. A node that is slow by
// RPC is reached by the peer-to-peer protocol as well. Only when every node has refused it is a block called refused:
// a node that is behind refuses what others take.
func (r *Relay) handOver(b *Block) {
	ctx, cancel := context.WithTimeout(context.Background(), attemptTime)
	defer cancel()
	var all sync.WaitGroup
	refusals := atomic.Int64{}
	for _, node := range r.options.Nodes {
		all.Go(func() {
			slow := time.AfterFunc(rpcPatience, func() { r.toPeer(b, r.peerOf(node)) })
			defer slow.Stop()
			verdict, ok := r.submit(ctx, node, b)
			if ok && verdict == bitcoin.Rejected {
				refusals.Add(1)
			} else if ok {
				r.took(b)
			}
		})
	}
	for _, peer := range r.options.Peers {
		all.Go(func() { r.toPeer(b, peer) })
	}
	all.Wait()
	if n := len(r.options.Nodes); n > 0 && refusals.Load() == int64(n) && !r.isTaken(b) {
		r.options.Logger.Error("no node takes the block", "hash", b.Hash, "height", b.Height)
		r.refused(b)
	}
}

// submit hands a block to a node, repeating while the node does not answer, after 50 ms, 100 ms and so on, until ctx
// ends. To submit again does no harm.
func (r *Relay) submit(ctx context.Context, node *bitcoin.Client, b *Block) (verdict bitcoin.Verdict, ok bool) {
	raw, err := r.raw(b)
	if err != nil {
		r.options.Logger.Error("a block's file cannot be read", "hash", b.Hash, "error", err)
		return 0, false
	}
	for wait := 50 * time.Millisecond; ; wait *= 2 {
		verdict, reason, err := node.Submit(ctx, raw)
		if err == nil {
			r.options.Logger.Info("block submitted", "node", node.Endpoint(), "hash", b.Hash, "height", b.Height,
				"verdict", verdict, "reason", reason)
			return verdict, true
		}
		r.options.Logger.Warn("block not submitted yet", "node", node.Endpoint(), "hash", b.Hash, "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return 0, false
		case <-timer.C:
		}
	}
}

// took notes that a node has a block. Only the first one is told on.
func (r *Relay) took(b *Block) {
	r.mu.Lock()
	first := !b.taken
	b.taken = true
	if b.alarmed {
		b.alarmed = false
		r.options.Logger.Warn("the alarm is over: a node has the block", "hash", b.Hash, "height", b.Height)
	}
	r.mu.Unlock()
	if first && r.options.Taken != nil {
		r.options.Taken(b.Hash, b.Previous)
	}
}

// raw is a block's bytes, from its file when they are no longer in memory.
func (r *Relay) raw(b *Block) ([]byte, error) {
	r.mu.Lock()
	raw := b.Raw
	r.mu.Unlock()
	if raw != nil {
		return raw, nil
	}
	again, err := read(r.journal.path(b))
	if err != nil {
		return nil, err
	}
	return again.Raw, nil
}

func (r *Relay) isTaken(b *Block) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return b.taken
}

func (r *Relay) refused(b *Block) {
	if r.options.Refused != nil {
		r.options.Refused(b.Hash, b.Previous)
	}
}

// endPatience is how long an orderly end waits for a node that does not answer: the next start
// hands the block over again from its file.
const endPatience = 3 * time.Second

// Wait waits until what was begun has been handed over, or for a while if it is written down.
func (r *Relay) Wait() {
	done := make(chan struct{})
	go func() { r.sending.Wait(); close(done) }()
	for {
		select {
		case <-done:
			return
		case <-time.After(endPatience):
			if r.options.Dir != "" && r.allWritten() {
				return
			}
		}
	}
}

// allWritten says whether each block is in the journal or with a node: none is lost when the process ends now.
func (r *Relay) allWritten() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.blocks {
		if !b.written && !b.taken {
			return false
		}
	}
	return true
}

// Blocks lists the blocks that were sent and are neither final nor lost, in the order of their sending.
func (r *Relay) Blocks() []*Block {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.order)
}
