package node_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/failover"
)

// replaced is a leader that has a tail nobody acknowledged, and its successor, whose fence it has heard. successor is not opened yet.
type replaced struct {
	*fleet
	fence     node.Fence
	signed    []byte
	successor node.Config
	follower  node.Config // the other one, which promised
	cosigner  note.Signer // of it
	promised  uint64      // entries
}

// newReplaced has one of two followers lead, while the old leader goes on by itself and hears of it afterwards.
func newReplaced(t *testing.T) *replaced {
	t.Helper()
	signer1, verifier1 := cosigner(t, "follower.one")
	signer2, verifier2 := cosigner(t, "follower.two")
	r := &replaced{cosigner: signer2}
	r.fleet = newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier1, verifier2}, 1 })
	r.successor, r.follower = r.copyConfig(), r.copyConfig()
	one, stopOne := follow(t, r.successor, to(r.leader), signer1)
	two, stopTwo := follow(t, r.follower, to(r.leader), signer2)
	r.populate(t.Context())
	size := r.leader.Head().Size
	until(t, "both have all", func() bool { return one.Head().Size == size && two.Head().Size == size })
	asking, p := prepare(t, r.fleet, one, "word")
	promise, err := two.Promise(asking, false)
	if err != nil {
		t.Fatal(err)
	}
	opened, _, err := node.OpenPromise(promise, note.VerifierList(verifier2))
	if err != nil {
		t.Fatal(err)
	}
	r.promised = opened.Size
	_, _ = stopOne(), stopTwo()
	if one, err = node.Open(r.successor); err != nil {
		t.Fatal(err)
	}
	if err := one.Hold(asking, p); err != nil {
		t.Fatal(err)
	}
	if r.signed, r.fence, err = one.Promote(r.world.LogSigner, p); err != nil {
		t.Fatal(err)
	}
	_ = one.Close()
	unanswered(t, r.fleet) // written, signed, and acknowledged by nobody
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := r.leader.Submit(short, r.world.Issue(2, r.bank, fleetValid, 5)); !errors.Is(err, context.DeadlineExceeded) { // another block
		t.Fatal(err)
	}
	if err := r.leader.Fence(r.signed); err != nil {
		t.Fatal(err)
	}
	if r.leader.Log().Size() <= r.fence.Size || r.fence.Size != r.promised {
		t.Fatalf("%d entries, and a fence of %d", r.leader.Log().Size(), r.fence.Size)
	}
	r.successor.Leader, r.successor.Options.Signers, r.successor.Followers, r.successor.Acks = "", r.config.Options.Signers, []note.Verifier{verifier2}, 1
	return r
}

// A follower that promised copies nothing of what a replaced leader goes on with, though that one shows the newest fence; it says
// whom to follow, and the successor is answered.
func TestNobodyGoesOnWithWhatAReplacedLeaderWrote(t *testing.T) {
	r := newReplaced(t)
	n, stop := follow(t, r.follower, to(r.leader), r.cosigner)
	until(t, "it says why it does not copy", func() bool {
		state, _ := n.FollowState()
		return strings.Contains(state.Detail, "it was replaced") && strings.Contains(state.Detail, "Follow the leader of epoch 1")
	})
	if _, fence := n.KnownFence(); n.Log().Size() != r.promised || fence != r.fence || n.Err() != nil {
		t.Errorf("it has %d entries, and promised %d; it knows %+v; %v", n.Log().Size(), r.promised, fence, n.Err())
	}
	_ = stop()
	old := r.leader
	var err error
	if r.leader, err = node.Open(r.successor); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.leader.Close() })
	if _, c := r.leader.Log().Checkpoint(); node.EpochOf(c) != 1 || c.Size != r.fence.Size {
		t.Errorf("the successor begins with a checkpoint of %d entries of epoch %d", c.Size, node.EpochOf(c))
	}
	_, _ = follow(t, r.follower, to(r.leader), r.cosigner)
	if err := r.pay(t.Context(), 5); err != nil {
		t.Error("the successor:", err)
	}
	// Somebody who has less copies what the fence covers, and says the same; asked for a whole copy he does not wait.
	late := r.copyConfig()
	n, stop = follow(t, late, to(old), nil)
	until(t, "it has what the fence covers", func() bool { return n.Log().Size() == r.fence.Size })
	_ = stop()
	if n, err = node.Open(late); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var beyond *node.BeyondFenceError
	if err := n.FollowUntil(t.Context(), to(old), nil, old.Log().Size(), nil); !errors.As(err, &beyond) || beyond.ErrorCode() != string(node.OldLeader) {
		t.Errorf("a whole copy of a replaced leader: %v", err)
	}
}

