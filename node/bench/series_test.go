package bench

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/aqsha/aqsha/index"
)

// The daily series that is counted beside the executor, which hands it what several payers gained, is the one that is
// counted from the log alone.
func TestTheSeriesIsTheLogs(t *testing.T) {
	r, err := begin(context.Background(), Options{Dir: t.TempDir(), Wallets: 1000, LiveTokens: 8000, Transfers: 4096, Runs: 1,
		TwoOwners: 50, Seed: 3}, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer r.end()
	days := func() []index.Day {
		t.Helper()
		if err := r.node.WaitIndex(r.ctx); err != nil {
			t.Fatal(err)
		}
		days, _, err := r.node.Daily(r.ctx, 0, math.MaxUint32)
		if err != nil {
			t.Fatal(err)
		}
		return days
	}
	if err := r.reopen(false); err != nil {
		t.Fatal(err)
	}
	days() // all before is counted: what comes is counted as it comes
	if _, err := r.commit(r.workload(r.Transfers, r.TwoOwners)); err != nil {
		t.Fatal(err)
	}
	beside := days()
	if err := r.node.Close(); err != nil {
		t.Fatal(err)
	}
	r.node = nil
	if err := os.RemoveAll(filepath.Join(r.config.Dir, "index")); err != nil {
		t.Fatal(err)
	}
	if err := r.reopen(false); err != nil {
		t.Fatal(err)
	}
	if alone := days(); len(alone) == 0 || !reflect.DeepEqual(beside, alone) {
		t.Errorf("beside the executor:\n%v\nfrom the log:\n%v", beside, alone)
	}
}
