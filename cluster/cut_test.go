package cluster_test

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/cluster"
)

// links are proxies between validators: every validator reaches every other through one of its own, which can be cut.
type links struct {
	mu    sync.Mutex
	cut   map[[2]int]bool
	conns map[[2]int][]net.Conn
	slow  map[[2]int]time.Duration  // by which what is read is handed on later
	mute  map[[2]int][]*atomic.Bool // of each connection: what is sent on it is lost, though it stays open
}

// proxy listens for what a validator sends to another.
func (l *links) proxy(t *testing.T, from, to int, address string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	pair := [2]int{from, to}
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			l.mu.Lock()
			cut := l.cut[pair]
			l.mu.Unlock()
			out, err := net.Dial("tcp", address)
			if cut || err != nil {
				in.Close()
				if err == nil {
					out.Close()
				}
				continue
			}
			l.mu.Lock()
			l.conns[pair] = append(l.conns[pair], in, out)
			mute := new(atomic.Bool)
			if l.mute != nil {
				l.mute[pair] = append(l.mute[pair], mute)
			}
			l.mu.Unlock()
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				go func() {
					_, _ = io.Copy(late{way[0], l, pair, mute}, way[1])
					way[0].Close()
					way[1].Close()
				}()
			}
		}
	}()
	return listener.Addr().String()
}

// late hands on what is written after a link's delay.
type late struct {
	net.Conn
	links *links
	pair  [2]int
	mute  *atomic.Bool
}

func (c late) Write(b []byte) (int, error) {
	c.links.mu.Lock()
	delay := c.links.slow[c.pair]
	c.links.mu.Unlock()
	time.Sleep(delay) // it is the delay of the line that is tried
	if c.mute.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// silence loses what is sent from now on, for ever, on the connections that there are with one: as a line does that was
// cut and mended, while TCP waits to send again. New connections are good.
func (l *links) silence(with int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for pair, all := range l.mute {
		for _, m := range all {
			m.Store(m.Load() || pair[0] == with || pair[1] == with)
		}
	}
}

// A validator whose connections carry nothing any more, though none was closed, connects anew, and catches up.
func TestASilentLineIsLeft(t *testing.T) {
	t.Parallel()
	l := &links{cut: map[[2]int]bool{}, conns: map[[2]int][]net.Conn{}, mute: map[[2]int][]*atomic.Bool{}}
	g := newGroupOf(t, 4, func(from, to int, address string) string { return l.proxy(t, from, to, address) })
	for _, m := range g.members {
		m.opened = func(e *cluster.Engine) { cluster.LeaveSilent(e, 6*time.Second) }
	}
	g.startAll()
	g.settle(64)
	g.agree()
	// A connection that is just being made may be missed, and bring what the others have.
	for behind := false; !behind; {
		if len(g.issued) < 3 {
			t.Fatal("the one that nobody should hear has what the others have")
		}
		l.silence(3)
		for i := range 3 {
			g.submit(i, g.payment())
		}
		behind = g.members[3].node.Head().Height+2 < g.members[0].node.Head().Height
	}
	begun := time.Now()
	g.agree()
	t.Logf("the one that nobody heard has everything after %s", time.Since(begun).Round(time.Millisecond))
}

// A connection that has never brought anything, as one that was accepted while an engine was being stopped, does not
// keep its member out: the others leave it, and take the one that is made anew.
func TestAConnectionThatBringsNothingIsLeft(t *testing.T) {
	t.Parallel()
	g := newGroup(t, 4)
	for _, m := range g.members {
		m.opened = func(e *cluster.Engine) { cluster.LeaveSilent(e, 2*time.Second) }
	}
	g.startAll()
	g.settle(32)
	g.agree()
	engine := g.members[3].engine
	g.stop(3)
	end, err := cluster.Mute(engine)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	g.lose(3)
	g.start(3)
	g.joined(3)
	g.submit(3, g.payment())
	g.whole()
}

// between cuts, or mends, all links between validators of different sides.
func (l *links) between(sides []int, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range sides {
		for k := range sides {
			if sides[i] == sides[k] {
				continue
			}
			pair := [2]int{i, k}
			l.cut[pair] = cut
			if cut {
				for _, c := range l.conns[pair] {
					c.Close()
				}
				l.conns[pair] = nil
			}
		}
	}
}

// Three that are cut from one go on, and it catches up; of two and two nobody goes on, nobody forks, and what was asked
// for is paid, once, when they hear each other again.
func TestCut(t *testing.T) {
	if os.Getenv("AQSHA_CLUSTER") == "" {
		t.Skip("make cluster-test runs it; TestOneComesBack is its short form")
	}
	l := &links{cut: map[[2]int]bool{}, conns: map[[2]int][]net.Conn{}}
	g := newGroupOf(t, 4, func(from, to int, address string) string { return l.proxy(t, from, to, address) })
	g.startAll()
	g.settle(32)
	g.agree()

	alone := []int{0, 0, 0, 1}
	l.between(alone, true)
	begun := time.Now()
	for i := range 3 {
		g.submit(i, g.payment())
	}
	t.Logf("three of four: %s for three payments, each waited for", time.Since(begun).Round(time.Millisecond))
	if behind, ahead := g.members[3].node.Head(), g.members[0].node.Head(); behind.Size >= ahead.Size {
		t.Fatal("the one that is cut off has what the others have")
	}
	begun = time.Now()
	l.between(alone, false)
	g.agree()
	t.Logf("the fourth caught up after %s", time.Since(begun).Round(time.Millisecond))

	halves := []int{0, 0, 1, 1}
	l.between(halves, true)
	time.Sleep(3 * time.Second) // what was under way ends
	before := g.members[0].node.Head()
	var asked sync.WaitGroup
	for i := range 4 {
		tx := g.payment()
		asked.Go(func() { g.submit(i, tx) })
	}
	time.Sleep(5 * time.Second)
	for i, m := range g.members {
		if head := m.node.Head(); head.Size != before.Size || head.Root != before.Root {
			t.Fatalf("member %d went on with half of the validators: %d entries, %d before", i, head.Size, before.Size)
		}
	}
	begun = time.Now()
	l.between(halves, false)
	asked.Wait()
	t.Logf("two and two: all four paid %s after they heard each other", time.Since(begun).Round(time.Millisecond))
	head := g.agree()
	if head.Circulating != head.Issued-head.Redeemed {
		t.Fatalf("%d circulate of %d issued", head.Circulating, head.Issued)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, c, err := g.members[3].node.WaitPublished(ctx, head.Size-1); err != nil || c.Root != head.Root {
		t.Fatalf("no checkpoint over %d entries: %+v, %v", head.Size, c, err)
	}
}

// Each validator is ended in turn while others are paid at, and comes back.
func TestEachIsKilled(t *testing.T) {
	if os.Getenv("AQSHA_CLUSTER") == "" {
		t.Skip("make cluster-test runs it; TestOneComesBack is its short form")
	}
	g := newGroup(t, 4)
	g.startAll()
	g.settle(64)
	for i := range 4 {
		g.stop(i)
		for k := range 3 {
			g.submit((i+1+k)%4, g.payment())
		}
		begun := time.Now()
		g.start(i)
		g.agree()
		t.Logf("member %d has everything %s after its start", i, time.Since(begun).Round(time.Millisecond))
	}
	if head := g.agree(); head.Circulating != head.Issued-head.Redeemed {
		t.Fatalf("%d circulate of %d issued", head.Circulating, head.Issued)
	}
}
