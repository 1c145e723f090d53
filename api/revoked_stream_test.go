package api_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/httplimit"
)

// What a token opened ends with it: a feed of the whole log, and a stream of blocks.
func TestARevokedTokenEndsItsStreams(t *testing.T) {
	w := newTown(t, api.Options{})
	list := []api.Access{{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("secret")}}
	w.server = api.New(w.node, api.Options{Access: list})
	w.http.Config.Handler = w.server.Handler()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ended := make(chan error, 2)
	for _, path := range []string{"/v1/feed?from=0", "/v1/blocks/stream"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer secret")
		response, err := http.DefaultClient.Do(r)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(path, response, err)
		}
		defer response.Body.Close()
		go func() {
			_, err := io.Copy(io.Discard, response.Body)
			ended <- err
		}()
	}
	select {
	case err := <-ended:
		t.Fatal("a stream ended while its token stood: ", err)
	case <-time.After(1500 * time.Millisecond): // longer than a look takes to come round
	}
	w.server.SetAccess(nil)
	for range 2 {
		<-ended
		if ctx.Err() != nil {
			t.Fatal("a stream goes on after its token was revoked")
		}
	}
}

// However many requests are under way, an orchestrator hears that the node lives.
func TestProbesAreAnsweredWhenAllIsTaken(t *testing.T) {
	w := newTown(t, api.Options{})
	limits := httplimit.Default(4096)
	limits.Requests, limits.RequestsPerAddress = 0, 0
	w.http.Config.Handler = api.New(w.node, api.Options{Limits: &limits}).Handler()
	for path, want := range map[string]int{"/livez": 200, "/readyz": 200, "/v1/supply": 429} { // any order: each by itself
		response, err := http.Get(w.http.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, response.StatusCode, want)
		}
	}
}
