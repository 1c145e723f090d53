package params

import (
	"fmt"
	"time"

	"github.com/aqsha/aqsha/money"
)

// PowerZones is how many registers a multi-tariff meter has.
const PowerZones = 3

// PowerTariff is what a kilowatt-hour costs by zone of the hour, and by steps of a month's use.
type PowerTariff struct {
	ZoneOf [24]int // by the hour of the local day: 0 day, 1 peak, 2 night
	Prices [PowerZones]money.Tiyn
	Steps  [2]PowerStep
}

// PowerStep adds to the price of what exceeds it in a bill.
type PowerStep struct {
	AboveWh int64
	Adds    money.Tiyn
}

// PowerTariffs are tariffs for digital miners by name, dated as everything here. "story" is the sale
// contract of the story's farm: 18 to 20 tenge is what domestic power was quoted at for miners in
// 2025; its spread over the hours and its steps are the story's own.
var PowerTariffs = map[string]Series[PowerTariff]{
	"story": {Name: "power tariff of the story's farm", Facts: []Fact[PowerTariff]{
		{"2025-01-01", PowerTariff{
			ZoneOf: [24]int{2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 2},
			Prices: [PowerZones]money.Tiyn{1_900, 2_600, 1_400},
			Steps:  [2]PowerStep{{500_000_000, 50}, {1_000_000_000, 100}},
		}, "sale contract of the story; level after quotes of the single buyer for miners"},
	}},
}

// PowerTariffAt finds a tariff by name and day.
func PowerTariffAt(name string, day Date) (PowerTariff, error) {
	series, ok := PowerTariffs[name]
	if !ok {
		return PowerTariff{}, fmt.Errorf("no power tariff %q", name)
	}
	fact, err := series.At(day)
	return fact.Value, err
}

// Kazakhstan has one time zone, UTC+5, since March 2024.
var kazakhstan = time.FixedZone("UTC+5", 5*3600)

// Zone is the zone of an instant's hour.
func (t PowerTariff) Zone(at time.Time) int { return t.ZoneOf[at.In(kazakhstan).Hour()] }
