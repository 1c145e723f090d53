package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Options say what to measure.
type Options struct {
	Dir        string // working directory, emptied afterwards
	Wallets    int
	LiveTokens int
	Transfers  int // of each run
	Runs       int // alternating
	TwoOwners  int // in a hundred transfers
	Zipf       bool
	GrowTo     int // live tokens that the state is grown to, to be measured again; 0 for not
	MaxInputs  int // of one owner's transfer; 0 is 2. With 2 live tokens grow by change, with more they settle
	Seed       uint64
	// the node's clock, ms; nil for the real one
	Now    func() uint64
	Submit func(n *node.Node) (submit Submitter, stop func(), err error) // nil measures in the process
}

// Submitter sends encoded transactions and waits for all of them to be durable. Those within a wave
// of so many do not depend on each other and may overtake.
type Submitter func(ctx context.Context, encoded [][]byte, wave int) error

// Latency is how long single payments waited at a load, in milliseconds.
type Latency struct {
	Load      float64 `json:"load"` // of the committed rate
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	P999      float64 `json:"p999"`
	// Of a machine that could not hold the rate, as when others use it too, the percentiles say how long its queue
	// grew.
	Held     bool    `json:"held"`     // the rate
	Achieved float64 `json:"achieved"` // transfers a second, until the last was answered
	Shed     int     `json:"shed"`     // turned away because the queue was full, and sent again
}

// heldShare is the share of the rate from which on it counts as held: the last payments are answered a little after
// they are due.
const heldShare = 0.9

// String says what was measured.
func (l Latency) String() string {
	text := fmt.Sprintf("p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms (%.0f/s, open loop)", l.P50, l.P99, l.P999,
		l.PerSecond)
	if !l.Held {
		text += fmt.Sprintf("; the rate was not held: %.0f/s were answered, %d turned away and sent again", l.Achieved,
			l.Shed)
	}
	return text
}

// Result is what was measured; rates are medians over the runs.
type Result struct {
	Cores                int     `json:"cores"`
	Wallets              int     `json:"wallets"`
	LiveTokens           int     `json:"live_tokens"`
	TransfersPerRun      int     `json:"transfers_per_run"`
	Runs                 int     `json:"runs"`
	Through              string  `json:"through"`
	PlainVerify          float64 `json:"plain_verify_per_second"`
	ExpandedVerify       float64 `json:"expanded_verify_per_second"`
	Committed            float64 `json:"committed_per_second"` // signatures
	CommittedTransfers   float64 `json:"committed_transfers_per_second"`
	RatioToPlain         float64 `json:"ratio_to_plain_verify"` // median of the runs' own ratios
	RatioToExpanded      float64 `json:"ratio_to_expanded_verify"`
	CommittedWithIndex   float64 `json:"committed_with_index_per_second"` // until everything is indexed
	RatioWithIndex       float64 `json:"ratio_with_index"`                // to plain verification
	KeyCacheHitRate      float64 `json:"key_cache_hit_rate"`
	HalfLoad             Latency `json:"half_load"`
	HeavyLoad            Latency `json:"heavy_load"`
	P99MillisHalfLoad    float64 `json:"p99_millis_half_load"`
	SnapshotLoad         Latency `json:"half_load_beside_snapshot"` // while snapshots are taken
	LogBytesPerTransfer  float64 `json:"log_bytes_per_transfer"`    // of the mix, tiles and framing included
	LogBytesOneOwner     float64 `json:"log_bytes_one_owner"`       // 2 inputs, 2 outputs, no memo
	LogBytesTwoOwners    float64 `json:"log_bytes_two_owners"`      // 2 inputs, 3 outputs
	MemoryBytesPerToken  float64 `json:"memory_bytes_per_token"`
	MemoryBytesPerWallet float64 `json:"memory_bytes_per_wallet"`
	// CPU µs per transfer, each stage alone on one core
	StageMicros     map[string]float64 `json:"stage_micros"`
	RatioUniform    float64            `json:"ratio_uniform"`     // to plain verification, wallets drawn uniformly
	RatioZipf       float64            `json:"ratio_zipf"`        // and by Zipf's law
	GrownLiveTokens int                `json:"grown_live_tokens"` // when asked for
	// of ratio_to_plain_verify with so many to that before
	RatioGrown      float64 `json:"ratio_grown"`
	RestartSeconds  float64 `json:"restart_seconds"`   // from the newest snapshot
	ReplayPerSecond float64 `json:"replay_per_second"` // entries, without any snapshot
	Table3YearDays  float64 `json:"table3_year_days"`
	VerifiedEntries uint64  `json:"verified_entries"`
}

