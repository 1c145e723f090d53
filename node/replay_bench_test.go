package node_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// BenchmarkOpen starts a node on a log of payments between a thousand wallets without any snapshot, believing
// the log's signatures or not; per entry.
func BenchmarkOpen(b *testing.B) {
	const entries = 200_000
	w := sim.NewWorld(1)
	config := node.Config{Dir: b.TempDir(), NoIndex: true, Queue: 1 << 16, Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}}}
	config.Now = func() uint64 { return sim.StartMillis + 1000 }
	if err := node.Init(config, w.Genesis); err != nil {
		b.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		b.Fatal(err)
	}
	fill(b, n, w, entries)
	if err := n.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(config.Dir, "snapshots")); err != nil {
		b.Fatal(err)
	}
	for _, reverify := range []bool{false, true} {
		b.Run(fmt.Sprintf("reverify=%v", reverify), func(b *testing.B) {
			config.Reverify = reverify
			for range b.N {
				n, err := node.Open(config)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(n.Log().Size())*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
				b.StopTimer()
				if err := n.Close(); err != nil {
					b.Fatal(err)
				}
				_ = os.RemoveAll(filepath.Join(config.Dir, "snapshots"))
				b.StartTimer()
			}
		})
	}
}

// fill lets a thousand wallets pay each other round and round.
func fill(b *testing.B, n *node.Node, w *sim.World, entries int) {
	const wallets = 1000
	until := uint64(sim.StartMillis + 1_800_000)
	submit := func(txs []*token.Transaction) {
		_, errs := n.SubmitAll(context.Background(), txs)
		for _, err := range errs {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	admit, bank := w.Admit("bank", 1, until)
	submit([]*token.Transaction{admit})
	ids, keys := make([]token.WalletID, wallets), make([]token.PrivateKey, wallets)
	coins := make([]token.ID, wallets)
	var registers, issues, payouts []*token.Transaction
	for i := range wallets {
		name := fmt.Sprint("wallet ", i)
		var tx *token.Transaction
		tx, ids[i] = w.Register("bank", bank, uint64(i+1), name, 2, until)
		keys[i] = w.Key(name)
		registers = append(registers, tx)
		issue := w.Issue(uint64(i+1), bank, until, 100*money.Tenge)
		issues = append(issues, issue)
		pay := w.Pay(bank, w.Key("bank treasury"), ids[i], 100*money.Tenge, []token.ID{token.OutputID(issue.ID(), 0)}, 100*money.Tenge, until)
		payouts, coins[i] = append(payouts, pay), token.OutputID(pay.ID(), 0)
	}
	submit(registers)
	submit(issues)
	submit(payouts)
	for done := 0; done < entries; done += wallets {
		var txs []*token.Transaction
		next := make([]token.ID, wallets)
		for i := range wallets {
			to := (i + 1 + done/wallets%7) % wallets
			tx := w.Pay(ids[i], keys[i], ids[to], 100*money.Tenge, []token.ID{coins[i]}, 100*money.Tenge, until)
			txs, next[to] = append(txs, tx), token.OutputID(tx.ID(), 0)
		}
		submit(txs)
		coins = next
	}
}
