package node_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// town is a small running network: a bank with money, two wallets.
type town struct {
	t     *testing.T
	world *sim.World
	dir   string
	node  *node.Node
	bank  token.WalletID
	alice token.WalletID
	bob   token.WalletID
	queue int // of the node; 0 is the usual
	// likewise; 0 is the usual
	patience time.Duration

	segment int64 // bytes of a segment of the log
}

func (w *town) config() node.Config {
	return node.Config{Dir: w.dir, Queue: w.queue, Patience: w.patience, Options: txlog.Options{Origin: w.world.Genesis.Name, Signers: []note.Signer{w.world.LogSigner}, SegmentBytes: w.segment}}
}

func (w *town) open() {
	w.t.Helper()
	n, err := node.Open(w.config())
	if err != nil {
		w.t.Fatal(err)
	}
	w.node = n
}

func (w *town) submit(tx *token.Transaction) node.Receipt {
	w.t.Helper()
	receipt, err := w.node.Submit(context.Background(), tx)
	if err != nil {
		w.t.Fatalf("%s: %v", tx.Body.Kind(), err)
	}
	return receipt
}

func soon() uint64 { return uint64(time.Now().Add(time.Minute).UnixMilli()) }

func newTown(t *testing.T) *town { return newTownOf(t, 1<<20) }

// newTownOf makes a town whose log has segments of so many bytes.
func newTownOf(t *testing.T, segment int64) *town {
	w := &town{t: t, world: sim.NewWorld(1), dir: t.TempDir(), segment: segment}
	if err := node.Init(w.config(), w.world.Genesis); err != nil {
		t.Fatal(err)
	}
	w.open()
	t.Cleanup(func() { w.node.Close() }) // whichever is open then
	tx, bank := w.world.Admit("bank", 1, soon())
	w.submit(tx)
	w.bank = bank
	tx, w.alice = w.world.Register("bank", bank, 1, "alice", 1, soon())
	w.submit(tx)
	tx, w.bob = w.world.Register("bank", bank, 2, "bob", 0, soon())
	w.submit(tx)
	issue := w.world.Issue(1, bank, soon(), 1_000_000*money.Tenge)
	w.submit(issue)
	w.submit(w.world.Pay(bank, w.world.Key("bank treasury"), w.alice, 100_000*money.Tenge,
		[]token.ID{token.OutputID(issue.ID(), 0)}, 1_000_000*money.Tenge, soon()))
	return w
}

func (w *town) balance(id token.WalletID) (balance money.Tiyn) {
	w.t.Helper()
	err := w.node.View(context.Background(), func(s *livestate.State, _ node.Head) {
		wallet, _ := s.Wallet(id)
		balance = wallet.Balance
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return balance
}

// pay has alice pay bob through token selection, as a wallet does.
func (w *town) pay(amount money.Tiyn) (node.Receipt, error) {
	selection, err := w.node.Select(context.Background(), w.alice, amount)
	if err != nil {
		return node.Receipt{}, err
	}
	var inputs []token.ID
	for _, in := range selection.Tokens {
		inputs = append(inputs, in.ID)
	}
	return w.node.Submit(context.Background(), w.world.Pay(w.alice, w.world.Key("alice"), w.bob, amount, inputs, selection.Total, soon()))
}

func TestPaymentsSurviveRestart(t *testing.T) {
	w := newTown(t)
	for range 5 {
		if _, err := w.pay(1000 * money.Tenge); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // from a snapshot, then from the log alone
		if a, b := w.balance(w.alice), w.balance(w.bob); a != 95_000*money.Tenge || b != 5_000*money.Tenge {
			t.Fatalf("balances %s and %s", a, b)
		}
		if err := w.node.Close(); err != nil {
			t.Fatal(err)
		}
		w.open()
	}
}

func TestTheSameTransactionTwiceGetsTheSameAnswer(t *testing.T) {
	w := newTown(t)
	selection, err := w.node.Select(context.Background(), w.alice, 500)
	if err != nil {
		t.Fatal(err)
	}
	tx := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 500, []token.ID{selection.Tokens[0].ID}, selection.Total, soon())
	first := w.submit(tx)
	if again := w.submit(tx); again != first {
		t.Fatalf("first %+v, again %+v", first, again)
	}
	if err := w.node.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	if again := w.submit(tx); again != first {
		t.Fatalf("first %+v, after a restart %+v", first, again)
	}
}

// A snapshot taken while the node runs is the same, to the byte, as the one it takes when it is closed.
func TestASnapshotOfARunningNodeIsTheSame(t *testing.T) {
	w := newTown(t)
	for range 3 {
		if _, err := w.pay(100 * money.Tenge); err != nil {
			t.Fatal(err)
		}
		if err := w.node.Snapshot(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "snapshots", "*.snapshot"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v; want the two newest", files, err)
	}
	running, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := w.node.Close(); err != nil { // takes one of the live state, under the same name
		t.Fatal(err)
	}
	live, err := os.ReadFile(files[1])
	if err != nil || !bytes.Equal(running, live) {
		t.Fatalf("the snapshots differ: %d and %d bytes, %v", len(running), len(live), err)
	}
}

// Snapshots are taken while payments go on; a start from the last of them gives what the whole log gives.
func TestSnapshotsWhilePaymentsGoOn(t *testing.T) {
	w := newTown(t)
	done, taken := make(chan struct{}), make(chan error, 1)
	go func() {
		for count := 0; ; count++ {
			select {
			case <-done:
				if count == 0 {
					taken <- errors.New("no snapshot was taken")
				}
				close(taken)
				return
			default:
				if err := w.node.Snapshot(); err != nil {
					taken <- err
					return
				}
			}
		}
	}()
	for range 80 {
		if _, err := w.pay(10 * money.Tenge); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	if c := w.node.Counts(); c.Snapshots == 0 || c.SnapshotBytes == 0 || c.SnapshotHoldMillis <= 0 {
		t.Errorf("counted %+v", c)
	}
	for range 8 { // the tail after the last
		if _, err := w.pay(10 * money.Tenge); err != nil {
			t.Fatal(err)
		}
	}
	var roots []txlog.Hash
	look := func() {
		err := w.node.View(t.Context(), func(state *livestate.State, _ node.Head) { roots = append(roots, stateRoot(t, state)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	look()
	snapshots := filepath.Join(w.dir, "snapshots")
	kept, err := os.ReadDir(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.node.Close(); err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadDir(snapshots)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range now { // as if it had been killed
		if !slices.ContainsFunc(kept, func(k os.DirEntry) bool { return k.Name() == file.Name() }) {
			if err := os.Remove(filepath.Join(snapshots, file.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.open()
	look()
	if err := w.node.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(snapshots); err != nil {
		t.Fatal(err)
	}
	w.open()
	look()
	if roots[0] != roots[1] || roots[0] != roots[2] {
		t.Errorf("live, from a snapshot, and from the log: %v", roots)
	}
}

// A node that is closed while its index is behind closes all the same, and indexes the rest at its next start.
func TestClosingWhileTheIndexIsBehind(t *testing.T) {
	f := newFleet(t, nil)
	f.populate(t.Context())
	for range 30 {
		if err := f.leader.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(f.config.Dir, "index")); err != nil {
			t.Fatal(err)
		}
		f.open() // and closed at once
	}
	if err := f.leader.WaitIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	if items, _, err := f.leader.History(t.Context(), f.bank, 1<<62, 10); err != nil || len(items) == 0 {
		t.Errorf("%d lines of history, %v", len(items), err)
	}
}
