package cluster_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/aqsha/aqsha/cluster"
)

// twice is a signer that also votes for a block that nobody has proposed, as a directory that runs twice would.
type twice struct {
	cmttypes.PrivValidator
	key   cmted25519.PrivKey
	lying *atomic.Bool
	also  chan *cmtproto.Vote
}

func (s twice) SignVote(chain string, vote *cmtproto.Vote) error {
	if err := s.PrivValidator.SignVote(chain, vote); err != nil {
		return err
	}
	if vote.Type != cmtproto.PrevoteType || len(vote.BlockID.Hash) == 0 || !s.lying.CompareAndSwap(true, false) {
		return nil
	}
	other := *vote
	other.BlockID.Hash = bytes.Repeat([]byte{7}, len(vote.BlockID.Hash))
	signature, err := s.key.Sign(cmttypes.VoteSignBytes(chain, &other))
	if err != nil {
		return err
	}
	other.Signature = signature
	s.also <- &other
	return nil
}

// A validator that signs twice is proved to have: each of the others shows it, keeps the proof through a restart, and
// the authority removes it by a transaction.
func TestWhoSignsTwiceIsRemoved(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	s := twice{key: cmted25519.PrivKey(g.members[3].keys.Consensus), lying: new(atomic.Bool),
		also: make(chan *cmtproto.Vote, 8)}
	g.members[3].opened = func(e *cluster.Engine) {
		cluster.Sign(e, func(honest cmttypes.PrivValidator) cmttypes.PrivValidator {
			s.PrivValidator = honest
			return s
		})
	}
	g.startAll()
	g.settle(64)
	end := time.Now().Add(time.Minute)
	for len(g.members[0].engine.Status().Faults) == 0 {
		if time.Now().After(end) {
			t.Fatal("nobody has proved it")
		}
		s.lying.Store(true)
		select { // it votes at the latest for the empty block that comes each second
		case vote := <-s.also:
			cluster.Vote(g.members[3].engine, vote)
		case <-time.After(5 * time.Second):
		}
		g.submit(0, g.payment())
	}
	s.lying.Store(false)
	g.submit(1, g.payment())
	g.agree()
	for i := range 3 {
		faults := g.members[i].engine.Status().Faults
		if len(faults) == 0 || faults[0].Member != "member-3" || faults[0].Kind != "duplicate-vote" ||
			faults[0].Height == 0 || len(faults[0].Proof) == 0 {
			t.Fatalf("member %d has seen %+v", i, faults)
		}
	}
	before := g.members[1].engine.Status().Faults
	g.stop(1)
	g.start(1)
	if again := g.members[1].engine.Status().Faults; len(again) < len(before) ||
		!bytes.Equal(again[0].Proof, before[0].Proof) {
		t.Fatalf("after a start it has %+v", again)
	}
	g.set(0, 0, 1, 2)
	g.submit(2, g.payment())
	g.stop(3)
	g.submit(1, g.payment())
	head := g.whole()
	g.proven(0, head.Size)
}
