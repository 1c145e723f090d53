package api_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// town is a served network: a bank with money, alice and bob.
type town struct {
	world            *sim.World
	node             *node.Node
	server           *api.Server
	http             *httptest.Server
	client           *api.Client
	bank, alice, bob token.WalletID
	money            *token.Transaction // alice's token is its output 0
}

func soon() uint64 { return uint64(time.Now().Add(time.Minute).UnixMilli()) }

func newTown(t testing.TB, options api.Options) *town {
	t.Helper()
	return newTownOf(t, options, nil)
}

// newTownOf is newTown with a node whose configuration is changed.
func newTownOf(t testing.TB, options api.Options, change func(c *node.Config)) *town {
	t.Helper()
	return newTownIn(t, sim.NewWorld(1), options, change)
}

// newTownIn is newTownOf in a world, whose genesis may have been changed.
func newTownIn(t testing.TB, world *sim.World, options api.Options, change func(c *node.Config)) *town {
	t.Helper()
	w := &town{world: world}
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: w.world.Genesis.Name, Signers: []note.Signer{w.world.LogSigner}, SegmentBytes: 1 << 20,
		FS: disk.Spacious()}}
	if err := node.Init(config, w.world.Genesis); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&config)
	}
	var err error
	if w.node, err = node.Open(config); err != nil {
		t.Fatal(err)
	}
	w.server = api.New(w.node, options)
	w.http = httptest.NewServer(checked(t, w.server))
	t.Cleanup(func() {
		w.http.CloseClientConnections()
		w.http.Close()
		if err := w.node.Close(); err != nil {
			t.Error(err)
		}
	})
	w.client = api.NewClient(w.http.URL, "")
	var tx *token.Transaction
	tx, w.bank = w.world.Admit("bank", 1, soon())
	w.submit(t, tx)
	tx, w.alice = w.world.Register("bank", w.bank, 1, "alice", 1, soon())
	w.submit(t, tx)
	tx, w.bob = w.world.Register("bank", w.bank, 2, "bob", 0, soon())
	w.submit(t, tx)
	issue := w.world.Issue(1, w.bank, soon(), 1_000_000*money.Tenge)
	w.submit(t, issue)
	w.money = w.world.Pay(w.bank, w.world.Key("bank treasury"), w.alice, 100_000*money.Tenge,
		[]token.ID{token.OutputID(issue.ID(), 0)}, 1_000_000*money.Tenge, soon())
	w.submit(t, w.money)
	return w
}

func (w *town) submit(t testing.TB, tx *token.Transaction) node.Receipt {
	t.Helper()
	receipt, err := w.node.Submit(context.Background(), tx)
	if err != nil {
		t.Fatalf("%s: %v", tx.Body.Kind(), err)
	}
	return receipt
}

// payBob is alice's payment from her one token.
func (w *town) payBob(amount money.Tiyn) *token.Transaction {
	return w.world.Pay(w.alice, w.world.Key("alice"), w.bob, amount, []token.ID{token.OutputID(w.money.ID(), 0)}, 100_000*money.Tenge, soon())
}

// serveFrom has a new server answer, as a process that starts again does: what it knows is the folder's.
func (w *town) serveFrom(t *testing.T, dir string) {
	t.Helper()
	w.server = api.New(w.node, api.Options{Origins: []string{w.http.URL}, Dir: dir})
	w.http.Config.Handler = checked(t, w.server)
}
