package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// voyage is a workload whose every outcome is known beforehand: groups of transactions, each a block.
type voyage struct {
	world  *sim.World
	groups []group
	// Of the undisturbed run, by number of blocks in the log:
	roots  []txlog.Hash // of the log
	states []txlog.Hash // of the state
	chain  *sim.Chain
	issues int // that made the population
}

type group struct {
	now     uint64
	txs     []*token.Transaction
	refused []bool
	blocks  uint64 // in the log after it
}

// stateRoot digests a state apart from where in the log it stands.
func stateRoot(t testing.TB, s *livestate.State) txlog.Hash {
	t.Helper()
	root, err := s.WriteSnapshot(io.Discard, livestate.Position{Leaf: ledger.Leaf{Height: 1, Rules: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// newVoyage plans a workload and runs it on the executor alone.
func newVoyage(t testing.TB, seed uint64) *voyage {
	t.Helper()
	return newVoyageOf(t, seed, 0)
}

// newVoyageOf is newVoyage of a world that begins with so many tokens more.
func newVoyageOf(t testing.TB, seed uint64, population int) *voyage {
	t.Helper()
	w := sim.NewWorld(seed)
	state := livestate.New([32]byte{byte(seed), 1})
	v := &voyage{world: w, chain: w.NewChain(state)}
	v.roots = []txlog.Hash{txlog.EmptyRoot, v.chain.Root()}
	v.states = []txlog.Hash{{}, stateRoot(t, state)}
	do := func(txs ...*token.Transaction) {
		g := group{now: v.chain.Now, txs: txs}
		for _, refusal := range v.chain.Block(txs...) {
			g.refused = append(g.refused, refusal != nil)
		}
		if g.blocks = uint64(len(v.chain.Blocks)); g.blocks == uint64(len(v.roots)) {
			v.roots, v.states = append(v.roots, v.chain.Root()), append(v.states, stateRoot(t, state))
		}
		v.groups = append(v.groups, g)
		v.chain.Now += 1000
	}
	admit, bank := w.Admit("bank", 1, v.chain.Now+1000)
	do(admit)
	wallets := []token.WalletID{bank}
	for i := range 4 {
		tx, id := w.Register("bank", bank, uint64(i+1), fmt.Sprint("wallet ", i), 2, v.chain.Now+1000)
		do(tx)
		wallets = append(wallets, id)
	}
	do(w.Issue(1, bank, v.chain.Now+1000, 1_000_000*money.Tenge, 2_000_000*money.Tenge))
	v.populate(do, bank, population)
	rng := w.Rand(1)
	rules := &voyageRules{voyage: v, state: state, bank: bank, holder: wallets[3], other: wallets[4]}
	for i := range 14 {
		var txs []*token.Transaction
		spent := map[token.ID]bool{}
		if tx := rules.next(i, spent); tx != nil {
			txs = append(txs, tx)
		}
		for range 1 + rng.IntN(5) {
			if tx := v.payment(rng, state, wallets, spent); tx != nil {
				txs = append(txs, tx)
			}
		}
		switch i {
		case 4: // a new key, which falls due when a day has passed
			txs = append(txs, v.chain.Make(&token.Rekey{Wallet: wallets[2], Version: 1, By: token.RoleIntermediary, Key: w.Key("new").Public()}))
		case 6:
			if newest := state.TokensOf(bank, 1)[0]; newest.Amount > 1000 && newest.Asset == token.PlainTenge {
				txs = append(txs, v.chain.Make(&token.Redeem{From: bank, Inputs: first(state, bank), Amount: 1000, Change: newest.Amount - 1000}))
			}
		case 9:
			v.chain.Now += 86_400_000
			txs = nil
			txs = append(txs, v.chain.Make(&token.Issue{Sequence: uint64(2 + v.issues), To: bank, Amounts: []money.Tiyn{777}}))
		}
		if len(txs) > 0 {
			do(append(txs, txs[0])...) // the last is always a double spend
		}
	}
	return v
}

func first(s *livestate.State, id token.WalletID) []token.ID {
	return []token.ID{s.TokensOf(id, 1)[0].ID}
}

// payment has a random wallet spend its newest tokens that this group has not spent yet.
func (v *voyage) payment(rng *rand.Rand, s *livestate.State, wallets []token.WalletID, spent map[token.ID]bool) *token.Transaction {
	from, to := wallets[rng.IntN(len(wallets))], wallets[rng.IntN(len(wallets))]
	var inputs []token.ID
	var total money.Tiyn
	for _, live := range s.TokensOf(from, 1+rng.IntN(3)) {
		if !spent[live.ID] && live.Asset == token.PlainTenge {
			inputs, total = append(inputs, live.ID), total+live.Amount
			spent[live.ID] = true
		}
	}
	if total < 2 || from == to {
		return nil
	}
	amount := money.Tiyn(1 + rng.Int64N(int64(total)-1))
	return v.chain.Make(&token.Transfer{Parties: []token.WalletID{from, to}, Payers: 1, Inputs: inputs,
		Outputs: []token.Output{{Party: 1, Amount: amount}, {Party: 0, Amount: total - amount}}})
}

// seaman is a client of the node, and the one who restarts it.
type seaman struct {
	*voyage
	t        testing.TB
	disk     *disk.Disk
	now      uint64
	node     *node.Node
	at       int // group to submit next
	acked    map[uint64]token.TransactionID
	heard    uint64 // blocks of the log at the last answer
	tolerant bool   // of snapshots that fail

	monotonic bool          // the node compares its clock with one that nobody sets
	skew      time.Duration // by which its clock is wrong
	before    func() error  // what happens before a group, if anything
}

func (s *seaman) config() node.Config {
	var monotonic func() time.Duration
	if s.monotonic {
		monotonic = func() time.Duration { return time.Duration(s.now-sim.StartMillis) * time.Millisecond }
	}
	return node.Config{
		Dir: "data", NoIndex: true, Synchronous: true, Now: func() uint64 { return s.now + uint64(s.skew.Milliseconds()) }, Monotonic: monotonic, AcceptTime: true,
		Salt: s.world.Salt,
		Options: txlog.Options{
			Origin: s.world.Genesis.Name, Signers: []note.Signer{s.world.LogSigner}, FS: s.disk.FS(), SegmentBytes: 2500,
			Background: func(work func()) { work() }, Random: rand.NewChaCha8([32]byte{byte(s.disk.Ops()), byte(s.disk.Ops() >> 8)}),
		},
	}
}

// open opens the node, initialising the network first if that never became durable.
func (s *seaman) open() (err error) {
	s.node, err = node.Open(s.config())
	if err != nil && strings.Contains(err.Error(), "no network was founded") {
		if err = node.Init(s.config(), s.world.Genesis); err == nil {
			s.node, err = node.Open(s.config())
		}
	}
	return err
}

// sail submits groups until one fails, with snapshots and restarts on the way.
func (s *seaman) sail() error {
	if err := s.open(); err != nil {
		return err
	}
	return s.sailOn()
}

// sailOn submits groups to the node that is open.
func (s *seaman) sailOn() error {
	for ; s.at < len(s.groups); s.at++ {
		g := s.groups[s.at]
		s.now = g.now
		if s.before != nil {
			if err := s.before(); err != nil {
				return err
			}
		}
		receipts, errs := s.node.SubmitAll(context.Background(), g.txs)
		for i, err := range errs {
			switch {
			case s.node.Err() != nil:
				return s.node.Err()
			case err == nil:
				if id, known := s.acked[receipts[i].Index]; (known && id != receipts[i].ID) || receipts[i].ID != g.txs[i].ID() {
					s.t.Fatalf("group %d: receipt %+v for %s", s.at, receipts[i], g.txs[i].ID())
				}
				if g.refused[i] {
					s.t.Fatalf("group %d: transaction %d was executed", s.at, i)
				}
				s.acked[receipts[i].Index] = receipts[i].ID
			case errors.Is(err, disk.ErrCrashed), isCode(err, node.DiskFull):
				return err
			}
		}
		s.heard = max(s.heard, g.blocks)
		if s.at%4 == 2 {
			if err := s.node.Snapshot(); err != nil && !s.tolerant {
				return err
			}
		}
		if s.at%7 == 5 {
			if err := s.node.Close(); err != nil {
				return err
			}
			if err := s.open(); err != nil {
				return err
			}
		}
	}
	return nil
}

func isCode(err error, code token.Code) bool {
	var refusal *token.Error
	return errors.As(err, &refusal) && refusal.Code == code
}

// check holds a recovered node against the undisturbed run.
func (s *seaman) check() {
	s.t.Helper()
	blocks := s.node.Log().Heights()
	root, err := s.node.Log().Root(s.node.Log().Size())
	if err != nil {
		s.t.Fatal(err)
	}
	if blocks < s.heard || blocks >= uint64(len(s.roots)) || root != s.roots[blocks] {
		s.t.Fatalf("%d blocks were answered; the log has %d and root %s", s.heard, blocks, root)
	}
	err = s.node.View(context.Background(), func(state *livestate.State, head node.Head) {
		if got := stateRoot(s.t, state); got != s.states[blocks] {
			s.t.Fatalf("after %d blocks the state is another", blocks)
		}
		if a := state.Authority(); state.LiveTotal() != a.Circulating() || head.Circulating != a.Circulating() {
			s.t.Fatalf("supply: %s live, %s circulating", state.LiveTotal(), a.Circulating())
		}
	})
	if err != nil {
		s.t.Fatal(err)
	}
	for index, id := range s.acked {
		e, _, err := s.node.Entry(index)
		if err != nil || e.Transaction == nil || e.Transaction.ID() != id {
			s.t.Fatalf("what was answered for entry %d is not there: %v", index, err)
		}
	}
}

// end resumes the workload from its beginning and expects the undisturbed end: what was executed is
// refused now, what was lost is executed.
func (s *seaman) end() {
	s.t.Helper()
	s.check()
	crashed := s.at
	if crashed > 0 {
		s.now = s.groups[crashed-1].now // before what falls due with the next group
	}
	for _, g := range s.groups[:min(crashed, len(s.groups))] {
		_, errs := s.node.SubmitAll(context.Background(), g.txs)
		for i, err := range errs {
			if err == nil {
				s.t.Fatalf("transaction %d was executed twice", i)
			}
		}
	}
	_ = s.node.Close()
	if err := s.sail(); err != nil {
		s.t.Fatal("resuming:", err)
	}
	s.check()
	if blocks := s.node.Log().Heights(); blocks != uint64(len(s.roots)-1) {
		s.t.Fatalf("ended with %d blocks, want %d", blocks, len(s.roots)-1)
	}
	_ = s.node.Close()
}

func (v *voyage) on(t testing.TB, seed uint64) *seaman {
	return &seaman{voyage: v, t: t, disk: disk.New(seed), now: v.groups[0].now, acked: map[uint64]token.TransactionID{}}
}

// point crashes a voyage at an operation, and, at every third, its recovery too. It returns how many
// crashes happened: 0 when the workload ended first.
func (v *voyage) point(t testing.TB, seed uint64, at int) (crashes int) {
	s := v.on(t, seed<<32|uint64(at))
	s.disk.CrashAt(at)
	err := s.sail()
	if err == nil {
		return 0
	}
	s.interrupted(err)
	crashes++
	if at%2 == 0 {
		s.disk.Kill() // the process alone dies; what it wrote is there for the next
		s.reopen()
		s.check()
	}
	s.disk.Restart()
	if at%3 == 0 {
		s.disk.CrashAt(1 + at%29)
		if err := s.sail(); err != nil {
			s.interrupted(err)
			crashes++
		}
		s.disk.Restart()
	}
	s.reopen()
	s.end()
	return crashes
}

func (s *seaman) reopen() {
	s.t.Helper()
	if err := s.open(); err != nil {
		s.t.Fatal("opening again: ", err)
	}
}

func (s *seaman) interrupted(err error) {
	s.t.Helper()
	var refusal *token.Error
	if !errors.Is(err, disk.ErrCrashed) && !(errors.As(err, &refusal) && refusal.Code == node.WriteFailed) {
		s.t.Fatal("before the crash: ", err)
	}
}

// seedOf names a crash point by one number.
const pointsPerWorld = 100_000

func campaign(t *testing.T, from, most uint64) (crashes int) {
	for world := from; ; world++ {
		v := newVoyage(t, world)
		for at := 1; ; at++ {
			var n int
			ok := t.Run(fmt.Sprintf("SEED=%d", world*pointsPerWorld+uint64(at)), func(t *testing.T) { n = v.point(t, world, at) })
			if !ok || crashes+n >= int(most) {
				return crashes + n
			}
			if n == 0 {
				break
			}
			crashes += n
		}
	}
}

// short is less when the race detector watches.
func short(otherwise, when uint64) uint64 {
	if raced {
		return when
	}
	return otherwise
}

func setting(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 63); err == nil {
		return n
	}
	return otherwise
}

// TestCrashAtEveryOperation crashes the node at each I/O operation in turn. SIM_CRASHES asks for more,
// SIM_SEED for the one whose number a failure printed.
func TestCrashAtEveryOperation(t *testing.T) {
	if seed := setting("SIM_SEED", 0); seed != 0 {
		newVoyage(t, seed/pointsPerWorld).point(t, seed/pointsPerWorld, int(seed%pointsPerWorld))
		return
	}
	most := setting("SIM_CRASHES", short(600, 40))
	crashes := campaign(t, 1, most)
	t.Logf("%d crashes", crashes)
	if os.Getenv("SIM_CRASHES") != "" {
		fmt.Printf("the node was crashed %d times; nothing answered was lost, nothing happened twice\n", crashes)
	}
}

func TestTheSamePointReplaysExactly(t *testing.T) {
	v := newVoyage(t, 3)
	contents := func() string {
		s := v.on(t, 5)
		s.disk.CrashAt(150)
		_ = s.sail()
		s.disk.Restart()
		var all bytes.Buffer
		for _, name := range files(t, s.disk) {
			fmt.Fprintf(&all, "%s %x\n", name, s.disk.Contents(name))
		}
		return all.String()
	}
	if a, b := contents(), contents(); a != b || len(a) < 1000 {
		t.Error("the same crash left other bytes")
	}
}

// files lists all files of a disk.
func files(t testing.TB, d *disk.Disk) (names []string) {
	t.Helper()
	fs := d.FS()
	var walk func(dir string)
	walk = func(dir string) {
		entries, err := fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range entries {
			path := filepath.Join(dir, name)
			if d.Contents(path) != nil {
				names = append(names, path)
			} else if _, err := fs.List(path); err == nil {
				walk(path)
			}
		}
	}
	walk("data")
	return names
}
