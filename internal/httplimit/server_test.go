package httplimit_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
)

// started serves a handler within limits.
func started(t *testing.T, handler http.Handler, o httplimit.Options) (address string) {
	t.Helper()
	s := httplimit.NewServer(handler, o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// begin sends a request and leaves its connection open.
func begin(t *testing.T, address, request string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(t *testing.T, c net.Conn) (*http.Response, string) {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(body)
}

// A server of its own bounds connections of an address, requests, streams and bodies, says so, and has everything free again
// when they end.
func TestAServerIsBounded(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	begun := make(chan struct{}, 10)
	limits := httplimit.Limits{Connections: 20, ConnectionsPerAddress: 6, Requests: 9, RequestsPerAddress: 2, Streams: 9, StreamsPerAddress: 1, Body: 4096, StrangersBody: 4096, Bodies: 1 << 20, BodiesPerAddress: 1 << 20}
	address := started(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			if _, err := io.ReadAll(r.Body); err != nil {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
			return
		}
		begun <- struct{}{}
		<-let
	}), httplimit.Options{Limits: limits, Streams: func(r *http.Request) bool { return r.URL.Path == "/stream" }})
	for _, path := range []string{"/wait", "/wait", "/stream"} {
		begin(t, address, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		<-begun
	}
	for _, path := range []string{"/wait", "/stream"} {
		c := begin(t, address, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if r, body := answer(t, c); r.StatusCode != http.StatusTooManyRequests || !strings.Contains(body, `"overloaded"`) || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", path, r.StatusCode, body)
		}
		_ = c.Close()
	}
	var closed bool
	for range 10 { // of one address there are no more than six
		c := begin(t, address, "GET /wait HTTP/1.1\r\n")
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err == io.EOF || err != nil && strings.Contains(err.Error(), "reset") {
			closed = true
			break
		}
	}
	if !closed {
		t.Error("one address has as many connections as it likes")
	}
	close(let)
}

// A body beyond the limit ends its request, and large ones are refused before anything of them is read once the budget is used.
func TestBodiesOfAServer(t *testing.T) {
	t.Parallel()
	limits := httplimit.Public(4096, 256<<10)
	limits.Bodies, limits.BodiesPerAddress = 64<<10, 64<<10
	address := started(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
		fmt.Fprint(w, n)
	}), httplimit.Options{Limits: limits})
	send := func(length, sent int) net.Conn {
		return begin(t, address, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", length, strings.Repeat("x", sent)))
	}
	if r, _ := answer(t, send(300<<10, 300<<10)); r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body beyond the limit: %d", r.StatusCode)
	}
	held := send(200<<10, 75<<10) // 59 kB of the budget, and it goes on
	var refused bool
	for range 100 { // until what was sent is read
		c := send(100<<10, 0)
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if _ = c.Close(); err == nil && r.StatusCode == http.StatusTooManyRequests {
			refused = true
			break
		}
	}
	if !refused {
		t.Error("a body for which there is no room is waited for")
	}
	if r, body := answer(t, send(1000, 1000)); r.StatusCode != http.StatusOK || body != "1000" {
		t.Errorf("a small body beside it: %d %s", r.StatusCode, body)
	}
	_ = held.Close()
}

// An answer that costs nothing to make is not counted, and no reason to wait.
func TestCheapAnswers(t *testing.T) {
	t.Parallel()
	limits := httplimit.Public(4096, 1<<10)
	limits.Answers, limits.AnswersPerAddress = 1000, 1000
	address := started(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 100_000)) }),
		httplimit.Options{Limits: limits, Cheap: func(r *http.Request) bool { return r.URL.Path == "/log" }})
	for _, tc := range []struct {
		path string
		want int
	}{{"/log", 200}, {"/log", 200}, {"/page", 200}, {"/page", 429}, {"/log", 200}} {
		r, _ := answer(t, begin(t, address, "GET "+tc.path+" HTTP/1.1\r\nHost: x\r\n\r\n"))
		if r.StatusCode != tc.want {
			t.Errorf("%s: %d, want %d", tc.path, r.StatusCode, tc.want)
		}
	}
}
