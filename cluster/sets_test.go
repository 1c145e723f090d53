package cluster

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/aqsha/aqsha/token"
)

// setTo has the ledger set all of a charter's members but those named, and one more.
func (s *stage) setTo(sequence uint64, without int, more ...Member) *token.Transaction {
	s.t.Helper()
	set := &token.SetValidators{Sequence: sequence}
	for i, m := range append(membersWithout(s.charter.Members, without), more...) {
		v, err := m.Validator()
		if err != nil {
			s.t.Fatal(i, err)
		}
		set.Validators = append(set.Validators, v)
	}
	return s.world.Sign(set, s.until(), s.world.By(token.RoleRoot, 2))
}

func membersWithout(members []Member, without int) (list []Member) {
	for i, m := range members {
		if i != without {
			list = append(list, m)
		}
	}
	return list
}

// A change of the list gives CometBFT who comes and who goes, from the executed state alone: the same when a block is
// executed again after a crash.
func TestAChangeUpdatesWhoVotes(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	keys, err := NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	five := keys.Member("five")
	change := batchOf(s.setTo(1, 2, five))
	first := s.execute(change)
	s.close() // neither position nor log have it
	s.height--
	s.open(0)
	again := s.execute(change)
	for _, r := range []*abci.ResponseFinalizeBlock{first, again} {
		power := map[string]int64{}
		for _, u := range r.ValidatorUpdates {
			power[string(u.PubKey.GetEd25519())] = u.Power
		}
		if len(power) != 2 || power[string(five.Consensus)] <= 0 {
			t.Fatalf("%v", r.ValidatorUpdates)
		}
		if gone, named := power[string(s.charter.Members[2].Consensus)]; !named || gone != 0 {
			t.Fatalf("%v", r.ValidatorUpdates)
		}
	}
	if !bytes.Equal(first.AppHash, again.AppHash) {
		t.Fatal("executed again it gives another hash")
	}
	if _, err := s.app.Commit(t.Context(), &abci.RequestCommit{}); err != nil {
		t.Fatal(err)
	}
	if r := s.execute(); len(r.ValidatorUpdates) != 0 {
		t.Fatalf("a block without a change: %v", r.ValidatorUpdates)
	}
}

