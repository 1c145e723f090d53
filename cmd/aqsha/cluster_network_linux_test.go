package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lan is network namespaces of this machine, each with an address of its own, on a switch that can be cut in two.
type lan struct {
	t       *testing.T
	names   []string // of the namespaces; the switch's is behind them
	program string
}

func (l *lan) ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func (l *lan) must(args ...string) {
	l.t.Helper()
	if err := l.ip(args...); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lan) hub() string { return l.names[len(l.names)-1] }

func address(i int) string { return fmt.Sprintf("10.213.0.%d", i+1) }

// newLAN makes n namespaces; it skips the test where this machine lets nobody make them.
func newLAN(t *testing.T, n int) *lan {
	t.Helper()
	l := &lan{t: t, program: filepath.Join(t.TempDir(), "aqsha")}
	if _, err := exec.LookPath("ip"); err != nil || os.Getuid() != 0 {
		t.Skip("NOT RUN: network namespaces need root and iproute2")
	}
	for i := range n + 1 {
		name := fmt.Sprintf("aqsha-%d-%d", os.Getpid(), i)
		if err := l.ip("netns", "add", name); err != nil {
			t.Skipf("NOT RUN: this machine makes no network namespaces: %v", err)
		}
		l.names = append(l.names, name)
		t.Cleanup(func() { _ = l.ip("netns", "del", name) })
	}
	if err := os.Symlink(os.Args[0], l.program); err != nil {
		t.Fatal(err)
	}
	for _, side := range []string{"left", "right"} {
		l.must("-n", l.hub(), "link", "add", side, "type", "bridge")
		l.must("-n", l.hub(), "link", "set", side, "up")
	}
	for i := range n {
		port := fmt.Sprintf("port%d", i)
		l.must("-n", l.hub(), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", l.names[i])
		l.must("-n", l.hub(), "link", "set", port, "master", "left", "up")
		l.must("-n", l.names[i], "addr", "add", address(i)+"/24", "dev", "eth0")
		l.must("-n", l.names[i], "link", "set", "eth0", "up")
		l.must("-n", l.names[i], "link", "set", "lo", "up")
	}
	return l
}

// in is the program as it runs in a namespace.
func (l *lan) in(i int) func(args ...string) *exec.Cmd {
	return func(args ...string) *exec.Cmd {
		return exec.Command("ip", append([]string{"netns", "exec", l.names[i], l.program}, args...)...)
	}
}

// cut has the namespaces of the second side hear each other and nobody else; none of them mends it. What is sent to the
// other side is lost without a word, as on a line that is cut.
func (l *lan) cut(second ...int) {
	l.t.Helper()
	for i := range len(l.names) - 1 {
		side := "left"
		for _, k := range second {
			if i == k {
				side = "right"
			}
		}
		l.must("-n", l.hub(), "link", "set", fmt.Sprintf("port%d", i), "master", side)
	}
}

// dial connects to an address as who is in a namespace.
func (l *lan) dial(i int, to string) (net.Conn, error) {
	type made struct {
		conn net.Conn
		err  error
	}
	done := make(chan made)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread, which is in another namespace now, ends with this
		space, err := os.Open("/run/netns/" + l.names[i])
		if err == nil {
			err = unix.Setns(int(space.Fd()), unix.CLONE_NEWNET)
			space.Close()
		}
		var conn net.Conn
		if err == nil {
			conn, err = net.DialTimeout("tcp4", to, time.Second)
		}
		done <- made{conn, err}
	}()
	m := <-done
	return m.conn, m.err
}

// reach is an address here at which what serves in a namespace is reached.
func (l *lan) reach(i int, url string) string {
	l.t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				far, err := l.dial(i, strings.TrimPrefix(url, "http://"))
				if err != nil {
					return
				}
				defer far.Close()
				go func() {
					_, _ = io.Copy(far, near)
					far.Close()
				}()
				_, _ = io.Copy(near, far)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// Four validators, each in a network namespace with an address of its own, are paid at and read by clients while the
// network is cut: three from one, and two from two. Three go on and the fourth catches up; of two and two nobody goes
// on. Whatever was answered is what one ledger that does one thing at a time would have answered; the logs are the same
// and the supply is what was issued.
func TestNetworkIsCut(t *testing.T) {
	l := newLAN(t, len(councillors))
	hosts := []string{}
	programs := []func(...string) *exec.Cmd{}
	for i, name := range councillors {
		hosts, programs = append(hosts, name+"="+address(i)), append(programs, l.in(i))
	}
	c := newCouncilOf(t, programs, l.reach, "--host", strings.Join(hosts, ","))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c.untilEqual(ctx)
	lasts := time.Second
	if os.Getenv("AQSHA_CLUSTER") != "" {
		lasts = 10 * time.Second
	}
	p := c.play(ctx, 4, uint64(time.Now().UnixNano()))

	l.cut(3)
	before, _ := c.head(ctx, 0)
	begun := time.Now()
	for h := before; h < before+5; h, _ = c.head(ctx, 0) {
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("three of four: five blocks with payments %s after the cut", time.Since(begun).Round(time.Millisecond))
	time.Sleep(lasts) // of the cut
	ahead, _ := c.head(ctx, 0)
	if behind, _ := c.head(ctx, 3); behind >= ahead {
		t.Fatalf("the one that is cut off is at block %d, the others at %d", behind, ahead)
	}
	l.cut()
	begun = time.Now()
	for h, _ := c.head(ctx, 3); h < ahead; h, _ = c.head(ctx, 3) {
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("the fourth has what the others had %s after the cut was mended", time.Since(begun).Round(time.Millisecond))

	l.cut(2, 3)
	time.Sleep(lasts) // what was under way ends
	var still [4]uint64
	for i := range still {
		still[i], _ = c.head(ctx, i)
	}
	time.Sleep(2 * lasts) // of the cut
	for i := range still {
		if h, _ := c.head(ctx, i); h != still[i] {
			t.Fatalf("validator %d went on from block %d to %d with half of the others", i, still[i], h)
		}
	}
	l.cut()
	begun = time.Now()
	for i := range still {
		for h, _ := c.head(ctx, i); h <= still[i]; h, _ = c.head(ctx, i) {
			time.Sleep(10 * time.Millisecond)
		}
	}
	t.Logf("two and two: payments went on at all four %s after the cut was mended",
		time.Since(begun).Round(time.Millisecond))

	p.end(ctx, 30, 15)
	c.conclude(ctx)
}
