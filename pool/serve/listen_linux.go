package serve

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

	"github.com/aqsha/aqsha/pool/settings"
)

// Listener is where miners connect.
type Listener struct {
	Name string // by which a successor finds it; empty: it is not handed over
	Net  net.Listener
	TLS  *tls.Config    // nil: plain TCP
	Port *settings.Port // nil: the pool's own settings
}

// Serve accepts until ctx ends. An address is admitted by the guard here and left where its connection ends: every way
// between keeps that pair.
func (s Listener) Serve(ctx context.Context, srv *Server) {
	if s.Port == nil {
		port := srv.config.Port()
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
			srv.logger.Warn("accepting", "error", err) // out of descriptors: some will close
			wait, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			<-wait.Done()
			cancel()
			continue
		}
		ip := addressOf(connected.RemoteAddr())
		if srv.halted.Load() || srv.draining.Load() || !srv.guard.Admit(ip, time.Now()) {
			_ = connected.Close()
			continue
		}
		if s.TLS != nil {
			srv.tunnels.Go(func() { s.secure(srv, connected, ip) })
			continue
		}
		fd, err := detach(connected)
		if err != nil {
			srv.guard.Leave(ip)
			continue
		}
		srv.assign(fd, ip, s.Port, false)
	}
}

// assign gives a socket to the next loop.
func (s *Server) assign(fd int, ip netip.Addr, port *settings.Port, secure bool) {
	l := s.loops[s.nextLoop.Add(1)%uint64(len(s.loops))]
	l.post(func() { l.adopt(fd, ip, port, secure) })
}

// addressOf is the address alone, of IPv4 in its own form.
func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// detach takes a connection's socket out of the runtime's hands: a duplicate that only the loop knows. Both ends are
// the same socket in the kernel, so closing the runtime's copy closes nothing.
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
func (s Listener) secure(srv *Server, connected net.Conn, ip netip.Addr) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		_ = connected.Close()
		srv.guard.Leave(ip)
		return
	}
	inside := os.NewFile(uintptr(pair[0]), "tls")
	srv.assign(pair[1], ip, s.Port, true)
	outside := tls.Server(connected, s.TLS)
	handshake, cancel := context.WithTimeout(context.Background(), srv.timeouts.Handshake)
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