// errUnfit means options that cannot be measured.
var errUnfit = errors.New("want at least 1,000 wallets, 2,000 live tokens, 4,096 transfers and 1 run")

// run is one measurement under way.
type run struct {
	Options
	ctx    context.Context
	notify func(phase string, done, of int)
	config node.Config
	node   *node.Node
	people *population
	random *rand.Rand
	result Result
}

// Run builds the population, measures, and verifies what was written.
func Run(ctx context.Context, o Options, notify func(phase string, done, of int)) (Result, error) {
	r, err := begin(ctx, o, notify)
	if err != nil {
		return Result{}, err
	}
	defer r.end()
	return r.result, r.measure()
}

// begin founds a network and builds the population.
func begin(ctx context.Context, o Options, notify func(phase string, done, of int)) (_ *run, err error) {
	if o.Wallets < 1000 || o.LiveTokens < 2000 || o.Transfers < 4096 || o.Runs < 1 {
		return nil, errUnfit
	}
	world := newWorld(o)
	r := &run{Options: o, ctx: ctx, notify: notify, random: rand.New(rand.NewPCG(o.Seed, 1))}
	r.config = node.Config{Dir: filepath.Join(o.Dir, "bench"), NoIndex: true, Queue: 1 << 16, Now: o.Now,
		SnapshotWork: never,
		Options:      txlog.Options{Origin: world.Genesis.Name, Signers: []note.Signer{world.LogSigner}}}
	if err := os.RemoveAll(r.config.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.end()
		}
	}()
	if err := node.Init(r.config, world.Genesis); err != nil {
		return nil, err
	}
	if err := r.reopen(true); err != nil {
		return nil, err
	}
	if r.people, err = populate(ctx, r.node, world, o, notify); err != nil {
		return nil, err
	}
	r.people.numberAll()
	return r, nil
}

// never is after how many blocks, or how much work, a snapshot is taken that disturbs no measurement.
const never = 1 << 40

// newWorld is the network that is measured: its wallets have no limits that a run could reach.
func newWorld(o Options) *sim.World {
	world := sim.NewWorld(o.Seed)
	world.Genesis.Policy.Tiers[1] = token.Tier{Name: "bench", MaxPayment: 1 << 50, MaxDay: 1 << 55, MaxBalance: 1 << 55,
		PaymentsPerDay: 1 << 30}
	world.Genesis.DailyCap = 1 << 60
	world.Genesis.Policy.SnapshotEvery = never
	world.Refound()
	return world
}

// end closes the node and removes what was written.
func (r *run) end() {
	if r.node != nil {
		r.node.Close()
	}
	os.RemoveAll(r.config.Dir)
}

func (r *run) reopen(noIndex bool) (err error) {
	if r.node != nil {
		if err := r.node.Close(); err != nil {
			return err
		}
	}
	r.config.NoIndex = noIndex
	r.node, err = node.Open(r.config)
	return err
}

func (r *run) pick() func() int {
	if !r.Zipf {
		return func() int { return r.random.IntN(r.Wallets) }
	}
	zipf := rand.NewZipf(r.random, 1.2, 16, uint64(r.Wallets-1))
	return func() int { return int(zipf.Uint64()) }
}

func (r *run) workload(n, twoOwners int) *workload {
	return r.people.generate(r.Options, n, r.random, r.pick(), uint64(time.Now().Add(50*time.Minute).UnixMilli()),
		twoOwners)
}

