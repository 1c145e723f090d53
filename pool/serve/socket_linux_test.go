package serve

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aqsha/aqsha/pool/sharelog"
)

// plug is a device at the end of a socket.
type plug struct {
	*rig
	fd int
}

// plugIn connects a device by a socket, which the test drives.
func (h *hall) plugIn() *plug {
	h.t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = unix.Close(pair[0]) })
	h.from++
	ip := netip.AddrFrom4([4]byte{192, 0, 2, h.from})
	if !h.server.guard.Admit(ip, h.now) {
		h.t.Fatal("not let in")
	}
	l, port := h.loop.loop, h.server.config.Port()
	l.now = h.now
	l.adopt(pair[1], ip, &port, false)
	return &plug{&rig{&VirtualConn{h.loop, l.conns[len(l.conns)-1]}, h}, pair[0]}
}

// send writes text as it is, in pieces that the loop reads one by one.
func (p *plug) send(pieces ...string) {
	p.h.t.Helper()
	for _, text := range pieces {
		if _, err := unix.Write(p.fd, []byte(text)); err != nil && !errors.Is(err, unix.EPIPE) {
			p.h.t.Fatal(err)
		}
		p.read()
	}
}

// read has the loop take what has come, and answers what is durable.
func (p *plug) read() {
	p.h.t.Helper()
	p.h.loop.loop.now = p.h.now
	if !p.c.gone {
		p.h.loop.loop.read(p.c)
	}
	if err := p.h.loop.Commit(); err != nil {
		p.h.t.Fatal(err)
	}
}

// got is what the device has been sent since; closed: there will be no more.
func (p *plug) got() (text string, closed bool) {
	p.h.t.Helper()
	buffer := make([]byte, 1<<20)
	for {
		n, err := unix.Read(p.fd, buffer)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return text, false
		case err != nil || n == 0:
			return text, true
		}
		text += string(buffer[:n])
	}
}

// greeting subscribes and authorizes, as text.
func greeting(user string) string {
	return `{"id":1,"method":"mining.subscribe","params":["test/1"]}` + "\n" +
		fmt.Sprintf(`{"id":2,"method":"mining.authorize","params":[%q,"x"]}`+"\n", user)
}

// submission is a share as a line.
func submission(user, params string) string {
	return fmt.Sprintf(`{"id":9,"method":"mining.submit","params":[%q,%s]}`+"\n", user, params)
}

// workers are the records of workers in the log.
func (h *hall) workers() (records []*sharelog.Worker) {
	h.t.Helper()
	for i := range h.log.Size() {
		entry, err := h.log.Entry(i)
		if err != nil {
			h.t.Fatal(err)
		}
		if record, err := sharelog.Decode(entry); err != nil {
			h.t.Fatal(err)
		} else if w, is := record.(*sharelog.Worker); is {
			records = append(records, w)
		}
	}
	return records
}

// Lines come in whatever pieces the network makes of them, several at once, with either line end: each is answered once.
func TestLinesInPieces(t *testing.T) {
	h := newHall(t, nil)
	job := h.offer(1, hard)
	whole := h.plugIn()
	whole.send(greeting(alice))
	text := greeting(bob) + submission(bob, whole.share(job, 1))
	for name, cut := range map[string]func(string) []string{
		"bytes":   func(s string) []string { return strings.Split(s, "") },
		"at once": func(s string) []string { return []string{s} },
		"windows": func(s string) []string { return strings.SplitAfter(strings.ReplaceAll(s, "\n", "\r\n"), "\r") },
		"halves":  func(s string) []string { return []string{s[:len(s)/2], s[len(s)/2:]} },
	} {
		p := h.plugIn()
		p.send(cut(text)...)
		heard, closed := p.got()
		if closed || strings.Count(heard, `"id":1,`) != 1 || strings.Count(heard, `"id":2,`) != 1 || strings.Count(heard, `"id":9,`) != 1 {
			t.Errorf("%s: closed %v\n%s", name, closed, heard)
		}
		if len(p.c.partial) > 0 {
			t.Errorf("%s: %q is kept", name, p.c.partial)
		}
	}
}

// A line without an end, one too long, one begun and not ended in its time, a login that does not come and silence are
// closed; their neighbours are not.
func TestConnectionsThatAreNotWorthTheirPlace(t *testing.T) {
	h := newHall(t, nil)
	h.offer(1, hard)
	endless, long := h.plugIn(), h.plugIn()
	for range 2 {
		endless.send(strings.Repeat("x", MaxLine/2))
	}
	if _, closed := endless.got(); closed {
		t.Error("closed at the longest line that may be")
	}
	endless.send("xx")
	long.send(greeting(alice), strings.Repeat(" ", 3*MaxLine)+"\n")
	half, silent, dumb, good := h.plugIn(), h.plugIn(), h.plugIn(), h.plugIn()
	half.send(greeting(alice), `{"id":3,`)
	silent.send(greeting(alice))
	good.send(greeting(alice))
	h.now = h.now.Add(h.server.timeouts.Handshake + time.Second)
	good.send(`{"id":3,"method":"mining.ping","params":[]}` + "\n")
	tick := func() {
		h.loop.loop.now = h.now
		h.loop.loop.tick()
	}
	tick()
	for name, p := range map[string]*plug{"endless": endless, "half": half, "dumb": dumb} {
		if _, closed := p.got(); !closed || !p.c.gone {
			t.Errorf("the %s one stays", name)
		}
	}
	if _, closed := silent.got(); closed {
		t.Error("who waits for a job is closed")
	}
	h.now = h.now.Add(h.server.timeouts.Idle - h.server.timeouts.Handshake)
	tick()
	if _, closed := silent.got(); !closed {
		t.Error("silence for half an hour stays")
	}
	if _, closed := good.got(); closed {
		t.Error("who has spoken meanwhile is closed")
	}
	if counts := h.server.guard.Counts(h.now); counts.Connections != len(h.loop.loop.conns) {
		t.Errorf("%d connections, %d are counted", len(h.loop.loop.conns), counts.Connections)
	}
}

