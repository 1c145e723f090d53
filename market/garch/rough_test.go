package garch

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// Returns of one constant variance leave EGARCH nothing to find but folds of a rough likelihood: the search goes on from
// other persistences, never ends lower than it did before, and the fit says what it is.
func TestEGARCHOfMildReturns(t *testing.T) {
	rough, higher := 0, 0
	for seed := uint64(1); seed <= 400 && (rough < 3 || higher < 1); seed++ {
		random := rand.New(rand.NewPCG(seed, 7))
		r := make([]float64, 300)
		for i := range r {
			r[i] = random.NormFloat64()
		}
		now, err := Estimate(t.Context(), r, Spec{Model: EGARCH})
		if err != nil {
			t.Fatal(err)
		}
		then, err := Estimate(t.Context(), r, Spec{Model: EGARCH, Earlier: true})
		if err != nil {
			t.Fatal(err)
		}
		if now.LogLik < then.LogLik-noise {
			t.Fatalf("seed %d: %v, and %v without the longer search", seed, now.LogLik, then.LogLik)
		}
		end := now.Convergence
		if end.Converged != (end.Stopped == "") {
			t.Fatalf("seed %d: converged %t, stopped %q", seed, end.Converged, end.Stopped)
		}
		if d := end.Decrement; !end.Converged && d != nil && *d == 0 {
			t.Fatalf("seed %d: a decrement of 0 was not measured", seed)
		}
		if end.Converged || !(now.forgetting() > hardlyForgets) {
			continue
		}
		rough++
		if now.LogLik > then.LogLik+0.1 {
			higher++
		}
		all := strings.Join(now.Warnings, "\n")
		if !strings.Contains(all, "did not converge: its parameters") || !strings.Contains(all, "hardly forgets") {
			t.Fatalf("seed %d: %s", seed, all)
		}
	}
	if rough < 3 || higher < 1 {
		t.Fatalf("%d fits on a rough likelihood, %d of them higher by the longer search", rough, higher)
	}
}
