package serve

import (
	"bytes"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// loop serves a part of the connections on one goroutine, with epoll of its own: a goroutine and
// two buffers for each connection would cost ten times the memory, and its wake-ups more than
// checking a share.
type loop struct {
	server *Server
	epoll  *os.File // itself polled by the runtime, so that an idle loop holds no thread
	raw    syscall.RawConn
	bell   int // eventfd: something is in the mailbox

	// What others hand to the loop. They hold mu for an append, and ring; the loop takes the whole of it and runs it
	// without.
	mu   sync.Mutex
	mail []func()
	done []*batch // durable, or failed: their miners are to be answered

	// Owned by the loop's goroutine: no lock, and nobody else may read it. A share is answered after its batch is
	// durable and not before, so what a crash loses was acknowledged to no miner.
	byFD     []*conn // by file descriptor; nil where none of ours
	conns    []*conn
	current  *job.Job                   // the newest; older ones are reached through handouts
	handouts map[job.Key]*job.Handout   // of the tip and of those that were it a moment ago
	died     map[bitcoin.Hash]time.Time // when those were followed by another
	solo     map[uint64]*job.Handout    // of the current job, by user
	now      time.Time
	// Buffers of the message in hand, reused: what is kept beyond it is copied.
	in      []byte
	reply   []byte
	message stratum.Message
	share   sharelog.Share
	scratch []byte

	batch    *batch // shares that were checked and not handed over yet
	inFlight bool   // a batch is with the committer; the next waits until it is done, so answers keep their order
	spare    *batch // the one before, emptied
	closing  bool
	frozen   bool // ends with its connections open, for a successor
}

const readBuffer = 64 << 10

// batch is shares of one loop on their way into the log, and whom to answer afterwards. acks[i].idEnd is where the i-th
// id ends in ids, the one before where it begins: no id is an allocation.
type batch struct {
	commit.Batch
	acks []ack
	ids  []byte // JSON ids of the requests, one after another
}

type ack struct {
	conn  *conn
	idEnd int
}

func newBatch(l *loop) *batch {
	b := &batch{}
	b.Done = func() { l.finished(b) }
	return b
}

func (b *batch) reset() {
	b.Batch.Reset()
	b.acks, b.ids = b.acks[:0], b.ids[:0]
}

// newLoop makes a loop with its epoll and its bell; nothing runs yet.
func newLoop(server *Server) (*loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	l := &loop{server: server, epoll: os.NewFile(uintptr(fd), "epoll"), in: make([]byte, MaxLine+readBuffer),
		solo: map[uint64]*job.Handout{}, handouts: map[job.Key]*job.Handout{}, died: map[bitcoin.Hash]time.Time{},
		now: time.Now()}
	if l.raw, err = l.epoll.SyscallConn(); err != nil {
		return nil, err
	}
	if l.bell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	l.batch, l.spare = newBatch(l), newBatch(l)
	return l, l.control(unix.EPOLL_CTL_ADD, l.bell, unix.EPOLLIN)
}

// control changes what epoll watches. Levels, not edges: what is not read now is reported again.
func (l *loop) control(operation, fd int, events uint32) error {
	var err error
	controlErr := l.raw.Control(func(epoll uintptr) {
		err = unix.EpollCtl(int(epoll), operation, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
	})
	if controlErr != nil {
		return controlErr
	}
	return os.NewSyscallError("epoll_ctl", err)
}

// post runs f on the loop's goroutine. It may be called by any goroutine and never waits for the loop; f must not wait
// either.
func (l *loop) post(f func()) {
	l.mu.Lock()
	l.mail = append(l.mail, f)
	l.mu.Unlock()
	l.ring()
}

// finished gives a batch back that is durable.
func (l *loop) finished(b *batch) {
	l.mu.Lock()
	l.done = append(l.done, b)
	l.mu.Unlock()
	l.ring()
}

func (l *loop) ring() {
	_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// run serves until the loop is told to close. The runtime's poller watches the epoll: while nothing comes the goroutine
// is parked, and EpollWait is never asked to wait.
func (l *loop) run() {
	events := make([]unix.EpollEvent, 512)
	for !l.closing && !(l.frozen && !l.inFlight && len(l.batch.Ends) == 0) {
		n := 0
		err := l.raw.Read(func(epoll uintptr) bool {
			var err error
			n, err = unix.EpollWait(int(epoll), events, 0)
			return n > 0 || err != nil && err != unix.EINTR
		})
		if err != nil {
			break
		}
		l.now = time.Now()
		for _, event := range events[:max(n, 0)] {
			l.event(int(event.Fd), event.Events)
		}
		l.handOver()
	}
	for len(l.conns) > 0 && !l.frozen {
		l.close(l.conns[0])
	}
	_ = unix.Close(l.bell)
	_ = l.epoll.Close()
}

// event does what one descriptor is ready for. One that is no connection any more may still be told of within the same
// wait.
func (l *loop) event(fd int, events uint32) {
	if fd == l.bell {
		l.readMail()
		return
	}
	if l.frozen || fd >= len(l.byFD) || l.byFD[fd] == nil {
		return
	}
	c := l.byFD[fd]
	if events&unix.EPOLLOUT != 0 {
		l.flush(c)
	}
	if !c.gone && events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR|unix.EPOLLRDHUP) != 0 {
		l.read(c)
	}
}

// readMail does what others have left for the loop: shares that are durable are answered first.
func (l *loop) readMail() {
	var count [8]byte
	_, _ = unix.Read(l.bell, count[:])
	l.mu.Lock()
	mail, done := l.mail, l.done
	l.mail, l.done = nil, nil
	l.mu.Unlock()
	for _, b := range done {
		l.acknowledge(b)
	}
	for _, f := range mail {
		f()
	}
}

// acknowledge answers true to the shares of a durable batch, one write for each connection in a row. A connection that
// has closed meanwhile hears nothing; its shares count.
func (l *loop) acknowledge(b *batch) {
	from := 0
	var last *conn
	l.reply = l.reply[:0]
	for _, one := range b.acks {
		if one.conn != last {
			l.send(last, l.reply)
			last, l.reply = one.conn, l.reply[:0]
		}
		l.reply = stratum.AppendResult(l.reply, b.ids[from:one.idEnd], "true")
		from = one.idEnd
	}
	l.send(last, l.reply)
	b.reset()
	l.spare, l.inFlight = b, false
}

// handOver gives the gathered batch to the committer, unless one is there already. So a batch is as large as what came
// during the last sync, and answers keep the order of the shares.
func (l *loop) handOver() {
	if l.inFlight || len(l.batch.Ends) == 0 {
		return
	}
	full := l.batch
	l.batch, l.spare, l.inFlight = l.spare, nil, true
	l.server.writer.Queue(&full.Batch)
}

// adopt takes a connected socket. Called on the loop's goroutine.
func (l *loop) adopt(fd int, ip netip.Addr, port *settings.Port, secure bool) {
	number, err := l.server.nextExtranonce()
	if err != nil {
		l.server.logger.Error("a miner cannot be served", "address", ip, "error", err)
	}
	if err != nil || l.closing {
		_ = unix.Close(fd)
		l.server.guard.Leave(ip)
		return
	}
	c := &conn{fd: fd, ip: ip, port: port, secure: secure, connected: l.now, lastByte: l.now, window: l.now, class: 1,
		extranonce1: number}
	c.vardiff.wanted = exactly(port.StartDifficulty)
	l.serve(c)
}

// serve begins to read a connection.
func (l *loop) serve(c *conn) {
	if c.virtual == nil {
		if l.control(unix.EPOLL_CTL_ADD, c.fd, unix.EPOLLIN|unix.EPOLLRDHUP) != nil {
			_ = unix.Close(c.fd)
			l.server.guard.Leave(c.ip)
			return
		}
		for c.fd >= len(l.byFD) {
			l.byFD = append(l.byFD, make([]*conn, max(64, len(l.byFD)))...)
		}
		l.byFD[c.fd] = c
	}
	c.at = len(l.conns)
	l.conns = append(l.conns, c)
}

// close ends a connection, once. The last of the list takes its place. Its descriptor may be given to a new connection
// at once, so whoever has c from before asks c.gone.
func (l *loop) close(c *conn) {
	if c.gone {
		return
	}
	c.gone = true
	last := l.conns[len(l.conns)-1]
	l.conns[c.at], last.at = last, c.at
	l.conns = l.conns[:len(l.conns)-1]
	if c.virtual == nil {
		l.byFD[c.fd] = nil
		_ = unix.Close(c.fd) // leaves epoll with it
	}
	c.partial, c.unsent = nil, nil
	c.each(l.server.registry.Release)
	l.server.guard.Leave(c.ip)
}

// read takes what has come and handles the whole lines in it.
func (l *loop) read(c *conn) {
	had := copy(l.in, c.partial)
	n, err := unix.Read(c.fd, l.in[had:had+readBuffer])
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil || n == 0:
		l.close(c)
		return
	}
	c.lastByte = l.now
	data := l.in[:had+n]
	l.reply = l.reply[:0]
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			break
		}
		if !c.gone {
			l.line(c, data[:end])
		} else if m := &l.message; m.Parse(data[:end]) == nil && string(m.Method) == "mining.submit" {
			l.submit(c, m) // it has been closed meanwhile, but what it has found counts
		}
		data = data[end+1:]
		// Many lines in one read are answered before the buffer grows without bound.
		if len(l.reply) > readBuffer {
			l.send(c, l.reply)
			l.reply = l.reply[:0]
		}
	}
	l.send(c, l.reply)
	switch {
	case c.gone:
	case len(data) > MaxLine:
		l.offend(c)
	case len(data) == 0:
		c.partial = nil
	default:
		if len(c.partial) == 0 {
			c.lineSince = l.now
		}
		c.partial = append(c.partial[:0], data...)
	}
}

