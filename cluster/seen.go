package cluster

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/aqsha/aqsha/cluster/status"
)

// seen is what a validator has seen of the cluster since it started, to be shown.
type seen struct {
	at             time.Time // when the last block became durable
	batches, count int       // of the last block with any
	traffic        Traffic
	members        map[string]seenMember // by CometBFT's address
	faults         []status.Fault
}

type seenMember struct {
	signed bool // the last block
	missed uint64
}

// spent is the nanoseconds that the application has taken, and CometBFT has waited for it.
type spent struct {
	judging, executing, committing atomic.Int64
}

// Spent is the time that the application has taken since it started, of the engine's: Judging is waiting for the
// signatures of proposals, besides what was verified before; Executing the rules; Committing positions and log made
// durable.
type Spent struct{ Judging, Executing, Committing time.Duration }

// Spent says what the engine has waited for.
func (e *Engine) Spent() Spent {
	s := &e.app.spent
	return Spent{time.Duration(s.judging.Load()), time.Duration(s.executing.Load()), time.Duration(s.committing.Load())}
}

// Traffic is what has travelled in batches of blocks since the start.
type Traffic struct{ Batches, Transactions, Bytes int64 }

// Traffic says what has travelled.
func (e *Engine) Traffic() Traffic {
	e.app.mu.Lock()
	defer e.app.mu.Unlock()
	return e.app.seen.traffic
}

// note takes in who has voted for the block before, and who was proved to have signed twice.
func (a *app) note(r *abci.RequestFinalizeBlock) error {
	var proofs map[string][]byte
	if len(r.Misbehavior) > 0 && a.evidence != nil {
		// Before the lock: it reads the engine's stores.
		proofs = a.evidence(uint64(r.Height))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, vote := range r.DecidedLastCommit.Votes {
		address := string(vote.Validator.Address)
		m := a.seen.members[address]
		if m.signed = vote.BlockIdFlag == cmtproto.BlockIDFlagCommit; !m.signed {
			m.missed++
		}
		a.seen.members[address] = m
	}
	// Bounded by those who validate now: over the years all who ever did would gather.
	if newest := a.newest(); len(a.seen.members) > len(newest.members) {
		maps.DeleteFunc(a.seen.members, func(address string, _ seenMember) bool {
			return newest.byAddress([]byte(address)) < 0
		})
	}
	for _, m := range r.Misbehavior {
		f := status.Fault{Height: m.Height, Member: a.nameOf(m.Validator.Address),
			Kind:  strings.ToLower(strings.ReplaceAll(m.Type.String(), "_", "-")),
			Proof: proofs[string(m.Validator.Address)]}
		if key := a.keyOf(m.Validator.Address); key != nil {
			f.Vote = ledgerKey(key)
		}
		if err := a.keepFault(f); err != nil {
			return err
		}
	}
	return nil
}

// Of CometBFT's questions whether a peer may connect.
const (
	filterByID      = "/p2p/filter/id/"
	filterByAddress = "/p2p/filter/addr/"
)

// Query says whether a peer may connect: members may, by their keys, and those whom cluster.toml names.
func (a *app) Query(_ context.Context, r *abci.RequestQuery) (*abci.ResponseQuery, error) {
	if strings.HasPrefix(r.Path, filterByAddress) {
		return &abci.ResponseQuery{}, nil // whoever it is must show his key first
	}
	if id, found := strings.CutPrefix(r.Path, filterByID); found && a.knows(id) {
		return &abci.ResponseQuery{}, nil
	}
	return &abci.ResponseQuery{Code: 1, Log: "not a member of this cluster"}, nil
}

// knows says whether a peer is a member, or was before a change that is not shown yet: its signature may be wanted.
func (a *app) knows(id string) bool {
	_, missing, err := a.ledger.Handover()
	a.mu.Lock()
	sets := a.sets[len(a.sets)-1:]
	if (missing || err != nil) && len(a.sets) > 1 {
		sets = a.sets[len(a.sets)-2:]
	}
	a.mu.Unlock()
	for i := range sets {
		if slices.ContainsFunc(sets[i].members, func(m Member) bool { return m.Peer == id }) {
			return true
		}
	}
	for _, peer := range a.peers {
		if strings.HasPrefix(peer, id+"@") {
			return true
		}
	}
	return false
}

// Status is how this validator sees the cluster.
func (e *Engine) Status() status.Status {
	s := status.Status{Member: e.settings.Name, Faults: []status.Fault{}, CatchingUp: true}
	last := set{first: true, members: e.charter.Members}
	var before *set
	if cause := e.cause.Load(); cause != nil {
		s.Stopped = *cause
	}
	connected := map[string]bool{}
	if comet := e.comet.Load(); comet != nil {
		s.CatchingUp = comet.ConsensusReactor().WaitSync()
		s.Batches, s.Bytes = comet.Mempool().Size(), comet.Mempool().SizeBytes()
		for _, peer := range comet.Switch().Peers().List() {
			connected[string(peer.ID())] = true
		}
	}
	// A copy under the lock, so that an answer that is written slowly holds up no block.
	var kept seen
	if e.app != nil {
		e.app.mu.Lock()
		kept = e.app.seen
		kept.members = maps.Clone(kept.members)
		last, before = *e.app.newest(), e.app.leaving()
		if s.Height = e.app.at.Height; before != nil {
			s.Changed = e.app.changed
		}
		s.Faults = append(s.Faults, kept.faults...)
		e.app.mu.Unlock()
		s.Silent = time.Since(kept.at).Milliseconds()
		s.LastBatches, s.LastCount = kept.batches, kept.count
	}
	s.Needed, s.Since = last.threshold(), last.after
	own := public(e.keys.Consensus)
	s.Outside = (Charter{Members: last.members}).ByConsensus(own) < 0
	view := func(m Member) status.Member {
		self := m.Consensus.Equal(own)
		seen := kept.members[string(m.address())]
		return status.Member{Name: m.Name, Self: self, Connected: self || connected[m.Peer], Signed: seen.signed,
			Missed: seen.missed, Vote: ledgerKey(m.Consensus), Checkpoint: ledgerKey(m.Checkpoint), Peer: m.Peer}
	}
	for _, m := range last.members {
		if s.Members = append(s.Members, view(m)); s.Members[len(s.Members)-1].Connected {
			s.Reached++
		}
	}
	if before != nil {
		for _, m := range before.members {
			if last.byAddress(m.address()) < 0 {
				s.Leaving = append(s.Leaving, view(m))
			}
		}
	}
	return s
}
