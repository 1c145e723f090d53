package ledger_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/token"
)

// chainsTo is a folder to which the logs of all towns that tests make are written, in the form of the vectors, so that other
// implementations can be held against them: make verify-js does.
var chainsTo = os.Getenv("AQSHA_CHAINS")

// keepChain writes a town's log when its test is done. Tests that set up by hand what no log leads to have none.
func keepChain(t *testing.T, c *sim.Chain) {
	if chainsTo == "" {
		return
	}
	t.Cleanup(func() {
		state := livestate.New([32]byte{1})
		replay := ledger.NewReplay(state, true)
		v := ledgerVectors{Comment: t.Name(), Network: c.Network, Genesis: hex.EncodeToString(c.Genesis.Leaf().Encode()), Size: c.Size, Root: c.Root().String()}
		for i, block := range c.Blocks {
			if _, err := replay.Block(block, token.Hash(c.Roots[i])); err != nil {
				return
			}
			b := blockVector{RootBefore: c.Roots[i].String()}
			for _, data := range block {
				b.Entries = append(b.Entries, hex.EncodeToString(data))
			}
			v.Blocks = append(v.Blocks, b)
		}
		root, err := state.WriteSnapshot(io.Discard, livestate.Position{Network: c.Network, Leaf: c.Leaf, LogSize: c.Size, LogRoot: c.Root()})
		if err != nil {
			t.Error(err)
		}
		v.SnapshotRoot = root.String()
		text, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(filepath.Join(chainsTo, fmt.Sprintf("%s-%s.json", strings.ReplaceAll(t.Name(), "/", "-"), v.Root[:12])), text, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	})
}
