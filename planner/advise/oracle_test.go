package advise_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/advise"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/value"
)

// near says whether two amounts are the same but for rounding.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-7*(1+math.Abs(a)+math.Abs(b)) }

// small is a plan that one path and few months decide at once.
var small = []string{`kind = "garch"`, `kind = "fixed"`, "months = 60", "months = 24", "paths = 120", "paths = 1",
	`"2027-07", "2028-06"]`, `"2027-07"]`, `"2027-07", "2028-05"]`, `"2027-07"]`}

// The same money in a bank that pays what the plan discounts at is worth nothing today, when nothing is taxed; and in
// coins what a coin's price and the two costs of its sale make of it.
func TestMoneyElsewhereByHand(t *testing.T) {
	p := parse(t, append(small, `deposit_rate = "14%"`, `deposit_rate = "20%"`, `price = "11.50"`, `price = "60"`)...)
	untaxed := p.Text + "[[assume]]\nfrom = \"2027-01-01\"\ntax = 0\n"
	p, err := planner.Parse("plan.toml", untaxed, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := build(t, p)
	if len(r.Option(advise.WayBest).Strategy.Buy) != 0 {
		t.Fatalf("at 60 tenge a kWh it buys %+v", r.Option(advise.WayBest).Strategy.Buy)
	}
	asIs, capital := r.Option(advise.WayAsIs).Mean, float64(p.Capital)/100
	if tenge := r.Option(advise.WayTenge).Mean; math.Abs(tenge-asIs) > 1e-9*capital {
		t.Errorf("in the bank at the discount rate %v, as it is %v", tenge, asIs)
	}
	prices, err := value.DrawPrices(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	dollar := math.Pow(1+p.Depreciation, 23.0/12) // by which it rose when the coins are sold
	back := prices.Final[0] / prices.Mean[0] * dollar * (1 - 0.005) / (1 + 0.005)
	want := asIs + capital*(back/math.Pow(1.2, 2)-1)
	if coins := r.Option(advise.WayCoins).Mean; !near(coins, want) {
		t.Errorf("in coins %v, by hand %v", coins, want)
	}
}

// Profit in a bank is taxed: at a fifth, with no loss to set it off against, a fifth of the interest is less.
func TestInterestIsTaxed(t *testing.T) {
	edits := append(slices.Clone(small), `deposit_rate = "14%"`, `deposit_rate = "20%"`,
		`monthly_cost_kzt = "6_000_000"`, `monthly_cost_kzt = "0"`, `price = "11.50"`, `price = "1"`,
		"price_usd = 1_800", "price_usd = 90_000", "price_usd = 3_400", "price_usd = 90_000", "lambda = 0.5",
		"lambda = 0")
	p := parse(t, edits...)
	r := build(t, p)
	if len(r.Option(advise.WayBest).Strategy.Buy) != 0 {
		t.Fatal("it buys machines for 90,000 dollars")
	}
	capital := float64(p.Capital) / 100
	want := -0.2 * capital * (math.Pow(1.2, 2) - 1) / math.Pow(1.2, 2)
	if got := r.Option(advise.WayTenge).Mean - r.Option(advise.WayAsIs).Mean; !near(got, want) {
		t.Errorf("the tax on two years' interest is worth %v, by hand %v", got, want)
	}
}

// What a part adds is the strategy's value less that of the strategy without the part.
func TestPartsAgainstStrategiesWithoutThem(t *testing.T) {
	p := parse(t, "price_usd = 1_800", "price_usd = 900")
	r := build(t, p)
	prices, err := value.DrawPrices(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	best := r.Option(advise.WayBest)
	mean := func(s advise.Strategy) float64 {
		v, err := advise.Mean(context.Background(), p, prices, s, value.Same)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if !near(mean(*best.Strategy), best.Mean) {
		t.Fatalf("%v, and again %v", best.Mean, mean(*best.Strategy))
	}
	kinds := map[string]int{}
	for _, m := range r.Marginals {
		s := *best.Strategy
		s.Buy, s.Retire = slices.Clone(s.Buy), slices.Clone(s.Retire)
		switch m.Part {
		case "buy":
			s.Buy = slices.Delete(s.Buy, m.At, m.At+1)
		case "retire":
			s.Retire[m.At].Month = planner.Never
		case "hold":
			s.Hold = 0
		}
		if want := mean(s) - best.Mean; !near(m.Mean, want) {
			t.Errorf("%s %d changes the mean by %v, want %v", m.Part, m.At, m.Mean, want)
		}
		kinds[m.Part]++
	}
	retired := 0
	for _, x := range best.Strategy.Retire {
		if x.Month != planner.Never {
			retired++
		}
	}
	if len(best.Strategy.Buy) == 0 || kinds["buy"] != len(best.Strategy.Buy) || kinds["retire"] != retired ||
		kinds["hold"] != min(1, int(best.Strategy.Hold)) {
		t.Errorf("parts %v of %+v", kinds, best.Strategy)
	}
}

// A dearer input never makes a given strategy better, a better price never worse; the widest swing stands first.
func TestTornadoPointsTheRightWay(t *testing.T) {
	r := build(t, parse(t, "price_usd = 1_800", "price_usd = 900"))
	base := r.Option(advise.WayBest).Mean
	falls := map[string]bool{"power": true, "difficulty": true, "machines": true, "levy": true, "elasticity": true}
	rises := map[string]bool{"bitcoin": true, "uptime": true}
	width := math.Inf(1)
	for _, s := range r.Tornado {
		low, high := s.Low, s.High
		if falls[s.Input] {
			low, high = high, low
		}
		if (falls[s.Input] || rises[s.Input]) && (low > base || high < base || low == high) {
			t.Errorf("%s: %v at %v, %v at %v, and %v as it is", s.Input, s.Low, s.LowFactor, s.High, s.HighFactor, base)
		}
		if s.LowFactor >= 1 || s.HighFactor <= 1 {
			t.Errorf("%s: ends %v and %v are on one side", s.Input, s.LowFactor, s.HighFactor)
		}
		if w := math.Abs(s.High - s.Low); w > width {
			t.Errorf("%s is wider than the one before it", s.Input)
		} else {
			width = w
		}
	}
	if len(r.Tornado) != 9 {
		t.Errorf("%d inputs", len(r.Tornado))
	}
}

func TestSwingsAreSortedByWidth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []advise.Swing
		for i, v := range rapid.SliceOfN(rapid.IntRange(-9, 9), 0, 12).Draw(t, "widths") {
			all = append(all, advise.Swing{Input: strconv.Itoa(i), High: float64(v)})
		}
		want := slices.Clone(all)
		slices.SortStableFunc(want, func(a, b advise.Swing) int { return cmp.Compare(math.Abs(b.High), math.Abs(a.High)) })
		if got := advise.Sorted(all); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// A break-even is the root nearest to 1, on whichever side; outside 1/20 to 20 there is none.
func TestRootsOfKnownCurves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Float64Range(-2.9, 2.9)
		roots := rapid.SliceOfN(at, 0, 3).Draw(t, "logarithms of roots")
		far := rapid.Float64Range(3.2, 5).Draw(t, "one out of reach")
		sign := rapid.SampledFrom([]float64{-1, 1}).Draw(t, "sign")
		// Two roots in one bracket cross nothing at its ends: of those drawn, the second is left out.
		seen := map[int]bool{}
		roots = slices.DeleteFunc(roots, func(x float64) bool {
			bracket := int(math.Ceil(math.Abs(x)*2)) * int(math.Copysign(1, x))
			was := seen[bracket]
			seen[bracket] = true
			return was || math.Abs(x) < 1e-3 || math.Abs(math.Mod(x, 0.5)) < 1e-3
		})
		f := func(factor float64) (float64, error) {
			v := sign * 1e6 * (math.Log(factor) - far)
			for _, x := range roots {
				v *= math.Expm1(math.Log(factor) - x)
			}
			return v, nil
		}
		one, _ := f(1)
		got, err := advise.Root(one, f)
		if err != nil {
			t.Fatal(err)
		}
		if len(roots) == 0 {
			if got != nil {
				t.Fatalf("a root at %v of a curve that has none", *got)
			}
			return
		}
		want := slices.MinFunc(roots, func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
		if got == nil || math.Abs(math.Log(*got)-want) > 1e-5 {
			t.Fatalf("%v, want the exponential of %v of %v", got, want, roots)
		}
	})
	if got, err := advise.Root(0, func(float64) (float64, error) { return 1, nil }); err != nil || got == nil || *got != 1 {
		t.Errorf("worth nothing as it is: %v, %v", got, err)
	}
	// On both sides within the first step: the one that is nearer counts.
	for _, side := range []float64{-1, 1} {
		got, err := advise.Root(0.05*0.45, func(factor float64) (float64, error) {
			x := side * math.Log(factor)
			return (x + 0.05) * (0.45 - x), nil
		})
		if err != nil || got == nil || math.Abs(side*math.Log(*got)+0.05) > 1e-6 {
			t.Errorf("of roots at %v and %v: %v, %v", -0.05*side, 0.45*side, got, err)
		}
	}
	broken := errors.New("broken")
	if _, err := advise.Root(1, func(float64) (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("a curve that fails: %v", err)
	}
}

// A distribution moves with its outcomes: an amount on top moves every figure, twice the money doubles them.
func TestDistributionsMoveWithTheirOutcomes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o, moved finance.Outcomes
		by, times := float64(rapid.IntRange(-500, 500).Draw(t, "by")), float64(rapid.IntRange(1, 5).Draw(t, "times"))
		for _, v := range rapid.SliceOfN(rapid.IntRange(-1000, 1000), 1, 60).Draw(t, "outcomes") {
			o, moved = append(o, float64(v)), append(moved, times*float64(v)+by)
		}
		lambda := rapid.SampledFrom([]float64{0, 0.5, 3}).Draw(t, "lambda")
		a, b := advise.DistributionOf(o, lambda), advise.DistributionOf(moved, lambda)
		for _, v := range [][2]float64{{a.Mean, b.Mean}, {a.P5, b.P5}, {a.P25, b.P25}, {a.Median, b.Median},
			{a.P75, b.P75}, {a.P95, b.P95}, {-a.VaR5, -b.VaR5}, {-a.CVaR5, -b.CVaR5},
			{a.Objective / (1 + lambda), b.Objective / (1 + lambda)}} {
			if !near(times*v[0]+by, v[1]) {
				t.Fatalf("%v of %+v is %v of %+v", v[0], a, v[1], b)
			}
		}
		losses, sum := 0, 0.0
		for _, v := range o {
			if sum += v; v < 0 {
				losses++
			}
		}
		if !near(a.LossProbability*float64(len(o)), float64(losses)) || !near(a.Mean*float64(len(o)), sum) ||
			!slices.IsSorted([]float64{-a.CVaR5, -a.VaR5 + 1e-9, a.P25 + 2e-9, a.Median + 3e-9, a.P75 + 4e-9, a.P95 + 5e-9}) &&
				len(o) >= 20 {
			t.Fatalf("%d losses, a sum of %v: %+v", losses, sum, a)
		}
	})
}

