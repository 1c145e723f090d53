package scenario

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// MeteredTerms are the terms of a metered contract under a tariff, in the template's order: prices by zone (tiyn a
// kWh), steps (above Wh, tiyn more), the registers at the start (Wh), since when, the line's watts, the most of a bill
// (tiyn), the spans to dispute and to judge, and the end; times and spans in milliseconds.
func MeteredTerms(t params.PowerTariff, start meter.Registers, from time.Time, watts int64, most money.Tiyn, window,
	judge time.Duration, until time.Time) []token.Value {
	var prices, steps []int64
	for _, price := range t.Prices {
		prices = append(prices, int64(price))
	}
	for _, s := range t.Steps {
		steps = append(steps, s.AboveWh, int64(s.Adds))
	}
	return []token.Value{
		token.Ints(prices), token.Ints(steps), token.Ints(start[:]), token.Int(from.UnixMilli()), token.Int(watts),
		token.Int(int64(most)),
		token.Int(window.Milliseconds()), token.Int(judge.Milliseconds()), token.Int(until.UnixMilli()),
	}
}

// maxMadeReadings bounds a simulated meter's output: a year of minutes.
const maxMadeReadings = 366 * 24 * 60

// Readings simulates a meter: a load that wanders around a mean, counted in the register of the hour's zone. The first
// reading follows the last that the contract billed. Registers count whole watt-hours; what is left over goes on to
// the next reading, so that the sum is that of the load. The tally is what check and bill compute from the same
// readings.
func Readings(m wallet.Meter, t params.PowerTariff, count int, every time.Duration, watts int64,
	random *rand.Rand) ([]meter.Reading, meter.Tally, error) {
	tally := meter.Tally{Watts: m.Watts, Last: meter.Reading{AtMillis: m.At, Registers: m.Registers}}
	if count < 1 || count > maxMadeReadings || every <= 0 || watts < 0 || watts > m.Watts {
		return nil, tally,
			errors.New("want 1 to 527,040 readings, a time between them, and a load that the line carries")
	}
	readings := make([]meter.Reading, 0, count)
	share := 1.0
	carry := 0.0 // Wh that no register has counted yet
	for range count {
		share = min(max(share+(random.Float64()-0.5)*0.02, 0.6), 1.2)
		power := min(float64(watts)*share, float64(m.Watts))
		r := tally.Last
		zone := t.Zone(time.UnixMilli(int64(r.AtMillis)))
		r.AtMillis += uint64(every.Milliseconds())
		carry += power * every.Hours()
		wh := int64(carry)
		if most := int64(float64(m.Watts) * every.Hours()); wh > most {
			wh = most
		}
		carry -= float64(wh)
		r.Registers[zone] += wh
		if err := tally.Add(r); err != nil {
			return nil, tally, fmt.Errorf("the simulated meter: %w", err)
		}
		readings = append(readings, r)
	}
	return readings, tally, nil
}
