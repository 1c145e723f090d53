package node_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/failover"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// prepare signs a prepare for a candidate.
func prepare(t *testing.T, f *fleet, candidate *node.Node, word string) ([]byte, node.Prepare) {
	t.Helper()
	signed, p, err := candidate.Prepare(f.world.LogSigner, word)
	if err != nil {
		t.Fatal(err)
	}
	return signed, p
}

// unanswered says whether a leader answers no payment for a while.
func unanswered(t *testing.T, f *fleet) {
	t.Helper()
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	tx := f.world.Pay(f.bank, f.world.Key("bank treasury"), f.shop, 1, []token.ID{f.coin}, f.rest, fleetValid)
	if _, err := f.leader.Submit(short, tx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the old leader answers %v", err)
	}
}

// Who promised acknowledges nothing to the old leader any more, whether or not anybody leads the new epoch, and also after a
// restart; to the new leader it does.
func TestAPromiseHolds(t *testing.T) {
	signer1, verifier1 := cosigner(t, "follower.one")
	signer2, verifier2 := cosigner(t, "follower.two")
	f := newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier1, verifier2}, 1 })
	c1, c2 := f.copyConfig(), f.copyConfig()
	one, stopOne := follow(t, c1, to(f.leader), signer1)
	two, stopTwo := follow(t, c2, to(f.leader), signer2)
	f.populate(t.Context())
	until(t, "both have all", func() bool { return one.Head().Size == f.leader.Head().Size && two.Head().Size == one.Head().Size })

	_ = stopOne() // it is to lead
	one, err := node.Open(c1)
	if err != nil {
		t.Fatal(err)
	}
	one.Cosigns(signer1)
	asking, p := prepare(t, f, one, "word")
	if err := one.Hold(asking, p); err != nil {
		t.Fatal(err)
	}
	if _, _, err := one.Promote(f.world.LogSigner, node.Prepare{Network: p.Network}); codeOf(err) != node.Fenced {
		t.Errorf("led what it has not prepared: %v", err)
	}
	signed, err := two.Promise(asking, false)
	if err != nil {
		t.Fatal(err)
	}
	promise, names, err := node.OpenPromise(signed, note.VerifierList(verifier1, verifier2))
	if err != nil || names[0] != verifier2.Name() || promise.Size != f.leader.Head().Size || promise.Ballot != p.Ballot || promise.Role != node.RoleFollower {
		t.Fatal(promise, names, err)
	}
	unanswered(t, f)
	_ = stopTwo()
	two, stopTwo = follow(t, c2, to(f.leader), signer2)
	unanswered(t, f)
	if again, err := two.Promise(asking, false); err != nil || len(again) == 0 {
		t.Errorf("the same asked again: %v", err)
	}
	// Another candidate of the same epoch comes too late.
	other, _ := follow(t, f.copyConfig(), to(nil), nil)
	late, _ := prepare(t, f, other, "another word")
	if _, err := two.Promise(late, false); codeOf(err) != node.Promised {
		t.Errorf("promised two candidates one epoch: %v", err)
	}
	// Nor does a later epoch take the promise away before somebody says that the first candidate was given up.
	if _, err := other.Promise(late, false); err == nil {
		t.Error("who cosigns nothing promised")
	}
	overtakes(t, f, other, two, p.Ballot)
	_, fence, err := one.Promote(f.world.LogSigner, p)
	if err != nil || fence.Size < promise.Size {
		t.Fatal(fence, err)
	}
	_ = one.Close()
	_ = stopTwo()
	c1.Leader, c1.Options.Signers, c1.Followers, c1.Acks = "", f.config.Options.Signers, []note.Verifier{verifier2}, 1
	old := f.leader
	if f.leader, err = node.Open(c1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.leader.Close() })
	_, _ = follow(t, c2, to(f.leader), signer2)
	if err := f.pay(t.Context(), 5); err != nil {
		t.Error("the new leader:", err)
	}
	_ = old.Close()
}

