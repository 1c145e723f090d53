package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
)

// listener is what listens at URLs: each takes its time, and may be down.
type listener struct {
	mu    sync.Mutex
	takes map[string]time.Duration
	down  map[string]bool
	took  map[string][]string // scopes, by URL
	posts map[string]int
}

func newListener() *listener {
	return &listener{takes: map[string]time.Duration{}, down: map[string]bool{}, took: map[string][]string{},
		posts: map[string]int{}}
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	url := r.URL.String()
	l.mu.Lock()
	takes, down := l.takes[url], l.down[url]
	l.mu.Unlock()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(takes):
	}
	if down {
		return nil, errors.New("connection refused")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var message struct{ Notices []alert.Notice }
	if err := json.Unmarshal(body, &message); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posts[url]++
	for _, n := range message.Notices {
		l.took[url] = append(l.took[url], n.Scope)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func (l *listener) set(url string, down bool) { l.mu.Lock(); l.down[url] = down; l.mu.Unlock() }

func (l *listener) all(url string) (string, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.took[url], " "), l.posts[url]
}

// hooks runs over a folder until stop is called.
func hooks(t *testing.T, dir string, l *listener, log []alert.Notice, urls ...string) (*Hooks, func()) {
	t.Helper()
	h := &Hooks{Dir: dir, URLs: urls, Log: slog.New(slog.DiscardHandler),
		Client: &http.Client{Transport: l, Timeout: hookTimeout}}
	if err := h.Open(); err != nil {
		t.Fatal(err)
	}
	for _, n := range log {
		h.Take(n, true)
	}
	ctx, stop := context.WithCancel(t.Context())
	h.Start(ctx)
	return h, func() { stop(); h.Wait() }
}

// A receiver that takes a minute over each request, or is down for hours, in which the watch is started again, gets
// every notice once and in order, and holds up nobody else; what is silenced is sent to nobody.
func TestHooksLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slow, quick, away, new = "http://slow/x", "http://quick/x", "http://away/x", "http://new/x"
		dir, l := t.TempDir(), newListener()
		l.takes[slow] = time.Minute
		l.set(away, true)
		var log []alert.Notice
		var want []string
		h, stop := hooks(t, dir, l, nil, slow, quick, away)
		report := func(i int) {
			n := now(alert.Offline, true, fmt.Sprintf("M%03d", i))
			n.Silenced = i%10 == 9
			log = append(log, n)
			if !n.Silenced {
				want = append(want, n.Scope)
			}
			h.Take(n, true)
		}
		for i := range 215 {
			report(i)
			time.Sleep(150 * time.Millisecond)
		}
		synctest.Wait()
		if got, _ := l.all(quick); got != strings.Join(want, " ") {
			t.Errorf("a quick one has %q", got)
		}
		time.Sleep(3 * time.Minute)
		if got, posts := l.all(slow); got != strings.Join(want, " ") || posts > 3 {
			t.Errorf("a slow one has, in %d requests, %q", posts, got)
		}
		stop()
		h, stop = hooks(t, dir, l, log, slow, quick, away, new)
		report(215)
		time.Sleep(time.Hour)
		l.set(away, false)
		time.Sleep(maxPause + time.Second)
		stop()
		for _, url := range []string{slow, quick, away} {
			if got, _ := l.all(url); got != strings.Join(want, " ") {
				t.Errorf("%s has %q", url, got)
			}
		}
		if got, _ := l.all(new); got != "M215" {
			t.Errorf("a new one has %q", got)
		}
		content, err := os.ReadFile(filepath.Join(dir, hooksFile))
		if err != nil || strings.Contains(string(content), "quick") {
			t.Errorf("%s: %s, %v", hooksFile, content, err)
		}
	})
}

// Of a receiver that is away for ever the newest notices are kept, and that others were dropped is said.
func TestHooksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const away = "http://away/x"
		l := newListener()
		l.set(away, true)
		h, stop := hooks(t, t.TempDir(), l, nil, away)
		for i := range maxWaiting + 5 {
			h.Take(now(alert.Hot, true, fmt.Sprint(i)), i%2 == 0) // every other line could not be written
		}
		l.set(away, false)
		time.Sleep(time.Hour)
		stop()
		got, posts := l.all(away)
		if !strings.HasPrefix(got, "5 6 ") || !strings.HasSuffix(got, fmt.Sprint(" ", maxWaiting+4)) ||
			posts != maxWaiting/maxAtOnce || len(h.waiting) != 0 {
			t.Errorf("it has %d bytes in %d requests, %d wait", len(got), posts, len(h.waiting))
		}
	})
}
