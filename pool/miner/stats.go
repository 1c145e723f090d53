package miner

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Stats counts what an engine and its source do. All methods may be called at any time.
type Stats struct {
	hashes atomic.Uint64 // by all threads, at each step

	mu       sync.Mutex // over the rest
	started  time.Time
	samples  []sample // one a second at most, for the last maxWindow
	kernel   string
	threads  int
	source   string
	user     string
	alive    bool
	accepted uint64
	rejected map[string]uint64 // by reason
	blocks   uint64
	jobs     uint64
	diffOK   float64 // sum of the difficulties of accepted shares
	diffBad  float64
	best     float64 // difficulty of the best share's hash
	current  float64 // difficulty of the current job
	lastOK   time.Time
}

// sample is how many hashes had been made at a moment; a rate is the difference of two.
type sample struct {
	at     time.Time
	hashes uint64
}

// maxWindow is the longest window of which a rate is shown.
const maxWindow = 15 * time.Minute

// NewStats starts counting now.
func NewStats(now time.Time) *Stats {
	return &Stats{started: now, rejected: map[string]uint64{}, samples: []sample{{now, 0}}}
}

// Summary is a moment's state. Rates are in millions of hashes a second, over the last 5 seconds, the last one and 15
// minutes and since the start; difficulties are sums over shares, but for BestShare, that of the best hash, and
// Difficulty, that of the present job.
type Summary struct {
	Kernel             string            `json:"kernel"`
	Threads            int               `json:"threads"`
	Source             string            `json:"source"`
	User               string            `json:"user,omitempty"`
	Alive              bool              `json:"alive"`
	ElapsedSeconds     float64           `json:"elapsed_seconds"`
	Hashes             uint64            `json:"hashes"`
	MH5s               float64           `json:"mhs_5s"`
	MH1m               float64           `json:"mhs_1m"`
	MH15m              float64           `json:"mhs_15m"`
	MHAverage          float64           `json:"mhs_average"`
	Accepted           uint64            `json:"accepted"`
	Rejected           map[string]uint64 `json:"rejected,omitempty"` // by reason
	Blocks             uint64            `json:"blocks"`
	Jobs               uint64            `json:"jobs"`
	DifficultyAccepted float64           `json:"difficulty_accepted"`
	DifficultyRejected float64           `json:"difficulty_rejected"`
	BestShare          float64           `json:"best_share"`
	Difficulty         float64           `json:"difficulty"`
	LastShare          time.Time         `json:"last_share,omitzero"`
}

// RejectedTotal counts rejected shares of all reasons.
func (s Summary) RejectedTotal() (n uint64) {
	for _, count := range s.Rejected {
		n += count
	}
	return n
}

// Summary at a time, which also becomes a sample for the rates, at most one a second and no older than maxWindow but
// for one: a rate over 15 minutes needs a sample before them.
func (s *Stats) Summary(now time.Time) Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	hashes := s.hashes.Load()
	if last := s.samples[len(s.samples)-1]; now.Sub(last.at) >= time.Second {
		s.samples = append(s.samples, sample{now, hashes})
		for len(s.samples) > 2 && now.Sub(s.samples[1].at) > maxWindow {
			s.samples = s.samples[1:]
		}
	}
	elapsed := now.Sub(s.started).Seconds()
	return Summary{
		Kernel: s.kernel, Threads: s.threads, Source: s.source, User: s.user, Alive: s.alive, ElapsedSeconds: elapsed,
		Hashes: hashes,
		MH5s:   s.rate(now, hashes, 5*time.Second), MH1m: s.rate(now, hashes, time.Minute),
		MH15m:     s.rate(now, hashes, maxWindow),
		MHAverage: float64(hashes) / max(elapsed, 1e-9) / 1e6, Accepted: s.accepted, Rejected: maps.Clone(s.rejected),
		Blocks: s.blocks, Jobs: s.jobs,
		DifficultyAccepted: s.diffOK, DifficultyRejected: s.diffBad, BestShare: s.best, Difficulty: s.current,
		LastShare: s.lastOK,
	}
}

// rate is in million hashes per second since the newest sample that is at least a window old.
func (s *Stats) rate(now time.Time, hashes uint64, window time.Duration) float64 {
	from := s.samples[0]
	for _, one := range s.samples {
		if now.Sub(one.at) < window {
			break
		}
		from = one
	}
	seconds := now.Sub(from.at).Seconds()
	if seconds <= 0 {
		return 0
	}
	return float64(hashes-from.hashes) / seconds / 1e6
}

func (s *Stats) change(f func(s *Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *Stats) setEngine(kernel string, threads int) {
	s.change(func(s *Stats) { s.kernel, s.threads = kernel, threads })
}

func (s *Stats) setSource(source, user string) {
	s.change(func(s *Stats) { s.source, s.user = source, user })
}

func (s *Stats) setAlive(alive bool) { s.change(func(s *Stats) { s.alive = alive }) }

func (s *Stats) newJob(difficulty float64) {
	s.change(func(s *Stats) { s.jobs++; s.current = difficulty })
}

// found notes the quality of a share before anybody has judged it.
func (s *Stats) found(difficulty float64) {
	s.change(func(s *Stats) { s.best = max(s.best, difficulty) })
}

func (s *Stats) accept(difficulty float64, now time.Time) {
	s.change(func(s *Stats) { s.accepted++; s.diffOK += difficulty; s.lastOK = now })
}

// reject counts by reason; of reasons beyond the most, all are one.
func (s *Stats) reject(reason string, difficulty float64) {
	const maxReasons, maxReason = 50, 80 // a pool may say anything
	reason = reason[:min(len(reason), maxReason)]
	s.change(func(s *Stats) {
		if _, known := s.rejected[reason]; !known && len(s.rejected) >= maxReasons {
			reason = "other"
		}
		s.rejected[reason]++
		s.diffBad += difficulty
	})
}

func (s *Stats) block() { s.change(func(s *Stats) { s.blocks++ }) }
