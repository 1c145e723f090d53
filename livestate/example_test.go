package livestate_test

import (
	"bytes"
	"fmt"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
)

// A state is written and read back, under another hash of its tables: the same bytes, the same root.
func Example() {
	state := livestate.New([32]byte{1})
	chain, _ := sim.NewWorld(1).Story(state)
	at := livestate.Position{Network: chain.Network, Leaf: chain.Leaf, LogSize: chain.Size, LogRoot: chain.Root()}
	var snapshot, again bytes.Buffer
	root, _ := state.WriteSnapshot(&snapshot, at)
	restored, position, err := livestate.ReadSnapshot(bytes.NewReader(snapshot.Bytes()), [32]byte{2})
	if err != nil {
		fmt.Println(err)
		return
	}
	sameRoot, _ := restored.WriteSnapshot(&again, position)
	fmt.Println(sameRoot == root, bytes.Equal(again.Bytes(), snapshot.Bytes()), restored.LiveTotal() == state.LiveTotal())
	// Output: true true true
}
