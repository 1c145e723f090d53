package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/chain"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/guard"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/payments"
	"github.com/aqsha/aqsha/pool/reconcile"
	"github.com/aqsha/aqsha/pool/relay"
	"github.com/aqsha/aqsha/pool/serve"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/worker"
	"github.com/aqsha/aqsha/txlog"
)

// Pool is a running pool node.
//
// What changes while it runs is atomic, or has its lock in its room; the jobs are made by one goroutine (watch), or by
// Offer, never by both.
type Pool struct {
	*serve.Server      // what miners meet: sessions, bans, draining
	*payments.Payments // what users are paid

	// Set by Open, and not changed after.
	config   settings.Config
	network  bitcoin.Network
	nodes    *chain.Nodes
	logger   *slog.Logger
	log      *txlog.Log
	writer   *commit.Committer // of the log
	registry *worker.Registry
	guard    *guard.Guard
	seen     *job.SeenShares
	figures  figures
	accounts *accounts.Accounts
	tagger   *reconcile.Tagger // nil: nothing is marked
	operator []byte            // script
	logKey   string
	feeFile  string // of an announced fee; empty: it is not kept

	feePPM  atomic.Uint64
	nextFee atomic.Pointer[feeChange] // announced; taken by exchange, so that it takes effect once

	relay   *relay.Relay
	joining sync.WaitGroup           // blocks that are put together for the relay
	found   atomic.Uint64            // blocks handed to the relay
	ours    atomic.Pointer[ownBlock] // the newest that a node has taken
	news    <-chan struct{}          // of blocks, from ZeroMQ; may be nil

	failure  chan error
	replayed uint64 // entries of the log that Open read itself
}

// Options are what a pool works with.
type Options struct {
	Network bitcoin.Network
	Nodes   []*bitcoin.Client // more than one: the others stand in and are compared with
	Log     *txlog.Log        // of this pool node alone
	Logger  *slog.Logger
	// BooksFile is the SQLite file of the books; empty keeps them in memory.
	BooksFile string
	// Wallet is whose wallet pays users; nil: the first node's.
	Wallet *bitcoin.Client
	// LogKey is the log's public key, served at /log/key.
	LogKey string
	// PaymentsDir keeps signed payments until their outcome is known. Pay needs it.
	PaymentsDir string
	// TagSecret is what the marks of this log's payments and blocks are made with; empty: none are, and a directory
	// that is put back from a backup is not noticed by them.
	TagSecret []byte
	// Mirror gives the newest checkpoint that somebody has copied of the log. May be nil.
	Mirror func(context.Context) (txlog.Checkpoint, error)
	// Prepared is what was read of the log beforehand; nil: nothing. Open may be given it once.
	Prepared *Prepared
	// BlocksDir keeps blocks until they are final; empty keeps them in memory only.
	BlocksDir string
	// Peers are further nodes' peer-to-peer addresses, which get every block of the pool at once.
	Peers []string
	// Timeouts are how long clients may take.
	Timeouts serve.Timeouts
	// News tells of a new block at the first node, such as from its ZeroMQ publisher. May be nil.
	News <-chan struct{}
}

