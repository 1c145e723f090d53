package node_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// variant is the escrow template with another text, so that it is another definition.
func variant(t *testing.T, name string) []byte {
	t.Helper()
	text, _ := contract.Template("escrow")
	source, problems := contract.Parse([]byte(strings.Replace(string(text), "contract: escrow", "contract: "+name, 1)))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return source.Definition.Encode()
}

// Definitions are compiled before the state's lock is taken: new ones, and those of contracts that are refused and cost their
// sender nothing. What can be refused without compiling compiles nothing.
func TestDefinitionsAreCompiledOutsideTheLock(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(4)
	names := []string{"one", "two", "three"}
	sequence := uint64(0)
	w.view(func(s *livestate.State) { i, _ := s.Intermediary(w.bank); sequence = i.Sequence })
	looked, found := 0, 0
	w.node.OnCompiled(func(ok bool) {
		looked++
		if ok {
			found++
		}
	})
	for i, name := range names {
		w.submit(w.world.SignFor(w.model(), &token.Define{Registrar: w.bank, Sequence: sequence + uint64(i), Definition: variant(t, name)}, soon()))
	}
	if looked != len(names) || found != looked {
		t.Fatalf("new definitions: of %d that were looked for, %d were compiled", looked, found)
	}
	// After a start nothing is compiled. A creation that its terms refuse compiles, but not under the lock.
	if err := w.node.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	looked, found = 0, 0
	w.node.OnCompiled(func(ok bool) {
		looked++
		if ok {
			found++
		}
	})
	var live []livestate.LiveToken
	w.view(func(s *livestate.State) { live = s.TokensOf(w.alice, 4) })
	create := func(name string, parties []token.WalletID, days int64) *token.Transaction {
		return w.world.SignFor(w.model(), &token.Create{Creator: w.alice, Definition: sha256.Sum256(variant(t, name)), Parties: parties, Assets: []uint32{0},
			Terms: []token.Value{token.Int(int64(live[0].Amount)), token.Int(days)}, Inputs: []token.ID{live[0].ID}, Paid: []money.Tiyn{live[0].Amount}}, soon())
	}
	parties := []token.WalletID{w.alice, w.bob, w.bank}
	for i, name := range names {
		_, errs := w.node.SubmitAllOf(context.Background(), stranger("x"), []*token.Transaction{create(name, parties, 9999)})
		// Compilations for nothing are held against the source: nothing more is compiled for it for a while.
		if want := i > 0; codeOf(errs[0]) == "" || (codeOf(errs[0]) == node.Overloaded) != want {
			t.Errorf("%s: %v", name, errs[0])
		}
		if found != looked {
			t.Fatalf("%s: of %d definitions that were looked for under the lock, %d were compiled", name, looked, found)
		}
	}
	if looked != 1 {
		t.Errorf("%d definitions were compiled for one who was refused, want one, and none in disgrace", looked)
	}
	// In the operator's own process, and with parties that are not there: nothing to compile.
	looked, found = 0, 0
	_, err := w.node.Submit(context.Background(), create("three", []token.WalletID{w.alice, w.bob, {9}}, 5))
	if codeOf(err) != ledger.UnknownWallet || looked != 0 {
		t.Errorf("a party that is not there: %v, %d looked for", err, looked)
	}
	if _, err := w.node.Submit(context.Background(), create("three", parties, 5)); err != nil || looked != 1 || found != 1 {
		t.Errorf("a creation: %v, %d looked for, %d compiled", err, looked, found)
	}
	w.verify()
}
