package paths

import (
	"math"
	"testing"
)

func TestExp(t *testing.T) {
	for x := -0.2; x <= 0.2; x += 1e-4 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 2e-7*want {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
}