// Open reads the log and gets everything back that a restart must not lose: workers, the shares of the current block,
// extranonces, accounts. It takes as long as reading the log does (see Prepared), and listens nowhere: Run does.
func Open(ctx context.Context, config settings.Config, options Options) (*Pool, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	operator, err := options.Network.PayTo(config.Operator)
	if err != nil {
		return nil, fmt.Errorf("operator: %w", err)
	}
	if err := options.Network.CheckMinable(); err != nil {
		return nil, err
	}
	p := &Pool{
		config: config, network: options.Network, nodes: chain.New(options.Nodes), logger: options.Logger,
		log:      options.Log,
		operator: operator, logKey: options.LogKey, tagger: reconcile.NewTagger(options.TagSecret), news: options.News,
		failure: make(chan error, 1),
		guard: guard.New(guard.Options{MaxConnections: config.MaxConnections, MaxPerIP: config.MaxPerIP,
			Exempt: config.Exempt}),
	}
	if options.PaymentsDir != "" {
		p.feeFile = options.PaymentsDir + ".fee"
	}
	p.feePPM.Store(config.FeePPM)
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	p.writer = commit.New(options.Log, p.fail)
	// Reading comes before anything that could answer a miner: a share that is in the log already must be a duplicate.
	said, err := p.readLog(ctx, options)
	if err != nil {
		return nil, err
	}
	if fault := p.accounts.Fault(); fault != nil {
		p.logger.Error("nobody is paid", "reason", fault)
	}
	for account, amount := range p.accounts.Corrected() {
		p.logger.Warn("account corrected: earlier rules had booked it otherwise", "account", account, "satoshi",
			int64(amount))
	}
	if err := p.restoreFee(time.Now()); err != nil {
		return nil, err
	}
	if err := p.restoreKept(ctx, time.Now()); err != nil {
		return nil, err
	}
	// Blocks that an earlier run found and did not see taken are its to hand over again.
	p.relay, err = relay.Open(relay.Options{Network: p.network, Nodes: options.Nodes, Peers: options.Peers,
		Dir: options.BlocksDir, Logger: p.logger,
		Taken: p.blockTaken, Refused: p.blockRefused})
	if err != nil {
		return nil, fmt.Errorf("blocks on their way: %w", err)
	}
	return p, p.begin(said, options)
}

// begin makes the first lease and the scheme durable before anybody connects.
func (p *Pool) begin(said *restored, options Options) error {
	p.Payments = payments.New(payments.Options{
		Accounts: p.accounts, Writer: p.writer, Log: p.log, Nodes: p.nodes, Wallet: p.walletOf(options.Wallet),
		Tagger: p.tagger,
		Dir:    options.PaymentsDir, ScriptOf: p.registry.ScriptOf, ByScript: p.registry.ByScript,
		Mirror: options.Mirror,
		Logger: p.logger,
	})
	p.Server = serve.New(serve.Options{
		Config: p.config, Logger: p.logger, Writer: p.writer, Registry: p.registry, Guard: p.guard, Seen: p.seen,
		Timeouts:   options.Timeouts,
		Extranonce: said.extranonce, LastJob: said.lastJob, Solved: p.solved, Solo: p.soloHandout,
	})
	p.Server.Reserve()
	p.writer.Record(p.schemeRecord())
	if err := p.writer.Commit(); err != nil {
		return fmt.Errorf("pool log: %w", err)
	}
	return p.Server.Open()
}

// walletOf is whose wallet pays users: the first node's unless it is another's.
func (p *Pool) walletOf(client *bitcoin.Client) *wallet.Wallet {
	if nodes := p.nodes.All(); client == nil && len(nodes) > 0 {
		client = nodes[0]
	}
	if client == nil {
		return nil
	}
	return wallet.New(client, p.network)
}

// schemeRecord is what the log says of how shares are paid from here on.
func (p *Pool) schemeRecord() *sharelog.Scheme {
	return &sharelog.Scheme{
		Name: p.config.Scheme, FeePPM: p.feePPM.Load(), Address: p.config.Operator,
		Rules: sharelog.RulesAtBlock, InCoinbase: p.config.PayInCoinbase,
	}
}

// fail ends the pool: what the log cannot take must not be acknowledged. The first cause counts. It may be called by
// any goroutine and does not wait.
func (p *Pool) fail(err error) {
	select {
	case p.failure <- err:
	default:
	}
}

// Run serves until ctx ends or the log fails. Listeners are closed by it.
func (p *Pool) Run(ctx context.Context, listeners ...serve.Listener) error {
	_, err := p.RunUntil(ctx, nil, listeners...)
	return err
}