// A device that does not read what it is sent is closed once too much waits for it; one that reads late gets all of it.
func TestDevicesThatDoNotRead(t *testing.T) {
	h := newHall(t, nil)
	h.offer(1, hard)
	deaf, late := h.plugIn(), h.plugIn()
	deaf.send(greeting(alice))
	late.send(greeting(bob))
	first, _ := late.got()
	const jobs = 250
	for range jobs {
		h.offer(1, hard)
	}
	for i := 0; !deaf.c.gone && i < 20_000; i++ {
		h.loop.loop.send(deaf.c, []byte(strings.Repeat("x", 1000)+"\n"))
	}
	if !deaf.c.gone {
		t.Error("what waits for one that does not read grows without an end")
	}
	heard := first
	for range 10_000 {
		text, _ := late.got()
		heard += text
		if len(late.c.unsent) == 0 {
			break
		}
		h.loop.loop.flush(late.c)
	}
	text, closed := late.got()
	if heard += text; closed || strings.Count(heard, `"method":"mining.notify"`) != jobs+1 {
		t.Errorf("closed %v, %d of %d jobs", closed, strings.Count(heard, `"method":"mining.notify"`), jobs)
	}
}

// What a device has found counts though a line before it closes its connection. Its name is the same user's ever after:
// one address under two numbers would convict the pool by its own log.
func TestAShareBehindALineThatClosesItsConnection(t *testing.T) {
	for _, first := range []string{"", bob} { // alone, or beside another of the same connection
		for _, user := range []string{alice, alice + ".rig"} {
			h := newHall(t, nil)
			name := "first " + first
			job := h.offer(1, hard)
			p := h.plugIn()
			if first != "" {
				p.send(greeting(first))
			}
			p.send(greeting(user))
			p.send("rubbish\n" + submission(user, p.share(job, 1)) + submission(user, p.share(job, 2)))
			if _, closed := p.got(); !closed || len(h.credited()) != 2 {
				t.Fatalf("%s: closed %v, %d shares count", name, closed, len(h.credited()))
			}
			other := h.connect().login(bob)
			wants(t, "another's", other.submit(bob, other.share(job, 3)), 0, "")
			for i := range uint64(2) {
				again := h.connect().login(user)
				wants(t, "again", again.submit(user, again.share(job, 4+i)), 0, "")
			}
			users, names, workers := map[string]uint64{}, map[string]uint64{}, map[uint64]string{}
			for _, w := range h.workers() {
				if had, known := users[w.Address]; known && had != w.User {
					t.Errorf("%s, %s: %s is user %d and %d", name, user, w.Address, had, w.User)
				}
				if had, known := names[w.Address+"."+w.Name]; known && had != w.Number {
					t.Errorf("%s, %s: %s.%s is worker %d and %d", name, user, w.Address, w.Name, had, w.Number)
				}
				users[w.Address], names[w.Address+"."+w.Name], workers[w.Number] = w.User, w.Number, w.Address
			}
			byAddress := map[string]int{}
			for _, s := range h.credited() {
				byAddress[workers[s.Worker]]++
			}
			if byAddress[alice] != 4 || byAddress[bob] != 1 || len(users) != 2 {
				t.Errorf("%s, %s: shares %v of users %v", name, user, byAddress, users)
			}
		}
	}
}

// Devices that close, half close or send to a closed socket end their own connection alone, at whatever moment.
func TestDevicesThatGoAway(t *testing.T) {
	h := newHall(t, nil)
	job := h.offer(1, hard)
	gone, half, stays := h.plugIn(), h.plugIn(), h.plugIn()
	for _, p := range []*plug{gone, half, stays} {
		p.send(greeting(alice))
	}
	share := gone.share(job, 1)
	if _, err := unix.Write(gone.fd, []byte(submission(alice, share))); err != nil {
		t.Fatal(err)
	}
	_ = unix.Shutdown(gone.fd, unix.SHUT_RDWR)
	gone.read() // the share is there still
	gone.read()
	if err := unix.Shutdown(half.fd, unix.SHUT_RD); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		h.offer(2, hard)
		half.read()
	}
	if !gone.c.gone || len(h.credited()) != 1 {
		t.Errorf("closed %v, %d shares count", gone.c.gone, len(h.credited()))
	}
	stays.got()
	stays.send(submission(alice, stays.share(job, 7)))
	if text, closed := stays.got(); closed || !strings.Contains(text, `"id":9`) {
		t.Errorf("a neighbour hears %q, closed %v", text, closed)
	}
	h.loop.loop.close(gone.c) // once more: nothing
	if want := len(h.loop.loop.conns); h.server.guard.Counts(h.now).Connections != want {
		t.Errorf("%d connections are counted, %d are there", h.server.guard.Counts(h.now).Connections, want)
	}
}