// Behind a change every vote that counts bears its signature of the last checkpoint that those before sign: without it
// the change could never be shown. Then the new ones sign.
func TestBehindAChangeEveryVoteIsSigned(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	keys, err := NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	vote := func(address, signature []byte) abci.ResponseVerifyVoteExtension_VerifyStatus {
		r, err := s.app.VerifyVoteExtension(t.Context(), &abci.RequestVerifyVoteExtension{ValidatorAddress: address,
			VoteExtension: signature})
		if err != nil {
			t.Fatal(err)
		}
		return r.Status
	}
	const accept, reject = abci.ResponseVerifyVoteExtension_ACCEPT, abci.ResponseVerifyVoteExtension_REJECT
	if vote(s.charter.Members[1].address(), nil) != accept {
		t.Fatal("a vote without a signature is refused without a change")
	}
	s.block(batchOf(s.setTo(1, 3, keys.Member("five"))))
	text, size := s.node.CheckpointText()
	for what, signature := range map[string][]byte{"none": nil,
		"another's":    ed25519.Sign(s.keys[2].Checkpoint, []byte(text)),
		"another text": ed25519.Sign(s.keys[1].Checkpoint, []byte("another text"))} {
		if vote(s.charter.Members[1].address(), signature) != reject {
			t.Errorf("a vote counts with the signature: %s", what)
		}
	}
	if vote(keys.Member("").address(), ed25519.Sign(keys.Checkpoint, []byte(text))) != reject {
		t.Error("the new one signs what those before must")
	}
	if _, err := s.app.ExtendVote(t.Context(), &abci.RequestExtendVote{}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 4; i++ { // who leaves signs once more
		if vote(s.charter.Members[i].address(), ed25519.Sign(s.keys[i].Checkpoint, []byte(text))) != accept {
			t.Errorf("the vote of member %d is refused", i)
		}
	}
	s.block()
	if links, err := s.node.SignerLinks(size + 1); err != nil || len(links) != 1 {
		t.Fatalf("%d changes are shown: %v", len(links), err)
	}
	if vote(s.charter.Members[1].address(), nil) != accept {
		t.Error("a vote without a signature is refused a block later")
	}
	// The next state is the new ones': who left signs nothing of it.
	s.block(batchOf(s.world.Sign(&token.SetPolicy{Sequence: 1, Policy: s.world.Genesis.Policy}, s.until(),
		s.world.By(token.RolePolicy, 2))))
	text, size = s.node.CheckpointText()
	signed := map[string]Keys{"member-0": s.keys[0], "member-1": s.keys[1], "member-2": s.keys[2],
		"member-3": s.keys[3],
		"five":     keys}
	for _, name := range []string{"member-3", "member-0", "member-1", "five"} {
		vote(signed[name].Member(name).address(), ed25519.Sign(signed[name].Checkpoint, []byte(text)))
		if name == "member-1" {
			if s.block(); published(s) == size {
				t.Error("two of the four and one that has left have signed, and it stands")
			}
		}
	}
	if s.block(); published(s) != size {
		t.Errorf("three of the new four have signed %d entries, and %d stand", size, published(s))
	}
}

func published(s *stage) uint64 {
	_, c := s.node.Published()
	return c.Size
}

// Those before a change are needed for the block behind it, and only the second shows that the others have that one.
func TestWhoLeavesIsNeededForAnotherBlock(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	s.block(batchOf(s.setTo(1, 3)))
	for behind := range 3 {
		s.app.mu.Lock()
		left, newest, changed := s.app.leaving(), s.app.newest(), s.app.changed
		s.app.mu.Unlock()
		if needed := behind < 2; (left != nil) != needed || left != nil && left == newest || changed == 0 {
			t.Fatalf("%d blocks behind the change: %+v", behind, left)
		}
		s.block()
	}
}

// What is missing of the signatures that a change needs is found in the votes that CometBFT keeps.
func TestTheHandoverIsFoundInKeptVotes(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	s.block(batchOf(s.setTo(1, 3)))
	text, size := s.node.CheckpointText()
	s.block(batchOf(s.world.Sign(&token.SetPolicy{Sequence: 1, Policy: s.world.Genesis.Policy}, s.until(),
		s.world.By(token.RolePolicy, 2))))
	if _, missing, err := s.node.Handover(); err != nil || !missing {
		t.Fatalf("it is not missing: %v", err)
	}
	asked := []string{}
	s.app.votes = func(height uint64) map[string][]byte {
		asked = append(asked, fmt.Sprint(height))
		kept := map[string][]byte{string(s.charter.Members[0].address()): []byte("no signature")}
		for i := 1; i < 4; i++ {
			kept[string(s.charter.Members[i].address())] = ed25519.Sign(s.keys[i].Checkpoint, []byte(text))
		}
		return kept
	}
	s.block()
	if links, err := s.node.SignerLinks(size + 1); err != nil || len(links) != 1 || asked[0] != "2" {
		t.Fatalf("%d changes are shown, asked for the votes of %v: %v", len(links), asked, err)
	}
}

// Who watches the engine looks for the checkpoint that shows a change while the engine brings it with a block, and
// readers ask for it: whoever of them came second had the first one's file taken away, and the validator stopped.
func TestTheHandoverIsKeptByAllAtOnce(t *testing.T) {
	t.Parallel()
	s := newStages(t, 1)[0]
	s.block(batchOf(s.setTo(1, 3)))
	text, size := s.node.CheckpointText()
	kept, signed := map[string][]byte{}, make([][]byte, len(s.keys))
	for i, keys := range s.keys {
		signed[i] = ed25519.Sign(keys.Checkpoint, []byte(text))
		kept[string(s.charter.Members[i].address())] = signed[i]
	}
	s.app.votes = func(uint64) map[string][]byte { return kept }
	joined, err := s.charter.Quorum().Sign(s.app.name, text, signed)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := os.RemoveAll(filepath.Join(s.dir, "signers")); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := s.app.recoverHandover(); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				if err := s.node.AdoptCheckpoint(joined); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if _, missing, err := s.node.Handover(); err != nil || missing || t.Failed() {
			t.Fatalf("the checkpoint is not there: %v", err)
		}
	}
	s.block() // a validator that has stopped executes none
	if links, err := s.node.SignerLinks(size + 1); err != nil || len(links) != 1 {
		t.Fatalf("%d changes are shown: %v", len(links), err)
	}
}
