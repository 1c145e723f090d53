package main

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli"
)

// gate stands before an office and is gone once it has let a mint quote through.
type gate struct {
	http.Server
	address string
	shut    atomic.Bool
}

func newGate(t *testing.T, office, address string, once bool) *gate {
	t.Helper()
	target, err := url.Parse(office)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{address: listener.Addr().String()}
	through := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: target.Scheme, Host: target.Host})
	g.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if once && r.URL.Path == "/cash/v1/mint/quote/aqsha" && g.shut.CompareAndSwap(false, true) {
			w.Header().Set("Connection", "close")
			_ = listener.Close() // nobody dials it any more; this answer goes out
		}
		through.ServeHTTP(w, r)
	})
	go func() { _ = g.Serve(listener) }()
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// The office is gone between a withdrawal's payment and its notes: that money has moved is said, with exit code 4 and
// what brings the notes, and not that nobody was asked.
func TestAWithdrawalWhoseOfficeIsGone(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	data, office, purse := filepath.Join(root, "net"), filepath.Join(root, "office"), filepath.Join(root, "purse")
	run1(t, "init", "--development", "--shared-keys", "--data", data)
	run1(t, "bank", "admit", "halyk", "--data", data)
	run1(t, "issue", "halyk", "100000", "--data", data)
	run1(t, "wallet", "new", "aigerim", "--bank", "halyk", "--tier", "person", "--data", data)
	run1(t, "pay", "halyk", "aigerim", "20000", "--data", data)
	n := up(t, data)
	defer n.kill()
	run1(t, "cash", "keys", "new", "--office", office)
	run1(t, "cash", "keys", "announce", "reserve", "--data", data, "--office", office)
	serving := aqsha("cash", "up", "reserve", "--data", data, "--office", office, "--listen", "127.0.0.1:0", "--interval", "1s")
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = serving.Process.Kill(); _ = serving.Wait() }()
	mint := waitsFor(t, filepath.Join(office, "office.url"))
	before := newGate(t, mint, "127.0.0.1:0", true)
	withdraw := aqsha("cash", "withdraw", "aigerim", "500", "--data", data, "--wallet", purse, "--mint", "http://"+before.address+"/cash")
	out, err := withdraw.CombinedOutput()
	if code := withdraw.ProcessState.ExitCode(); err == nil || code != cli.ExitUnknown || !strings.Contains(string(out), "were paid for notes that have not come") {
		t.Fatalf("exit code %d: %s", code, out)
	}
	settle := aqsha("cash", "settle", "--wallet", purse) // the office is still gone
	out, err = settle.CombinedOutput()
	if code := settle.ProcessState.ExitCode(); err == nil || code != cli.ExitUnknown {
		t.Fatalf("exit code %d: %s", code, out)
	}
	newGate(t, mint, before.address, false)
	if out := run1(t, "cash", "settle", "--wallet", purse); !strings.Contains(strings.ReplaceAll(out, "\u202f", " "), "the wallet has 500.00 ₸") {
		t.Fatal(out)
	}
}

// waitsFor waits until a file is there, and reads it.
func waitsFor(t *testing.T, path string) string {
	t.Helper()
	for range 3000 {
		if content, err := os.ReadFile(path); err == nil && len(content) > 0 {
			return strings.TrimSpace(string(content))
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not come", path)
	return ""
}
