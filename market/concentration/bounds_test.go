package concentration

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
)

// A tenth of a holder holds nothing: such points gave an HHI above 10,000.
func TestPointsAreOfWholeHolders(t *testing.T) {
	for _, c := range []struct {
		population, held float64
		n                int
	}{{0.999, 0.5, 100}, {0.95, 0.5, 10}} {
		var refused *market.Error
		if _, err := BoundsFrom([]Point{{c.population, c.held}}, c.n); !errors.As(err, &refused) || refused.Code != "market-whole-holders" {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestBoundsArePossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 2000).Draw(t, "n")
		poor := rapid.IntRange(1, n-1).Draw(t, "poor")
		population := float64(poor) / float64(n)
		held := population * rapid.Float64Range(0, 1).Draw(t, "part")
		b, err := BoundsFrom([]Point{{population, held}}, n)
		if err != nil {
			t.Fatal(err)
		}
		least := 10_000 / float64(n)
		if !(b.HHI.Low >= least*(1-1e-9) && b.HHI.Low <= b.HHI.High*(1+1e-9) && b.HHI.High <= 10_000*(1+1e-9)) || !(b.Gini.Low >= -1e-12 && b.Gini.High <= 1+1e-12) {
			t.Fatalf("n %d, %d hold %g: %+v", n, poor, held, b)
		}
	})
}
