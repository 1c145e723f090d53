// Package serve serves miners: event loops with their connections, the protocol's sessions, shares and their
// difficulty, and the handing over of connections to a successor.
//
// It may import commit, guard, handover, job, settings, sharelog, stratum and worker; it knows neither nodes nor money.
// What jobs there are and what becomes of a block is its caller's. A connection belongs to one loop and is touched by
// no other goroutine. It needs Linux (epoll).
package serve

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/guard"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
)

// Server serves miners.
type Server struct {
	// Set by New, and not changed after.
	config   settings.Config
	logger   *slog.Logger
	writer   *commit.Committer
	registry *worker.Registry
	guard    *guard.Guard
	seen     *job.SeenShares
	timeouts Timeouts
	solved   func(*job.Handout, []byte, [bitcoin.HeaderSize]byte, bitcoin.Hash)
	soloOf   func(*job.Job, *worker.Worker, uint64) *job.Handout

	tunnels  *sync.WaitGroup // TLS connections that end in this process
	serving  sync.WaitGroup  // loops
	loops    []*loop
	nextLoop atomic.Uint64
	current  atomic.Pointer[job.Job]
	halted   atomic.Bool
	draining atomic.Bool // nobody new is let in
	lastJob  atomic.Uint64
	targets  sync.Map // stratum.Difficulty → *bitcoin.Target

	extranonce      atomic.Uint64 // next
	extranonceLimit atomic.Uint64 // leased below this
	leaseSize       atomic.Uint64 // of the newest lease
	leasing         atomic.Bool   // a lease is queued for the log: none else is until it is durable

	counters struct{ accepted, rejected, blocks atomic.Uint64 }
}

// Options are what a server works with.
type Options struct {
	Config   settings.Config
	Logger   *slog.Logger
	Writer   *commit.Committer // of the log
	Registry *worker.Registry
	Guard    *guard.Guard
	Seen     *job.SeenShares
	Timeouts Timeouts
	// Extranonce is the first that no earlier run has given, LastJob the newest job's number.
	Extranonce, LastJob uint64
	// Solved is called for each block, on the loop's goroutine: it must not wait.
	Solved func(h *job.Handout, extranonce []byte, header [bitcoin.HeaderSize]byte, hash bitcoin.Hash)
	// Solo makes the coinbase of a solo miner; nil when it cannot be made.
	Solo func(j *job.Job, w *worker.Worker, user uint64) *job.Handout
}

// New makes a server that does not serve yet: see Reserve and Run.
func New(o Options) *Server {
	s := &Server{
		config: o.Config, logger: o.Logger, writer: o.Writer, registry: o.Registry, guard: o.Guard, seen: o.Seen,
		timeouts: o.Timeouts.orDefault(),
		solved:   o.Solved, soloOf: o.Solo, tunnels: &sync.WaitGroup{},
	}
	s.extranonce.Store(o.Extranonce)
	s.lastJob.Store(o.LastJob)
	return s
}

// Extranonces are reserved in the log before they are given: few at first, then twice as many each
// time, up to the most. What is left is given back by an orderly end.
const (
	firstLease = 1 << 12
	maxLease   = 1 << 20
)

// Reserve queues the record of the first lease, which must be durable before anybody connects.
func (s *Server) Reserve() {
	first := s.extranonce.Load()
	s.writer.RecordThen(&sharelog.Lease{First: first, Count: firstLease}, func() {
		s.extranonceLimit.Store(first + firstLease)
		s.leaseSize.Store(firstLease)
	})
}

// Open makes the loops.
func (s *Server) Open() error {
	count := s.config.Loops
	if count <= 0 {
		// Fewer loops gather larger batches, which cost less a share; broadcasts use all processors anyway.
		count = max(1, min(runtime.GOMAXPROCS(0)/2, 4))
	}
	for range count {
		l, err := newLoop(s)
		if err != nil {
			return err
		}
		s.loops = append(s.loops, l)
	}
	return nil
}

var errExtranonces = errors.New(
	"more connections at once than extranonces could be reserved for; the next may have one")