// The way with the best mean less risk wins; of equals the one that costs least to do.
func TestTheBestWayWins(t *testing.T) {
	order := []advise.Way{advise.WayAsIs, advise.WayTenge, advise.WayCoins, advise.WayBest, advise.WaySecond}
	rapid.Check(t, func(t *rapid.T) {
		all := map[advise.Way]finance.Outcomes{}
		best, want := math.Inf(-1), advise.Way("")
		for _, way := range order {
			if way == advise.WaySecond && rapid.Bool().Draw(t, "no second") {
				continue
			}
			v := float64(rapid.IntRange(-3, 3).Draw(t, string(way)))
			all[way] = finance.Outcomes{v, v}
			if objective := v + 0.5*v; objective > best { // a certain outcome is its own shortfall
				best, want = objective, way
			}
		}
		if got := advise.Winner(all, 0.5); got != want {
			t.Fatalf("%s of %v, want %s", got, all, want)
		}
	})
}

// Where a change is said, the other way is better there; just before it the advice still holds.
func TestChangesAreWhereTheyAreSaid(t *testing.T) {
	p := parse(t, "price_usd = 1_800", "price_usd = 1_200")
	r := build(t, p)
	prices, err := value.DrawPrices(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	var second *advise.Strategy
	if o := r.Option(advise.WaySecond); o != nil {
		second = o.Strategy
	}
	at := func(input string, factor float64) advise.Way {
		shift := value.Same
		switch input {
		case "bitcoin":
			shift.Bitcoin = factor
		case "power":
			shift.Power = factor
		case "difficulty":
			shift.Difficulty = factor
		case "machines":
			shift.Machines = factor
		default:
			t.Fatalf("a change of %q", input)
		}
		way, err := advise.WayAt(context.Background(), p, prices, *r.Option(advise.WayBest).Strategy, second, shift)
		if err != nil {
			t.Fatal(err)
		}
		return way
	}
	if len(r.Changes) == 0 {
		t.Fatal("nothing changes the advice: the sample is not close enough for this test")
	}
	for _, c := range r.Changes {
		if way := at(c.Input, c.Factor); way != c.To || way == r.Advice {
			t.Errorf("%s at %v: %s, told as %s", c.Input, c.Factor, way, c.To)
		}
		step := math.Copysign(0.0045, c.Factor-1) // a step of at most 0.25, halved six times
		if way := at(c.Input, c.Factor-step); way != r.Advice {
			t.Errorf("%s at %v, before the change: %s", c.Input, c.Factor-step, way)
		}
	}
}

// What a strategy draws and spends, counted from its lines month by month.
func TestLoadsAreCounted(t *testing.T) {
	for _, edits := range [][]string{{"price_usd = 1_800", "price_usd = 700"}, {`share = "30%"`, `share = "100%"`},
		{"limit_kw = 10_000", "limit_kw = 6_000"}} {
		p := parse(t, edits...)
		r := build(t, p)
		s := r.Option(advise.WayBest).Strategy
		most, spent := 0.0, 0.0
		for m := range p.Months {
			watts := int64(0)
			for i, x := range s.Retire {
				if x.Month == planner.Never || m < x.Month {
					watts += p.Fleet[i].Class.MeterWatts(p.PUEMilli) * int64(p.Fleet[i].Class.Count)
				}
			}
			for _, b := range s.Buy {
				if m >= b.Month+p.Offers[b.Offer].Delivery {
					watts += p.Offers[b.Offer].Class.MeterWatts(p.PUEMilli) * int64(b.Count)
				}
			}
			most = max(most, float64(watts)/1000)
		}
		for _, b := range s.Buy {
			o := p.Offers[b.Offer]
			cost := o.PriceUSD * float64(p.USDKZT) / 100 * math.Pow(1+p.Depreciation, float64(b.Month)/12) * float64(b.Count)
			if !near(cost, b.Cost) || b.When < o.From || b.When > o.Until || b.Date != b.When.String() ||
				!slices.Contains(p.Dates, b.Month) || !slices.Contains(p.Counts, b.Count) {
				t.Errorf("%+v, by hand for %v", b, cost)
			}
			spent += cost * (1 - p.Loan.Share)
		}
		if !near(r.Power.MaxKW, most) || !near(r.Power.SpentKZT, spent) || r.Power.MaxKW > r.Power.LimitKW ||
			r.Power.SpentKZT > r.Power.CapitalKZT*(1+1e-9) {
			t.Errorf("%+v, counted %v kW and %v", r.Power, most, spent)
		}
		if p.Loan.Share == 1 && r.Power.SpentKZT != 0 {
			t.Errorf("all of it is borrowed, and %v of one's own is spent", r.Power.SpentKZT)
		}
	}
}

// Drawn plans on small grids: every strategy is tried, and none is better than the one that was found.
func TestDrawnPlansAgainstEveryStrategy(t *testing.T) {
	rng := rand.New(rand.NewPCG(20, 37))
	bought, retired, held := 0, 0, 0
	for range 24 {
		p := parse(t, "months = 60", fmt.Sprintf("months = %d", 18+rng.IntN(7)), "paths = 120",
			fmt.Sprintf("paths = %d", 1+rng.IntN(24)), "seed = 1", fmt.Sprintf("seed = %d", rng.Uint32()),
			`dates = ["2027-01", "2027-07", "2028-06"]`, `dates = ["2027-02", "2027-09"]`,
			"[0, 250, 500, 1000]", fmt.Sprintf("[%d]", 1+rng.IntN(2500)),
			`["2027-01", "2027-07", "2028-05"]`, fmt.Sprintf(`["2027-%02d"]`, 1+rng.IntN(12)),
			"lambda = 0.5", fmt.Sprintf("lambda = %d", rng.IntN(3)),
			"price_usd = 1_800", fmt.Sprintf("price_usd = %d", 200+rng.IntN(1500)),
			"price_usd = 3_400", fmt.Sprintf("price_usd = %d", 200+rng.IntN(3000)),
			"most = 2_000", fmt.Sprintf("most = %d", rng.IntN(4000)),
			`resale_kzt = "120_000"`, fmt.Sprintf("resale_kzt = %d", rng.IntN(1_500_000)),
			`capital_kzt = "1_500_000_000"`, fmt.Sprintf("capital_kzt = %d", rng.Int64N(4_000_000_000)),
			`share = "30%"`, fmt.Sprintf(`share = "%d%%"`, rng.IntN(101)),
			"delivery_months = 2", fmt.Sprintf("delivery_months = %d", rng.IntN(6)))
		r := build(t, p)
		best, tried, err := advise.Exhaust(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		found := r.Option(advise.WayBest)
		if !r.Search.Exact || r.Search.Gap != 0 || !near(found.Objective, best) {
			t.Errorf("found %v (%+v), the best of %d is %v, in\n%s", found.Objective, r.Search, tried, best, p.Text)
		}
		bought += len(found.Strategy.Buy)
		held += int(found.Strategy.Hold)
		if found.Strategy.Retire[0].Month != planner.Never {
			retired++
		}
	}
	if bought == 0 || retired == 0 || held == 0 {
		t.Errorf("%d purchases, %d retirements, %d ppm held: the draws are of one kind", bought, retired, held)
	}
}

// What the plan adds: its flows in tiyn have the net present value that floats say, and come back when they add up to 0.
func TestIncrementByFloats(t *testing.T) {
	r := build(t, parse(t, "price_usd = 1_800", "price_usd = 700"))
	inc := r.Increment
	if inc == nil || len(inc.Flows) != 61 || inc.Flows[0] >= 0 {
		t.Fatalf("%+v", inc)
	}
	npv, total, back := 0.0, 0.0, -1.0
	for i, flow := range inc.Flows {
		npv += float64(flow) / math.Pow(1.2, float64(i)/12)
		if next := total + float64(flow); next >= 0 && total < 0 && back < 0 {
			back = float64(i) - next/float64(flow)
		}
		total += float64(flow)
	}
	if math.Abs(npv-float64(inc.NPV)) > 1e-6*math.Abs(npv)+100 {
		t.Errorf("net present value %s, by floats %v tiyn", inc.NPV, npv)
	}
	if inc.Payback == nil || math.Abs(*inc.Payback-back) > 1e-6 || inc.DiscountedPayback == nil ||
		*inc.DiscountedPayback < *inc.Payback {
		t.Errorf("payback %v, discounted %v, by hand %v", inc.Payback, inc.DiscountedPayback, back)
	}
	for _, rate := range inc.IRR {
		at := 0.0
		for i, flow := range inc.Flows {
			at += float64(flow) / math.Pow(1+rate, float64(i)/12)
		}
		if math.Abs(at) > 1e-5*math.Abs(total) {
			t.Errorf("at the internal rate %v the flows are worth %v", rate, at)
		}
	}
	if inc.SeveralRoots != (len(inc.IRR) > 1) {
		t.Errorf("%v with the rates %v", inc.SeveralRoots, inc.IRR)
	}
}

// Months are whole: totals are sums, fans are in order, and income less power, tax and fixed costs is no less than the
// cash but for what is bought and sold.
func TestMonthsAddUp(t *testing.T) {
	r := build(t, parse(t, `retire = ["2027-01", "2027-07", "2028-05"]`, "retire = []", "counts = [0, 250, 500, 1000]",
		"counts = [0]", `resale_kzt = "120_000"`, "resale_kzt = 0"))
	total := 0.0
	for i, m := range r.Months {
		if total += m.Cash; !near(total, m.Total) {
			t.Fatalf("%s: the months make %v, told as %v", m.Month, total, m.Total)
		}
		if got := m.Income - m.Power - m.Tax - 6_000_000; !near(got, m.Cash) { // nothing is bought, sold or borrowed
			t.Fatalf("%s: income, power, tax and people leave %v, told as %v", m.Month, got, m.Cash)
		}
		for _, fan := range [][]float64{m.TotalFan, m.PriceFan, m.HashFan} {
			if len(fan) != 5 || !slices.IsSorted(fan) {
				t.Fatalf("%s: a fan of %v", m.Month, fan)
			}
		}
		if i > 0 && m.EntryCost >= r.Months[i-1].EntryCost {
			t.Errorf("%s: entry does not get cheaper", m.Month)
		}
	}
	if r.Increment != nil || len(r.Marginals) != 0 && r.Marginals[0].Part != "hold" {
		t.Errorf("nothing can be changed, and yet: %+v, %+v", r.Increment, r.Marginals)
	}
}

// Whoever has the result has the plan: from its text and its files the same result is computed again.
func TestAResultIsComputedAgain(t *testing.T) {
	text, err := json.Marshal(build(t, parse(t)))
	if err != nil {
		t.Fatal(err)
	}
	var r advise.Result
	if err := json.Unmarshal(text, &r); err != nil || r.Format != advise.Format {
		t.Fatalf("%q, %v", r.Format, err)
	}
	p, err := planner.Parse(r.File, r.Text, func(name string) (string, error) { return r.Files[name], nil })
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(build(t, p))
	if err != nil || string(again) != string(text) {
		t.Errorf("another result (%v)", err)
	}
	for _, key := range []string{`"options":[`, `"objective":`, `"gap_kzt":`, `"most_kw":`, `"hold_ppm":`, `"npv_tiyn":`,
		`"total_fan":[`, `"gain_tiyn":`, `"runner_up":`} {
		if !strings.Contains(string(text), key) {
			t.Errorf("no %s", key)
		}
	}
}

// A plan in dollars names no tenge, in any language; all languages say as many sentences.
func TestWordsOfAnotherCurrency(t *testing.T) {
	p := parse(t, `name = "Ekibastuz 2027"`, "name = \"Elsewhere\"\ncurrency = \"USD\"", "price_usd = 1_800", "price_usd = 700")
	r := build(t, p)
	shape := func(a advise.Advice) []int {
		return []int{len(a.Steps), len(a.Reasons), len(a.Changes), len(a.Notes)}
	}
	for _, language := range advise.Languages {
		a := r.Words[language]
		if !slices.Equal(shape(a), shape(r.Words["en"])) {
			t.Errorf("%s says %v sentences, English %v", language, shape(a), shape(r.Words["en"]))
		}
		all := strings.Join(slices.Concat([]string{a.Headline, a.RunnerUp}, a.Steps, a.Reasons, a.Changes, a.Notes), "\n")
		if strings.Contains(all, "₸") || !strings.Contains(all, "USD") {
			t.Errorf("%s: %s", language, all)
		}
	}
	if got := advise.InCurrency("1 ₸, 2 ₸", ""); got != "1 ₸, 2 ₸" {
		t.Errorf("a plan in tenge: %q", got)
	}
}

// Whatever is advised has a headline and steps in every language, and says what the best with machines would be when
// machines are not what is advised.
func TestEveryAdviceHasSteps(t *testing.T) {
	r := build(t, parse(t, "price_usd = 1_800", "price_usd = 900"))
	if r.Option(advise.WaySecond) == nil {
		t.Fatal("no second plan")
	}
	headlines := map[string]bool{}
	for _, way := range []advise.Way{advise.WayBest, advise.WaySecond, advise.WayAsIs, advise.WayCoins, advise.WayTenge} {
		r.Advice = way
		for _, language := range advise.Languages {
			a := r.Phrase(language)
			headlines[a.Headline] = true
			all := a.Headline + strings.Join(a.Steps, "\n")
			if strings.Contains(all, "%!") || strings.Contains(all, "%[") || len(a.Steps) == 0 {
				t.Errorf("%s of %s: %s", language, way, all)
			}
			models := strings.Contains(strings.Join(a.Steps, ""), "Antminer S21")
			if !models { // bought, or what would be bought instead
				t.Errorf("%s of %s names no machine to buy: %q", language, way, a.Steps)
			}
		}
	}
	if len(headlines) != 15 {
		t.Errorf("%d headlines of five ways in three languages", len(headlines))
	}
}

// Numbers in words are the numbers: read back without their spaces they are what was written, to the digits shown.
func TestNumbersInWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, decimals := rapid.Float64Range(-1e12, 1e12).Draw(t, "number"), rapid.IntRange(0, 3).Draw(t, "decimals")
		language := rapid.SampledFrom(advise.Languages).Draw(t, "language")
		text := advise.In(language).Number(v, decimals)
		if decimals > 0 && strings.Contains(text, ",") != (language != "en") {
			t.Fatalf("%s: %q", language, text)
		}
		whole, _, _ := strings.Cut(strings.NewReplacer("−", "", ",", ".").Replace(text), ".")
		for i, group := range strings.Split(whole, "\u202f") {
			if n := len(group); n > 3 || n == 0 || i > 0 && n != 3 {
				t.Fatalf("groups of %q", text)
			}
		}
		back, err := strconv.ParseFloat(strings.NewReplacer("−", "-", ",", ".", "\u202f", "").Replace(text), 64)
		if err != nil || math.Abs(back-v) > 0.5000001*math.Pow(10, -float64(decimals))+1e-15*math.Abs(v) {
			t.Fatalf("%v is %q, read back %v (%v)", v, text, back, err)
		}
		if strings.HasPrefix(text, "−") && back == 0 {
			t.Fatalf("%v is %q", v, text)
		}
	})
	en := advise.In("en")
	for got, want := range map[string]string{en.Percent(0.254, true): "+25 %", en.Percent(-0.254, true): "−25 %",
		en.Percent(0, true): "0 %", en.Percent(0.254, false): "25 %", en.Signed(2_500_000): "+2.5 million ₸",
		en.Signed(-2_500_000): "−2.5 million ₸", advise.In("xx").Percent(1, false): "100 %"} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A small plan, or one in a currency of much worth, is written in thousands, in words, tables and units alike.
