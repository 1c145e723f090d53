package api

import (
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aqsha/aqsha/node"
)

// machineMetrics are the figures of requests, of the disk, and of who this node is in its group.
func (s *Server) machineMetrics(registry *prometheus.Registry) {
	registry.MustRegister(s.seconds, newLatencies(s.node), newFollowerGauges(s.node))
	registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "aqsha",
		Name: "accept_errors_total", Help: "Connections that could not be accepted, as with too many open files."},
		func() float64 { return float64(s.errors.accepts.Load()) }))
	registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "aqsha",
		Name: "log_written_bytes_total", Help: "Bytes written to the log since the start, with framing."},
		func() float64 { return float64(s.node.Counts().LogBytes) }))
	registry.MustRegister(
		// Gauges that may have nothing to say are absent then, see known.
		newKnown("leader", "1 when this node leads, 0 when it copies another's log; absent for a validator: nobody "+
			"leads a cluster.", func() (float64, bool) {
			_, follows := s.node.FollowState()
			return number(!follows), s.options.Cluster == nil
		}),
		newKnown("epoch", "How often the network changed its leader, as this node knows.", func() (float64, bool) {
			_, fence := s.node.KnownFence()
			return float64(fence.Epoch), true
		}),
		newKnown("acks", "How many followers must have a payment before it is answered.", func() (float64, bool) {
			_, acks, _ := s.node.AwaitedFollowers()
			return float64(acks), true
		}),
		newKnown("stored_entries", "Durable entries of the log, acknowledged or not.", func() (float64, bool) {
			return float64(s.node.Log().Size()), true
		}),
		newKnown("disk_free_bytes", "Room on the disk that holds the log.", func() (float64, bool) {
			space, known := s.node.Space()
			return float64(space.Free), known
		}),
		newKnown("disk_size_bytes", "Size of that disk.", func() (float64, bool) {
			space, known := s.node.Space()
			return float64(space.Total), known
		}),
		newKnown("archived_entries", "Entries of the log that are in the archive; absent where none is kept.",
			func() (float64, bool) {
				done, kept := s.node.Archived()
				return float64(done.Entries), kept
			}),
		newKnown("archive_behind_segments",
			"Sealed segments that are not in the archive yet; absent where none is kept.", func() (float64, bool) {
				done, kept := s.node.Archived()
				return float64(done.Behind), kept
			}),
	)
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "aqsha", Name: "build_info",
		Help: "1, with the version that runs.", ConstLabels: prometheus.Labels{"version": Version()}},
		func() float64 { return 1 }))
}

// Version is the version of the program that this package is built into.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}

// followerGauges are a leader's figures of each follower that it was told of.
type followerGauges struct {
	node                    *node.Node
	connected, lag, silence *prometheus.Desc
}

// newFollowerGauges describes what is told of each follower.
func newFollowerGauges(n *node.Node) followerGauges {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("aqsha_follower_"+name, help, []string{"follower"}, nil)
	}
	return followerGauges{n,
		desc("connected", "1 when this follower acknowledged within the last seconds."),
		desc("lag_entries", "Entries that this follower does not have yet; absent while it is not connected."),
		desc("silence_seconds", "Since this follower was last heard; absent when it never was."),
	}
}

// Describe and Collect make it a prometheus.Collector.
func (g followerGauges) Describe(to chan<- *prometheus.Desc) {
	to <- g.connected
	to <- g.lag
	to <- g.silence
}

// Collect reads them from the node when they are asked for; what is not known is absent, and so is a follower that is
// not configured any more.
func (g followerGauges) Collect(to chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, value float64, name string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, name)
	}
	for _, f := range g.node.Followers() {
		put(g.connected, number(f.Connected), f.Name)
		if f.Lag != nil {
			put(g.lag, float64(*f.Lag), f.Name)
		}
		if f.SilentMillis != nil {
			put(g.silence, float64(*f.SilentMillis)/1000, f.Name)
		}
	}
}
