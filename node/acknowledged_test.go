package node_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// hides says whether a node shows nothing of what lies after a size, though it has it.
func hides(t *testing.T, what string, n *node.Node, size uint64) {
	t.Helper()
	if n.Log().Size() <= size {
		t.Errorf("%s has %d entries: the test shows nothing", what, n.Log().Size())
	}
	if n.Head().Size != size {
		t.Errorf("%s shows %d entries, of which %d are acknowledged", what, n.Head().Size, size)
	}
	c, err := txlog.ParseSigned(n.PublicCheckpoint())
	if err != nil || c.Size > size {
		t.Errorf("%s shows a checkpoint of %d entries, of which %d are acknowledged; %v", what, c.Size, size, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := n.View(short, func(*livestate.State, node.Head) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s shows its state: %v", what, err)
	}
}

// What too few followers have is shown by none of them, nor by a follower of theirs, nor after a restart; all of it as soon as
// it is acknowledged.
func TestAFollowerShowsWhatIsAcknowledged(t *testing.T) {
	ctx := t.Context()
	signer1, verifier1 := cosigner(t, "follower.one")
	signer2, verifier2 := cosigner(t, "follower.two")
	f := newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier1, verifier2}, 2 })
	c1, c2, c3 := f.copyConfig(), f.copyConfig(), f.copyConfig()
	one, stopOne := follow(t, c1, to(f.leader), signer1)
	two, stopTwo := follow(t, c2, to(f.leader), signer2)
	chained, stopChained := follow(t, c3, to(one), nil)
	f.populate(ctx)
	size := f.leader.Head().Size
	all := func(nodes ...*node.Node) func() bool {
		return func() bool {
			for _, n := range nodes {
				if c, _ := txlog.ParseSigned(n.PublicCheckpoint()); n.Head().Size != f.leader.Head().Size || c.Size != n.Head().Size {
					return false
				}
			}
			return true
		}
	}
	until(t, "everybody shows everything", all(one, two, chained))
	_ = stopTwo()

	paid := make(chan error, 1)
	go func() { paid <- f.pay(ctx, 7) }()
	until(t, "the first follower and its own have it", func() bool { return one.Log().Size() > size && chained.Log().Size() > size })
	hides(t, "the follower", one, size)
	hides(t, "the follower's follower", chained, size)
	_ = stopOne()
	_ = stopChained()
	nobody := to(nil)
	one, stopOne = follow(t, c1, nobody, signer1)
	hides(t, "the follower, started again without its leader,", one, size)
	_ = stopOne()

	one, _ = follow(t, c1, to(f.leader), signer1)
	chained, _ = follow(t, c3, to(one), nil)
	two, _ = follow(t, c2, to(f.leader), signer2)
	if err := <-paid; err != nil {
		t.Fatal(err)
	}
	until(t, "everybody shows the payment", all(one, two, chained))
	for _, n := range []*node.Node{one, two, chained} {
		if n.Head().Size <= size {
			t.Errorf("shows %d entries", n.Head().Size)
		}
		if err := n.View(ctx, func(*livestate.State, node.Head) {}); err != nil {
			t.Error(err)
		}
	}
}

// untelling is a leader of a time when no leader told what was acknowledged.
type untelling struct{ direct }

func (u untelling) Feed(ctx context.Context, from uint64) (io.ReadCloser, error) {
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(u.leader().Feed(ctx, from, false, func(frames []byte) error { _, err := w.Write(frames); return err }))
	}()
	return r, nil
}

// An older leader does not tell what was acknowledged: its follower shows what it has.
func TestAFollowerOfAnOlderLeaderShowsWhatItHas(t *testing.T) {
	f := newFleet(t, nil)
	f.populate(t.Context())
	c := f.copyConfig()
	n, stop := follow(t, c, to(f.leader), nil)
	until(t, "it shows everything", func() bool { return n.Head().Root == f.leader.Head().Root })
	_ = stop()
	n, _ = follow(t, c, untelling{to(f.leader)}, nil)
	if err := f.pay(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	until(t, "it shows the payment", func() bool { return n.Head().Root == f.leader.Head().Root })
}