// send writes, and keeps what the socket does not take. It accepts nil and gone connections.
func (l *loop) send(c *conn, data []byte) {
	if c == nil || c.gone || len(data) == 0 {
		return
	}
	if c.virtual != nil {
		c.virtual.out = append(c.virtual.out, data...)
		return
	}
	if len(c.unsent) == 0 {
		n, err := unix.Write(c.fd, data)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			l.close(c)
			return
		}
		data = data[max(n, 0):]
	}
	if len(data) == 0 {
		return
	}
	if len(c.unsent)+len(data) > maxUnsent {
		l.close(c) // does not read
		return
	}
	c.unsent = append(c.unsent, data...)
	if !c.wants {
		c.wants = true
		_ = l.control(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLOUT)
	}
}

// flush writes what waited, now that the socket takes more, and stops waiting when nothing is left.
func (l *loop) flush(c *conn) {
	n, err := unix.Write(c.fd, c.unsent)
	if err != nil && err != unix.EAGAIN && err != unix.EINTR {
		l.close(c)
		return
	}
	c.unsent = c.unsent[max(n, 0):]
	if len(c.unsent) == 0 {
		c.unsent, c.wants = nil, false
		_ = l.control(unix.EPOLL_CTL_MOD, c.fd, unix.EPOLLIN|unix.EPOLLRDHUP)
	}
}

