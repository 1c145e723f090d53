package paths

import (
	"math"
	"testing"
)

func TestExp(t *testing.T) {
	for x := -0.6; x <= 0.6; x += 1e-4 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > 1e-10*want {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
}
