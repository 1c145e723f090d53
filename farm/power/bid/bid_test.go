package bid_test

import (
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/farm/power/bid"
	"github.com/aqsha/aqsha/money"
	"pgregory.net/rapid"
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
