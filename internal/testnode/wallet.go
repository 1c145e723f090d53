package testnode

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/devnet"
	"github.com/aqsha/aqsha/internal/freeport"
)

// BTCWallet starts a private simnet network and btcwallet beside it, whose client speaks for both:
// what the wallet does not answer itself, it passes on to btcd. The wallet is new and unlocked.
func BTCWallet(t testing.TB) (*devnet.Node, *bitcoin.Client) {
	t.Helper()
	node, at := BTCWalletURL(t)
	client, err := bitcoin.Dial(at, bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return node, client
}

// BTCWalletURL is BTCWallet for those who dial themselves.
func BTCWalletURL(t testing.TB) (node *devnet.Node, walletURL string) {
	t.Helper()
	binary := filepath.Join(Tools(), "btcwallet")
	if _, err := os.Stat(binary); err != nil {
		t.Skip("skipped, btcwallet is not installed: run 'make deps'")
	}
	btcd, err := devnet.Find("", Tools())
	if err != nil {
		t.Skip("skipped, btcd is not installed: run 'make deps'")
	}
	// btcwallet knows simnet, not regtest.
	node, err = devnet.Start(context.Background(), devnet.Options{Binary: btcd, Dir: t.TempDir(), Network: "simnet"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Stop() })
	at, err := url.Parse(node.URL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	listen, err := freeport.Address("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var said bytes.Buffer
	process := exec.Command(binary, "--simnet", "--createtemp", "--datadir="+dir, "--noclienttls", "--noservertls",
		"--rpcconnect="+at.Host, "--username="+at.User.Username(), "--password="+password, "--rpclisten="+listen)
	process.Stdout, process.Stderr = &said, &said
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill() // nothing of it is kept
		_ = process.Wait()
	})
	walletURL = fmt.Sprintf("http://%s:%s@%s", at.User.Username(), password, listen)
	client, err := bitcoin.Dial(walletURL, bitcoin.DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		// "password" is what --createtemp encrypts with.
		if err = client.Call(ctx, nil, "walletpassphrase", "password", 3600); err == nil {
			return node, walletURL
		}
		if time.Now().After(deadline) {
			t.Fatalf("btcwallet does not answer: %v", err)
		}
	}
}
