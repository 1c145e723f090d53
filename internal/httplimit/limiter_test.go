package httplimit_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/internal/httplimit"
)

var small = httplimit.Limits{Connections: 12, ConnectionsPerAddress: 8, Requests: 6, RequestsPerAddress: 4, Streams: 4, StreamsPerAddress: 2,
	Body: 1 << 20, StrangersBody: 100 << 10, Bodies: 256 << 10, BodiesPerAddress: 128 << 10}

func reject(w http.ResponseWriter, status int, detail string) { http.Error(w, detail, status) }

// callerOf takes who sends from headers.
func callerOf(r *http.Request) httplimit.Caller {
	return httplimit.Caller{Address: r.Header.Get("From"), Known: r.Header.Get("Known") != "", Stream: r.URL.Path == "/stream"}
}

// held is a handler that waits until it is let go.
type held struct {
	begun chan string
	let   chan struct{}
}

func (h *held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, err := io.ReadAll(r.Body)
	h.begun <- r.Header.Get("From")
	<-h.let
	if errors.Is(err, httplimit.ErrBodies) {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func request(from, path string, known bool, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("From", from)
	if known {
		r.Header.Set("Known", "yes")
	}
	return r
}

// Of requests and streams no address has more than its share, strangers leave those who are known theirs, and what is over is
// free again.
func TestRequestsAndStreams(t *testing.T) {
	for _, test := range []struct {
		path       string
		each, all  int
		fromOthers string
	}{{"/x", 4, 6, "b"}, {"/stream", 2, 4, "b"}} {
		h := &held{make(chan string, 100), make(chan struct{})}
		handler := httplimit.New(small, reject).Handler(h, callerOf)
		var group sync.WaitGroup
		codes := make(chan int, 100)
		send := func(from string, known bool) {
			group.Go(func() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, request(from, test.path, known, ""))
				codes <- w.Code
			})
		}
		for range test.each {
			send("a", false)
		}
		for range test.each {
			<-h.begun
		}
		send("a", false)
		if code := <-codes; code != http.StatusTooManyRequests {
			t.Errorf("%s: one more of an address: %d", test.path, code)
		}
		for range test.all - test.each {
			send("b", false)
			<-h.begun
		}
		send("c", false)
		if code := <-codes; code != http.StatusTooManyRequests {
			t.Errorf("%s: one more of strangers: %d", test.path, code)
		}
		send("bank", true)
		<-h.begun // it is let in
		close(h.let)
		group.Wait()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request("a", test.path, false, ""))
		if w.Code != 200 {
			t.Errorf("%s: afterwards: %d", test.path, w.Code)
		}
	}
}

// However many bodies are under way, and whoever sends them, they take no more than the budget; a small one always goes through.
func TestBodies(t *testing.T) {
	limits := small
	limits.Requests, limits.RequestsPerAddress = 1000, 1000
	h := &held{make(chan string, 100), make(chan struct{})}
	handler := httplimit.New(limits, reject).Handler(h, callerOf)
	var group sync.WaitGroup
	codes := make(chan int, 100)
	send := func(from string, size int) {
		answered := make(chan struct{})
		group.Go(func() {
			defer close(answered)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, request(from, "/x", false, strings.Repeat("x", size)))
			codes <- w.Code
		})
		select {
		case <-h.begun:
		case <-answered: // nothing of it was read
		}
	}
	for i := range 12 {
		send(fmt.Sprint(i%4), 80<<10)
	}
	send("0", 300)
	send("5", httplimit.SmallBody)
	close(h.let)
	group.Wait()
	close(codes)
	count := map[int]int{}
	for c := range codes {
		count[c]++
	}
	// 64 KiB of each beyond its first 16: four fit into 256 KiB.
	if count[200] != 4+2 || count[503]+count[429] != 8 || count[429] == 0 {
		t.Errorf("%v", count)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, request("0", "/x", false, strings.Repeat("x", 80<<10)))
	if w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// A stranger's body is bounded before one of who is known.
func TestOneBody(t *testing.T) {
	for _, test := range []struct {
		known bool
		size  int
		whole bool
	}{{false, 100 << 10, true}, {false, 100<<10 + 1, false}, {true, 100<<10 + 1, true}} {
		var err error
		handler := httplimit.New(small, reject).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, err = io.ReadAll(r.Body) }), callerOf)
		handler.ServeHTTP(httptest.NewRecorder(), request("a", "/x", test.known, strings.Repeat("x", test.size)))
		if (err == nil) != test.whole {
			t.Errorf("%d bytes, known %v: %v", test.size, test.known, err)
		}
	}
}

