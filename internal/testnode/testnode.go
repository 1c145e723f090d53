// Package testnode starts real Bitcoin nodes for tests: btcd, and a bitcoind, which 'make deps' puts into
// .tools: Bitcoin Knots, that is Bitcoin Core with changes of its own. An installed bitcoind, be it Core or Knots, goes first.
// A node that is not there skips the test and says so.
package testnode

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/devnet"
)

// Tools is the directory of programs that 'make deps' builds.
func Tools() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", ".tools")
}

// BTCD starts a private regtest network; the test's end stops it.
func BTCD(t testing.TB) *devnet.Node {
	t.Helper()
	binary, err := devnet.Find("", Tools())
	if err != nil {
		t.Skip("skipped, btcd is not installed: run 'make deps'")
	}
	node, err := devnet.Start(context.Background(), devnet.Options{Binary: binary, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Stop() })
	return node
}

// Core starts Bitcoin Core, or Knots, on regtest, or skips the test.
func Core(t testing.TB) *bitcoin.Client {
	t.Helper()
	binary, err := exec.LookPath("bitcoind")
	if err != nil {
		if binary, err = exec.LookPath(filepath.Join(Tools(), "bitcoind")); err != nil {
			t.Skip("skipped, no bitcoind (Bitcoin Core or Knots) is installed: run 'make deps'")
		}
	}
	dir, port := t.TempDir(), freePort(t)
	process := exec.Command(binary, "-regtest", "-datadir="+dir, "-listen=0", "-server", "-txindex=1",
		fmt.Sprintf("-rpcport=%d", port), "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-printtoconsole=0")
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(os.Interrupt)
		_ = process.Wait()
	})
	client, err := bitcoin.Dial(fmt.Sprintf("http://127.0.0.1:%d", port), bitcoin.DialOptions{
		CookieFile: filepath.Join(dir, "regtest", ".cookie"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err = client.Tip(context.Background()); err == nil {
			return client
		}
		if time.Now().After(deadline) {
			t.Fatalf("bitcoind does not answer: %v", err)
		}
	}
}

// freePort is a port that nobody listens on: tests of several packages run nodes at the same time.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Each runs a test against every kind of node.
func Each(t *testing.T, test func(t *testing.T, client *bitcoin.Client)) {
	t.Run("btcd", func(t *testing.T) { test(t, BTCD(t).Client) })
	t.Run("core", func(t *testing.T) { test(t, Core(t)) })
}
