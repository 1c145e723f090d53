package node_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// thresholds are sizes at which something in the node changes its shape: shards and chunks of tables, pages of snapshots.
var thresholds = []int{1, 2, 255, 256, 257, 302, 360, 1023, 1024, 1535, 1536, 2048, 4095, 4096, 4097}

// drawPopulation is how many tokens a world begins with: often few, so that there is time for many fates, or near a threshold,
// or any number up to 5,000.
func drawPopulation(rng *rand.Rand) int {
	switch rng.IntN(4) {
	case 0:
		return thresholds[rng.IntN(len(thresholds))]
	case 1:
		return rng.IntN(5_001)
	}
	return rng.IntN(100)
}

// populated is a world's groups that give its bank so many tokens more.
func (v *voyage) populate(do func(txs ...*token.Transaction), bank token.WalletID, tokens int) {
	const each = 64
	var txs []*token.Transaction
	for sequence := uint64(2); tokens > 0; sequence++ {
		amounts := make([]money.Tiyn, min(each, tokens))
		for i := range amounts {
			amounts[i] = money.Tiyn(10_000 + i)
		}
		txs = append(txs, v.world.Issue(sequence, bank, v.chain.Now+1000, amounts...))
		tokens -= len(amounts)
	}
	if len(txs) > 0 {
		do(txs...)
	}
	v.issues = len(txs)
}

// fate is what happens to a node on its way, by a seed.
type fate struct {
	rng *rand.Rand
	*seaman
	kind   string
	clocks int // jumps of the clock
}

// leapsAhead are how far the clock jumps; the node must date nothing by any of them.
var leapsAhead = []time.Duration{11 * time.Second, 2 * time.Hour, 30 * time.Hour, 10 * 365 * 24 * time.Hour}

// meet draws a fault of the disk, and whether the clock jumps.
func (f *fate) meet(ops int) {
	d := f.disk
	switch f.rng.IntN(6) {
	case 0, 1:
		f.kind = "crash"
		d.CrashAt(1 + f.rng.IntN(ops))
	case 2:
		f.kind = "failed sync"
		d.FailSyncAt(1 + f.rng.IntN(70))
	case 3:
		f.kind = "short write"
		d.FailWriteAt(1 + f.rng.IntN(90))
	case 4:
		f.kind = "full disk"
		d.SetCapacity(131_072 + 1000*f.rng.Int64N(60))
	default:
		f.kind = "calm"
	}
	f.clocks = f.rng.IntN(4)
}

// leap has the clock jump ahead for a moment, between two groups: nothing may be executed then.
func (f *fate) leap() error {
	if f.clocks == 0 || f.rng.IntN(6) != 0 {
		return nil
	}
	f.clocks--
	f.skew = leapsAhead[f.rng.IntN(len(leapsAhead))]
	defer func() { f.skew = 0 }()
	before := f.node.Head()
	_, errs := f.node.SubmitAll(context.Background(), f.groups[f.at].txs)
	if err := f.node.Err(); err != nil {
		return err
	}
	var refusal *token.Error
	for _, err := range errs {
		if !errors.As(err, &refusal) || refusal.Code != node.ClockDoubted {
			f.t.Fatalf("the clock jumped by %s: %v", f.skew, err)
		}
	}
	if head := f.node.Head(); head != before {
		f.t.Fatalf("the clock jumped by %s: a block is dated %d after %d", f.skew, head.TimeMillis, before.TimeMillis)
	}
	return nil
}

// suffer sails through a fate and checks that the node comes out of it as if nothing had happened.
func suffer(t testing.TB, v *voyage, ops int, seed uint64) (kind string, struck bool) {
	f := &fate{rng: rand.New(rand.NewPCG(seed, 9)), seaman: v.on(t, seed)}
	f.tolerant, f.monotonic, f.before = true, true, f.leap
	f.meet(ops)
	if err := f.sail(); err != nil {
		var refusal *token.Error
		if !errors.Is(err, disk.ErrCrashed) && !errors.Is(err, disk.ErrFull) && !errors.Is(err, disk.ErrIO) && !(errors.As(err, &refusal) && refusal.Code == node.WriteFailed) {
			t.Fatalf("%s: %v", f.kind, err)
		}
		struck = true
	}
	f.before = nil
	f.disk.SetCapacity(0)
	if f.rng.IntN(2) == 0 {
		f.disk.Kill() // the process alone; with what it wrote
		f.reopen()
		f.check()
	}
	f.disk.Restart()
	f.reopen()
	f.end()
	return f.kind, struck
}

// fatesPerWorld is how many fates a world has: making one takes as long as several of them.
const fatesPerWorld = 40

// TestFates draws population, clock and disk by a seed: sizes around which something changes, jumps of the clock, crashes, full
// disks, failed syncs and short writes. SIM_CRASHES asks for more, SIM_FATE for the one whose number a failure printed.
func TestFates(t *testing.T) {
	one, most := setting("SIM_FATE", 0), setting("SIM_CRASHES", short(160, 20))
	from, to := uint64(1), most
	if one != 0 {
		from, to = one, one
	}
	kinds, struck := map[string]int{}, 0
	var v *voyage
	ops, world := 0, ^uint64(0)
	for seed := from; seed <= to; seed++ {
		if seed/fatesPerWorld != world {
			world = seed / fatesPerWorld
			v = newVoyageOf(t, 1_000_000+world, drawPopulation(rand.New(rand.NewPCG(world, 8))))
			ops = v.ops(t)
		}
		ok := t.Run(fmt.Sprintf("FATE=%d", seed), func(t *testing.T) {
			kind, hit := suffer(t, v, ops, seed)
			if kinds[kind]++; hit {
				struck++
			}
		})
		if !ok {
			return
		}
	}
	if one == 0 && (struck < int(most)/4 || len(kinds) < 4) {
		t.Errorf("%d of %d fates struck, of kinds %v: not what the campaign is for", struck, most, kinds)
	}
	t.Logf("%d of %d fates struck: %v", struck, to-from+1, kinds)
	if os.Getenv("SIM_CRASHES") != "" {
		fmt.Printf("%d fates, of which %d struck the log: %v; the node came out of all as if nothing had happened\n", to-from+1, struck, kinds)
	}
}

// ops is how many operations of the disk a voyage takes when nothing happens.
func (v *voyage) ops(t testing.TB) int {
	s := v.on(t, 1)
	if err := s.sail(); err != nil {
		t.Fatal(err)
	}
	s.check()
	if err := s.node.View(context.Background(), func(state *livestate.State, _ node.Head) {
		if tokens, _ := state.Counts(); tokens == 0 {
			t.Error("a world without tokens")
		}
	}); err != nil {
		t.Fatal(err)
	}
	_ = s.node.Close()
	return s.disk.Ops()
}
