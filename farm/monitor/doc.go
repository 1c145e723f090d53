// Package monitor watches a farm: it polls every machine, stores what they say, raises
// alarms, tells whoever should know, and shows figures to Prometheus.
//
// It joins farm/records, farm/fleet and farm/alert. Invariants: polls are durable before alarms are told;
// a webhook or a disk that is slow delays no poll; a machine found at another address is followed there.
package monitor
