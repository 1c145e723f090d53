package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// ContractResult is what programmable money costs beside plain payments. Ratios are medians over the runs.
type ContractResult struct {
	Cores              int     `json:"cores"`
	Wallets            int     `json:"wallets"`
	TransfersPerRun    int     `json:"transfers_per_run"`
	Runs               int     `json:"runs"`
	PlainMicros        float64 `json:"plain_micros"`      // of execution, without the signature, on one core
	EarmarkedMicros    float64 `json:"marked_micros"`     // the rule is evaluated each time
	RememberedMicros   float64 `json:"remembered_micros"` // the rule asks for the payee alone
	EarmarkedCostRatio float64 `json:"marked_cost_ratio"`
	RememberedRatio    float64 `json:"remembered_cost_ratio"`
	CreateMicros       float64 `json:"create_micros"`
	ActionMicros       float64 `json:"action_micros"` // school meals: a guard of four conditions, a payout, two updates
	PlainCommitted     float64 `json:"plain_committed_per_second"`
	MixedCommitted     float64 `json:"mixed_committed_per_second"` // 20 % marked, 5 % actions
	MixedShare         float64 `json:"mixed_committed_share"`
	Expiring           int     `json:"expiring_tokens"`
	BeforeExpiry       Latency `json:"latency_before_expiry"`
	DuringExpiry       Latency `json:"latency_during_expiry"`
	ExpiryP99Ratio     float64 `json:"expiry_p99_ratio"`
	ReturnedWhile      int     `json:"returned_while_measured"`
	VerifiedEntries    uint64  `json:"verified_entries"`

	Units []UnitCost `json:"units"` // of every function of expressions, the dearest first
}

// ContractOptions say what to measure.
type ContractOptions struct {
	Options
	Contracts int
	Expiring  int // tokens that expire together; 0 for none
	UnitRuns  int // of each function of expressions, of which the fastest counts
}

// mix is the state of a workload with marked money and contracts.
type mix struct {
	*run
	o         ContractOptions
	earmarked [][]coin
	contracts []openContract
	ahead     atomic.Uint64 // how far the node's clock is set forward, ms
	expiry    uint64
	result    ContractResult
}

// openContract is a contract of the workload, whose version the next action must name.
type openContract struct {
	id      token.WalletID
	card    int
	version uint64
}

// soonExpires is after what time the measured tokens expire; the clock is then set forward by this.
const soonExpires = 20 * 60_000

// RunContracts measures execution alone, then through the node, then while many tokens return. The clock of the node
// can be set ahead (ahead, ms), so that what expires does so within the run.
func RunContracts(ctx context.Context, o ContractOptions,
	notify func(phase string, done, of int)) (ContractResult, error) {
	if o.Contracts < 1 || o.Contracts > o.Wallets/4 {
		return ContractResult{}, errors.New("want at least 1 contract, and 4 wallets for each")
	}
	m := &mix{o: o}
	m.result = ContractResult{Cores: runtime.GOMAXPROCS(0), Wallets: o.Wallets, TransfersPerRun: o.Transfers,
		Runs: o.Runs, Expiring: o.Expiring}
	var err error
	if m.result.Units, err = UnitCosts(max(1, o.UnitRuns), notify); err != nil {
		return m.result, err
	}
	if err := m.execution(notify); err != nil {
		return m.result, err
	}
	o.Now = func() uint64 { return uint64(time.Now().UnixMilli()) + m.ahead.Load() }
	r, err := begin(ctx, o.Options, notify)
	if err != nil {
		return m.result, err
	}
	defer r.end()
	m.run = r
	for _, step := range []func() error{m.prepare, m.committed, m.expire, m.verifyAll} {
		if err := step(); err != nil {
			return m.result, err
		}
	}
	return m.result, nil
}

