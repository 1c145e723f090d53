package power_test

import (
	"errors"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
)

// A class's efficiency is its watts over its rate to the nearest mJ/TH, whatever the catalogue prints.
func TestAClassIsItsRateAndPower(t *testing.T) {
	for _, m := range params.MiningMachines {
		c := power.ClassOf(m.Value, 7)
		exact := new(big.Rat).SetFrac64(m.Value.Watts*1_000_000, m.Value.RateGHs)
		off := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(c.MilliJTH))
		if off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 || c.Count != 7 || c.Name != m.Value.Name {
			t.Errorf("%s: %d mJ/TH, exactly %s", c.Name, c.MilliJTH, exact.FloatString(3))
		}
	}
}

// At the meter a machine draws its own power and its cooling's, to the nearest watt.
func TestAtTheMeter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := power.Class{Watts: rapid.Int64Range(1, 20_000).Draw(t, "watts")}
		pue := rapid.Int64Range(1000, 3000).Draw(t, "pue")
		off := c.MeterWatts(pue)*1000 - c.Watts*pue
		if off < -500 || off > 500 {
			t.Fatalf("%d W at %d ‰ are %d W", c.Watts, pue, c.MeterWatts(pue))
		}
	})
}

// The tariff of a day is that of each of its hours; an hour that none covers is refused, with the hour.
func TestPricesOfADay(t *testing.T) {
	all := power.Tariff{From: "2026-01-01", Hours: 1<<24 - 1, Price: 2100}
	night := power.Tariff{From: "2026-11-01", Hours: 1<<7 - 1, Price: 1450}
	prices, err := power.PricesOf([]power.Tariff{all, night}, "2026-11-25")
	if err != nil || len(prices) != 24 {
		t.Fatalf("%v, %v", prices, err)
	}
	for hour, p := range prices {
		want := all.Price
		if hour < 7 {
			want = night.Price
		}
		if p != want {
			t.Errorf("%02d:00 costs %s, want %s", hour, p.Format(), want.Format())
		}
	}
	var refused *farm.Error
	if _, err := power.PricesOf([]power.Tariff{night}, "2026-11-25"); !errors.As(err, &refused) {
		t.Errorf("hours without a tariff: %v", err)
	}
	if _, err := power.PricesOf([]power.Tariff{all}, "2025-12-31"); err == nil {
		t.Error("a tariff holds before its day")
	}
}
