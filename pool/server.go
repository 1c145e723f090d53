package pool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/wallet"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/relay"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
)

// Pool is a running pool node.
type Pool struct {
	config    Config
	network   bitcoin.Network
	nodes     []*bitcoin.Client // the first is preferred
	logger    *slog.Logger
	log       *txlog.Log
	committer *committer
	registry  *registry
	guard     *guard
	accounts  *Accounts
	operator  []byte // script
	wallet    *wallet.Wallet
	drawer    drawer
	logKey    string
	paying    sync.Mutex           // one payment at a time
	sighted   map[uint64]*sighting // of open payments; owned by who holds paying
	movedAt   bitcoin.Hash         // tip at which settled payments were looked after; owned like sighted
	movedErr  error                // and what was found amiss

	payOptions atomic.Pointer[PayOptions] // of the last payment

	joining  sync.WaitGroup  // blocks that are put together for the relay
	tunnels  *sync.WaitGroup // TLS connections that end in this process
	loops    []*loop
	nextLoop atomic.Uint64
	current  atomic.Pointer[job]
	halted   atomic.Bool
	draining atomic.Bool // nobody new is let in
	feePPM   atomic.Uint64
	nextFee  atomic.Pointer[feeChange]
	lastJob  atomic.Uint64
	targets  sync.Map // stratum.Difficulty → *bitcoin.Target
	failure  chan error

	extranonce      atomic.Uint64 // next
	extranonceLimit atomic.Uint64 // leased below this
	leaseSize       atomic.Uint64 // of the newest lease
	leasing         atomic.Bool

	relay    *relay.Relay
	followed atomic.Pointer[bitcoin.Client] // whose templates are worked on
	ours     atomic.Pointer[ownBlock]       // the newest that a node has taken
	news     <-chan struct{}                // of blocks, from ZeroMQ; may be nil

	seen     *seenShares
	replayed uint64 // entries of the log that Open read itself
	counters struct{ accepted, rejected, blocks atomic.Uint64 }
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
	// Prepared is what was read of the log beforehand; nil: nothing. Open may be given it once.
	Prepared *Prepared
	// BlocksDir keeps blocks until they are final; empty keeps them in memory only.
	BlocksDir string
	// Peers are further nodes' peer-to-peer addresses, which get every block of the pool at once.
	Peers []string
	// News tells of a new block at the first node, such as from its ZeroMQ publisher. May be nil.
	News <-chan struct{}
}

// Extranonces are reserved in the log before they are given: few at first, then twice as many each
// time, up to the most. What is left is given back by an orderly end.
const (
	firstLease = 1 << 12
	mostLease  = 1 << 20
)

// Open reads the log and gets everything back that a restart must not lose: workers, the shares of
// the current block, extranonces, accounts.
func Open(ctx context.Context, config Config, options Options) (*Pool, error) {
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
		config: config, network: options.Network, nodes: options.Nodes, logger: options.Logger, log: options.Log,
		guard: newGuard(), operator: operator, drawer: drawer{options.PaymentsDir}, logKey: options.LogKey, failure: make(chan error, 1),
		sighted: map[uint64]*sighting{}, news: options.News, tunnels: &sync.WaitGroup{},
	}
	p.guard.exempt = config.Exempt
	p.feePPM.Store(config.FeePPM)
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if options.Wallet != nil {
		p.wallet = wallet.New(options.Wallet, p.network)
	} else if len(p.nodes) > 0 {
		p.wallet = wallet.New(p.nodes[0], p.network)
	}
	p.committer = newCommitter(options.Log, p.fail)
	if err := p.readLog(ctx, options); err != nil {
		return nil, err
	}
	if fault := p.accounts.Fault(); fault != nil {
		p.logger.Error("nobody is paid", "reason", fault)
	}
	for account, amount := range p.accounts.corrected {
		p.logger.Warn("account corrected: earlier rules had booked it otherwise", "account", account, "satoshi", int64(amount))
	}
	if err := p.restoreFee(time.Now()); err != nil {
		return nil, err
	}
	if err := p.restoreBans(ctx, time.Now()); err != nil {
		return nil, err
	}
	if err := p.restoreSettings(ctx); err != nil {
		return nil, err
	}
	p.relay, err = relay.Open(relay.Options{Network: p.network, Nodes: p.nodes, Peers: options.Peers, Dir: options.BlocksDir, Logger: p.logger,
		Taken: p.blockTaken, Refused: p.blockRefused})
	if err != nil {
		return nil, fmt.Errorf("blocks on their way: %w", err)
	}
	return p, p.begin()
}

// begin makes the first lease and the scheme durable before anybody connects.
func (p *Pool) begin() error {
	first := p.extranonce.Load()
	p.committer.record(&sharelog.Lease{First: first, Count: firstLease})
	p.committer.record(p.schemeRecord())
	if err := p.committer.commit(); err != nil {
		return fmt.Errorf("pool log: %w", err)
	}
	p.extranonceLimit.Store(first + firstLease)
	p.leaseSize.Store(firstLease)
	count := p.config.Loops
	if count <= 0 {
		// Fewer loops gather larger batches, which cost less a share; broadcasts use all processors anyway.
		count = max(1, min(runtime.GOMAXPROCS(0)/2, 4))
	}
	for range count {
		l, err := newLoop(p)
		if err != nil {
			return err
		}
		p.loops = append(p.loops, l)
	}
	return nil
}

// schemeRecord is what the log says of how shares are paid from here on.
func (p *Pool) schemeRecord() *sharelog.Scheme {
	return &sharelog.Scheme{
		Name: p.config.Scheme, FeePPM: p.feePPM.Load(), Address: p.config.Operator,
		Rules: sharelog.RulesAtBlock, InCoinbase: p.config.PayInCoinbase,
	}
}