// nextExtranonce is a number that no other connection has whose jobs may still live, of this node or another: the
// counter begins anew after 2^32, which are years of connections. It may be called by all loops at once. Numbers below
// the limit are in a lease that is durable: after a crash those that were given, and the rest of the lease, are
// skipped.
func (s *Server) nextExtranonce() (number [job.Extranonce1Size]byte, err error) {
	n := s.extranonce.Add(1) - 1
	limit := s.extranonceLimit.Load()
	size := s.leaseSize.Load()
	if limit < n+size && // always one lease ahead
		s.leasing.CompareAndSwap(false, true) {
		next := min(2*size, maxLease)
		s.writer.RecordThen(&sharelog.Lease{First: limit, Count: next}, func() {
			s.leaseSize.Store(next)
			s.extranonceLimit.Store(limit + next)
			s.leasing.Store(false)
		})
	}
	if n >= limit {
		return number, errExtranonces
	}
	number[0] = s.config.Node
	binary.BigEndian.PutUint32(number[1:], uint32(n))
	return number, nil
}

// targetOf caches the targets of difficulties, which are few.
func (s *Server) targetOf(d stratum.Difficulty) *bitcoin.Target {
	if cached, ok := s.targets.Load(d); ok {
		return cached.(*bitcoin.Target)
	}
	target := d.Target()
	cached, _ := s.targets.LoadOrStore(d, &target)
	return cached.(*bitcoin.Target)
}

func (s *Server) solo() bool { return s.config.Scheme == payout.SOLO }

// Begin has the loops serve.
func (s *Server) Begin() {
	for _, l := range s.loops {
		s.serving.Go(l.run)
	}
}

// Tick looks after connections that say nothing; called each second.
func (s *Server) Tick() {
	for _, l := range s.loops {
		l.post(l.tick)
	}
}

// Broadcast sends a job to all miners. Jobs come from one goroutine, so that all loops have them in one order.
func (s *Server) Broadcast(j *job.Job) {
	s.current.Store(j)
	s.halted.Store(false)
	for _, l := range s.loops {
		l.post(func() { l.broadcast(j) })
	}
}

// CurrentJob is what is worked on; nil: nothing yet.
func (s *Server) CurrentJob() *job.Job { return s.current.Load() }

// NextJob is the number of a new job.
func (s *Server) NextJob() uint64 { return s.lastJob.Add(1) }

// IsHalted tells whether work has stopped.
func (s *Server) IsHalted() bool { return s.halted.Load() }

// IsDraining tells whether nobody new is let in.
func (s *Server) IsDraining() bool { return s.draining.Load() }

// Shares are how many the loops have taken and refused.
func (s *Server) Shares() (accepted, rejected uint64) {
	return s.counters.accepted.Load(), s.counters.rejected.Load()
}

// FreezeAll stops reading on every connection, for a successor.
func (s *Server) FreezeAll() {
	for _, l := range s.loops {
		l.post(l.freeze)
	}
}

// AwaitLoops waits for the loops' end. If the log fails meanwhile, what they wait for never comes. It is called once,
// after FreezeAll or Dismiss.
func (s *Server) AwaitLoops(failure <-chan error) error {
	served := make(chan struct{})
	go func() { s.serving.Wait(); close(served) }()
	select {
	case <-served:
		return nil
	case err := <-failure:
		for _, l := range s.loops {
			l.post(func() { l.closing = true })
		}
		<-served
		return err
	}
}

// Dismiss tells miners to come again; what they have been promised is written.
func (s *Server) Dismiss() {
	for _, l := range s.loops {
		l.post(func() {
			for _, c := range append([]*conn(nil), l.conns...) {
				l.send(c, stratum.AppendRequest(nil, -1, "client.reconnect", "[]"))
			}
			l.closing = true
		})
	}
}

// GiveBack ends the lease where its extranonces were used up to. Called when nobody is served any more.
func (s *Server) GiveBack() {
	s.writer.Record(&sharelog.Lease{First: min(s.extranonce.Load(), s.extranonceLimit.Load())})
}

// Halt stops all work: connections are closed and refused, so that miners turn to another pool. The next Broadcast lets
// work go on.
func (s *Server) Halt(reason string) {
	if s.halted.Swap(true) {
		return
	}
	s.logger.Error("work stops", "reason", reason)
	for _, l := range s.loops {
		l.post(func() {
			for len(l.conns) > 0 {
				c := l.conns[0]
				l.read(c) // what it has found meanwhile is not lost
				l.close(c)
			}
			l.current = nil
		})
	}
}
