package ledger_test

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

func numbered(domain string, i int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte(domain), uint64(i)))
}

// benchState has live tokens of 100 tenge each in wallets with limits, and payments of half a token
// by the first of them, signed by nobody.
func benchState(b *testing.B, tokens, wallets, payments int) (*livestate.State, *sim.World, []*token.Transaction) {
	b.Helper()
	world := sim.NewWorld(1)
	s := livestate.New(sha256.Sum256(nil))
	ledger.ApplyGenesis(s, world.Genesis)
	key := world.Key("everybody").Public()
	id := func(i int) token.WalletID { h := numbered("wallet", i%wallets); return token.WalletID(h[:16]) }
	for i := range wallets {
		n := tokens / wallets
		s.PutWallet(id(i), ledger.Wallet{Key: key, Version: 1, Tier: 1, Balance: money.Tiyn(n) * 100 * money.Tenge, Tokens: uint32(n)})
	}
	for i := range tokens {
		s.AddToken(token.ID(numbered("token", i)), ledger.Token{Wallet: id(i), Amount: 100 * money.Tenge})
	}
	s.Authority().Issued = s.LiveTotal()
	var txs []*token.Transaction
	for i := range payments {
		tx, err := token.New(&token.Transfer{Parties: []token.WalletID{id(i), id(i + wallets/2)}, Payers: 1,
			Inputs: []token.ID{token.ID(numbered("token", i)), token.ID(numbered("token", i+tokens/2))}, Outputs: []token.Output{{Party: 1, Amount: 50 * money.Tenge}, {Party: 0, Amount: 150 * money.Tenge}}}, sim.StartMillis+1_800_000)
		if err != nil {
			b.Fatal(err)
		}
		tx.Add(token.Witness{Role: token.RoleWallet, Signature: token.Signature{1}})
		txs = append(txs, tx)
	}
	return s, world, txs
}

// BenchmarkExecute is the rules alone: two tokens in, two out, limits on, a million live tokens, no cryptography.
func BenchmarkExecute(b *testing.B) {
	b.Run("cold", func(b *testing.B) { benchExecute(b, false) })
	b.Run("warmed", func(b *testing.B) { benchExecute(b, true) })
}

// benchExecute executes payments as they come, or fetches what the next few will need first.
func benchExecute(b *testing.B, warmed bool) {
	var s *livestate.State
	var prefetcher livestate.Prefetcher
	const payments = 400_000
	var x *ledger.Executor
	var txs []*token.Transaction
	b.ReportAllocs()
	for i := range b.N {
		if i%payments == 0 {
			b.StopTimer()
			var w *sim.World
			s, w, txs = benchState(b, 1_000_000, 100_000, payments)
			x = ledger.NewExecutor(w.Network, s)
			x.TrustSignatures = true
			b.StartTimer()
		}
		if i%2000 == 0 {
			x.Begin(uint64(i/2000+1), sim.StartMillis)
		}
		if ahead := txs[i%payments:]; warmed && i%32 == 0 {
			for _, tx := range ahead[:min(32, len(ahead))] {
				prefetcher.Add(tx)
			}
			prefetcher.Fetch(s)
		}
		if err := x.Apply(txs[i%payments], nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMerkleRoot is the log's root over entries of a transfer's size, per entry.
func BenchmarkMerkleRoot(b *testing.B) {
	entry := make([]byte, 240)
	var tree txlog.Tree
	for range b.N {
		tree.Add(txlog.LeafHash(entry))
	}
	_ = tree.Root()
}
