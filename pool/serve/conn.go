package serve

import (
	"net/netip"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
)

// conn is a miner's connection. Its loop's goroutine owns it. An idle one costs under a kilobyte:
// buffers exist only while a line is incomplete or the client does not read.
type conn struct {
	fd     int
	ip     netip.Addr
	port   *settings.Port
	at     int  // in the loop's list
	gone   bool // closed; acknowledgements on their way are dropped
	wants  bool // waits to write
	secure bool // the inner end of a TLS connection
	// virtual stands in for the socket of a connection in virtual time.
	virtual *virtualSocket

	partial []byte // the beginning of a line
	unsent  []byte

	connected time.Time
	lastByte  time.Time
	lineSince time.Time

	extranonce1 [job.Extranonce1Size]byte
	subscribed  bool
	agent       string
	class       uint8
	mask        uint32 // version bits granted; 0: none
	login       string // the first worker's name as it was authorized
	worker      *worker.Worker
	workers     map[string]*member // all authorized by the names they used, when there are several
	floor       float64            // least of the workers' own floors

	steps   []step // the difficulties that were announced, oldest first
	vardiff vardiff

	window    time.Time // of the counts below
	requests  int
	good, bad int
}

// member is one of several workers of a connection.
type member struct {
	worker *worker.Worker
	last   time.Time // valid share
}

// step is a difficulty that was announced right before a job: it holds for the jobs from that number on. So a share is
// judged by its job however often the difficulty has changed since. Invariant: from rises along conn.steps.
type step struct {
	from       uint64
	difficulty stratum.Difficulty
	target     *bitcoin.Target
}

// announced is the difficulty in force for the newest job.
func (c *conn) announced() *step { return &c.steps[len(c.steps)-1] }

// stepOf finds the difficulty of a job. A job from before the connection counts as its first. Steps are few: forget
// keeps no more than jobs are known of.
func (c *conn) stepOf(number uint64) *step {
	for i := len(c.steps) - 1; i > 0; i-- {
		if c.steps[i].from <= number {
			return &c.steps[i]
		}
	}
	return &c.steps[0]
}

// forget drops the difficulties that no job from a number on was sent with.
func (c *conn) forget(oldest uint64) {
	n := 0
	for n+1 < len(c.steps) && c.steps[n+1].from <= oldest {
		n++
	}
	c.steps = append(c.steps[:0], c.steps[n:]...)
}

// authorized returns the worker of a name that this connection has authorized.
func (c *conn) authorized(name []byte) *worker.Worker {
	switch {
	case c.worker == nil:
		return nil
	case string(name) == c.login:
		return c.worker
	case c.workers != nil:
		if m := c.workers[string(name)]; m != nil {
			return m.worker
		}
	}
	return c.otherwise(string(name))
}

// otherwise finds an authorized worker whose name is written in another way than it was authorized:
// ADDRESS_rig for ADDRESS.rig, ADDRESS. for ADDRESS, another case of a bech32 address.
func (c *conn) otherwise(name string) *worker.Worker {
	address, rig := worker.SplitName(name)
	is := func(w *worker.Worker) bool { return w.Name == rig && worker.SameAddress(w.Address, address) }
	if is(c.worker) {
		return c.worker
	}
	for _, m := range c.workers {
		if is(m.worker) {
			return m.worker
		}
	}
	return nil
}

// each calls f for every worker of the connection.
func (c *conn) each(f func(*worker.Worker)) {
	if c.workers == nil {
		if c.worker != nil {
			f(c.worker)
		}
		return
	}
	for _, m := range c.workers {
		f(m.worker)
	}
}
