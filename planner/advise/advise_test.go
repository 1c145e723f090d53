package advise_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/planner"
	"github.com/aqsha/aqsha/planner/advise"
	"github.com/aqsha/aqsha/planner/finance"
	"github.com/aqsha/aqsha/planner/value"
)

func parse(t testing.TB, edits ...string) *planner.Plan {
	t.Helper()
	text := strings.Replace(planner.ExampleFile, "paths = 2000", "paths = 120", 1)
	text = strings.Replace(text, "effort = 20_000", "effort = 500", 1)
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("the sample has no %q", edits[i])
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	p, err := planner.Parse("plan.toml", text, func(name string) (string, error) {
		if name == "garch.json" {
			return planner.ExampleModel, nil
		}
		return "", os.ErrNotExist
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func build(t testing.TB, p *planner.Plan) *advise.Result {
	t.Helper()
	r, err := advise.Build(context.Background(), p, nil, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func Example() {
	p, _ := planner.Parse("plan.toml", strings.Replace(planner.ExampleFile, `kind = "garch"`, `kind = "fixed"`, 1), nil)
	r, err := advise.Build(context.Background(), p, nil, "example", nil)
	fmt.Println(err, r.Paths, len(r.Months), len(r.Options))
	// Output: <nil> 1 60 5
}

// The same plan, files and seed give the same bytes.
func TestSameBytes(t *testing.T) {
	var texts [][]byte
	for range 2 {
		text, err := json.Marshal(build(t, parse(t)))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Fatal("two runs differ")
	}
}

// The strategy that was found by adding units up is worth what its money by month is worth: two ways of computing.
func TestUnitsAndMonthsAgree(t *testing.T) {
	r := build(t, parse(t))
	best := r.Option(advise.WayBest)
	total := 0.0
	for _, m := range r.Months {
		total += m.Cash
	}
	if math.Abs(total-r.Months[len(r.Months)-1].Total) > 1e-6*(1+math.Abs(total)) {
		t.Errorf("cash adds up to %v, the last total is %v", total, r.Months[len(r.Months)-1].Total)
	}
	if found := r.Found(); math.Abs(best.Objective-found) > 1e-6*(1+math.Abs(found)) {
		t.Errorf("by months %v, by units %v", best.Objective, found)
	}
	for _, second := range []advise.Way{advise.WaySecond, advise.WayAsIs} {
		if o := r.Option(second); o != nil && o.Objective > best.Objective+1e-6*math.Abs(best.Objective) {
			t.Errorf("%s is better than the best: %v against %v", second, o.Objective, best.Objective)
		}
	}
}

// At a break-even factor the plan's mean present value is zero.
func TestBreakEvenSolvesToZero(t *testing.T) {
	for name, p := range map[string]*planner.Plan{"garch": parse(t), "fixed": parse(t, `kind = "garch"`, `kind = "fixed"`), "poor": parse(t, "usd = 95_000", "usd = 60_000")} {
		r := build(t, p)
		prices, err := value.DrawPrices(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		scale := math.Abs(r.Option(advise.WayBest).Mean) + 1e8
		for what, check := range map[string]struct {
			factor *float64
			shift  func(f float64) value.Shift
		}{
			"power":   {r.BreakEven.PowerFactor, func(f float64) value.Shift { s := value.Same; s.Power = f; return s }},
			"bitcoin": {r.BreakEven.BitcoinFactor, func(f float64) value.Shift { s := value.Same; s.Bitcoin = f; return s }},
		} {
			if check.factor == nil {
				if what == "bitcoin" && name == "garch" {
					t.Errorf("%s: no break-even of %s", name, what)
				}
				continue
			}
			mean, err := advise.Mean(context.Background(), p, prices, *r.Option(advise.WayBest).Strategy, check.shift(*check.factor))
			if err != nil || math.Abs(mean) > 1e-6*scale {
				t.Errorf("%s: at %v of %s the mean is %v (%v)", name, *check.factor, what, mean, err)
			}
		}
	}
}

// Dear power: nothing is bought and the bank wins; cheap: machines are bought.
func TestAdviceFollowsThePlan(t *testing.T) {
	dear := build(t, parse(t, `price = "11.50"`, `price = "90.00"`, `price = "12.50"`, `price = "90.00"`, `price = "14.00"`, `price = "90.00"`))
	if best := dear.Option(advise.WayBest); len(best.Strategy.Buy) != 0 {
		t.Errorf("at 90 tenge a kWh it buys %+v", best.Strategy.Buy)
	}
	cheap := build(t, parse(t, `price = "11.50"`, `price = "2.00"`, `price = "12.50"`, `price = "2.00"`, `price = "14.00"`, `price = "2.00"`, "price_usd = 1_800", "price_usd = 600"))
	if best := cheap.Option(advise.WayBest); len(best.Strategy.Buy) == 0 || cheap.Advice != advise.WayBest && cheap.Advice != advise.WayCoins {
		t.Errorf("at 2 tenge a kWh and 600 dollars it advises %s and buys %+v", cheap.Advice, best.Strategy.Buy)
	}
	coins := build(t, parse(t, `growth = "25%"`, `growth = "90%"`, "lambda = 0.5", "lambda = 0", `price = "11.50"`, `price = "40.00"`, `price = "12.50"`, `price = "40.00"`, `price = "14.00"`, `price = "40.00"`, "price_usd = 1_800", "price_usd = 9_000", "price_usd = 3_400", "price_usd = 9_900"))
	if steps := strings.Join(coins.Words["en"].Steps, "\n"); coins.Advice != advise.WayCoins || !strings.Contains(steps, "into bitcoin") || strings.Contains(steps, ": buy ") {
		t.Errorf("with bitcoin rising by 90 %% a year it advises %s:\n%s", coins.Advice, steps)
	}
	for _, r := range []*advise.Result{dear, cheap} {
		if r.Power.MaxKW > r.Power.LimitKW || r.Power.SpentKZT > r.Power.CapitalKZT*(1+1e-9) {
			t.Errorf("limits are exceeded: %+v", r.Power)
		}
	}
}

func TestWordsAreWhole(t *testing.T) {
	r := build(t, parse(t))
	for _, language := range advise.Languages {
		a := r.Words[language]
		all := a.Headline + a.RunnerUp + strings.Join(a.Steps, "") + strings.Join(a.Reasons, "") + strings.Join(a.Changes, "") + strings.Join(a.Notes, "")
		if strings.Contains(all, "%!") || strings.Contains(all, "%[") || len(a.Steps) == 0 || len(a.Reasons) < 4 || a.Headline == "" {
			t.Errorf("%s: %+v", language, a)
		}
	}
}

// On a small grid every strategy is tried, and its money by month computed: none is better than the one that was found.
func TestAgreesWithEveryStrategy(t *testing.T) {
	for _, edits := range [][]string{
		{`"2027-01", "2027-07", "2028-06"]`, `"2027-01", "2027-07"]`, `[0, 250, 500, 1000]`, `[0, 400, 900]`, `["2027-01", "2027-07", "2028-05"]`, `["2027-07"]`},
		{`"2027-01", "2027-07", "2028-06"]`, `"2027-01"]`, `[0, 250, 500, 1000]`, `[0, 500, 1000, 1500]`, "lambda = 0.5", "lambda = 2", `"1_500_000_000"`, `"900_000_000"`},
	} {
		p := parse(t, edits...)
		r := build(t, p)
		best, tried, err := advise.Exhaust(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if found := r.Option(advise.WayBest).Objective; !r.Search.Exact || math.Abs(found-best) > 1e-7*(1+math.Abs(best)) {
			t.Errorf("found %v, the best of all %d is %v", found, tried, best)
		}
	}
}

// Two internal rates are no rate: the words warn, and name both.
func TestSeveralRootsAreWarnedOf(t *testing.T) {
	flows := []money.Tiyn{-100_00, 230_00, -132_00}
	r := &advise.Result{Options: []advise.Option{{Way: advise.WayBest, Strategy: &advise.Strategy{Buy: []advise.Purchase{{Count: 1}}}}},
		Increment: &advise.Incremental{IRR: finance.IRR(flows), SeveralRoots: true}}
	for _, language := range advise.Languages {
		reported := strings.Join(r.Rates(language), "")
		if !strings.Contains(reported, "2 ") || !strings.Contains(reported, "10 %") || !strings.Contains(reported, "20 %") {
			t.Errorf("%s: %q", language, reported)
		}
	}
}

// What the plan adds, on mean flows in whole tiyn, is the difference of the two means.
func TestIncrementIsTheDifferenceOfMeans(t *testing.T) {
	r := build(t, parse(t))
	if r.Increment == nil {
		t.Fatal("the sample's best plan changes nothing")
	}
	want := r.Option(advise.WayBest).Mean - r.Option(advise.WayAsIs).Mean
	if got := float64(r.Increment.NPV) / 100; math.Abs(got-want) > 1e-6*math.Abs(want)+1 {
		t.Errorf("NPV of the mean flows %.2f, difference of means %.2f", got, want)
	}
}