// overtakes has a second candidate ask a node that promised the first: without a word on that one it is refused; with one it
// would be promised, and goes on with what it prepared when it is run again.
func overtakes(t *testing.T, f *fleet, second, promised *node.Node, first failover.Ballot) {
	t.Helper()
	asking, p, err := second.Prepare(f.world.LogSigner, "third word", failover.Ballot{Epoch: first.Epoch, Candidate: "somebody else"})
	if err != nil || p.Epoch != first.Epoch+1 || len(p.Over) != 2 {
		t.Fatal(p, err)
	}
	if _, err := promised.Promise(asking, false); codeOf(err) != node.Promised {
		t.Errorf("took a promise back: %v", err)
	}
	signed, p, err := second.Prepare(f.world.LogSigner, "fourth word", first)
	if err != nil || p.Epoch != first.Epoch+2 {
		t.Fatal(p, err)
	}
	opened, err := node.OpenPrepare(signed, f.logVerifier(t))
	if err != nil || !slices.Equal(opened.Over, p.Over) || !slices.Contains(opened.Over, first) {
		t.Errorf("%+v, %v", opened, err)
	}
	if again, q, err := second.Prepare(f.world.LogSigner, "fifth word"); err != nil || !bytes.Equal(again, signed) || q.Ballot != p.Ballot {
		t.Errorf("run again it asks for %+v, %v", q, err)
	}
	if _, err := node.ParseBallot("3:", ":"); err == nil {
		t.Error("a ballot without a word")
	}
	if failover.MayPromise(first, first.Epoch-1, p.Ballot) || !failover.MayPromise(first, first.Epoch-1, p.Ballot, p.Over...) {
		t.Error("given up, and not promised; or promised, and not given up")
	}
}

func (f *fleet) logVerifier(t *testing.T) note.Verifier {
	t.Helper()
	v, err := note.NewVerifier(f.world.Genesis.LogKey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A leader that promised writes no more, says how much it has, and does not open to write again; one that has not heard from
// enough followers since it started does not count as having all.
func TestALeaderPromises(t *testing.T) {
	signer, verifier := cosigner(t, "follower.one")
	f := newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier}, 1 })
	c := f.copyConfig()
	_, stop := follow(t, c, to(f.leader), signer)
	f.populate(t.Context())
	_ = stop()
	n, _ := follow(t, c, to(nil), signer)
	_ = f.leader.Close()
	f.open()
	asking, _ := prepare(t, f, n, "word")
	logKey, _ := note.NewVerifier(f.world.Genesis.LogKey)
	for _, damaged := range [][]byte{nil, asking[:len(asking)-9], append([]byte("x"), asking...), []byte("aqsha prepare v1\n\n")} {
		if _, err := f.leader.Promise(damaged, false); err == nil {
			t.Errorf("promised %q", damaged)
		}
	}
	signed, err := f.leader.Promise(asking, false)
	if err != nil {
		t.Fatal(err)
	}
	promise, _, err := node.OpenPromise(signed, note.VerifierList(logKey))
	if err != nil || promise.Role != node.RoleRecovering || promise.Size != f.leader.Log().Size() {
		t.Errorf("%+v, %v", promise, err)
	}
	if err := f.pay(t.Context(), 1); codeOf(err) != node.Fenced {
		t.Errorf("it answers %v", err)
	}
	_ = f.leader.Close()
	if _, err := node.Open(f.config); codeOf(err) != node.Fenced {
		t.Errorf("it opens: %v", err)
	}
}

