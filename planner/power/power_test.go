package power_test

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner/power"
)

func terms(day params.Date) power.Terms {
	levy, _ := params.MiningLevies.At(day)
	vat, _ := params.ValueAddedTax.At(day)
	quota, _ := params.MiningSaleQuota.At(day)
	hashprice, _ := farm.HashpriceOf(314_500_000, 150e12)
	return power.Terms{Hashprice: hashprice, Bitcoin: 50_000_000 * money.Tenge, PoolFee: 10_000, Sold: quota.Value, SaleCost: 5_000,
		PUEMilli: 1050, Source: params.PowerBought, Levy: levy.Value, VAT: vat.Value, GridFee: 450}
}

func Example() {
	t := terms("2026-11-25")
	ceiling, err := t.Ceiling(17_500) // an S21
	fmt.Println(ceiling.Format(), err)
	// Output: 34.43 ₸ <nil>
}

// The ceiling is the last tiyn at which the machine does not lose.
func TestCeilingIsTheLastTiyn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.SampledFrom([]params.Date{"2022-06-01", "2024-06-01", "2026-11-25"}).Draw(t, "day")
		x := terms(day)
		x.Bitcoin = money.Tiyn(rapid.Int64Range(1e8, 2e10).Draw(t, "bitcoin"))
		x.PUEMilli = rapid.Int64Range(1000, 1500).Draw(t, "pue")
		x.Sold = params.PPM(rapid.Int64Range(0, 1e6).Draw(t, "sold"))
		x.GridFee = money.Tiyn(rapid.Int64Range(0, 1000).Draw(t, "fee"))
		milliJTH := rapid.Int64Range(10_000, 100_000).Draw(t, "efficiency")
		ceiling, err := x.Ceiling(milliJTH)
		if err != nil {
			t.Fatal(err)
		}
		revenue, err := x.RevenuePerKWh(milliJTH)
		if err != nil {
			t.Fatal(err)
		}
		if ceiling < 0 {
			return // no price is low enough
		}
		at, err1 := x.CostPerKWh(ceiling)
		above, err2 := x.CostPerKWh(ceiling + 1)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if at > revenue+1 || above <= revenue {
			t.Fatalf("revenue %d, cost at the ceiling %d, a tiyn above %d", revenue, at, above)
		}
	})
}

// The trade's formula in floats agrees: [hashprice·price·(1−fee)·(1−sold·cost)/(0.024·J/TH·PUE) − levy]/(1+VAT) − fees.
func TestCeilingIsTheTradesFormula(t *testing.T) {
	x := terms("2026-11-25")
	perTHDay := 86400e12 * 3.145 / (150e12 * math.Ldexp(1, 48) / 65535)
	for _, jth := range []float64{12, 17.5, 34, 98} {
		want := (perTHDay*50e6*0.99*(1-0.75*0.005)/(0.024*jth*1.05)-2)/1.16 - 4.5
		got, err := x.Ceiling(int64(1000 * jth))
		if err != nil || math.Abs(float64(got)-math.Floor(100*want)) > 1 {
			t.Errorf("%v J/TH: %s, want %.2f (%v)", jth, got, want, err)
		}
	}
}

// In 2023 a dear kWh paid a small levy and a cheap one a large: the ceiling is the highest price that fits its band.
func TestCeilingWithFallingLevy(t *testing.T) {
	x := terms("2025-06-01")
	x.Levy.Bands = []params.LevyBand{{From: 0, PerKWh: 2000}, {From: 2400, PerKWh: 100}}
	x.GridFee, x.VAT = 0, 0
	for _, tc := range []struct{ bitcoin, want money.Tiyn }{
		{50_000_000 * money.Tenge, 4616}, // far up in the upper band
		{25_000_000 * money.Tenge, 358},  // 22.58 would pay the upper band's levy but lies below it
		{5_000_000 * money.Tenge, -1529},
	} {
		x.Bitcoin = tc.bitcoin
		if got, err := x.Ceiling(17_500); err != nil || got != tc.want {
			t.Errorf("at %s: %s, %v, want %s", tc.bitcoin, got, err, tc.want)
		}
	}
}

func TestTermsRefusals(t *testing.T) {
	for name, change := range map[string]func(*power.Terms){
		"fee":      func(x *power.Terms) { x.PoolFee = params.WholePPM },
		"sold":     func(x *power.Terms) { x.Sold = -1 },
		"pue":      func(x *power.Terms) { x.PUEMilli = 999 },
		"bitcoin":  func(x *power.Terms) { x.Bitcoin = -1 },
		"no bands": func(x *power.Terms) { x.Levy.Bands = nil },
		"source":   func(x *power.Terms) { x.Source = "wind" },
	} {
		x := terms("2026-11-25")
		change(&x)
		if _, err := x.Ceiling(17_500); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}

func TestTariffs(t *testing.T) {
	night, err := power.ParseHours("22-6")
	if err != nil || !night.Has(23) || !night.Has(0) || !night.Has(5) || night.Has(6) || night.Has(21) {
		t.Fatal(night, err)
	}
	tariffs := []power.Tariff{{"2026-01-01", power.AllDay, 2000}, {"2026-06-01", night, 1500}, {"2027-01-01", power.AllDay, 2200}}
	for _, tc := range []struct {
		day  params.Date
		hour int
		want money.Tiyn
	}{{"2026-02-01", 23, 2000}, {"2026-07-01", 23, 1500}, {"2026-07-01", 12, 2000}, {"2027-07-01", 23, 2200}} {
		if got, err := power.PriceAt(tariffs, tc.day, tc.hour); err != nil || got != tc.want {
			t.Errorf("%s %d: %s, %v", tc.day, tc.hour, got, err)
		}
	}
	if _, err := power.PriceAt(tariffs, "2025-12-31", 0); err == nil {
		t.Error("a day before the first tariff has a price")
	}
	for _, bad := range []string{"6", "6-25", "24-3", "a-b", "6-6", "-", "3-4-5"} {
		if hours, err := power.ParseHours(bad); err == nil {
			t.Errorf("%q is %b", bad, hours)
		}
	}
	if whole, err := power.ParseHours("0-24"); err != nil || whole != power.AllDay {
		t.Errorf("0-24 is %b, %v", whole, err)
	}
}
