package node

import (
	"sync/atomic"
	"time"
)

// latencyBounds are the upper ends of the buckets, in seconds: from what one sync on a fast disk takes to what a client
// waits at most.
var latencyBounds = [...]float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// latency counts how long things took. It takes no lock: stages of the pipeline count in it.
type latency struct {
	buckets [len(latencyBounds) + 1]atomic.Uint64 // of each bound, not cumulative, and of what is above all
	nanos   atomic.Uint64                         // the sum
}

// observe counts so many observations of one length, without a lock.
func (l *latency) observe(took time.Duration, times uint64) {
	i := 0
	for i < len(latencyBounds) && took.Seconds() > latencyBounds[i] {
		i++
	}
	l.buckets[i].Add(times)
	l.nanos.Add(uint64(max(0, took)) * times)
}

// Latency is a histogram as Prometheus has it: how many took at most so many seconds, for each bound.
type Latency struct {
	Buckets map[float64]uint64
	Count   uint64
	Seconds float64 // the sum
}

// read adds the buckets up; what is observed meanwhile may be in one number and not yet in another.
func (l *latency) read() Latency {
	h := Latency{Buckets: make(map[float64]uint64, len(latencyBounds)),
		Seconds: time.Duration(l.nanos.Load()).Seconds()}
	for i, bound := range latencyBounds {
		h.Count += l.buckets[i].Load()
		h.Buckets[bound] = h.Count
	}
	h.Count += l.buckets[len(latencyBounds)].Load()
	return h
}

// Latencies are how long things took since the start.
type Latencies struct {
	Transaction     Latency // from taking a transaction in to its answer, executed or refused
	Commit          Latency // writing, syncing and signing a group of blocks
	Acknowledgement Latency // from then until enough followers had it
}

// Latencies returns the node's histograms. It takes no lock.
func (n *Node) Latencies() Latencies {
	m := &n.metrics
	return Latencies{m.transactionTook.read(), m.commitTook.read(), m.ackTook.read()}
}
