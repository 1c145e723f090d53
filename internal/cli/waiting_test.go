package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Somebody who waits is told of it once the answer is late, and again, and no more when it has come; several requests
// speak once.
func TestWaitingIsSaid(t *testing.T) {
	t.Parallel()
	ticks := make(chan time.Time)
	var asked []time.Duration
	r, w := io.Pipe()
	lines := make(chan string)
	go func() {
		defer close(lines)
		buffer := make([]byte, 1024)
		for {
			n, err := r.Read(buffer)
			if err != nil {
				return
			}
			lines <- string(buffer[:n])
		}
	}()
	var mu sync.Mutex
	reasons := 0
	s := &waiter{w: w, after: func(d time.Duration) <-chan time.Time {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, d)
		return ticks
	}, why: func(_ context.Context, base string) string {
		if base != "http://u:secret@a:1" {
			t.Errorf("%s is asked why", base)
		}
		reasons++
		return []string{"", "too few validators", ""}[reasons-1]
	}}
	answered := s.wait("http://u:secret@a:1")
	other := s.wait("http://b")
	for _, want := range []string{", 2 s: no answer yet; ", ", 6 s: no answer yet (too few validators); ", ", 16 s: no answer yet; "} {
		ticks <- time.Time{}
		if line := <-lines; !strings.Contains(line, "http://u:xxxxx@a:1"+want) {
			t.Errorf("%q, want %q", line, want)
		}
	}
	other()
	answered()
	_ = w.Close()
	for line := range lines {
		t.Errorf("after the answer: %q", line)
	}
	if asked[0] != waitingFirst || asked[1] != waitingNext || asked[2] != waitingAgain {
		t.Errorf("asked for %v", asked)
	}
	s.w = io.Discard
	s.wait("http://c")() // the next is spoken of again
}

// Why there is no answer is what the node says of itself; what is no reason, and what a terminal would obey, is not
// printed, and whoever has his answer waits for no reason.
func TestWhyThereIsNoAnswer(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"waiting: too few validators are reached: 2 of 4\n": "waiting: too few validators are reached: 2 of 4",
		"waiting: \x1b[2J\nmore":                            `waiting: \x1b[2J`,
	} { // any order: each by itself
		node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				t.Errorf("asked for %s", r.URL)
			}
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, said)
		}))
		if got := reasonOf(t.Context(), node.URL); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		node.Close()
		if got := reasonOf(t.Context(), node.URL); got != "" {
			t.Errorf("of nobody: %q", got)
		}
	}
	for _, status := range []int{http.StatusOK, http.StatusNotFound, http.StatusBadGateway} {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if got := reasonOf(t.Context(), other.URL); got != "" {
			t.Errorf("%d: %q", status, got)
		}
		other.Close()
	}
	asked, tick := make(chan struct{}), make(chan time.Time, 1)
	tick <- time.Time{}
	var out strings.Builder
	s := &waiter{w: &out, after: func(time.Duration) <-chan time.Time { return tick },
		why: func(ctx context.Context, _ string) string {
			close(asked)
			<-ctx.Done()
			return "late"
		}}
	answered := s.wait("http://a")
	<-asked
	answered()
	if out.Len() > 0 {
		t.Errorf("said after the answer: %q", out.String())
	}
}
