package node_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// A node believes the signatures in its own log, which it has verified before; told to verify them again, it finds
// the one that is not valid, in spite of the snapshot that it has.
func TestReverifyFindsAForgedSignature(t *testing.T) {
	ctx := t.Context()
	f := newFleet(t, func(c *node.Config) { c.NoIndex = true })
	f.populate(ctx)
	for i := range 50 {
		if err := f.pay(ctx, money.Tiyn(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	root := rootOf(t, f.leader)
	if err := f.leader.Close(); err != nil {
		t.Fatal(err)
	}
	f.config.Reverify = true
	f.open()
	if rootOf(t, f.leader) != root {
		t.Error("another state when everything is verified again")
	}
	if err := f.leader.Close(); err != nil {
		t.Fatal(err)
	}
	appendForged(t, f)
	f.config.Reverify = false
	f.open()
	if err := f.leader.Close(); err != nil { // with a snapshot over the forged payment
		t.Fatal(err)
	}
	f.config.Reverify = true
	if n, err := node.Open(f.config); err == nil {
		_ = n.Close()
		t.Error("a forged signature was not found")
	} else if !strings.Contains(err.Error(), "bad-signature") && !strings.Contains(err.Error(), "not valid") {
		t.Error(err)
	}
}

// appendForged puts a block into a closed leader's log that pays by a forged signature, under a signed checkpoint.
func appendForged(t *testing.T, f *fleet) {
	t.Helper()
	log, err := txlog.Open(filepath.Join(f.config.Dir, "log"), f.config.Options)
	if err != nil {
		t.Fatal(err)
	}
	head := f.leader.Head()
	tx := f.world.Pay(f.bank, f.world.Key("somebody else"), f.shop, 500, []token.ID{f.coin}, f.rest, fleetValid)
	leaf := head.Leaf
	leaf.Height, leaf.Count, leaf.Previous = leaf.Height+1, 1, token.Hash(head.Root)
	batch, err := log.Stage([][]byte{leaf.Encode(), ledger.AppendTransactionEntry(nil, tx.Encode())})
	if err == nil {
		err = log.Commit(batch)
	}
	if err == nil {
		_, err = log.Publish()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
