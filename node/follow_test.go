package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// direct speaks to a leader in this process; the leader may be replaced by another.
type direct struct{ pointer *atomic.Pointer[node.Node] }

func (d direct) leader() *node.Node { return d.pointer.Load() }

// to speaks to one node.
func to(n *node.Node) direct {
	d := direct{new(atomic.Pointer[node.Node])}
	d.pointer.Store(n)
	return d
}

func (d direct) Feed(ctx context.Context, from uint64) (io.ReadCloser, error) {
	r, w := io.Pipe()
	leader := d.leader()
	if leader == nil {
		return nil, errors.New("connection refused")
	}
	go func() {
		w.CloseWithError(leader.Feed(ctx, from, true, func(frames []byte) error {
			_, err := w.Write(frames)
			return err
		}))
	}()
	return r, nil
}

func (d direct) Tile(_ context.Context, t txlog.Tile) ([]byte, error) {
	return d.leader().Log().ReadTile(t)
}

func (d direct) Checkpoint(context.Context) ([]byte, error) {
	if d.leader() == nil {
		return nil, errors.New("connection refused")
	}
	if signed := d.leader().PublicCheckpoint(); signed != nil {
		return signed, nil
	}
	return nil, errors.New("no checkpoint has been published yet")
}

func (d direct) Fence(context.Context) ([]byte, error) {
	if d.leader() == nil {
		return nil, errors.New("connection refused")
	}
	signed, _ := d.leader().KnownFence()
	return signed, nil
}

func (d direct) Signers(context.Context) ([]byte, error) { return d.leader().Links() }

func (d direct) Cosign(_ context.Context, signed []byte) error {
	return d.leader().Cosign(signed, node.Cosigner{})
}

// cosigner makes a follower's key: to sign with, and as the leader knows it.
func cosigner(t testing.TB, name string) (note.Signer, note.Verifier) {
	t.Helper()
	signer, verifier, _ := cosignerKeys(t, name)
	return signer, verifier
}

// cosignerKeys is cosigner with the public key as text.
func cosignerKeys(t testing.TB, name string) (note.Signer, note.Verifier, string) {
	t.Helper()
	secret, public, err := note.GenerateKey(nil, name)
	if err == nil {
		public, err = formats.VKeyToCosignatureV1(public)
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := formats.NewSignerForCosignatureV1(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := formats.NewVerifierForCosignatureV1(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, verifier, public
}

// fleet is a leader and what a follower of it needs.
type fleet struct {
	t      *testing.T
	world  *sim.World
	config node.Config
	leader *node.Node
	bank   token.WalletID
	shop   token.WalletID
	coin   token.ID
	rest   money.Tiyn
}

func newFleetWorld() *sim.World { return sim.NewWorld(33) }

const fleetValid = sim.StartMillis + 1_800_000

func newFleet(t *testing.T, change func(c *node.Config)) *fleet {
	t.Helper()
	f := &fleet{t: t, world: newFleetWorld()}
	f.config = node.Config{Dir: t.TempDir(), Now: func() uint64 { return sim.StartMillis + 1000 },
		Options: txlog.Options{Origin: f.world.Genesis.Name, Signers: []note.Signer{f.world.LogSigner},
			SegmentBytes: 1 << 16, FS: disk.Spacious()}}
	if err := node.Init(f.config, f.world.Genesis); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&f.config)
	}
	f.open()
	return f
}

func (f *fleet) open() {
	f.t.Helper()
	var err error
	if f.leader, err = node.Open(f.config); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = f.leader.Close() })
}

// populate makes a bank with money and a shop.
func (f *fleet) populate(ctx context.Context) {
	f.t.Helper()
	admit, bank := f.world.Admit("bank", 1, fleetValid)
	register, shop := f.world.Register("bank", bank, 1, "shop", 2, fleetValid)
	issue := f.world.Issue(1, bank, fleetValid, 1_000_000*money.Tenge)
	for _, tx := range []*token.Transaction{admit, register, issue} {
		if _, err := f.leader.Submit(ctx, tx); err != nil {
			f.t.Fatal(err)
		}
	}
	f.bank, f.shop, f.coin, f.rest = bank, shop, token.OutputID(issue.ID(), 0), 1_000_000*money.Tenge
}

// pay pays an amount to the shop.
func (f *fleet) pay(ctx context.Context, amount money.Tiyn) error {
	tx := f.world.Pay(f.bank, f.world.Key("bank treasury"), f.shop, amount, []token.ID{f.coin}, f.rest, fleetValid)
	_, err := f.leader.Submit(ctx, tx)
	if err == nil {
		f.coin, f.rest = token.OutputID(tx.ID(), 1), f.rest-amount
	}
	return err
}

