package node_test

import (
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
)

// Entries that a crash left without a checkpoint are signed when the leader opens again, before anything new is written: a follower
// can acknowledge them, and the leader knows its head without waiting for the next block.
func TestRecoveredEntriesAreSigned(t *testing.T) {
	signer, verifier := cosigner(t, "follower.one")
	f := newFleet(t, nil)
	signers := f.config.Options.Signers
	_ = f.leader.Close()
	f.config.Options.Signers = nil // as if it had been killed between each write and its checkpoint
	f.open()
	f.populate(t.Context())
	size := f.leader.Log().Size()
	if _, c := f.leader.Log().Checkpoint(); c.Size >= size {
		t.Fatalf("a checkpoint of %d entries covers all %d", c.Size, size)
	}
	_ = f.leader.Close()
	f.config.Options.Signers = signers

	f.config.ReadOnly = true
	f.open()
	if _, c := f.leader.Log().Checkpoint(); c.Size >= size {
		t.Errorf("who only reads has signed %d entries", c.Size)
	}
	_ = f.leader.Close()
	f.config.ReadOnly = false

	f.config.Followers, f.config.Acks = []note.Verifier{verifier}, 1
	f.open()
	if _, c := f.leader.Log().Checkpoint(); c.Size != size {
		t.Errorf("the checkpoint covers %d of %d entries", c.Size, size)
	}
	var copied *node.Node
	copied, _ = follow(t, f.copyConfig(), to(f.leader), signer)
	until(t, "the leader knows its head", func() bool { return f.leader.HeadKnown() && f.leader.Head().Size == size })
	until(t, "the follower has it", func() bool { return copied.Head().Size == size })
	if f.leader.Log().Size() != size {
		t.Error("it has written something")
	}
}
