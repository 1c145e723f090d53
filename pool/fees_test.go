package pool_test

import (
	"context"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// FPPS adds the mean fees of the 144 blocks before: of a real chain with real fees, as they enter
// and leave the window.
func TestMeanFeesOfARealChain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	node, payer := testnode.BTCWallet(t)
	simnet, err := bitcoin.FindNetwork("simnet")
	if err != nil {
		t.Fatal(err)
	}
	var own string
	if err := payer.Call(ctx, &own, "getnewaddress"); err != nil {
		t.Fatal(err)
	}
	script, err := simnet.PayTo(own)
	if err != nil {
		t.Fatal(err)
	}
	mine := func(n int, script []byte) {
		t.Helper()
		if _, err := node.Client.MineBlocks(ctx, n, script); err != nil {
			t.Fatal(err)
		}
	}
	mine(1, script)
	mine(110, []byte{0x51})
	eventually(t, "the wallet has a coin", func() bool {
		var coins []struct{ Amount float64 }
		return payer.Call(ctx, &coins, "listunspent", 100) == nil && len(coins) == 1
	})
	w := wallet.New(payer, simnet)
	draft, _, err := w.Draft(ctx, []bitcoin.Output{{Value: money.Bitcoin, Script: script}}, 200, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Send(ctx, draft.Raw); err != nil {
		t.Fatal(err)
	}
	mine(1, []byte{0x51}) // block 112 has the fee
	config := testConfig()
	config.Operator, config.Scheme = own, payout.FPPS
	p := startPoolWith(t, t.TempDir(), config, pool.Options{Network: simnet, Nodes: []*bitcoin.Client{node.Client}})
	lastMean := func() (height uint64, mean money.Satoshi) {
		for entry, err := range p.ShareLog().Entries(0, p.ShareLog().Size()) {
			if err != nil {
				t.Fatal(err)
			}
			record, err := sharelog.Decode(entry)
			if err != nil {
				t.Fatal(err)
			}
			if j, ok := record.(*sharelog.Job); ok {
				height, mean = j.Height, j.MeanFees
			}
		}
		return height, mean
	}
	// The very first job knows the fees.
	eventually(t, "a job", func() bool { return len(lastMeans(t, p)) > 0 })
	if first := lastMeans(t, p)[0]; first != draft.Fee/112 {
		t.Errorf("the first job's mean fees are %s, want %s", first, draft.Fee/112)
	}
	for _, step := range []struct {
		mine, of int // blocks more, and blocks in the window
		fee      money.Satoshi
	}{{0, 112, draft.Fee}, {8, 120, draft.Fee}, {135, 144, draft.Fee}, {1, 144, 0}} {
		mine(step.mine, []byte{0x51})
		want := step.fee / money.Satoshi(step.of)
		tip, err := node.Client.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, want.String()+" in a job on the new tip", func() bool {
			height, mean := lastMean()
			return height == uint64(tip.Height)+1 && mean == want
		})
	}
}

// lastMeans are the mean fees of the log's jobs.
func lastMeans(t *testing.T, p *running) (means []money.Satoshi) {
	for entry, err := range p.ShareLog().Entries(0, p.ShareLog().Size()) {
		if err != nil {
			t.Fatal(err)
		}
		record, err := sharelog.Decode(entry)
		if err != nil {
			t.Fatal(err)
		}
		if j, ok := record.(*sharelog.Job); ok {
			means = append(means, j.MeanFees)
		}
	}
	return means
}
