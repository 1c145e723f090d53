package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dbm "github.com/cometbft/cometbft-db"
	abci "github.com/cometbft/cometbft/abci/types"
	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/consensus"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/mempool"
	cmtnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/proxy"
	sm "github.com/cometbft/cometbft/state"
	cmtstore "github.com/cometbft/cometbft/store"
	cmttypes "github.com/cometbft/cometbft/types"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// Engine orders a node's transactions together with the other members. It is the node's Sequencer.
//
// Open, Succeed and Start are called one after the other by whoever opens the node; then comet, states and cause, which
// are atomic, are what other goroutines read. beside is the one goroutine that fetches and watches: it alone stops and
// starts CometBFT until Stop has waited for it.
type Engine struct {
	dir      string
	keys     Keys
	settings Settings
	charter  Charter
	genesis  *cmttypes.GenesisDoc
	next     *Keys // nil without any
	promote  func() error
	logger   *slog.Logger
	app      *app
	wrap     func(abci.Application) abci.Application // a test's validator that lies; nil otherwise
	comet    atomic.Pointer[cmtnode.Node]
	states   atomic.Pointer[sm.Store] // of the engine that runs: who votes for which block
	// of the engine that ran last: the votes on the block that is voted on
	consensus atomic.Pointer[consensus.State]
	failed    chan struct{} // closed when consensus has stopped for good
	failing   sync.Once
	cause     atomic.Pointer[string]

	signs func(cmttypes.PrivValidator) cmttypes.PrivValidator // a test's signer with a wrong clock; nil otherwise
	// of a test, when the log was fetched; nil otherwise
	fetched     func()
	blockDB     dbm.DB           // CometBFT's, which it opens before that of states
	application abci.Application // app, or what a test has put around it
	patience    time.Duration
	silence     time.Duration
	end         context.CancelFunc // ends what runs beside the engine
	beside      sync.WaitGroup
}

// Open reads a participant's directory. Start begins to order.
func Open(dir string, keys Keys, logger *slog.Logger) (*Engine, error) {
	e := &Engine{dir: dir, keys: keys, logger: logger, failed: make(chan struct{}), patience: patience,
		silence: silence}
	var err error
	if e.settings, err = ReadSettings(dir); err != nil {
		return nil, err
	}
	if e.genesis, e.charter, err = readGenesis(dir); err != nil {
		return nil, err
	}
	if own := e.charter.ByConsensus(public(keys.Consensus)); own >= 0 {
		if m := e.charter.Members[own]; m.Name != e.settings.Name {
			return nil, &SettingError{"name", fmt.Sprintf("the keys here are %s's, not %s's", m.Name, e.settings.Name)}
		} else if !m.Checkpoint.Equal(public(keys.Checkpoint)) {
			return nil, errors.New("the key for checkpoints here is not the one that the cluster's genesis names")
		}
	}
	return e, nil
}

// Succeed has this validator go on with other keys of its own as soon as it starts in a ledger that has set them.
// promote is called once, when they have taken the place of the present ones.
func (e *Engine) Succeed(next Keys, promote func() error) { e.next, e.promote = &next, promote }

// succeed takes the next keys if the ledger has set them.
func (e *Engine) succeed() error {
	if e.next == nil || (Charter{Members: e.app.now().members}).ByConsensus(public(e.next.Consensus)) < 0 {
		return nil
	}
	if err := e.promote(); err != nil {
		return err
	}
	e.keys, e.next = *e.next, nil
	e.app.cosigns.key = e.keys.Checkpoint
	e.logger.Info("this validator goes on with its next keys")
	return nil
}

// Charter is who ordered together at first.
func (e *Engine) Charter() Charter { return e.charter }

// Settings are this participant's.
func (e *Engine) Settings() Settings { return e.settings }

