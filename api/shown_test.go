package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
)

// What no follower has acknowledged is in the log and in nobody's hands: no bundle of entries shows it, to the regulator neither.
func TestBundlesEndWithWhatIsAcknowledged(t *testing.T) {
	world := sim.NewWorld(8)
	_, public, err := note.GenerateKey(nil, "follower")
	if err == nil {
		public, err = formats.VKeyToCosignatureV1(public)
	}
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := node.ParseFollower(public)
	if err != nil {
		t.Fatal(err)
	}
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: world.Genesis.Name, Signers: []note.Signer{world.LogSigner}}}
	if err := node.Init(config, world.Genesis); err != nil {
		t.Fatal(err)
	}
	config.Followers, config.Acks, config.TrustClock = []note.Verifier{verifier}, 1, true
	config.Monotonic, config.Now = nil, func() uint64 { return uint64(time.Now().UnixMilli()) }
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	server := httptest.NewServer(api.New(n, api.Options{Open: true}).Handler())
	defer server.Close()
	admit, _ := world.Admit("bank", 1, soon())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := n.Submit(ctx, admit); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("answered without a follower: %v", err)
	}
	for n.Log().Size() < 3 {
		time.Sleep(10 * time.Millisecond)
	}
	get := func(path string) (int, string) {
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(body)
	}
	if status, body := get("/tile/entries/000.p/1"); status != http.StatusOK {
		t.Errorf("what is shown: %d %s", status, body)
	}
	if status, body := get("/tile/entries/000.p/3"); status != http.StatusNotFound || !strings.Contains(body, "acknowledged") {
		t.Errorf("what is not acknowledged: %d %q", status, body)
	}
}

// A stream that is to go on after what is not here is refused at once, by name, and not left to wait for ever.
func TestAStreamFromTheFutureIsRefused(t *testing.T) {
	world := sim.NewWorld(8)
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: world.Genesis.Name, Signers: []note.Signer{world.LogSigner}}}
	if err := node.Init(config, world.Genesis); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	admit, _ := world.Admit("bank", 1, soon())
	if _, err := n.Submit(t.Context(), admit); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api.New(n, api.Options{Open: true}).Handler())
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/v1/blocks/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Last-Event-ID", "999")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode < 400 || response.StatusCode >= 500 || !strings.Contains(string(body), "Last-Event-ID") || !strings.Contains(string(body), "999") {
		t.Errorf("%s: %s", response.Status, body)
	}
	// The block that is here is no future.
	if heights, err := events(ctx, server.URL, "", 1, 1<<40); err != nil || len(heights) != 1 {
		t.Errorf("%v, %v", heights, err)
	}
}
