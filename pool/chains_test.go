package pool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/internal/testnode"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/miner"
	"github.com/aqsha/aqsha/pool/settings"
)

// Addresses of the key in alice, by network.
var payees = map[string]string{
	"mainnet": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "testnet4": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
	"signet": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "regtest": alice,
}

// chainLong says whether the campaign of minutes is asked for (AQSHA_CHAINS=1).
func chainLong() bool { return os.Getenv("AQSHA_CHAINS") != "" }

// Blocks of the pool's own miner on each network whose node gives templates alone. On testnet4 the
// easiest block takes 2^32 hashes: in the long run only.
func TestMineOnEachNetwork(t *testing.T) {
	for _, tc := range []struct {
		chain, args string
		short, long int
	}{{"regtest", "-listen=0", 10, 100}, {"signet", "-signetchallenge=51", 2, 100}, {"testnet4", "-listen=0", 0, 1}} {
		t.Run(tc.chain, func(t *testing.T) {
			want := tc.short
			if chainLong() {
				want = tc.long
			}
			if want == 0 {
				t.Skip("takes minutes: make chains runs it (AQSHA_CHAINS=1)")
			}
			node := testnode.CoreWith(t, tc.chain, "-listen=0", "-connect=0", tc.args)
			mineWithPool(t, node, tc.chain, want)
		})
	}
}

func mineWithPool(t *testing.T, node *testnode.CoreNode, chain string, want int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	network, err := node.Client.Network(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if network.Name != chain {
		t.Fatalf("the node is on %s", network.Name)
	}
	config := settings.Defaults()
	config.Operator, config.Loops = payees[chain], 1
	p := startPoolWith(t, t.TempDir(), config, pool.Options{Network: network, Nodes: []*bitcoin.Client{node.Client}})
	stats := miner.NewStats(time.Now())
	engine := miner.NewEngine(miner.Options{}, stats)
	go engine.Run(ctx)
	client := miner.PoolClient{URLs: []string{"stratum+tcp://" + p.address}, User: payees[chain] + ".rig", Log: quiet}
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx, engine, stats) }()
	for {
		info, err := node.Client.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if info.Height >= want {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	view, err := node.Client.Block(context.Background(), network, fmt.Sprint(want))
	if err != nil {
		t.Fatal(err)
	}
	if view.Transactions[0].Payments[0].Recipient != payees[chain] {
		t.Errorf("block %d pays %+v", want, view.Transactions[0].Payments)
	}
	// The last was found as the miner was stopped, and may be on its way.
	eventually(t, "the node has every block", func() bool { return p.Stats(time.Now()).Undelivered == 0 })
	if s := p.Stats(time.Now()); s.Rejected > s.Accepted/10+10 {
		t.Errorf("%+v", s)
	}
}

// On a signet whose blocks need a signature the pool does not start: every block would be refused.
func TestSignetThatNeedsASignature(t *testing.T) {
	const challenge = "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be43051ae"
	node := testnode.CoreWith(t, "signet", "-listen=0", "-connect=0", "-signetchallenge="+challenge)
	network, err := node.Client.Network(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	config := settings.Defaults()
	config.Operator = payees["signet"]
	_, err = pool.Open(context.Background(), config, pool.Options{Network: network, Nodes: []*bitcoin.Client{node.Client}})
	if !errors.Is(err, bitcoin.ErrSignet) {
		t.Errorf("%v", err)
	}
}

// A block as the pool lays it out is valid on testnet4 and mainnet but for its work, which a
// proposal does not ask for (BIP 23); a wrong one is not.
func TestProposalOnRealNetworks(t *testing.T) {
	for _, chain := range []string{"testnet4", "mainnet"} {
		t.Run(chain, func(t *testing.T) {
			node := testnode.CoreWith(t, map[string]string{"testnet4": "testnet4", "mainnet": "main"}[chain], "-listen=0", "-connect=0")
			ctx := context.Background()
			network, err := node.Client.Network(ctx)
			if err != nil {
				t.Fatal(err)
			}
			template := firstTemplate(t, node, network)
			config := settings.Defaults()
			config.Operator, config.Loops = payees[chain], 1
			p := startPoolWith(t, t.TempDir(), config, pool.Options{Network: network})
			if err := p.Offer(template, time.Now()); err != nil {
				t.Fatal(err)
			}
			c := dial(t, p.address).login(payees[chain])
			for _, tc := range []struct {
				name string
				flip int // byte of the coinbase's tail that is changed; -1: none
				want bitcoin.Verdict
			}{{"as it was sent", -1, bitcoin.Accepted}, {"another lock time", 1, bitcoin.Rejected}} {
				raw := c.blockOf(template, tc.flip)
				verdict, reason, err := node.Client.Propose(ctx, raw)
				if err != nil || verdict != tc.want {
					t.Errorf("%s: %v %s, %v", tc.name, verdict, reason, err)
				}
			}
		})
	}
}

// firstTemplate is the node's own, or, where a node without peers gives none, that of the first block.
func firstTemplate(t *testing.T, node *testnode.CoreNode, network bitcoin.Network) *bitcoin.Template {
	t.Helper()
	if template, err := node.Client.Template(context.Background()); err == nil {
		return template
	}
	genesis := network.Params.GenesisBlock.Header
	target, err := bitcoin.TargetOfBits(genesis.Bits)
	if err != nil {
		t.Fatal(err)
	}
	now := uint32(time.Now().Unix())
	return &bitcoin.Template{
		Version: 0x20000000, Previous: bitcoin.Hash(genesis.BlockHash()), Height: 1, Bits: genesis.Bits, Target: target,
		MinTime: uint32(genesis.Timestamp.Unix()) + 1, CurTime: now, CoinbaseValue: 50 * money.Bitcoin,
	}
}

// blockOf joins a job as the miner was sent it to a block without work. flip changes the lock time.
func (c *client) blockOf(template *bitcoin.Template, flip int) []byte {
	c.t.Helper()
	job := c.job()
	en := make([]byte, 13)
	tail := append([]byte(nil), job.Tail...)
	if flip >= 0 {
		tail[len(tail)-flip] ^= 0xff // the lock time's highest byte: far in the future
	}
	coinbase := append(append(append([]byte(nil), job.Head...), en...), tail...)
	header := bitcoin.Header{Version: job.Version, Previous: job.Previous, MerkleRoot: bitcoin.RootOf(bitcoin.HashOf(coinbase), job.Branch), Time: job.Time, Bits: job.Bits}
	parts := bitcoin.CoinbaseParts{Head: job.Head, Tail: tail, Extranonce: len(en), HasWitness: template.Commitment != nil}
	return template.Block(header, parts.WithWitness(coinbase))
}
