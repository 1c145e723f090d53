package bench

import (
	"context"
	"strings"
	"testing"
)

// A machine that cannot hold a rate says so and goes on: a run at 90 % load once ended with "overloaded" after five minutes
// and printed nothing. A queue of a few and a rate of a million a second are such a machine anywhere.
func TestARateThatIsNotHeldIsTold(t *testing.T) {
	r, err := begin(context.Background(), Options{Dir: t.TempDir(), Wallets: 2_000, LiveTokens: 4_000, Transfers: 4_096, Runs: 1, Seed: 1}, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer r.end()
	if err := r.node.Close(); err != nil {
		t.Fatal(err)
	}
	r.node, r.config.Queue = nil, 64
	if err := r.reopen(true); err != nil {
		t.Fatal(err)
	}
	r.result.CommittedTransfers = 1_000_000
	var l Latency
	if err := r.latency(0.9, &l); err != nil {
		t.Fatal(err)
	}
	if l.Held || l.Shed == 0 || l.Achieved <= 0 || l.Achieved > 900_000 || l.P99 <= 0 || !strings.Contains(l.String(), "not held") {
		t.Errorf("%+v: %s", l, l)
	}
	r.result.CommittedTransfers = 10 // which any machine holds
	if err := r.latency(0.5, &l); err != nil {
		t.Fatal(err)
	}
	if !l.Held || l.Shed != 0 || strings.Contains(l.String(), "not held") {
		t.Errorf("%+v: %s", l, l)
	}
	if err := r.verify(); err != nil { // every payment that was turned away was made in the end
		t.Fatal(err)
	}
}