// watched notes until when an answer may be written.
type watched struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *watched) SetReadDeadline(time.Time) error { return nil }
func (w *watched) SetWriteDeadline(until time.Time) error {
	w.until = until
	return nil
}

// An answer has its time from its first byte on: one that took minutes to find, as of a payer who waits for others, is written,
// and nobody takes longer over it than anybody.
func TestAnAnswerHasItsTimeFromItsFirstByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, answer := range []func(http.ResponseWriter){
			func(w http.ResponseWriter) { _, _ = io.WriteString(w, "found") },
			func(w http.ResponseWriter) { w.WriteHeader(http.StatusConflict) },
		} {
			handler := httplimit.New(small, reject).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(5 * time.Minute)
				answer(w)
				time.Sleep(time.Second)
				answer(w)
			}), callerOf)
			w := &watched{ResponseRecorder: httptest.NewRecorder(), until: time.Now()}
			handler.ServeHTTP(w, request("a", "/x", true, ""))
			if left := time.Until(w.until); left != 2*httplimit.WriteTimeout-time.Second {
				t.Errorf("%s are left", left)
			}
		}
	})
}

// Who has been answered much waits; others, and those who are known, do not.
func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := small
		limits.Answers, limits.AnswersPerAddress = 3000, 1000
		handler := httplimit.New(limits, reject).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1500)) }), callerOf)
		ask := func(from string, known bool) int {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, request(from, "/x", known, ""))
			return w.Code
		}
		for i, want := range []int{200, 200, 429, 429} {
			if got := ask("a", false); got != want {
				t.Errorf("answer %d: %d, want %d", i, got, want)
			}
		}
		for range 5 {
			if got := ask("bank", true); got != 200 {
				t.Errorf("who is known: %d", got)
			}
		}
		if got := ask("b", false); got != 200 {
			t.Errorf("another address: %d", got)
		}
		ask("c", false) // strangers together have 1,500 more
		if got := ask("d", false); got != 429 {
			t.Errorf("one stranger more: %d", got)
		}
		time.Sleep(2 * time.Second)
		if got := ask("a", false); got != 200 {
			t.Errorf("two seconds later: %d", got)
		}
	})
}

// Connections beyond an address's share are closed at once, and counted no more when they are gone.
func TestConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
	httplimit.Configure(server)
	defer server.Close()
	go server.Serve(httplimit.New(small, reject).Listen(l, ""))
	answers := func(c net.Conn) bool {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return false
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		return err == nil && response.StatusCode == http.StatusOK
	}
	var open []net.Conn
	for i := range small.ConnectionsPerAddress + 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, want := answers(c), i < small.ConnectionsPerAddress; got != want {
			t.Errorf("connection %d answers: %v", i, got)
		}
		open = append(open, c)
	}
	other, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}).Dial("tcp", l.Addr().String())
	if err != nil {
		t.Skip("this system has no second loopback address")
	}
	defer other.Close()
	if !answers(other) {
		t.Error("another address is not answered")
	}
	open[0].Close()
	for range 1000 { // until the server has seen it
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		ok := answers(c)
		c.Close()
		if ok {
			return
		}
	}
	t.Error("a place that is free again is not given")
}

func TestAddressOf(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7:80": "192.0.2.7", "192.0.2.7": "192.0.2.7", "[::ffff:192.0.2.7]:80": "192.0.2.7", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64",
		"[::1]:9": "::1", "[fe80::1%eth0]:1": "fe80::/64", "pipe": "pipe",
	} {
		if got := httplimit.AddressOf(text); got != want {
			t.Errorf("%s counts as %s, want %s", text, got, want)
		}
	}
}

func TestDefaultFitsTheProcess(t *testing.T) {
	for _, files := range []int{64, 256, 1024, 4096, 1 << 20} {
		l := httplimit.Default(files)
		if l.Connections >= files || l.ConnectionsPerAddress > l.Connections || l.Streams > l.Connections/2+8 || l.StreamsPerAddress > l.Streams {
			t.Errorf("%d files: %+v", files, l)
		}
	}
}
