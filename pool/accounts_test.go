package pool_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/txlog"
)

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// Miners are paid in the coinbase by their work; a reorganisation reverses it; the log alone gives
// the same figures.
func TestPaidInTheCoinbase(t *testing.T) {
	t.Parallel()
	testnode.Each(t, func(t *testing.T, node *bitcoin.Client) {
		ctx := context.Background()
		if _, err := node.MineBlocks(ctx, 1, []byte{0x51}); err != nil {
			t.Fatal(err)
		}
		config := testConfig()
		config.Scheme, config.PayInCoinbase, config.FeePPM = payout.TIDES, true, 20_000
		p := startPool(t, t.TempDir(), config, node)
		a, b := dial(t, p.address).login(alice+".1"), dial(t, p.address).login(bob)
		network, _ := bitcoin.TargetOfBits(a.job().Bits)
		share := func(h bitcoin.Hash) bool { return !network.Met(h) && meets(a.difficulty)(h) }
		fork, err := node.Template(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(4) {
			c, user := a, alice+".1"
			if i == 3 {
				c, user = b, bob
			}
			if got := c.call("mining.submit", c.find(user, c.job(), i, share)...); !got.isTrue() {
				t.Fatalf("share %d: %+v", i, got)
			}
		}
		script, _ := regtest.PayTo(bob)
		for !bytes.Contains(a.job().Tail, script) { // the shares are in a later job's split
			a.awaitJob(len(a.jobs) + 1)
		}
		var found bitcoin.Hash
		if got := a.call("mining.submit", a.find(alice+".1", a.job(), 9, func(h bitcoin.Hash) bool { found = h; return network.Met(h) })...); !got.isTrue() {
			t.Fatalf("block: %+v", got)
		}
		eventually(t, "the block is the tip", func() bool { tip, _ := node.Tip(ctx); return tip == found })
		block, err := node.Block(ctx, regtest, found.String())
		if err != nil {
			t.Fatal(err)
		}
		paid := map[string]money.Satoshi{}
		var sum money.Satoshi
		for _, payment := range block.Transactions[0].Payments {
			paid[payment.Recipient] += payment.Amount
			sum += payment.Amount
		}
		// 98 % by work, three to one: the remainder of the division is the larger share's.
		if sum != 50*money.Bitcoin || paid[operator] != money.Bitcoin || paid[alice] != 3_675_000_000 || paid[bob] != 1_225_000_000 {
			t.Errorf("coinbase pays %v", paid)
		}
		eventually(t, "the books have the block", func() bool { return p.Owed()[""] == 0 && len(p.Blocks()) == 1 })
		// A longer branch takes the block off the chain.
		for range 2 {
			raw, hash, err := fork.Solve(ctx, []byte{0x51}, []byte("fork"))
			if err != nil {
				t.Fatal(err)
			}
			if verdict, reason, err := node.Submit(ctx, raw); err != nil || verdict == bitcoin.Rejected {
				t.Fatalf("fork: %v %s %v", verdict, reason, err)
			}
			fork.Previous, fork.Height, fork.CurTime = hash, fork.Height+1, fork.CurTime+1
		}
		eventually(t, "the orphan is reversed", func() bool { return p.Blocks()[0].Status == "orphaned" })
		if err := p.Audit(ctx); err != nil {
			t.Error(err)
		}
		p.stop()
		log, err := txlog.Open(p.dir+"/shares", txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		auditor, err := audit.Replay(log, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := auditor.CheckCoinbase(2); err != nil {
			t.Error(err)
		}
		for _, scheme := range payout.Schemes {
			r, err := auditor.Block(scheme, 2)
			if err != nil || r.Status != "orphaned" || r.Checked.Shares != 5 {
				t.Fatalf("%s: %+v, %v", scheme, r, err)
			}
			var credited money.Satoshi
			for _, c := range r.Credits {
				credited += c.Amount
				if scheme == payout.TIDES && c.User != 0 && c.Amount != paid[c.Address] {
					t.Errorf("recomputed %+v, the coinbase paid %d", c, paid[c.Address])
				}
			}
			if !payout.PerShare(scheme) && credited != 50*money.Bitcoin {
				t.Errorf("%s credits %d", scheme, credited)
			}
		}
		spread, err := auditor.Spread()
		if err != nil || len(spread) != 2 || spread[0].Shares != 4 || spread[0].Earned[payout.PPS] <= spread[1].Earned[payout.PPS] || spread[0].Earned[payout.PROP] != 0 {
			t.Errorf("%+v, %v", spread, err)
		}
	})
}