func TestAmountsInThousands(t *testing.T) {
	r := &advise.Result{Options: []advise.Option{{Way: advise.WayBest}}}
	r.Power.CapitalKZT = 3e6
	small := r.In("en")
	r.Options[0].P95 = 10e6
	large := r.In("ru")
	for got, want := range map[string]string{small.Millions(948_200): "948.2 thousand ₸",
		small.Amount(948_200):           "948.2",
		small.InUnit("Cash, million $"): "Cash, thousand $", large.Millions(948_200): "0,9 млн ₸",
		large.InUnit("млн $"): "млн $", small.Price(0.0512): "0.0512", small.Price(11.5): "11.50"} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Every plan that is read can be planned, also at the ends of what it may say; or what does not go together is refused
// with a code.
func TestPlansAtTheirEnds(t *testing.T) {
	short := append(slices.Clone(small), "effort = 500", "effort = 1")
	for what, edits := range map[string][]string{
		"nothing to decide":     {`dates = ["2027-01", "2027-07"]`, "dates = []", `retire = ["2027-01", "2027-07"]`, "retire = []"},
		"no search":             {"effort = 1", "effort = 0"},
		"a pool that takes all": {`pool_fee = "1%"`, `pool_fee = "99.9999%"`},
		"the lowest price":      {"usd = 95_000", `usd = "0.01"`},
		"the highest price":     {"usd = 95_000", "usd = 9_000_000_000"},
		"machines for nothing":  {"price_usd = 1_800", `price_usd = "0.01"`},
		"no capital":            {`capital_kzt = "1_500_000_000"`, "capital_kzt = 0"},
		"the least difficulty":  {"difficulty = 150e12", "difficulty = 1e12"},
		"the most difficulty":   {"difficulty = 150e12", "difficulty = 1e20"},
		"no growth of mining":   {`max_growth = "6%"`, "max_growth = 0"},
		"nothing wears out":     {`attrition = "1.2%"`, "attrition = 0"},
		"half wears out":        {`attrition = "1.2%"`, `attrition = "50%"`},
		"paid to take power":    {`price = "11.50"`, `price = "-1_000"`},
		"the dearest power":     {`price = "11.50"`, `price = "10_000"`},
		"no discount":           {`discount_rate = "20%"`, "discount_rate = 0"},
		"ten times a year":      {`discount_rate = "20%"`, "discount_rate = 10"},
		"all on credit":         {`share = "30%"`, "share = 1"},
		"a loan of a month":     {"rate = \"21%\"\nmonths = 24", "rate = \"21%\"\nmonths = 1"},
		"one month": {"months = 24", "months = 1", `dates = ["2027-01", "2027-07"]`, "dates = []",
			`retire = ["2027-01", "2027-07"]`, "retire = []"},
		"all coins kept":   {`hold = [0, "50%"]`, "hold = [1]"},
		"a sale costs all": {`sale_cost = "0.5%"`, `sale_cost = "99.9999%"`},
	} {
		p := parse(t, append(slices.Clone(short), edits...)...)
		r, err := advise.Build(context.Background(), p, nil, "test", nil)
		var refused *farm.Error
		if what == "the highest price" && errors.As(err, &refused) && refused.Field == "hashprice" {
			continue // a kWh would earn more than power can cost
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if _, err := json.Marshal(r); err != nil { // JSON has no infinity
			t.Errorf("%s: %v", what, err)
		}
	}
}

// No machine that is there, and nothing to schedule: a plan of purchases alone.
func TestAPlanWithoutAFleet(t *testing.T) {
	text := parse(t, small...).Text
	at, end := strings.Index(text, "[[fleet]]"), strings.Index(text, "[[offer]]")
	p, err := planner.Parse("plan.toml", text[:at]+text[end:], nil)
	if err != nil {
		t.Fatal(err)
	}
	r := build(t, p)
	if len(r.Option(advise.WayBest).Strategy.Retire) != 0 || r.Day == nil || r.Day.Gain != 0 {
		t.Errorf("%+v, a day of %+v", r.Option(advise.WayBest).Strategy, r.Day)
	}
}

// The plan's first day is scheduled within its power; hours that pay whoever takes power are used in full.
func TestTheFirstDay(t *testing.T) {
	for price, runs := range map[string]bool{"1": true, "-5": true, "10_000": false} {
		r := build(t, parse(t, append(slices.Clone(small), `price = "11.50"`, fmt.Sprintf("price = %q", price))...))
		if r.Day.Date != "2027-01-01" || len(r.Day.Hours) != 24 || r.Day.File != "" {
			t.Fatalf("%+v", r.Day)
		}
		if (r.Day.Gain > 0) != runs {
			t.Errorf("at %s tenge a kWh the day gains %s", price, r.Day.Gain)
		}
	}
}

// Work that is called off ends with the caller's reason; work that goes on says how far it is, to the end.
func TestCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := advise.Build(ctx, parse(t), nil, "test", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("called off before it began: %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	var seen []int
	_, err := advise.Build(ctx, parse(t), nil, "test", func(done, all int) {
		if seen = append(seen, done); done == 3 || all != 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || !slices.Equal(seen, []int{1, 2, 3}) {
		t.Errorf("called off at the third part: %v after %v", err, seen)
	}
	seen = nil
	if _, err := advise.Build(context.Background(), parse(t, small...), nil, "test", func(done, _ int) {
		seen = append(seen, done)
	}); err != nil || !slices.Equal(seen, []int{1, 2, 3, 4, 5}) {
		t.Errorf("parts %v, %v", seen, err)
	}
}

// A site's day with an hour that no tariff covers is refused by name.
func TestADayWithoutATariff(t *testing.T) {
	p := parse(t, small...)
	p.Tariffs[0].From = "2027-01-02"
	var refused *farm.Error
	if _, err := advise.Build(context.Background(), p, nil, "test", nil); !errors.As(err, &refused) || refused.Code != "no-tariff" {
		t.Errorf("%v", err)
	}
}