var errExtranonces = errors.New("more connections at once than extranonces could be reserved for; the next may have one")

// nextExtranonce is a number that no other connection has whose jobs may still live, of this node or
// another: the counter begins anew after 2^32, which are years of connections.
func (p *Pool) nextExtranonce() (number [extranonce1Size]byte, err error) {
	n := p.extranonce.Add(1) - 1
	limit := p.extranonceLimit.Load()
	size := p.leaseSize.Load()
	if limit < n+size && // always one lease ahead
		p.leasing.CompareAndSwap(false, true) {
		next := min(2*size, mostLease)
		p.committer.recordThen(&sharelog.Lease{First: limit, Count: next}, func() {
			p.leaseSize.Store(next)
			p.extranonceLimit.Store(limit + next)
			p.leasing.Store(false)
		})
	}
	if n >= limit {
		return number, errExtranonces
	}
	number[0] = p.config.Node
	binary.BigEndian.PutUint32(number[1:], uint32(n))
	return number, nil
}

// targetOf caches the targets of difficulties, which are few.
func (p *Pool) targetOf(d stratum.Difficulty) *bitcoin.Target {
	if cached, ok := p.targets.Load(d); ok {
		return cached.(*bitcoin.Target)
	}
	target := d.Target()
	cached, _ := p.targets.LoadOrStore(d, &target)
	return cached.(*bitcoin.Target)
}

func (p *Pool) solo() bool { return p.config.Scheme == payout.SOLO }

// fail ends the pool: what the log cannot take must not be acknowledged.
func (p *Pool) fail(err error) {
	select {
	case p.failure <- err:
	default:
	}
}

// Run serves until ctx ends or the log fails. Listeners are closed by it.
func (p *Pool) Run(ctx context.Context, listeners ...Listener) error {
	_, err := p.RunUntil(ctx, nil, listeners...)
	return err
}

// RunUntil is Run that can also end by a signal from leave: then no connection is closed, everything accepted is
// durable and answered, and what a successor needs is returned. The log is the caller's to close.
func (p *Pool) RunUntil(ctx context.Context, leave <-chan struct{}, listeners ...Listener) (*Handover, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var background, producing, serving sync.WaitGroup // producing: whoever gives loops work
	committing, stopCommitting := context.WithCancel(context.Background())
	defer stopCommitting()
	background.Go(func() { p.committer.run(committing) })
	for _, l := range p.loops {
		serving.Go(l.run)
	}
	for _, listener := range listeners {
		producing.Go(func() { listener.serve(ctx, p) })
	}
	producing.Go(func() { p.ticks(ctx) })
	producing.Go(func() { p.accounts.run(ctx, p) })
	background.Go(func() { p.keepBans(committing) })
	if len(p.nodes) > 0 {
		producing.Go(func() { p.watch(ctx) })
		producing.Go(func() { p.keepPayments(ctx) })
		producing.Go(func() { p.relay.Run(ctx) })
	}
	handed, err := p.awaitEnd(ctx, leave, listeners)
	cancel()
	if handed != nil {
		producing.Wait() // each loop has the newest job and every connection that was accepted
		for _, l := range p.loops {
			l.post(l.freeze)
		}
	} else {
		p.dismiss()
	}
	if failed := p.awaitLoops(&serving); failed != nil {
		handed, err = nil, errors.Join(err, failed)
	}
	p.joining.Wait()
	p.relay.Wait()
	p.giveBack()
	producing.Wait()
	stopCommitting()
	background.Wait()
	if handed != nil {
		p.export(handed)
	}
	return handed, errors.Join(err, p.accounts.Close())
}

// awaitEnd waits for one of the three ends of a run. To be handed over, the listening sockets must be.
func (p *Pool) awaitEnd(ctx context.Context, leave <-chan struct{}, listeners []Listener) (*Handover, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, nil
		case err := <-p.failure:
			p.logger.Error("the log fails; stopping", "error", err)
			return nil, err
		case <-leave:
		}
		h := &Handover{tunnels: p.tunnels}
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

// awaitLoops waits for the loops' end. If the log fails meanwhile, what they wait for never comes.
func (p *Pool) awaitLoops(serving *sync.WaitGroup) error {
	served := make(chan struct{})
	go func() { serving.Wait(); close(served) }()
	select {
	case <-served:
		return nil
	case err := <-p.failure:
		for _, l := range p.loops {
			l.post(func() { l.closing = true })
		}
		<-served
		return err
	}
}

// dismiss tells miners to come again; what they have been promised is written.
func (p *Pool) dismiss() {
	for _, l := range p.loops {
		l.post(func() {
			for _, c := range append([]*conn(nil), l.conns...) {
				l.send(c, stratum.AppendRequest(nil, -1, "client.reconnect", "[]"))
			}
			l.closing = true
		})
	}
}

// giveBack ends the lease where its extranonces were used up to. Called when nobody is served any more.
func (p *Pool) giveBack() {
	p.committer.record(&sharelog.Lease{First: min(p.extranonce.Load(), p.extranonceLimit.Load())})
}

func (p *Pool) ticks(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.applyFee(time.Now())
			for _, l := range p.loops {
				l.post(l.tick)
			}
		}
	}
}

// halt stops all work: connections are closed and refused, so that miners turn to another pool.
func (p *Pool) halt(reason string) {
	if p.halted.Swap(true) {
		return
	}
	p.logger.Error("work stops", "reason", reason)
	for _, l := range p.loops {
		l.post(func() {
			for len(l.conns) > 0 {
				c := l.conns[0]
				l.read(c) // what it has found meanwhile is not lost
				l.close(c)
			}
			l.current = nil
		})
	}
}

// Network is the chain that the pool mines on.
func (p *Pool) Network() bitcoin.Network { return p.network }
