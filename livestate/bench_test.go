package livestate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

func benchToken(i int) (id token.ID) {
	// Ids are hashes; multiplications spread these well enough.
	for word := range uint64(4) {
		binary.LittleEndian.PutUint64(id[8*word:], (uint64(i)+1)*(0x9e3779b97f4a7c15+2*word))
	}
	return id
}

func benchWallet(i int) (id token.WalletID) {
	binary.LittleEndian.PutUint64(id[:], uint64(i)*0xc2b2ae3d27d4eb4f+1)
	return id
}

// populated has wallets with one token each per round.
func populated(wallets, tokens int) *State {
	s := New(sha256.Sum256(nil))
	ledger.ApplyGenesis(s, sim.NewWorld(1).Genesis)
	for i := range wallets {
		w := ledger.Wallet{Registrar: token.WalletID{1}, Version: 1, Attributes: token.Attributes{Role: "person"}}
		binary.LittleEndian.PutUint64(w.Key[1:], uint64(i))
		s.PutWallet(benchWallet(i), w)
	}
	for i := range tokens {
		owner := benchWallet(i % wallets)
		s.AddToken(benchToken(i), ledger.Token{Wallet: owner, Amount: 100})
		w, _ := s.Wallet(owner)
		w.Balance, w.Tokens = w.Balance+100, w.Tokens+1
		s.PutWallet(owner, w)
	}
	s.authority.Issued = money.Tiyn(tokens) * 100
	return s
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMemory measures what a live token and a wallet cost in memory: at rest, at the worst moment
// of growth, and the worst moment with the garbage that growing leaves behind until it is collected.
func BenchmarkMemory(b *testing.B) {
	const million = 1_000_000
	for range b.N {
		before := heap()
		s := New(sha256.Sum256(nil))
		for i := range million {
			w := ledger.Wallet{Registrar: token.WalletID{1}, Version: 1, Attributes: token.Attributes{Role: "person"}}
			binary.LittleEndian.PutUint64(w.Key[1:], uint64(i))
			s.PutWallet(benchWallet(i), w)
		}
		wallets := heap()
		b.ReportMetric(float64(wallets-before)/million-16-33, "B/wallet-beyond-id-and-key")
		worst, withGarbage := 0.0, 0.0
		for i := range 4 * million {
			s.AddToken(benchToken(i), ledger.Token{Wallet: benchWallet(i % million), Amount: 100})
			if i > million/2 && i%20_000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				withGarbage = max(withGarbage, float64(m.HeapAlloc-wallets)/float64(i+1))
				worst = max(worst, float64(heap()-wallets)/float64(i+1))
			}
		}
		b.ReportMetric(float64(heap()-wallets)/(4*million), "B/token")
		b.ReportMetric(worst, "B/token-worst")
		b.ReportMetric(withGarbage, "B/token-worst-with-garbage")
		runtime.KeepAlive(s)
	}
}

// BenchmarkPause measures the longest that making one token live took while the tables grew to ten million.
func BenchmarkPause(b *testing.B) {
	const tokens, wallets = 10_000_000, 500_000
	for range b.N {
		s := populated(wallets, 0)
		longest := time.Duration(0)
		last := time.Now()
		for i := range tokens {
			s.AddToken(benchToken(i), ledger.Token{Wallet: benchWallet(i % wallets), Amount: 100})
			now := time.Now()
			longest = max(longest, now.Sub(last))
			last = now
		}
		b.ReportMetric(longest.Seconds()*1000, "ms-longest")
		runtime.KeepAlive(s)
	}
}

func BenchmarkReplace(b *testing.B) {
	for _, tokens := range []int{100_000, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprintf("tokens=%d", tokens), func(b *testing.B) {
			s := populated(100_000, tokens)
			next := tokens
			b.ResetTimer()
			for i := range b.N {
				old := benchToken(i % tokens)
				t, ok := s.Token(old)
				if !ok {
					old = benchToken(next - tokens)
					t, _ = s.Token(old)
				}
				s.RemoveToken(old)
				s.AddToken(benchToken(next), t)
				next++
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	const tokens = 1_000_000
	s := populated(100_000, tokens)
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
	var out bytes.Buffer
	b.Run("write", func(b *testing.B) {
		for range b.N {
			if _, err := s.WriteSnapshot(io.Discard, at); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tokens, "ns/token")
	})
	if _, err := s.WriteSnapshot(&out, at); err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func(io.Reader, [32]byte) (*State, Position, error){"read": ReadSnapshot, "read own": ReadOwnSnapshot} {
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(float64(out.Len())/tokens, "B/token")
			for range b.N {
				if _, _, err := read(bytes.NewReader(out.Bytes()), sha256.Sum256(nil)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tokens, "ns/token")
		})
	}
}
