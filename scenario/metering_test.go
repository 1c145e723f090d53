package scenario

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract/meter"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/wallet"
)

// tariff is the story's, which has zones of the day.
func tariff(t interface{ Fatal(...any) }) params.PowerTariff {
	found, err := params.PowerTariffAt("story", "2026-01-01")
	if err != nil || len(found.Prices) < 2 {
		t.Fatal(found, err)
	}
	return found
}

// A simulated meter never runs backwards or faster than its line carries, counts what was drawn within a watt-hour a reading, and
// counts each reading in one zone.
func TestReadingsOfASimulatedMeter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.Int64Range(1, 5_000_000).Draw(t, "line")
		watts := rapid.Int64Range(0, line).Draw(t, "watts")
		count := rapid.IntRange(1, 400).Draw(t, "count")
		every := time.Duration(rapid.IntRange(1, 120).Draw(t, "minutes")) * time.Minute
		m := wallet.Meter{Watts: line, At: 1_800_000_000_000, Registers: meter.Registers{100, 200, 300}}
		readings, tally, err := Readings(m, tariff(t), count, every, watts, rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed"))))
		if err != nil || len(readings) != count {
			t.Fatalf("%d readings of %d, %v", len(readings), count, err)
		}
		last := meter.Reading{AtMillis: m.At, Registers: m.Registers}
		for i, r := range readings {
			if r.AtMillis-last.AtMillis != uint64(every.Milliseconds()) {
				t.Fatalf("reading %d comes %d ms after the one before", i, r.AtMillis-last.AtMillis)
			}
			moved, zones := int64(0), 0
			for zone := range r.Registers {
				step := r.Registers[zone] - last.Registers[zone]
				if step < 0 {
					t.Fatalf("reading %d runs backwards", i)
				}
				if step > 0 {
					zones++
				}
				moved += step
			}
			if zones > 1 || float64(moved) > float64(line)*every.Hours() {
				t.Fatalf("reading %d: %d Wh in %d zones over a line of %d W", i, moved, zones, line)
			}
			last = r
		}
		if tally.Last != last {
			t.Fatalf("the tally ends at %+v, the readings at %+v", tally.Last, last)
		}
	})
}

// What no meter can say is refused.
func TestReadingsThatCannotBe(t *testing.T) {
	t.Parallel()
	m, random := wallet.Meter{Watts: 1000}, rand.New(rand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		count int
		every time.Duration
		watts int64
	}{
		"none": {0, time.Minute, 10}, "too many": {maxMadeReadings + 1, time.Minute, 10}, "no time between": {1, 0, 10},
		"back in time": {1, -time.Minute, 10}, "feeding in": {1, time.Minute, -1}, "beyond the line": {1, time.Minute, 1001},
	} {
		if _, _, err := Readings(m, tariff(t), c.count, c.every, c.watts, random); err == nil {
			t.Errorf("%s: readings came", name)
		}
	}
}
