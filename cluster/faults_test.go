package cluster_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// disk is a disk of a log that is slow, or full.
type disk struct {
	vfs.FS
	full atomic.Bool
	slow time.Duration // to make something durable
}

type diskFile struct {
	vfs.File
	disk *disk
}

func (d *disk) of(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return diskFile{f, d}, nil
}

func (d *disk) Create(name string) (vfs.File, error) {
	if d.full.Load() {
		return nil, syscall.ENOSPC
	}
	return d.of(d.FS.Create(name))
}

func (d *disk) OpenReadWrite(name string) (vfs.File, error) { return d.of(d.FS.OpenReadWrite(name)) }

// WriteAt needs room for what is beyond the file's end, as disks do.
func (f diskFile) WriteAt(b []byte, at int64) (int, error) {
	if size, err := f.Size(); err != nil || f.disk.full.Load() && at+int64(len(b)) > size {
		return 0, errors.Join(err, syscall.ENOSPC)
	}
	return f.File.WriteAt(b, at)
}

func (f diskFile) Preallocate(bytes int64) error {
	if size, err := f.Size(); err != nil || f.disk.full.Load() && bytes > size {
		return errors.Join(err, syscall.ENOSPC)
	}
	return f.File.Preallocate(bytes)
}

func (f diskFile) Datasync() error {
	time.Sleep(f.disk.slow) // it is the slowness of the disk that is tried
	return f.File.Datasync()
}

// wrongClock signs votes as if it were another time.
type wrongClock struct {
	cmttypes.PrivValidator
	off time.Duration
}

func (w wrongClock) SignVote(chain string, v *cmtproto.Vote) error {
	v.Timestamp = v.Timestamp.Add(w.off)
	return w.PrivValidator.SignVote(chain, v)
}

// withholder proposes blocks without anybody's batches.
type withholder struct {
	abci.Application
	kept *atomic.Int64
}

func (w withholder) PrepareProposal(ctx context.Context,
	r *abci.RequestPrepareProposal) (*abci.ResponsePrepareProposal, error) {
	out, err := w.Application.PrepareProposal(ctx, r)
	if err == nil && len(out.Txs) > 1 {
		w.kept.Add(int64(len(out.Txs) - 1))
		out.Txs = out.Txs[:1]
	}
	return out, err
}

// ailing is a group with one member that is to have a fault.
func ailing(t *testing.T, inflict func(m *member)) *group {
	t.Parallel()
	g := newGroup(t, 4)
	inflict(g.members[3])
	g.startAll()
	g.settle(32)
	return g
}

// long skips what only make cluster-test runs.
func long(t *testing.T) {
	if os.Getenv("AQSHA_CLUSTER") == "" {
		t.Skip("make cluster-test runs it")
	}
}

