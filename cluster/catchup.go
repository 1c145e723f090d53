package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/consensus"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	sm "github.com/cometbft/cometbft/state"
	cmtstore "github.com/cometbft/cometbft/store"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/replay"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// catchingFile stands in a participant's directory while its log is not at a position that the engine's blocks go on
// from: the log is fetched from the other members first.
const catchingFile = "catching_up"

// RestoreLog begins the log of a directory that has none with its first entry, which came with the directory, and has
// the rest of it fetched from the other validators. It does nothing where there is a log.
func RestoreLog(dir string, options txlog.Options) (restored bool, err error) {
	if _, err := os.Stat(filepath.Join(dir, "log")); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	first, err := durable.Read(vfs.OS, filepath.Join(dir, homeDir, firstFile), txlog.MaxEntryBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	unfinished := filepath.Join(dir, homeDir, catchingFile)
	if err := durable.Replace(vfs.OS, unfinished, []byte("the log was lost\n")); err != nil {
		return false, err
	}
	_, err = node.InitCopy(node.Config{Dir: dir, Options: options}, first)
	return err == nil, err
}

// Fetch has a new directory's log fetched from the other validators at its first start: they may keep no blocks of the
// engine's so old, or have begun with a log that another node had ordered.
func Fetch(dir string) error {
	return durable.Replace(vfs.OS, filepath.Join(dir, homeDir, catchingFile), []byte("this validator is new\n"))
}

// errOwnLog says that the log here is not the beginning of the cluster's.
var errOwnLog = errors.New("the log here is not the beginning of the one that the validators have signed")

// behind says whether the log must be fetched before the engine can run, and whether what this validator has signed is
// lost besides.
func (e *Engine) behind() (behind, lost bool, err error) {
	home := filepath.Join(e.dir, homeDir)
	for _, file := range []struct {
		path  string
		there *bool
	}{{filepath.Join(home, catchingFile), &behind}, {signedPath(e.dir, e.keys.Consensus), &lost}} {
		_, err := os.Stat(file.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, false, err
		}
		*file.there = err == nil
	}
	return behind || !lost, !lost, nil
}

// fetchAndRun catches up and lets the engine run. What it cannot do now it tries again; what cannot be mended so, it
// says, and this validator has stopped.
func (e *Engine) fetchAndRun(ctx context.Context, lost bool) {
	err := e.catchUp(ctx, lost)
	if err == nil && e.fetched != nil {
		e.fetched()
	}
	if err == nil {
		err = e.run(e.application)
	}
	if err != nil && ctx.Err() == nil {
		e.fail(err.Error())
	}
}

// retryFetch is how long a validator waits before it asks its peers again.
const retryFetch = time.Second

// catchUp fetches the log from peers, up to a block that more than two thirds have signed, and begins the engine's
// data anew at that block. A crash in its middle leaves the file that has it done again. forgot says that what this
// validator has signed is lost.
func (e *Engine) catchUp(ctx context.Context, forgot bool) error {
	unfinished := filepath.Join(e.dir, homeDir, catchingFile)
	if err := vfs.OS.MkdirAll(filepath.Join(e.dir, homeDir, dataDir)); err != nil {
		return err
	}
	if err := durable.Replace(vfs.OS, unfinished,
		[]byte("the log is fetched from the other validators\n")); err != nil {
		return err
	}
	a, err := e.ask()
	if err != nil {
		return err
	}
	defer a.close()
	highest := int64(0) // block that was committed anywhere when this validator had begun to ask
	before := &lost{engine: e}
	for waited := ""; ; {
		offers := e.offers(ctx, a)
		for _, o := range offers {
			highest = max(highest, o.next.Height)
		}
		o, err := e.fetch(ctx, a, offers)
		if err != nil {
			return err
		}
		before.need = "another validator that shows how far it is"
		if o != nil {
			var signed *privval.FilePVLastSignState
			if forgot {
				if signed, err = before.signed(ctx, a, o, offers, highest); err != nil {
					return err
				}
			}
			if signed != nil || !forgot {
				return e.begin(o, e.votesFor(ctx, a, o, offers), signed)
			}
		}
		if before.need != waited {
			waited = before.need
			e.logger.Info("this validator waits before it joins", "peers", len(offers), "wants", waited)
		}
		select {
		case <-time.After(retryFetch):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// offered is an offer that holds, and whose it is.
type offered struct {
	*offer
	peer p2p.Peer
}

// offers asks all peers where they are, the farthest first. Whoever says what does not hold is not asked again.
func (e *Engine) offers(ctx context.Context, a *asking) (list []offered) {
	var asking sync.WaitGroup
	var mu sync.Mutex // over the list
	for _, peer := range a.connect(e.settings.Peers) {
		asking.Go(func() {
			o, err := a.offer(ctx, peer)
			if err != nil {
				return // it is starting, or has gone
			}
			if err := o.check(e.charter, e.genesis.ChainID, e.validators(), e.sound); err != nil {
				e.logger.Warn("a peer says of the log what does not hold", "peer", peer.ID(), "cause", err)
				a.refuse(peer)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			list = append(list, offered{o, peer})
		})
	}
	asking.Wait()
	slices.SortStableFunc(list, func(x, y offered) int { return int(y.at.Height) - int(x.at.Height) })
	return list
}

// sound says whether whoever signs so many entries has signed an offer's checkpoint, by the links that it shows.
func (e *Engine) sound(o *offer) error {
	if err := e.app.ledger.LearnSigners(o.links); err != nil {
		return err
	}
	return e.app.ledger.CheckCheckpoint(o.checkpoint)
}

// votedBy says whether an offer's blocks were voted on by those whom the log set to it, now that it is here: the links
// show who signs checkpoints, and not who votes.
func (e *Engine) votedBy(o *offer) error {
	sets, err := e.app.readSets()
	if err != nil {
		return err
	}
	voters := o.voters
	if !o.changed {
		first := e.validators()
		voters = [voterSets]*cmttypes.ValidatorSet{first, first, first}
	}
	sets = sets[max(0, len(sets)-voterSets):]
	for i, voted := range voters {
		if !slices.ContainsFunc(sets, func(s set) bool {
			return bytes.Equal(validatorsOf(s.members).Hash(), voted.Hash())
		}) {
			return fmt.Errorf("block %d is of validators that the log did not set to it", o.block.Height+int64(i))
		}
	}
	return nil
}

// validatorsOf is a set of the ledger's as CometBFT has it; all have the same power.
func validatorsOf(members []Member) *cmttypes.ValidatorSet {
	var list []*cmttypes.Validator
	for _, m := range members {
		list = append(list, cmttypes.NewValidator(cmted25519.PubKey(m.Consensus), power))
	}
	return cmttypes.NewValidatorSet(list)
}

// validators are those of the genesis.
func (e *Engine) validators() *cmttypes.ValidatorSet {
	var list []*cmttypes.Validator
	for _, v := range e.genesis.Validators {
		list = append(list, cmttypes.NewValidator(v.PubKey, v.Power))
	}
	return cmttypes.NewValidatorSet(list)
}

// fetch takes the log from one of those who offered it, and returns under which offer it stands; nil when none could
// give it whole. Each begins where the one before him ended. Only what the offer's checkpoint covers is executed, and
// every rule and signature is verified again: a peer can withhold, not deceive.
func (e *Engine) fetch(ctx context.Context, a *asking, offers []offered) (*offer, error) {
	for _, o := range offers {
		edge, blocks, err := e.app.ledger.Edge()
		if err != nil {
			return nil, err
		}
		if edge.Size() > o.at.Size {
			continue // it will offer more
		}
		var lie error // what the peer has done, beside failures of this node's
		err = e.app.ledger.CatchUp(ctx, func(yield func([][]byte, error) bool) {
			for entries, err := range e.blocks(ctx, a, o, edge, blocks) {
				if err != nil {
					lie = err
				}
				if !yield(entries, err) {
					return
				}
			}
		})
		var invalid *replay.InvalidError
		switch {
		case lie != nil && ctx.Err() == nil:
			e.logger.Warn("a peer does not give the log that it offered", "peer", o.peer.ID(), "cause", lie)
			if !errors.Is(lie, errMissing) && !errors.Is(lie, errUnanswered) {
				a.refuse(o.peer)
			}
			continue
		case errors.As(err, &invalid):
			return nil, fmt.Errorf("the validators have signed what this program does not hold for right: %w", err)
		case err != nil:
			return nil, err
		}
		if edge, _, err = e.app.ledger.Edge(); err != nil {
			return nil, err
		}
		if edge.Size() != o.at.Size || edge.Root() != o.at.Root {
			return nil, errOwnLog
		}
		if err := e.votedBy(o.offer); err != nil {
			e.logger.Warn("a peer says of the validators what the log does not", "peer", o.peer.ID(), "cause", err)
			a.refuse(o.peer)
			continue
		}
		return o.offer, nil
	}
	return nil, nil
}

// blocks yields what a peer gives, each verified to be of the log that it offered, and an error at the first that is
// not.
func (e *Engine) blocks(ctx context.Context, a *asking, o offered, edge txlog.Tree, height uint64) iter.Seq2[[][]byte,
	error] {
	return func(yield func([][]byte, error) bool) {
		for edge.Size() < o.at.Size {
			c, err := a.chunk(ctx, o.peer, o.at.Height, height)
			var blocks [][][]byte
			if err == nil {
				blocks, err = c.open(&edge, o.at)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, entries := range blocks {
				if height++; !yield(entries, nil) {
					return
				}
			}
		}
	}
}

// begin begins the engine's data at a block, with the votes for it where somebody has them. signed is the last that
// this validator may have signed; nil where that is known here.
//
// The file catchingFile goes last: a crash anywhere before has all of it done again, and each step can be.
func (e *Engine) begin(o *offer, votes *cmttypes.ExtendedCommit, signed *privval.FilePVLastSignState) error {
	c, err := txlog.ParseSigned(o.checkpoint)
	if err != nil {
		return err
	}
	if _, own := e.app.ledger.Published(); own.Size < c.Size {
		if err := e.app.ledger.AdoptCheckpoint(o.checkpoint); err != nil {
			return err
		}
		e.app.cosigns.keeps(c.Size)
	}
	sets, err := e.app.readSets()
	if err != nil {
		return err
	}
	e.app.mu.Lock()
	e.app.at, e.app.sets, e.app.changed = o.at, sets, 0
	err = e.app.positions.restart(o.at)
	e.app.mu.Unlock()
	if err != nil {
		return err
	}
	data := filepath.Join(e.dir, homeDir, dataDir)
	for _, name := range []string{"blockstore.db", "state.db", "evidence.db", "cs.wal"} {
		if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
			return err
		}
	}
	if err := e.bootstrap(o, votes); err != nil {
		return err
	}
	if signed != nil {
		// Before the file that says that the log is fetched goes: without this one it would vote again from nothing.
		state, err := cmtjson.Marshal(signed)
		if err != nil {
			return err
		}
		if err := durable.Create(vfs.OS, signedPath(e.dir, e.keys.Consensus), state); err != nil {
			return err
		}
		e.logger.Info("what this validator has signed was lost: it signs nothing up to", "block", signed.Height,
			"round", signed.Round, "step", signed.Step)
	}
	e.logger.Info("the log is fetched, and this validator joins", "entries", o.at.Size, "block", o.at.Height)
	return durable.Remove(vfs.OS, filepath.Join(e.dir, homeDir, catchingFile))
}

// bootstrap writes CometBFT's stores as they are after a block, without the blocks. With the votes' extensions it
// begins to vote on the next block; without them (commit is nil) it fetches one more first.
func (e *Engine) bootstrap(o *offer, commit *cmttypes.ExtendedCommit) (err error) {
	state, err := e.stateAt(o)
	if err != nil {
		return err
	}
	config := e.config(filepath.Join(e.dir, homeDir))
	blocksDB, err := openStore(&cmtconfig.DBContext{ID: "blockstore", Config: config})
	if err != nil {
		return err
	}
	blocks := cmtstore.NewBlockStore(blocksDB)
	defer func() { err = errors.Join(err, blocks.Close()) }()
	stateDB, err := openStore(&cmtconfig.DBContext{ID: "state", Config: config})
	if err != nil {
		return err
	}
	states := sm.NewStore(stateDB, sm.StoreOptions{DiscardABCIResponses: config.Storage.DiscardABCIResponses})
	defer func() { err = errors.Join(err, states.Close()) }()
	if err := states.Bootstrap(state); err != nil {
		return err
	}
	if err := blocks.SaveSeenCommit(state.LastBlockHeight, o.block.Commit); err != nil {
		return err
	}
	if commit != nil {
		encoded, err := commit.ToProto().Marshal()
		if err != nil {
			return err
		}
		// As BlockStore.LoadBlockExtendedCommit reads it, which has no writer without the block.
		if err := blocksDB.SetSync(fmt.Appendf(nil, "EC:%v", commit.Height), encoded); err != nil {
			return err
		}
	}
	return states.SetOfflineStateSyncHeight(state.LastBlockHeight)
}

// stateAt is CometBFT's state after a block that was offered.
func (e *Engine) stateAt(o *offer) (state sm.State, err error) {
	if state, err = sm.MakeGenesisState(e.genesis); err != nil {
		return state, err
	}
	if hash := state.ConsensusParams.Hash(); !bytes.Equal(hash, o.next.ConsensusHash) {
		return state, errors.New("the cluster has other parameters than its genesis says")
	}
	height := o.block.Height
	first := state.Validators
	state.Version.Consensus = o.next.Version
	state.LastBlockHeight, state.LastBlockID, state.LastBlockTime = height, o.next.LastBlockID, o.block.Time
	state.LastValidators, state.Validators, state.NextValidators = turn(first, height), turn(first, height+1),
		turn(first, height+2)
	// Whose turn it is, only the others know; who says it wrongly keeps this validator from voting in time.
	if o.changed {
		state.LastValidators, state.Validators, state.NextValidators = o.voters[0], o.voters[1], o.voters[2]
	}
	state.LastHeightValidatorsChanged, state.LastHeightConsensusParamsChanged = height+2, height+1
	state.LastResultsHash, state.AppHash = o.next.LastResultsHash, o.next.AppHash
	return state, nil
}

// turn is whose turn it is at a height, from the validators of block 1. All have the same power, so that after as many
// blocks as there are of them it is the same again.
func turn(first *cmttypes.ValidatorSet, height int64) *cmttypes.ValidatorSet {
	if times := (height - 1) % int64(first.Size()); times > 0 {
		return first.CopyIncrementProposerPriority(int32(times))
	}
	return first.Copy()
}

// patience is how long an engine may wait for blocks that others have before the log is fetched instead: they may keep
// none so old.
const patience = 20 * time.Second

// watch has the log fetched when the engine waits for blocks that nobody keeps any more.
func (e *Engine) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var height uint64
	for moved := time.Now(); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		comet := e.comet.Load()
		if comet != nil {
			e.leaveSilent(comet.Switch())
		}
		e.app.mu.Lock()
		at := e.app.at.Height
		e.app.mu.Unlock()
		if err := e.app.recoverHandover(); err != nil {
			e.logger.Warn("the checkpoint that shows the newest change of validators is not made", "cause", err)
		}
		// Whoever executes a block, or waits for room on its disk, has one.
		if comet == nil || at != height || e.app.busy.Load() > 0 || !e.ahead(comet.Switch(), at) {
			height, moved = at, time.Now()
			continue
		}
		if time.Since(moved) < e.patience {
			continue
		}
		e.logger.Info("the others have no blocks as old as this validator needs: the log is fetched", "block", at)
		if comet = e.comet.Swap(nil); comet == nil {
			return
		}
		e.stopping(true)
		_ = comet.Stop() // it says only that it has stopped before
		comet.Wait()
		e.fetchAndRun(ctx, false)
		moved = time.Now()
	}
}

// silence is how long a member's connection may bring nothing. Those who vote are heard every second or two, also while
// no block can be agreed on.
const silence = 10 * time.Second

// leaveSilent closes connections to members that have gone silent, which CometBFT connects again within seconds. A line
// that was cut and is mended carries nothing for as long again as it was cut, up to two minutes: that is TCP's backing
// off, and CometBFT's own patience is longer still. So is a connection that was accepted while a member's engine was
// being stopped, which CometBFT does not close: the member is refused as one that is connected, until this is left.
func (e *Engine) leaveSilent(network *p2p.Switch) {
	for _, peer := range network.Peers().List() {
		state, ok := peer.Get(cmttypes.PeerStateKey).(*consensus.PeerState)
		heard := peer.Status().RecvMonitor
		if heard.Bytes > 0 && (!ok || state.GetHeight() <= 0) { // it fetches the log, and is silent while it executes
			continue
		}
		if idle := heard.Idle; idle > e.silence {
			network.StopPeerForError(peer, fmt.Sprintf("nothing was heard for %s", idle.Round(time.Millisecond)))
		}
	}
}

// ahead says whether so many members vote on blocks far after one that one of them does not lie. A member's word for
// its height is not proved; of n with a quorum of q, n−q may lie.
func (e *Engine) ahead(network *p2p.Switch, height uint64) bool {
	count := 0
	for _, peer := range network.Peers().List() {
		state, ok := peer.Get(cmttypes.PeerStateKey).(*consensus.PeerState)
		if ok && uint64(max(0, state.GetHeight())) > height+2 {
			count++
		}
	}
	s := e.app.now()
	return count > len(s.members)-s.threshold()
}
