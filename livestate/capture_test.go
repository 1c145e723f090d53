package livestate

import (
	"bytes"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// bustle changes a state at random, in every way that a state can change.
type bustle struct {
	state     *State
	t         *rapid.T
	made      int
	wallets   []token.WalletID
	tokens    []token.ID
	contracts []token.WalletID

	definitions []token.Hash
}

func (b *bustle) id() (id token.ID) {
	b.made++
	// In no order, and not all under one first byte.
	binary.BigEndian.PutUint64(id[:], uint64(b.made)*0x9e3779b97f4a7c15)
	return id
}

func (b *bustle) walletID() token.WalletID {
	id := b.id()
	return token.WalletID(id[:16])
}

func (b *bustle) change() {
	s, n := b.state, rapid.IntRange(0, 1<<20).Draw(b.t, "which")
	switch rapid.IntRange(0, 11).Draw(b.t, "what") {
	case 0, 1:
		id := b.walletID()
		s.PutWallet(id, ledger.Wallet{Version: 1, Attributes: token.Attributes{Role: "person"}})
		b.wallets = append(b.wallets, id)
	case 2, 3, 4:
		if len(b.wallets) == 0 {
			return
		}
		owner, id := b.wallets[n%len(b.wallets)], b.id()
		t := ledger.Token{Wallet: owner, Amount: money.Tiyn(n%1000 + 1), Hops: uint16(n % 3)}
		s.AddToken(id, t)
		w, _ := s.Wallet(owner)
		w.Balance, w.Tokens = w.Balance+t.Amount, w.Tokens+1
		s.PutWallet(owner, w)
		s.authority.Issued += t.Amount
		b.tokens = append(b.tokens, id)
	case 5, 6:
		if len(b.tokens) == 0 {
			return
		}
		at := n % len(b.tokens)
		id := b.tokens[at]
		b.tokens[at] = b.tokens[len(b.tokens)-1]
		b.tokens = b.tokens[:len(b.tokens)-1]
		t, _ := s.Token(id)
		s.RemoveToken(id)
		w, _ := s.Wallet(t.Wallet)
		w.Balance, w.Tokens = w.Balance-t.Amount, w.Tokens-1
		s.PutWallet(t.Wallet, w)
		s.authority.Redeemed += t.Amount
	case 7:
		if len(b.wallets) == 0 {
			return
		}
		at := n % len(b.wallets)
		id := b.wallets[at]
		if w, _ := s.Wallet(id); w.Tokens == 0 && !w.Contract {
			s.RemoveWallet(id)
			s.PutClosed(id, ledger.Closed{Registrar: token.WalletID{1}, Key: token.PublicKey{1, 7}, Tier: 1})
			b.wallets[at] = b.wallets[len(b.wallets)-1]
			b.wallets = b.wallets[:len(b.wallets)-1]
		}
	case 8:
		if len(b.wallets) == 0 {
			return
		}
		id := b.wallets[n%len(b.wallets)]
		s.PutDetail(id, ledger.Detail{Case: string(rune('a' + n%20)), Recovery: token.PublicKey{byte(n)}})
	case 9:
		id := token.Hash(b.id())
		s.AddDefinition(id, []byte{byte(n)}, ledger.Registered{Registrar: token.WalletID{1}, Sequence: uint64(len(b.definitions)) + 1})
		b.definitions = append(b.definitions, id)
		if n%3 == 0 { // and one makes room, which may be wanted again
			old := b.definitions[n%len(b.definitions)]
			if by := s.Registered(old); by.Sequence != 0 {
				s.RemoveDefinition(old)
				if n%2 == 0 {
					s.AddDefinition(old, []byte{byte(n)}, by)
				}
			}
		}
	case 10:
		id := b.walletID()
		s.PutWallet(id, ledger.Wallet{Version: 1, Contract: true})
		s.AddContract(&ledger.Contract{Instance: contract.Instance{ID: id, Parties: []token.WalletID{id}, Assets: []uint32{0}, Version: 1}, Tokens: make([]token.ID, 1)})
		b.contracts = append(b.contracts, id)
	case 11:
		if len(b.contracts) == 0 {
			return
		}
		at := n % len(b.contracts)
		id := b.contracts[at]
		if n%2 == 0 {
			c := s.Contract(id)
			s.ChangeContract(c)
			c.Version++
			return
		}
		s.RemoveContract(id)
		s.RemoveWallet(id)
		b.contracts[at] = b.contracts[len(b.contracts)-1]
		b.contracts = b.contracts[:len(b.contracts)-1]
	}
}

// watchedLock knows whether it is held.
type watchedLock struct {
	sync.Mutex
	held bool
}

func (l *watchedLock) Lock()   { l.Mutex.Lock(); l.held = true }
func (l *watchedLock) Unlock() { l.held = false; l.Mutex.Unlock() }

// Whatever happens while a capture is told, it is the state of its moment, to the byte.
func TestACaptureIsTheStateOfItsMoment(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := New([32]byte{7})
		ledger.ApplyGenesis(s, sim.NewWorld(1).Genesis)
		b := &bustle{state: s, t: rt}
		for range rapid.IntRange(0, 120).Draw(rt, "before") {
			b.change()
		}
		at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
		var want, got bytes.Buffer
		wantRoot, err := s.WriteSnapshot(&want, at)
		if err != nil {
			rt.Fatal(err)
		}
		c := s.Capture(at)
		c.pace = pace{rows: rapid.IntRange(1, 9).Draw(rt, "rows"), rare: 1 + len(b.contracts)%3, slots: 2}
		lock, left := &watchedLock{}, rapid.IntRange(0, 150).Draw(rt, "meanwhile")
		root, _, err := c.Write(&got, lock, func() {
			if lock.held {
				rt.Fatal("resting with the lock held")
			}
			for range min(left, 3) {
				b.change()
				left--
			}
		})
		c.End()
		if err != nil || root != wantRoot || !bytes.Equal(got.Bytes(), want.Bytes()) {
			rt.Fatalf("the capture differs from the state: %d bytes, want %d; %v", got.Len(), want.Len(), err)
		}
		// And what follows is not disturbed by it.
		b.change()
		if _, err := s.WriteSnapshot(&got, at); err != nil {
			rt.Fatal(err)
		}
	})
}

// A wallet of more tokens than are read at a time, spent and given more meanwhile.
func TestALargeWalletIsToldInPieces(t *testing.T) {
	s := populated(3, 60_000)
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
	var want, got bytes.Buffer
	if _, err := s.WriteSnapshot(&want, at); err != nil {
		t.Fatal(err)
	}
	c := s.Capture(at)
	c.pace.rows = 1000
	spend, add, chunks := 0, 60_000, 0
	_, hold, err := c.Write(&got, new(sync.Mutex), func() {
		chunks++
		for range min(20, (60_000-spend)/7) {
			s.RemoveToken(benchToken(spend))
			s.AddToken(benchToken(add), ledger.Token{Wallet: benchWallet(add % 2), Amount: 1})
			spend, add = spend+7, add+1
		}
	})
	c.End()
	if err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Fatalf("%v: the capture differs from the state", err)
	}
	if chunks < 60 || hold <= 0 || hold > time.Minute {
		t.Errorf("told in %d turns, the longest %s", chunks, hold)
	}
}