// execution takes the medians of runs of each kind; its ratios are of the same run, and then their median.
func (m *mix) execution(notify func(phase string, done, of int)) error {
	var plain, earmarked, remembered, create, act, ratio, rememberedRatio []float64
	for i := range m.o.Runs {
		notify("executing alone", i, m.o.Runs)
		c, err := measureRules(i, m.o.Wallets, m.o.Contracts)
		if err != nil {
			return err
		}
		plain, earmarked, remembered = append(plain, c.plain/1000), append(earmarked, c.evaluated/1000),
			append(remembered, c.remembered/1000)
		create, act = append(create, c.create/1000), append(act, c.act/1000)
		ratio, rememberedRatio = append(ratio, c.evaluated/c.plain), append(rememberedRatio, c.remembered/c.plain)
	}
	res := &m.result
	res.PlainMicros, res.EarmarkedMicros, res.RememberedMicros = Median(plain), Median(earmarked), Median(remembered)
	res.CreateMicros, res.ActionMicros = Median(create), Median(act)
	res.EarmarkedCostRatio, res.RememberedRatio = Median(ratio), Median(rememberedRatio)
	return nil
}

// prepare registers purposes and a definition, marks a token of every wallet, and creates contracts.
func (m *mix) prepare() error {
	w := m.people.world
	agencyKey := w.Key("agency")
	grant := w.Sign(&token.SetAgency{Sequence: 2, Name: "agency",
		Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{agencyKey.Public()}}},
		valid(), w.By(token.RolePolicy, 2), sim.One(token.RolePossession, 0, agencyKey))
	m.expiry = uint64(time.Now().UnixMilli()) + soonExpires
	purpose := func(sequence, until uint64) *token.Transaction {
		p := benchPurpose(`amount <= 10000000000 && payee.role != "nobody"`, m.people.bank, until)
		p.Name = fmt.Sprintf("bench %d", sequence) // of an agency's live purposes each has its own
		return w.Sign(&token.RegisterPurpose{Agency: token.RegisteredID(grant.ID()), Sequence: sequence, Purpose: p},
			valid(), sim.One(token.RoleAgency, 0, agencyKey))
	}
	encoded := sim.Template("school-meals")
	define := w.Sign(&token.Define{Registrar: m.people.bank, Sequence: uint64(m.o.Wallets) + 1, Definition: encoded},
		valid(), sim.One(token.RoleIntermediary, 0, w.Key("bank")))
	if err := submitAll(m.ctx, m.node, []*token.Transaction{grant, purpose(1, m.expiry+300*86_400_000),
		purpose(2, m.expiry), define}); err != nil {
		return fmt.Errorf("registering purposes and a definition: %w", err)
	}
	if err := m.earmarkAll(); err != nil {
		return err
	}
	return m.createAll(sha256.Sum256(encoded))
}

// take removes a wallet's last plain coin.
func (m *mix) take(wallet int) (coin, bool) {
	coins := m.people.coins[wallet]
	if len(coins) == 0 {
		return coin{}, false
	}
	m.people.coins[wallet] = coins[:len(coins)-1]
	return coins[len(coins)-1], true
}

// inBatches makes and submits n transactions; done is told each with its number.
func (m *mix) inBatches(phase string, n int, body func(i int) (token.Body, int),
	done func(i int, tx *token.Transaction)) error {
	for from := 0; from < n; from += maxBatch {
		count := min(maxBatch, n-from)
		bodies, payers := make([]token.Body, count), make([]int, count)
		for i := range count {
			bodies[i], payers[i] = body(from + i)
		}
		txs, until := make([]*token.Transaction, count), valid()
		parallel(count, func(i int) {
			txs[i] = m.people.world.Sign(bodies[i], until, sim.One(token.RoleWallet, 0, secret(m.o.Seed, payers[i])))
		})
		if err := submitAll(m.ctx, m.node, txs); err != nil {
			return fmt.Errorf("%s: %w", phase, err)
		}
		for i, tx := range txs {
			done(from+i, tx)
		}
		m.notify(phase, from+count, n)
	}
	return nil
}

