package serve

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/handover"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// successor is another process's server that takes over what a hall has left: its own registry, guard and loop.
func (h *hall) successor() (next *hall, left *handover.Handover) {
	h.t.Helper()
	h.loop.loop.freeze()
	left = h.server.NewHandover()
	h.server.Export(left)
	next = newHall(h.t, func(c *settings.Config) { *c = h.server.config })
	next.now, next.jobs = h.now, h.jobs
	return next, left
}

// Devices notice nothing of a successor: half a line goes on, shares of old jobs count at the difficulty that they were
// announced with, version bits and names stay, and what was not read yet is sent.
func TestASuccessorGoesOnInTheMidst(t *testing.T) {
	h := newHall(t, func(c *settings.Config) { c.VersionMask = settings.MaskBIP320 })
	old := h.offer(1, hard)
	plain, proxy, begun, unknown := h.plugIn(), h.plugIn(), h.plugIn(), h.plugIn()
	plain.send(`{"id":5,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"00006000"}]}`+"\n", greeting(alice+".a"))
	proxy.send(greeting(alice+".p"), greeting(bob+".q"))
	line := `{"id":1,"method":"mining.subscribe","params":["begun/1"]}` + "\n"
	begun.send(line[:20])
	plain.send(`{"id":6,"method":"mining.suggest_difficulty","params":[1e-8]}` + "\n")
	for _, p := range []*plug{plain, proxy} {
		p.got()
	}
	h.loop.loop.send(plain.c, []byte(strings.Repeat("x", 300<<10)+"\n")) // more than the socket takes
	shares := []string{submission(alice+".a", plain.share(old, 1)), submission(bob+".q", proxy.share(old, 2)), submission(alice+".p", proxy.share(old, 3))}
	difficulty, mask, unsent := plain.c.announced().difficulty, plain.c.mask, len(plain.c.unsent)

	next, left := h.successor()
	left.State.Exempt = append(left.State.Exempt, h.server.guard.Exempted()...)
	if left.Connections() != 4 || unsent == 0 {
		t.Fatalf("%d connections are left, %d bytes unsent", left.Connections(), unsent)
	}
	if err := next.server.Adopt(left); err != nil {
		t.Fatal(err)
	}
	l := next.loop.loop
	if len(l.conns) != 4 || l.current == nil || next.server.CurrentJob().Template.Previous != (bitcoin.Hash{1}) {
		t.Fatalf("%d connections, current job %v", len(l.conns), l.current)
	}
	over := map[*plug]*plug{}
	for i, p := range []*plug{plain, proxy, begun, unknown} { // dealt out in their order
		over[p] = &plug{&rig{&VirtualConn{next.loop, l.conns[i]}, next}, p.fd}
	}
	a := over[plain]
	if a.c.announced().difficulty != difficulty || a.c.mask != mask || mask == 0 || a.c.worker.FullName() != alice+".a" || !a.c.wants {
		t.Errorf("difficulty %s, mask %08x, %+v", a.c.announced().difficulty, a.c.mask, a.c.worker)
	}
	for len(a.c.unsent) > 0 {
		a.got()
		l.flush(a.c)
	}
	a.got()
	a.send(shares[0])
	over[proxy].send(shares[1] + shares[2])
	for p, want := range map[*plug]int{a: 1, over[proxy]: 2} {
		if text, closed := p.got(); closed || strings.Count(text, `"result":true`) != want {
			t.Errorf("closed %v, %s", closed, text)
		}
	}
	if n := len(next.credited()); n != 3 {
		t.Errorf("%d shares count at the successor", n)
	}
	b := over[begun]
	b.send(line[20:])
	if text, closed := b.got(); closed || !strings.Contains(text, `"id":1,`) {
		t.Errorf("half a line: closed %v, %s", closed, text)
	}
	if got := next.server.guard.Counts(next.now).Connections; got != 4 {
		t.Errorf("%d connections are counted", got)
	}
	job := next.offer(1, hard)
	if text, _ := a.got(); !strings.Contains(text, "mining.notify") {
		t.Errorf("no new job: %s", text)
	}
	a.send(submission(alice+".a", a.share(job, 9)))
	if n := len(next.credited()); n != 4 {
		t.Errorf("%d shares count", n)
	}
	left.Close()
}