// copyConfig is a follower's, in a new directory that holds the genesis.
func (f *fleet) copyConfig() node.Config {
	f.t.Helper()
	verifier, err := note.NewVerifier(f.world.Genesis.LogKey)
	if err != nil {
		f.t.Fatal(err)
	}
	c := node.Config{Dir: f.t.TempDir(), Leader: "the leader", Now: f.config.Now,
		Options: txlog.Options{Origin: f.world.Genesis.Name, Verifiers: note.VerifierList(verifier),
			SegmentBytes: 1 << 16, FS: disk.Spacious()}}
	genesis, err := f.leader.Log().Entry(0)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := node.InitCopy(c, genesis); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// follow runs a follower until stop, which returns how following ended.
func follow(t *testing.T, c node.Config, leader node.Leader, cosigner note.Signer) (n *node.Node, stop func() error) {
	t.Helper()
	n, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Follow(ctx, leader, cosigner) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		err := <-ended
		return errors.Join(err, n.Close())
	}
	t.Cleanup(func() { _ = stop() })
	return n, stop
}

// until waits for something to come about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 3000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never came about: " + what)
}

func rootOf(t *testing.T, n *node.Node) (root txlog.Hash) {
	t.Helper()
	if err := n.View(context.Background(), func(s *livestate.State, _ node.Head) {
		root = stateRoot(t, s)
	}); err != nil {
		t.Fatal(err)
	}
	return root
}

// A follower copies what was and what comes, answers questions, takes no transactions, goes on after either side's
// restart, and its cosignature stands on the checkpoint that the leader serves.
func TestFollowerCopiesAndCosigns(t *testing.T) {
	ctx := t.Context()
	signer, verifier := cosigner(t, "follower.one")
	f := newFleet(t, func(c *node.Config) { c.Followers = []note.Verifier{verifier} })
	f.populate(ctx)
	leader := to(f.leader)
	c := f.copyConfig()
	n, stop := follow(t, c, leader, signer)
	for i := range 20 {
		if err := f.pay(ctx, money.Tiyn(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	caughtUp := func() bool { return n.Head().Root == f.leader.Head().Root }
	until(t, "the follower has everything", caughtUp)
	if rootOf(t, n) != rootOf(t, f.leader) {
		t.Error("the follower's state is another")
	}
	if state, follows := n.FollowState(); !follows || !state.Connected || state.Lag == nil || *state.Lag != 0 ||
		state.LeaderSize != n.Head().Size {
		t.Errorf("it says %+v", state)
	}
	if err := n.WaitIndex(ctx); err != nil {
		t.Fatal(err)
	}
	if items, _, err := n.History(ctx, f.shop, 1<<62, 100); err != nil || len(items) != 21 {
		t.Errorf("%d lines of history, %v", len(items), err)
	}
	var refusal *token.Error
	if _, err := n.Submit(ctx, f.world.Issue(2, f.bank, fleetValid, 1)); !errors.As(err, &refusal) ||
		refusal.Code != node.Following {
		t.Errorf("a follower took a transaction: %v", err)
	}
	until(t, "acknowledged", func() bool {
		list := f.leader.Followers()
		return len(list) == 1 && list[0].Lag != nil && *list[0].Lag == 0 && list[0].Name == "follower.one"
	})
	until(t, "a cosigned checkpoint is served", func() bool {
		_ = f.pay(ctx, 1)
		time.Sleep(20 * time.Millisecond)
		signed, _ := f.leader.Log().Checkpoint()
		_, opened, err := txlog.OpenCheckpoint(signed, f.world.Genesis.Name, note.VerifierList(verifier))
		return err == nil && len(opened.Sigs) == 1
	})

	// The leader restarts; then the follower.
	leader.pointer.Store(nil)
	if err := f.leader.Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "the follower notices", func() bool { s, _ := n.FollowState(); return !s.Connected })
	f.open()
	leader.pointer.Store(f.leader)
	if err := f.pay(ctx, 5); err != nil {
		t.Fatal(err)
	}
	until(t, "it has caught up", caughtUp)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for range 5 {
		if err := f.pay(ctx, 5); err != nil {
			t.Fatal(err)
		}
	}
	n, _ = follow(t, c, leader, signer)
	until(t, "it has caught up after its restart", caughtUp)
	if rootOf(t, n) != rootOf(t, f.leader) {
		t.Error("the follower's state is another")
	}
}

// Where a follower must acknowledge, nothing is answered or shown before he has; what was sent meanwhile is
// answered as soon as he is there.
func TestNothingIsAnsweredWithoutTheFollower(t *testing.T) {
	signer, verifier := cosigner(t, "follower.one")
	f := newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier}, 1 })
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	admit, _ := f.world.Admit("bank", 1, fleetValid)
	if _, err := f.leader.Submit(short, admit); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("answered without a follower: %v", err)
	}
	if f.leader.Log().Size() == 1 || f.leader.Head().Size != 1 {
		t.Errorf("the log has %d entries and the head states %d", f.leader.Log().Size(), f.leader.Head().Size)
	}
	short, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := f.leader.Submit(short, admit); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the same sent again was answered: %v", err)
	}
	if f.leader.PublicCheckpoint() != nil {
		t.Error("a checkpoint is shown that the follower does not have")
	}
	// Nor does a restart make it known.
	if err := f.leader.Close(); err != nil {
		t.Fatal(err)
	}
	f.open()
	if f.leader.Head().Size != 1 {
		t.Errorf("after a restart the head states %d", f.leader.Head().Size)
	}
	short, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := f.leader.View(short, func(*livestate.State, node.Head) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the state is shown: %v", err)
	}
	n, _ := follow(t, f.copyConfig(), to(f.leader), signer)
	f.populate(t.Context()) // admits again: the same answer
	for range 10 {
		if err := f.pay(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		if n.Log().Size() < f.leader.Head().Size {
			t.Error("answered before the follower had it")
		}
	}
}