// broadcast sends a job to all, largest hash rates first: they lose most by waiting.
func (l *loop) broadcast(j *job.Job) {
	if last := l.current; last != nil && last.Template.Previous != j.Template.Previous {
		l.died[last.Template.Previous] = j.Arrived
	}
	l.current = j
	clear(l.solo)
	oldest := l.remember(j)
	order := slices.Clone(l.conns)
	order = slices.DeleteFunc(order, func(c *conn) bool { return !c.subscribed || c.worker == nil })
	// vardiff makes a connection's difficulty the measure of its hash rate.
	slices.SortFunc(order, func(a, b *conn) int { return b.vardiff.wanted.Compare(a.vardiff.wanted) })
	lines := make([][]byte, len(order))
	for i, c := range order {
		l.retarget(c)
		c.forget(oldest)
		h := l.handoutFor(c)
		// All connections of a handout share its line; nothing is copied.
		if lines[i] = h.Line; j.Clean {
			lines[i] = h.LineClean
		}
		l.reply = l.reply[:0]
		if l.announce(c, h) {
			lines[i] = slices.Concat(l.reply, lines[i])
		}
	}
	l.reply = l.reply[:0]
	l.writeAll(order, lines)
}

// remember makes a job's coinbases known and forgets those whose block has not been the tip for
// longer than any share is on its way, but for the one before the tip. It returns the number of the
// oldest job that is known.
func (l *loop) remember(j *job.Job) (oldest uint64) {
	delete(l.died, j.Template.Previous) // a tip that has come back
	for tip, at := range l.died {
		if tip != j.Previous && j.Arrived.Sub(at) > 2*maxGrace {
			delete(l.died, tip)
		}
	}
	oldest = j.Record.Number
	for key, h := range l.handouts {
		on := h.Job.Template.Previous
		if _, late := l.died[on]; on != j.Template.Previous && !late {
			delete(l.handouts, key)
		} else {
			oldest = min(oldest, key.Number)
		}
	}
	for _, h := range j.Handouts {
		l.handouts[h.Key()] = h
	}
	return oldest
}

// writeAll writes a line to each connection, on all processors at once: writing is most of a
// broadcast's time. Helpers only write to sockets; what they could not finish is dealt with here.
func (l *loop) writeAll(order []*conn, lines [][]byte) {
	wrote := make([]int, len(order)) // bytes; −1: not tried, because earlier ones wait
	var turn atomic.Int64
	write := func() {
		for {
			i := int(turn.Add(1)) - 1
			if i >= len(order) {
				return
			}
			if len(order[i].unsent) > 0 || order[i].virtual != nil {
				wrote[i] = -1
				continue
			}
			n, err := unix.Write(order[i].fd, lines[i])
			if wrote[i] = max(n, 0); err != nil && err != unix.EAGAIN && err != unix.EINTR {
				wrote[i] = -1 // fails again below, where the connection is closed
			}
		}
	}
	var helpers sync.WaitGroup
	if len(order) > 100 {
		for range min(runtime.GOMAXPROCS(0), 8) - 1 {
			helpers.Go(write)
		}
	}
	write()
	helpers.Wait()
	for i, c := range order {
		l.send(c, lines[i][max(wrote[i], 0):])
	}
}

// tick looks after connections that say nothing.
func (l *loop) tick() {
	for i := len(l.conns) - 1; i >= 0; i-- {
		c := l.conns[i]
		switch {
		case c.worker == nil && l.now.Sub(c.connected) > l.server.timeouts.Handshake,
			len(c.partial) > 0 && l.now.Sub(c.lineSince) > l.server.timeouts.Line,
			l.now.Sub(c.lastByte) > l.server.timeouts.Idle:
			l.close(c)
		}
	}
}

// latency is the round-trip time that the kernel has measured for a connection.
func latency(c *conn) time.Duration {
	if c.virtual != nil {
		return c.virtual.latency
	}
	info, err := unix.GetsockoptTCPInfo(c.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0 // not TCP: the inner end of a TLS connection
	}
	return time.Duration(info.Rtt) * time.Microsecond
}
