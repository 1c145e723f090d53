package cluster

import (
	"crypto/sha256"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/aqsha/aqsha/internal/recent"
	"github.com/aqsha/aqsha/node"
)

// batch is a batch that came, and what this node has found out about it.
type batch struct {
	hash     digest
	replaces digest
	batch    *node.Batch   // nil when it cannot be decoded
	broken   error         // why
	verified chan struct{} // closed when both are known
	begun    atomic.Bool   // somebody verifies it
	work     func()
}

// ready says whether the batch is decoded and its signatures are verified.
func (b *batch) ready() bool {
	select {
	case <-b.verified:
		return true
	default:
		return false
	}
}

// wait returns when the batch is decoded and its signatures are verified: by the caller, if nobody has begun. What a
// block needs does not stand behind what waits for a later one.
func (b *batch) wait() {
	b.begin()
	<-b.verified
}

// begin verifies the batch unless somebody has begun to.
func (b *batch) begin() {
	if b.work != nil && b.begun.CompareAndSwap(false, true) {
		b.work()
	}
}

// maxRemembered is how many batches are remembered between their arrival and the block that has them. One that was
// forgotten is verified again.
const maxRemembered = 1024

// verifying decodes and verifies batches as they arrive, so that each is verified once, before the block that has it.
type verifying struct {
	verify func(*node.Batch)
	slots  chan struct{} // as many as cores

	mu    sync.Mutex // over both maps; nothing is verified under it
	known *recent.Map[digest, *batch]
	gone  *recent.Map[digest, struct{}] // batches that a block replaced by others
}

// newVerifying verifies as many blocks at once as there are processors.
func newVerifying(verify func(*node.Batch)) *verifying {
	return &verifying{
		verify: verify, slots: make(chan struct{}, runtime.GOMAXPROCS(0)),
		known: recent.New[digest, *batch](maxRemembered), gone: recent.New[digest, struct{}](maxRemembered),
	}
}

// remember keeps a batch whose signatures this node has verified already.
func (v *verifying) remember(encoded []byte, replaces digest, own *node.Batch) {
	b := &batch{hash: sha256.Sum256(encoded), replaces: replaces, batch: own, verified: make(chan struct{})}
	close(b.verified)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known.Put(b.hash, b)
}

// of begins to verify a batch, unless that is under way, and returns at once.
func (v *verifying) of(encoded []byte) *batch {
	hash := sha256.Sum256(encoded)
	v.mu.Lock()
	defer v.mu.Unlock()
	if b, ok := v.known.Get(hash); ok {
		return b
	}
	b := &batch{hash: hash, verified: make(chan struct{})}
	b.work = func() {
		defer close(b.verified)
		replaces, txs, err := decodeBatch(encoded)
		if err != nil {
			b.broken = err
			return
		}
		b.replaces, b.batch = replaces, node.NewBatch(txs)
		v.verify(b.batch)
	}
	v.known.Put(hash, b)
	go func() {
		v.slots <- struct{}{}
		defer func() { <-v.slots }()
		b.begin()
	}()
	return b
}

// all returns when several batches are verified, side by side.
func all(batches []*batch) {
	var running sync.WaitGroup
	for _, b := range batches {
		if !b.ready() {
			running.Go(func() { b.wait() })
		}
	}
	running.Wait()
}

// forget lets go of a batch that was executed, and of the one in whose place it stood.
func (v *verifying) forget(b *batch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known.Delete(b.hash)
	if b.replaces != (digest{}) {
		v.known.Delete(b.replaces)
		v.gone.Put(b.replaces, struct{}{})
	}
}

// replaced says whether a block had another in a batch's place.
func (v *verifying) replaced(encoded []byte) bool {
	hash := sha256.Sum256(encoded)
	v.mu.Lock()
	defer v.mu.Unlock()
	_, gone := v.gone.Get(hash)
	return gone
}

// drop has a batch of which nothing may be executed leave the mempool.
func (v *verifying) drop(b *batch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known.Delete(b.hash)
	v.gone.Put(b.hash, struct{}{})
}
