package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Options of a measurement.
type Options struct {
	Validators int
	Wallets    int           // that pay
	Duration   time.Duration // of each part
	Clients    int           // who pay one payment at a time, for latencies
	Dir        string        // an empty directory
}

// Check says what is wrong with options.
func (o Options) Check() error {
	switch {
	case o.Validators < 1 || o.Validators > 10:
		return fmt.Errorf("%d validators, want 1 to 10", o.Validators)
	case o.Wallets < 1000 || o.Wallets > 1_000_000:
		return fmt.Errorf("%d wallets, want 1000 to 1000000", o.Wallets)
	case o.Duration < 100*time.Millisecond || o.Duration > time.Hour:
		return fmt.Errorf("%s of each part, want 100ms to 1h", o.Duration)
	case o.Clients < 1 || o.Clients > 1000 || o.Clients > o.Wallets/4:
		return fmt.Errorf("%d clients, want 1 to 1000, and at most a quarter of the wallets", o.Clients)
	}
	return nil
}

// Result is what was measured. Ratios count: both sides meet the same machine in the same minutes.
type Result struct {
	Validators  int     `json:"validators"`
	PerSecond   float64 `json:"committed_per_second"` // transfers, durable at whichever validator was asked
	Engine      float64 `json:"engine_per_second"`    // as many bytes through CometBFT alone, counted as transfers
	Ratio       float64 `json:"ratio_to_engine"`
	P50Millis   float64 `json:"p50_millis"` // of payments one at a time
	P99Millis   float64 `json:"p99_millis"`
	Bytes       float64 `json:"bytes_per_transfer"` // that travel in a batch
	BatchSize   float64 `json:"transfers_per_batch"`
	BlockSize   float64 `json:"transfers_per_block"`
	BlockMillis float64 `json:"block_millis"` // between blocks, under load
	// Of a second under load, at one validator: how long the engine waited for the application.
	Judging    float64 `json:"judging_share"`
	Executing  float64 `json:"executing_share"`
	Committing float64 `json:"committing_share"`
}

// Run measures.
func Run(ctx context.Context, o Options, notify func(phase string, done, of int)) (r Result, err error) {
	if err := o.Check(); err != nil {
		return r, err
	}
	c, err := found(o, "ours")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := c.start(); err != nil {
		return r, err
	}
	r.Validators = o.Validators
	if err := c.populate(ctx, notify); err != nil {
		return r, err
	}
	notify("paying", 0, 1)
	if err := c.load(ctx, &r); err != nil {
		return r, err
	}
	notify("paying one at a time", 0, 1)
	if err := c.latencies(ctx, &r); err != nil {
		return r, err
	}
	if err := c.stop(); err != nil {
		return r, err
	}
	// Last and on its own, so that both sides have the machine to themselves; the ratio of the two is what is
	// reported.
	notify("the engine alone", 0, 1)
	return r, c.alone(ctx, &r)
}

// group is validators in this process.
type group struct {
	o       Options
	world   *sim.World
	bank    token.WalletID
	wallets []wallet
	members []*member
}

// wallet is one with a single token.
type wallet struct {
	id   token.WalletID
	key  token.PrivateKey
	coin token.ID
}

type member struct {
	dir    string
	keys   cluster.Keys
	name   string
	node   *node.Node
	engine *cluster.Engine
}

