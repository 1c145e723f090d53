package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/aqsha/aqsha/cluster"
)

// Where each block takes the votes of all, a directory of keys alone comes back too: the others wait for its vote, and
// have what it signed before. It is lost again and again, at any point of a block, and nobody sees two votes of it.
func TestKeysAloneComeBackWhereAllAreNeeded(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			g := newGroup(t, n)
			g.startAll()
			g.settle(256)
			for round := range 4 {
				who := round % n
				stop := g.paying((who + 1) % n)
				time.Sleep(time.Duration(round) * 70 * time.Millisecond) // somewhere within a block
				g.stop(who)
				g.lose(who)
				begun := time.Now()
				g.start(who)
				g.joined(who)
				t.Logf("member %d votes again after %s", who, time.Since(begun).Round(time.Millisecond))
				stop()
				g.submit(who, g.payment())
			}
			g.whole()
			for i, m := range g.members {
				if faults := m.engine.Status().Faults; len(faults) > 0 {
					t.Fatalf("member %d has seen %+v", i, faults)
				}
			}
		})
	}
}

// halting is a signer that ends when it should propose and has voted for that nothing was proposed: from then on the
// others wait for its precommit.
type halting struct {
	cmttypes.PrivValidator
	ends, ended *atomic.Bool
}

var errHalted = errors.New("ended")

func (h halting) SignProposal(chain string, proposal *cmtproto.Proposal) error {
	if h.ends.Load() {
		h.ended.Store(true)
		return errHalted
	}
	return h.PrivValidator.SignProposal(chain, proposal)
}

func (h halting) SignVote(chain string, vote *cmtproto.Vote) error {
	if h.ended.Load() && vote.Type == cmtproto.PrecommitType {
		return errHalted
	}
	return h.PrivValidator.SignVote(chain, vote)
}

// A validator that was lost between its prevote and its precommit hears of its own prevote from the others, before it
// has come to that step again. It goes on to the precommit that they wait for.
func TestAPrevoteOfBeforeIsCounted(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 3)
	h := halting{ends: new(atomic.Bool), ended: new(atomic.Bool)}
	g.members[0].opened = func(e *cluster.Engine) {
		cluster.Sign(e, func(honest cmttypes.PrivValidator) cmttypes.PrivValidator {
			h.PrivValidator = honest
			return h
		})
	}
	g.startAll()
	g.settle(32)
	g.agree()
	h.ends.Store(true)
	waits := func(i int) bool {
		return h.ended.Load() && strings.HasSuffix(cluster.Progress(g.members[i].engine), "RoundStepPrecommit")
	}
	for end := time.Now().Add(time.Minute); !waits(1) || !waits(2); time.Sleep(20 * time.Millisecond) { // a bound
		if time.Now().After(end) {
			t.Fatalf("nobody waits for a precommit: %s, %s", cluster.Progress(g.members[1].engine),
				cluster.Progress(g.members[2].engine))
		}
	}
	g.stop(0)
	g.lose(0)
	h.ends.Store(false)
	h.ended.Store(false)
	g.start(0)
	g.joined(0)
	g.submit(0, g.payment())
	g.whole()
}
