package power

import (
	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/params"
)

// Class is machines that are alike.
type Class struct {
	Name     string
	Count    int
	RateGHs  int64
	Watts    int64 // of one machine at its plug
	MilliJTH int64
}

// ClassOf is a number of machines of a catalogue model, whose efficiency is that of its rate and power.
func ClassOf(m params.MiningMachine, count int) Class {
	return Class{m.Name, count, m.RateGHs, m.Watts, efficiency(m.RateGHs, m.Watts)}
}

// efficiency in mJ/TH to the nearest; the printed one is rounded to half a joule.
func efficiency(rateGHs, watts int64) int64 { return (watts*1_000_000 + rateGHs/2) / rateGHs }

// MeterWatts is what one machine draws at the meter, its cooling included, to the nearest watt.
func (c Class) MeterWatts(pueMilli int64) int64 { return (c.Watts*pueMilli + 500) / 1000 }

// EarningsPerHour is what one machine earns in an hour, and CostPerHour what it costs at a price of a kWh in all.
func (c Class) EarningsPerHour(t Terms) (farm.MicroTiyn, error) {
	perKWh, err := t.RevenuePerKWh(c.MilliJTH)
	if err != nil {
		return 0, err
	}
	return perKWh * farm.MicroTiyn(c.MeterWatts(t.PUEMilli)) / 1000, nil
}
