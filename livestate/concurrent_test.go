package livestate

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// The state goes on in other goroutines, and is read in others, while a capture is written, all under the one lock as in
// a node: what is written is the moment's state to the byte, and what goes on loses nothing.
func TestACaptureWhilePaymentsGoOnElsewhere(t *testing.T) {
	s := &swept{state: New([32]byte{5}), rng: rand.New(rand.NewPCG(1, 2)), tokens: map[token.ID]ledger.Token{}}
	ledger.ApplyGenesis(s.state, sim.NewWorld(1).Genesis)
	for range 300 {
		s.wallet()
	}
	for range 3000 {
		s.add()
	}
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
	var lock sync.RWMutex
	for round := range 4 {
		var want, got bytes.Buffer
		root, err := s.state.WriteSnapshot(&want, at)
		if err != nil {
			t.Fatal(err)
		}
		lock.Lock()
		c := s.state.Capture(at)
		c.pace = pace{rows: 50 + 100*round, rare: 1, slots: 40}
		lock.Unlock()
		done := make(chan struct{})
		var others sync.WaitGroup
		others.Go(func() { // the one writer
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				lock.Lock()
				for range 5 {
					s.add()
					s.remove()
					s.remove()
				}
				if s.wallet(); i%3 == 0 {
					s.add()
				}
				lock.Unlock()
			}
		})
		for reader := range 2 {
			others.Go(func() {
				for i := reader; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					lock.RLock()
					owner := s.owners[i%len(s.owners)]
					w, _ := s.state.Wallet(owner)
					if got := len(s.state.TokensOf(owner, 1<<20)); got != int(w.Tokens) {
						t.Errorf("%d tokens of a wallet of %d", got, w.Tokens)
					}
					lock.RUnlock()
				}
			})
		}
		late, _, err := c.Write(&got, &lock, func() {})
		close(done)
		others.Wait()
		c.End()
		if err != nil || late != root || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Fatalf("round %d: the capture is not the state of its moment: %v", round, err)
		}
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
	}
}

// fullAfter is a disk that takes so many bytes.
type fullAfter struct{ left int }

var errFull = errors.New("the disk is full")

func (f *fullAfter) Write(b []byte) (int, error) {
	if n := min(len(b), f.left); n < len(b) {
		f.left = 0
		return n, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

// A capture that cannot be written ends with the disk's error wherever it breaks off. The state keeps nothing of it: the
// next snapshot is of the state as it is then, changes meanwhile included, and the half one is refused.
func TestACaptureThatBreaksOff(t *testing.T) {
	s := populated(50, 20_000)
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
	var whole bytes.Buffer
	if _, err := s.WriteSnapshot(&whole, at); err != nil {
		t.Fatal(err)
	}
	made := 20_000
	for _, size := range []int{0, 1, len(snapshotMagic), 1000, 1 << 18, 1<<18 + 1, whole.Len() / 2, whole.Len() - 40, whole.Len() - 1} {
		c := s.Capture(at)
		c.pace.rows = 500
		_, _, err := c.Write(&fullAfter{size}, new(sync.Mutex), func() {
			s.RemoveToken(benchToken(made - 20_000))
			s.AddToken(benchToken(made), ledger.Token{Wallet: benchWallet(made % 50), Amount: 100})
			made++
		})
		if !errors.Is(err, errFull) {
			t.Fatalf("cut at %d: %v", size, err)
		}
		c.End()
		if s.capture != nil {
			t.Fatalf("cut at %d: the state still keeps what changes", size)
		}
		var next bytes.Buffer
		if _, err := s.WriteSnapshot(&next, at); err != nil {
			t.Fatalf("after %d: %v", size, err)
		}
		back, _, err := ReadSnapshot(&next, [32]byte{})
		if err != nil {
			t.Fatalf("after %d: %v", size, err)
		}
		if tokens, _ := back.Counts(); tokens != 20_000 || back.LiveTotal() != s.LiveTotal() {
			t.Fatalf("after %d: %d tokens of %d", size, tokens, back.LiveTotal())
		}
		if _, _, err := ReadSnapshot(bytes.NewReader(whole.Bytes()[:size]), [32]byte{}); err == nil {
			t.Fatalf("a snapshot of its first %d bytes is read", size)
		}
	}
}

// A wallet whose row says another number of tokens than it has makes no snapshot, which would be of another state; the
// next one, once they agree, is whole.
func TestARowThatLiesMakesNoSnapshot(t *testing.T) {
	s := populated(3, 30)
	at := Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}}
	w, _ := s.Wallet(benchWallet(1))
	for _, count := range []uint32{w.Tokens - 1, w.Tokens + 1, 0, none} {
		lying := w
		lying.Tokens = count
		s.PutWallet(benchWallet(1), lying)
		if _, err := s.WriteSnapshot(new(bytes.Buffer), at); err == nil {
			t.Errorf("a wallet of %d tokens is written as of %d", w.Tokens, count)
		}
	}
	s.PutWallet(benchWallet(1), w)
	var out bytes.Buffer
	if _, err := s.WriteSnapshot(&out, at); err != nil {
		t.Fatal(err)
	}
	if !consistent(t, out.Bytes()) {
		t.Error("the snapshot after it is refused")
	}
}