// earmarkAll marks one token of every wallet for the first purpose.
func (m *mix) earmarkAll() error {
	m.earmarked = make([][]coin, m.o.Wallets)
	taken := make([]coin, m.o.Wallets)
	return m.inBatches("marking", m.o.Wallets, func(i int) (token.Body, int) {
		taken[i], _ = m.take(i)
		return &token.EarmarkedTransfer{Parties: []token.WalletID{m.people.ids[i]}, Inputs: []token.ID{taken[i].id},
			Outputs: []token.EarmarkedOutput{{Amount: taken[i].amount, Becomes: 1}}}, i
	}, func(i int, tx *token.Transaction) {
		m.earmarked[i] = append(m.earmarked[i], coin{token.OutputID(tx.ID(), 0), taken[i].amount})
	})
}

// createAll creates contracts, of which the card is the creator's own wallet.
func (m *mix) createAll(definition token.Hash) error {
	ends := time.Now().Add(24 * time.Hour).UnixMilli()
	return m.inBatches("creating contracts", m.o.Contracts, func(i int) (token.Body, int) {
		in, _ := m.take(i)
		self := m.people.ids[i]
		return &token.Create{Creator: self, Definition: definition,
			Parties: []token.WalletID{self, self, m.people.ids[i+1], m.people.bank}, Assets: []uint32{0},
			Terms: []token.Value{token.Int(1 << 40), token.Int(1 << 50), token.Int(ends)}, Inputs: []token.ID{in.id},
			Paid: []money.Tiyn{in.amount}}, i
	}, func(i int, tx *token.Transaction) {
		m.contracts = append(m.contracts, openContract{token.RegisteredID(tx.ID()), i, 1})
	})
}

// mixed puts marked payments and actions among plain ones: 20 and 5 in a hundred.
func (m *mix) mixed(n int) *workload {
	plain := m.workload(n*3/4, 0)
	rest := n - len(plain.txs)
	bodies, payers := make([]token.Body, 0, rest), make([]int, 0, rest)
	random := rand.New(rand.NewPCG(m.o.Seed, uint64(n)))
	for i := range rest {
		if i%5 == 4 {
			c := &m.contracts[i/5%len(m.contracts)]
			bodies = append(bodies, &token.Act{Contract: c.id, Version: c.version, Action: "eat",
				Caller: m.people.ids[c.card], Args: []token.Value{token.Int(100)}, Paid: []money.Tiyn{0}})
			payers = append(payers, c.card)
			c.version++
			continue
		}
		payer := random.IntN(m.o.Wallets)
		for len(m.earmarked[payer]) == 0 {
			payer = (payer + 1) % m.o.Wallets
		}
		last := len(m.earmarked[payer]) - 1
		in := m.earmarked[payer][last]
		m.earmarked[payer] = m.earmarked[payer][:last] // its outputs are spent in the next run at the earliest
		payee := (payer + 1 + random.IntN(m.o.Wallets-1)) % m.o.Wallets
		bodies = append(bodies, &token.EarmarkedTransfer{Parties: []token.WalletID{m.people.ids[payer],
			m.people.ids[payee]}, Inputs: []token.ID{in.id},
			Outputs: []token.EarmarkedOutput{{Party: 1, Amount: in.amount / 2, From: 1, Becomes: 1},
				{Amount: in.amount - in.amount/2, From: 1, Becomes: 1}}})
		payers = append(payers, payer)
	}
	txs, until := make([]*token.Transaction, rest), uint64(time.Now().Add(30*time.Minute).UnixMilli())
	parallel(rest, func(i int) {
		txs[i] = m.people.world.Sign(bodies[i], until, sim.One(token.RoleWallet, 0, secret(m.o.Seed, payers[i])))
	})
	for i, body := range bodies {
		if t, ok := body.(*token.EarmarkedTransfer); ok {
			for k, o := range t.Outputs {
				holder := m.people.number(t.Parties[o.Party])
				m.earmarked[holder] = append(m.earmarked[holder], coin{token.OutputID(txs[i].ID(), k), o.Amount})
			}
		}
	}
	w := &workload{wave: n, signatures: n}
	for i := range n { // a fourth of all, evenly among the others
		if i%4 == 3 && len(txs) > 0 {
			w.encoded = append(w.encoded, txs[0].Encode())
			txs = txs[1:]
			continue
		}
		if len(plain.encoded) > 0 {
			w.encoded = append(w.encoded, plain.encoded[0])
			plain.encoded = plain.encoded[1:]
		}
	}
	for _, tx := range txs {
		w.encoded = append(w.encoded, tx.Encode())
	}
	w.encoded = append(w.encoded, plain.encoded...)
	return w
}

