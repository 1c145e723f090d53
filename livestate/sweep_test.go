package livestate

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// maxSweep is up to which size everything is tried.
const maxSweep = 5_000

// thorough asks for every size where a short run takes some of them.
var thorough = os.Getenv("SWEEP") == "all"

// sizes are all sizes up to maxSweep that a sweep visits: near powers of two and what else is a threshold here all of them,
// between them every step-th.
func sizes(step int) func(yield func(int) bool) {
	thresholds := []int{0, shardCount, 6 * shardCount, chunkRows, pageTokens}
	for power := 1; power <= maxSweep; power *= 2 {
		thresholds = append(thresholds, power)
	}
	return func(yield func(int) bool) {
		for n := range maxSweep + 1 {
			near := thorough || n%step == 0
			for _, at := range thresholds {
				near = near || (n >= at-2 && n <= at+2)
			}
			if near && !yield(n) {
				return
			}
		}
	}
}

func sweptKey(i int) (k tableKey) {
	binary.LittleEndian.PutUint64(k[:], uint64(i))
	return k
}

// A table that is to hold so many rows holds them, whatever their number: room is reserved as when a snapshot is loaded,
// for as many as come, for fewer and for more; then rows come and go. Rows that are not there are looked for too, since
// that is what never ends in a table without an empty place.
func TestTablesOfEverySize(t *testing.T) {
	for n := range sizes(7) {
		rng := rand.New(rand.NewPCG(uint64(n), 1))
		table, model := newTable[tableKey, int](hashes["mixed"]), make(map[tableKey]int, n)
		table.reserve([]int{n, n, n / 2, 2 * n}[n%4])
		put := func(i int) {
			_, r, isNew := table.put(sweptKey(i))
			if _, known := model[sweptKey(i)]; known == isNew {
				t.Fatalf("%d rows: row %d is new: %v", n, i, isNew)
			}
			*r = i
			model[sweptKey(i)] = i
		}
		for i := range n {
			put(i)
		}
		for range 64 {
			switch i := rng.IntN(n + 100); rng.IntN(3) {
			case 0:
				put(i)
			case 1:
				_, value, found := table.remove(sweptKey(i))
				if was, known := model[sweptKey(i)]; known != found || value != was {
					t.Fatalf("%d rows: row %d removed as %d (%v), was %d (%v)", n, i, value, found, was, known)
				}
				delete(model, sweptKey(i))
			case 2:
				r := table.get(sweptKey(i))
				if was, known := model[sweptKey(i)]; known != (r != nil) || (known && *r != was) {
					t.Fatalf("%d rows: row %d is %v, was %d (%v)", n, i, r, was, known)
				}
			}
		}
		for i := range table.shards {
			if s := &table.shards[i]; len(s.entries) > 0 && s.count*ofParts > len(s.entries)*fullParts {
				t.Fatalf("%d rows: %d entries of a shard of %d are in use", n, s.count, len(s.entries))
			}
		}
		if table.live != len(model) {
			t.Fatalf("%d rows live, want %d", table.live, len(model))
		}
	}
}

// swept is a state beside the plain maps that it must agree with.
type swept struct {
	state  *State
	rng    *rand.Rand
	tokens map[token.ID]ledger.Token
	ids    []token.ID // of tokens, to draw from
	owners []token.WalletID
	made   int
}

func (s *swept) wallet() {
	id := benchWallet(len(s.owners))
	s.state.PutWallet(id, ledger.Wallet{Version: 1, Key: token.PublicKey{1, byte(len(s.owners))}})
	s.owners = append(s.owners, id)
}

func (s *swept) book(owner token.WalletID, amount money.Tiyn) {
	w, _ := s.state.Wallet(owner)
	w.Balance += amount
	if w.Tokens++; amount < 0 {
		w.Tokens -= 2
		s.state.authority.Redeemed -= amount
	} else {
		s.state.authority.Issued += amount
	}
	s.state.PutWallet(owner, w)
}

func (s *swept) add() {
	id, made := benchToken(s.made), ledger.Token{Wallet: s.owners[s.rng.IntN(len(s.owners))], Amount: money.Tiyn(1 + s.rng.IntN(1000)), Hops: uint16(s.made % 2)}
	s.made++
	s.state.AddToken(id, made)
	s.book(made.Wallet, made.Amount)
	s.tokens[id] = made
	s.ids = append(s.ids, id)
}

func (s *swept) remove() {
	if len(s.ids) == 0 {
		return
	}
	at := s.rng.IntN(len(s.ids))
	id := s.ids[at]
	s.ids[at] = s.ids[len(s.ids)-1]
	s.ids = s.ids[:len(s.ids)-1]
	s.state.RemoveToken(id)
	s.book(s.tokens[id].Wallet, -s.tokens[id].Amount)
	delete(s.tokens, id)
}

// restart writes a snapshot and goes on with what is read from it, as a node does.
func (s *swept) restart() error {
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}, LogSize: 2, LogRoot: txlog.Hash{1}}
	var out bytes.Buffer
	if _, err := s.state.WriteSnapshot(&out, at); err != nil {
		return err
	}
	state, _, err := ReadOwnSnapshot(&out, sha256.Sum256(binary.BigEndian.AppendUint64(nil, s.rng.Uint64())))
	s.state = state
	return err
}

func (s *swept) check() error {
	if tokens, wallets := s.state.Counts(); tokens != len(s.tokens) || wallets != len(s.owners) {
		return fmt.Errorf("%d tokens and %d wallets, want %d and %d", tokens, wallets, len(s.tokens), len(s.owners))
	}
	seen := map[token.ID]ledger.Token{}
	for _, owner := range s.owners {
		for _, live := range s.state.TokensOf(owner, len(s.tokens)) {
			seen[live.ID] = live.Token
		}
	}
	if !maps.Equal(seen, s.tokens) {
		return fmt.Errorf("the tokens of all wallets are others than were made")
	}
	for i := range 50 { // never made
		if _, live := s.state.Token(benchToken(1<<40 + i)); live {
			return fmt.Errorf("a token is live that was never made")
		}
		if _, known := s.state.Wallet(benchWallet(1<<40 + i)); known {
			return fmt.Errorf("a wallet is known that was never made")
		}
	}
	return nil
}

// A ledger of every size goes on after a restart: 256 to about 1,535 tokens once filled the tables that a snapshot was
// loaded into, and the next payment looked for an empty place for ever.
func TestStatesOfEverySizeThroughRestarts(t *testing.T) {
	for n := range sizes(131) {
		s := &swept{state: New(sha256.Sum256([]byte{byte(n)})), rng: rand.New(rand.NewPCG(uint64(n), 2)), tokens: map[token.ID]ledger.Token{}}
		ledger.ApplyGenesis(s.state, sim.NewWorld(1).Genesis)
		for range 1 + n/[]int{1, 3, 50, 1000}[n%4] {
			s.wallet()
		}
		for range n {
			s.add()
		}
		for round := range 2 {
			if err := s.restart(); err != nil {
				t.Fatalf("%d tokens: restart %d: %v", n, round, err)
			}
			for range 60 {
				switch s.rng.IntN(5) {
				case 0:
					s.wallet()
				case 1, 2:
					s.add()
				default:
					s.remove()
				}
			}
		}
		if err := s.check(); err != nil {
			t.Fatalf("%d tokens: %v", n, err)
		}
	}
}
