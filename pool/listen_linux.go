package pool

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Listener is where miners connect.
type Listener struct {
	Name string // by which a successor finds it; empty: it is not handed over
	Net  net.Listener
	TLS  *tls.Config // nil: plain TCP
	Port *Port       // nil: the pool's own settings
}

// serve accepts until ctx ends.
func (s Listener) serve(ctx context.Context, p *Pool) {
	if s.Port == nil {
		port := p.config.Port()
		s.Port = &port
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Net.Close() })
	defer stop()
	for {
		connected, err := s.Net.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			p.logger.Warn("accepting", "error", err) // out of descriptors: some will close
			pause(ctx, 50*time.Millisecond)
			continue
		}
		ip := addressOf(connected.RemoteAddr())
		if p.halted.Load() || p.draining.Load() || !p.guard.admit(ip, time.Now(), &p.config) {
			_ = connected.Close()
			continue
		}
		if s.TLS != nil {
			p.tunnels.Go(func() { s.secure(p, connected, ip) })
			continue
		}
		fd, err := detach(connected)
		if err != nil {
			p.guard.leave(ip)
			continue
		}
		p.assign(fd, ip, s.Port, false)
	}
}

// assign gives a socket to the next loop.
func (p *Pool) assign(fd int, ip netip.Addr, port *Port, secure bool) {
	l := p.loops[p.nextLoop.Add(1)%uint64(len(p.loops))]
	l.post(func() { l.adopt(fd, ip, port, secure) })
}

func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// detach takes a connection's socket out of the runtime's hands: a duplicate that only the loop knows.
func detach(connected net.Conn) (int, error) {
	defer connected.Close()
	tcp, ok := connected.(*net.TCPConn)
	if !ok {
		return -1, errors.ErrUnsupported
	}
	_ = tcp.SetNoDelay(true)
	_ = tcp.SetKeepAlive(true)
	_ = tcp.SetKeepAlivePeriod(time.Minute)
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	controlErr := raw.Control(func(original uintptr) {
		fd, err = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	})
	return fd, errors.Join(controlErr, err)
}

// secure ends TLS here: the loop gets one end of a pair of sockets and sees plain lines. It gets it before the
// handshake, so that each connection is some loop's and goes to a successor with the rest; TLS itself stays with the
// process that has begun it.
func (s Listener) secure(p *Pool, connected net.Conn, ip netip.Addr) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		_ = connected.Close()
		p.guard.leave(ip)
		return
	}
	inside := os.NewFile(uintptr(pair[0]), "tls")
	p.assign(pair[1], ip, s.Port, true)
	outside := tls.Server(connected, s.TLS)
	handshake, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	err = outside.HandshakeContext(handshake)
	cancel()
	if err != nil {
		_ = connected.Close()
		_ = inside.Close()
		return
	}
	go func() {
		_, _ = io.CopyBuffer(struct{ io.Writer }{inside}, struct{ io.Reader }{outside}, make([]byte, 1024))
		_ = inside.Close()
		_ = outside.Close()
	}()
	_, _ = io.CopyBuffer(struct{ io.Writer }{outside}, struct{ io.Reader }{inside}, make([]byte, 1024))
	_ = inside.Close()
	_ = outside.Close()
}
