package regimes

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/props"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// switching makes returns that are calm and wild by turns.
func switching(seed uint64, n int, calm, wild, stay float64) (r []float64, states []int) {
	random := rand.New(rand.NewPCG(seed, 7))
	state := 0
	for range n {
		if random.Float64() > stay {
			state = 1 - state
		}
		sd := []float64{calm, wild}[state]
		r, states = append(r, sd*random.NormFloat64()), append(states, state)
	}
	return r, states
}

// TestRegimesAreFound: variances and lasting of a simulated chain come back, and
// the smoothed probabilities tell its states.
func TestRegimesAreFound(t *testing.T) {
	t.Parallel()
	r, states := switching(1, 3000, 1, 4, 0.97)
	f, err := Estimate(context.Background(), r, 2)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, s := range states {
		if (f.Smoothed[i][1] > 0.5) == (s == 1) {
			right++
		}
	}
	if math.Abs(f.Variances[0]-1) > 0.1 || math.Abs(f.Variances[1]-16) > 1.6 || math.Abs(f.Transition[0][0]-0.97) > 0.02 ||
		!f.Converged || float64(right) < 0.95*float64(len(r)) {
		t.Errorf("variances %v, stays %v, converged %v; %d of %d states", f.Variances, f.Transition, f.Converged, right, len(r))
	}
	one, err := Estimate(context.Background(), r, 1)
	if err != nil || one.BIC < f.BIC {
		t.Errorf("one regime is preferred: %v, %v", one, err)
	}
	// One regime is the normal law, whose likelihood is known.
	n, v := float64(len(r)), stats.Variance(r)*float64(len(r)-1)/float64(len(r))
	if want := -n / 2 * (math.Log(2*math.Pi*v) + 1); math.Abs(one.LogLik-want) > 1e-6 {
		t.Errorf("log-likelihood %.9f, of the normal law %.9f", one.LogLik, want)
	}
}

// TestAFitIsAChain: probabilities add up, regimes are sorted, more regimes never
// fit worse, and another unit moves the likelihood by its logarithm alone.
func TestAFitIsAChain(t *testing.T) {
	t.Parallel()
	fitted := 0
	props.Check(t, func(t *rapid.T) {
		r, _ := switching(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(150, 400).Draw(t, "n"), 1,
			rapid.Float64Range(1, 6).Draw(t, "wild"), rapid.Float64Range(0.8, 0.99).Draw(t, "stay"))
		f, err := Estimate(context.Background(), r, 2)
		if refused := (*market.Error)(nil); errors.As(err, &refused) {
			return // a series that hardly ever switched has one regime, and a likelihood without bounds for two
		}
		if err != nil {
			t.Fatal(err)
		}
		fitted++
		one, err := Estimate(context.Background(), r, 1)
		if err != nil || f.LogLik < one.LogLik-1e-6 {
			t.Fatalf("two regimes %g, one %g, %v", f.LogLik, one.LogLik, err)
		}
		if !slices.IsSorted(f.Variances) || f.Variances[0] <= 0 {
			t.Fatalf("variances %v", f.Variances)
		}
		for _, row := range slices.Concat(f.Transition, [][]float64{f.Ergodic}, f.Smoothed) {
			sum := 0.0
			for _, p := range row {
				if sum += p; p < -1e-12 || p > 1+1e-9 || math.IsNaN(p) {
					t.Fatalf("a probability of %g", p)
				}
			}
			if math.Abs(sum-1) > 1e-6 {
				t.Fatalf("probabilities add up to %g", sum)
			}
		}
	}, func() string {
		if fitted < 90 {
			return fmt.Sprintf("two regimes fitted to %d series", fitted)
		}
		return ""
	})
}

func TestAnotherUnit(t *testing.T) {
	t.Parallel()
	r, _ := switching(9, 800, 1, 3, 0.95)
	f, err := Estimate(context.Background(), r, 2)
	if err != nil {
		t.Fatal(err)
	}
	small := make([]float64, len(r))
	for i := range r {
		small[i] = r[i] / 100
	}
	g, err := Estimate(context.Background(), small, 2)
	if err != nil || math.Abs(g.LogLik-f.LogLik-float64(len(r))*math.Log(100)) > 1e-3 ||
		math.Abs(g.Variances[1]*1e4/f.Variances[1]-1) > 1e-3 {
		t.Errorf("log-likelihood %g against %g, variances %v against %v, %v", g.LogLik, f.LogLik, g.Variances, f.Variances, err)
	}
}

func TestWhatHasNoRegimes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	r, _ := switching(2, 300, 1, 3, 0.9)
	if _, err := Estimate(ctx, make([]float64, 300), 2); err == nil {
		t.Error("a constant has regimes")
	}
	for _, k := range []int{0, 5} {
		if _, err := Estimate(ctx, r, k); err == nil {
			t.Errorf("%d regimes", k)
		}
	}
	if _, err := Estimate(ctx, append(r, math.Inf(1)), 2); err == nil {
		t.Error("an infinite return is fitted")
	}
}
