package node_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// A read of what no follower has acknowledged ends with what it waits for; who asked for less time is answered with his own error.
func TestAReadThatWaitsForFollowersEnds(t *testing.T) {
	_, verifier := cosigner(t, "follower.one")
	f := newFleet(t, func(c *node.Config) {
		c.Followers, c.Acks, c.ReadBound = []note.Verifier{verifier}, 1, 300*time.Millisecond
	})
	admit, _ := f.world.Admit("bank", 1, fleetValid)
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := f.leader.Submit(short, admit); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	until(t, "it was executed", func() bool { return f.leader.Log().Size() > 1 })
	read := func(ctx context.Context) error {
		return f.leader.View(ctx, func(*livestate.State, node.Head) {})
	}
	err := read(t.Context())
	if codeOf(err) != node.NotYet || !strings.Contains(err.Error(), "waits for followers, of which 0 are here and 1 must have it") {
		t.Errorf("a read is answered %v", err)
	}
	until(t, "the index has it", func() bool {
		_, _, err = f.leader.LookupRead(t.Context(), admit.ID())
		return err != nil
	})
	if codeOf(err) != node.Unacknowledged {
		t.Errorf("who asks for a transaction is answered %v", err)
	}
	short, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := read(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who waits for less: %v", err)
	}
}

// Who pays while the payment before his waits for followers is told that, and that nothing of his was sent: not that a read waits.
func TestTwoPaymentsAtALeaderThatWaits(t *testing.T) {
	signer, verifier := cosigner(t, "follower.one")
	f := newFleet(t, func(c *node.Config) {
		c.Followers, c.Acks, c.ReadBound = []note.Verifier{verifier}, 1, 300*time.Millisecond
	})
	_, stop := follow(t, f.copyConfig(), to(f.leader), signer)
	f.populate(t.Context())
	_ = stop()
	until(t, "the follower is missed", func() bool { _, _, waits := f.leader.AwaitedFollowers(); return waits })
	unanswered(t, f)
	_, err := f.leader.Select(t.Context(), f.bank, 1)
	if codeOf(err) != node.TokensBusy || !strings.Contains(err.Error(), "payments wait here for followers, of which 0 are here and 1 must have them; nothing of this one was sent") {
		t.Errorf("the second payment is answered %v", err)
	}
}

// A leader that was replaced shows nothing of what its successor never had, whether or not it has told it to somebody, and says of a
// read where it is answered; what the fence covers it shows as before.
func TestAReplacedLeaderShowsNothingBeyondTheFence(t *testing.T) {
	check := func(t *testing.T, leader *node.Node, tail token.TransactionID) {
		t.Helper()
		_, _, lookup := leader.LookupRead(t.Context(), tail)
		// Whoever would pay is told of the payment.
		if _, err := leader.Select(t.Context(), token.WalletID{1}, 1); codeOf(err) == node.NotShown {
			t.Errorf("a payment is answered %v", err)
		}
		for what, err := range map[string]error{"view": leader.View(t.Context(), func(*livestate.State, node.Head) {}), "lookup": lookup} {
			if codeOf(err) != node.NotShown || !strings.Contains(err.Error(), "Read at the node that leads now") || strings.Contains(err.Error(), "transactions are taken") {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	t.Run("with acknowledgements", func(t *testing.T) {
		t.Parallel()
		r := newReplaced(t)
		check(t, r.leader, transactionFrom(t, r.leader, r.fence.Size))
		if _, found, err := r.leader.LookupRead(t.Context(), transactionFrom(t, r.leader, 1)); err != nil || !found {
			t.Errorf("what the fence covers: %t, %v", found, err)
		}
	})
	t.Run("without", func(t *testing.T) {
		t.Parallel()
		f := newFleet(t, nil)
		c := f.copyConfig()
		f.populate(t.Context())
		n, stop := follow(t, c, to(f.leader), nil)
		until(t, "it has everything", func() bool { return n.Head().Size == f.leader.Head().Size })
		signed, fence, err := promote(n, f.world.LogSigner, "word")
		if err != nil {
			t.Fatal(err)
		}
		_ = stop()
		if err := f.leader.View(t.Context(), func(*livestate.State, node.Head) {}); err != nil {
			t.Fatal(err)
		}
		if err := f.pay(t.Context(), 1); err != nil { // answered, and the successor has it not
			t.Fatal(err)
		}
		if err := f.leader.Fence(signed); err != nil {
			t.Fatal(err)
		}
		check(t, f.leader, transactionFrom(t, f.leader, fence.Size))
	})
}

// transactionFrom is the first transaction of a log from an entry on.
func transactionFrom(t *testing.T, n *node.Node, from uint64) token.TransactionID {
	t.Helper()
	for i := from; ; i++ {
		entry, _, err := n.Entry(i)
		if err != nil {
			t.Fatal(err)
		}
		if entry.Transaction != nil {
			return entry.Transaction.ID()
		}
	}
}
