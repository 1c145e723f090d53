package pool_test

import (
	"context"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/payout"
)

// The first node dies after a block was found: the second, which is followed then, says that the block is
// final, and its users can be paid.
func TestTheFollowedNodeSaysWhatIsFinal(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	node := testnode.Core(t)
	if _, err := node.MineBlocks(ctx, 1, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	first, between := meddle(t, node)
	second, _ := meddle(t, node)
	config := testConfig()
	config.Scheme, config.FeePPM, config.MaxTemplateAge = payout.PROP, 0, 4*time.Second
	p := startPoolWith(t, t.TempDir(), config, pool.Options{Network: regtest, Nodes: []*bitcoin.Client{first, second}})
	a := dial(t, p.address).login(alice)
	network, _ := bitcoin.TargetOfBits(a.job().Bits)
	if got := a.call("mining.submit", a.find(alice, a.job(), 1, network.Met)...); !got.isTrue() {
		t.Fatalf("block: %+v", got)
	}
	eventually(t, "the block is booked and the tip", func() bool {
		tip, err := node.HashAt(ctx, 2)
		return err == nil && len(p.Blocks()) == 1 && p.Blocks()[0].Hash == tip && p.Owed()[alice] > 0
	})
	for _, method := range []string{"getblocktemplate", "getblockhash", "getblockheader", "getblock", "getbestblockhash", "getblockcount"} {
		between.do(method, loses)
	}
	for range 3 { // so that the second is behind for no moment
		if _, err := node.MineBlocks(ctx, 34, []byte{0x51}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the block is final", func() bool { return p.Blocks()[0].Status == "final" })
	if got := p.Balance("wallet"); got >= 0 {
		t.Errorf("the wallet has %s", got)
	}
}
