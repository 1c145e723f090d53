package replay

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node/verifier"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Block is a block as it stands in a log. Who hands it over leaves its bytes alone.
type Block struct {
	Entries [][]byte
	Root    txlog.Hash // of the log after it, if the source states one
	// Wait means that the next block may be a while: what there is is worked on now.
	Wait bool
	// Note travels with the block to Executed.
	Note []byte

	Hashes []txlog.Hash // of the entries, if asked for

	decoded  []ledger.Entry
	verified [][]token.PublicKey
	err      error
}

// Decoded are the block's entries.
func (b *Block) Decoded() []ledger.Entry { return b.decoded }

// InvalidError means that a block does not follow by the rules from those before it.
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return e.Err.Error() }
func (e *InvalidError) Unwrap() error { return e.Err }

// Engine replays blocks onto a state.
//
// The source runs in a goroutine of its own and is ahead of the execution by as many units as the channels hold, also
// past a block with Wait: that one is only not kept back for more. Executed runs in Run's goroutine. A block that does
// not hold leaves State in the midst of it.
type Engine struct {
	State  *livestate.State
	Replay *ledger.Replay
	Root   txlog.Hash // of the log before the next block
	// Network is whose signatures these are; zero until the genesis tells.
	Network token.NetworkID
	// Cache is for verifying signatures; nil trusts them.
	Cache *verifier.Cache
	// Lock is held while the state is changed; nil when nobody else reads it.
	Lock *sync.RWMutex
	// StateLock, if set, is held while the state is changed, besides Lock.
	StateLock sync.Locker
	// Hash asks for the entries' hashes.
	Hash bool
	// Stands, if set, is called as soon as the state stands after a block, with the lock held.
	Stands func(leaf ledger.Leaf)
	// Executed is called after each block, in order, and returns the log's root after it.
	Executed func(b *Block, leaf ledger.Leaf) (txlog.Hash, error)

	prefetcher livestate.Prefetcher
}

// unit is blocks that one worker takes together: enough for a batch of signatures.
type unit struct {
	blocks []*Block
	ready  chan struct{}
}

// unitEntries is how many entries make a unit, unless their source pauses.
const unitEntries = 1024

// Source yields blocks in order until there are no more, or ctx ends.
type Source func(ctx context.Context) iter.Seq2[*Block, error]

// Run replays blocks until there are no more, one does not hold, or ctx ends.
func (e *Engine) Run(ctx context.Context, source Source) error {
	ctx, cancel := context.WithCancel(ctx)
	blocks := source(ctx)
	workers := runtime.GOMAXPROCS(0)
	work, order := make(chan *unit, 2*workers), make(chan *unit, 4*workers)
	if e.Lock == nil {
		e.Lock = new(sync.RWMutex)
	}
	e.Replay.Ahead = func(entries []ledger.Entry) {
		for i := range entries {
			if entries[i].Transaction != nil {
				e.prefetcher.Add(entries[i].Transaction)
			}
		}
		e.prefetcher.Fetch(e.State)
	}
	var group sync.WaitGroup
	defer group.Wait() // after cancel
	defer cancel()
	if e.Network == (token.NetworkID{}) {
		// Before the genesis nobody knows what was signed: the first block goes alone.
		first, stop := iter.Pull2(blocks)
		b, err, ok := first()
		if !ok || err != nil {
			stop()
			return err
		}
		e.prepare(b, nil)
		if err := e.execute(b); err != nil {
			stop()
			return err
		}
		e.Network = e.Replay.Genesis().Network()
		blocks = rest(first, stop)
	}
	sourceErr := error(nil)
	group.Go(func() {
		defer close(order)
		defer close(work)
		sourceErr = gather(ctx, blocks, work, order)
	})
	for range workers {
		group.Go(func() {
			w := &worker{engine: e, verifier: verifier.Verifier{Cache: e.Cache, Network: e.Network}}
			for u := range work {
				w.prepare(u)
				close(u.ready)
			}
		})
	}
	for u := range order {
		select {
		case <-u.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, b := range u.blocks {
			if err := e.execute(b); err != nil {
				return err
			}
		}
	}
	if sourceErr != nil { // order is closed after it is set
		return sourceErr
	}
	return ctx.Err()
}

// rest goes on with a sequence of which the beginning was pulled.
func rest(next func() (*Block, error, bool), stop func()) iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		defer stop()
		for {
			b, err, ok := next()
			if !ok || !yield(b, err) {
				return
			}
		}
	}
}