// measure runs all measurements in one process, alternating between what is compared, so that both sides meet the same
// machine: only ratios are to be quoted.
func (r *run) measure() error {
	res := &r.result
	*res = Result{Cores: runtime.GOMAXPROCS(0), Wallets: r.Wallets, LiveTokens: r.LiveTokens,
		TransfersPerRun: r.Transfers, Runs: r.Runs, Through: "process"}
	if r.Submit != nil {
		res.Through = "http"
	}
	r.memory()
	if err := r.logBytes(); err != nil {
		return err
	}
	// Differences: making the population has filled the cache already, and its misses are not those of payments.
	hitsBefore, missesBefore := r.node.KeyCache()
	uniform, err := r.alternate("measuring without the index", r.Runs, true)
	if err != nil {
		return err
	}
	hits, misses := r.node.KeyCache()
	res.KeyCacheHitRate = float64(hits-hitsBefore) / float64(max(1, hits-hitsBefore+misses-missesBefore))
	res.PlainVerify, res.ExpandedVerify, res.Committed, res.CommittedTransfers = uniform.plain, uniform.expanded,
		uniform.committed, uniform.transfers
	res.RatioToPlain, res.RatioToExpanded, res.StageMicros = uniform.toPlain, uniform.toExpanded, uniform.stages
	res.Table3YearDays = yearPayments / res.CommittedTransfers / 86_400
	if err := r.beside(); err != nil {
		return err
	}
	for _, load := range []struct {
		share float64
		into  *Latency
	}{{0.5, &res.HalfLoad}, {0.9, &res.HeavyLoad}} {
		if err := r.latency(load.share, load.into); err != nil {
			return err
		}
	}
	res.P99MillisHalfLoad = res.HalfLoad.P99
	if err := r.latencyBesideSnapshot(); err != nil {
		return err
	}
	if err := r.withIndex(res.PlainVerify); err != nil {
		return err
	}
	if err := r.grow(); err != nil {
		return err
	}
	if err := r.restart(); err != nil {
		return err
	}
	return r.verify()
}

// Median is the middle of values, of which there is at least one, and of an even number the upper of the two in the
// middle. The values stay in their order: a bench sets those of a round beside each other.
func Median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

func (r *run) signatures(w *workload) []signed {
	all := make([]signed, 0, w.signatures)
	for _, tx := range w.txs {
		t := tx.Body.(*token.Transfer)
		for i := range tx.Witnesses {
			all = append(all, signed{r.people.keyOf(r.Options, t.Parties[i]),
				token.Digest(r.people.world.Network, tx.ID(), token.RoleWallet), tx.Witnesses[i].Signature})
		}
	}
	return all
}

// window is how many transactions are sent before the first is answered: a flood that never overloads.
const window = 16_384

// commit sends a workload as bytes and waits until all of it is durable.
func (r *run) commit(w *workload) (seconds float64, err error) {
	submit := Submitter(r.inProcess)
	if r.Submit != nil {
		s, stop, err := r.Submit(r.node)
		if err != nil {
			return 0, err
		}
		defer stop()
		submit = s
	}
	start := time.Now()
	err = submit(r.ctx, w.encoded, w.wave)
	return time.Since(start).Seconds(), err
}

// chunk is how many transactions are decoded and offered at a time.
const chunk = 512

// piece is a chunk that is being decoded; done is closed when the rest may be read.
type piece struct {
	txs  []*token.Transaction
	err  error
	done chan struct{}
}

// decodeAhead decodes on all cores and hands pieces over in their order, each perhaps before it is done. The workers
// end when all are decoded.
func decodeAhead(encoded [][]byte) (<-chan *piece, *sync.WaitGroup) {
	pieces := make(chan *piece, window/chunk) // how far decoding runs ahead
	work := make(chan func(), runtime.GOMAXPROCS(0))
	workers := new(sync.WaitGroup)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for do := range work {
				do()
			}
		})
	}
	go func() {
		for from := 0; from < len(encoded); from += chunk {
			p := &piece{done: make(chan struct{})}
			part := encoded[from:min(from+chunk, len(encoded))]
			work <- func() {
				defer close(p.done)
				p.txs = make([]*token.Transaction, len(part))
				for i := range part {
					if p.txs[i], p.err = token.Decode(part[i]); p.err != nil {
						return
					}
				}
			}
			pieces <- p
		}
		close(work)
		close(pieces)
	}()
	return pieces, workers
}

