//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// A leader and two followers, each a process of its own, meet what machines meet, drawn by a seed, while clients pay and read at
// every node. Whatever anybody was told is what one ledger would have told that does one thing at a time, and is there in the end.

// wire is what others reach a node through. It can be cut, and either direction can stall.
type wire struct {
	listener net.Listener
	target   string
	refuses  atomic.Bool
	stalls   [2]atomic.Bool // what goes to the node, and what comes from it

	mu    sync.Mutex
	conns []net.Conn
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, target: target}
	t.Cleanup(func() { _ = l.Close(); w.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(c)
		}
	}()
	return w
}

func (w *wire) url() string { return "http://" + w.listener.Addr().String() }

func (w *wire) join(c net.Conn) {
	if w.refuses.Load() {
		_ = c.Close()
		return
	}
	n, err := net.Dial("tcp", w.target)
	if err != nil {
		_ = c.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, c, n)
	w.mu.Unlock()
	go w.pass(n, c, &w.stalls[0])
	w.pass(c, n, &w.stalls[1])
}

func (w *wire) pass(to, from net.Conn, stalls *atomic.Bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		for stalls.Load() {
			time.Sleep(5 * time.Millisecond)
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut ends every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

func (w *wire) heal() {
	w.refuses.Store(false)
	w.stalls[0].Store(false)
	w.stalls[1].Store(false)
}

// nemesis is one run.
type nemesis struct {
	t       *testing.T
	random  *rand.Rand
	dir     string
	logKey  string
	keyring string // folder of keys that outlives every node
	ids     []token.WalletID
	address [3]string
	wires   [3]*wire
	logs    [3]string
	clocks  [3]string
	disks   [3]string // small ones that can be filled; empty where none can be mounted

	mu     sync.Mutex // guards what follows, which clients read
	procs  [3]*process
	leader int // who leads, or is to lead when it is started again
	epoch  int

	faults []string
	begun  time.Time
	reads  [3]atomic.Int64 // that each node answered
}

func (m *nemesis) data(i int) string {
	if m.disks[i] != "" {
		return filepath.Join(m.disks[i], "data")
	}
	return filepath.Join(m.dir, fmt.Sprintf("node%d", i))
}

func (m *nemesis) note(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf("%6.2f s  "+format, append([]any{time.Since(m.begun).Seconds()}, args...)...))
}

// freeAddress is an address of a node's own: nobody else takes its port while the node is down.
func freeAddress(t *testing.T, host string) string {
	t.Helper()
	address, err := freeport.Address(host)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// start starts a node as what it is.
func (m *nemesis) start(i int, verb string, args ...string) error {
	log, err := os.OpenFile(m.logs[i], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p := &process{Cmd: aqsha(append([]string{verb, "--data", m.data(i), "--listen", m.address[i]}, args...)...), url: "http://" + m.address[i]}
	p.Env = append(os.Environ(), testClock+"="+m.clocks[i])
	p.Stdout, p.Stderr = log, log
	if err := p.Start(); err != nil {
		return err
	}
	m.mu.Lock()
	m.procs[i] = p
	m.mu.Unlock()
	ended := make(chan struct{})
	go func() { _ = p.Wait(); close(ended) }()
	for range 400 {
		c, err := net.Dial("tcp", m.address[i])
		if err == nil {
			return c.Close()
		}
		select {
		case <-ended:
			return fmt.Errorf("aqsha %s at node %d ended", verb, i)
		case <-time.After(25 * time.Millisecond):
		}
	}
	return fmt.Errorf("aqsha %s at node %d does not serve", verb, i)
}

// begin starts a node again as what its directory says.
func (m *nemesis) begin(i int) error {
	if i == m.leader {
		return m.start(i, "up")
	}
	return m.start(i, "follow")
}

func (m *nemesis) kill(i int) {
	if p := m.procs[i]; p != nil {
		_ = p.Process.Signal(syscall.SIGCONT)
		_ = p.Process.Kill()
		for p.Process.Signal(syscall.Signal(0)) == nil {
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// newNemesis founds a network of three nodes that know one another by their wires.
func newNemesis(t *testing.T, seed uint64) *nemesis {
	m := &nemesis{t: t, random: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(), begun: time.Now()}
	c := newCustomers(t, accounts)
	m.ids, m.keyring, m.logKey = c.ids, filepath.Join(m.dir, "people"), filepath.Join(c.dir, "keys", "log.secret")
	if err := os.CopyFS(m.keyring, os.DirFS(c.dir)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		m.address[i] = freeAddress(t, fmt.Sprintf("127.%d.%d.%d", 16+seed/250%200, 1+seed%250, 1+i))
		m.wires[i] = newWire(t, m.address[i])
		m.logs[i], m.clocks[i] = filepath.Join(m.dir, fmt.Sprintf("log%d", i)), filepath.Join(m.dir, fmt.Sprintf("clock%d", i))
		if err := os.WriteFile(m.clocks[i], []byte("0s"), 0o600); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			disk := filepath.Join(m.dir, fmt.Sprintf("disk%d", i))
			if os.Mkdir(disk, 0o700) == nil && syscall.Mount("tmpfs", disk, "tmpfs", 0, "mode=0700,size=200m") == nil {
				m.disks[i] = disk
				t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
			}
		}
	}
	edit(t, c.dir, func(c *datadir.Config) { c.SegmentMiB = 1 })
	shorten(t, c.dir)
	if err := os.CopyFS(m.data(0), os.DirFS(c.dir)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i := range 3 {
			m.kill(i)
		}
	})
	edit(t, m.data(0), func(c *datadir.Config) { c.URL = m.wires[0].url() })
	if err := m.start(0, "up"); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i := 1; i < 3; i++ {
		run1(t, "follow", m.wires[0].url(), "--data", m.data(i), "--once")
		edit(t, m.data(i), func(c *datadir.Config) { c.URL, c.SegmentMiB = m.wires[i].url(), 1 })
		keys = append(keys, m.key(i))
	}
	m.procs[0].stopQuietly()
	edit(t, m.data(0), func(c *datadir.Config) { c.Followers, c.Acks = keys, 1 })
	for i := range 3 {
		if err := m.begin(i); err != nil {
			t.Fatal(err)
		}
	}
	m.settled(30 * time.Second)
	return m
}

func (p *process) stopQuietly() {
	_ = p.Process.Signal(os.Interrupt)
	for p.Process.Signal(syscall.Signal(0)) == nil {
		time.Sleep(2 * time.Millisecond)
	}
}

func (m *nemesis) key(i int) string {
	content, err := os.ReadFile(filepath.Join(m.data(i), "keys", "follower.pub.note"))
	if err != nil {
		m.t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

// settled waits until the leader is ready, both others follow it, and all know where all are.
func (m *nemesis) settled(patience time.Duration) bool {
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Second)
		h, err := api.NewClient("http://"+m.address[m.leader], "").Health(ctx)
		cancel()
		if err != nil || !h.Ready || len(h.Followers) != 2 || !h.Followers[0].Connected || !h.Followers[1].Connected {
			continue
		}
		know := 0
		for i := range 3 {
			if c, err := datadir.ReadConfig(m.data(i)); err == nil && i != m.leader && len(c.Followers) == 2 && len(c.FollowerURLs) >= 2 {
				know++
			}
		}
		if know == 2 {
			return true
		}
	}
	return false
}

// brief is how long a fault lasts: mostly less than nodes wait for one another, sometimes more.
func (m *nemesis) brief() time.Duration {
	if m.random.IntN(6) == 0 {
		return 7 * time.Second
	}
	return time.Duration(50+m.random.IntN(1200)) * time.Millisecond
}

// strike does one thing to the nodes, and takes it back.
func (m *nemesis) strike() {
	i, wait := m.random.IntN(3), m.brief()
	switch what := m.random.IntN(9); what {
	case 0, 1:
		m.note("SIGKILL node %d, for %s", i, wait)
		m.kill(i)
		time.Sleep(wait)
		m.must(m.begin(i))
	case 2:
		m.note("SIGSTOP node %d, for %s", i, wait)
		_ = m.procs[i].Process.Signal(syscall.SIGSTOP)
		time.Sleep(wait)
		_ = m.procs[i].Process.Signal(syscall.SIGCONT)
	case 3:
		m.note("node %d is cut off, for %s", i, wait)
		m.wires[i].refuses.Store(true)
		m.wires[i].cut()
		time.Sleep(wait)
		m.wires[i].heal()
	case 4:
		way := m.random.IntN(2)
		m.note("what goes %s node %d stalls, for %s", []string{"to", "from"}[way], i, wait)
		m.wires[i].stalls[way].Store(true)
		time.Sleep(wait)
		m.wires[i].heal()
	case 5:
		m.fill(i, wait)
	case 6:
		step := time.Duration(m.random.IntN(60_000)-30_000) * time.Millisecond
		m.note("the clock of node %d steps by %s, for %s", i, step, wait)
		m.must(os.WriteFile(m.clocks[i]+".new", []byte(step.String()), 0o600))
		m.must(os.Rename(m.clocks[i]+".new", m.clocks[i]))
		time.Sleep(wait)
		m.must(os.WriteFile(m.clocks[i]+".new", []byte("0s"), 0o600))
		m.must(os.Rename(m.clocks[i]+".new", m.clocks[i]))
	case 7:
		m.oldCopy(wait)
	case 8:
		m.change()
	}
}

func (m *nemesis) must(err error) {
	if err != nil {
		m.t.Helper()
		m.t.Error(err)
	}
}

// fill takes the rest of a node's disk.
func (m *nemesis) fill(i int, wait time.Duration) {
	if m.disks[i] == "" {
		return
	}
	m.note("the disk of node %d is full, for %s", i, wait)
	others := filepath.Join(m.disks[i], "others")
	if os.WriteFile(others, nil, 0o600) == nil {
		for size := int64(1 << 18); size < 64<<20 && fallocated(others, size); size += 1 << 18 {
			continue
		}
	}
	time.Sleep(wait)
	m.must(os.Remove(others))
}

// oldCopy puts back a copy of the leader's directory: it may not answer before it has heard from both followers, and these tell
// that it has gone back. One of them is promoted.
func (m *nemesis) oldCopy(wait time.Duration) {
	i := m.leader
	m.note("an old copy of node %d is put back after %s", i, wait)
	m.kill(i)
	old := filepath.Join(m.dir, "old")
	m.must(os.RemoveAll(old))
	m.must(os.CopyFS(old, os.DirFS(m.data(i))))
	m.must(m.begin(i))
	time.Sleep(wait)
	m.kill(i)
	m.must(os.RemoveAll(m.data(i)))
	m.must(os.CopyFS(m.data(i), os.DirFS(old)))
	m.must(m.begin(i))
	time.Sleep(200 * time.Millisecond)
	m.change()
}

// change has another node lead: by a promotion, a switchover, or two of them at once.
func (m *nemesis) change() {
	one, two := (m.leader+1)%3, (m.leader+2)%3
	if m.random.IntN(2) == 0 {
		one, two = two, one
	}
	how := m.random.IntN(6)
	m.note("%s of node %d", []string{"promotion", "promotion after the leader's death", "switchover", "two promotions at once, one",
		"two switchovers at once, one", "a promotion beside a switchover, which is"}[how], one)
	if how == 1 {
		m.kill(m.leader)
	}
	m.kill(one)
	args := func(i int, verb string) []string {
		return []string{verb, "--data", m.data(i), "--log-key", m.logKey}
	}
	var led, serves [3]bool
	switch how {
	case 0, 1:
		led[one] = aqsha(args(one, "promote")...).Run() == nil
	case 2:
		serves[one] = true
		led[one] = m.start(one, "switchover", "--log-key", m.logKey) == nil
	default:
		m.kill(two)
		serves[one], serves[two] = how > 3, how == 4
		apart := time.Duration(m.random.IntN(400)) * time.Millisecond
		var group sync.WaitGroup
		for _, i := range []int{one, two} {
			group.Go(func() {
				if serves[i] {
					led[i] = m.start(i, "switchover", "--log-key", m.logKey) == nil
				} else {
					led[i] = aqsha(args(i, "promote")...).Run() == nil
				}
			})
			time.Sleep(apart)
		}
		group.Wait()
	}
	switch {
	case led[one] && led[two]:
		m.t.Error("two were promoted at once, and both lead")
	case led[one]:
		m.lead(one, two, serves[one])
	case led[two]:
		m.lead(two, one, serves[two])
	default:
		m.note("refused")
		for _, i := range []int{one, two, m.leader} {
			m.kill(i)
		}
		m.recover(one, two)
	}
}

// lead starts the new leader, brings the old one back as a follower, and has it counted again.
func (m *nemesis) lead(leader, other int, serves bool) {
	old := m.leader
	m.leader = leader
	m.epoch++
	if !serves {
		m.must(m.start(leader, "up"))
	}
	m.kill(other)
	edit(m.t, m.data(other), func(c *datadir.Config) { c.Leader = m.wires[leader].url() })
	m.must(m.start(other, "follow"))
	m.comeBack(old)
}

// comeBack makes a leader that was replaced a follower, and a member of the group.
func (m *nemesis) comeBack(i int) {
	m.kill(i)
	for range 20 {
		out, err := aqsha("restore", m.wires[m.leader].url(), "--data", m.data(i), "--accept-loss").CombinedOutput()
		if err == nil {
			break
		}
		m.t.Logf("restore of node %d from node %d, which is tried again: %s", i, m.leader, out)
		time.Sleep(500 * time.Millisecond)
	}
	edit(m.t, m.data(i), func(c *datadir.Config) { c.Listen, c.URL, c.SegmentMiB = m.address[i], m.wires[i].url(), 1 })
	if aside, err := filepath.Glob(m.data(i) + "/log.*"); err == nil {
		for _, path := range aside { // what was set aside fills the small disk
			_ = os.RemoveAll(path)
		}
	}
	m.must(m.start(i, "follow", m.wires[m.leader].url()))
	for range 100 {
		if _, err := os.Stat(filepath.Join(m.data(i), "keys", "follower.pub.note")); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	restarts := false
	edit(m.t, m.data(m.leader), func(c *datadir.Config) {
		restarts = c.Acks == 0 // its list of followers was an old copy's
		c.Acks = 1
		for j := range m.procs { // the other one too: the leader may be gone before this one heard that it was added
			if key := m.key(j); j != m.leader && !slices.Contains(c.Followers, key) {
				c.Followers = append(c.Followers, key)
			}
		}
	})
	if !restarts {
		_ = m.procs[m.leader].Process.Signal(syscall.SIGHUP)
		return
	}
	m.kill(m.leader)
	m.must(m.start(m.leader, "up"))
}

// wayOut is what a refusal tells to run, when it names a candidate that was given up.
var wayOut = regexp.MustCompile(`--instead-of ([0-9]+:[0-9a-f]+)`)

// recover promotes a follower that was refused while the other one serves, as the refusals say.
func (m *nemesis) recover(one, two int) {
	m.must(m.start(two, "follow"))
	// The other one may have been added a moment ago: then nobody knows yet where it can be asked.
	args := []string{"promote", "--data", m.data(one), "--log-key", m.logKey, "--ask", m.wires[two].url()}
	for range 3 {
		out, err := aqsha(args...).CombinedOutput()
		if err == nil {
			m.lead(one, two, false)
			return
		}
		m.note("refused: %s", strings.SplitN(string(out), "\n", 2)[0])
		if found := wayOut.FindStringSubmatch(string(out)); found != nil {
			args = append(args, "--instead-of", found[1])
		}
	}
	m.t.Error("nobody can be promoted")
}

// play is one client: he pays at whoever leads, and reads at every node.
func (m *nemesis) play(ctx context.Context, number int, operations int, random *rand.Rand, client func(url string) (*wallet.Client, error)) (history []porcupine.Operation, ids []token.TransactionID) {
	urls := make([]string, 3)
	for i := range urls {
		urls[i] = "http://" + m.address[i]
	}
	now := func() int64 { return time.Since(m.begun).Nanoseconds() }
	payer, err := client(strings.Join(urls, ","))
	for err != nil && ctx.Err() == nil {
		payer, err = client(strings.Join(urls, ","))
	}
	for n := 0; n < operations && ctx.Err() == nil; n++ {
		o := operation{from: random.IntN(accounts)}
		p := porcupine.Operation{ClientId: number, Input: o, Call: now()}
		if random.IntN(2) == 0 { // a read, at the leader: it says what is answered now
			asking, cancel := context.WithTimeout(ctx, 3*time.Second)
			view, err := payer.API.Wallet(asking, m.ids[o.from])
			cancel()
			if p.Output, p.Return = (fate{balance: view.Balance}), now(); err == nil {
				history = append(history, p)
			}
			continue
		}
		o.to = (o.from + 1 + random.IntN(accounts-1)) % accounts
		o.amount = money.Tiyn(1 + number + 8*n)
		asking, cancel := context.WithTimeout(ctx, 5*time.Second)
		tx, err := payer.Prepare(asking, m.ids[o.from], m.ids[o.to], o.amount, token.Memo{})
		cancel()
		if err != nil {
			continue
		}
		p.Input, p.Call, p.Output = o, now(), fate{}
		asking, cancel = context.WithTimeout(ctx, 10*time.Second)
		_, err = payer.API.Submit(asking, tx)
		cancel()
		p.Return = now()
		var problem interface{ GetStatus() int }
		switch {
		case err == nil:
			ids = append(ids, tx.ID())
		case asProblem(err, &problem) && problem.GetStatus() < 500 && problem.GetStatus() != 429 && problem.GetStatus() != 421:
			p.Output = fate{refused: true}
		default:
			p.Output, p.Return = fate{unknown: true}, int64(1)<<62
		}
		history = append(history, p)
	}
	return history, ids
}

// shownRoots is what was seen at nodes: how many entries, under which root.
type shownRoots struct{ roots map[uint64]string }

// watch reads at every node what it shows: of each size one root, whoever shows it, and no node shows less than it has shown,
// unless it was made anew.
func (m *nemesis) watch(ctx context.Context, saw *shownRoots) {
	for ctx.Err() == nil {
		for i := range 3 {
			asking, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
			info, err := api.NewClient("http://"+m.address[i], "").Network(asking)
			cancel()
			if err != nil {
				continue
			}
			m.reads[i].Add(1)
			root := info.Head.Root.String()
			if before, known := saw.roots[info.Head.Size]; known && before != root {
				m.t.Errorf("node %d shows %s at %d entries, and %s was shown before", i, root, info.Head.Size, before)
			}
			saw.roots[info.Head.Size] = root
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func asProblem(err error, to *interface{ GetStatus() int }) bool {
	problem, is := err.(interface{ GetStatus() int })
	if is {
		*to = problem
	}
	return is
}

// end heals everything, and looks for all that was answered and shown at the leader in the end.
func (m *nemesis) end(ids []token.TransactionID, saw *shownRoots) (lost int) {
	for i := range 3 {
		m.wires[i].heal()
	}
	if !m.settled(90 * time.Second) {
		for i := range 3 {
			said, _ := os.ReadFile(m.logs[i])
			m.t.Logf("node %d:\n%s", i, said[max(0, len(said)-3000):])
		}
		m.t.Error("the nodes never came together again")
		return 0
	}
	number := api.NewClient("http://"+m.address[m.leader], "")
	for _, id := range ids {
		if _, err := number.Transaction(m.t.Context(), id); err != nil {
			m.t.Errorf("a payment that was answered: %v", err)
			lost++
		}
	}
	m.holds(number, saw)
	m.procs[m.leader].stopQuietly()
	keyring := aqsha("verify", "--data", m.data(m.leader))
	if out, err := keyring.CombinedOutput(); err != nil {
		m.t.Errorf("verify: %v\n%s", err, out)
	}
	return lost
}

// holds checks that whatever any node showed is in the ledger in the end.
func (m *nemesis) holds(number *api.Client, saw *shownRoots) {
	ends := map[uint64]string{}
	for before := uint64(0); ; {
		blocks, err := number.Blocks(m.t.Context(), before, 100)
		if err != nil {
			m.t.Error(err)
			return
		}
		for _, b := range blocks {
			ends[b.Size] = b.Root
			before = b.Height
		}
		if before == 0 || len(blocks) == 0 {
			break
		}
	}
	for size, root := range saw.roots {
		if ends[size] != root {
			m.t.Errorf("%s was shown at %d entries, and in the end %q stands there", root, size, ends[size])
		}
	}
	if len(saw.roots) < 10 {
		m.t.Errorf("%d heads were seen: too few to show anything", len(saw.roots))
	}
}

func (m *nemesis) client(url string) (*wallet.Client, error) {
	keyring, err := wallet.OpenKeyring(m.keyring, "", nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Second)
	defer cancel()
	return wallet.NewClient(ctx, api.NewClient(url, ""), keyring)
}

func (m *nemesis) run(seed uint64, strikes int) {
	const clients = 4
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	var playing, watching sync.WaitGroup
	histories, ids := make([][]porcupine.Operation, clients), make([][]token.TransactionID, clients)
	for number := range clients {
		playing.Go(func() {
			histories[number], ids[number] = m.play(ctx, number, 1<<20, rand.New(rand.NewPCG(seed, uint64(number+1))), m.client)
		})
	}
	saw := &shownRoots{map[uint64]string{}}
	watching.Go(func() { m.watch(ctx, saw) })
	time.Sleep(300 * time.Millisecond)
	for range strikes {
		m.strike()
		time.Sleep(time.Duration(m.random.IntN(600)) * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond)
	cancel()
	playing.Wait()
	watching.Wait()
	var history []porcupine.Operation
	var answered []token.TransactionID
	for number := range clients {
		history, answered = append(history, histories[number]...), append(answered, ids[number]...)
	}
	lost := m.end(answered, saw)
	if result := linearizable(history); result == porcupine.Illegal {
		m.t.Error("no order of the operations explains what the clients were told")
	} else if result == porcupine.Unknown {
		m.t.Log("porcupine did not end in time")
	}
	m.t.Logf("seed %d: %d operations, %d answered payments, reads %d, %d, %d, %d faults, lost %d\n%s", seed, len(history), len(answered),
		m.reads[0].Load(), m.reads[1].Load(), m.reads[2].Load(), len(m.faults), lost, strings.Join(m.faults, "\n"))
	if len(answered) == 0 {
		m.t.Error("no payment was answered: this shows nothing")
	}
}

// NEMESIS_SEEDS is how many runs, NEMESIS_FROM the first, NEMESIS_SEED the one to replay.
func TestNemesis(t *testing.T) {
	seeds, first := 5, uint64(1)
	if testing.Short() {
		t.Skip("-short: it runs real processes for minutes; make test runs five seeds")
	}
	if text := os.Getenv("NEMESIS_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		seeds = n
	}
	for name, many := range map[string]int{"NEMESIS_FROM": seeds, "NEMESIS_SEED": 1} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			first, seeds = n, many
		}
	}
	// They mostly wait: for one another, and for what the nemesis takes back.
	var running sync.WaitGroup
	next := atomic.Uint64{}
	next.Store(first)
	for range min(seeds, nemesesAtOnce) {
		running.Go(func() {
			for seed := next.Add(1) - 1; seed < first+uint64(seeds); seed = next.Add(1) - 1 {
				t.Run(fmt.Sprint(seed), func(t *testing.T) { newNemesis(t, seed).run(seed, 5) })
			}
		})
	}
	running.Wait()
}

// nemesesAtOnce is how many seeds run side by side.
const nemesesAtOnce = 5
