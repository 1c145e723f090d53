package pool_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// FPPS adds the mean fees of the 144 blocks before: of a real chain with real fees, as they enter
// and leave the window.
func TestMeanFeesOfARealChain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
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
		for entry, err := range p.Log().Entries(0, p.Log().Size()) {
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
	p.stop()
	holdFees(ctx, t, p.dir, simnet, node.Client, draft.Fee)

	// Away for long: the first job does not carry on from the last.
	mine(20, []byte{0x51})
	if err := w.Send(ctx, must(w.Draft(ctx, []bitcoin.Output{{Value: money.Bitcoin, Script: script}}, 300, nil)).Raw); err != nil {
		t.Fatal(err)
	}
	mine(2, []byte{0x51}) // btcd's template for the first may be older
	before := jobsIn(t, p.dir)
	p = startPoolWith(t, p.dir, config, pool.Options{Network: simnet, Nodes: []*bitcoin.Client{node.Client}})
	eventually(t, "a job", func() bool { return len(lastMeans(t, p)) > before })
	if mean := lastMeans(t, p)[before]; mean == 0 {
		t.Error("the first job after twenty blocks has the fees of before")
	}
	p.stop()
	mine(150, []byte{0x51})
	before = jobsIn(t, p.dir)
	p = startPoolWith(t, p.dir, config, pool.Options{Network: simnet, Nodes: []*bitcoin.Client{node.Client}})
	eventually(t, "a job", func() bool { return len(lastMeans(t, p)) > before })
	if mean := lastMeans(t, p)[before]; mean != 0 {
		t.Errorf("the first job after a day has %s of fees that have left the window", mean)
	}
}

func jobsIn(t *testing.T, dir string) (n int) {
	t.Helper()
	for _, record := range records(t, dir) {
		if _, isJob := record.(*sharelog.Job); isJob {
			n++
		}
	}
	return n
}

func must(draft *wallet.Draft, _ []bool, err error) *wallet.Draft {
	if err != nil {
		panic(err)
	}
	return draft
}

// holdFees has an auditor hold a log against the chain: the honest log is clean, and F a satoshi higher in any one of its
// jobs is found.
func holdFees(ctx context.Context, t *testing.T, dir string, network bitcoin.Network, node *bitcoin.Client, fee money.Satoshi) {
	t.Helper()
	var honest forged
	for _, record := range records(t, dir) {
		honest = append(honest, sharelog.Append(nil, record))
	}
	convicted := func(log forged) (fields []string) {
		auditor, err := audit.Replay(log, false)
		if err == nil {
			err = auditor.CheckChain(ctx, network, node)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range auditor.Contradictions() {
			fields = append(fields, c.String())
		}
		return fields
	}
	if said := convicted(honest); len(said) > 0 {
		t.Errorf("the honest log: %v", said)
	}
	forgeries := 0
	for i, entry := range honest {
		record, err := sharelog.Decode(entry)
		j, isJob := record.(*sharelog.Job)
		if err != nil || !isJob || forgeries > 3 {
			continue
		}
		forgeries++
		j.MeanFees += fee
		log := slices.Clone(honest)
		log[i] = sharelog.Append(nil, j)
		if said := convicted(log); len(said) != 1 || !strings.Contains(said[0], "mean fees") {
			t.Errorf("entry %d with too much: %v", i, said)
		}
	}
	if forgeries == 0 {
		t.Error("no job")
	}
}

// lastMeans are the mean fees of the log's jobs.
func lastMeans(t *testing.T, p *running) (means []money.Satoshi) {
	for entry, err := range p.Log().Entries(0, p.Log().Size()) {
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
