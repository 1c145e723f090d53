package bench

import (
	"context"
	"testing"
)

// Every figure is measured, also of small sizes: none is left out.
func TestAnOfficeIsMeasured(t *testing.T) {
	if raced {
		t.Skip("the race detector takes minutes over curve arithmetic; the office's own tests run under it")
	}
	r, err := Measure(context.Background(), Options{SwapNotes: 4, SwapRounds: 1, HTTPRounds: 1, BooksNotes: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]float64{"swap": r.SwapOverLimit, "swap through HTTP": r.HTTPSwapOverLimit,
		"swaps a second": r.HTTPSwaps, "restart": r.RestartOverRead, "log": r.LogBytes, "sign": r.SignOverDecred,
		"redeem": r.RedeemBatchOverDecred, "proofs": r.ProofShareOfCPU} {
		if value <= 0 {
			t.Errorf("%s: %v", name, value)
		}
	}
	if r.Notes != 20_000 || r.Cores == 0 { // of so few notes the heap's own unrest is more than their bytes
		t.Errorf("%d notes on %d cores", r.Notes, r.Cores)
	}
}