// inProcess decodes on all cores and submits in order, so that what spends the change of an earlier payment comes
// behind it. Its channels bound how far decoding runs ahead.
func (r *run) inProcess(ctx context.Context, encoded [][]byte, _ int) error {
	pieces, workers := decodeAhead(encoded)
	// As many pieces wait for their answers as the window holds: with more, the queue would be measured.
	slots := make(chan struct{}, window/chunk)
	var answers sync.WaitGroup
	failed := make(chan error, 1)
	for p := range pieces {
		<-p.done
		if p.err != nil {
			return p.err
		}
		slots <- struct{}{}
		wait, err := r.node.Offer(p.txs)
		if err != nil {
			return err
		}
		answers.Go(func() {
			defer func() { <-slots }()
			_, errs := wait(ctx)
			for _, err := range errs {
				if err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	answers.Wait()
	workers.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// A measurement of latency lasts so many seconds, in several waves where payments of one wave may not depend on each
// other.
const (
	latencySeconds = 3
	latencyWaves   = 8
)

// latency submits single payments at a fixed rate whether or not earlier ones are answered, and counts
// each from the moment it was due. A rate that cannot be held is told, and not tried for longer than one wave.
func (r *run) latency(share float64, into *Latency) error {
	rate := r.result.CommittedTransfers * share
	wanted := int(rate * latencySeconds)
	*into = Latency{Load: share, PerSecond: rate, Held: true}
	var waits []time.Duration
	seconds := 0.0
	for range latencyWaves {
		if len(waits) >= wanted || !into.Held {
			break
		}
		// one wave: payments may overtake each other
		wave, err := r.openLoop(rate, min(wanted-len(waits), r.Transfers, r.wave()))
		if err != nil {
			return err
		}
		waits = append(waits, wave.waits...)
		seconds += wave.seconds
		into.Shed += wave.shed
		into.Achieved = float64(len(waits)) / seconds
		into.Held = into.Shed == 0 && into.Achieved >= heldShare*rate
	}
	slices.Sort(waits)
	at := func(q float64) float64 {
		return float64(waits[int(q*float64(len(waits)-1))].Microseconds()) / 1000
	}
	into.P50, into.P99, into.P999 = at(0.5), at(0.99), at(0.999)
	return nil
}

// wave is what became of payments that were sent at a rate.
type wave struct {
	waits   []time.Duration
	shed    int
	seconds float64
}

// shedAgain is how long a payment that was turned away waits before it is sent again.
const shedAgain = 20 * time.Millisecond

// submit sends a payment until it is taken: those that come after it may spend what it makes.
func (r *run) submit(tx *token.Transaction) (shed bool, err error) {
	for {
		_, err := r.node.Submit(r.ctx, tx)
		var refusal *token.Error
		if !errors.As(err, &refusal) || refusal.Code != node.Overloaded {
			return shed, err
		}
		shed = true
		select {
		case <-time.After(shedAgain):
		case <-r.ctx.Done():
			return shed, r.ctx.Err()
		}
	}
}

// openLoop sends so many payments at a rate.
func (r *run) openLoop(rate float64, count int) (out wave, err error) {
	w := r.workload(count, 0)
	w.txs = nil
	out.waits = make([]time.Duration, count)
	errs := make(chan error, 1)
	var group sync.WaitGroup
	var turned atomic.Int64
	start := time.Now()
	for sent := 0; sent < count; {
		due := min(count, int(time.Since(start).Seconds()*rate)+1)
		for ; sent < due; sent++ {
			// Decoded here, as by a server that reads what has arrived; each then waits for its own answer.
			tx, err := token.Decode(w.encoded[sent])
			if err != nil {
				return out, err
			}
			i := sent
			group.Go(func() {
				shed, err := r.submit(tx)
				if shed {
					turned.Add(1)
				}
				if err != nil {
					select {
					case errs <- err:
					default:
					}
				}
				out.waits[i] = time.Since(start) - time.Duration(float64(i)/rate*float64(time.Second))
			})
		}
		time.Sleep(500 * time.Microsecond)
	}
	group.Wait()
	out.shed, out.seconds = int(turned.Load()), time.Since(start).Seconds()
	select {
	case err = <-errs:
	default:
	}
	return out, err
}

// withIndex measures until everything committed is indexed too.
func (r *run) withIndex(plain float64) error {
	r.notify("building the index", 0, 1)
	if err := r.reopen(false); err != nil {
		return err
	}
	if err := r.node.WaitIndex(r.ctx); err != nil {
		return err
	}
	var rates []float64
	for i := range r.Runs {
		r.notify("measuring with the index", i, r.Runs)
		w := r.workload(r.Transfers, r.TwoOwners)
		start := time.Now()
		if _, err := r.commit(w); err != nil {
			return err
		}
		if err := r.node.WaitIndex(r.ctx); err != nil {
			return err
		}
		rates = append(rates, float64(w.signatures)/time.Since(start).Seconds())
	}
	r.result.CommittedWithIndex = Median(rates)
	r.result.RatioWithIndex = r.result.CommittedWithIndex / plain
	return nil
}

// logBytes measures what the two usual forms of transfer take in the log.
func (r *run) logBytes() error {
	for _, form := range []struct {
		twoOwners int
		into      *float64
	}{{0, &r.result.LogBytesOneOwner}, {100, &r.result.LogBytesTwoOwners},
		{r.TwoOwners, &r.result.LogBytesPerTransfer}} {
		w := r.workload(maxBatch*4, form.twoOwners)
		before := r.node.Counts()
		if _, err := r.commit(w); err != nil {
			return err
		}
		after := r.node.Counts()
		if form.twoOwners == 0 {
			// Only those of the stated form: two inputs and two outputs.
			count, bytes := 0, 0
			for _, tx := range w.txs {
				if t := tx.Body.(*token.Transfer); len(t.Inputs) == 2 && len(t.Outputs) == 2 {
					count, bytes = count+1, bytes+len(tx.Encode())
				}
			}
			all := 0
			for _, tx := range w.txs {
				all += len(tx.Encode())
			}
			overhead := float64(after.LogBytes-before.LogBytes-uint64(all)) / float64(len(w.txs))
			*form.into = float64(bytes)/float64(max(1, count)) + overhead + tileBytes
			continue
		}
		*form.into = float64(after.LogBytes-before.LogBytes)/float64(len(w.txs)) + tileBytes
	}
	return nil
}

// tileBytes is what an entry's hash takes in the tiles: 32 bytes, and a 256th of that for the levels above.
const tileBytes = 32 * 256.0 / 255

func (r *run) memory() {
	_ = r.node.View(r.ctx, func(state *livestate.State, _ node.Head) {
		tokens, wallets := state.Bytes()
		liveTokens, liveWallets := state.Counts()
		r.result.MemoryBytesPerToken = float64(tokens) / float64(liveTokens)
		r.result.MemoryBytesPerWallet = float64(wallets) / float64(liveWallets)
	})
}

// verify replays the whole log from nothing, every signature included, and holds what the workload believes to own
// against it: a rate of payments that were not made would be no rate.
func (r *run) verify() error {
	checkpoint, err := r.node.Log().Publish()
	if err != nil {
		return err
	}
	report, state, err := node.Verify(r.ctx, node.Evidence{Checkpoint: checkpoint, Network: r.people.world.Network,
		Entries: func(size uint64) iter.Seq2[[]byte, error] { return r.node.Log().Entries(0, size) }},
		func(done, size uint64) { r.notify("verifying what was written", int(done), int(size)) })
	if err != nil {
		return err
	}
	var held money.Tiyn
	for _, coins := range r.people.coins {
		for _, c := range coins {
			held += c.amount
		}
	}
	bank, _ := state.Wallet(r.people.bank)
	if held+bank.Balance != report.Circulating {
		return fmt.Errorf("the workload holds %s and the bank %s, the ledger %s", held, bank.Balance,
			report.Circulating)
	}
	r.result.VerifiedEntries = report.Size
	return nil
}
