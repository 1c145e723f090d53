package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SoakOptions say how long to keep a node under load, and how heavy.
type SoakOptions struct {
	Options
	Duration time.Duration
	Load     float64 // of the rate that node and payers reach together
	Samples  int     // over the duration
}

// Sample is the node at one moment of a soak.
type Sample struct {
	Seconds         float64 `json:"seconds"`
	TransfersPerSec float64 `json:"transfers_per_second"` // since the sample before
	LiveHeapBytes   uint64  `json:"live_heap_bytes"`      // that the last collection found alive
	ResidentBytes   uint64  `json:"resident_bytes"`       // 0 where the system does not tell
	LiveTokens      int     `json:"live_tokens"`
	IndexLag        uint64  `json:"index_lag_entries"`
	LogBytes        uint64  `json:"log_bytes"`
}

// SoakResult is a soak's course. The drifts compare the medians of its last third with its first:
// 1 is flat.
type SoakResult struct {
	Capacity        float64  `json:"capacity_per_second"` // node and payers together, flat out
	Aim             float64  `json:"aim_per_second"`
	Transfers       uint64   `json:"transfers"`
	RateDrift       float64  `json:"rate_drift"`
	HeapDrift       float64  `json:"heap_drift"`
	ResidentDrift   float64  `json:"resident_drift"`
	MaxIndexLag     uint64   `json:"most_index_lag_entries"`
	Samples         []Sample `json:"samples"`
	VerifiedEntries uint64   `json:"verified_entries"`
}

// errSoak means options that cannot be soaked.
var errSoak = errors.New("want a duration above a second, a load between 0 and 1 and at least 6 samples")

// Soak keeps a node with its index under a steady load and watches whether rate and memory stay
// where they were. The payers sign beside it on the same cores, so its load is a share of what both
// reach together. What was written is replayed and verified at the end.
func Soak(ctx context.Context, o SoakOptions, notify func(phase string, done, of int)) (SoakResult, error) {
	if o.Duration < time.Second || !(o.Load > 0 && o.Load <= 1) || o.Samples < 6 {
		return SoakResult{}, errSoak
	}
	o.MaxInputs = 4
	r, err := begin(ctx, o.Options, notify)
	if err != nil {
		return SoakResult{}, err
	}
	defer r.end()
	r.config.SnapshotWork = 0 // as usual
	if err := r.reopen(false); err != nil {
		return SoakResult{}, err
	}
	s := &soak{run: r, made: make(chan *workload, 1), stop: make(chan struct{}), ended: make(chan struct{})}
	go s.payers()
	defer s.dismiss()
	notify("finding the capacity", 0, 1)
	calibration := max(o.Duration/20, time.Second)
	sent, seconds, err := s.press(ctx, calibration, 0, nil)
	if err != nil {
		return SoakResult{}, err
	}
	result := SoakResult{Capacity: float64(sent) / seconds}
	result.Aim = result.Capacity * o.Load
	every := o.Duration / time.Duration(o.Samples)
	begun, last := time.Now(), time.Now()
	before := r.node.Counts().Transactions
	first := before
	sample := func() {
		if now := time.Now(); now.Sub(last) >= every {
			at := r.sample(now.Sub(begun).Seconds())
			count := r.node.Counts().Transactions
			at.TransfersPerSec = float64(count-before) / now.Sub(last).Seconds()
			before, last = count, now
			result.Samples = append(result.Samples, at)
			notify("soaking", len(result.Samples), o.Samples)
		}
	}
	if _, _, err := s.press(ctx, o.Duration, result.Aim, sample); err != nil {
		return result, err
	}
	result.Transfers = r.node.Counts().Transactions - first
	result.judge()
	s.dismiss()
	if err := r.node.WaitIndex(ctx); err != nil {
		return result, err
	}
	notify("verifying", 0, 1)
	err = r.verify()
	result.VerifiedEntries = r.result.VerifiedEntries
	return result, err
}

// soak is a run under steady load.
type soak struct {
	*run
	made  chan *workload
	stop  chan struct{}
	ended chan struct{} // closed when nobody signs any more
}

// payers sign workloads, each on the outputs of the one before.
func (s *soak) payers() {
	defer close(s.ended)
	for {
		w := s.workload(s.Transfers, s.TwoOwners)
		w.txs = nil
		select {
		case s.made <- w:
		case <-s.stop:
			return
		}
	}
}

// dismiss sends the payers home.
func (s *soak) dismiss() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	<-s.ended
}

// press sends what the payers make for a while, at most so many a second (0: as many as come).
func (s *soak) press(ctx context.Context, span time.Duration, rate float64,
	after func()) (sent int, seconds float64, err error) {
	const piece = 1024
	begun := time.Now()
	for time.Since(begun) < span {
		w, more := <-s.made
		if !more {
			break
		}
		for part := range slices.Chunk(w.encoded, piece) {
			if err := s.inProcess(ctx, part, w.wave); err != nil {
				return sent, 0, err
			}
			sent += len(part)
			if after != nil {
				after()
			}
			if rate > 0 {
				// Against the beginning, not from piece to piece: a pause is made up for, and the rate over the span
				// is what was asked.
				due := time.Duration(float64(sent) / rate * float64(time.Second))
				if wait := due - time.Since(begun); wait > 0 {
					time.Sleep(wait)
				}
			}
		}
		if ctx.Err() != nil {
			return sent, 0, ctx.Err()
		}
	}
	return sent, time.Since(begun).Seconds(), nil
}

// sample looks at the node.
func (r *run) sample(seconds float64) Sample {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(heap)
	c := r.node.Counts()
	return Sample{Seconds: seconds, LiveHeapBytes: heap[0].Value.Uint64(), ResidentBytes: resident(),
		LiveTokens: c.LiveTokens, IndexLag: c.IndexLag, LogBytes: c.LogBytes}
}

// resident is the process's memory that is in RAM, where /proc tells.
func resident() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}

// judge compares the end with the beginning: the median of the last third over that of the first, so that a single
// slow minute counts for nothing.
func (s *SoakResult) judge() {
	drift := func(of func(Sample) float64) float64 {
		third := len(s.Samples) / 3
		if third == 0 {
			return 0
		}
		var first, last []float64
		for i := range third {
			first, last = append(first, of(s.Samples[i])), append(last, of(s.Samples[len(s.Samples)-1-i]))
		}
		if Median(first) == 0 {
			return 0
		}
		return Median(last) / Median(first)
	}
	s.RateDrift = drift(func(a Sample) float64 { return a.TransfersPerSec })
	s.HeapDrift = drift(func(a Sample) float64 { return float64(a.LiveHeapBytes) })
	s.ResidentDrift = drift(func(a Sample) float64 { return float64(a.ResidentBytes) })
	for _, a := range s.Samples {
		s.MaxIndexLag = max(s.MaxIndexLag, a.IndexLag)
	}
}

// String says the course in one line.
func (s SoakResult) String() string {
	return fmt.Sprintf("%d transfers at %.0f a second (%.0f flat out); last third over first: rate %.3f, live heap "+
		"%.3f, resident %.3f",
		s.Transfers, s.Aim, s.Capacity, s.RateDrift, s.HeapDrift, s.ResidentDrift)
}
