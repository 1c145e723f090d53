// Package testnode starts real Bitcoin nodes for tests: btcd, and a bitcoind, which 'make deps' puts into .tools:
// Bitcoin Knots, that is Bitcoin Core with changes of its own. An installed bitcoind, be it Core or Knots, goes first.
// A node that is not there skips the test and says so.
package testnode

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/devnet"
	"github.com/aqsha/aqsha/internal/freeport"
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

// Core starts Bitcoin Core, or Knots, on regtest, with an index of transactions and without peers, or skips the test.
func Core(t testing.TB) *bitcoin.Client {
	t.Helper()
	return CoreWith(t, "regtest", "-listen=0", "-txindex=1").Client
}

// CoreNode is a bitcoind that a test may stop, pause and start again on the same data.
type CoreNode struct {
	Client *bitcoin.Client
	URL    string // with user and password
	Dir    string

	t       testing.TB
	binary  string
	args    []string
	process *exec.Cmd
}

// CoreWith starts a bitcoind on a chain with further arguments, or skips the test. Everything of it
// is on loopback; the test's end stops it.
func CoreWith(t testing.TB, chain string, args ...string) *CoreNode {
	t.Helper()
	binary, err := exec.LookPath("bitcoind")
	if err != nil {
		if binary, err = exec.LookPath(filepath.Join(Tools(), "bitcoind")); err != nil {
			t.Skip("skipped, no bitcoind (Bitcoin Core or Knots) is installed: run 'make deps'")
		}
	}
	port := FreePort(t)
	n := &CoreNode{t: t, binary: binary, Dir: t.TempDir(), URL: fmt.Sprintf("http://test:test@127.0.0.1:%d", port)}
	n.args = append([]string{"-chain=" + chain, "-datadir=" + n.Dir, "-server", "-rpcuser=test", "-rpcpassword=test",
		"-dnsseed=0", "-fixedseeds=0",
		fmt.Sprintf("-rpcport=%d", port), "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", "-printtoconsole=0"}, args...)
	if n.Client, err = bitcoin.Dial(n.URL, bitcoin.DialOptions{}); err != nil {
		t.Fatal(err)
	}
	n.Start()
	t.Cleanup(func() { n.Client.Close(); n.Stop(os.Interrupt) })
	return n
}

// Start runs the node and waits until it answers, for a minute at most. It is for the test's own goroutine: on failure
// the test ends.
func (n *CoreNode) Start() {
	n.t.Helper()
	n.process = exec.Command(n.binary, n.args...)
	if err := n.process.Start(); err != nil {
		n.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, err := n.Client.Tip(context.Background())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("bitcoind does not answer: %v", err)
		}
	}
}

// Signal sends the node a signal; SIGSTOP makes it hang.
func (n *CoreNode) Signal(signal os.Signal) { _ = n.process.Process.Signal(signal) }

// Stop ends the node by a signal, such as os.Interrupt or os.Kill, and waits.
func (n *CoreNode) Stop(signal os.Signal) {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Signal(signal)
	_ = n.process.Wait()
	n.process = nil
}

// FreePort is a port that nobody listens on: tests of several packages run nodes at the same time.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freeport.Port()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Each runs a test against every kind of node.
func Each(t *testing.T, test func(t *testing.T, client *bitcoin.Client)) {
	t.Run("btcd", func(t *testing.T) { test(t, BTCD(t).Client) })
	t.Run("core", func(t *testing.T) { test(t, Core(t)) })
}
