package params

import (
	"testing"
	"time"
)

func TestPowerTariff(t *testing.T) {
	tariff, err := PowerTariffAt("story", "2026-03-01")
	if err != nil {
		t.Fatal(err)
	}
	for clock, zone := range map[string]int{"2026-03-01T03:00:00+05:00": 2, "2026-03-01T12:59:59+05:00": 0, "2026-03-01T18:00:00+05:00": 1, "2026-03-01T17:00:00Z": 0, "2026-03-01T18:00:00Z": 2} {
		at, err := time.Parse(time.RFC3339, clock)
		if err != nil {
			t.Fatal(err)
		}
		if got := tariff.Zone(at); got != zone {
			t.Errorf("%s is in zone %d, want %d", clock, got, zone)
		}
	}
	if _, err := PowerTariffAt("story", "2024-12-31"); err == nil {
		t.Error("a tariff before the first fact")
	}
	if _, err := PowerTariffAt("nobody's", "2026-03-01"); err == nil {
		t.Error("a tariff that does not exist")
	}
}