// found makes the validators' directories.
func found(o Options, name string) (*group, error) {
	c := &group{o: o, world: sim.NewWorld(1)}
	var charter cluster.Charter
	var ports []string
	for i := range o.Validators {
		keys, err := cluster.NewKeys()
		if err != nil {
			return nil, err
		}
		m := &member{dir: filepath.Join(o.Dir, name, fmt.Sprint(i)), keys: keys, name: fmt.Sprintf("validator-%d", i)}
		c.members, charter.Members = append(c.members, m), append(charter.Members, keys.Member(m.name))
		port, err := freeport.Address("127.0.0.1")
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	var err error
	g := &c.world.Genesis
	if g.LogKey, err = charter.Quorum().Key(g.Name); err != nil {
		return nil, err
	}
	g.TimeMillis = uint64(time.Now().UnixMilli())
	// The network's id is the hash of a genesis that names the validators' keys, so it is made anew once they are
	// there.
	c.world.Refound()
	charter.Network = c.world.Network
	for i, m := range c.members {
		settings := cluster.Settings{Name: m.name, Listen: ports[i]}
		for k, other := range c.members {
			if k != i {
				settings.Peers = append(settings.Peers, other.keys.PeerID()+"@"+ports[k])
			}
		}
		if _, err := node.InitCopy(node.Config{Dir: m.dir, Options: c.options()}, g.Leaf().Encode()); err != nil {
			return nil, err
		}
		if err := cluster.Init(m.dir, *g, charter, settings); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *group) options() txlog.Options { return txlog.Options{Origin: c.world.Genesis.Name} }

func (c *group) open(m *member) (err error) {
	m.engine, err = cluster.Open(m.dir, m.keys, slog.New(slog.DiscardHandler))
	return err
}

func (c *group) start() error {
	for _, m := range c.members {
		if err := c.open(m); err != nil {
			return err
		}
		sealer, verifier, err := m.engine.Sealer()
		if err != nil {
			return err
		}
		if m.node, err = node.Open(node.Config{Dir: m.dir, Options: c.options(), Sequencer: m.engine, Sealer: sealer,
			SnapshotVerifiers: []note.Verifier{verifier}, TrustClock: true, Queue: 1 << 17}); err != nil {
			return err
		}
		if err := m.engine.Start(m.node, c.world.Genesis.Name); err != nil {
			return err
		}
	}
	return nil
}

func (c *group) stop() error {
	var errs []error
	for _, m := range c.members {
		if m.engine != nil {
			errs = append(errs, m.engine.Stop())
			m.engine = nil
		}
	}
	for _, m := range c.members {
		if m.node != nil {
			errs = append(errs, m.node.Close())
			m.node = nil
		}
	}
	return errors.Join(errs...)
}

func soon() uint64 { return uint64(time.Now().Add(30 * time.Minute).UnixMilli()) }

// submit has transactions executed at a validator, all of them.
func (m *member) submit(ctx context.Context, txs ...*token.Transaction) error {
	_, errs := m.node.SubmitAll(ctx, txs)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// first submits the first transaction, once the validators have joined each other.
func (m *member) first(ctx context.Context, tx *token.Transaction) error {
	for {
		err := m.submit(ctx, tx)
		var refused *token.Error
		if !errors.As(err, &refused) || refused.Code != node.NotJoined {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// together is how many transactions are made and sent at once.
const together = 1024

// populate registers the wallets and gives each a token.
func (c *group) populate(ctx context.Context, notify func(string, int, int)) error {
	m := c.members[0]
	admit, bank := c.world.Admit("bank", 1, soon())
	c.bank = bank
	if err := m.first(ctx, admit); err != nil {
		return err
	}
	c.wallets = make([]wallet, c.o.Wallets)
	for from := 0; from < c.o.Wallets; from += together {
		txs := make([]*token.Transaction, min(together, c.o.Wallets-from))
		for i := range txs {
			name := fmt.Sprintf("payer %d", from+i)
			var id token.WalletID
			txs[i], id = c.world.Register("bank", bank, uint64(from+i+1), name, 2, soon())
			c.wallets[from+i] = wallet{id: id, key: c.world.Key(name)}
		}
		if err := m.submit(ctx, txs...); err != nil {
			return fmt.Errorf("registering wallets: %w", err)
		}
		notify("registering wallets", from+len(txs), c.o.Wallets)
	}
	return c.fund(ctx, notify)
}

// fund gives each wallet a token, 63 by one transfer.
func (c *group) fund(ctx context.Context, notify func(string, int, int)) error {
	const most = 63
	treasury := c.world.Key("bank treasury")
	var txs []*token.Transaction
	for from, sequence := 0, uint64(1); from < len(c.wallets); from, sequence = from+most, sequence+1 {
		part := c.wallets[from:min(from+most, len(c.wallets))]
		issue := c.world.Issue(sequence, c.bank, soon(), money.Tiyn(len(part))*money.Tenge)
		t := &token.Transfer{Parties: []token.WalletID{c.bank}, Payers: 1,
			Inputs: []token.ID{token.OutputID(issue.ID(), 0)}}
		for i := range part {
			t.Parties = append(t.Parties, part[i].id)
			t.Outputs = append(t.Outputs, token.Output{Party: i + 1, Amount: money.Tenge})
		}
		pay := c.world.Sign(t, soon(), sim.One(token.RoleWallet, 0, treasury))
		for i := range part {
			part[i].coin = token.OutputID(pay.ID(), i)
		}
		if txs = append(txs, issue, pay); len(txs) < together/4 && from+most < len(c.wallets) {
			continue
		}
		if err := c.members[0].submit(ctx, txs...); err != nil {
			return fmt.Errorf("funding wallets: %w", err)
		}
		txs = txs[:0]
		notify("funding wallets", from+len(part), len(c.wallets))
	}
	return nil
}

// pay has a wallet pay its token to another.
func (c *group) pay(from, to *wallet) *token.Transaction {
	tx := c.world.Pay(from.id, from.key, to.id, money.Tenge, []token.ID{from.coin}, money.Tenge, soon())
	to.coin = token.OutputID(tx.ID(), 0)
	return tx
}

// perValidator is how many groups of wallets pay at each validator: while one is answered others are under way.
const perValidator = 4

// round is payments of a ring of wallets, each to the next, made beforehand: signing is the payers' work, not the
// cluster's.
func (c *group) round(ring []wallet) []*token.Transaction {
	txs, coins := make([]*token.Transaction, len(ring)), make([]token.ID, len(ring))
	for i := range ring {
		to := ring[(i+1)%len(ring)]
		txs[i] = c.pay(&ring[i], &to)
		coins[(i+1)%len(ring)] = to.coin
	}
	for i := range ring {
		ring[i].coin = coins[i]
	}
	return txs
}

// load measures how many payments are committed while as many wait as the validators take.
func (c *group) load(ctx context.Context, r *Result) error {
	groups := perValidator * len(c.members)
	paying := c.wallets[2*c.o.Clients:] // those before are for latencies
	size := len(paying) / groups
	rounds := max(2, int(float64(maxRate)*c.o.Duration.Seconds())/(size*groups))
	prepared := make([][][]*token.Transaction, groups)
	for i := range groups {
		for range rounds {
			prepared[i] = append(prepared[i], c.round(paying[i*size:(i+1)*size]))
		}
	}
	before, beforeHeight := c.members[0].engine.Spent(), c.members[0].engine.Status().Height
	ctx, cancel := context.WithTimeout(ctx, c.o.Duration)
	defer cancel()
	begun := time.Now()
	var running sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	paid := 0
	for i := range groups {
		running.Go(func() {
			for _, txs := range prepared[i] {
				for part := range slices.Chunk(txs, together) {
					if ctx.Err() != nil {
						return
					}
					err := c.members[i%len(c.members)].submit(context.WithoutCancel(ctx), part...)
					mu.Lock()
					if paid += len(part); err != nil {
						failed = append(failed, err)
					}
					mu.Unlock()
					if err != nil {
						return
					}
				}
			}
		})
	}
	running.Wait()
	took := time.Since(begun)
	after, blocks := c.members[0].engine.Spent(), c.members[0].engine.Status().Height-beforeHeight
	seconds := took.Seconds()
	r.PerSecond, r.BlockMillis = float64(paid)/seconds, 1000*seconds/float64(max(1, blocks))
	r.BlockSize = float64(paid) / float64(max(1, blocks))
	r.Judging, r.Executing, r.Committing = (after.Judging-before.Judging).Seconds()/seconds,
		(after.Executing-before.Executing).Seconds()/seconds, (after.Committing-before.Committing).Seconds()/seconds
	traffic := c.members[0].engine.Traffic()
	r.Bytes, r.BatchSize = float64(traffic.Bytes)/float64(max(1, traffic.Transactions)),
		float64(traffic.Transactions)/float64(max(1, traffic.Batches))
	return errors.Join(failed...)
}

// maxRate bounds the payments that are made beforehand for a second.
const maxRate = 30_000

// latencies measures payments of clients that pay one at a time, and wait for each answer.
func (c *group) latencies(ctx context.Context, r *Result) error {
	until := time.Now().Add(c.o.Duration)
	var running sync.WaitGroup
	var mu sync.Mutex
	var all []time.Duration
	var failed []error
	for i := range c.o.Clients {
		running.Go(func() {
			a, b := &c.wallets[2*i], &c.wallets[2*i+1]
			b.coin = token.ID{} // the two pay a's token to and fro
			for time.Now().Before(until) && ctx.Err() == nil {
				tx := c.pay(a, b)
				begun := time.Now()
				err := c.members[i%len(c.members)].submit(ctx, tx)
				mu.Lock()
				if all = append(all, time.Since(begun)); err != nil {
					failed = append(failed, err)
				}
				mu.Unlock()
				if err != nil {
					return
				}
				a, b = b, a
			}
		})
	}
	running.Wait()
	if len(all) == 0 || len(failed) > 0 {
		return errors.Join(append(failed, ctx.Err())...)
	}
	slices.Sort(all)
	millis := func(share float64) float64 {
		return float64(all[min(len(all)-1, int(share*float64(len(all))))].Microseconds()) / 1000
	}
	r.P50Millis, r.P99Millis = millis(0.50), millis(0.99)
	return nil
}

// alone measures the engine alone with as many validators and blocks of as many bytes.
func (c *group) alone(ctx context.Context, r *Result) (err error) {
	c, err = found(c.o, "engine")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop(), os.RemoveAll(filepath.Join(c.o.Dir, "engine"))) }()
	perBlock := max(1, int(float64(node.MaxOrdered)/max(1, r.BatchSize)))
	var nulls []*cluster.Null
	for _, m := range c.members {
		if err := c.open(m); err != nil {
			return err
		}
		n, err := m.engine.StartNull(perBlock)
		if err != nil {
			return err
		}
		nulls = append(nulls, n)
	}
	// until they have joined each other
	for _, blocks := nulls[0].Committed(); blocks == 0; _, blocks = nulls[0].Committed() {
		if err := nulls[0].Propose(filled(1000)); err != nil {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	size := int(r.Bytes * r.BatchSize)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before, _ := nulls[0].Committed()
	begun := time.Now()
	var running sync.WaitGroup
	running.Go(func() { // for the time asked for, and until there is something to measure
		defer cancel()
		for after := before; ctx.Err() == nil && (after == before || time.Since(begun) < c.o.Duration); after,
			_ = nulls[0].Committed() {
			time.Sleep(10 * time.Millisecond)
		}
	})
	for _, n := range nulls {
		running.Go(func() { feed(ctx, n, size) })
	}
	running.Wait()
	after, _ := nulls[0].Committed()
	r.Engine = float64(after-before) * r.BatchSize / time.Since(begun).Seconds()
	if r.Engine > 0 {
		r.Ratio = r.PerSecond / r.Engine
	}
	return nil
}

// feed keeps as many batches waiting at a validator as the payers' groups do.
func feed(ctx context.Context, n *cluster.Null, size int) {
	for ctx.Err() == nil {
		if n.Waiting() >= perValidator*2 {
			time.Sleep(time.Millisecond)
			continue
		}
		_ = n.Propose(filled(size)) // a full mempool takes it at the next try
	}
}

// filled is bytes that nobody can compress or has seen.
func filled(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b) // never fails
	return b
}
