package bench

import (
	"context"
	"testing"
)

// A small run does everything that a large one does, and verifies what it wrote.
func TestContractsAreMeasured(t *testing.T) {
	o := ContractOptions{Options: Options{Dir: t.TempDir(), Wallets: 1000, LiveTokens: 9000, Transfers: 4096, Runs: 1, Seed: 3}, Contracts: 50, Expiring: 3000}
	r, err := RunContracts(context.Background(), o, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	if r.EarmarkedCostRatio <= 0 || r.ActionMicros <= 0 || r.MixedShare <= 0 || r.DuringExpiry.P99 <= 0 || r.VerifiedEntries < 10_000 {
		t.Errorf("%+v", r)
	}
	if _, err := RunContracts(context.Background(), ContractOptions{Options: o.Options, Contracts: 900}, nil); err == nil {
		t.Error("more contracts than wallets for them")
	}
}