// The candidate itself copies what the old leader had, before it writes; what it begins with it signs in its own epoch, so that
// followers take it from there.
func TestACandidateCopiesBeyondItsOwnFence(t *testing.T) {
	r := newReplaced(t)
	c := r.successor
	c.Leader, c.Options.Signers = "the old one", nil
	n, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	whole := r.leader.Log().Size()
	if err := n.FollowUntil(t.Context(), to(r.leader), nil, whole, nil); err != nil {
		t.Fatal(err)
	}
	_ = n.Close()
	if r.leader, err = node.Open(r.successor); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.leader.Close() })
	_, _ = follow(t, r.follower, to(r.leader), r.cosigner)
	until(t, "everybody knows the head", func() bool { return r.leader.HeadKnown() && r.leader.Head().Size == whole })
}

// A copy that has what its leader's predecessor left behind is the one that is put back, and says so: not the leader.
func TestWhoIsLeftBehindSaysThatItIsPutBack(t *testing.T) {
	r := newReplaced(t)
	tail := r.copyConfig()
	behind := to(r.leader)
	n, err := node.Open(tail)
	if err != nil {
		t.Fatal(err)
	}
	// It followed before the old leader had heard of the fence.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := n.FollowUntil(ctx, unfenced{behind}, nil, r.leader.Log().Size(), nil); err != nil {
		t.Fatal(err)
	}
	_ = n.Close()
	if r.leader, err = node.Open(r.successor); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.leader.Close() })
	n, _ = follow(t, tail, to(r.leader), nil)
	until(t, "the alarm", func() bool {
		state, _ := n.FollowState()
		return strings.Contains(state.Alarm, "Restore this copy from the leader") && strings.Contains(state.Alarm, "not the leader from here")
	})
	until(t, "it is a warning", func() bool {
		w := n.Warnings()
		return len(w) > 0 && strings.Contains(w[0], "Restore this copy")
	})
}

// unfenced is a leader before it heard of a fence.
type unfenced struct{ direct }

func (unfenced) Fence(context.Context) ([]byte, error) { return nil, nil }

// cutShort is a leader whose stream ends before the checkpoint that covers its last blocks, and who is not there again.
type cutShort struct {
	unfenced
	gone *atomic.Bool
}

func (c cutShort) Feed(ctx context.Context, from uint64) (io.ReadCloser, error) {
	if c.gone.Swap(true) {
		return nil, errors.New("connection refused")
	}
	stream, err := c.direct.Feed(ctx, from)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var passed bytes.Buffer
	for first := true; ; first = false {
		var frame bytes.Buffer
		f, err := node.ReadFrame(io.TeeReader(stream, &frame))
		if err != nil || !first && f.Checkpoint != nil {
			return io.NopCloser(&passed), nil
		}
		passed.Write(frame.Bytes())
	}
}

// Blocks of a replaced leader that came without the checkpoint over them are what is put back, whether the successor's log is shorter
// than they reach or longer: nothing is called invalid, or a history that was replaced.
func TestBlocksWithoutTheirCheckpointAreLeftBehind(t *testing.T) {
	for name, payments := range map[string]int{"shorter": 1, "longer": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReplaced(t)
			tail := r.copyConfig()
			n, stop := follow(t, tail, cutShort{unfenced{to(r.leader)}, new(atomic.Bool)}, nil)
			until(t, "it has the blocks", func() bool { return n.Log().Size() > r.fence.Size })
			if _, c := n.Log().Checkpoint(); c.Size >= n.Log().Size() {
				t.Fatal("and the checkpoint over them")
			}
			_ = stop()
			var err error
			if r.leader, err = node.Open(r.successor); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.leader.Close() })
			_, _ = follow(t, r.follower, to(r.leader), r.cosigner)
			for range payments {
				if err := r.pay(t.Context(), 5); err != nil {
					t.Fatal(err)
				}
			}
			n, _ = follow(t, tail, to(r.leader), nil)
			until(t, "it says that it is put back", func() bool {
				state, _ := n.FollowState()
				return strings.Contains(state.Alarm, "Restore this copy from the leader") || n.Err() != nil
			})
			if err := n.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMayCopy(t *testing.T) {
	for _, c := range []struct {
		size, fence, signed, epoch uint64
		may                        bool
	}{
		{0, 0, 0, 0, true}, {9, 0, 0, 0, true}, {9, 9, 0, 1, true}, {10, 9, 0, 1, false}, {10, 9, 1, 1, true}, {10, 9, 2, 1, true}, {10, 9, 1, 2, false},
	} {
		if failover.MayCopy(c.size, c.fence, c.signed, c.epoch) != c.may {
			t.Errorf("%+v", c)
		}
	}
}
