package accounts

import (
	"math"
	"math/big"
	"testing"

	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// The list of blocks comes in pages, which together are the whole list, whatever is asked for.
func TestBlocksArePaged(t *testing.T) {
	a := &Accounts{state: &accounting.State{}}
	for i := range 25 {
		a.state.Blocks = append(a.state.Blocks, &accounting.Block{Height: uint64(i), Job: &sharelog.Job{Bits: 0x207fffff}, Work: big.NewInt(1)})
	}
	var seen []uint64
	pages, more := 0, true
	for more {
		var list []BlockView
		list, more = a.BlocksAfter(uint64(len(seen)), 10)
		for _, b := range list {
			seen = append(seen, b.Height)
		}
		pages++
	}
	if pages != 3 || len(seen) != 25 || seen[0] != 0 || seen[24] != 24 {
		t.Errorf("%d pages: %v", pages, seen)
	}
	if list, more := a.BlocksAfter(math.MaxUint64, math.MaxInt); len(list) != 0 || more {
		t.Errorf("beyond the end: %d, %v", len(list), more)
	}
	if newest := a.NewestBlocks(3); len(newest) != 3 || newest[0].Height != 24 || newest[2].Height != 22 {
		t.Errorf("newest: %+v", newest)
	}
	if all := a.Blocks(); len(all) != 25 {
		t.Errorf("%d blocks in all", len(all))
	}
}
