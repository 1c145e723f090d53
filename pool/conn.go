package pool

import (
	"net/netip"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/stratum"
)

// conn is a miner's connection. Its loop's goroutine owns it. An idle one costs under a kilobyte:
// buffers exist only while a line is incomplete or the client does not read.
type conn struct {
	fd    int
	ip    netip.Addr
	at    int  // in the loop's list
	gone  bool // closed; acknowledgements on their way are dropped
	wants bool // waits to write

	partial []byte // the beginning of a line
	unsent  []byte

	connected time.Time
	lastByte  time.Time
	lineSince time.Time

	extranonce1 [extranonce1Size]byte
	subscribed  bool
	class       uint8
	mask        uint32 // version bits granted; 0: none
	worker      *worker
	workers     map[string]*worker // all authorized, when there are several

	difficulty stratum.Difficulty
	target     *bitcoin.Target // of difficulty
	vardiff    vardiff

	sent     [sentJobs]sentJob
	sentLast int
	epoch    uint8

	window    time.Time // of the counts below
	requests  int
	good, bad int
}

// sentJobs is how many of a connection's jobs may be answered.
const sentJobs = 8

// sentJob is a job as this connection knows it: with the difficulty that was in force.
type sentJob struct {
	handout    *handout
	epoch      uint8
	difficulty stratum.Difficulty
	target     *bitcoin.Target
}

// remember notes that a handout was sent under the current difficulty, or the network's if that is
// easier to meet.
func (c *conn) remember(h *handout, epoch uint8) {
	c.sentLast = (c.sentLast + 1) % sentJobs
	one := sentJob{h, epoch, c.difficulty, c.target}
	if c.target.Compare(h.job.template.Target) < 0 {
		one.difficulty = c.difficulty.Clamp(h.job.template.Target)
		target := one.difficulty.Target()
		one.target = &target
	}
	c.sent[c.sentLast] = one
}

func (c *conn) find(number uint64, epoch uint8) *sentJob {
	for i := range c.sent {
		if s := &c.sent[i]; s.handout != nil && s.handout.number == number && s.epoch == epoch {
			return s
		}
	}
	return nil
}

// authorized returns the worker of a name that this connection has authorized.
func (c *conn) authorized(name []byte) *worker {
	if c.worker == nil {
		return nil
	}
	if c.workers != nil {
		return c.workers[string(name)]
	}
	if n := len(c.worker.address); len(name) >= n && string(name[:n]) == c.worker.address {
		rest := name[n:]
		if len(rest) == 0 && c.worker.name == "" || len(rest) > 0 && rest[0] == '.' && string(rest[1:]) == c.worker.name {
			return c.worker
		}
	}
	return nil
}
