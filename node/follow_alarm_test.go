package node_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// logged is a log to look into while it is written.
type logged struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logged) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.all.String(), s)
}

// payTogether pays several times in one block.
func (f *fleet) payTogether(ctx context.Context, amounts ...money.Tiyn) {
	f.t.Helper()
	var txs []*token.Transaction
	for _, amount := range amounts {
		tx := f.world.Pay(f.bank, f.world.Key("bank treasury"), f.shop, amount, []token.ID{f.coin}, f.rest, fleetValid)
		f.coin, f.rest = token.OutputID(tx.ID(), 1), f.rest-amount
		txs = append(txs, tx)
	}
	_, errs := f.leader.SubmitAll(ctx, txs)
	if err := errors.Join(errs...); err != nil {
		f.t.Fatal(err)
	}
}

// A leader that rewrote its history is found out wherever the blocks of the new one begin: at the entry that a follower
// asks for next, or before and after it.
func TestAForkIsSeenWhereverItsBlocksBegin(t *testing.T) {
	ctx := t.Context()
	f, g := newFleet(t, nil), newFleet(t, nil)
	f.populate(ctx)
	g.populate(ctx)
	leader := to(f.leader)
	n, stop := follow(t, f.copyConfig(), leader, nil)
	for range 5 {
		if err := f.pay(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the follower has everything", func() bool { return n.Head().Root == f.leader.Head().Root })
	g.payTogether(ctx, 100, 100)
	for range 9 {
		if err := g.pay(ctx, 100); err != nil {
			t.Fatal(err)
		}
	}
	size := n.Log().Size()
	if info, err := g.leader.Log().BatchOf(size); err != nil || info.FirstIndex == size {
		t.Fatalf("entry %d begins a block of the fork: %v", size, err)
	}
	leader.pointer.Store(g.leader)
	_ = f.leader.Close()
	until(t, "it stops", func() bool { return n.Err() != nil })
	var evidence *node.EvidenceError
	if err := stop(); !errors.As(err, &evidence) {
		t.Fatalf("it stopped for %v", err)
	}
	verifier, _ := note.NewVerifier(f.world.Genesis.LogKey)
	if verdict, err := evidence.Evidence.Check(verifier); err != nil || verdict != node.Forked {
		t.Error(err)
	}
}

// A leader with less than it signed to the follower is an alarm, until it has that again.
func TestALeaderThatWentBackIsAnAlarm(t *testing.T) {
	ctx := t.Context()
	f, g := newFleet(t, nil), newFleet(t, nil)
	f.populate(ctx)
	g.populate(ctx)
	leader, log := to(f.leader), &logged{}
	c := f.copyConfig()
	c.Logger = slog.New(slog.NewTextHandler(log, nil))
	n, _ := follow(t, c, leader, nil)
	for range 5 {
		if err := f.pay(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the follower has everything", func() bool { return n.Head().Root == f.leader.Head().Root })
	if err := g.pay(ctx, 1); err != nil { // the beginning of the same history
		t.Fatal(err)
	}
	leader.pointer.Store(g.leader)
	_ = f.leader.Close()
	alarmed := func() bool { state, _ := n.FollowState(); return strings.Contains(state.Alarm, "gone back") }
	until(t, "the alarm", alarmed)
	if state, _ := n.FollowState(); state.Connected || state.Lag != nil || n.Err() != nil {
		t.Errorf("%+v, %v", state, n.Err())
	}
	if len(n.Warnings()) == 0 || !strings.Contains(n.Warnings()[0], "gone back") {
		t.Errorf("warnings %q", n.Warnings())
	}
	until(t, "the line of the alarm", func() bool { return log.count("level=ERROR") > 0 }) // it comes after the state
	if log.count("level=ERROR") != 1 {
		t.Errorf("%d lines at ERROR", log.count("level=ERROR"))
	}
	_ = g.leader.Close()
	f.open()
	leader.pointer.Store(f.leader)
	until(t, "the alarm ends", func() bool { state, _ := n.FollowState(); return state.Alarm == "" && state.Connected })
}

// garbling is a leader whose answers are damaged a few times on their way.
type garbling struct {
	direct
	times *atomic.Int64
}

func (g garbling) Fence(ctx context.Context) ([]byte, error) {
	if g.times.Add(-1) >= 0 {
		return []byte(`{"amount":100,"purpose":0,"wait_millis":120000}`), nil
	}
	return g.direct.Fence(ctx)
}

// A fence that cannot be read says nothing of who leads: the follower asks again, and goes on.
func TestAGarbledFenceIsAskedForAgain(t *testing.T) {
	f := newFleet(t, nil)
	f.populate(t.Context())
	leader := garbling{to(f.leader), new(atomic.Int64)}
	leader.times.Store(2)
	n, _ := follow(t, f.copyConfig(), leader, nil)
	until(t, "the follower has everything", func() bool { return n.Head().Root == f.leader.Head().Root || n.Err() != nil })
	if err := n.Err(); err != nil {
		t.Error(err)
	}
}

// Two followers that are promoted at once: both stop at the sight of the other's fence, neither opens to write, and the one
// that is promoted again leads.
func TestTwoPromotionsOfOneEpochStopBoth(t *testing.T) {
	ctx := t.Context()
	f := newFleet(t, nil)
	f.populate(ctx)
	var configs []node.Config
	var fences [][]byte
	for _, word := range []string{"one", "two"} {
		c := f.copyConfig()
		n, stop := follow(t, c, to(f.leader), nil)
		until(t, "the follower has everything", func() bool { return n.Head().Root == f.leader.Head().Root })
		signed, _, err := promote(n, f.world.LogSigner, word)
		if err != nil {
			t.Fatal(err)
		}
		_ = stop()
		c.Leader, c.Options.Signers, c.Options.Verifiers = "", []note.Signer{f.world.LogSigner}, nil
		configs, fences = append(configs, c), append(fences, signed)
	}
	pay := f.world.Pay(f.bank, f.world.Key("bank treasury"), f.shop, 5, []token.ID{f.coin}, f.rest, fleetValid)
	for i := range configs {
		n, err := node.Open(configs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Submit(ctx, pay); err != nil {
			t.Fatal(err)
		}
		if err := n.Fence(fences[1-i]); codeOf(err) != node.FenceConflict {
			t.Errorf("the other's fence: %v", err)
		}
		if codeOf(n.Err()) != node.FenceConflict {
			t.Errorf("it goes on: %v", n.Err())
		}
		if err := f.pay(ctx, 1); err != nil {
			t.Fatal(err)
		}
		_ = n.Close()
		if _, err := node.Open(configs[i]); codeOf(err) != node.FenceConflict {
			t.Errorf("it opens: %v", err)
		}
	}
	c := configs[0]
	if !node.InConflict(vfs.OS, c.Dir) {
		t.Error("its directory does not say that it is in conflict")
	}
	c.Leader = "nobody"
	n, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	signed, fence, err := promote(n, f.world.LogSigner, "three")
	if err != nil || fence.Epoch != 2 {
		t.Fatal(fence, err)
	}
	_ = n.Close()
	if node.InConflict(vfs.OS, c.Dir) {
		t.Error("the conflict does not end")
	}
	if n, err = node.Open(configs[0]); err != nil {
		t.Fatal("the one that was promoted again does not lead:", err)
	}
	_ = n.Close()
	configs[1].Leader, configs[1].Options.Signers = "the new one", nil
	if n, err = node.Open(configs[1]); err != nil {
		t.Fatal("the other does not follow:", err)
	}
	if err := n.Fence(signed); err != nil {
		t.Error(err)
	}
	_ = n.Close()
}

// A follower that learns while it follows that another leads acknowledges nothing more to the old leader.
func TestAFollowerThatIsToldLeavesTheOldLeader(t *testing.T) {
	ctx := t.Context()
	signer, verifier := cosigner(t, "follower.one")
	f := newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier}, 1 })
	n, _ := follow(t, f.copyConfig(), to(f.leader), signer)
	f.populate(ctx)
	other, stop := follow(t, f.copyConfig(), to(f.leader), nil)
	until(t, "the other has everything", func() bool { return other.Head().Root == f.leader.Head().Root })
	signed, _, err := promote(other, f.world.LogSigner, "word")
	if err != nil {
		t.Fatal(err)
	}
	_ = stop()
	if err := n.Fence(signed); err != nil {
		t.Fatal(err)
	}
	until(t, "it leaves", func() bool { return n.Err() != nil })
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if err := f.pay(short, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the old leader answers: %v", err)
	}
}

// hanging is a leader whose connections stand: no answer comes, or a stream says nothing.
type hanging struct {
	direct
	opens bool
}

func (h hanging) Feed(ctx context.Context, _ uint64) (io.ReadCloser, error) {
	if !h.opens {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r, _ := io.Pipe()
	return r, nil
}

// A connection that says nothing is given up, whether it hangs before the answer or in its midst.
func TestASilentConnectionIsGivenUp(t *testing.T) {
	for _, opens := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			_, err := node.Standing(t.Context(), hanging{opens: opens})
			if err == nil || !strings.Contains(err.Error(), "said nothing") {
				t.Error(err)
			}
			if took := time.Since(began); took != node.SilenceBound { // simulated
				t.Errorf("after %s", took)
			}
		})
	}
}
