package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aqsha/aqsha/cluster/status"
)

// Ordering says who orders the ledger's transactions: this node alone, or a cluster with it.
type Ordering struct {
	Orders  string         `json:"orders" enum:"alone,cluster"`
	Cluster *status.Status `json:"cluster,omitempty" doc:"how this validator sees its cluster"`
}

// registerCluster serves how a validator sees its cluster.
func (s *Server) registerCluster() {
	huma.Register(s.api, operation("get-cluster", "/v1/cluster", "Who orders: this node alone, or a cluster, and how "+
		"this validator sees it", byAnybody),
		func(context.Context, *struct{}) (*answer[Ordering], error) {
			if s.options.Cluster == nil {
				return ok(Ordering{Orders: "alone"}, nil)
			}
			seen := s.options.Cluster()
			return ok(Ordering{"cluster", &seen}, nil)
		})
}

// Cluster asks a node who orders.
func (c *Client) Cluster(ctx context.Context) (Ordering, error) {
	return get[Ordering](ctx, c, "/v1/cluster")
}

// clusterMetrics are a validator's figures. A node that orders alone has none of them.
func (s *Server) clusterMetrics(registry *prometheus.Registry) {
	gauge := func(name, help string, value func(status.Status) float64) prometheus.Collector {
		// Absent and not 0: an alert on a height or on silence would else ring on every node that orders alone.
		return newKnown("cluster_"+name, help+" Absent where a node orders alone.", func() (float64, bool) {
			if s.options.Cluster == nil {
				return 0, false
			}
			return value(s.options.Cluster()), true
		})
	}
	registry.MustRegister(
		gauge("height", "The cluster's last block that is durable here.", func(c status.Status) float64 {
			return float64(c.Height)
		}),
		gauge("silence_seconds", "Since that block.", func(c status.Status) float64 {
			return float64(c.Silent) / 1000
		}),
		gauge("reached", "Validators that are connected to this one, itself counted.", func(c status.Status) float64 {
			return float64(c.Reached)
		}),
		gauge("needed", "Validators that must be there for a block.", func(c status.Status) float64 {
			return float64(c.Needed)
		}),
		gauge("catching_up", "1 while it fetches blocks that it has missed and does not vote.",
			func(c status.Status) float64 { return number(c.CatchingUp) }),
		gauge("waiting_batches", "Batches of transactions that wait for a block.", func(c status.Status) float64 {
			return float64(c.Batches)
		}),
		gauge("waiting_bytes", "How long they are.", func(c status.Status) float64 { return float64(c.Bytes) }),
		gauge("last_transactions", "Transactions in the last block that had any.", func(c status.Status) float64 {
			return float64(c.LastCount)
		}),
		gauge("faults", "Proofs that a validator has signed twice, since the start.", func(c status.Status) float64 {
			return float64(len(c.Faults))
		}),
		missedVotes{s},
	)
}

// missedVotes counts each member's missing votes.
type missedVotes struct{ s *Server }

var missedVotesDesc = prometheus.NewDesc("aqsha_cluster_missed_votes_total",
	"Blocks without a validator's vote, since the start.", []string{"validator"}, nil)

// Describe and Collect make it a prometheus.Collector.
func (missedVotes) Describe(to chan<- *prometheus.Desc) { to <- missedVotesDesc }
func (m missedVotes) Collect(to chan<- prometheus.Metric) {
	if m.s.options.Cluster == nil {
		return
	}
	for _, member := range m.s.options.Cluster().Members {
		to <- prometheus.MustNewConstMetric(missedVotesDesc, prometheus.CounterValue, float64(member.Missed),
			member.Name)
	}
}