// With each of these faults at one of four, payments at the others go on, and afterwards all have one log and what was
// issued.
func TestFaults(t *testing.T) {
	t.Run("a clock ten minutes ahead", func(t *testing.T) {
		g := ailing(t, func(m *member) {
			m.opened = func(e *cluster.Engine) {
				cluster.Sign(e, func(v cmttypes.PrivValidator) cmttypes.PrivValidator {
					return wrongClock{v, 10 * time.Minute}
				})
			}
		})
		for i := range 8 {
			g.submit(i%4, g.payment())
		}
		if head := g.whole(); head.TimeMillis > uint64(time.Now().Add(time.Minute).UnixMilli()) {
			t.Fatalf("the ledger's time is %d: one clock moved it", head.TimeMillis)
		}
	})
	t.Run("a full disk", func(t *testing.T) {
		long(t)
		d := &disk{FS: vfs.OS}
		g := ailing(t, func(m *member) { m.disk = d })
		g.settle(96)
		g.agree()
		d.full.Store(true)
		for i := 0; ; i++ { // until its segment is full: what is allocated can be written
			g.submit(i%3, g.payment())
			if behind := g.members[3].node.Head(); g.members[i%3].node.Head().Size > behind.Size+12 {
				break
			}
			if len(g.issued) == 1 {
				t.Fatal("a full disk has taken everything")
			}
		}
		begun := time.Now()
		d.full.Store(false)
		for most := g.members[0].node.Head(); g.members[3].node.Head().Height < most.Height; {
			if time.Since(begun) > time.Minute {
				t.Fatal("it does not go on though there is room")
			}
			time.Sleep(20 * time.Millisecond) // a poll, with a bound: a node looks for room now and then
		}
		g.whole()
		t.Logf("after room was made it had everything after %s", time.Since(begun).Round(time.Millisecond))
		g.submit(3, g.payment())
	})
	t.Run("a slow disk", func(t *testing.T) {
		long(t)
		g := ailing(t, func(m *member) { m.disk = &disk{FS: vfs.OS, slow: 300 * time.Millisecond} })
		for i := range 8 {
			g.submit(i%4, g.payment())
		}
		g.whole()
	})
	t.Run("batches that are withheld", func(t *testing.T) {
		long(t)
		var kept atomic.Int64
		g := ailing(t, func(m *member) {
			m.lies = func(honest abci.Application) abci.Application { return withholder{honest, &kept} }
		})
		for i := 0; kept.Load() == 0; i++ { // whose turn it is is not this test's to say
			if len(g.issued) == 1 {
				t.Fatal("its turn does not come")
			}
			g.submit(i%3, g.payment())
		}
		g.whole()
	})
	t.Run("a bad line between two", func(t *testing.T) {
		long(t)
		t.Parallel()
		l := &links{cut: map[[2]int]bool{}, conns: map[[2]int][]net.Conn{}, slow: map[[2]int]time.Duration{
			{0, 3}: 200 * time.Millisecond, {3, 0}: 200 * time.Millisecond}}
		g := newGroupOf(t, 4, func(from, to int, address string) string { return l.proxy(t, from, to, address) })
		g.startAll()
		g.settle(32)
		for i := range 8 {
			l.between([]int{0, 1, 1, 0}, i%2 == 0) // the other two hear neither of them now and then
			l.between([]int{0, 1, 1, 0}, false)
			g.submit(i%4, g.payment())
		}
		begun := time.Now()
		g.whole()
		t.Logf("all equal after %s", time.Since(begun).Round(time.Millisecond))
	})
}

// setClock signs votes as if it were another time, which may change.
type setClock struct {
	cmttypes.PrivValidator
	off *atomic.Int64
}

func (c setClock) SignVote(chain string, v *cmtproto.Vote) error {
	v.Timestamp = v.Timestamp.Add(time.Duration(c.off.Load()))
	return c.PrivValidator.SignVote(chain, v)
}

// A version of the rules that no validator knows comes to its height: all stop before it, with one log, and say what to
// install; none goes on by rules of its own.
func TestAllStopBeforeRulesThatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	g := foundGroup(t, 4, func(_, _ int, address string) string { return address }, func(g *ledger.Genesis) {
		g.TimeMillis -= uint64((10 * time.Minute).Milliseconds())
		g.DelayMillis = token.MinDelayMillis
	})
	var off atomic.Int64
	off.Store(-int64(5 * time.Minute)) // all clocks are late, so that the delay passes when they are set right
	for _, m := range g.members {
		m.opened = func(e *cluster.Engine) {
			cluster.Sign(e, func(v cmttypes.PrivValidator) cmttypes.PrivValidator { return setClock{v, &off} })
		}
	}
	g.startAll()
	g.settle(8)
	g.submit(0, g.world.Sign(&token.Propose{By: token.RoleRoot, Sequence: 1,
		Change: token.Change{Rules: ledger.LatestRules + 1, Height: 1}}, soon(), g.world.By(token.RoleRoot, 2)))
	g.submit(1, g.payment())
	off.Store(0)
	var head node.Head
	for i, m := range g.members {
		select {
		case <-m.engine.Failed():
		case <-time.After(20 * time.Second):
			t.Fatalf("member %d goes on", i)
		}
		if err := m.engine.Err(); err == nil || !strings.Contains(err.Error(), "install a newer aqsha") {
			t.Errorf("member %d: %v", i, err)
		}
		if i == 0 {
			head = m.node.Head()
		}
		if own := m.node.Head(); own.Size != head.Size || own.Root != head.Root || own.Rules != ledger.LatestRules {
			t.Errorf("member %d stopped at %+v, the first at %+v", i, own, head)
		}
	}
}
