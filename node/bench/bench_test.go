package bench_test

import (
	"context"
	"testing"

	"github.com/aqsha/aqsha/node/bench"
)

// A small run measures everything and verifies what it wrote; figures are not asserted, only that there are some.
func TestRunMeasuresEverything(t *testing.T) {
	if raced {
		t.Skip("a measurement: make test runs it without the race detector")
	}
	r, err := bench.Run(context.Background(), bench.Options{Dir: t.TempDir(), Wallets: 6_000, LiveTokens: 12_000, Transfers: 4096, Runs: 1, TwoOwners: 10, GrowTo: 16_000, Seed: 1}, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	for name, figure := range map[string]float64{
		"plain": r.PlainVerify, "expanded": r.ExpandedVerify, "committed": r.Committed, "ratio": r.RatioToPlain, "with index": r.RatioWithIndex,
		"p99": r.P99MillisHalfLoad, "log bytes": r.LogBytesPerTransfer, "memory": r.MemoryBytesPerToken, "days": r.Table3YearDays, "verified": float64(r.VerifiedEntries),
		"zipf": r.RatioZipf, "grown": r.RatioGrown, "restart": r.RestartSeconds, "replay": r.ReplayPerSecond,
	} {
		if figure <= 0 {
			t.Errorf("%s: %v", name, figure)
		}
	}
	// These do not depend on the machine.
	if r.LogBytesOneOwner > 290 || r.LogBytesTwoOwners > 360 {
		t.Errorf("a transfer takes %.0f bytes of log with one owner and %.0f with two; at most 290 and 360", r.LogBytesOneOwner, r.LogBytesTwoOwners)
	}
	if r.MemoryBytesPerToken > 128 {
		t.Errorf("a live token takes %.0f bytes of memory in a small table", r.MemoryBytesPerToken)
	}
}
