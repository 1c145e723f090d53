package index_test

import (
	"fmt"
	"os"

	"github.com/aqsha/aqsha/index"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// A court's history, the latest first, out of the blocks of a log: two contracts and an action in which it is the
// arbiter, money that was seized, its registration.
func Example() {
	chain, town := sim.NewWorld(1).Story(ledger.NewModel())
	dir, err := os.MkdirTemp("", "index")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	x, err := index.Open(vfs.OS, dir, chain.Network, chain)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer x.Close()
	for _, block := range chain.Blocks {
		if err := x.Block(x.Size(), block); err != nil {
			fmt.Println(err)
			return
		}
	}
	items, _ := x.History(town.Court, x.Size(), 10)
	for _, item := range items {
		fmt.Println(item.Net)
	}
	// Output:
	// 0.00
	// 0.00
	// 0.00
	// 9000.00
	// 0.00
}
