package node_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
)

// A leader that starts again answers nothing before it has heard from everybody who may have acknowledged more than its directory
// holds: that may be an old copy.
func TestALeaderThatStartsHearsEverybodyFirst(t *testing.T) {
	signer1, verifier1 := cosigner(t, "follower.one")
	signer2, verifier2 := cosigner(t, "follower.two")
	f := newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier1, verifier2}, 1 })
	c1, c2 := f.copyConfig(), f.copyConfig()
	_, stopOne := follow(t, c1, to(f.leader), signer1)
	two, stopTwo := follow(t, c2, to(f.leader), signer2)
	f.populate(t.Context())
	until(t, "both have all", func() bool { return two.Head().Size == f.leader.Head().Size })
	_ = stopOne()
	_ = f.leader.Close()
	old := copyOf(t, f.config)
	f.open()
	_ = stopTwo()
	_, stopOne = follow(t, c1, to(f.leader), signer1)
	_, stopTwo = follow(t, c2, to(f.leader), signer2)
	if err := f.pay(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	_ = stopOne()
	_ = stopTwo()
	_ = f.leader.Close()

	// The old copy, with a follower that has no more than that.
	again, err := node.Open(old)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	lagging := copyOf(t, old)
	lagging.Leader, lagging.Options.Signers, lagging.Options.Verifiers, lagging.Followers, lagging.Acks = "the leader", nil, c1.Options.Verifiers, nil, 0
	_, _ = follow(t, lagging, to(again), signer1)
	until(t, "the lagging follower is heard", func() bool { return len(again.Unheard()) == 1 })
	if names := again.Unheard(); names[0] != verifier2.Name() {
		t.Errorf("waits for %v", names)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	register, _ := f.world.Register("bank", f.bank, 1, "another shop", 3, fleetValid)
	if _, err := again.Submit(short, register); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it answers %v", err)
	}
}
