package bid_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/planner/power/bid"
)

func Example() {
	past := bid.Remember([]bid.Observation{{1400, 1}, {1500, 2}, {1600, 3}, {2600, 4}}, 0)
	best, ok := past.Best(3000, bid.Limits{Floor: 500})
	fmt.Println(best.Price.Format(), best.Accepted, ok)
	// Output: 16.00 ₸ 750000 true
}

// Every price to the tiyn is tried: none has a better expectation, and the limits hold.
func TestBestAgreesWithEveryTiyn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var seen []bid.Observation
		for i, price := range rapid.SliceOfN(rapid.IntRange(1, 80), 0, 30).Draw(t, "prices") {
			seen = append(seen, bid.Observation{Price: money.Tiyn(price), AgeDays: i})
		}
		past := bid.Remember(seen, rapid.SampledFrom([]float64{0, 5, 20}).Draw(t, "half-life"))
		ceiling := money.Tiyn(rapid.IntRange(-5, 90).Draw(t, "ceiling"))
		limits := bid.Limits{Floor: money.Tiyn(rapid.IntRange(0, 50).Draw(t, "floor")), Cap: money.Tiyn(rapid.IntRange(0, 100).Draw(t, "cap"))}
		best, ok := past.Best(ceiling, limits)
		var want int64
		for price := limits.Floor; price <= ceiling; price++ {
			if limits.Cap > 0 && price > limits.Cap {
				break
			}
			want = max(want, int64(ceiling-price)*past.Accepted(price))
		}
		if ok != (want > 0) || best.Expected != want {
			t.Fatalf("%+v, %v; trying every tiyn gives %d", best, ok, want)
		}
		if ok && (best.Price > ceiling || best.Price < limits.Floor || (limits.Cap > 0 && best.Price > limits.Cap)) {
			t.Fatalf("%+v is outside %+v or above %d", best, limits, ceiling)
		}
	})
}

// A level that lasts moves tomorrow's prices; without anything lasting they are those of the past.
func TestForecastFollowsALastingLevel(t *testing.T) {
	var days [][24]money.Tiyn
	level := 1000.0
	for d := range 40 {
		if d%10 == 0 {
			level = 1000 + 100*float64(d/10)
		}
		var day [24]money.Tiyn
		for h := range day {
			day[h] = money.Tiyn(level) + money.Tiyn(10*h)
		}
		days = append(days, day)
	}
	past := bid.Forecast(days, 0)
	for h := range 24 {
		last := days[39][h]
		if low, high := past[h].Accepted(last*95/100), past[h].Accepted(last*105/100); low > 200_000 || high < 800_000 {
			t.Errorf("hour %d: %d ppm below 95 %% of yesterday's price, %d below 105 %%", h, low, high)
		}
	}
	if one := bid.Forecast(days[:1], 0); one[3].Accepted(1029) != 0 || one[3].Accepted(1030) != 1_000_000 {
		t.Error("a single day is not its own forecast")
	}
	if none := bid.Forecast(nil, 7); none[0].Accepted(1e9) != 0 {
		t.Error("something is accepted without a past")
	}
}