// A candidate that cannot lead without the leader's promise stops nobody in vain: a follower, a leader that has not heard from its
// followers, and one that was replaced refuse it, and nothing is changed there. The leader that has everything promises, and again.
func TestNobodyStopsInVain(t *testing.T) {
	signer1, verifier1 := cosigner(t, "follower.one")
	signer2, verifier2 := cosigner(t, "follower.two")
	f := newFleet(t, func(c *node.Config) { c.Followers, c.Acks = []note.Verifier{verifier1, verifier2}, 1 })
	c1, c2 := f.copyConfig(), f.copyConfig()
	one, stopOne := follow(t, c1, to(f.leader), signer1)
	two, stopTwo := follow(t, c2, to(f.leader), signer2)
	f.populate(t.Context())
	until(t, "both have all", func() bool { return one.Head().Size == f.leader.Head().Size && two.Head().Size == one.Head().Size })
	asking, p := prepare(t, f, one, "word")
	refuses := func(n *node.Node, asking []byte, want token.Code) {
		t.Helper()
		_, before := n.Prepared()
		if _, err := n.Promise(asking, true); codeOf(err) != want {
			t.Errorf("want %s: %v", want, err)
		}
		if _, after := n.Prepared(); after != before {
			t.Errorf("it has promised %+v", after)
		}
	}
	refuses(two, asking, node.NotLeading)
	_ = f.leader.Close()
	f.open()
	refuses(f.leader, asking, node.NotLeading)
	if err := f.leader.Err(); err != nil {
		t.Errorf("it has stopped: %v", err)
	}
	_, _ = stopOne(), stopTwo()
	_, _ = follow(t, c1, to(f.leader), signer1)
	two, _ = follow(t, c2, to(f.leader), signer2)
	until(t, "it was heard", func() bool { return len(f.leader.Unheard()) == 0 })
	for range 2 {
		if _, err := f.leader.Promise(asking, true); err != nil {
			t.Fatal(err)
		}
	}
	late, _, err := two.Prepare(f.world.LogSigner, "second word", p.Ballot)
	if err != nil {
		t.Fatal(err)
	}
	refuses(f.leader, late, node.Promised)
	c1.Leader = f.copyConfig().Leader
	lead, err := node.Open(f.copyConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lead.Close() })
	if err := lead.Hold(asking, p); err != nil {
		t.Fatal(err)
	}
	fence, _, err := lead.Promote(f.world.LogSigner, p)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.leader.Fence(fence); err != nil {
		t.Fatal(err)
	}
	refuses(f.leader, late, node.OldLeader)
}

// A proof of a promotion that was in order holds; one that anything was taken from, or changed in, does not.
func TestThePromotionsProof(t *testing.T) {
	signer1, _, public1 := cosignerKeys(t, "follower.one")
	f := newFleet(t, nil)
	f.populate(t.Context())
	n, stop := follow(t, f.copyConfig(), to(f.leader), signer1)
	until(t, "it has all", func() bool { return n.Head().Size == f.leader.Head().Size })
	asking, p := prepare(t, f, n, "word")
	own, err := n.Promise(asking, false)
	if err != nil {
		t.Fatal(err)
	}
	leaders, err := f.leader.Promise(asking, false)
	if err != nil {
		t.Fatal(err)
	}
	fence, _, err := n.Promote(f.world.LogSigner, p)
	if err != nil {
		t.Fatal(err)
	}
	proof := node.Promotion{Origin: f.world.Genesis.Name, Followers: []string{public1}, Acks: 1, Prepare: string(asking), Fence: string(fence),
		Promises: []node.PromiseProof{{Promise: string(own)}, {Promise: string(leaders)}}}
	if err := n.ProvePromises(&proof); err != nil {
		t.Fatal(err)
	}
	logKey, _ := note.NewVerifier(f.world.Genesis.LogKey)
	if _, err := proof.Check(logKey); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(p *node.Promotion){
		"nobody to promise":   func(p *node.Promotion) { p.Followers, p.Promises, p.Acks = nil, nil, 0 },
		"more than there are": func(p *node.Promotion) { p.Acks = 2 },
		"no promises":         func(p *node.Promotion) { p.Promises = nil },
		"another fence":       func(p *node.Promotion) { p.Fence = p.Prepare },
		"another prepare":     func(p *node.Promotion) { p.Prepare = p.Fence },
		"a proof too many": func(p *node.Promotion) {
			p.Promises = []node.PromiseProof{{Promise: p.Promises[0].Promise[:40], Proof: []txlog.Hash{{}}}}
		},
	} {
		changed := proof
		change(&changed)
		if _, err := changed.Check(logKey); err == nil {
			t.Errorf("%s: it holds", name)
		}
	}
	_ = stop()
}
