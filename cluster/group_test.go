package cluster_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// group is validators that run in this process, each with its directory, and a small economy.
type group struct {
	t       *testing.T
	world   *sim.World
	charter cluster.Charter
	members []*member

	bank, bob token.WalletID
	issued    []token.ID // the bank's
	sequence  uint64     // of the last issue
	changes   uint64     // of validators, by the root keys
	ports     []string
	reached   func(from, to int, address string) string
}

type member struct {
	name   string
	dir    string
	keys   cluster.Keys
	seal   note.Signer
	sealed note.Verifier
	node   *node.Node
	engine *cluster.Engine
	lies   func(abci.Application) abci.Application // nil for an honest one
	disk   vfs.FS                                  // of its log; nil for the machine's
	opened func(*cluster.Engine)                   // before it starts; nil for nothing
}

// freePorts finds ports of loopback that nobody listens on.
func freePorts(t testing.TB, n int) (addresses []string) {
	for range n {
		address, err := freeport.Address("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, address)
	}
	return addresses
}

// newGroup founds a network of n validators. None runs yet.
func newGroup(t *testing.T, n int) *group {
	return newGroupOf(t, n, func(_, _ int, address string) string { return address })
}

// newGroupOf is newGroup where each reaches each at another address than that at which he listens.
func newGroupOf(t *testing.T, n int, reached func(from, to int, address string) string) *group {
	return foundGroup(t, n, reached, func(*ledger.Genesis) {})
}

// foundGroup is newGroupOf of a network that is founded otherwise.
func foundGroup(t *testing.T, n int, reached func(from, to int, address string) string,
	otherwise func(*ledger.Genesis)) *group {
	g := &group{t: t, world: sim.NewWorld(1), reached: reached}
	for i := range n {
		keys, err := cluster.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		g.members = append(g.members, &member{name: fmt.Sprintf("member-%d", i),
			dir: filepath.Join(t.TempDir(), fmt.Sprint(i)), keys: keys})
		g.charter.Members = append(g.charter.Members, keys.Member(fmt.Sprintf("member-%d", i)))
	}
	var err error
	if g.world.Genesis.LogKey, err = g.charter.Quorum().Key(g.world.Genesis.Name); err != nil {
		t.Fatal(err)
	}
	g.world.Genesis.TimeMillis = uint64(time.Now().UnixMilli())
	otherwise(&g.world.Genesis)
	g.world.Refound()
	g.charter.Network = g.world.Network
	g.ports = freePorts(t, n)
	for i := range g.members {
		g.found(i, g.ports[i])
	}
	t.Cleanup(g.stopAll)
	return g
}

// found makes a member's directory, which begins with the network's first entry and knows the others.
func (g *group) found(i int, address string) {
	g.t.Helper()
	if i == len(g.ports) {
		g.ports = append(g.ports, address)
	}
	m := g.members[i]
	settings := cluster.Settings{Name: m.name, Listen: address, ProposeMillis: 500}
	for k, other := range g.members {
		if k != i {
			settings.Peers = append(settings.Peers, other.keys.PeerID()+"@"+g.reached(i, k, g.ports[k]))
		}
	}
	var err error
	if m.seal, m.sealed, err = m.keys.Sealer(settings.Name); err != nil {
		g.t.Fatal(err)
	}
	small := g.options()
	small.SegmentBytes = 32 << 10 // the first: the next soon wants room
	if _, err := node.InitCopy(node.Config{Dir: m.dir, Options: small}, g.world.Genesis.Leaf().Encode()); err != nil {
		g.t.Fatal(err)
	}
	if err := cluster.Init(m.dir, g.world.Genesis, g.charter, settings); err != nil {
		g.t.Fatal(err)
	}
}

func (g *group) options() txlog.Options {
	return txlog.Options{Origin: g.world.Genesis.Name, SegmentBytes: 1 << 20}
}

// start runs a validator.
func (g *group) start(i int) {
	g.t.Helper()
	m := g.members[i]
	logger := slog.New(slog.DiscardHandler)
	if os.Getenv("AQSHA_CLUSTER_LOG") != "" {
		logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})).With("member", i)
	}
	var err error
	if m.engine, err = cluster.Open(m.dir, m.keys, logger); err != nil {
		g.t.Fatal(err)
	}
	config := node.Config{Dir: m.dir, Options: g.options(), Sequencer: m.engine, Sealer: m.seal,
		SnapshotVerifiers: []note.Verifier{m.sealed}, TrustClock: true, Logger: logger}
	config.Options.FS = m.disk
	if m.node, err = node.Open(config); err != nil {
		g.t.Fatal(err)
	}
	if m.opened != nil {
		m.opened(m.engine)
	}
	if m.lies != nil {
		cluster.Lie(m.engine, m.lies)
	}
	if err := m.engine.Start(m.node, g.world.Genesis.Name); err != nil {
		g.t.Fatal(err)
	}
}

