package nodecmd

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// A link is for where the node listens that starts just now: not for what is configured, nor for what one that was
// killed left behind.
func TestALinkWaitsForANodeThatStarts(t *testing.T) {
	dir := t.TempDir()
	announce := func(instance string) net.Listener {
		t.Helper()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(api.InstanceHeader, "now")
		}))
		t.Cleanup(server.Close)
		if _, _, err := datadir.Announce(dir, server.Listener, instance); err != nil {
			t.Fatal(err)
		}
		return server.Listener
	}
	origin := func() string {
		t.Helper()
		origin, err := PageOrigin(datadir.Config{Listen: "127.0.0.1:8787"}, dir, "")
		if err != nil {
			t.Fatal(err)
		}
		return origin
	}
	announce("killed")
	if err := awaitAddress(context.Background(), dir); err != nil || origin() != here+"8787" {
		t.Errorf("no node runs: %v, %s", err, origin())
	}
	lock, err := vfs.OS.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	announce("killed")
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if err := awaitAddress(over, dir); err == nil || !strings.Contains(err.Error(), "--origin") {
		t.Errorf("a node that has not said where it listens: %v", err)
	}
	waited := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		waited <- awaitAddress(ctx, dir)
	}()
	_, port, err := net.SplitHostPort(announce("now").Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil || origin() != here+port {
		t.Errorf("a node that starts: %v, %s, want port %s", err, origin(), port)
	}
}
