package pool

import (
	"runtime"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/relay"
	"github.com/aqsha/aqsha/pool/serve"
)

// Virtual is a pool whose clock and connections belong to the caller: the real protocol, log and
// accounts, an hour in a second. It serves measurements of many devices on slow networks. The pool
// must have been opened with one loop and without nodes, and is not run. One goroutine uses it.
type Virtual struct {
	*serve.VirtualLoop
	pool *Pool
	sent []*relay.Block
}

// Virtual takes a pool over.
func (p *Pool) Virtual() *Virtual { return &Virtual{VirtualLoop: p.VirtualLoop(), pool: p} }

// Offer makes a job of a template at a time.
func (v *Virtual) Offer(t *bitcoin.Template, now time.Time) error {
	return v.Sync(now, func() error { return v.pool.Offer(t, now) })
}

// Blocks returns the blocks that the pool has sent to the network since the last time; whoever asks
// is the network and takes them.
func (v *Virtual) Blocks() []*relay.Block {
	var fresh []*relay.Block
	for uint64(len(v.sent)) < v.pool.found.Load() {
		for _, b := range v.pool.relay.Blocks()[len(v.sent):] {
			v.sent = append(v.sent, b)
			fresh = append(fresh, b)
			v.pool.blockTaken(b.Hash, b.Previous)
		}
		runtime.Gosched() // the block is joined beside the loop
	}
	return fresh
}

// Stats are the pool's figures at a time.
func (v *Virtual) Stats(now time.Time) Stats { return v.pool.WorkerStats(now) }
