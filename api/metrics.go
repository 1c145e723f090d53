package api

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aqsha/aqsha/node"
)

// metrics serves the node's figures in Prometheus's form. They hold no wallet's data.
func (s *Server) metrics() http.Handler {
	return promhttp.HandlerFor(s.registry(), promhttp.HandlerOpts{})
}

// registry holds all metrics of the node; each is read when it is asked for.
func (s *Server) registry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.ledgerMetrics(registry)
	s.pipelineMetrics(registry)
	s.followMetrics(registry)
	s.clusterMetrics(registry)
	s.machineMetrics(registry)
	s.standingMetrics(registry)
	return registry
}

// gauge adds a figure of what the node counts, read anew at each scrape.
func (s *Server) gauge(registry *prometheus.Registry, name, help string, value func(node.Counts) float64) {
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "aqsha", Name: name, Help: help},
		func() float64 { return value(s.node.Counts()) }))
}

// ledgerMetrics are of what the ledger holds.
func (s *Server) ledgerMetrics(registry *prometheus.Registry) {
	// What a leader may not show yet is absent: nought tenge issued is a lie, and an alert.
	shown := func(name, help string, value func(node.Head) float64) {
		registry.MustRegister(newKnown(name, help, func() (float64, bool) {
			return value(s.node.Head()), s.node.HeadKnown()
		}))
	}
	shown("height", "Height of the last durable block.", func(h node.Head) float64 { return float64(h.Height) })
	shown("log_entries", "Durable entries of the log.", func(h node.Head) float64 { return float64(h.Size) })
	shown("issued_tiyn", "Tenge ever issued, in tiyn.", func(h node.Head) float64 { return float64(h.Issued) })
	shown("redeemed_tiyn", "Tenge ever redeemed, in tiyn.", func(h node.Head) float64 { return float64(h.Redeemed) })
	s.gauge(registry, "live_tokens", "Live tokens.", func(c node.Counts) float64 { return float64(c.LiveTokens) })
	s.gauge(registry, "wallets", "Wallets.", func(c node.Counts) float64 { return float64(c.Wallets) })
}

// standingMetrics say whether the node serves, and what its operator should see to.
func (s *Server) standingMetrics(registry *prometheus.Registry) {
	registry.MustRegister(newKnown("ready", "1 when payments are taken and answered here, as /readyz says.",
		func() (float64, bool) { return number(s.health().Ready), true }))
	registry.MustRegister(newKnown("followers_connected", "Followers that acknowledged within the last seconds; "+
		"absent where none is configured.", func() (float64, bool) {
		connected, list := 0, s.node.Followers()
		for _, f := range list {
			if f.Connected {
				connected++
			}
		}
		// Where no follower is configured the figure is absent: 0 would ring the alert for followers that are lost.
		return float64(connected), len(list) > 0
	}))
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "aqsha", Name: "warnings",
		Help: "What the operator should see to, such as keys near the end of their life: see /health."},
		func() float64 { return float64(s.node.CountWarnings()) }))
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "aqsha", Name: "stalled_stages",
		Help: "Stages of the pipeline that make no progress though work waits."},
		func() float64 { return float64(len(s.node.Stalled())) }))
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "aqsha", Name: "clock_believed",
		Help: "1 when blocks may be dated by this machine's clock, 0 when payments wait until it is believed."},
		func() float64 {
			if s.node.Clock().Believed {
				return 1
			}
			return 0
		}))
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "aqsha", Name: "clock_skew_seconds",
		Help: "This clock less that of the follower farthest from it, as last heard; 0 without any."},
		func() float64 {
			if skew := s.node.Clock().SkewMillis; skew != nil {
				return float64(*skew) / 1000
			}
			return 0
		}))
}

// pipelineMetrics are of payments on their way to the disk. What counts since the start begins at nought with each
// process, as counters do.
func (s *Server) pipelineMetrics(registry *prometheus.Registry) {
	// Read from the node when they are asked for: a second count beside the node's own would differ from it sooner or
	// later.
	counter := func(name, help string, value func(node.Counts) float64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "aqsha", Name: name,
			Help: help}, func() float64 { return value(s.node.Counts()) }))
	}
	s.gauge(registry, "waiting_transactions", "Transactions in the queue.", func(c node.Counts) float64 {
		return float64(c.Waiting)
	})
	s.gauge(registry, "index_lag_entries", "Durable entries that are not indexed yet.", func(c node.Counts) float64 {
		return float64(c.IndexLag)
	})
	counter("transactions_total", "Transactions made durable since the start.", func(c node.Counts) float64 {
		return float64(c.Transactions)
	})
	counter("blocks_total", "Blocks made durable since the start.", func(c node.Counts) float64 {
		return float64(c.Blocks)
	})
	counter("refused_total", "Transactions refused by a rule since the start.", func(c node.Counts) float64 {
		return float64(c.Refused)
	})
	counter("overloaded_total", "Transactions turned away because the queue was full.", func(c node.Counts) float64 {
		return float64(c.Overloaded)
	})
	counter("snapshots_total", "Snapshots taken since the start.", func(c node.Counts) float64 {
		return float64(c.Snapshots)
	})
	s.gauge(registry, "snapshot_seconds", "How long taking the last snapshot lasted.", func(c node.Counts) float64 {
		return c.SnapshotSeconds
	})
	s.gauge(registry, "snapshot_bytes", "Size of the last snapshot.", func(c node.Counts) float64 {
		return float64(c.SnapshotBytes)
	})
	s.gauge(registry, "snapshot_hold_seconds", "The longest that taking a snapshot held payments up at a time.",
		func(c node.Counts) float64 { return c.SnapshotHoldMillis / 1000 })
}
