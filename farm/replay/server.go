package replay

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

// Server lets cases answer, each at a loopback address of its own.
type Server struct {
	Cases                 []*Case
	First                 netip.Addr // of the first case; the others follow it
	Port, PortV3, WebPort int
}

const (
	maxRequest  = 64 << 10
	connTimeout = 20 * time.Second
)

// Serve answers until ctx ends; ready is called when all listen.
func (s *Server) Serve(ctx context.Context, ready func()) error {
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}()
	listen := func(a netip.Addr, port int) (net.Listener, error) {
		l, err := net.Listen("tcp", net.JoinHostPort(a.String(), strconv.Itoa(port)))
		if err == nil {
			listeners = append(listeners, l)
		}
		return l, err
	}
	at := s.First
	for _, c := range s.Cases {
		// On loopback alone: recorded machines must not be found by anybody's scan, or be taken for real ones.
		if !at.IsLoopback() {
			return farm.Refuse("not-loopback", "address", "%s: recorded machines answer on loopback addresses only", at)
		}
		if len(c.rpc) > 0 {
			port := s.Port
			if c.Framed() {
				port = s.PortV3
			}
			l, err := listen(at, port)
			if err != nil {
				return err
			}
			go c.accept(l)
		}
		if c.HasWeb() {
			l, err := listen(at, s.WebPort)
			if err != nil {
				return err
			}
			web := &http.Server{Handler: c, ReadHeaderTimeout: connTimeout}
			go func() { _ = web.Serve(l) }()
			defer web.Close()
		}
		at = at.Next()
	}
	ready()
	<-ctx.Done()
	return nil
}

// ServeHTTP answers what is recorded of the web pages.
func (c *Case) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	reply := c.Page(r.Method, r.URL.Path, string(body))
	if err != nil || reply == nil {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(reply)
}

func (c *Case) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go c.answer(conn)
		}
	}
}

// answer serves one connection: one request, with its length in front on the framed port.
func (c *Case) answer(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(connTimeout))
	if c.Framed() {
		var head [4]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil || binary.LittleEndian.Uint32(head[:]) > maxRequest {
			return
		}
		request := make([]byte, binary.LittleEndian.Uint32(head[:]))
		if _, err := io.ReadFull(conn, request); err == nil {
			_, _ = conn.Write(protocol.Frame(c.Answer(request)))
		}
		return
	}
	var request []byte
	for buffer := make([]byte, 4096); len(request) < maxRequest; {
		n, err := conn.Read(buffer)
		request = append(request, buffer[:n]...)
		if whole := bytes.TrimRight(request, "\x00\r\n"); err != nil || json.Valid(whole) || len(whole) < len(request) {
			_, _ = conn.Write(append(bytes.Clone(c.Answer(whole)), 0))
			return
		}
	}
}
