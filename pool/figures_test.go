package pool_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/web"
)

// However often strangers ask, the walks over all workers take a small part of a core: what took long to find is shown on.
func TestWalksRest(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{10 * time.Microsecond: 0, 100 * time.Millisecond: 2 * time.Second, time.Second: 20 * time.Second} {
		if got := pool.RestAfter(took); got != want {
			t.Errorf("after a walk of %v: %v, want %v", took, got, want)
		}
	}
	p := startOffered(t, testConfig())
	c := dial(t, p.address).login(alice)
	earn := func(user string, i uint64) {
		c.call("mining.authorize", user, "x")
		c.expect("share", c.find(user, c.job(), i, meets(c.difficulty)), 0)
	}
	get := func(path string) string {
		answer := httptest.NewRecorder()
		web.Handler(p.Pool).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer.Body.String()
	}
	accepted := func() uint64 {
		var s pool.Stats
		if err := json.Unmarshal([]byte(get("/v1/pool")), &s); err != nil {
			t.Fatal(err)
		}
		return s.Accepted
	}
	earn(alice+".first", 1)
	if !strings.Contains(get("/v1/workers"), "first") {
		t.Error("the first worker is not listed")
	}
	p.KeepWalk(time.Now().Add(time.Hour))
	before := accepted()
	earn(alice+".later", 2)
	for _, path := range []string{"/v1/workers", "/v1/workers?user=" + strings.ToUpper(alice), "/user/" + alice, "/metrics"} {
		if body := get(path); strings.Contains(body, "later") || !strings.Contains(body, "first") {
			t.Errorf("%s walked over the workers again: %s", path, body)
		}
	}
	if after := accepted(); after != before+1 {
		t.Errorf("%d shares and then %d: what is counted is of now", before, after)
	}
	p.KeepWalk(time.Time{})
	for _, path := range []string{"/v1/workers", "/v1/workers?user=" + strings.ToUpper(alice), "/user/" + alice, "/metrics"} {
		if !strings.Contains(get(path), "later") {
			t.Errorf("%s does not list the later worker", path)
		}
	}
}

// A part of the list of blocks that nobody can have is refused by field.
func TestPagesOfBlocksAreBounded(t *testing.T) {
	p := startOffered(t, testConfig())
	for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x", "?after=-1"} {
		answer := httptest.NewRecorder()
		web.Handler(p.Pool).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/v1/blocks"+query, nil))
		if answer.Code != 400 || !strings.Contains(answer.Body.String(), "bad-") {
			t.Errorf("%s: %d %s", query, answer.Code, answer.Body)
		}
	}
}
