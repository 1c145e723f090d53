package clustercmd

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/drill"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/signers"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/wallet"
)

// fake is a validator's node that says what a test has it say.
type fake struct {
	size    []uint64 // of its log, one question after another; the last stays
	root    byte
	has     []token.TransactionID
	live    money.Tiyn
	broken  bool
	queries atomic.Int32
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case f.broken:
		w.WriteHeader(http.StatusInternalServerError)
	case r.URL.Path == "/v1/network":
		var n api.Network
		n.Head.Size = f.size[min(int(f.queries.Add(1))-1, len(f.size)-1)]
		n.Head.Root = txlog.Hash{f.root}
		_ = json.NewEncoder(w).Encode(n)
	case r.URL.Path == "/v1/supply":
		_ = json.NewEncoder(w).Encode(api.Supply{Live: f.live, Circulating: f.live})
	case slices.ContainsFunc(f.has, func(id token.TransactionID) bool {
		return strings.HasSuffix(r.URL.Path, id.String())
	}):
		_, _ = w.Write([]byte("{}"))
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"code":"unknown"}`))
	}
}

// A demonstration fails when what it shows is not so: logs that differ, a payment that was answered and is missing
// somewhere, money that nobody issued, a validator that cannot be asked. One that is a block behind is waited for.
func TestADemonstrationFailsWhenItIsNotSo(t *testing.T) {
	t.Parallel()
	first, second := token.TransactionID{1}, token.TransactionID{2}
	both := []token.TransactionID{first, second}
	good := func() *fake { return &fake{size: []uint64{7}, has: both, live: 100} }
	for name, c := range map[string]struct {
		change func(f *fake)
		says   string
		lost   int
	}{
		"as it should be":       {func(*fake) {}, "", 0},
		"a block behind":        {func(f *fake) { f.size = []uint64{5, 6, 7} }, "", 0},
		"another log":           {func(f *fake) { f.root = 9 }, "different logs", 0},
		"a payment is missing":  {func(f *fake) { f.has = both[:1] }, "1 payments", 1},
		"both are":              {func(f *fake) { f.has = nil }, "2 payments", 2},
		"more than was issued":  {func(f *fake) { f.live = 101 }, "supply", 0},
		"less than was issued":  {func(f *fake) { f.live = 99 }, "supply", 0},
		"nobody answers for it": {func(f *fake) { f.broken = true }, "dala", 0},
	} {
		changed := good()
		c.change(changed)
		p := &clusterPlay{Drill: &drill.Drill{}, paid: both, expect: 100,
			plans: []validatorPlan{{Name: "central"}, {Name: "dala"}, {Name: "tulpar"}}}
		for _, f := range []*fake{good(), changed, good()} {
			server := httptest.NewServer(f)
			defer server.Close()
			p.clients = append(p.clients, &wallet.Client{API: api.NewClient(server.URL, "")})
		}
		err := p.conclude(t.Context())
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) ||
			p.genesis.Lost != c.lost {
			t.Errorf("%s: %v, lost %d", name, err, p.genesis.Lost)
		}
		if err == nil && (!p.genesis.EqualRoots || !p.genesis.SupplyConserved || p.genesis.Payments != 2 ||
			len(p.genesis.Validators) != 3) {
			t.Errorf("%s: %+v", name, p.genesis)
		}
	}
	// One that never comes to what the others have ends with who waits, and is not taken for equal.
	behind := httptest.NewServer(&fake{size: []uint64{6}})
	defer behind.Close()
	ahead := httptest.NewServer(good())
	defer ahead.Close()
	p := &clusterPlay{Drill: &drill.Drill{}, plans: []validatorPlan{{Name: "a"}, {Name: "b"}}, clients: []*wallet.Client{
		{API: api.NewClient(ahead.URL, "")}, {API: api.NewClient(behind.URL, "")}}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.compare(ctx); err == nil || p.genesis.EqualRoots {
		t.Errorf("%v, %+v", err, p.genesis)
	}
}

// Who signs the log after changes must follow from the genesis, by as many changes as were made.
func TestADemonstrationFailsWhenItsChangesAreNotShown(t *testing.T) {
	t.Parallel()
	g := ledger.Genesis{Name: "tenge.localhost"}
	for name, shows := range map[string][]byte{"nothing": nil, "no links": signers.Encode(nil), "rubbish": {0xff}} {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /v1/genesis", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(g)
		})
		mux.HandleFunc("GET /v1/signers", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(shows) })
		server := httptest.NewServer(mux)
		defer server.Close()
		p := &clusterPlay{Drill: &drill.Drill{}, plans: []validatorPlan{{Name: "farmers"}},
			clients: []*wallet.Client{{API: api.NewClient(server.URL, "")}}}
		if err := p.shown(t.Context(), 0); err == nil || p.genesis.Changes != 0 {
			t.Errorf("%s: %v, %d changes", name, err, p.genesis.Changes)
		}
	}
}
