package power_test

import (
	"fmt"
	"math"
	"strings"
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
}

// Hours that are none are refused, also behind spans that are right.
func TestHoursThatAreNone(t *testing.T) {
	for _, bad := range []string{"6", "6-25", "24-3", "24-24", "24-0", "a-b", "6-6", "0-0", "-", "-6", "6-", "3-4-5", " ",
		"8-12,", ",8-12", "8-12,,13-14", "8-12;13-14", "8 - 12", "+8-12", "8--12", "008-12", "8-012", "٨-12", "8–12", "8.5-12"} {
		for _, text := range []string{bad, "8-12," + bad, bad + ",0-24"} {
			if hours, err := power.ParseHours(text); err == nil || hours != 0 {
				t.Errorf("%q is %024b, %v", text, hours, err)
			}
		}
	}
}

// What ParseHours reads is the union of its spans, hour by hour, whatever order and overlap they have.
func TestHoursAreTheUnionOfTheirSpans(t *testing.T) {
	for _, text := range []string{"", "0-24", "8-12,0-24", "0-24,8-12", "0-24,0-24", "22-6,6-22", "12-11,11-12", "1-0,0-1"} {
		if hours, err := power.ParseHours(text); err != nil || hours != power.AllDay {
			t.Fatalf("%q is %024b, %v", text, hours, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var want [24]bool
		var spans []string
		for range rapid.IntRange(1, 5).Draw(t, "spans") {
			from := rapid.IntRange(0, 23).Draw(t, "from")
			to := rapid.IntRange(0, 24).Filter(func(to int) bool { return to != from }).Draw(t, "to")
			for hour := range want {
				if from < to {
					want[hour] = want[hour] || from <= hour && hour < to
				} else { // over midnight
					want[hour] = want[hour] || hour >= from || hour < to
				}
			}
			form := rapid.SampledFrom([]string{"%d-%d", "%02d-%02d", " %d-%d", "%d-%02d "}).Draw(t, "form")
			spans = append(spans, fmt.Sprintf(form, from, to))
		}
		text := strings.Join(spans, ",")
		hours, err := power.ParseHours(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for hour, is := range want {
			if hours.Has(hour) != is {
				t.Fatalf("%q: hour %d is %v, want %v", text, hour, hours.Has(hour), is)
			}
		}
		if hours&^power.AllDay != 0 {
			t.Fatalf("%q: %b has hours beyond the day", text, hours)
		}
	})
}
