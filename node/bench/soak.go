package bench

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"
)

// SoakOptions say how to soak.
type SoakOptions struct {
	Options
	For  time.Duration // under load; signing what is sent comes on top
	Load float64       // of the rate that a flood reached
}

// SoakSegment is a stretch of load.
type SoakSegment struct {
	AtSeconds float64 `json:"at_seconds"` // under load so far
	PerSecond float64 `json:"per_second"` // transfers answered
	P99       float64 `json:"p99_millis"`
	HeapBytes uint64  `json:"heap_bytes"` // after a collection, with the workload's own book-keeping
}

// SoakResult is what a soak showed: medians of its last quarter against its first.
type SoakResult struct {
	Wallets     int           `json:"wallets"`
	LiveTokens  int           `json:"live_tokens"`
	Load        float64       `json:"load"`
	FloodRate   float64       `json:"flood_per_second"`
	LoadSeconds float64       `json:"load_seconds"`
	Transfers   int           `json:"transfers"`
	RateChange  float64       `json:"rate_change"` // 1 is flat
	HeapChange  float64       `json:"heap_change"`
	P99First    float64       `json:"p99_millis_first"`
	P99Last     float64       `json:"p99_millis_last"`
	Segments    []SoakSegment `json:"segments"`
	Verified    uint64        `json:"verified_entries"`
}

// errShortSoak means that a soak has too few segments to compare.
var errShortSoak = errors.New("the soak is too short: it needs at least four segments")

// Soak loads a node for a long time, verifies what it wrote, and compares its end with its beginning. Load
// comes in segments, between which the next one is signed.
func Soak(ctx context.Context, o SoakOptions, tell func(phase string, done, of int)) (SoakResult, error) {
	r, err := begin(ctx, o.Options, tell)
	if err != nil {
		return SoakResult{}, err
	}
	defer r.end()
	res := SoakResult{Wallets: o.Wallets, LiveTokens: o.LiveTokens, Load: o.Load}
	flood := r.workload(o.Transfers, 0)
	seconds, err := r.commit(flood)
	if err != nil {
		return res, err
	}
	res.FloodRate = float64(len(flood.txs)) / seconds
	rate := res.FloodRate * o.Load
	for loaded := time.Duration(0); loaded < o.For && ctx.Err() == nil; {
		w := r.workload(min(o.Transfers, o.Wallets/4), 0)
		waits, took, err := r.paced(w, rate)
		if err != nil {
			return res, err
		}
		loaded += took
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		res.Transfers += len(waits)
		res.Segments = append(res.Segments, SoakSegment{loaded.Seconds(), float64(len(waits)) / took.Seconds(), latencyOf(o.Load, rate, waits).P99, memory.HeapAlloc})
		tell("soaking", int(loaded.Seconds()), int(o.For.Seconds())+1)
	}
	if ctx.Err() != nil {
		return res, ctx.Err()
	}
	if err := res.compare(); err != nil {
		return res, err
	}
	if err := r.verify(); err != nil {
		return res, err
	}
	res.Verified = r.result.VerifiedEntries
	return res, nil
}

func (res *SoakResult) compare() error {
	n := len(res.Segments)
	if n < 4 {
		return errShortSoak
	}
	res.LoadSeconds = res.Segments[n-1].AtSeconds
	of := func(part []SoakSegment, what func(SoakSegment) float64) float64 {
		values := make([]float64, 0, len(part))
		for _, s := range part {
			values = append(values, what(s))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	first, last := res.Segments[:n/4], res.Segments[n-n/4:]
	change := func(what func(SoakSegment) float64) float64 { return of(last, what) / of(first, what) }
	res.RateChange = change(func(s SoakSegment) float64 { return s.PerSecond })
	res.HeapChange = change(func(s SoakSegment) float64 { return float64(s.HeapBytes) })
	p99 := func(s SoakSegment) float64 { return s.P99 }
	res.P99First, res.P99Last = of(first, p99), of(last, p99)
	return nil
}