// gather groups blocks into units.
func gather(ctx context.Context, blocks iter.Seq2[*Block, error], work, order chan<- *unit) error {
	u, size := &unit{ready: make(chan struct{})}, 0
	send := func() bool {
		if len(u.blocks) == 0 {
			return true
		}
		// First in order, then to the workers: whoever applies units takes them in order and waits for each to be
		// ready.
		for _, to := range []chan<- *unit{order, work} {
			select {
			case to <- u:
			case <-ctx.Done():
				return false
			}
		}
		u, size = &unit{ready: make(chan struct{})}, 0
		return true
	}
	for b, err := range blocks {
		if err != nil {
			send()
			return err
		}
		u.blocks = append(u.blocks, b)
		size += len(b.Entries)
		if (size >= unitEntries || b.Wait) && !send() {
			return ctx.Err()
		}
	}
	send()
	return nil
}

// worker prepares units.
type worker struct {
	engine   *Engine
	verifier verifier.Verifier
	added    []added
}

// added is a transaction in the batch.
type added struct {
	block *Block
	entry int
	keys  []token.PublicKey
}

func (w *worker) prepare(u *unit) {
	for _, b := range u.blocks {
		w.engine.prepare(b, w)
	}
	if w.engine.Cache != nil {
		w.verify()
	}
}

// prepare decodes a block and, with a worker, gives its signatures to the worker's batch. It runs beside others; the
// block is its own until it is handed on, and an error waits in it for its turn.
func (e *Engine) prepare(b *Block, w *worker) {
	decode := ledger.DecodeEntry
	if e.Cache == nil {
		decode = ledger.DecodeBelieved
	}
	b.decoded = make([]ledger.Entry, len(b.Entries))
	for i, data := range b.Entries {
		var err error
		if b.decoded[i], err = decode(data); err != nil {
			b.err = &InvalidError{fmt.Errorf("entry %d of a block: %w", i, err)}
			return
		}
	}
	if e.Hash {
		b.Hashes = make([]txlog.Hash, len(b.Entries))
		for i, data := range b.Entries {
			b.Hashes[i] = txlog.LeafHash(data)
		}
	}
	if e.Cache != nil && w != nil {
		b.verified = make([][]token.PublicKey, len(b.Entries))
		w.add(b)
	}
}

// add finds under which keys a block's transactions must be signed, as the state stands now: blocks before this
// one may not be executed yet. What cannot be told yet is left to the execution, as are keys that have changed by then.
func (w *worker) add(b *Block) {
	room := make([]token.PublicKey, 0, len(b.Entries)+len(b.Entries)/4)
	w.engine.Lock.RLock()
	from := len(w.added)
	for i := range b.decoded {
		tx := b.decoded[i].Transaction
		if tx == nil || b.verified[i] != nil {
			continue
		}
		if keys, err := ledger.Keys(room[len(room):], w.engine.State, tx); err == nil {
			if len(keys) <= cap(room)-len(room) {
				room = room[:len(room)+len(keys)]
			}
			w.added = append(w.added, added{b, i, keys[:len(keys):len(keys)]})
		}
	}
	w.engine.Lock.RUnlock()
	for _, a := range w.added[from:] {
		w.verifier.Add(a.block.decoded[a.entry].Transaction, a.keys)
	}
}

// verify checks what was added. A signature that does not hold is checked again when it is executed: perhaps
// the key is another by then, and if not, that says what is wrong.
func (w *worker) verify() {
	next := 0
	_ = w.verifier.Verify(func(forged int) {
		if a := w.added[next]; forged == 0 {
			a.block.verified[a.entry] = a.keys
		}
		next++
	})
	w.verifier.Reset()
	clear(w.added)
	w.added = w.added[:0]
}

// aFew is how many signatures are checked one at a time rather than in a batch.
const aFew = 4

// execute replays one prepared block.
func (e *Engine) execute(b *Block) error {
	if b.err != nil {
		return b.err
	}
	if b.verified != nil {
		missing := 0
		for i := range b.decoded {
			if b.decoded[i].Transaction != nil && b.verified[i] == nil {
				missing++
			}
		}
		if missing > aFew { // of wallets registered in the blocks just executed
			w := &worker{engine: e, verifier: verifier.Verifier{Cache: e.Cache, Network: e.Network}}
			w.add(b)
			w.verify()
		}
	}
	e.Lock.Lock()
	if e.StateLock != nil {
		e.StateLock.Lock()
	}
	leaf, err := e.Replay.Decoded(b.decoded, b.verified, token.Hash(e.Root))
	if e.StateLock != nil {
		e.StateLock.Unlock()
	}
	if e.Stands != nil && err == nil {
		e.Stands(leaf)
	}
	e.Lock.Unlock()
	if err != nil {
		return &InvalidError{err}
	}
	e.Root, err = e.Executed(b, leaf)
	return err
}
