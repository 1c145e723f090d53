package verifycmd

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/words"
)

// closedTown serves a network whose entries are not for everybody.
type closedTown struct {
	world *sim.World
	node  *node.Node
	api   http.Handler
}

func newClosedTown(t *testing.T) *closedTown {
	t.Helper()
	w := sim.NewWorld(1)
	c := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, SegmentBytes: 1 << 20}}
	if err := node.Init(c, w.Genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	until := n.Clock().TimeMillis + 60_000
	admit, bank := w.Admit("bank", 1, until)
	for _, tx := range []*token.Transaction{admit, w.Issue(1, bank, until, money.Tenge)} {
		if _, err := n.Submit(context.Background(), tx); err != nil {
			t.Fatal(err)
		}
	}
	return &closedTown{w, n, api.New(n, api.Options{}).Handler()}
}

// serve serves it through change, which may answer in its place.
func (c *closedTown) serve(t *testing.T, change func(w http.ResponseWriter, r *http.Request, next http.Handler)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { change(w, r, c.api) }))
	t.Cleanup(server.Close)
	return server.URL
}

func truth(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }

// record is what next answers.
func record(r *http.Request, next http.Handler) []byte {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	return rec.Body.Bytes()
}

// The public verifies a closed network by what it may see, and learns what that leaves open.
func TestVerifyAsThePublic(t *testing.T) {
	t.Parallel()
	c := newClosedTown(t)
	url := c.serve(t, truth)
	r, err := verifyServed(t.Context(), url, "", c.world.Network, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Entries || r.Leaves != 3 || r.Size != 5 || r.Tiles != 1 || r.Issued != money.Tenge || len(r.Unchecked) != 1 || r.Unchecked[0] != "entries" {
		t.Fatalf("report %+v", r)
	}
	var out strings.Builder
	describeReport(&out, words.English, r)
	if !strings.Contains(out.String(), "Not checked: signatures and rules") {
		t.Fatal(out.String())
	}
}

// Whoever serves the log may lie in each of its answers; the public notices.
func TestVerifyAsThePublicRefusesForgeries(t *testing.T) {
	t.Parallel()
	c := newClosedTown(t)
	skey, vkey, err := note.GenerateKey(nil, c.world.Genesis.Name)
	if err != nil {
		t.Fatal(err)
	}
	forger, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(w http.ResponseWriter, r *http.Request, next http.Handler){
		"a checkpoint by another key, which the network is said to have": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			switch r.URL.Path {
			case "/checkpoint":
				text, _, _ := strings.Cut(string(record(r, next)), "\n\n")
				signed, _ := note.Sign(&note.Note{Text: text + "\n"}, forger)
				_, _ = w.Write(signed)
			case "/v1/network":
				_, _ = w.Write([]byte(strings.ReplaceAll(string(record(r, next)), c.world.Genesis.LogKey, vkey)))
			default:
				next.ServeHTTP(w, r)
			}
		},
		"a genesis with another log key": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path != "/v1/genesis" {
				next.ServeHTTP(w, r)
				return
			}
			g := c.world.Genesis
			g.LogKey = vkey
			_ = json.NewEncoder(w).Encode(g)
		},
		"a wrong hash": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if !strings.HasPrefix(r.URL.Path, "/tile/0/") {
				next.ServeHTTP(w, r)
				return
			}
			body := record(r, next)
			body[2*32] ^= 1
			_, _ = w.Write(body)
		},
		"money out of nothing": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path != "/v1/blocks" {
				next.ServeHTTP(w, r)
				return
			}
			_, _ = w.Write([]byte(strings.ReplaceAll(string(record(r, next)), `"issued":100,`, `"issued":999999999999,`)))
		},
		"a block left out": func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.URL.Path != "/v1/blocks" {
				next.ServeHTTP(w, r)
				return
			}
			var views []api.BlockView
			_ = json.Unmarshal(record(r, next), &views)
			_ = json.NewEncoder(w).Encode(views[:1])
		},
	}
	for name, forge := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := verifyServed(t.Context(), c.serve(t, forge), "", c.world.Network, nil)
			if failed := new(node.VerifyError); !errors.As(err, &failed) {
				t.Fatalf("error %v", err)
			}
		})
	}
}

// Any server of C2SP tlog-tiles will do, and its hash tiles are compared with the entries.
func TestVerifyAMirrorOverHTTP(t *testing.T) {
	t.Parallel()
	c := newClosedTown(t)
	wrong := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch handler := c.node.Log().Handler(); {
		case strings.HasPrefix(r.URL.Path, "/tile/entries/"):
			c.node.Log().EntriesHandler().ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/tile/") && wrong:
			body := record(r, handler)
			body[32] ^= 1
			_, _ = w.Write(body)
		case r.URL.Path == "/checkpoint" || strings.HasPrefix(r.URL.Path, "/tile/"):
			handler.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	r, err := verifyServed(t.Context(), server.URL, "", token.NetworkID{}, nil)
	if err != nil || !r.Entries || r.Tiles != 1 || r.Size != 5 {
		t.Fatalf("report %+v, error %v", r, err)
	}
	wrong = true
	_, err = verifyServed(t.Context(), server.URL, "", token.NetworkID{}, nil)
	if failed := new(node.VerifyError); !errors.As(err, &failed) || !strings.Contains(err.Error(), "hash tile") {
		t.Fatalf("error %v", err)
	}
}
