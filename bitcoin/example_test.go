package bitcoin_test

import (
	"encoding/hex"
	"fmt"

	"github.com/aqsha/aqsha/bitcoin"
)

// The first block of mainnet carries the work that its bits ask for.
func ExampleDecodeHeader() {
	raw, _ := hex.DecodeString("0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c")
	header, _ := bitcoin.DecodeHeader(raw)
	target, _ := bitcoin.TargetOfBits(header.Bits)
	fmt.Println(header.Hash(), target.Difficulty(), header.Check())
	// Output: 000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f 1 <nil>
}

func ExampleReversalProbability() {
	for _, confirmations := range []int{1, 2, 6} {
		risk, _ := bitcoin.ReversalProbability(confirmations, 0.10)
		fmt.Printf("%.5f\n", risk)
	}
	// Output:
	// 0.20000
	// 0.05600
	// 0.00059
}
