package index_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aqsha/aqsha/index"
)

// Of random divisions: nothing of few wallets is shown, and what the total has beyond what is shown is of many wallets,
// or of none; what is of many wallets beside none of few is shown.
func TestFewWalletsAreNotShown(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	shown, hid, whole := 0, 0, 0
	for range 20_000 {
		cells, total := map[string]index.Cell{}, index.Cell{}
		for i := range r.IntN(6) {
			n := int64(r.IntN(30))
			if r.IntN(2) == 0 {
				n = int64(r.IntN(4))
			}
			cells[fmt.Sprint(i)] = index.Cell{Active: n}
			total.Active += n
		}
		hidden, all := index.Suppressed(index.ByBank, cells, total, index.Payers)
		rest, small := int64(0), 0
		for name, c := range cells { // any order: sums
			if hidden[name] {
				rest += c.Active
			} else if c.Active > 0 && c.Active < index.FewWallets {
				t.Fatalf("%+v: %s is shown", cells, name)
			} else if c.Active > 0 {
				shown++
			}
			if c.Active > 0 && c.Active < index.FewWallets {
				small++
			}
		}
		if !all && rest > 0 && rest < index.FewWallets {
			t.Fatalf("%+v: by the total the rest of %d wallets is known", cells, rest)
		}
		if !all && len(hidden) == 1 {
			t.Fatalf("%+v: by the total the one that is hidden is known", cells)
		}
		if small == 0 && (len(hidden) > 0 || all) && total.Active >= index.FewWallets {
			t.Fatalf("%+v: hidden without need: %v", cells, hidden)
		}
		hid += len(hidden)
		if all {
			whole++
		}
	}
	if shown == 0 || hid == 0 || whole == 0 {
		t.Errorf("%d shown, %d hidden, %d whole", shown, hid, whole)
	}
	purposes := map[string]index.Cell{"1": {Active: 6}, "2": {Active: 6}, "3": {Active: 10}, "4": {Active: 10}}
	hidden, all := index.Suppressed(index.ByPurpose, purposes, index.Cell{Active: 40}, index.Payers)
	if !hidden["1"] || !hidden["2"] || !hidden["3"] || hidden["4"] || all {
		t.Errorf("the wallets of two purposes may be the same: %v, %v", hidden, all)
	}
}
