package bitcoin_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
)

// The tables of Rosenfeld 2014 (table 1) and of the Bitcoin paper, section 11.
func TestReversalTables(t *testing.T) {
	for _, tc := range []struct {
		z           int
		q, exact, n float64
	}{
		{1, 0.10, 0.20000, 0.2045873}, {2, 0.10, 0.05600, 0.0509779}, {5, 0.10, 0.00178, 0.0009137},
		{10, 0.10, 0.00000725, 0.0000012}, {5, 0.30, 0.19762, 0.1773523}, {10, 0.30, 0.06511, 0.0416605},
		{2, 0.02, 0.00237, 0.00244}, {50, 0.30, 0.000056, 0.0000006},
	} {
		exact, err := bitcoin.ReversalProbability(tc.z, tc.q)
		if err != nil {
			t.Fatal(err)
		}
		paper, _ := bitcoin.ReversalProbabilityNakamoto(tc.z, tc.q)
		t.Logf("z=%d q=%v: %.8f, %.8f", tc.z, tc.q, exact, paper)
		if tc.q != 0.30 || tc.z < 50 {
			if math.Abs(exact-tc.exact) > 0.6e-5 {
				t.Errorf("z=%d q=%v: %v, want %v", tc.z, tc.q, exact, tc.exact)
			}
		}
		if tc.q != 0.02 && math.Abs(paper-tc.n) > 0.6e-7 {
			t.Errorf("z=%d q=%v: paper %v, want %v", tc.z, tc.q, paper, tc.n)
		}
	}
}

// More confirmations never raise the risk, a stronger attacker never lowers it.
func TestReversalIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.IntRange(0, 300).Draw(t, "confirmations")
		q := rapid.Float64Range(0, 0.6).Draw(t, "share")
		risk := func(z int, q float64) float64 {
			p, err := bitcoin.ReversalProbability(z, q)
			if err != nil || p < 0 || p > 1 || math.IsNaN(p) {
				t.Fatalf("ReversalProbability(%d, %v) = %v, %v", z, q, p, err)
			}
			return p
		}
		const slack = 1 + 1e-9
		if risk(z+1, q) > risk(z, q)*slack || risk(z, q) > risk(z, min(q+0.01, 1))*slack {
			t.Fatalf("not monotone at z=%d q=%v", z, q)
		}
	})
}