// What a predecessor leaves and a successor cannot understand ends with an error, or costs the one connection that it is
// of: never the process, and no socket is kept open for nobody.
func TestAStateThatCannotBeTakenOver(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*handover.State)
		fails bool
		left  int // connections
	}{
		"as it is":              {func(*handover.State) {}, false, 2},
		"a job of no coinbase":  {func(s *handover.State) { s.Jobs[0].Record.Variants = nil }, true, 0},
		"no such transaction":   {func(s *handover.State) { s.Jobs[0].Transactions = []int{7} }, true, 0},
		"a negative one":        {func(s *handover.State) { s.Jobs[0].Transactions = []int{-1} }, true, 0},
		"a current job of none": {func(s *handover.State) { s.Current = 9 }, false, 2},
		"a solo job of none":    {func(s *handover.State) { s.Loops[0].Solo = []handover.Coinbase{{Job: 9}} }, false, 2},
		"a negative solo job":   {func(s *handover.State) { s.Loops[0].Solo = []handover.Coinbase{{Job: -1}} }, false, 2},
		"a name that is none":   {func(s *handover.State) { s.Loops[0].Conns[0].Worker.Name = "nobody" }, false, 1},
		"a socket twice":        {func(s *handover.State) { s.Loops[0].Conns[1].File = s.Loops[0].Conns[0].File }, false, 1},
		"no socket":             {func(s *handover.State) { s.Loops[0].Conns[1].File = -1 }, false, 1},
		"one of several names": {func(s *handover.State) {
			w := s.Loops[0].Conns[0].Worker
			s.Loops[0].Conns[0].Worker, s.Loops[0].Conns[0].Workers = nil, map[string]handover.Worker{"x": {Name: "nobody"}, w.Name: *w}
		}, false, 1},
	} {
		h := newHall(t, nil)
		h.offer(1, hard)
		one, two := h.plugIn(), h.plugIn()
		one.send(greeting(alice))
		two.send(greeting(bob))
		next, left := h.successor()
		c.spoil(&left.State)
		err := next.server.Adopt(left)
		if (err != nil) != c.fails {
			t.Errorf("%s: %v", name, err)
		}
		left.Close()
		if err != nil {
			continue
		}
		if got := len(next.loop.loop.conns); got != c.left || next.server.guard.Counts(next.now).Connections != c.left {
			t.Errorf("%s: %d connections, %d are counted", name, got, next.server.guard.Counts(next.now).Connections)
		}
		for _, conn := range next.loop.loop.conns { // each works on
			p := &rig{&VirtualConn{next.loop, conn}, next}
			if p.c.worker == nil {
				t.Errorf("%s: a connection of nobody", name)
			}
		}
	}
}

// running has a server's loop run, as in a pool, with devices connected; end waits for it.
func running(t *testing.T, devices ...string) (h *hall, plugs map[string]*plug, end func()) {
	t.Helper()
	h = newHall(t, nil)
	h.now = time.Now()
	h.offer(1, hard)
	plugs = map[string]*plug{}
	for _, user := range devices {
		p := h.plugIn()
		p.send(greeting(user))
		p.got()
		plugs[user] = p
	}
	ctx, cancel := context.WithCancel(t.Context())
	h.server.Begin()
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		for ctx.Err() == nil {
			_ = h.server.writer.Commit()
			time.Sleep(time.Millisecond)
		}
	}()
	end = func() {
		h.server.Dismiss()
		if err := h.server.AwaitLoops(nil); err != nil {
			t.Error(err)
		}
		cancel()
		<-committed
	}
	return h, plugs, end
}

// awaits reads what a device is sent until it holds a text, or its connection is closed.
func (p *plug) awaits(text string) bool {
	heard := ""
	for {
		more, closed := p.got()
		heard += more
		if closed || text != "" && strings.Contains(heard, text) {
			return text != "" && strings.Contains(heard, text)
		}
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, 10_000)
	}
}

