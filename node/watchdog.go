package node

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// Stages of the pipeline that are watched.
const (
	stageExecutor = iota
	stageCommitter
	stageIndex
	stageState // whoever holds the state's lock, on a follower too
	stages
)

var stageNames = [stages]string{"executor", "committer", "index", "state"}

// StalledAfter is how long a stage may make no progress, though work waits for it, before the node says so.
const StalledAfter = 5 * time.Second

// watchEvery is how often it is looked.
const watchEvery = 500 * time.Millisecond

// stage is what a stage of the pipeline has before it and behind it. It is written by who works and read by the
// watchdog, which takes no lock: the stage may hold it for ever.
type stage struct {
	waiting atomic.Int64  // pieces of work
	done    atomic.Uint64 // pieces, and other signs of life
	stalled atomic.Int64  // since when, in milliseconds of the system's clock; 0 when it is not
}

// begin notes work that waits for the stage, end that some was done.
func (s *stage) begin(n int) { s.waiting.Add(int64(n)) }
func (s *stage) end(n int) {
	s.waiting.Add(-int64(n))
	s.done.Add(1)
}

// StalledStage is a stage of the pipeline that makes no progress though work waits for it.
type StalledStage struct {
	Stage       string `json:"stage" enum:"executor,committer,index,state"`
	SinceMillis int64  `json:"since_millis"` // Unix milliseconds
	Waiting     int64  `json:"waiting"`      // transactions, groups of blocks, entries
}

// Stalled lists the stages that make no progress. It takes no lock.
func (n *Node) Stalled() (list []StalledStage) {
	for i := range n.stages {
		s := &n.stages[i]
		if since := s.stalled.Load(); since != 0 {
			list = append(list, StalledStage{stageNames[i], since, s.waiting.Load()})
		}
	}
	return list
}

// watched is what the watchdog saw of a stage.
type watched struct {
	done  uint64
	since time.Time // when it first saw that, with work waiting
}

// watch looks after the stages until the node is closed to the end: closing hangs with them. It runs until closing has
// ended, so that a close which hangs is logged too.
func (n *Node) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var seen [stages]watched
	for {
		select {
		case <-tick.C:
		case <-n.ended:
			return
		}
		n.probe()
		var hung []string
		for i := range n.stages {
			if n.look(&n.stages[i], &seen[i]) {
				hung = append(hung, stageNames[i])
			}
		}
		if len(hung) > 0 {
			n.logger.Error("no progress though work waits: "+strings.Join(hung, ", ")+
				"; SIGTERM ends the node within ten seconds", "for", StalledAfter, "goroutines", Stacks())
		}
	}
}

// look says whether a stage has just been found to make no progress.
func (n *Node) look(s *stage, w *watched) (found bool) {
	done, waiting := s.done.Load(), s.waiting.Load()
	if n.awaiting.Load() || n.full() != nil || (n.config.Acks > 0 && len(n.answers) == cap(n.answers)) {
		if s == &n.stages[stageExecutor] || s == &n.stages[stageCommitter] {
			waiting = 0 // what they wait for is followers, or room on the disk
		}
	}
	if done != w.done || waiting <= 0 {
		w.done, w.since = done, time.Time{}
		s.stalled.Store(0)
		return false
	}
	if w.since.IsZero() {
		w.since = time.Now()
	}
	if time.Since(w.since) < StalledAfter || s.stalled.Load() != 0 {
		return false
	}
	s.stalled.Store(w.since.UnixMilli())
	return true
}

// probe has what cannot count for itself counted: how far the index is, and whether the state's lock can be had. A node
// under load holds that most of the time, but then it executes.
func (n *Node) probe() {
	lock := &n.stages[stageState]
	if n.mu.TryRLock() {
		n.mu.RUnlock()
		lock.waiting.Store(0)
		lock.done.Add(1)
	} else {
		lock.waiting.Store(1)
		lock.done.Store(n.stages[stageExecutor].done.Load() + n.shownTime.Load())
	}
	if n.index != nil {
		s := &n.stages[stageIndex]
		size, durable := n.index.size.Load(), n.durable.Load().Size
		s.done.Store(size)
		s.waiting.Store(int64(durable - min(size, durable)))
		if n.index.stopped.Load() != nil {
			s.waiting.Store(0) // it says so elsewhere
		}
	}
}

// maxStacks bounds what is logged of the goroutines.
const maxStacks = 4 << 20

// Stacks are the stacks of all goroutines.
func Stacks() string {
	b := make([]byte, maxStacks)
	b = b[:runtime.Stack(b, true)]
	return fmt.Sprintf("\n%s", b)
}