// Start begins to order: CometBFT replays what the ledger lacks, connects to the other members, and goes on. name is
// the network's. An error leaves nothing open. Where the log is fetched first it returns before that has ended: Failed
// and Err say what became of it.
func (e *Engine) Start(ledger Ledger, name string) error {
	if ledger.Network() != e.charter.Network {
		return fmt.Errorf("the cluster is of network %s, the ledger of %s", e.charter.Network, ledger.Network())
	}
	if err := keepFirst(e.dir, ledger.Genesis().Leaf().Encode()); err != nil {
		return err
	}
	home := filepath.Join(e.dir, homeDir)
	at, err := openPositions(vfs.OS, filepath.Join(home, positionsFile))
	if err != nil {
		return err
	}
	e.app = &app{ledger: ledger, peers: e.settings.Peers,
		seen: seen{at: time.Now(), members: map[string]seenMember{}},
		name: name, logger: e.logger, charter: e.charter, retain: e.settings.KeepBlocks, positions: at,
		cosigns:  &cosigning{key: e.keys.Checkpoint},
		verifies: newVerifying(ledger.VerifyBatch)}
	e.app.signed, e.app.votes, e.app.voters = e.signedHeader, e.extensions, e.voters
	e.app.evidence, e.app.voting = e.evidence, e.voting
	if err := errors.Join(e.app.openFaults(home), e.app.recoverSets()); err != nil {
		return errors.Join(err, at.close(), e.app.closeFaults())
	}
	if err := e.succeed(); err != nil {
		return errors.Join(err, at.close(), e.app.closeFaults())
	}
	if signed, c := ledger.Published(); signed != nil {
		e.app.kept, e.app.keptSize = signed, c.Size
		e.app.cosigns.keeps(c.Size)
	}
	e.application = e.app
	if e.wrap != nil {
		e.application = e.wrap(e.app)
	}
	behind, lost, err := e.behind()
	if err == nil && lost && len(e.settings.Peers) == 0 {
		_, err = openValidator(e.dir, e.keys.Consensus) // nobody could say how far it may have signed
	}
	if err == nil && !behind {
		head := ledger.Head()
		if e.app.at, err = at.of(head.Size, head.Root); err == nil {
			err = e.run(e.application)
		}
	}
	if err != nil {
		return errors.Join(err, at.close(), e.app.closeFaults())
	}
	ctx, end := context.WithCancel(context.Background())
	e.end = end
	e.beside.Go(func() {
		if behind {
			e.fetchAndRun(ctx, lost)
		}
		e.watch(ctx)
	})
	return nil
}

// signedHeader is a block's header with the votes for it; nil for one that is not kept.
func (e *Engine) signedHeader(height uint64) *cmttypes.SignedHeader {
	comet := e.comet.Load()
	if comet == nil {
		return nil
	}
	blocks := comet.BlockStore()
	meta, commit := blocks.LoadBlockMeta(int64(height)), blocks.LoadBlockCommit(int64(height))
	if commit == nil {
		commit = blocks.LoadSeenCommit(int64(height))
	}
	if meta == nil || commit == nil {
		return nil
	}
	return &cmttypes.SignedHeader{Header: &meta.Header, Commit: commit}
}

// extensions are those of the votes for a block, by address; none of one that is not kept.
func (e *Engine) extensions(height uint64) map[string][]byte {
	comet := e.comet.Load()
	if comet == nil {
		return nil
	}
	commit := comet.BlockStore().LoadBlockExtendedCommit(int64(height))
	if commit == nil {
		return nil
	}
	all := map[string][]byte{}
	for _, vote := range commit.ExtendedSignatures {
		if len(vote.Extension) > 0 {
			all[string(vote.ValidatorAddress)] = vote.Extension
		}
	}
	return all
}

