package loadgen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/aqsha/aqsha/pool/stratum"
)

// Load is a set of connections to one pool. One goroutine uses it.
type Load struct {
	User  string
	epoll int
	conns []*conn
	byFD  map[int32]*conn
	buf   []byte
	nonce uint32
	// Accepted and Refused count the pool's answers to shares.
	Accepted, Refused uint64
	FirstRefusal      string
}

type conn struct {
	fd       int
	partial  []byte
	job      string
	time     string
	inFlight int
	heard    time.Time // of the newest job
	out      []byte
	ready    bool
}

// Connect opens n connections and logs them in, all from one thread by epoll: goroutines for thousands of connections
// would take the processor that is measured. It fails when not all have a job within a minute.
func Connect(ctx context.Context, address, user string, n int) (*Load, error) {
	target, err := netip.ParseAddrPort(address)
	if err != nil || !target.Addr().Is4() {
		return nil, fmt.Errorf("pool %q: want an IPv4 address and port", address)
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	l := &Load{User: user, epoll: epoll, byFD: map[int32]*conn{}, buf: make([]byte, 1<<18)}
	for range n {
		if err := l.connect(target); err != nil {
			l.Close()
			return nil, err
		}
	}
	deadline := time.Now().Add(60 * time.Second)
	for !l.all(func(c *conn) bool { return c.ready && c.job != "" }) {
		if ctx.Err() != nil || time.Now().After(deadline) {
			l.Close()
			return nil, errors.Join(ctx.Err(), errors.New("pool did not log all connections in"))
		}
		if err := l.poll(100, nil); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

// connect dials and logs in while the socket still blocks; its answers come by poll.
func (l *Load) connect(target netip.AddrPort) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(target.Port()), Addr: target.Addr().As4()}); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("connection %d: %w", len(l.conns)+1, err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	c := &conn{fd: fd}
	l.conns = append(l.conns, c)
	l.byFD[int32(fd)] = c
	login := stratum.AppendRequest(nil, 1, "mining.subscribe", `["loadgen/1"]`)
	login = stratum.AppendRequest(login, 2, "mining.authorize", `["`+l.User+`","x"]`)
	if _, err := unix.Write(fd, login); err != nil {
		return err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// Close closes all connections.
func (l *Load) Close() {
	for _, c := range l.conns {
		_ = unix.Close(c.fd)
	}
	_ = unix.Close(l.epoll)
}

func (l *Load) all(is func(*conn) bool) bool {
	return !slices.ContainsFunc(l.conns, func(c *conn) bool { return !is(c) })
}

// poll handles what has come, waiting up to timeoutMillis; after is called for each connection that had answers.
func (l *Load) poll(timeoutMillis int, after func(*conn) error) error {
	events := make([]unix.EpollEvent, 256)
	n, err := unix.EpollWait(l.epoll, events, timeoutMillis)
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	for _, event := range events[:n] {
		c := l.byFD[event.Fd]
		if err := l.read(c); err != nil {
			return err
		}
		if after != nil {
			if err := after(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// read takes what one read gives, splits it into lines and keeps the last, unfinished one.
func (l *Load) read(c *conn) error {
	had := copy(l.buf, c.partial)
	n, err := unix.Read(c.fd, l.buf[had:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil
	}
	if err != nil || n == 0 {
		return fmt.Errorf("pool closed a connection: %w", errors.Join(err, errors.New("end of stream")))
	}
	data := l.buf[:had+n]
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			break
		}
		l.line(c, data[:end])
		data = data[end+1:]
	}
	c.partial = append(c.partial[:0], data...)
	return nil
}

var (
	accepted = []byte(`"result":true,"error":null}`)
	notify   = []byte(`"mining.notify"`)
	isID     = []byte(`{"id":`)
)

// line reads as little as tells what it is: the generator shares the machine with the pool. Ids 1 and 2 are those of
// subscribing and authorizing; whatever has another answers a share.
func (l *Load) line(c *conn, line []byte) {
	switch {
	case bytes.HasPrefix(line, []byte(`{"id":null`)):
		if !bytes.Contains(line[:min(len(line), 60)], notify) {
			return
		}
		c.heard = time.Now()
		var m stratum.Message
		if m.Parse(line) == nil && m.N >= 9 {
			job, _ := m.Text(0)
			at, _ := m.Text(7)
			c.job, c.time = string(job), string(at)
		}
	case bytes.HasPrefix(line, []byte(`{"id":1,`)):
	case bytes.HasPrefix(line, []byte(`{"id":2,`)):
		c.ready = bytes.HasSuffix(line, accepted)
	case bytes.HasPrefix(line, isID):
		c.inFlight--
		if bytes.HasSuffix(line, accepted) {
			l.Accepted++
			return
		}
		l.Refused++
		if l.FirstRefusal == "" {
			l.FirstRefusal = string(line)
		}
	}
}

// submits appends n shares, each with a nonce that no other has.
func (l *Load) submits(c *conn, n int) {
	for range n {
		l.nonce++
		c.out = append(c.out, `{"id":`...)
		c.out = strconv.AppendUint(c.out, uint64(l.nonce)+10, 10)
		c.out = append(c.out, `,"method":"mining.submit","params":["`...)
		c.out = append(c.out, l.User...)
		c.out = append(c.out, `","`...)
		c.out = append(c.out, c.job...)
		c.out = append(c.out, `","0000000000000000","`...)
		c.out = append(c.out, c.time...)
		c.out = append(c.out, `","`...)
		c.out = stratum.AppendHex32(c.out, l.nonce)
		c.out = append(c.out, "\"]}\n"...)
	}
	c.inFlight += n
}

// Submit keeps window shares in flight on each connection for a while, and then waits for the
// answers that are missing.
func (l *Load) Submit(ctx context.Context, window int, duration time.Duration) error {
	end := time.Now().Add(duration)
	fill := func(c *conn) error {
		// Refilled by halves, as real clients' writes come in groups.
		if time.Now().Before(end) && c.inFlight <= window/2 {
			l.submits(c, window-c.inFlight)
		}
		if len(c.out) == 0 {
			return nil
		}
		n, err := unix.Write(c.fd, c.out)
		if err != nil && err != unix.EAGAIN {
			return err
		}
		c.out = append(c.out[:0], c.out[max(n, 0):]...)
		return nil
	}
	for _, c := range l.conns {
		if err := fill(c); err != nil {
			return err
		}
	}
	for {
		if err := l.poll(20, fill); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(end) {
			if l.all(func(c *conn) bool { return c.inFlight == 0 }) {
				return nil
			}
			if time.Now().After(end.Add(30 * time.Second)) {
				return errors.New("pool did not answer all shares")
			}
			for _, c := range l.conns {
				if len(c.out) > 0 {
					if err := fill(c); err != nil {
						return err
					}
				}
			}
		}
	}
}

// AwaitJob waits until every connection has heard of a job that arrived at a time, and returns how
// long each took, ascending.
func (l *Load) AwaitJob(ctx context.Context, arrived time.Time) ([]time.Duration, error) {
	deadline := time.Now().Add(30 * time.Second)
	for !l.all(func(c *conn) bool { return c.heard.After(arrived) }) {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, errors.Join(ctx.Err(), errors.New("not every connection heard of the job"))
		}
		// Looking at all is dear; a few rounds of polling come first.
		for range 50 {
			if err := l.poll(2, nil); err != nil {
				return nil, err
			}
		}
	}
	took := make([]time.Duration, len(l.conns))
	for i, c := range l.conns {
		took[i] = c.heard.Sub(arrived)
	}
	slices.Sort(took)
	return took, nil
}

// Len is the number of connections.
func (l *Load) Len() int { return len(l.conns) }
