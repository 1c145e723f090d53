package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/node"
)

// lose leaves of a member's directory nothing but what a backup of its keys and settings has.
func (g *group) lose(i int) {
	g.t.Helper()
	m := g.members[i]
	for _, part := range []string{"log", "snapshots", "index", "cluster/data", "cluster/positions"} {
		if err := os.RemoveAll(filepath.Join(m.dir, part)); err != nil {
			g.t.Fatal(err)
		}
	}
	if restored, err := cluster.RestoreLog(m.dir, g.options()); err != nil || !restored {
		g.t.Fatalf("restored: %t, %v", restored, err)
	}
}

// paying pays at members without a pause, until stop is called, which says how many payments there were.
func (g *group) paying(at ...int) (stop func() int) {
	ctx, cancel := context.WithCancel(g.t.Context())
	var running sync.WaitGroup
	count := 0
	running.Go(func() {
		for ctx.Err() == nil && len(g.issued) > 8 {
			g.submit(at[count%len(at)], g.payment())
			count++
		}
	})
	return func() int {
		cancel()
		running.Wait()
		return count
	}
}

// whole holds a group's ledgers against each other, and the supply against what was issued.
func (g *group) whole() node.Head {
	g.t.Helper()
	head := g.agree()
	if head.Circulating != head.Issued-head.Redeemed {
		g.t.Fatalf("%d circulate of %d issued", head.Circulating, head.Issued)
	}
	return head
}

// Bounds of joined, which follow what is done and not how fast: this machine may be slow.
const (
	standing = 90 * time.Second // in which nothing at all goes on at anybody
	without  = 2_000            // blocks of the others
)

// joined waits until a member votes again, as long as anything goes on; who stands still for good, or lets the others go
// on without it, fails.
func (g *group) joined(i int) {
	g.t.Helper()
	before, moved, first := "", time.Now(), uint64(0)
	for {
		s := g.members[i].engine.Status()
		if s.Stopped != "" {
			g.t.Fatalf("member %d has stopped: %s", i, s.Stopped)
		}
		now, most := "", uint64(0)
		for k, m := range g.members {
			if m.engine == nil {
				continue
			}
			now += fmt.Sprintf("member %d: %s, %d entries; ", k, cluster.Progress(m.engine), m.node.Head().Size)
			if k == i {
				continue
			}
			seen := m.engine.Status()
			most = max(most, seen.Height)
			all := seen.Members // one that is behind may not have met the change that takes it in
			if i < len(all) && !s.CatchingUp && all[i].Connected && all[i].Signed {
				return
			}
		}
		if first == 0 {
			first = most
		}
		if now != before {
			before, moved = now, time.Now()
		}
		if time.Since(moved) > standing || most > first+without {
			g.t.Fatalf("member %d does not vote, and for %s nothing has moved: %s%+v", i,
				time.Since(moved).Round(time.Second), now, s)
		}
		time.Sleep(20 * time.Millisecond) // a poll, with a bound: nothing says when another has counted a vote
	}
}

// A directory of keys alone comes back in a running cluster of four while payments go on: it fetches the log from the
// others, verifies it, and votes on no block that it may have voted on before. It was made before the log's first entry
// stood beside the genesis, and was started since.
func TestKeysAloneComeBack(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	if err := os.Remove(filepath.Join(g.members[2].dir, "cluster", "first_entry")); err != nil {
		t.Fatal(err)
	}
	g.startAll()
	g.settle(256)
	g.agree()
	g.stop(2)
	g.lose(2)
	stop := g.paying(0, 1, 3)
	begun := time.Now()
	g.start(2)
	g.joined(2)
	t.Logf("a directory of keys alone votes again after %s, %d payments beside",
		time.Since(begun).Round(time.Millisecond),
		stop())
	g.submit(2, g.payment())
	g.whole()
	for i, m := range g.members {
		if faults := m.engine.Status().Faults; len(faults) > 0 {
			t.Fatalf("member %d has seen %+v", i, faults)
		}
	}
	if os.Getenv("AQSHA_CLUSTER") == "" {
		return // make cluster-test goes on
	}
	// What it has fetched is its own from now on: it starts with it, and can give it to another.
	g.stop(2)
	g.start(2)
	g.stop(1)
	g.lose(1)
	g.start(1)
	g.joined(1)
	g.submit(1, g.payment())
	g.whole()
}

// A validator that is stopped when it has fetched the log and no block has come yet goes on when it is started again.
func TestAStopBeforeTheFirstBlock(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	g.startAll()
	g.settle(64)
	g.agree()
	g.stop(2)
	g.lose(2)
	g.members[2].opened = cluster.Forget
	g.start(2)
	g.joined(2)
	g.submit(2, g.payment())
	g.whole()
}

// spoiler gives chunks that are not of the log.
type spoiler struct {
	abci.Application
	given *atomic.Int64
}

func (s spoiler) LoadSnapshotChunk(ctx context.Context,
	r *abci.RequestLoadSnapshotChunk) (*abci.ResponseLoadSnapshotChunk, error) {
	out, err := s.Application.LoadSnapshotChunk(ctx, r)
	if err == nil && len(out.Chunk) > 0 {
		out.Chunk[len(out.Chunk)-1] ^= 1
		s.given.Add(1)
	}
	return out, err
}

// lastAsked is asked for its log after others: its offer comes behind theirs.
type lastAsked struct{ abci.Application }

func (l lastAsked) ListSnapshots(ctx context.Context, r *abci.RequestListSnapshots) (*abci.ResponseListSnapshots, error) {
	time.Sleep(100 * time.Millisecond) // so long that a liar's offer is there
	return l.Application.ListSnapshots(ctx, r)
}

// Of those who are asked for the log, who gives another is refused, and an honest one asked. Who has given it is known
// to lie: this validator does not wait for his word on how far it may have signed, and the two others suffice.
func TestAPeerThatLiesOfTheLogIsRefused(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	var given atomic.Int64
	g.members[0].lies = func(honest abci.Application) abci.Application { return spoiler{honest, &given} }
	for _, honest := range []int{1, 2} {
		g.members[honest].lies = func(app abci.Application) abci.Application { return lastAsked{app} }
	}
	g.startAll()
	g.settle(32)
	g.agree()
	for round := 0; given.Load() == 0; round++ { // another may have been a block farther, and is asked first
		if round == 20 {
			t.Fatal("no liar was asked")
		}
		g.stop(3)
		g.lose(3)
		g.start(3)
		g.joined(3)
	}
	g.submit(3, g.payment())
	g.whole()
}

// A validator that was away for longer than the others keep blocks fetches the log by itself.
func TestAwayForLongerThanBlocksAreKept(t *testing.T) {
	if os.Getenv("AQSHA_CLUSTER") == "" {
		t.Skip("make cluster-test runs it; TestKeysAloneComeBack is its short form")
	}
	t.Parallel()
	g := newGroup(t, 4)
	for _, m := range g.members {
		m.opened = func(e *cluster.Engine) { cluster.Impatient(e, time.Second, 3) }
	}
	g.startAll()
	g.settle(32)
	g.agree()
	g.stop(3)
	for i := range 12 {
		g.submit(i%3, g.payment())
	}
	g.start(3)
	g.joined(3)
	g.submit(3, g.payment())
	g.whole()
}
