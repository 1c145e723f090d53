package devnet_test

import (
	"context"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/devnet"
	"github.com/aqsha/aqsha/internal/testnode"
)

// A node that crashes and comes back is found again by a watcher, and has kept its chain.
func TestWatchSurvivesARestart(t *testing.T) {
	binary, err := devnet.Find("", testnode.Tools())
	if err != nil {
		t.Skip("skipped, btcd is not installed: run 'make deps'")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	// btcd removes a regtest chain whenever it starts, so only simnet can show that a chain is kept.
	options := devnet.Options{Binary: binary, Dir: t.TempDir(), Network: "simnet"}
	node, err := devnet.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	updates := node.Client.Watch(ctx, bitcoin.WatchOptions{Poll: 300 * time.Millisecond, Retry: 20 * time.Millisecond})
	await := func(what string, seen func(bitcoin.Update) bool) {
		t.Helper()
		for update := range updates {
			if seen(update) {
				return
			}
		}
		t.Fatalf("never saw %s", what)
	}
	height := func(h uint32) func(bitcoin.Update) bool {
		return func(u bitcoin.Update) bool { return u.Template != nil && u.Template.Height == h }
	}
	await("the first template", height(1))
	if _, err := node.Client.MineBlocks(ctx, 2, []byte{0x51}); err != nil {
		t.Fatal(err)
	}
	await("the next heights", height(3))
	if err := node.Stop(); err != nil {
		t.Fatal(err)
	}
	await("the loss", func(u bitcoin.Update) bool { return u.Err != nil })
	again, err := devnet.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Stop()
	if template, err := again.Client.Template(ctx); err != nil || template.Height != 3 {
		t.Fatalf("after the restart: %+v, %v", template, err)
	}
}

func TestOnlyPrivateNetworks(t *testing.T) {
	if _, err := devnet.Start(context.Background(), devnet.Options{Dir: t.TempDir(), Network: "mainnet"}); err == nil {
		t.Fatal("started a node on mainnet")
	}
}
