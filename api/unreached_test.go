package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whoever named a node that does not answer is told which and why, and reads nothing of Go.
func TestWhyANodeWasNotReached(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	_ = l.Close()
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hangs.Close)
	ends := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(ends.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	for name, c := range map[string]struct{ url, want string }{
		"nobody listens":        {nobody, "connection refused"},
		"it hangs":              {hangs.URL, "did not answer in time"},
		"it ends":               {ends.URL, "ended the connection"},
		"an unknown authority":  {secure.URL, "--ca"},
		"a name nobody has":     {"http://nobody.invalid:1", "nobody.invalid"},
		"https where http is":   {strings.Replace(ends.URL, "http:", "https:", 1), "does not answer"},
		"an address unreadable": {"http://[::1", "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := NewClient(c.url, "").Network(ctx)
			var unreached *UnreachedError
			if !errors.As(err, &unreached) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.url) {
				t.Fatalf("%v", err)
			}
			for _, inside := range []string{"Get \"", "dial tcp", "x509", "EOF"} {
				if strings.Contains(err.Error(), inside) {
					t.Errorf("%q speaks of %s", err, inside)
				}
			}
		})
	}
	if _, err := NewClient(nobody, "").Network(t.Context()); !NotReached(err) {
		t.Errorf("%v is not known as a connection that did not come about", err)
	}
}

// Of several nodes of which none leads, each one's own reason is said: what the last one that was asked said is seldom the cause.
func TestWhyNoneOfTheNodesTakesPayments(t *testing.T) {
	says := func(status int, word string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeWord(w, status, word) }))
		t.Cleanup(server.Close)
		return server.URL
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	waits, follows := says(http.StatusServiceUnavailable, "waiting: for followers"), says(http.StatusServiceUnavailable, "following")
	last := newProblem(http.StatusMisdirectedRequest, "following", "", "the leader is elsewhere")
	err := NewClient(waits+","+gone.URL+","+follows, "").nobodyLeads(t.Context(), last)
	for _, want := range []string{waits + ": waiting: for followers", gone.URL + " does not answer: connection refused", follows + ": following"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	var problem *Problem
	if !errors.As(err, &problem) || problem.Code != "following" {
		t.Errorf("the code is lost: %v", err)
	}
}

// A node that takes a question and never answers is given up in time; a change that it took is waited for, since giving
// it up would leave open whether it was done. Who stops waiting for an answer learns whether anything was sent.
func TestANodeThatStandsStillIsGivenUp(t *testing.T) {
	asked := make(chan string, 8)
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- r.URL.Path
		<-r.Context().Done()
	}))
	t.Cleanup(hangs.Close)
	c := NewClient(hangs.URL, "")
	c.ReadsWithin(time.Millisecond)
	if _, err := c.Supply(t.Context()); err == nil || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("a question: %v", err)
	} else if none, changed := NoAnswer(err); !none || changed {
		t.Errorf("a question: %t, %t, %v", none, changed, err)
	}
	stopped := func(at string, ask func(ctx context.Context) error) error {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for path := range asked {
				if path == at {
					stop()
					return
				}
			}
		}()
		return ask(ctx)
	}
	patient := NewClient(hangs.URL, "")
	err := stopped("/v1/authority", func(ctx context.Context) error { _, err := patient.Authority(ctx); return err })
	if err == nil || !strings.Contains(err.Error(), "nothing was sent that changes anything") {
		t.Errorf("who stops asking: %v", err)
	}
	c.ReadsWithin(time.Millisecond)
	err = stopped("/v1/transactions", func(ctx context.Context) error {
		_, err := c.SubmitEncoded(ctx, []byte{1}, 1)
		return err
	})
	if !errors.As(err, new(*UnansweredError)) || strings.Contains(err.Error(), "in time") {
		t.Errorf("a change: %v", err)
	}
}

// Where the line could not be secured nothing was sent: nobody was reached.
func TestALineThatCannotBeSecuredReachesNobody(t *testing.T) {
	plain, secure := httptest.NewServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	for _, url := range []string{strings.Replace(plain.URL, "http:", "https:", 1), secure.URL} {
		_, err := NewClient(url, "").Supply(t.Context())
		if none, changed := NoAnswer(err); !none || changed {
			t.Errorf("%s: %v", url, err)
		}
	}
}
