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
	paying    sync.Mutex                     // one payment at a time
	sighted   map[uint64]*sighting           // of open payments; owned by who holds paying
	followed  atomic.Pointer[bitcoin.Client] // whose templates are worked on

	payOptions atomic.Pointer[PayOptions] // of the last payment

	loops    []*loop
	nextLoop atomic.Uint64
	current  atomic.Pointer[job]
	tipAt    atomic.Int64 // when the current block became known, Unix nanoseconds
	halted   atomic.Bool
	lastJob  atomic.Uint64
	targets  sync.Map // stratum.Difficulty → *bitcoin.Target
	failure  chan error

	extranonce      atomic.Uint64 // next
	extranonceLimit atomic.Uint64 // leased below this
	leasing         atomic.Bool

	seen     map[bitcoin.Hash]*seenHashes // by block; start, then the watching goroutine
	counters struct{ accepted, rejected, weak, blocks atomic.Uint64 }
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
}

// leaseSize is how many extranonces are reserved at a time.
const leaseSize = 1 << 20

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
	p := &Pool{
		config: config, network: options.Network, nodes: options.Nodes, logger: options.Logger, log: options.Log, registry: newRegistry(options.Network),
		guard: newGuard(), operator: operator, drawer: drawer{options.PaymentsDir}, logKey: options.LogKey, failure: make(chan error, 1), seen: map[bitcoin.Hash]*seenHashes{},
		sighted: map[uint64]*sighting{},
	}
	if p.logger == nil {
		p.logger = slog.New(slog.DiscardHandler)
	}
	if options.Wallet != nil {
		p.wallet = wallet.New(options.Wallet, p.network)
	} else if len(p.nodes) > 0 {
		p.wallet = wallet.New(p.nodes[0], p.network)
	}
	p.committer = newCommitter(options.Log, p.fail)
	if p.accounts, err = OpenAccounts(options.Log, options.BooksFile); err != nil {
		return nil, err
	}
	if fault := p.accounts.Fault(); fault != nil {
		p.logger.Error("nobody is paid", "reason", fault)
	}
	for account, amount := range p.accounts.corrected {
		p.logger.Warn("account corrected: earlier rules had booked it otherwise", "account", account, "satoshi", int64(amount))
	}
	if err := p.restore(ctx); err != nil {
		return nil, err
	}
	if err := p.restoreBans(ctx, time.Now()); err != nil {
		return nil, err
	}
	return p, p.begin()
}

// restore replays the log.
func (p *Pool) restore(ctx context.Context) error {
	jobs := map[uint64]bitcoin.Hash{}
	var order []bitcoin.Hash // blocks that jobs were on, oldest first
	index := uint64(0)
	for entry, err := range p.log.Entries(0, p.log.Size()) {
		if err != nil {
			return err
		}
		if index++; index%10_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		record, err := sharelog.Decode(entry)
		if err != nil {
			continue // what the accounts do not understand stops payments, not the pool
		}
		switch r := record.(type) {
		case *sharelog.Worker:
			err = p.registry.restore(r)
		case *sharelog.Lease:
			p.extranonce.Store(max(p.extranonce.Load(), r.First+r.Count))
		case *sharelog.Job:
			p.lastJob.Store(max(p.lastJob.Load(), r.Number))
			if len(order) == 0 || order[len(order)-1] != r.Previous {
				order = append(order, r.Previous)
				if len(order) > 2 { // only the tip's shares and its parent's can come again
					delete(p.seen, order[0])
					order = order[1:]
					clear(jobs)
				}
			}
			jobs[r.Number] = r.Previous
		case *sharelog.Share:
			if previous, ok := jobs[r.Job]; ok {
				p.seenOn(previous).add(r.HashPrefix)
			}
		}
		if err != nil {
			return fmt.Errorf("log entry %d: %w", index-1, err)
		}
	}
	return nil
}

func (p *Pool) seenOn(previous bitcoin.Hash) *seenHashes {
	if p.seen[previous] == nil {
		p.seen[previous] = &seenHashes{}
	}
	return p.seen[previous]
}

// begin makes the first lease and the scheme durable before anybody connects.
func (p *Pool) begin() error {
	first := p.extranonce.Load()
	p.committer.record(&sharelog.Lease{First: first, Count: leaseSize})
	p.committer.record(&sharelog.Scheme{
		Name: p.config.Scheme, FeePPM: p.config.FeePPM, Address: p.config.Operator,
		Rules: sharelog.RulesAtBlock, InCoinbase: p.config.PayInCoinbase,
	})
	if err := p.committer.commit(); err != nil {
		return fmt.Errorf("pool log: %w", err)
	}
	p.extranonceLimit.Store(first + leaseSize)
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

var errExtranonces = errors.New("pool has used up its extranonces")

// nextExtranonce is a number that no connection has had, of this node or another.
func (p *Pool) nextExtranonce() (number [extranonce1Size]byte, err error) {
	n := p.extranonce.Add(1) - 1
	limit := p.extranonceLimit.Load()
	if n >= limit || n > 1<<32-1 {
		return number, errExtranonces
	}
	if limit-n < leaseSize/2 && p.leasing.CompareAndSwap(false, true) {
		p.committer.recordThen(&sharelog.Lease{First: limit, Count: leaseSize}, func() {
			p.extranonceLimit.Store(limit + leaseSize)
			p.leasing.Store(false)
		})
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

func (p *Pool) tipSince() time.Time { return time.Unix(0, p.tipAt.Load()) }

// fail ends the pool: what the log cannot take must not be acknowledged.
func (p *Pool) fail(err error) {
	select {
	case p.failure <- err:
	default:
	}
}

// Run serves until ctx ends or the log fails. Listeners are closed by it.
func (p *Pool) Run(ctx context.Context, listeners ...Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var background, serving sync.WaitGroup
	committing, stopCommitting := context.WithCancel(context.Background())
	defer stopCommitting()
	background.Go(func() { p.committer.run(committing) })
	for _, l := range p.loops {
		serving.Go(l.run)
	}
	for _, listener := range listeners {
		background.Go(func() { listener.serve(ctx, p) })
	}
	background.Go(func() { p.ticks(ctx) })
	background.Go(func() { p.accounts.run(ctx, p) })
	background.Go(func() { p.keepBans(committing) })
	if len(p.nodes) > 0 {
		background.Go(func() { p.watch(ctx) })
		background.Go(func() { p.keepPayments(ctx) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-p.failure:
		p.logger.Error("the log fails; stopping", "error", err)
	}
	cancel()
	// Miners are told to come again, and what they have been promised is written.
	for _, l := range p.loops {
		l.post(func() {
			for _, c := range append([]*conn(nil), l.conns...) {
				l.send(c, stratum.AppendRequest(nil, -1, "client.reconnect", "[]"))
			}
			l.closing = true
		})
	}
	serving.Wait()
	stopCommitting()
	background.Wait()
	return errors.Join(err, p.accounts.Close())
}

func (p *Pool) ticks(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
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
			l.current = nil
			for len(l.conns) > 0 {
				l.close(l.conns[0])
			}
		})
	}
}
