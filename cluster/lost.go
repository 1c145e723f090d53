package cluster

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	ssproto "github.com/cometbft/cometbft/proto/tendermint/statesync"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/statesync"

	"github.com/aqsha/aqsha/txlog/quorum"
)

// A validator that has lost what it signed must not vote where it may have voted otherwise. Where the others go on
// without it, it leaves out the blocks on which it may have voted (witnesses). Where all are needed for each block,
// they wait for its vote on one, so it asks for what they have of its own: a vote that has come to none of them binds
// nobody, and a signature after it contradicts nothing that anybody can show. None of them may lie then, which is what
// a quorum of all says anyway.

// CometBFT's numbers of what is signed before stepPrecommit.
const (
	stepPropose = 1
	stepPrevote = 2
)

// vote is the last that somebody has signed for a block: in which round, and at which step.
type vote struct {
	address [addressBytes]byte
	round   int32
	step    uint8
}

const (
	addressBytes = 20
	voteBytes    = addressBytes + 4 + 1
)

// before says whether a vote was signed before a round's step.
func (v vote) before(round int32, step uint8) bool {
	return v.round < round || v.round == round && v.step < step
}

// voting is what a validator knows of the block that is voted on.
type voting struct {
	height int64
	round  int32
	last   []vote // of each validator whose vote has come
	commit []byte // the votes, with their extensions, for the block that is offered; empty where they are not kept
}

// encode writes height, round, and the number and last votes of validators, of fixed widths, big-endian; what is left
// is the commit.
func (v voting) encode() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(v.height))
	b = binary.BigEndian.AppendUint32(b, uint32(v.round))
	b = append(b, byte(len(v.last)))
	for _, l := range v.last {
		b = append(binary.BigEndian.AppendUint32(append(b, l.address[:]...), uint32(l.round)), l.step)
	}
	return append(b, v.commit...)
}

// decodeVoting reads what encode writes, from a peer.
func decodeVoting(b []byte) (v voting, err error) {
	const head = 8 + 4 + 1
	if len(b) < head || len(b) > maxOfferBytes || b[head-1] > maxMembers || len(b) < head+int(b[head-1])*voteBytes {
		return v, fmt.Errorf("what was voted, of %d bytes", len(b))
	}
	votes := b[head : head+int(b[head-1])*voteBytes]
	v.commit = b[head+len(votes):]
	height, round := binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:])
	if height == 0 || height > math.MaxInt64-voterSets || round >= math.MaxInt32 {
		return v, errors.New("a vote on a block that cannot be")
	}
	v.height, v.round = int64(height), int32(round)
	for b := votes; len(b) > 0; b = b[voteBytes:] {
		l := vote{round: int32(binary.BigEndian.Uint32(b[addressBytes:])), step: b[voteBytes-1]}
		copy(l.address[:], b)
		if l.round < 0 || l.step != stepPrevote && l.step != stepPrecommit {
			return v, errors.New("a vote of a step that cannot be")
		}
		v.last = append(v.last, l)
	}
	return v, nil
}

// roundsAhead is by how many rounds another's vote may be ahead of a validator's own round, where each round takes the
// votes of all.
const roundsAhead = 2

// voting is what this validator knows of the block that is voted on now, and who voted for one that it offers; false
// while CometBFT does not run.
func (e *Engine) voting(offered uint64) (v voting, ok bool) {
	state, comet := e.consensus.Load(), e.comet.Load()
	if state == nil || comet == nil {
		return v, false
	}
	if commit := comet.BlockStore().LoadBlockExtendedCommit(int64(offered)); commit != nil {
		if encoded, err := commit.ToProto().Marshal(); err == nil {
			v.commit = encoded
		}
	}
	now := state.GetRoundState()
	if now.Validators == nil || now.Votes == nil {
		return v, false
	}
	v.height, v.round = now.Height, now.Round
	for _, of := range now.Validators.Validators {
		l := vote{step: 0}
		copy(l.address[:], of.Address)
		for round := range now.Round + 1 + roundsAhead {
			for step, votes := range map[uint8]*cmttypes.VoteSet{stepPrevote: now.Votes.Prevotes(round),
				stepPrecommit: now.Votes.Precommits(round)} { // any order
				if votes != nil && votes.GetByAddress(of.Address) != nil && l.before(round, step) {
					l.round, l.step = round, step
				}
			}
		}
		if l.step > 0 {
			v.last = append(v.last, l)
		}
	}
	return v, true
}

