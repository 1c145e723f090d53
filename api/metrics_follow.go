package api

import (
	"github.com/prometheus/client_golang/prometheus"
)

// known is a gauge that is absent while its value is not known: nought would be read as "all is well".
type known struct {
	desc  *prometheus.Desc
	value func() (float64, bool)
}

func newKnown(name, help string, value func() (float64, bool)) known {
	return known{prometheus.NewDesc("aqsha_"+name, help, nil, nil), value}
}

// Describe and Collect make it a prometheus.Collector.
func (k known) Describe(to chan<- *prometheus.Desc) { to <- k.desc }
func (k known) Collect(to chan<- prometheus.Metric) {
	if v, ok := k.value(); ok {
		to <- prometheus.MustNewConstMetric(k.desc, prometheus.GaugeValue, v)
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// followMetrics are a follower's figures about its leader. A leader has none of them.
func (s *Server) followMetrics(registry *prometheus.Registry) {
	registry.MustRegister(
		newKnown("follow_lag_entries", "Entries of the leader's log that this follower does not have yet; absent for "+
			"a leader, and while the leader is not heard.", func() (float64, bool) {
			state, _ := s.node.FollowState()
			// While the leader is not heard nobody knows the lag: a last value that stood still would look like
			// following.
			if state.Lag == nil {
				return 0, false
			}
			return float64(*state.Lag), true
		}),
		newKnown("follow_connected",
			"1 when the leader was heard within the last seconds, 0 when not; absent for a leader.",
			func() (float64, bool) {
				state, follows := s.node.FollowState()
				return number(state.Connected), follows
			}),
		newKnown("follow_silence_seconds",
			"Since the leader was last heard; absent for a leader, and when it never was.", func() (float64, bool) {
				state, _ := s.node.FollowState()
				if state.SilentMillis == nil {
					return 0, false
				}
				return float64(*state.SilentMillis) / 1000, true
			}),
		newKnown("follow_alarm", "1 when the leader has gone back, signed two histories or leads beside another; "+
			"absent for a leader.", func() (float64, bool) {
			state, follows := s.node.FollowState()
			return number(state.Alarm != "" || s.node.Err() != nil), follows
		}),
		newKnown("read_only",
			"1 when this node takes no more transactions until it is restarted or mended; see /health.",
			func() (float64, bool) {
				return number(s.node.Err() != nil), true
			}),
	)
}
