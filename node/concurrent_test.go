package node_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// TestCrashUnderConcurrentClients crashes the node with all its stages running and several clients. What
// happens when is not in our hands here, so runs differ; what must hold does not.
func TestCrashUnderConcurrentClients(t *testing.T) {
	const clients, payments, runs = 4, 12, 80
	w := sim.NewWorld(21)
	chain := w.NewChain(ledger.NewModel())
	admit, bank := w.Admit("bank", 1, chain.Now+1_000_000)
	var setup []*token.Transaction
	setup = append(setup, admit)
	register, shop := w.Register("bank", bank, 1, "shop", 2, chain.Now+1_000_000)
	issue := w.Issue(1, bank, chain.Now+1_000_000, repeat(clients, 100*money.Tenge)...)
	setup = append(setup, register, issue)
	// Each client has a token of the treasury's and pays with what remains of it, again and again.
	chains := make([][]*token.Transaction, clients)
	for c := range chains {
		input, rest := token.OutputID(issue.ID(), c), 100*money.Tenge
		for range payments {
			tx := w.Pay(bank, w.Key("bank treasury"), shop, 7, []token.ID{input}, rest, chain.Now+1_000_000)
			chains[c] = append(chains[c], tx)
			input, rest = token.OutputID(tx.ID(), 1), rest-7
		}
	}
	for run := range runs {
		d := disk.New(uint64(run))
		config := func() node.Config {
			return node.Config{Dir: "data", NoIndex: true, Now: func() uint64 { return chain.Now }, Salt: w.Salt,
				Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, FS: d.FS(), SegmentBytes: 4096}}
		}
		if err := node.Init(config(), w.Genesis); err != nil {
			t.Fatal(err)
		}
		n, err := node.Open(config())
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range setup {
			if _, err := n.Submit(context.Background(), tx); err != nil {
				t.Fatal(err)
			}
		}
		d.CrashAt(1 + run)
		var mu sync.Mutex
		answered := map[uint64]token.TransactionID{}
		var all sync.WaitGroup
		for _, txs := range chains {
			all.Go(func() {
				for _, tx := range txs {
					receipt, err := n.Submit(context.Background(), tx)
					if err != nil {
						return
					}
					mu.Lock()
					answered[receipt.Index] = tx.ID()
					mu.Unlock()
				}
			})
		}
		all.Wait()
		_ = n.Close()
		d.Restart()
		if n, err = node.Open(config()); err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		if err := holds(n, answered); err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		_ = n.Close()
	}
}

func repeat(n int, amount money.Tiyn) (amounts []money.Tiyn) {
	for range n {
		amounts = append(amounts, amount)
	}
	return amounts
}

// holds replays a node's log from nothing and checks that what was answered is in it, and nothing twice.
func holds(n *node.Node, answered map[uint64]token.TransactionID) error {
	model := ledger.NewModel()
	replay := ledger.NewReplay(model, false)
	seen, root := map[token.TransactionID]bool{}, txlog.EmptyRoot
	for batch, err := range n.Log().Batches(0) {
		if err != nil {
			return err
		}
		var entries [][]byte
		for index, data := range batch.Entries() {
			entries = append(entries, append([]byte(nil), data...))
			e, err := ledger.DecodeEntry(data)
			if err != nil || e.Transaction == nil {
				continue
			}
			if seen[e.Transaction.ID()] {
				return fmt.Errorf("entry %d happened before", index)
			}
			seen[e.Transaction.ID()] = true
			if id, ok := answered[index]; ok && id != e.Transaction.ID() {
				return fmt.Errorf("entry %d is another than was answered", index)
			}
			delete(answered, index)
		}
		if _, err := replay.Block(entries, token.Hash(root)); err != nil {
			return err
		}
		root = batch.Root
	}
	if len(answered) != 0 {
		return fmt.Errorf("%d answered transactions are missing", len(answered))
	}
	if model.LiveTotal() != model.Central.Circulating() {
		return fmt.Errorf("%s live, %s circulating", model.LiveTotal(), model.Central.Circulating())
	}
	return nil
}
