package cluster

import (
	"bytes"
	"time"

	"github.com/cometbft/cometbft/consensus"
	cstypes "github.com/cometbft/cometbft/consensus/types"
	cmtnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	cmtcons "github.com/cometbft/cometbft/proto/tendermint/consensus"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
)

// ownVotes is CometBFT's consensus reactor of a validator that may hear of its own prevotes from others: it has lost
// them, and they have not. CometBFT goes on from the step of prevotes when one is counted in it, and relies on its own
// to be the last: one that was counted before that step, and cannot be signed again in it, leaves this validator there
// for good, and with it all others where each block takes the votes of all. So one that comes early is held back.
type ownVotes struct {
	*consensus.Reactor
	engine *Engine
	own    []byte        // this validator's address
	held   chan struct{} // a place for each prevote that is held back
}

// Of prevotes that are held back: how many at most, more are counted as they come, and how often each is looked at.
const (
	maxHeld   = 64
	lookAgain = 20 * time.Millisecond
)

// holdOwnVotes has a node that is not started yet hold back this validator's early prevotes.
func (e *Engine) holdOwnVotes(comet *cmtnode.Node) {
	cmtnode.CustomReactors(map[string]p2p.Reactor{"CONSENSUS": &ownVotes{Reactor: comet.ConsensusReactor(), engine: e,
		own: e.keys.Member("").address(), held: make(chan struct{}, maxHeld)}})(comet)
}

// Receive takes a message of a peer's.
func (o *ownVotes) Receive(message p2p.Envelope) {
	m, ok := message.Message.(*cmtcons.Vote)
	if ok && m.Vote != nil && m.Vote.Type == cmtproto.PrevoteType && bytes.Equal(m.Vote.ValidatorAddress, o.own) &&
		o.early(m.Vote) {
		select {
		case o.held <- struct{}{}:
			go o.hold(message, m.Vote)
			return
		default: // nobody honest has so many
		}
	}
	o.Reactor.Receive(message)
}

// hold waits until a prevote is early no more.
func (o *ownVotes) hold(message p2p.Envelope, vote *cmtproto.Vote) {
	defer func() { <-o.held }()
	for o.early(vote) {
		select {
		case <-time.After(lookAgain):
		case <-o.Quit():
			return
		}
	}
	o.Reactor.Receive(message)
}

// early says whether a prevote is of a step that this validator has not come to, of the block that it votes on.
func (o *ownVotes) early(vote *cmtproto.Vote) bool {
	state := o.engine.consensus.Load()
	if state == nil {
		return true // the engine is just being started
	}
	now := state.GetRoundState()
	return vote.Height == now.Height &&
		(vote.Round > now.Round || vote.Round == now.Round && now.Step < cstypes.RoundStepPrevote)
}
