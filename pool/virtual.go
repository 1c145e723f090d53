package pool

import (
	"net/netip"
	"runtime"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/relay"
)

// Virtual is a pool whose clock and connections belong to the caller: the real protocol, log and
// accounts, an hour in a second. It serves measurements of many devices on slow networks. The pool
// must have been opened with one loop and without nodes, and is not run. One goroutine uses it.
type Virtual struct {
	pool *Pool
	loop *loop
	port Port
	sent []*relay.Block
}

// VirtualConn is a device's connection.
type VirtualConn struct {
	v *Virtual
	c *conn
}

// virtualSocket gathers what the pool sends.
type virtualSocket struct {
	out     []byte
	latency time.Duration // round trip
}

// Virtual takes a pool over.
func (p *Pool) Virtual() *Virtual {
	return &Virtual{pool: p, loop: p.loops[0], port: p.config.Port()}
}

// Offer makes a job of a template at a time.
func (v *Virtual) Offer(t *bitcoin.Template, now time.Time) error {
	v.loop.now = now
	if err := v.pool.Offer(t, now); err != nil {
		return err
	}
	v.loop.readMail()
	return nil
}

// Connect opens a connection with a round-trip time.
func (v *Virtual) Connect(ip netip.Addr, latency time.Duration, now time.Time) (*VirtualConn, bool) {
	if !v.pool.guard.admit(ip, now, &v.pool.config) {
		return nil, false
	}
	v.loop.now = now
	number, err := v.pool.nextExtranonce()
	if err != nil && v.pool.committer.commit() == nil { // nobody else makes the next lease durable
		number, err = v.pool.nextExtranonce()
	}
	if err != nil {
		v.pool.guard.leave(ip)
		return nil, false
	}
	c := &conn{fd: -1, ip: ip, port: &v.port, connected: now, lastByte: now, window: now, class: 1, extranonce1: number, virtual: &virtualSocket{latency: latency}}
	c.vardiff.wanted = exactly(v.port.StartDifficulty)
	v.loop.serve(c)
	return &VirtualConn{v, c}, true
}

// Line hands one line of the device to the pool.
func (c *VirtualConn) Line(line []byte, now time.Time) {
	l := c.v.loop
	l.now, c.c.lastByte = now, now
	l.reply = l.reply[:0]
	if !c.c.gone {
		l.line(c.c, line)
	}
	l.send(c.c, l.reply)
	l.reply = l.reply[:0]
}

// Take returns what the pool has sent since the last time.
func (c *VirtualConn) Take() []byte {
	out := c.c.virtual.out
	c.c.virtual.out = nil
	return out
}

// Closed says whether the pool has closed the connection.
func (c *VirtualConn) Closed() bool { return c.c.gone }

// Close is the device's.
func (c *VirtualConn) Close() { c.v.loop.close(c.c) }

// Commit makes what has been accepted durable and answers it.
func (v *Virtual) Commit() error {
	for range 2 { // a batch that waited for another, and that other
		v.loop.handOver()
		if err := v.pool.committer.commit(); err != nil {
			return err
		}
		v.loop.readMail()
	}
	return nil
}

// Blocks returns the blocks that the pool has sent to the network since the last time; whoever asks
// is the network and takes them.
func (v *Virtual) Blocks() []*relay.Block {
	var fresh []*relay.Block
	for uint64(len(v.sent)) < v.pool.counters.blocks.Load() {
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
