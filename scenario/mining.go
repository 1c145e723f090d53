package scenario

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/devnet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	poolaudit "github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/miner"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// miningSteps are the farm's first coins.
func miningSteps() []Step {
	return []Step{{"pool-block", "A private Bitcoin chain, the pool, and the farm's first coins", mineCoins}}
}

// Mining is the farm's side of the Bitcoin chain: what later steps of the story spend.
type Mining struct {
	Node    *devnet.Node
	Network bitcoin.Network
	Address string // the farm's
	Key     *btcec.PrivateKey
	Reading *protocol.Reading // what our miner said while it worked; nil when it did not in this telling
}

// bitcoinNetwork keeps its chain between runs of the story; btcd forgets a regtest chain.
const bitcoinNetwork = "simnet"

// Bitcoin starts the story's private chain, or returns the one that runs. It ends with ctx.
func (w *Stage) Bitcoin(ctx context.Context) (*Mining, error) {
	if w.Mining != nil {
		return w.Mining, nil
	}
	dir := filepath.Join(w.DataDir, "bitcoin")
	if err := vfs.OS.MkdirAll(dir); err != nil { // shut to others before anybody else's program writes there
		return nil, err
	}
	binary, err := devnet.Find("", filepath.Join(dir, "tools"), ".tools")
	if errors.Is(err, devnet.ErrNoNode) {
		w.Say("mining-build", "btcd", "btcd")
		binary, err = devnet.Install(ctx, filepath.Join(dir, "tools"))
	}
	if err != nil {
		return nil, err
	}
	network, err := bitcoin.FindNetwork(bitcoinNetwork)
	if err != nil {
		return nil, err
	}
	node, err := devnet.Start(ctx, devnet.Options{Binary: binary, Dir: filepath.Join(dir, "node"),
		Network: bitcoinNetwork})
	if err != nil {
		return nil, err
	}
	key, err := farmKey(filepath.Join(dir, "farm.key"))
	if err != nil {
		return nil, err
	}
	paid, err := address.NewAddressWitnessPubKeyHash(address.Hash160(key.PubKey().SerializeCompressed()),
		network.Params)
	if err != nil {
		return nil, err
	}
	w.Mining = &Mining{Node: node, Network: network, Address: paid.EncodeAddress(), Key: key}
	return w.Mining, nil
}

// farmKey reads the farm's Bitcoin key, or makes one. Only a file that is not there is one to make: any other error
// would replace a key that coins are on.
func farmKey(file string) (*btcec.PrivateKey, error) {
	raw, err := os.ReadFile(file)
	if err == nil {
		secret, err := hex.DecodeString(strings.TrimSpace(string(raw)))
		if err != nil || len(secret) != btcec.PrivKeyBytesLen {
			return nil, fmt.Errorf("%s is not a key", file)
		}
		key, _ := btcec.PrivKeyFromBytes(secret)
		return key, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	key, err := btcec.NewPrivateKey()
	if err != nil {
		return nil, err
	}
	return key, durable.Create(vfs.OS, file, []byte(hex.EncodeToString(key.Serialize())+"\n"))
}

// storyBlocks is how many blocks the farm finds.
const storyBlocks = 3

// mineCoins runs pool and miner until the farm has found its blocks, each paying it in the coinbase.
func mineCoins(ctx context.Context, w *Stage) error {
	chain, err := w.Bitcoin(ctx)
	if errors.Is(err, devnet.ErrNoNode) {
		w.Say("mining-skipped", "bitcoin", "Bitcoin")
		return nil
	}
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	defer stop()
	log, err := txlog.Open(filepath.Join(w.DataDir, "bitcoin", "pool", "shares"),
		txlog.Options{Origin: "aqsha.pool/story", SegmentBytes: 1 << 20})
	if err != nil {
		return err
	}
	defer log.Close()
	config := settings.Defaults()
	// TIDES in the coinbase: members are paid by the block itself, and the story can show it on the chain.
	config.Operator, config.Scheme, config.PayInCoinbase = chain.Address, payout.TIDES, true
	config.StartDifficulty, config.MinDifficulty = 1.0/(1<<20), 1.0/(1<<32)
	p, err := pool.Open(ctx, config, pool.Options{Network: chain.Network, Nodes: []*bitcoin.Client{chain.Node.Client},
		Log: log})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	serving, stopServing := context.WithCancel(ctx)
	go func() { ended <- p.Run(serving, serve.Listener{Net: listener}) }()
	// The pool is ended after the miner and waited for: its log is read below.
	stats, err := chain.mine(ctx, "stratum+tcp://"+listener.Addr().String())
	stopServing()
	if err = errors.Join(err, <-ended); err != nil {
		return err
	}
	w.Say("pool-block-say-1", "kernel", stats.Kernel, "shares", stats.Accepted)
	return chain.showCoins(ctx, w, log)
}

// mine works for the pool until the chain has the blocks.
func (m *Mining) mine(ctx context.Context, url string) (miner.Summary, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stats := miner.NewStats(time.Now())
	engine := miner.NewEngine(miner.Options{Threads: 1}, stats)
	go engine.Run(ctx)
	client := miner.PoolClient{URLs: []string{url}, User: m.Address + ".rig", Password: "x", Agent: "aqsha/story",
		Log: slog.New(slog.DiscardHandler)}
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx, engine, stats) }()
	for {
		select {
		case err := <-done:
			return stats.Summary(time.Now()), errors.Join(err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
		info, err := m.Node.Client.Info(ctx)
		if err != nil {
			return miner.Summary{}, err
		}
		if info.Height >= storyBlocks {
			summary := stats.Summary(time.Now())
			// While it still works: the reading is what a farm's monitor would have got.
			if m.Reading, err = queryMiner(ctx, stats); err != nil {
				return miner.Summary{}, err
			}
			stop()
			return summary, <-done
		}
	}
}

// showCoins reads the farm's coins from the chain and the same sum from the pool's log. Every block's coinbase is held
// against the log; with one that differs the story ends.
func (m *Mining) showCoins(ctx context.Context, w *Stage, log *txlog.Log) error {
	var coins money.Satoshi
	for height := 1; height <= storyBlocks; height++ {
		block, err := m.Node.Client.Block(ctx, m.Network, fmt.Sprint(height))
		if err != nil {
			return err
		}
		for _, payment := range block.Transactions[0].Payments {
			if payment.Recipient == m.Address {
				coins += payment.Amount
			}
		}
	}
	audit, err := poolaudit.Replay(log, true)
	if err != nil {
		return err
	}
	for _, height := range audit.Heights() {
		if err := audit.CheckCoinbase(height); err != nil {
			return err
		}
	}
	w.Say("pool-block-say-2", "blocks", storyBlocks, "coins", coins.Format(), "address", m.Address)
	w.Proves("pool-block-proves")
	return nil
}
