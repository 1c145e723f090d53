package fleet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/protocol"
)

// DefaultTimeout of a poll: a busy controller board needs a second or two.
const DefaultTimeout = 5 * time.Second

// buffers are for replies; a reply is copied out of them, so that the many small ones cost little.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// Query sends one request on a connection of its own and returns the reply without its final NUL.
func Query(ctx context.Context, address string, request []byte, framed bool) ([]byte, error) {
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	} else {
		_ = conn.SetDeadline(time.Now().Add(DefaultTimeout))
	}
	if framed {
		if _, err := conn.Write(protocol.Frame(request)); err != nil {
			return nil, err
		}
		return readFramed(conn)
	}
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	return readToEnd(conn)
}

// dial connects to a machine. Nearly every one is known by its address: nobody needs to be asked for that.
func dial(ctx context.Context, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return dialer.DialContext(ctx, "tcp", address)
	}
	conn, err := dialer.DialTCP(ctx, "tcp", netip.AddrPort{}, at)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// complete says whether a reply is a whole JSON object: one begun, all closed.
func complete(reply []byte) bool {
	trimmed := bytes.TrimSpace(reply)
	if len(trimmed) < 2 || trimmed[0] != '{' || trimmed[len(trimmed)-1] != '}' {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(trimmed); i++ {
		switch c := trimmed[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return depth == 0 && !quoted
}

// readToEnd reads until the machine closes, ends its reply with a NUL, or its object is complete.
func readToEnd(conn io.Reader) ([]byte, error) {
	buffer := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buffer)
	var reply []byte
	for {
		n, err := conn.Read(buffer[:])
		reply = append(reply, buffer[:n]...)
		if len(reply) > protocol.MaxReply {
			return nil, farm.Refuse("farm-too-large", "reply", "more than %d bytes", protocol.MaxReply)
		}
		if n > 0 && reply[len(reply)-1] == 0 {
			return bytes.TrimRight(reply, "\x00"), nil
		}
		if n > 0 && complete(reply) {
			return reply, nil // some firmwares neither end a reply nor close
		}
		if errors.Is(err, io.EOF) {
			if len(reply) == 0 {
				return nil, farm.Refuse("farm-empty", "reply", "the machine closed without an answer")
			}
			return reply, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// readFramed reads a reply behind its length, which is bounded before anything is made for it.
func readFramed(conn io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, fmt.Errorf("length of the reply: %w", err)
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length > protocol.MaxReply {
		return nil, farm.Refuse("farm-too-large", "reply", "%d bytes announced, at most %d are read", length,
			protocol.MaxReply)
	}
	reply := make([]byte, length)
	_, err := io.ReadFull(conn, reply)
	return reply, err
}