// What an operator does is done to the connections that he names and to no other: by address, by account, by worker in
// any spelling; whom he bans does not come back, and nobody is not everybody.
func TestWhatAnOperatorDoes(t *testing.T) {
	h, plugs, end := running(t, alice+".a", alice+".b", bob)
	defer end()
	ctx := t.Context()
	list, all, err := h.server.Sessions(ctx, Selector{}, 2)
	if err != nil || all != 3 || len(list) != 2 {
		t.Fatalf("%d of %d, %v", len(list), all, err)
	}
	for selector, want := range map[Selector]int{{}: 3, {Worker: alice}: 2, {Worker: strings.ToUpper(alice) + "_b"}: 1, {Worker: bob + ".x"}: 0,
		{Address: "192.0.2.3"}: 1, {Address: "192.0.2.3", Worker: alice}: 0, {Address: "10.0.0.1"}: 0} {
		n, err := h.server.Message(ctx, selector, "hello")
		if n != want || errors.Is(err, ErrNobody) != (want == 0) {
			t.Errorf("%+v: %d, %v, want %d", selector, n, err, want)
		}
	}
	for text, ok := range map[string]bool{"": false, strings.Repeat("x", MaxMessage): true, strings.Repeat("x", MaxMessage+1): false, "a\"\n\u2028b": true} {
		if _, err := h.server.Message(ctx, Selector{Worker: bob}, text); (err == nil) != ok {
			t.Errorf("a message of %d bytes: %v", len(text), err)
		}
	}
	for _, wrong := range []struct {
		host string
		port int
	}{{"", 3333}, {"other.example", 0}, {"other.example", 65536}, {"other.example", -1}} {
		if n, err := h.server.Reconnect(ctx, Selector{}, wrong.host, wrong.port); err == nil || n != 0 {
			t.Errorf("%+v: %d are sent there", wrong, n)
		}
	}
	if n, err := h.server.Reconnect(ctx, Selector{Worker: bob}, "other.example", 3333); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if !plugs[bob].awaits(`"client.reconnect","params":["other.example",3333,0]`) {
		t.Error("the device is not asked")
	}
	if n, err := h.server.Kick(ctx, Selector{Worker: alice + ".a"}); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	plugs[alice+".a"].awaits("") // closed
	ip := plugs[alice+".b"].c.ip
	if n, err := h.server.Ban(ctx, ip); n != 1 || err != nil || len(h.server.Bans()) != 1 {
		t.Errorf("%d, %v, bans %v", n, err, h.server.Bans())
	}
	plugs[alice+".b"].awaits("")
	if h.server.guard.Admit(ip, time.Now()) {
		t.Error("a banned address is let in")
	}
	if !h.server.Unban(ip) || h.server.Unban(ip) || !h.server.guard.Admit(ip, time.Now()) {
		t.Error("it is not let in again, or twice")
	}
	h.server.guard.Leave(ip)
	if _, all, err := h.server.Sessions(ctx, Selector{}, 10); all != 1 || err != nil {
		t.Errorf("%d are left, %v", all, err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if left, err := h.server.Drain(over); left != 1 || err == nil && !h.server.IsDraining() {
		t.Errorf("%d are left to drain, %v", left, err)
	}
	if h.server.Undrain(); h.server.IsDraining() {
		t.Error("nobody is let in again")
	}
}

// When work stops, what devices have found before is taken, all are closed and nothing is handed out; with the next job
// it goes on. A halt twice is one.
func TestWorkThatStops(t *testing.T) {
	h, plugs, end := running(t, alice, bob)
	defer end()
	job := h.server.CurrentJob().Handouts[0]
	share := make(chan string, 1)
	p := plugs[alice]
	h.server.loops[0].post(func() { share <- submission(alice, p.share(job, 1)) })
	if _, err := unix.Write(p.fd, []byte(<-share)); err != nil {
		t.Fatal(err)
	}
	h.server.Halt("a node is frozen")
	h.server.Halt("again")
	p.awaits("")
	plugs[bob].awaits("")
	if !h.server.IsHalted() {
		t.Error("it is not said")
	}
	h.server.Broadcast(h.server.CurrentJob())
	if h.server.IsHalted() {
		t.Error("work does not go on")
	}
	for n := uint64(0); n == 0; n, _ = h.server.Shares() { // the share that was under way
		if _, _, err := h.server.Sessions(t.Context(), Selector{}, 1); err != nil {
			t.Fatal(err)
		}
	}
	left := h.server.NewHandover()
	h.server.loops[0].post(func() { share <- "" })
	<-share
	if left.Connections() != 0 {
		t.Errorf("%d connections", left.Connections())
	}
}

// Extranonces are nobody's twice: through leases, at whose end connections are refused rather than given another's, and
// what is left is given back.
func TestExtranoncesAreNobodysTwice(t *testing.T) {
	h := newHall(t, func(c *settings.Config) { c.Node = 7 })
	seen := map[[5]byte]bool{}
	refused := 0
	for i := range firstLease + 50 {
		number, err := h.server.nextExtranonce()
		switch {
		case err != nil:
			refused++
			if err := h.server.writer.Commit(); err != nil { // the next lease
				t.Fatal(err)
			}
		case seen[number] || number[0] != 7:
			t.Fatalf("number %d is %x again, or another node's", i, number)
		default:
			seen[number] = true
		}
	}
	if refused == 0 || refused > 2 || len(seen) != firstLease+50-refused {
		t.Errorf("%d given, %d refused while no lease was durable", len(seen), refused)
	}
	h.server.GiveBack()
	if err := h.server.writer.Commit(); err != nil {
		t.Fatal(err)
	}
	var leases []sharelog.Lease
	for i := range h.log.Size() {
		entry, err := h.log.Entry(i)
		if err != nil {
			t.Fatal(err)
		}
		if record, err := sharelog.Decode(entry); err != nil {
			t.Fatal(err)
		} else if l, is := record.(*sharelog.Lease); is {
			leases = append(leases, *l)
		}
	}
	last := leases[len(leases)-1]
	for i, l := range leases[:len(leases)-1] { // each begins where the one before ends, and is twice as large
		if l.Count != firstLease<<i || i > 0 && l.First != leases[i-1].First+leases[i-1].Count {
			t.Errorf("lease %d of %+v", i, leases)
		}
	}
	if last.Count != 0 || last.First != firstLease+50 {
		t.Errorf("%+v is given back of %d", last, firstLease+50)
	}
}
