package node_test

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// aged is a network of some rules on a clock of its own.
type aged struct {
	*town
	now atomic.Uint64
}

// newAged founds one; the authority's delay is the shortest.
func newAged(t *testing.T, rules uint32) *aged {
	w := &aged{town: &town{t: t, world: sim.NewWorldUnder(rules, 5), dir: t.TempDir(), segment: 1 << 20}}
	w.world.Genesis.DelayMillis = token.MinDelayMillis
	w.world.Refound()
	w.now.Store(sim.StartMillis + 1000)
	if err := node.Init(w.config(), w.world.Genesis); err != nil {
		t.Fatal(err)
	}
	w.start()
	t.Cleanup(func() { w.node.Close() })
	return w
}

func (w *aged) start() {
	w.t.Helper()
	c := w.config()
	c.Now = w.now.Load
	var err error
	if w.node, err = node.Open(c); err != nil {
		w.t.Fatal(err)
	}
}

// do submits a body, signed by whom it needs.
func (w *aged) do(body token.Body) error {
	tx := w.world.SignFor(&whole{w.node}, body, w.now.Load()+60_000)
	_, err := w.node.Submit(context.Background(), tx)
	return err
}

func (w *aged) must(body token.Body) {
	w.t.Helper()
	if err := w.do(body); err != nil {
		w.t.Fatalf("%s: %v", body.Kind(), err)
	}
}

// block makes a block in which a bank is admitted.
func (w *aged) block(name string) error {
	var sequence uint64
	w.view(func(s *livestate.State) { sequence = s.Authority().Set(token.RolePolicy).Sequence })
	tx, _ := w.world.Admit(name, sequence, w.now.Load()+60_000)
	_, err := w.node.Submit(context.Background(), tx)
	return err
}

// whole reads a node's state.
type whole struct{ node *node.Node }

func read[T any](w *whole, of func(s *livestate.State) T) (value T) {
	if err := w.node.View(context.Background(), func(s *livestate.State, _ node.Head) { value = of(s) }); err != nil {
		panic(err)
	}
	return value
}

func (w *whole) Authority() *ledger.Authority {
	return read(w, func(s *livestate.State) *ledger.Authority { a := *s.Authority(); return &a })
}
func (w *whole) Wallet(id token.WalletID) (ledger.Wallet, bool) {
	v := read(w, func(s *livestate.State) ledger.Wallet { v, _ := s.Wallet(id); return v })
	return v, v.Version != 0
}
func (w *whole) Detail(id token.WalletID) ledger.Detail {
	return read(w, func(s *livestate.State) ledger.Detail { return s.Detail(id) })
}
func (w *whole) Intermediary(id token.WalletID) (ledger.Intermediary, bool) {
	v := read(w, func(s *livestate.State) ledger.Intermediary { v, _ := s.Intermediary(id); return v })
	return v, v.Sequence != 0
}
func (w *whole) Agency(id token.WalletID) (ledger.Agency, bool) { return ledger.Agency{}, false }
func (w *whole) Closed(id token.WalletID) (ledger.Closed, bool) {
	v := read(w, func(s *livestate.State) ledger.Closed { v, _ := s.Closed(id); return v })
	return v, v != ledger.Closed{}
}

func (w *aged) rules() uint32 { return w.node.Head().Rules }

// A network of version 1 is brought to version 2 while it runs, and starts again from a snapshot and from its log.
func TestANodeChangesItsRules(t *testing.T) {
	w := newAged(t, 1)
	if err := w.block("first"); err != nil {
		t.Fatal(err)
	}
	if warnings := strings.Join(w.node.Warnings(), "; "); !strings.Contains(warnings, fmt.Sprintf("propose-rules %d", ledger.LatestRules)) {
		t.Errorf("warnings: %s", warnings)
	}
	w.must(&token.Propose{By: token.RoleRoot, Sequence: 1, Change: token.Change{Rules: 2, Height: 1}})
	w.now.Add(token.MinDelayMillis)
	for _, name := range []string{"second", "third"} {
		if err := w.block(name); err != nil {
			t.Fatal(err)
		}
	}
	if w.rules() != 2 {
		t.Fatalf("block %d follows version %d", w.node.Head().Height, w.rules())
	}
	for _, restart := range []string{"from its snapshot", "from its log"} {
		w.node.Close()
		if restart == "from its log" {
			if err := os.RemoveAll(filepath.Join(w.dir, "snapshots")); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		if err := w.block(restart); err != nil || w.rules() != 2 {
			t.Errorf("%s: version %d, %v", restart, w.rules(), err)
		}
	}
}

// A program that does not know the rules to come says so as soon as they are announced, stops before their block, and
// says then and at every start what to install.
func TestANodeStopsBeforeRulesThatItDoesNotKnow(t *testing.T) {
	w := newAged(t, ledger.LatestRules)
	w.must(&token.Propose{By: token.RoleRoot, Sequence: 1, Change: token.Change{Rules: ledger.LatestRules + 1, Height: 1}})
	if warnings := strings.Join(w.node.Warnings(), "; "); !strings.Contains(warnings, "install a newer aqsha") {
		t.Errorf("warnings: %s", warnings)
	}
	w.now.Add(token.MinDelayMillis)
	_ = w.block("the last one") // in which the proposal takes effect
	height := w.node.Head().Height
	for range 2 {
		_ = w.block("one too many")
		if err := w.node.Err(); err == nil || !strings.Contains(err.Error(), string(ledger.UnknownRules)) || !strings.Contains(err.Error(), "install a newer aqsha") {
			t.Fatalf("the node goes on: %v", err)
		}
		if w.node.Head().Height != height {
			t.Error("it made a block")
		}
		w.node.Close()
		w.start()
	}
}

// A log of version 1 verifies as it always did; what it used of the holes that version 2 mends is listed.
func TestVerifyListsUsesOfOldHoles(t *testing.T) {
	w := sim.NewWorldUnder(1, 9)
	chain := w.NewChain(ledger.NewModel())
	admit, bank := w.Admit("bank", 1, chain.Now+1000)
	chain.Block(admit)
	id := token.RegisteredID(chain.Must(&token.Register{Registrar: bank, Sequence: 1, Key: w.Key("saved").Public(), Recovery: w.Key("recovery").Public()}).ID())
	theft := chain.Must(&token.Rekey{Wallet: id, Version: 1, By: token.RoleWallet, Key: w.Key("thief").Public(), Recovery: w.Key("thief 2").Public()})
	signed, err := note.Sign(&note.Note{Text: txlog.Checkpoint{Origin: w.Genesis.Name, Size: chain.Size, Root: chain.Root()}.Text()}, w.LogSigner)
	if err != nil {
		t.Fatal(err)
	}
	report, _, err := node.Verify(context.Background(), node.Evidence{Checkpoint: signed, Network: w.Network, Entries: func(size uint64) iter.Seq2[[]byte, error] {
		return func(yield func([]byte, error) bool) {
			for number := range size {
				if !yield(chain.Entry(number)) {
					return
				}
			}
		}
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Outlawed) != 1 || report.Outlawed[0].Transaction != theft.ID() || report.Outlawed[0].Height != chain.Leaf.Height || report.Rules != 1 {
		t.Errorf("listed are %+v", report.Outlawed)
	}
}
