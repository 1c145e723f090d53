package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// gate stands before a node: it answers with the status of its turn, or lets through.
type gate struct {
	status  atomic.Int32 // 0 lets through
	posted  atomic.Int32
	bodies  chan string
	handler http.Handler
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		g.posted.Add(1)
		body, _ := io.ReadAll(r.Body)
		g.bodies <- string(body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	if status := g.status.Load(); status != 0 {
		w.WriteHeader(int(status))
		return
	}
	g.handler.ServeHTTP(w, r)
}

func newGate(t *testing.T, handler http.Handler) (*gate, string) {
	g := &gate{bodies: make(chan string, 100), handler: handler}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return g, server.URL
}

// A client that knows several nodes finds the one that leads, sends it the very transaction that another did not answer, and
// stays with it.
func TestAClientFollowsTheLeader(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	handler := w.http.Config.Handler
	first, firstURL := newGate(t, handler)
	second, secondURL := newGate(t, handler)
	gone := httptest.NewServer(handler)
	gone.Close()
	second.status.Store(http.StatusServiceUnavailable)
	client := api.NewClient(strings.Join([]string{gone.URL, secondURL + "/", firstURL}, ", "), "")
	if _, err := client.Network(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx := w.payBob(500)
	if _, err := client.Submit(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	if first.posted.Load() != 1 || second.posted.Load() != 0 {
		t.Errorf("posted %d times to the leader, %d to the other", first.posted.Load(), second.posted.Load())
	}
	<-first.bodies
	// The leader is another now; what the old one refuses goes there, as it was.
	second.status.Store(0)
	first.status.Store(http.StatusMisdirectedRequest)
	answers, err := client.SubmitAll(t.Context(), []*token.Transaction{tx})
	if err != nil || answers[0].Receipt == nil {
		t.Fatalf("the same sent again: %+v, %v", answers, err)
	}
	if before, after := <-first.bodies, <-second.bodies; before != after {
		t.Error("another transaction was sent the second time")
	}
}

// A node that has handed its ledger over to validators is ready for nothing and says why, also after a restart; who names
// it beside a validator goes on to that one, whether he met it before or after.
func TestAClientGoesOnFromANodeThatWasHandedOver(t *testing.T) {
	var config node.Config
	old := newTownOf(t, api.Options{Open: true}, func(c *node.Config) { config = *c })
	next := newTown(t, api.Options{Open: true}) // stands in for the validator: the same world, so the same network
	both := old.http.URL + "," + next.http.URL
	met := api.NewClient(both, "")
	if _, err := met.Submit(t.Context(), old.payBob(100)); err != nil {
		t.Fatal(err)
	}
	set := old.world.Sign(&token.SetValidators{Sequence: 1, Validators: []token.Validator{old.world.Validator("first"),
		old.world.Validator("second")}}, soon(), old.world.By(token.RoleRoot, 2))
	if _, err := old.client.Submit(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	handed := func() {
		t.Helper()
		for _, path := range []string{"/readyz", "/readyz?for=reads"} {
			if got, body := asked(t, old.server, path); got != http.StatusServiceUnavailable ||
				!strings.Contains(body, "handed-over") || !strings.Contains(body, "validators") {
				t.Errorf("%s: %d %s", path, got, body)
			}
		}
		h, err := old.client.Health(t.Context())
		if err != nil || h.Ready || h.Role != node.StandsHandedOver || h.Status != "read-only" {
			t.Errorf("%+v, %v", h, err)
		}
	}
	handed()
	// Of two that send the same both get its receipt.
	payment := next.payBob(100)
	for name, client := range map[string]*api.Client{"met before": met, "new": api.NewClient(both, "")} { // any order
		if _, err := client.Submit(t.Context(), payment); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := old.client.Submit(t.Context(), old.payBob(100)); fault.Code(err) != string(node.CodeHandedOver) {
		t.Errorf("where nobody else is named: %v", err)
	}
	if err := old.node.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if old.node, err = node.Open(config); err != nil {
		t.Fatal(err)
	}
	old.server = api.New(old.node, api.Options{Open: true})
	old.client = api.Local(old.server)
	handed()
}
