package monitor

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/usage"
)

// Metrics are a monitor's figures for Prometheus. Per machine only when asked: a large farm has many.
type Metrics struct {
	Monitor    *Monitor
	PerMachine bool
}

var (
	descPolls    = prometheus.NewDesc("aqsha_farm_polls_total", "Polls by their end.", []string{"end"}, nil)
	descMachines = prometheus.NewDesc("aqsha_farm_machines", "Machines by whether their last poll was answered.",
		[]string{"site", "answered"}, nil)
	descHash = prometheus.NewDesc("aqsha_farm_hashrate_hashes_per_second", "Hash rate of machines that answer.",
		[]string{"site"}, nil)
	descName = prometheus.NewDesc("aqsha_farm_nameplate_hashes_per_second",
		"Nameplate hash rate of machines that answer.", []string{"site"}, nil)
	descPower = prometheus.NewDesc("aqsha_farm_power_watts", "Power of machines that answer, by source.",
		[]string{"site", "source"}, nil)
	descAlerts = prometheus.NewDesc("aqsha_farm_alerts", "Alerts that hold.", []string{"kind"}, nil)
	descLag    = prometheus.NewDesc("aqsha_farm_poll_lag_seconds",
		"Longest time between when a poll was due and when it began.", nil, nil)
	descMachine = prometheus.NewDesc("aqsha_farm_machine_hashrate_hashes_per_second", "Hash rate of a machine.",
		[]string{"machine", "place", "model", "simulated"}, nil)
	descChip = prometheus.NewDesc("aqsha_farm_machine_chip_celsius", "Hottest chip of a machine.",
		[]string{"machine"}, nil)
)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descPolls, descMachines, descHash, descName, descPower, descAlerts, descLag,
		descMachine, descChip} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	type site struct {
		answered         map[bool]int
		rate, nameplate  float64
		machine, byPlate float64
	}
	d := m.Monitor
	counts := d.Counts()
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	for end, n := range map[string]int64{"answered": counts.Answered, "unanswered": counts.Polls - counts.Answered,
		"skipped": counts.Skipped} {
		to <- prometheus.MustNewConstMetric(descPolls, prometheus.CounterValue, float64(n), end)
	}
	gauge(descLag, float64(counts.LagMS)/1000)
	sites, alerts := map[string]*site{}, map[alert.Kind]int{}
	// Held to the end: one moment of the farm, or sums would not fit the machines beside them.
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, machine := range d.watcher.Machines {
		s := sites[machine.Place.Site]
		if s == nil {
			s = &site{answered: map[bool]int{}}
			sites[machine.Place.Site] = s
		}
		s.answered[d.answered[i]]++
		for _, kind := range d.detectors[i].On() {
			alerts[kind]++
		}
		p := d.latest[i]
		if !d.answered[i] {
			continue
		}
		s.rate += float64(max(0, p.RateMHs)) * 1e6
		s.nameplate += float64(p.NameplateMHs) * 1e6
		switch p.Source {
		case usage.ByMachine:
			s.machine += float64(p.Watts)
		case usage.ByNameplate:
			s.byPlate += float64(p.Watts)
		}
		if m.PerMachine {
			simulated := "no"
			if machine.Simulated {
				simulated = "yes"
			}
			gauge(descMachine, float64(max(0, p.RateMHs))*1e6, machine.ID, d.subjects[i].Place, machine.Model,
				simulated)
			gauge(descChip, float64(p.ChipTemp), machine.ID)
		}
	}
	// Sites without machines are gone, kinds of alert never are: an alert that ends has to be seen at 0.
	for name, s := range sites {
		gauge(descMachines, float64(s.answered[true]), name, "yes")
		gauge(descMachines, float64(s.answered[false]), name, "no")
		gauge(descHash, s.rate, name)
		gauge(descName, s.nameplate, name)
		gauge(descPower, s.machine, name, "machine")
		gauge(descPower, s.byPlate, name, "nameplate")
	}
	for _, kind := range alert.Kinds {
		gauge(descAlerts, float64(alerts[kind]), string(kind))
	}
}
