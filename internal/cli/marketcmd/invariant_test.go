package marketcmd

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
)

// figures are the numbers of a result by their place in it, without where its data came from.
func figures(t *testing.T, e clitest.Ended) map[string]float64 {
	t.Helper()
	var value any
	e.JSON(t, &value)
	found := map[string]float64{}
	var walk func(place string, v any)
	walk = func(place string, v any) {
		switch v := v.(type) {
		case float64:
			found[place] = v
		case map[string]any:
			for key, inner := range v {
				if key != "origin" {
					walk(place+"."+key, inner)
				}
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s[%d]", place, i), inner)
			}
		}
	}
	walk("", value)
	return found
}

// What a study finds in returns does not depend on the currency's unit, on the order of the file's rows, on the sign between
// its cells, or on whether a window was cut by the file or by the command.
func TestStudiesOfTheSameReturns(t *testing.T) {
	price := func(i int) float64 { return math.Round(1e4*math.Exp(math.Sin(float64(i*i))/15+float64(i)/900)) / 64 }
	days := strings.SplitAfter(pricesOf(700, price), "\n")
	same := strings.Join(days, "")
	backwards := slices.Clone(days[:len(days)-1])
	slices.Reverse(backwards[1:])
	longer := pricesOf(900, price)
	from, to := strings.SplitN(days[1], ",", 2)[0], strings.SplitN(days[len(days)-2], ",", 2)[0]
	for name, c := range map[string]struct {
		content string
		window  []string
	}{
		"another unit": {pricesOf(700, func(i int) float64 { return 64 * price(i) }), nil}, // exactly
		"backwards":    {strings.Join(backwards, ""), nil},
		"semicolons":   {strings.ReplaceAll(same, ",", ";"), nil},
		"a window":     {longer, []string{"--from", from, "--to", to}},
	} {
		for _, verb := range []string{"volatility", "risk", "memory", "garch", "liquidity"} {
			line := func(content string, more ...string) clitest.Ended {
				return run(t, append([]string{"market", verb, file(t, "p.csv", content), "--json"}, more...)...)
			}
			want, got := figures(t, line(same)), figures(t, line(c.content, c.window...))
			if len(want) < 5 || len(got) != len(want) {
				t.Errorf("%s, %s: %d figures, want %d", verb, name, len(got), len(want))
			}
			for place, v := range want {
				if verb == "liquidity" && name == "another unit" {
					continue // impact and spreads are of money
				}
				if w, has := got[place]; !has || math.Abs(v-w) > 1e-6*math.Max(1, math.Abs(v)) {
					t.Errorf("%s, %s: %s is %v, want %v", verb, name, place, w, v)
				}
			}
		}
	}
}
