package proof_test

import (
	"context"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/txlog"
)

// Every token of a log in which everything happened once has a proof: paid out by a contract, kept by one, marked,
// freed, returned.
func TestEveryTokenOfTheStoryIsProved(t *testing.T) {
	w := sim.NewWorld(33)
	model := ledger.NewModel()
	chain, _ := w.Story(model)
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: w.Genesis.Name, Signers: []note.Signer{w.LogSigner}, SegmentBytes: 1 << 20}}
	log, err := txlog.Open(filepath.Join(config.Dir, "log"), config.Options)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range chain.Blocks {
		batch, err := log.Stage(block)
		if err == nil {
			err = log.Commit(batch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := log.Publish(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	kinds := map[string]bool{}
	for id, want := range model.Tokens {
		f, err := proof.Make(context.Background(), n, id)
		if err != nil {
			t.Fatalf("token %s: %v", id, err)
		}
		r, err := proof.Check(f.Encode(), w.Network)
		if err != nil {
			t.Fatalf("token %s: %v", id, err)
		}
		if r.Wallet != want.Wallet || r.Amount != want.Amount || r.Purpose != want.Asset.Purpose {
			t.Errorf("token %s: %+v, want %+v", id, r, want)
		}
		for _, s := range r.Steps {
			kinds[s.Kind] = true
		}
	}
	for _, kind := range []string{"marked-transfer", "create", "act", "end", "return"} {
		if !kinds[kind] {
			t.Errorf("no token derives from a step of kind %s", kind)
		}
	}
}
