package fleet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/dialect"
)

// DefaultTimeout of a poll: a busy controller board needs a second or two.
const DefaultTimeout = 5 * time.Second

// buffers are for replies; a reply is copied out of them, so that the many small ones cost little.
var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// Ask sends one request on a connection of its own and returns the reply without its final NUL.
func Ask(ctx context.Context, address string, request []byte, framed bool) ([]byte, error) {
	dialer := net.Dialer{KeepAlive: -1}
	conn, err := dialer.DialContext(ctx, "tcp", address)
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
		if _, err := conn.Write(dialect.Frame(request)); err != nil {
			return nil, err
		}
		return readFramed(conn)
	}
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	return readToEnd(conn)
}

// readToEnd reads until the machine closes or ends its reply with a NUL.
func readToEnd(conn io.Reader) ([]byte, error) {
	buffer := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(buffer)
	var reply []byte
	for {
		n, err := conn.Read(buffer[:])
		reply = append(reply, buffer[:n]...)
		if len(reply) > dialect.MaxReply {
			return nil, farm.Refuse("too_large", "reply", "more than %d bytes", dialect.MaxReply)
		}
		if n > 0 && reply[len(reply)-1] == 0 {
			return bytes.TrimRight(reply, "\x00"), nil
		}
		if errors.Is(err, io.EOF) {
			if len(reply) == 0 {
				return nil, farm.Refuse("empty", "reply", "the machine closed without an answer")
			}
			return reply, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func readFramed(conn io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, fmt.Errorf("length of the reply: %w", err)
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length > dialect.MaxReply {
		return nil, farm.Refuse("too_large", "reply", "%d bytes announced, at most %d are read", length, dialect.MaxReply)
	}
	reply := make([]byte, length)
	_, err := io.ReadFull(conn, reply)
	return reply, err
}

// Poll asks a machine everything that a poll needs.
func Poll(ctx context.Context, m *Machine) (*dialect.Reading, error) {
	replies := make([][]byte, 0, 3)
	for _, request := range m.Dialect.Polls() {
		reply, err := Ask(ctx, m.Address, []byte(request), m.Dialect.Framed())
		if err != nil {
			return nil, err
		}
		replies = append(replies, reply)
	}
	return dialect.Read(m.Dialect, replies)
}