// openStores opens a database for CometBFT, and remembers that of states.
func (e *Engine) openStores(ctx *cmtconfig.DBContext) (dbm.DB, error) {
	db, err := openStore(ctx)
	switch {
	case err != nil:
		return nil, err
	case ctx.ID == "blockstore":
		e.blockDB = db
	case ctx.ID == "state":
		states := sm.NewStore(db, sm.StoreOptions{DiscardABCIResponses: ctx.Config.Storage.DiscardABCIResponses})
		e.states.Store(&states)
		if err := withoutBlocks(e.blockDB, states); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

// withoutBlocks notes again that a state was begun without the blocks before it (bootstrap): CometBFT forgets it when
// it starts, and panics at the next start where it was stopped before its first block came.
func withoutBlocks(blocks dbm.DB, states sm.Store) error {
	if blocks == nil || cmtstore.NewBlockStore(blocks).Height() > 0 {
		return nil
	}
	state, err := states.Load()
	if err != nil || state.LastBlockHeight == 0 {
		return err
	}
	return states.SetOfflineStateSyncHeight(state.LastBlockHeight)
}

// voters is who votes for a block, with whose turn it is.
func (e *Engine) voters(height uint64) (*cmttypes.ValidatorSet, error) {
	states := e.states.Load()
	if states == nil {
		return nil, errors.New("the engine does not run")
	}
	return (*states).LoadValidators(int64(height))
}

// run has CometBFT drive an application. What this validator has signed is read first (openValidator): without that
// file it could vote twice on one height.
func (e *Engine) run(application abci.Application) error {
	validator, err := openValidator(e.dir, e.keys.Consensus)
	if err != nil {
		return err
	}
	e.stopping(false)
	e.consensus.Store(nil) // of an engine before
	signer := cmttypes.PrivValidator(validator)
	if e.signs != nil {
		signer = e.signs(signer)
	}
	nodeKey := &p2p.NodeKey{PrivKey: cmted25519.PrivKey(e.keys.Peer)}
	logger := &cometLogger{to: e.logger.With("engine", "cometbft"), fails: e.fail}
	comet, err := cmtnode.NewNodeWithContext(context.Background(), e.config(filepath.Join(e.dir, homeDir)), signer,
		nodeKey, proxy.NewConnSyncLocalClientCreator(application),
		func() (*cmttypes.GenesisDoc, error) {
			return e.genesis, nil
		}, e.openStores, cmtnode.DefaultMetricsProvider(&cmtconfig.InstrumentationConfig{}), logger, e.holdOwnVotes)
	if err == nil {
		err = comet.Start()
	}
	if err != nil {
		return fmt.Errorf("the cluster's engine: %w", err)
	}
	// CometBFT shows the votes that it has to its own web server alone, which is not started here.
	shown, err := comet.ConfigureRPC()
	if err == nil {
		if state, ok := shown.ConsensusState.(*consensus.State); ok {
			e.consensus.Store(state)
		}
	}
	e.comet.Store(comet)
	return err
}

// config is CometBFT's configuration. Nothing of it listens but for the members.
func (e *Engine) config(home string) *cmtconfig.Config {
	c := cmtconfig.DefaultConfig()
	c.SetRoot(home)
	c.Moniker, c.DBBackend = e.settings.Name, "goleveldb"
	c.RPC.ListenAddress, c.TxIndex.Indexer = "", "null"
	c.Storage.DiscardABCIResponses = true
	c.P2P.ListenAddress = "tcp://" + e.settings.Listen
	c.P2P.PersistentPeers = strings.Join(e.settings.Peers, ",")
	c.P2P.AddrBook = filepath.Join(dataDir, "addrbook.json")
	c.P2P.PexReactor, c.P2P.AddrBookStrict, c.P2P.AllowDuplicateIP = false, false, true
	c.FilterPeers = true // see app.Query
	c.P2P.FlushThrottleTimeout = 5 * time.Millisecond
	c.P2P.SendRate, c.P2P.RecvRate = linkBytes, linkBytes
	c.P2P.PersistentPeersMaxDialPeriod = 5 * time.Second
	c.Mempool.MaxTxBytes, c.Mempool.MaxTxsBytes, c.Mempool.Size = maxBatchBytes, maxWaitingBytes, maxWaiting
	c.Consensus.TimeoutPropose = time.Duration(e.settings.ProposeMillis) * time.Millisecond
	c.Consensus.TimeoutProposeDelta = c.Consensus.TimeoutPropose / 2
	c.Consensus.TimeoutPrevote, c.Consensus.TimeoutPrecommit = voteTimeout, voteTimeout
	c.Consensus.TimeoutCommit, c.Consensus.SkipTimeoutCommit = 0, true
	c.Consensus.CreateEmptyBlocks, c.Consensus.CreateEmptyBlocksInterval = true, emptyEvery
	c.Consensus.PeerGossipSleepDuration = 5 * time.Millisecond
	return c
}

// What CometBFT is bounded by. An empty block is made so often though nobody pays: the next one has the time of its
// votes, and what waits on the ledger falls due by it.
const (
	linkBytes       = 200 << 20 // a second, to a peer and from it
	maxWaitingBytes = 64 << 20  // of batches that wait for a block
	maxWaiting      = 4_096     // such batches
	voteTimeout     = time.Second
	emptyEvery      = time.Second
)

// Propose hands a batch to all members. not-joined while the engine starts, overloaded where its mempool is full; nil
// says only that the others will hear of it.
func (e *Engine) Propose(b *node.Batch) *token.Error {
	comet := e.comet.Load()
	if comet == nil {
		return token.Errorf(node.NotJoined, "", "this validator is starting: send it again in a moment, or to another")
	}
	encoded := encodeBatch(digest{}, b.Len(), b.Transaction)
	e.app.verifies.remember(encoded, digest{}, b)
	if err := comet.Mempool().CheckTx(encoded, nil, mempool.TxInfo{}); err != nil {
		return token.Errorf(node.Overloaded, "", "the cluster takes no more transactions now: %v", err)
	}
	return nil
}

// Behind says that this validator fetches the log or blocks, or that the others vote far ahead of it.
func (e *Engine) Behind() bool {
	comet := e.comet.Load()
	if comet == nil || comet.ConsensusReactor().WaitSync() {
		return true
	}
	e.app.mu.Lock()
	at := e.app.at.Height
	e.app.mu.Unlock()
	return e.ahead(comet.Switch(), at)
}

// stopping has the ledger's application, where there is one, let nobody connect while the engine ends.
func (e *Engine) stopping(is bool) {
	if e.app != nil {
		e.app.stopping.Store(is)
	}
}

// Stop ends ordering. The ledger stays open. Nothing is lost by it: what was executed and not committed is brought
// again by CometBFT's own log.
func (e *Engine) Stop() error {
	if e.end != nil {
		e.end()
		e.beside.Wait()
		e.end = nil
	}
	var err error
	if comet := e.comet.Swap(nil); comet != nil {
		e.stopping(true)
		err = comet.Stop()
		comet.Wait()
	}
	if e.app == nil {
		return err
	}
	return errors.Join(err, e.app.positions.close(), e.app.closeFaults())
}

// fail notes that consensus has stopped for good.
func (e *Engine) fail(cause string) {
	e.failing.Do(func() {
		e.cause.Store(&cause)
		close(e.failed)
	})
}

// Failed is closed when this validator cannot go on, and Err says why.
func (e *Engine) Failed() <-chan struct{} { return e.failed }

// Err says why this validator cannot go on; nil while it can.
func (e *Engine) Err() error {
	if cause := e.cause.Load(); cause != nil {
		return fmt.Errorf("this validator has stopped, and the others go on without it: %s", *cause)
	}
	return nil
}

// Sealer signs this participant's snapshots, see Keys.Sealer.
func (e *Engine) Sealer() (note.Signer, note.Verifier, error) {
	return e.keys.Sealer(e.settings.Name)
}