// A leader whose key signs another history is left, with evidence that holds; whichever of the two is longer.
func TestTwoHistoriesAreEvidence(t *testing.T) {
	for _, payments := range []int{1, 5, 9} { // of the second history, where the first has 5
		t.Run(fmt.Sprint(payments), func(t *testing.T) {
			ctx := t.Context()
			f, g := newFleet(t, nil), newFleet(t, nil)
			f.populate(ctx)
			g.populate(ctx)
			leader := to(f.leader)
			n, stop := follow(t, f.copyConfig(), leader, nil)
			for i := range 5 {
				if err := f.pay(ctx, money.Tiyn(i+1)); err != nil {
					t.Fatal(err)
				}
			}
			until(t, "the follower has everything", func() bool { return n.Head().Root == f.leader.Head().Root })
			for range payments {
				if err := g.pay(ctx, 100); err != nil {
					t.Fatal(err)
				}
			}
			leader.pointer.Store(g.leader)
			_ = f.leader.Close() // the stream ends, and the follower comes to the other one
			until(t, "it stops", func() bool { return n.Err() != nil })
			var evidence *node.EvidenceError
			if err := stop(); !errors.As(err, &evidence) {
				t.Fatalf("it stopped for %v", err)
			}
			verifier, _ := note.NewVerifier(f.world.Genesis.LogKey)
			if verdict, err := evidence.Evidence.Check(verifier); err != nil || verdict != node.Forked {
				t.Error(err)
			}
			if files, _ := filepath.Glob(filepath.Join(filepath.Dir(evidence.File), node.EvidencePattern)); len(
				files) != 1 {
				t.Errorf("evidence in %v", files)
			}
			forged := evidence.Evidence
			forged.Root[0] ^= 1
			if _, err := forged.Check(verifier); err == nil {
				t.Error("evidence with another root holds")
			}
			forged = evidence.Evidence
			forged.Longer = forged.Shorter
			if _, err := forged.Check(verifier); err == nil {
				t.Error("evidence with one checkpoint twice holds")
			}
		})
	}
}

// A leader that signs what breaks a rule is not followed, and the state that the bad block spoiled is not shown.
func TestAFollowerChecksTheRules(t *testing.T) {
	ctx := t.Context()
	f := newFleet(t, nil)
	f.populate(ctx)
	good := f.copyConfig()
	head := f.leader.Head()
	if err := f.leader.Close(); err != nil {
		t.Fatal(err)
	}
	appendForged(t, f)
	f.config.Leader = "itself" // serves the log without executing it
	evil, err := node.Open(f.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = evil.Close() })
	n, stop := follow(t, good, to(evil), nil)
	until(t, "it stops", func() bool { return n.Err() != nil })
	if err := n.View(ctx, func(*livestate.State, node.Head) {}); err == nil {
		t.Error("the state is shown")
	}
	if size := n.Log().Size(); size > head.Size {
		t.Errorf("it has kept %d entries, of which %d hold", size, head.Size)
	}
	if err := stop(); err == nil {
		t.Error("it followed")
	}
}
