package bench_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/console/bench"
)

// What is measured is the page's own: a page that waits for its server is painted later by at least that, each visit is
// one request in a profile that knows nothing, a second visit is two in one, and a page that shows nothing is an error.
func TestWhatIsMeasuredIsThePage(t *testing.T) {
	const wait = 400 * time.Millisecond
	var visits, known atomic.Int64
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		if _, err := r.Cookie("seen"); err == nil {
			known.Add(1)
		}
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes"})
		_, _ = w.Write([]byte(`<!doctype html><title>page</title><h1>A page</h1>`))
	}
	mux.HandleFunc("GET /fast", page)
	mux.HandleFunc("GET /late", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(wait):
			page(w, r)
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b, err := bench.Start(t.Context())
	if errors.Is(err, bench.ErrNoBrowser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	late, err := b.Medians(t.Context(), []string{server.URL + "/late"}, bench.Visit{Slower: 1}, 1)
	if err != nil || late[0] < wait {
		t.Errorf("%v, %v: it was not there before %v", late, err, wait)
	}
	if visits.Load() != 1 || known.Load() != 0 {
		t.Errorf("%d requests, %d of a profile that was there", visits.Load(), known.Load())
	}
	if _, err := b.LargestPaint(t.Context(), server.URL+"/fast",
		bench.Visit{Slower: 4, Slow4G: true, Second: true}); err != nil {
		t.Error(err)
	}
	if visits.Load() != 3 || known.Load() != 1 {
		t.Errorf("%d requests, %d of a profile that was there; want three and one", visits.Load(), known.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.LargestPaint(ctx, server.URL+"/fast", bench.Visit{}); err == nil {
		t.Error("a visit that was given up has a time")
	}
}

// A page is used as a person uses it: what a script does is done in it, what it throws is an error, and the longest of
// its tasks is seen, also one from before anybody asked.
func TestAPageIsUsed(t *testing.T) {
	const busy = 120 // milliseconds
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Language", r.Header.Get("Accept-Language"))
		_, _ = w.Write([]byte(`<!doctype html><title>page</title><h1>A page</h1><script>setInterval(() => {
			const until = performance.now() + ` + strconv.Itoa(busy) + `; while (performance.now() < until);
		}, 300)</script>`)) // again and again: a browser measures no task that began before there was an observer
	}))
	t.Cleanup(server.Close)
	b, err := bench.Start(t.Context())
	if errors.Is(err, bench.ErrNoBrowser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	tab, err := b.Open(t.Context(), server.URL, bench.Visit{Slower: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Close(t.Context())
	var heading string
	wait := `while (!document.querySelector("h1")) await new Promise((r) => setTimeout(r, 10)); `
	if err := tab.Run(t.Context(), wait+`return document.querySelector("h1").textContent + a.more`,
		map[string]string{"more": " that is used"}, &heading); err != nil || heading != "A page that is used" {
		t.Errorf("%q, %v", heading, err)
	}
	if err := tab.Run(t.Context(), `if (navigator.language !== "en-US") throw new Error(navigator.language)`, nil,
		nil); err != nil {
		t.Error(err)
	}
	if err := tab.Run(t.Context(), `throw new Error("no such button")`, nil, nil); err == nil ||
		!strings.Contains(err.Error(), "no such button") {
		t.Errorf("what a script throws: %v", err)
	}
	// A browser that has little time hands observers their entries when it has some.
	longest, err := tab.LongestTask(t.Context())
	for tries := 0; err == nil && longest.Millis < busy && tries < 200; tries++ {
		longest, err = tab.LongestTask(t.Context())
	}
	if err != nil || longest.Millis < busy || longest.Heading != "A page" {
		t.Errorf("the longest task is %v, %v; one took %d ms", longest, err, busy)
	}
}
