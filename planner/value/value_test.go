package value_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/paths"
	"github.com/aqsha/aqsha/planner/power"
	"github.com/aqsha/aqsha/planner/value"
)

type failer interface{ Fatal(...any) }

// plan is a farm of two models over 30 months that begin in the midst of a year.
func plan(t failer) *planner.Plan {
	p, err := planner.Parse("plan.toml", `start = "2027-04"
months = 30
discount_rate = "20%"
capital_kzt = 0
[rate]
usd_kzt = 520
date = "2026-11-20"
depreciation = "5%"
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
[[tariff]]
from = "2028-01-01"
price = "21.00"
[[fleet]]
model = "Antminer S19j Pro"
count = 100
bought = "2026-01"
price_kzt = 700000
resale_kzt = 120000
life_months = 48
[[offer]]
model = "Antminer S21"
price_usd = 1800
from = "2027-01-01"
until = "2028-12-31"
delivery_months = 2
life_months = 48
resale = "15%"
[price]
kind = "fixed"
usd = 95000
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// drawPrices are a few paths of prices.
func drawPrices(t *rapid.T, p *planner.Plan, n int) *paths.Prices {
	prices := &paths.Prices{Paths: n, Months: p.Months}
	for range n {
		at := rapid.Float64Range(20_000, 200_000).Draw(t, "price")
		for range p.Months {
			at = min(max(at*rapid.Float64Range(0.7, 1.4).Draw(t, "return"), 1_000), 2_000_000)
			prices.Mean = append(prices.Mean, at)
		}
		prices.Final = append(prices.Final, at*rapid.Float64Range(0.9, 1.1).Draw(t, "end"))
	}
	return prices
}

func close2(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b)) }

// Machine by machine along a path, or month by month over all machines: it is one farm, and one profit for tax.
func TestTheSumOfUnitsIsTheFarm(t *testing.T) {
	t.Parallel()
	base := plan(t)
	rapid.Check(t, func(t *rapid.T) {
		p := *base
		if rapid.Bool().Draw(t, "loan") {
			p.Loan = &planner.Loan{Share: rapid.Float64Range(0, 1).Draw(t, "share"), Months: rapid.IntRange(1, 40).Draw(t, "loan months"),
				Rate: finance.Rate(100_000 * rapid.IntRange(0, 4_000).Draw(t, "rate"))}
		}
		w, err := value.NewEconomy(t.Context(), &p, drawPrices(t, &p, 3), value.Same)
		if err != nil {
			t.Fatal(err)
		}
		for m := range w.TaxRate {
			w.TaxRate[m] = 0 // units are before tax
		}
		coins := w.CoinsHeld(params.PPM(rapid.IntRange(0, 1_000_000).Draw(t, "hold")))
		old, offer := p.Fleet[0], p.Offers[0]
		retire := rapid.SampledFrom([]int{planner.Never, 0, 1, 9, 21, 29}).Draw(t, "retire")
		month := rapid.IntRange(0, p.Months-1).Draw(t, "bought")
		kept, bought := float64(rapid.IntRange(0, 500).Draw(t, "kept")), float64(rapid.IntRange(0, 500).Draw(t, "new"))
		oldUnit, err := w.Kept(t.Context(), old, retire, coins)
		if err != nil {
			t.Fatal(err)
		}
		newUnit, err := w.Bought(t.Context(), offer, month, coins)
		if err != nil {
			t.Fatal(err)
		}
		fixed := w.Fixed()

		to := p.Months
		if retire != planner.Never {
			to = retire
		}
		price, since := offer.PriceUSD*w.Dollar[month], int(old.Bought-p.Start)
		holdings := []value.Holding{
			{Life: value.Life{Class: old.Class, To: to, Resale: float64(old.Resale) / 100, Value: float64(old.PriceTiyn) / 100,
				WriteOff: [2]int{since, since + old.Life}}, Count: kept, Paid: planner.Never},
			{Life: value.Life{Class: offer.Class, From: month + offer.Delivery, To: p.Months, Resale: price * offer.ResalePart, Value: price,
				WriteOff: [2]int{month + offer.Delivery, month + offer.Delivery + offer.Life}}, Count: bought, Paid: month, Price: price},
		}
		f, err := w.Monthly(t.Context(), holdings, coins, nil)
		if err != nil {
			t.Fatal(err)
		}
		own := price
		if p.Loan != nil {
			own -= price * p.Loan.Share
		}
		starts := make([]float64, p.Months)
		starts[month] = -bought * own
		for i, pv := range w.PresentValues(f, starts) {
			if want := kept*oldUnit.PV[i] + bought*newUnit.PV[i] + fixed.PV[i]; !close2(pv, want) {
				t.Fatalf("path %d: by month %.2f, by machine %.2f", i, pv, want)
			}
			for y := range w.Years {
				at := i*w.Years + y
				if want := kept*oldUnit.Tax[at] + bought*newUnit.Tax[at] + fixed.Tax[at]; !close2(f.TaxProfit[at], want) {
					t.Fatalf("path %d, year %d: profit by month %.2f, by machine %.2f", i, y, f.TaxProfit[at], want)
				}
			}
		}
	})
}

// A loan is paid back whole, with interest on what is owed and nothing else; what is owed at the plan's end is paid then.
func TestInstalmentsPayALoanBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loan := &planner.Loan{Months: rapid.IntRange(1, 60).Draw(t, "months"), Rate: finance.Rate(100_000 * rapid.IntRange(0, 5_000).Draw(t, "rate"))}
		owed, left := rapid.Float64Range(1, 1e9).Draw(t, "owed"), rapid.IntRange(1, 60).Draw(t, "left")
		flows := value.Instalments(owed, loan, left)
		if len(flows) != min(loan.Months, left) {
			t.Fatalf("%d instalments of %d months, %d left", len(flows), loan.Months, left)
		}
		still := owed
		for i, f := range flows {
			if !close2(f.Interest, still*loan.Rate.Float()/12) {
				t.Fatalf("instalment %d: interest %f on %f", i, f.Interest, still)
			}
			if i > 0 && i < len(flows)-1 && !close2(f.Pay, flows[0].Pay) {
				t.Fatalf("instalment %d is %f, the first was %f", i, f.Pay, flows[0].Pay)
			}
			still += f.Interest - f.Pay
		}
		if math.Abs(still) > 1e-6*owed {
			t.Fatalf("%f of %f is still owed", still, owed)
		}
		if left >= loan.Months && len(flows) > 1 && !close2(flows[len(flows)-1].Pay, flows[0].Pay) {
			t.Fatalf("the last of a loan's instalments is %f, the first %f", flows[len(flows)-1].Pay, flows[0].Pay)
		}
	})
}

// What a machine cost is written off once: over its months, or at once when it is sold; what was before the plan is gone.
func TestACostIsWrittenOffOnce(t *testing.T) {
	t.Parallel()
	base := plan(t)
	w, err := value.NewEconomy(t.Context(), base, &paths.Prices{Paths: 1, Months: base.Months, Mean: slices.Repeat([]float64{1e-9}, base.Months), Final: []float64{1e-9}}, value.Same)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(-40, 20).Draw(t, "from")
		months, to := rapid.IntRange(1, 60).Draw(t, "months"), rapid.IntRange(0, 40).Draw(t, "to")
		l := value.Life{Class: base.Fleet[0].Class, From: max(0, from), To: to, Value: 6e5, WriteOff: [2]int{from, from + months}}
		v, err := w.Unit(t.Context(), l, w.CoinsHeld(0)) // coins are worth nothing: the machine never runs
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, year := range v.Tax {
			sum -= year
		}
		before := 6e5 * float64(min(max(0, -from), months)) / float64(months)
		if !close2(sum, 6e5-before) {
			t.Fatalf("written off %f, of which there was %f", sum, 6e5-before)
		}
		if v.PV[0] != 0 {
			t.Fatalf("a machine that never runs and is sold for nothing is worth %f", v.PV[0])
		}
	})
}

// What the whole is made of, by hand: April 2027.
func TestAMonthByHand(t *testing.T) {
	t.Parallel()
	p := plan(t)
	same := &paths.Prices{Paths: 1, Months: p.Months, Mean: slices.Repeat([]float64{95_000}, p.Months), Final: []float64{95_000}}
	w, err := value.NewEconomy(t.Context(), p, same, value.Same)
	if err != nil {
		t.Fatal(err)
	}
	vat, _ := params.ValueAddedTax.At("2027-04-01")
	levy, _ := params.MiningLevies.At("2027-04-01")
	perKWh, err := levy.Value.PerKWh(params.PowerBought, 1700)
	if err != nil {
		t.Fatal(err)
	}
	if want := (17.00+4.50)*(1+float64(vat.Value)/1e6) + float64(perKWh)/100; !close2(w.PerKWh[0], want) {
		t.Errorf("a kWh costs %f, want %f", w.PerKWh[0], want)
	}
	if w.PerKWh[9] <= w.PerKWh[8] {
		t.Errorf("the tariff of January 2028 does not show: %f, %f", w.PerKWh[8], w.PerKWh[9])
	}
	if want := 30 * 24 * 0.97; !close2(w.Hours[0], want) {
		t.Errorf("%f hours, want %f", w.Hours[0], want)
	}
	if want := 1 / math.Pow(1.2, 1.0/12); !close2(w.Discount[0], want) || w.At[0] != 1 || !close2(w.Discount[11], 1/1.2) {
		t.Errorf("discount %f, %f after a year", w.Discount[0], w.Discount[11])
	}
	if w.Years != 3 || w.Year[8] != 0 || w.Year[9] != 1 || w.YearEnd[0] != w.Discount[8] || w.YearEnd[2] != w.Discount[29] {
		t.Errorf("%d years: %v, ends %v", w.Years, w.Year, w.YearEnd)
	}
	if !close2(w.Dollar[12], 520*1.05) {
		t.Errorf("a dollar is %f after a year", w.Dollar[12])
	}
	if want := w.Hashprices[0] * 520 * 30 * 0.97; !close2(w.Hash[0], want) {
		t.Errorf("a TH/s earns %f, want %f", w.Hash[0], want)
	}
}

// Each shift moves what it is of, in its direction, and nothing that it is not of.
func TestShifts(t *testing.T) {
	t.Parallel()
	p := plan(t)
	same := &paths.Prices{Paths: 1, Months: p.Months, Mean: slices.Repeat([]float64{95_000}, p.Months), Final: []float64{95_000}}
	worth := func(change func(s *value.Shift)) (w *value.Economy, old, bought float64) {
		t.Helper()
		s := value.Same
		change(&s)
		w, err := value.NewEconomy(t.Context(), p, same, s)
		if err != nil {
			t.Fatal(err)
		}
		coins := w.CoinsHeld(0)
		a, err := w.Kept(t.Context(), p.Fleet[0], planner.Never, coins)
		if err != nil {
			t.Fatal(err)
		}
		b, err := w.Bought(t.Context(), p.Offers[0], 0, coins)
		if err != nil {
			t.Fatal(err)
		}
		return w, a.PV[0], b.PV[0]
	}
	_, old, bought := worth(func(*value.Shift) {})
	for name, c := range map[string]struct {
		change      func(s *value.Shift)
		old, bought int // -1: worth less, 0: the same, 1: more
	}{
		"dearer power":     {func(s *value.Shift) { s.Power = 1.2 }, -1, -1},
		"a higher levy":    {func(s *value.Shift) { s.Levy = 2 }, -1, -1},
		"dearer machines":  {func(s *value.Shift) { s.Machines = 1.5 }, 0, -1},
		"a dearer bitcoin": {func(s *value.Shift) { s.Bitcoin = 1.3 }, 1, 1},
		"a harder network": {func(s *value.Shift) { s.Difficulty = 1.3 }, -1, -1},
		"less uptime":      {func(s *value.Shift) { s.Uptime = 0.8 }, -1, -1},
	} {
		_, o, b := worth(c.change)
		if sign(o-old) != c.old || sign(b-bought) != c.bought {
			t.Errorf("%s: there is %f from %f, new %f from %f", name, o, old, b, bought)
		}
	}
	w, _, _ := worth(func(s *value.Shift) { s.Uptime = 9 })
	if w.Hours[0] != 30*24 {
		t.Errorf("a month of %f hours", w.Hours[0])
	}
}

func sign(v float64) int {
	switch {
	case v > 1e-9:
		return 1
	case v < -1e-9:
		return -1
	}
	return 0
}

// Tax is due on profits beyond all losses before, at the end of each year; a loss pays nothing.
func TestLossesAreCarriedForward(t *testing.T) {
	t.Parallel()
	p := plan(t)
	p.MonthlyCost = 0
	same := &paths.Prices{Paths: 1, Months: p.Months, Mean: slices.Repeat([]float64{1e-9}, p.Months), Final: []float64{1e-9}}
	w, err := value.NewEconomy(t.Context(), p, same, value.Same)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ profit, tax []float64 }{
		"a loss first":      {[]float64{-100, 150, 100}, []float64{0, 10, 20}},
		"profits":           {[]float64{100, 50, 25}, []float64{20, 10, 5}},
		"a loss in between": {[]float64{100, -60, 100}, []float64{20, 0, 8}},
		"losses":            {[]float64{-1, -1, -1}, []float64{0, 0, 0}},
	} {
		f, err := w.Monthly(t.Context(), nil, w.CoinsHeld(0), func(_ int, _, profit []float64) { copy(profit, c.profit) })
		if err != nil {
			t.Fatal(err)
		}
		for y, last := range []int{8, 20, 29} {
			if !close2(f.Tax[last], c.tax[y]) || !close2(f.Cash[last], -c.tax[y]) {
				t.Errorf("%s: year %d pays %f, want %f (cash %f)", name, y, f.Tax[last], c.tax[y], f.Cash[last])
			}
		}
		sum := 0.0
		for _, due := range f.Tax {
			sum += due
		}
		if !close2(sum, c.tax[0]+c.tax[1]+c.tax[2]) {
			t.Errorf("%s: tax is due in other months, too: %f", name, sum)
		}
	}
}

// A machine that would not earn its power stands; one that would is worth what it earns beyond it.
func TestAMachineRunsOnlyWhereItEarns(t *testing.T) {
	t.Parallel()
	p := plan(t)
	w, err := value.NewEconomy(t.Context(), p, &paths.Prices{Paths: 2, Months: p.Months,
		Mean: slices.Concat(slices.Repeat([]float64{1}, p.Months), slices.Repeat([]float64{500_000}, p.Months)), Final: []float64{1, 500_000}}, value.Same)
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.Unit(t.Context(), value.Life{Class: power.Class{RateGHs: 200_000, Watts: 3_500}, To: p.Months}, w.CoinsHeld(0))
	if err != nil {
		t.Fatal(err)
	}
	if v.PV[0] != 0 || v.PV[1] <= 0 {
		t.Errorf("worth %f where a coin is worth a dollar, %f where it is worth half a million", v.PV[0], v.PV[1])
	}
}
