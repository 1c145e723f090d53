package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/aqsha/aqsha/node/bench"
)

// A short soak holds its load, samples it, and verifies all it wrote.
func TestSoak(t *testing.T) {
	if raced {
		t.Skip("a measurement: make test runs it without the race detector")
	}
	r, err := bench.Soak(context.Background(), bench.SoakOptions{
		Options:  bench.Options{Dir: t.TempDir(), Wallets: 6_000, LiveTokens: 12_000, Transfers: 4096, Runs: 1, TwoOwners: 10, Seed: 1},
		Duration: 4 * time.Second, Load: 0.5, Samples: 8,
	}, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Samples) < 3 || r.Transfers == 0 || r.VerifiedEntries < r.Transfers || r.Aim > r.Capacity || r.HeapDrift <= 0 {
		t.Errorf("%+v", r)
	}
	if _, err := bench.Soak(context.Background(), bench.SoakOptions{Load: 2}, nil); err == nil {
		t.Error("an impossible load is taken")
	}
}
