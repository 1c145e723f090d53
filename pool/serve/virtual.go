package serve

import (
	"net/netip"
	"time"

	"github.com/aqsha/aqsha/pool/settings"
)

// VirtualLoop serves connections whose clock belongs to the caller. One goroutine uses it.
type VirtualLoop struct {
	server *Server
	loop   *loop
	port   settings.Port
}

// VirtualConn is a device's connection.
type VirtualConn struct {
	v *VirtualLoop
	c *conn
}

// virtualSocket gathers what the pool sends.
type virtualSocket struct {
	out     []byte
	latency time.Duration // round trip
}

// VirtualLoop takes a server over that has one loop and does not run.
func (s *Server) VirtualLoop() *VirtualLoop {
	return &VirtualLoop{server: s, loop: s.loops[0], port: s.config.Port()}
}

// Sync has the loop take what was sent to it at a time.
func (v *VirtualLoop) Sync(now time.Time, send func() error) error {
	v.loop.now = now
	if err := send(); err != nil {
		return err
	}
	v.loop.readMail()
	return nil
}

// Connect opens a connection with a round-trip time.
func (v *VirtualLoop) Connect(ip netip.Addr, latency time.Duration, now time.Time) (*VirtualConn, bool) {
	if !v.server.guard.Admit(ip, now) {
		return nil, false
	}
	v.loop.now = now
	number, err := v.server.nextExtranonce()
	if err != nil && v.server.writer.Commit() == nil { // nobody else makes the next lease durable
		number, err = v.server.nextExtranonce()
	}
	if err != nil {
		v.server.guard.Leave(ip)
		return nil, false
	}
	c := &conn{fd: -1, ip: ip, port: &v.port, connected: now, lastByte: now, window: now, class: 1, extranonce1: number,
		virtual: &virtualSocket{latency: latency}}
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
func (v *VirtualLoop) Commit() error {
	for range 2 { // a batch that waited for another, and that other
		v.loop.handOver()
		if err := v.server.writer.Commit(); err != nil {
			return err
		}
		v.loop.readMail()
	}
	return nil
}
