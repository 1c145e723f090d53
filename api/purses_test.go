package api_test

import (
	"net/http/httptest"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// The node's revocation list, and its filter, hold by the log's key, which the genesis names, and by no other.
func TestTheRevocationListIsSignedByTheLogsKey(t *testing.T) {
	w := street(t)
	genesis := w.node.Genesis()
	key, single := genesis.SingleLogKey()
	if !single {
		t.Fatalf("the log's key is %q", genesis.LogKey)
	}
	for _, filter := range []bool{false, true} {
		view, err := w.client.Revocations(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		list, err := purse.DecodeRevocations(view.Message)
		if err != nil {
			t.Fatal(err)
		}
		if err := list.Check(w.node.Network(), key, nil); err != nil {
			t.Errorf("filter %t: %v", filter, err)
		}
		if err := list.Check(w.node.Network(), w.world.Key("alice").Public(), nil); err == nil {
			t.Error("a list holds by another's key")
		}
		sequence, made := list.Edition()
		if (list.Filter != nil) != filter || sequence != w.node.Head().Size ||
			view.Sequence != sequence || view.Time != made || view.Count != list.Count() {
			t.Errorf("filter %t: %+v is said of list %d of %d", filter, view, sequence, made)
		}
	}
}

// A node that was handed over to validators has the genesis's key and signs the log no more: it signs no list either.
func TestANodeThatWasHandedOverSignsNoList(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	if _, err := w.node.ListSigner(); err != nil {
		t.Fatal(err)
	}
	list := []token.Validator{w.world.LogValidator("first"), w.world.Validator("second")}
	set := w.world.Sign(&token.SetValidators{Sequence: 1, Validators: list}, soon(), w.world.By(token.RoleRoot, 2))
	if _, err := w.node.Submit(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	if _, err := w.node.ListSigner(); fault.Code(err) != string(node.NoLogKey) {
		t.Errorf("two sign the log together, and one of them signs a list: %v", err)
	}
}

// A node without the log's key signs no list: it says so, and what it knows is read unsigned.
func TestANodeWithoutTheLogsKeySignsNoList(t *testing.T) {
	world := sim.NewWorld(1)
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: world.Genesis.Name,
		Signers: []note.Signer{world.LogSigner}, SegmentBytes: 1 << 20}}
	if err := node.Init(config, world.Genesis); err != nil {
		t.Fatal(err)
	}
	config.ReadOnly, config.Options.Signers = true, nil
	reader, err := node.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := reader.ListSigner(); fault.Code(err) != string(node.NoLogKey) {
		t.Errorf("it has a signer: %v", err)
	}
	server := httptest.NewServer(api.New(reader, api.Options{Open: true}).Handler())
	defer server.Close()
	client := api.NewClient(server.URL, "")
	if _, err := client.Revocations(t.Context(), false); fault.Code(err) != string(node.NoLogKey) {
		t.Error(err)
	}
	if view, err := client.Purses(t.Context()); err != nil || view.Convicted == nil {
		t.Errorf("%+v, %v", view, err)
	}
}
