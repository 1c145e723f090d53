package speed

import (
	"os"
	"testing"
)

// The two sides answer alike, and the measurement comes to its end. Speed itself is printed, not asserted, unless
// wanted: another machine's load is no fault of the program.
func TestMeasure(t *testing.T) {
	rounds, wanted := 1, os.Getenv("SPEED") != ""
	if wanted {
		rounds = 7
	}
	r, err := measure(rounds)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	if r.SignOverDecred <= 0 || r.RedeemBatchOverDecred <= 0 || r.SignOverGnark <= 0 || r.RedeemBatchOverGnark <= 0 ||
		r.ProofShareOfCPU <= 0 || r.ProofShareOfCPU >= 1 || r.CheckOverMaking <= 0 {
		t.Errorf("no ratios: %+v", r)
	}
	if wanted && (r.SignOverDecred < 2.2 || r.RedeemBatchOverDecred < 4 || r.ProofShareOfCPU > 0.10 ||
		r.CheckOverMaking > 0.40) {
		t.Errorf("slower than it was: %+v", r)
	}
}