// stop ends a validator in order.
func (g *group) stop(i int) {
	m := g.members[i]
	if m.engine == nil {
		return
	}
	if err := m.engine.Stop(); err != nil {
		g.t.Error(err)
	}
	if err := m.node.Close(); err != nil {
		g.t.Error(err)
	}
	m.engine, m.node = nil, nil
}

func (g *group) stopAll() {
	for i := range g.members {
		g.stop(i)
	}
}

func (g *group) startAll() {
	for i := range g.members {
		g.start(i)
	}
}

func soon() uint64 { return uint64(time.Now().Add(5 * time.Minute).UnixMilli()) }

// submit sends a transaction to a member, which must have it executed.
func (g *group) submit(at int, tx *token.Transaction) node.Receipt {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), time.Minute)
	defer cancel()
	for {
		receipt, err := g.members[at].node.Submit(ctx, tx)
		if err == nil {
			return receipt
		}
		if refused, ok := err.(*token.Error); !ok || refused.Code != node.NotJoined {
			g.t.Fatalf("%s at member %d: %v", tx.Body.Kind(), at, err)
		}
	}
}

// settle gives the bank so many tokens of 1,000 tenge, and registers it and bob at first.
func (g *group) settle(tokens int) {
	g.t.Helper()
	if g.bank == (token.WalletID{}) {
		g.register()
	}
	for left := tokens; left > 0; left -= min(left, 64) {
		amounts := make([]money.Tiyn, min(left, 64))
		for i := range amounts {
			amounts[i] = 1000 * money.Tenge
		}
		g.sequence++
		issue := g.world.Issue(g.sequence, g.bank, soon(), amounts...)
		g.submit(0, issue)
		for i := range amounts {
			g.issued = append(g.issued, token.OutputID(issue.ID(), i))
		}
	}
}

// register makes a bank and bob.
func (g *group) register() {
	admit, bank := g.world.Admit("bank", 1, soon())
	g.bank = bank
	g.submit(0, admit)
	register, bob := g.world.Register("bank", bank, 1, "bob", 2, soon())
	g.bob = bob
	g.submit(0, register)
}

// payment pays bob with one of the bank's tokens.
func (g *group) payment() *token.Transaction {
	in := g.issued[0]
	g.issued = g.issued[1:]
	return g.world.Pay(g.bank, g.world.Key("bank treasury"), g.bob, 1000*money.Tenge, []token.ID{in}, 1000*money.Tenge,
		soon())
}

// agree waits until all running members have come as far as the farthest, and holds their logs against each other.
func (g *group) agree() node.Head {
	g.t.Helper()
	var most node.Head
	for _, m := range g.members {
		if m.node != nil && m.node.Head().Size > most.Size {
			most = m.node.Head()
		}
	}
	ctx, cancel := context.WithTimeout(g.t.Context(), time.Minute)
	defer cancel()
	for i, m := range g.members {
		if m.node == nil {
			continue
		}
		if err := m.node.WaitHeight(ctx, most.Height); err != nil {
			g.t.Fatalf("member %d is at block %d of %d: %v", i, m.node.Head().Height, most.Height, err)
		}
		if root, err := m.node.Log().Root(most.Size); err != nil || root != most.Root {
			g.t.Fatalf("member %d has another log: %s, want %s, %v", i, root, most.Root, err)
		}
	}
	return most
}
