package simulate

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/usage"
)

// Server lets units answer, each on an address of its own. Addresses must be loopback: a test peer
// must not be mistaken for a machine by a neighbour.
type Server struct {
	Units    []*Unit
	HTTPPort int // of stock Antminers' CGI; 0: none
	Now      func() time.Time

	listeners []net.Listener
	webs      []net.Listener   // of CGI
	owners    map[string]*Unit // by address, for HTTP
}

const (
	maxRequest  = 4 << 10
	connTimeout = 20 * time.Second
	slowAnswer  = 3 * time.Second
)

// Settle gives the units consecutive addresses from one on, each at its protocol's port.
func Settle(units []*Unit, from netip.Addr) error {
	for _, u := range units {
		if !from.IsLoopback() {
			return farm.Refuse("not-loopback", "address", "%s: simulated machines answer on loopback addresses only",
				from)
		}
		u.Machine.Address = netip.AddrPortFrom(from, uint16(portOf(u.Machine.Protocol))).String()
		from = from.Next()
	}
	return nil
}

// Listen opens every address. On an error none stays open.
func (s *Server) Listen() error {
	s.owners = map[string]*Unit{}
	for _, u := range s.Units {
		host, _, err := net.SplitHostPort(u.Machine.Address)
		if err != nil || !net.ParseIP(host).IsLoopback() {
			return errors.Join(farm.Refuse("not-loopback", "address",
				"%s: simulated machines answer on loopback addresses only", u.Machine.Address), s.close())
		}
		l, err := net.Listen("tcp", u.Machine.Address)
		if err != nil {
			return errors.Join(fmt.Errorf("simulated machine %s: %w", u.Machine.ID, err), s.close())
		}
		s.listeners = append(s.listeners, l)
		s.owners[host] = u
		if s.HTTPPort != 0 && (u.Machine.Protocol == protocol.AntminerNew ||
			u.Machine.Protocol == protocol.AntminerOld) {
			u.Machine.HTTPPort = s.HTTPPort
			l, err := net.Listen("tcp", net.JoinHostPort(host, fmt.Sprint(s.HTTPPort)))
			if err != nil {
				return errors.Join(fmt.Errorf("simulated machine %s: %w", u.Machine.ID, err), s.close())
			}
			s.webs = append(s.webs, l)
		}
	}
	return nil
}

// close ends the listeners; those that are closed already are no error.
func (s *Server) close() error {
	var errs []error
	for _, l := range append(s.listeners, s.webs...) {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Serve answers until ctx ends. Listen must have been called. Sockets' connections that are open when it returns end by
// their own deadlines.
func (s *Server) Serve(ctx context.Context) error {
	if s.Now == nil {
		s.Now = time.Now
	}
	web := &http.Server{Handler: s.cgi(), ReadHeaderTimeout: connTimeout}
	for _, l := range s.webs {
		go func() { _ = web.Serve(l) }()
	}
	pages := &http.Server{Handler: s.pages(), ReadHeaderTimeout: connTimeout}
	for i, l := range s.listeners {
		if s.Units[i].Machine.Protocol.HTTP() {
			go func() { _ = pages.Serve(l) }()
			continue
		}
		go s.accept(ctx, s.Units[i], l)
	}
	<-ctx.Done()
	return errors.Join(s.close(), ended(web.Close()), ended(pages.Close()))
}

// ended is why a web server did not end; that its listener was closed before, with the others, is no reason.
func ended(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// accept serves one machine's socket until its listener is closed.
func (s *Server) accept(ctx context.Context, u *Unit, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go s.answer(ctx, u, conn)
	}
}

// answer serves one connection, of which it takes one request.
func (s *Server) answer(ctx context.Context, u *Unit, conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(connTimeout))
	now := usage.At(s.Now())
	if u.Has(Offline, now) {
		reset(conn)
		return
	}
	var request []byte
	if u.Machine.Protocol.Framed() {
		request = readFrame(conn)
	} else {
		request = readRequest(conn)
	}
	if u.Has(Silent, now) {
		wait(ctx, connTimeout)
		return
	}
	if u.Has(Slow, now) && !wait(ctx, slowAnswer) {
		return
	}
	reply := u.Answer(request, usage.At(s.Now()))
	switch {
	// A machine that is booting closes the connection without a word; a silent one, above, lets it hang.
	case reply == nil:
		reset(conn)
	case u.Machine.Protocol.Framed():
		_, _ = conn.Write(protocol.Frame(reply))
	default:
		_, _ = conn.Write(append(reply, 0))
	}
}

// reset ends a connection as a machine does that is not there: at once and without a word.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

// wait says whether the time passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// readRequest takes what came until a newline, a NUL, a whole JSON object or the limit.
func readRequest(conn io.Reader) []byte {
	var buffer [maxRequest]byte
	n := 0
	for n < len(buffer) {
		got, err := conn.Read(buffer[n:])
		n += got
		if n > 0 && (buffer[n-1] == '\n' || buffer[n-1] == 0) {
			return buffer[:n-1]
		}
		if err != nil || (n > 0 && (buffer[0] != '{' || json.Valid(buffer[:n]))) {
			break
		}
	}
	return buffer[:n]
}

// readFrame takes one frame, cut at the limit; nil if none came.
func readFrame(conn io.Reader) []byte {
	reader := bufio.NewReader(io.LimitReader(conn, maxRequest))
	var head [4]byte
	if _, err := io.ReadFull(reader, head[:]); err != nil {
		return nil
	}
	body := make([]byte, min(binary.LittleEndian.Uint32(head[:]), maxRequest))
	n, _ := io.ReadFull(reader, body)
	return body[:n]
}
