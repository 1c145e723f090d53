package flow_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/flow"
	"github.com/aqsha/aqsha/planner/paths"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/power/bid"
	"github.com/aqsha/aqsha/planner/value"
)

// handMonth is the farm of docs/farm-planning.md, second case: a hundred S21 in April 2027.
func handMonth() flow.Input {
	levy, _ := params.MiningLevies.At("2027-04-01")
	vat, _ := params.ValueAddedTax.At("2027-04-01")
	quota, _ := params.MiningSaleQuota.At("2027-04-01")
	s21, _ := params.FindMiningMachine("Antminer S21")
	return flow.Input{Classes: []power.Class{power.ClassOf(s21.Value, 100)}, Days: 30, Uptime: 970_000, Tariff: 1_700, Hold: 500_000,
		Terms: power.Terms{Hashprice: 500_000_000, Bitcoin: 50_000_000 * money.Tenge, PoolFee: 10_000, Sold: quota.Value, SaleCost: 5_000, PUEMilli: 1050,
			Source: params.PowerBought, Levy: levy.Value, VAT: vat.Value, GridFee: 450},
		FixedCost: 1_000_000 * money.Tenge, Depreciation: 2_816_666_67}
}

func Example() {
	s, err := flow.Month(handMonth())
	fmt.Println(s.Mined, s.Invoice, s.Levy, s.Cash, err)
	// Output: 0.24890976 6401150.28 513324.00 2920878.71 <nil>
}

// The three cases of docs/farm-planning.md, to the tiyn.
func TestHandCases(t *testing.T) {
	t.Run("the ceiling and the bid", func(t *testing.T) {
		in := handMonth()
		ceiling, err := in.Terms.Ceiling(17_500)
		if err != nil || ceiling != 3_542 {
			t.Errorf("ceiling %s, %v", ceiling, err)
		}
		var seen []bid.Observation
		for _, price := range []money.Tiyn{1_450, 1_600, 1_650, 1_700, 1_800, 1_850, 2_000, 2_200, 2_600, 3_500} {
			seen = append(seen, bid.Observation{Price: price})
		}
		best, ok := bid.Remember(seen, 0).Best(ceiling, bid.Limits{Floor: 500, Cap: 6_000})
		if !ok || best.Price != 2_000 || best.Accepted != 700_000 || best.Expected != 1_079_400_000 {
			t.Errorf("bid %+v, %v", best, ok)
		}
	})
	t.Run("a month", func(t *testing.T) {
		s, err := flow.Month(handMonth())
		want := flow.Statement{WattHours: 256_662_000, Mined: 24_890_976, Quota: 18_668_232, Sold: 21_779_604, Kept: 3_111_372,
			Receipt: 12_445_488_00, SaleIncome: 10_889_802_00, SaleCost: 54_449_01, Energy: 4_363_254_00, GridFee: 1_154_979_00, VAT: 882_917_28, Invoice: 6_401_150_28,
			LevyPerKWh: 2_00, Levy: 513_324_00, FixedCost: 1_000_000_00, Depreciation: 2_816_666_67, Taxable: 1_659_898_04, Cash: 2_920_878_71}
		if err != nil || s != want {
			t.Errorf("got  %+v\nwant %+v (%v)", s, want, err)
		}
		if tax := flow.ProfitTax(s.Taxable, 200_000); tax != 331_979_61 {
			t.Errorf("tax %s", tax)
		}
	})
	t.Run("an investment", func(t *testing.T) {
		flows := []money.Tiyn{-135_200_000_00, 52_000_000_00, 61_500_000_00, 48_250_000_00, 20_280_000_00}
		npv, err := finance.NPV(finance.One/5, flows)
		if err != nil || npv != -11_455_787_04 {
			t.Errorf("NPV %s, %v", npv, err)
		}
		irr := finance.IRR(flows)
		if len(irr) != 1 || math.Abs(irr[0]-0.1493) > 0.0001 {
			t.Errorf("IRR %v", irr)
		}
		if payback, ok := finance.Payback(flows); !ok || math.Abs(payback-(2+21.7/48.25)) > 1e-12 {
			t.Errorf("payback %v", payback)
		}
	})
}

// Every coin is sold or kept, the quota is met, and income less costs is the cash.
func TestMonthIsConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := handMonth()
		in.Classes[0].Count = rapid.IntRange(0, 100_000).Draw(t, "count")
		in.Days = rapid.IntRange(1, 31).Draw(t, "days")
		in.Uptime = params.PPM(rapid.Int64Range(0, 1e6).Draw(t, "uptime"))
		in.Hold = params.PPM(rapid.Int64Range(0, 1e6).Draw(t, "hold"))
		in.Terms.Sold = params.PPM(rapid.Int64Range(0, 1e6).Draw(t, "quota"))
		in.Terms.Hashprice = farm.Hashprice(rapid.Int64Range(0, 1e10).Draw(t, "hashprice"))
		s, err := flow.Month(in)
		if err != nil {
			t.Fatal(err)
		}
		if s.Sold+s.Kept != s.Mined || s.Sold < s.Quota || s.Kept < 0 {
			t.Fatalf("coins: %+v", s)
		}
		if s.SaleIncome-s.SaleCost-s.Energy-s.GridFee-s.VAT-s.Levy-s.FixedCost != s.Cash {
			t.Fatalf("cash: %+v", s)
		}
		if s.Taxable-s.Cash != s.Receipt-s.SaleIncome-s.Depreciation {
			t.Fatalf("profit: %+v", s)
		}
	})
}

// The simulation in floats and the month in tiyn are the same farm.
func TestSimulationAgreesWithTheMonth(t *testing.T) {
	text := `start = "2027-04"
months = 1
discount_rate = "20%"
capital_kzt = 0
[rate]
usd_kzt = 520
date = "2026-11-20"
[site]
hosting = "own"
licence_from = "2025-03-01"
power = "bought"
pue = 1.05
limit_kw = 1000
grid_fee = "4.50"
monthly_cost_kzt = 1000000
uptime = 0.97
pool_fee = "1%"
sale_cost = "0.5%"
[[tariff]]
from = "2027-01-01"
price = "17.00"
[[fleet]]
model = "Antminer S21"
count = 100
bought = "2026-01"
life_months = 48
[price]
kind = "fixed"
usd = 95000
`
	p, err := planner.Parse("plan.toml", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	prices := &paths.Prices{Paths: 1, Months: 1, Mean: []float64{95_000}, Final: []float64{95_000}}
	w, err := value.NewEconomy(context.Background(), p, prices, value.Same)
	if err != nil {
		t.Fatal(err)
	}
	in := handMonth()
	in.Hold, in.Depreciation = 0, 0
	in.Terms.Bitcoin = 95_000 * 520 * money.Tenge
	// dollars for a TH/s and day → micro-satoshi for 10^18 hashes
	in.Terms.Hashprice = farm.Hashprice(math.Round(w.Hashprices[0] / 95_000 * 1e14 * 1e18 / 86_400e12))
	exact, err := flow.Month(in)
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.Monthly(context.Background(), []value.Holding{{Life: value.Life{Class: in.Classes[0], To: 1}, Count: 100, Paid: planner.Never}}, w.CoinsHeld(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	cash := float64(exact.Cash-flow.ProfitTax(exact.Taxable, 200_000)) / 100
	if math.Abs(f.Cash[0]-cash) > 1 {
		t.Fatalf("the simulation has %.2f tenge, the month %.2f", f.Cash[0], cash)
	}
}
