package miner

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
)

// Options of an engine.
type Options struct {
	Threads  int            // 0: one for each processor
	Affinity bool           // pin each thread to a processor of its own (Linux)
	Kernel   sha256d.Kernel // zero: the fastest
}

// Engine searches the current job on its threads.
type Engine struct {
	options Options
	stats   *Stats
	shares  chan *Share // maxShares places: an engine whose source does not hand in pauses, and loses nothing

	// job is what is searched; nil: nothing. Threads look at it between two steps without a lock. It is set under mu,
	// so that one that has found nothing to do does not miss it before it waits.
	job     atomic.Pointer[Job]
	mu      sync.Mutex // over closed, and the waiting for job
	changed *sync.Cond
	closed  bool
}

// step bounds the positions between two looks at the current job: some 8 ms.
const step = 1 << 18

// maxShares is how many shares may wait to be handed in; beyond it the engine pauses.
const maxShares = 64

// NewEngine prepares an engine; Run starts it.
func NewEngine(options Options, stats *Stats) *Engine {
	if options.Threads <= 0 {
		options.Threads = runtime.GOMAXPROCS(0)
	}
	if options.Kernel.Name == "" {
		options.Kernel = sha256d.Fastest()
	}
	e := &Engine{options: options, stats: stats, shares: make(chan *Share, maxShares)}
	e.changed = sync.NewCond(&e.mu)
	stats.setEngine(options.Kernel.Name, options.Threads)
	return e
}

// Set changes the job; nil pauses.
func (e *Engine) Set(job *Job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	// A source that hears of a job in the moment of the end must not begin it: nothing would end it any more.
	if e.closed {
		job = nil
	}
	e.job.Store(job)
	e.changed.Broadcast()
}

// Shares are those found, oldest first. The channel is closed when Run returns.
func (e *Engine) Shares() <-chan *Share { return e.shares }

// Run searches until ctx ends, and then closes the channel of shares once no thread can send any more. It is called
// once.
func (e *Engine) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.closed = true
		e.job.Store(nil)
		e.changed.Broadcast()
	})
	defer stop()
	var threads sync.WaitGroup
	for i := range e.options.Threads {
		threads.Go(func() {
			if e.options.Affinity {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				pin(i)
			}
			e.thread(ctx)
		})
	}
	threads.Wait()
	close(e.shares)
}

// await returns the current job, waiting while there is none; nil at the end.
func (e *Engine) await() *Job {
	if job := e.job.Load(); job != nil {
		return job
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.job.Load() == nil && !e.closed {
		e.changed.Wait()
	}
	return e.job.Load()
}

// thread searches unit by unit, each over all nonces, until there is no job any more. A new job ends the search within
// a step; a share waits until it is taken.
func (e *Engine) thread(ctx context.Context) {
	searcher := e.options.Kernel.NewSearcher()
	for job := e.await(); job != nil; job = e.await() {
		u, ok := job.next()
		if !ok {
			e.job.CompareAndSwap(job, nil)
			continue
		}
		for position := uint64(0); position < 1<<32 && e.job.Load() == job; {
			tried := searcher.Search(u.work, uint32(position), min(step, 1<<32-position), func(nonce uint32) bool {
				share := &Share{Job: job, Extranonce2: u.extranonce2, Nonce: nonce,
					Hash: bitcoin.Hash(u.work.Hash(nonce)), unit: u}
				select {
				case e.shares <- share:
				case <-ctx.Done():
				}
				return e.job.Load() == job && !job.solved.Load()
			})
			position += tried
			e.stats.hashes.Add(tried)
			if job.solved.Load() {
				e.job.CompareAndSwap(job, nil)
			}
		}
	}
}