// RunUntil is Run that can also end by a signal from leave: then no connection is closed, everything accepted is
// durable and answered, and what a successor needs is returned. The log is the caller's to close.
//
// The end comes in one order: those who give loops work (with a successor, when all that was accepted is some loop's),
// the loops, blocks on their way, the lease, and the log's writer last, so that what a loop has taken is durable and
// answered.
func (p *Pool) RunUntil(ctx context.Context, leave <-chan struct{},
	listeners ...serve.Listener) (*handover.Handover, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var background, producing sync.WaitGroup // producing: whoever gives loops work
	committing, stopCommitting := context.WithCancel(context.Background())
	defer stopCommitting()
	background.Go(func() { p.writer.Run(committing) })
	p.Server.Begin()
	for _, listener := range listeners {
		producing.Go(func() { listener.Serve(ctx, p.Server) })
	}
	producing.Go(func() { p.ticks(ctx) })
	producing.Go(func() {
		if err := p.accounts.Follow(ctx, p.config.Scheme, p.template); err != nil {
			p.fail(err)
		}
	})
	background.Go(func() { p.keepBans(committing) })
	if len(p.nodes.All()) > 0 {
		producing.Go(func() { p.watch(ctx) })
		producing.Go(func() { p.KeepPayments(ctx) })
		producing.Go(func() { p.relay.Run(ctx) })
	}
	handed, err := p.awaitEnd(ctx, leave, listeners)
	cancel()
	if handed != nil {
		producing.Wait() // each loop has the newest job and every connection that was accepted
		p.FreezeAll()
	} else {
		p.Dismiss()
	}
	if failed := p.AwaitLoops(p.failure); failed != nil {
		handed, err = nil, errors.Join(err, failed)
	}
	p.joining.Wait()
	p.relay.Wait()
	p.GiveBack()
	producing.Wait()
	stopCommitting()
	background.Wait()
	if handed != nil {
		p.Export(handed)
	}
	return handed, errors.Join(err, p.accounts.Close())
}

// awaitEnd waits for one of the three ends of a run: ctx, a log that fails, or a handover. To be handed over, the
// listening sockets must be; where one cannot, the pool goes on and is not handed over in this run.
func (p *Pool) awaitEnd(ctx context.Context, leave <-chan struct{},
	listeners []serve.Listener) (*handover.Handover, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, nil
		case err := <-p.failure:
			p.logger.Error("the log fails; stopping", "error", err)
			return nil, err
		case <-leave:
		}
		h := p.NewHandover()
		var err error
		for _, l := range listeners {
			if l.Name != "" && err == nil {
				err = h.AddListener(l.Name, l.Net)
			}
		}
		if err == nil {
			return h, nil
		}
		h.Close()
		p.logger.Error("not handed over; the pool goes on", "error", err)
		leave = nil
	}
}

// ticks applies what a time brings about, each second, until ctx ends.
func (p *Pool) ticks(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.applyFee(time.Now())
			p.Server.Tick()
		}
	}
}

// Log is the pool's own, which everybody may read.
func (p *Pool) Log() *txlog.Log { return p.log }

// LogKey is the log's public key; empty: it is not signed.
func (p *Pool) LogKey() string { return p.logKey }

// Scheme is how shares are paid.
func (p *Pool) Scheme() string { return p.config.Scheme }

// Logger is where the pool reports to.
func (p *Pool) Logger() *slog.Logger { return p.logger }

// template is what is worked on; nil: nothing yet.
func (p *Pool) template() *bitcoin.Template {
	if j := p.CurrentJob(); j != nil {
		return j.Template
	}
	return nil
}

// Network is the chain that the pool mines on.
func (p *Pool) Network() bitcoin.Network { return p.network }

// Blocks lists the pool's blocks, oldest first.
func (p *Pool) Blocks() []accounts.BlockView { return p.accounts.Blocks() }

// Owed is what the pool owes each address, provisional amounts included.
func (p *Pool) Owed() map[string]money.Satoshi { return p.accounts.Owed() }

// Audit checks that the books sum to zero, entry by entry, and say what the log says.
func (p *Pool) Audit(ctx context.Context) error { return p.accounts.Audit(ctx) }

// Override goes on without entries of the log that the accounts refuse, first to last: the log says so, with the
// reason, before payments do.
func (p *Pool) Override(ctx context.Context, first, last uint64, reason string) error {
	return p.accounts.Override(ctx, first, last, reason)
}