// votingFormat is the form of the snapshot that says what was voted: a lower one than that of offers, and of a lower
// height, so that it goes behind the offer, where a program that does not know it looks at the offer alone.
const votingFormat = 0

// votingSnapshot is what is sent to who asks for snapshots; CometBFT wants a height, a chunk and a hash.
func votingSnapshot(v voting) *abci.Snapshot {
	return &abci.Snapshot{Height: 1, Format: votingFormat, Chunks: 1, Hash: []byte{1}, Metadata: v.encode()}
}

// voting asks a peer what it knows of the block that is voted on.
func (a *asking) voting(ctx context.Context, peer p2p.Peer) (voting, error) {
	answer, err := exchange(ctx, a, a.votings, peer,
		p2p.Envelope{ChannelID: statesync.SnapshotChannel, Message: &ssproto.SnapshotsRequest{}}, offerTime)
	if err != nil {
		return voting{}, err
	}
	return decodeVoting(answer.Metadata)
}

// lost is a validator's way back that has lost what it signed. One goroutine has it.
type lost struct {
	engine *Engine
	stands map[p2p.ID]voting // what the others said when they were asked last
	need   string            // what is waited for
}

// votersAfter are who votes on the block after the two of an offer, the log of which is here (votedBy).
func (e *Engine) votersAfter(o *offer) *cmttypes.ValidatorSet {
	if o.changed {
		return o.voters[2]
	}
	return e.validators()
}

// others are who votes besides this validator, by the name by which peers know them, and whether it votes itself.
func (l *lost) others(voters *cmttypes.ValidatorSet) (others map[p2p.ID]string, votes bool, err error) {
	sets, err := l.engine.app.readSets()
	if err != nil {
		return nil, false, err
	}
	own := l.engine.keys.Member("").address()
	others = map[p2p.ID]string{}
	for _, v := range voters.Validators {
		if bytes.Equal(v.Address, own) {
			votes = true
			continue
		}
		for _, s := range sets { // the newest that has this key says where it is
			for _, m := range s.members {
				if bytes.Equal(m.address(), v.Address) {
					others[p2p.ID(m.Peer)] = m.Name
				}
			}
		}
	}
	return others, votes, nil
}

// errNobodyKnows says that no other validator could know what this one has signed.
var errNobodyKnows = errors.New("what this validator has signed was lost, and it alone votes: it may have signed " +
	"what nobody else knows, so it does not vote again; bring the directory back whole")

// signed says up to where this validator may have signed: it votes on what is after that alone. o is the offer that the
// log here stands under, and highest the highest block that was shown; nil while the others have not shown enough.
func (l *lost) signed(ctx context.Context, a *asking, o *offer, offers []offered,
	highest int64) (*privval.FilePVLastSignState, error) {
	if o.next.Height < highest {
		l.need = fmt.Sprintf("the log up to block %d", highest)
		return nil, nil // who votes on the block after the highest is not known yet
	}
	voters := l.engine.votersAfter(o)
	others, votes, err := l.others(voters)
	if err != nil {
		return nil, err
	}
	n := voters.Size()
	q := quorum.Max(n)
	if votes && q == n {
		if len(others) == 0 {
			return nil, errNobodyKnows
		}
		return l.shown(ctx, a, offers, others, highest+1), nil
	}
	there := 0
	for _, offer := range offers {
		if _, ok := others[offer.peer.ID()]; ok {
			there++
		}
	}
	if want := witnesses(n, q); there < want {
		l.need = fmt.Sprintf("%d other validators that show how far they are; %d do", want, there)
		return nil, nil
	}
	// It may have voted on the block after the next of those that an honest peer had, and on none after that.
	return &privval.FilePVLastSignState{Height: highest + 2, Round: math.MaxInt32, Step: stepPrecommit}, nil
}

