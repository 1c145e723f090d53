package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// forgedLog begins with a network's true genesis and goes on with a block that nobody made, under a checkpoint signed
// with a key that is not the network's.
type forgedLog struct {
	log     *txlog.Log
	genesis ledger.Genesis // as it is told
	block   api.BlockView
	vkey    string
}

func forge(t *testing.T, w *sim.World, issued money.Tiyn) *forgedLog {
	t.Helper()
	skey, vkey, err := note.GenerateKey(nil, w.Genesis.Name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	f := &forgedLog{genesis: w.Genesis, vkey: vkey}
	if f.log, err = txlog.Open(t.TempDir(), txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{signer},
		SegmentBytes: 1 << 16}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.log.Close() })
	commit := func(entry []byte) {
		batch, err := f.log.Stage([][]byte{entry})
		if err == nil {
			err = f.log.Commit(batch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	commit(w.Genesis.Leaf().Encode())
	root, err := f.log.Root(1)
	if err != nil {
		t.Fatal(err)
	}
	leaf := ledger.Leaf{Height: 1, TimeMillis: w.Genesis.TimeMillis + 1, Rules: w.Genesis.Rules,
		Previous: token.Hash(root), Issued: issued, Circulating: issued}
	commit(leaf.Encode())
	if root, err = f.log.Root(2); err != nil {
		t.Fatal(err)
	}
	f.block = api.BlockView{Leaf: leaf, First: 1, Size: 2, Root: root.String()}
	if _, err := f.log.Publish(); err != nil {
		t.Fatal(err)
	}
	return f
}

// serve answers as a node does, but for the log.
func (f *forgedLog) serve(t *testing.T, w *town) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		if r.URL.Path == "/v1/blocks/stream" {
			http.NotFound(rw, r)
			return
		}
		w.server.Handler().ServeHTTP(rec, r)
		switch {
		case strings.HasPrefix(r.URL.Path, "/tile/entries/"):
			f.log.EntriesHandler().ServeHTTP(rw, r)
		case strings.HasPrefix(r.URL.Path, "/tile/"), r.URL.Path == "/checkpoint":
			f.log.Handler().ServeHTTP(rw, r)
		case r.URL.Path == "/v1/genesis":
			_ = json.NewEncoder(rw).Encode(f.genesis)
		case r.URL.Path == "/v1/blocks":
			_ = json.NewEncoder(rw).Encode([]api.BlockView{f.block})
		case r.URL.Path == "/v1/network":
			_, _ = rw.Write([]byte(strings.ReplaceAll(rec.Body.String(), w.world.Genesis.LogKey, f.vkey)))
		case r.URL.Path == "/explorer":
			rw.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = rw.Write(rec.Body.Bytes())
		case r.URL.Path == "/explorer.js":
			rw.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			_, _ = rw.Write(rec.Body.Bytes())
		default:
			_, _ = rw.Write(rec.Body.Bytes())
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A server that has not the log's key shows the true genesis and what it likes after it; or a genesis that names its
// own key. The page, which believes no word of it, refuses the one by the genesis and the other by the id from
// elsewhere.
func TestPageRefusesForgedLogs(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	network := w.world.Network.String()
	block, moneyToo := forge(t, w.world, 0), forge(t, w.world, 999_999_999_999)
	own := sim.NewWorld(9)
	own.Genesis.Name = w.world.Genesis.Name
	other := forge(t, own, 0)
	tests := []struct {
		name, network, says string
		log                 *forgedLog
	}{
		{"an invented block", network, "signed with the key that the genesis names", block},
		{"money out of nothing", network, "signed with the key that the genesis names", moneyToo},
		{"an invented block, and no id", "", "signed with the key that the genesis names", block},
		{"another genesis", network, "which you named", other},
	}
	ctx := browser(t)
	for _, test := range tests {
		if result, checks := verdict(t, ctx, test.log.serve(t, w), test.network); result != "failed" ||
			!strings.Contains(checks, test.says) {
			t.Errorf("%s: %s: %s", test.name, result, checks)
		}
	}
}

// On a network that is not open the public verifies what is public. Without an id from elsewhere that is said to be
// missing; with one it is remembered.
func TestPageVerifiesForThePublic(t *testing.T) {
	w := newTown(t, api.Options{})
	ctx := browser(t)
	if result, checks := verdict(t, ctx, w.http.URL, ""); result != "unanchored" ||
		!strings.Contains(checks, w.world.Network.String()) {
		t.Fatalf("without an id: %s: %s", result, checks)
	}
	if result, checks := verdict(t, ctx, w.http.URL, w.world.Network.String()); result != "verified" {
		t.Fatalf("%s: %s", result, checks)
	}
	var remembered, scanned string
	link := w.http.URL + "/explorer?again#network=" + strings.Repeat("ab", 32)
	if err := chromedp.Run(ctx, chromedp.Navigate(w.http.URL+"/explorer"),
		chromedp.WaitVisible(`#blocks tr`, chromedp.ByQuery), chromedp.Value(`#id`, &remembered, chromedp.ByQuery),
		chromedp.Navigate(link), chromedp.WaitVisible(`#blocks tr`, chromedp.ByQuery),
		chromedp.Value(`#id`, &scanned, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	if remembered != w.world.Network.String() || scanned != strings.Repeat("ab", 32) {
		t.Fatalf("remembered %q, from a link %q", remembered, scanned)
	}
	result, checks := verdict(t, ctx, w.http.URL, strings.Repeat("ab", 32))
	if result != "failed" || !strings.Contains(checks, w.world.Network.String()+", not of "+strings.Repeat("ab", 32)) {
		t.Fatalf("another network's id: %s: %s", result, checks)
	}
	var over int
	if err := chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(320, 640, 2, true),
		chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over)); err != nil || over > 0 {
		t.Errorf("%d pixels wider than a phone (%v)", over, err)
	}
}
