package httplimit_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
)

// Frames of HTTP/2 (RFC 9113, section 6) and what they say.
const (
	frameHeaders, frameReset, frameSettings, frameGoAway = 1, 3, 4, 7
	endStreamAndHeaders                                  = 0x5
	refusedStream                                        = 7
)

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	f := append([]byte{0, 0, byte(len(payload)), kind, flags}, binary.BigEndian.AppendUint32(nil, stream)...)
	return append(f, payload...)
}

// headOfGet is the head of GET / (RFC 7541, appendix A: fields of the static table, and an authority).
var headOfGet = []byte{0x82, 0x86, 0x84, 0x01, 1, 'x'}

// hostile is a client of HTTP/2 that writes frames as it likes and has acknowledged no setting.
type hostile struct {
	net.Conn
	t *testing.T
}

func speakHTTP2(t *testing.T, address string) *hostile {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	h := &hostile{c, t}
	if _, err := c.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(frameSettings, 0, 0, nil)...)); err != nil {
		t.Fatal(err)
	}
	return h
}

// next is the next frame that comes.
func (h *hostile) next() (kind byte, payload []byte, err error) {
	var head [9]byte
	if _, err := io.ReadFull(h, head[:]); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(h, payload)
	return head[3], payload, err
}

// servedHTTP2 serves a handler that holds each request until it is let go; what runs at once at most is told.
func servedHTTP2(t *testing.T) (address string, most func() int64, let func()) {
	t.Helper()
	var running, highest atomic.Int64
	held := make(chan struct{})
	server := &http.Server{Protocols: new(http.Protocols), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/honest" {
			return
		}
		now := running.Add(1)
		for before := highest.Load(); now > before && !highest.CompareAndSwap(before, now); before = highest.Load() {
		}
		<-held
		running.Add(-1)
	})}
	httplimit.Configure(server)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String(), highest.Load, func() { close(held) }
}

func askHonestly(t *testing.T, address string) {
	t.Helper()
	response, err := http.Get("http://" + address + "/honest")
	if err != nil {
		t.Fatalf("an honest request beside it: %v", err)
	}
	_ = response.Body.Close()
}

// A connection has 64 streams at once; those beyond are refused one by one.
func TestStreamsOfAConnectionAreBounded(t *testing.T) {
	address, most, let := servedHTTP2(t)
	defer let()
	h := speakHTTP2(t, address)
	const beyond = 16
	var all bytes.Buffer
	for i := range uint32(64 + beyond) {
		all.Write(frame(frameHeaders, endStreamAndHeaders, 2*i+1, headOfGet))
	}
	if _, err := h.Write(all.Bytes()); err != nil {
		t.Fatal(err)
	}
	for refused := 0; refused < beyond; {
		kind, payload, err := h.next()
		if err != nil {
			t.Fatalf("after %d refusals: %v", refused, err)
		}
		if kind == frameReset && binary.BigEndian.Uint32(payload) == refusedStream {
			refused++
		}
	}
	askHonestly(t, address)
	if most() > 64 {
		t.Errorf("%d requests of one connection ran at once", most())
	}
}

// Who opens streams and resets them without end has 64 at work, and is then cut off.
func TestResetsWithoutEnd(t *testing.T) {
	address, most, let := servedHTTP2(t)
	defer let()
	h := speakHTTP2(t, address)
	go func() {
		reset := binary.BigEndian.AppendUint32(nil, 8) // CANCEL
		for stream := uint32(1); stream < 1<<20; stream += 2 {
			if _, err := h.Write(append(frame(frameHeaders, endStreamAndHeaders, stream, headOfGet), frame(frameReset, 0, stream, reset)...)); err != nil {
				return
			}
		}
	}()
	for {
		kind, _, err := h.next()
		if err, ok := err.(net.Error); ok && err.Timeout() {
			t.Fatal("it goes on")
		}
		if kind == frameGoAway || err != nil {
			break
		}
	}
	askHonestly(t, address)
	if most() > 64 {
		t.Errorf("%d requests of one connection ran at once", most())
	}
}