// witnesses is of how many others a validator that has lost what it signed must know where they are: one of them is
// honest and had a part in the block before the last that this validator may have voted on. Of n with a quorum of q,
// q-1 others had, of whom n-q may lie. With n members and a quorum of q these are 2(n−q) + 1.
func witnesses(n, q int) int { return 2*(n-q) + 1 }

// shown is the last that this validator has signed as all others know it, who wait for its vote on a block; nil unless
// each says so of this block, twice, and has seen the same both times: what was under way to them then has come.
func (l *lost) shown(ctx context.Context, a *asking, offers []offered, others map[p2p.ID]string,
	height int64) *privval.FilePVLastSignState {
	said := map[p2p.ID]voting{}
	for _, o := range offers {
		name, ok := others[o.peer.ID()]
		if !ok {
			continue
		}
		v, err := a.voting(ctx, o.peer)
		if err != nil {
			l.engine.logger.Debug("a validator does not say what it knows of this one's votes", "name", name,
				"cause", err)
			continue
		}
		said[o.peer.ID()] = v
	}
	before := l.stands
	l.stands = said
	last := privval.FilePVLastSignState{Height: height, Step: stepPropose}
	own := l.engine.keys.Member("").address()
	for id, name := range others {
		v, ok := said[id]
		if !ok {
			l.need = "all other validators, since each block takes the votes of all: " + name + " is not reached"
			return nil
		}
		if v.height != height || !bytes.Equal(v.encode(), before[id].encode()) {
			l.need = fmt.Sprintf("that the others wait for this validator's vote on block %d", height)
			return nil
		}
		// It may have proposed in any round that another has come to.
		if v.round > last.Round {
			last.Round, last.Step = v.round, stepPropose
		}
	}
	for _, v := range said {
		for _, s := range v.last {
			if bytes.Equal(s.address[:], own) && !s.before(last.Round, uint8(last.Step)+1) {
				last.Round, last.Step = s.round, int8(s.step)
			}
		}
	}
	return &last
}

// votesFor are the votes for an offer's block, with their extensions, of the first who has them; nil where nobody does.
// With them the engine votes on the next block; without, it waits for one more, which others may not make without it.
func (e *Engine) votesFor(ctx context.Context, a *asking, o *offer, offers []offered) *cmttypes.ExtendedCommit {
	for _, from := range offers {
		v, err := a.voting(ctx, from.peer)
		if err != nil || len(v.commit) == 0 {
			continue // an older program
		}
		commit, err := e.commitOf(o, v.commit)
		if err == nil {
			return commit
		}
		e.logger.Debug("a peer's votes are not those for the block that it offered", "peer", from.peer.ID(),
			"cause", err)
	}
	return nil
}

// commitOf decodes what a peer gives as the votes for an offer's block, and verifies each vote and its extension.
func (e *Engine) commitOf(o *offer, encoded []byte) (*cmttypes.ExtendedCommit, error) {
	var message cmtproto.ExtendedCommit
	if err := message.Unmarshal(encoded); err != nil {
		return nil, err
	}
	commit, err := cmttypes.ExtendedCommitFromProto(&message)
	if err != nil {
		return nil, err
	}
	voters := e.validators()
	if o.changed {
		voters = o.voters[0]
	}
	chain := e.genesis.ChainID
	if err := errors.Join(commit.ValidateBasic(), commit.EnsureExtensions(true),
		voters.VerifyCommit(chain, o.next.LastBlockID, o.block.Height, commit.ToCommit())); err != nil {
		return nil, err
	}
	for i, s := range commit.ExtendedSignatures {
		if s.BlockIDFlag != cmttypes.BlockIDFlagCommit { // a vote for nothing has no extension
			continue
		}
		if err := commit.GetExtendedVote(int32(i)).VerifyExtension(chain, voters.Validators[i].PubKey); err != nil {
			return nil, err
		}
	}
	return commit, nil
}