// committed measures both workloads in alternation.
func (m *mix) committed() error {
	var plain, mixed, share []float64
	for i := range m.o.Runs {
		m.notify("committing", i, m.o.Runs)
		w := m.workload(m.o.Transfers, 0)
		seconds, err := m.commit(w)
		if err != nil {
			return err
		}
		p := float64(len(w.encoded)) / seconds
		w = m.mixed(m.o.Transfers)
		if seconds, err = m.commit(w); err != nil {
			return err
		}
		plain, mixed = append(plain, p), append(mixed, float64(len(w.encoded))/seconds)
		share = append(share, mixed[i]/p)
	}
	m.result.PlainCommitted, m.result.MixedCommitted, m.result.MixedShare = Median(plain), Median(mixed), Median(share)
	m.run.result.CommittedTransfers = m.result.PlainCommitted
	return nil
}

// maxSplit is how many expiring tokens one transfer makes.
const maxSplit = 60

// expire marks many tokens that end together, and measures payments before and while they return.
func (m *mix) expire() error {
	if m.o.Expiring == 0 {
		return nil
	}
	payer := 0
	err := m.inBatches("marking what will expire", (m.o.Expiring+maxSplit-1)/maxSplit, func(i int) (token.Body, int) {
		in, ok := m.take(payer)
		for ; !ok; in, ok = m.take(payer) {
			payer = (payer + 1) % m.o.Wallets
		}
		body := &token.EarmarkedTransfer{Parties: []token.WalletID{m.people.ids[payer]}, Inputs: []token.ID{in.id}}
		for range maxSplit - 1 {
			body.Outputs = append(body.Outputs, token.EarmarkedOutput{Amount: 1, Becomes: 2})
		}
		body.Outputs = append(body.Outputs, token.EarmarkedOutput{Amount: in.amount - maxSplit + 1, Becomes: 2})
		return body, payer
	}, func(int, *token.Transaction) { payer = (payer + 1) % m.o.Wallets })
	if err != nil {
		return err
	}
	m.notify("latency before", 0, 1)
	// Before and while in one run at the same load, so that the ratio is of returning tokens and not of two machines.
	if err := m.latency(0.5, &m.result.BeforeExpiry); err != nil {
		return err
	}
	before := m.expiringNow()
	// The clock of this node is put forward instead of waiting; what then returns is what the rules let return in
	// each block.
	m.ahead.Store(soonExpires)
	m.notify("latency while tokens return", 0, 1)
	if err := m.latency(0.5, &m.result.DuringExpiry); err != nil {
		return err
	}
	m.result.ReturnedWhile = before - m.expiringNow()
	m.result.ExpiryP99Ratio = m.result.DuringExpiry.P99 / m.result.BeforeExpiry.P99
	return nil
}

func (m *mix) expiringNow() (count int) {
	_ = m.node.View(m.ctx, func(state *livestate.State, _ node.Head) { count = state.Earmarked(2) })
	return count
}

// verifyAll replays the whole log from nothing.
func (m *mix) verifyAll() error {
	checkpoint, err := m.node.Log().Publish()
	if err != nil {
		return err
	}
	report, _, err := node.Verify(m.ctx, node.Evidence{Checkpoint: checkpoint, Network: m.people.world.Network,
		Entries: func(size uint64) iter.Seq2[[]byte, error] { return m.node.Log().Entries(0, size) }},
		func(done, size uint64) { m.notify("verifying what was written", int(done), int(size)) })
	m.result.VerifiedEntries = report.Size
	return err
}
