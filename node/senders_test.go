package node_test

import (
	"context"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/intake"
	"github.com/aqsha/aqsha/token"
)

func stranger(name string) node.Sender {
	return node.Sender{Source: intake.Source{Class: intake.Stranger, Name: name}}
}

// spend pays from one of alice's tokens; each has another id.
func (w *town) spend(key string, live livestate.LiveToken, until uint64) *token.Transaction {
	return w.world.Pay(w.alice, w.world.Key(key), w.bob, live.Amount, []token.ID{live.ID}, live.Amount, until)
}

// What is not signed as it must be tells a stranger nothing: the same answer whether the wallet is there or not, whatever
// is wrong. Who may read the wallet is told, and so is everybody whose signatures hold.
func TestUnsignedIsNoWindow(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(2)
	var live []livestate.LiveToken
	w.view(func(s *livestate.State) { live = s.TokensOf(w.alice, 2) })
	until := soon()
	nobody := token.WalletID{9, 9}
	unsigned, err := token.New(&token.Transfer{Parties: []token.WalletID{w.alice, w.bob}, Payers: 1, Inputs: []token.ID{live[0].ID},
		Outputs: []token.Output{{Party: 1, Amount: live[0].Amount}}}, until+2)
	if err != nil {
		t.Fatal(err)
	}
	spent := live[0]
	spent.ID = token.ID{7}
	txs := map[string]*token.Transaction{
		"forged":                 w.spend("thief", live[0], until),
		"forged, no such token":  w.spend("thief", spent, until),
		"no such wallet":         w.world.Pay(nobody, w.world.Key("thief"), w.bob, 100, []token.ID{live[0].ID}, 100, until+1),
		"unsigned":               unsigned,
		"change, another's key":  w.world.Sign(&token.CancelRekey{Wallet: w.alice, Version: 2}, until, nil),
		"change of none at all":  w.world.Sign(&token.CancelRekey{Wallet: nobody, Version: 1}, until, nil),
		"recovery without a key": w.world.Sign(&token.Rekey{Wallet: w.bob, Version: 2, By: token.RoleRecovery, Key: w.world.Key("thief").Public()}, until, nil),
	}
	all := node.Sender{Source: stranger("x").Source, Reads: func(token.WalletID, ledger.Wallet, bool) bool { return true }}
	var first string
	for name, tx := range txs {
		_, errs := w.node.SubmitAllOf(context.Background(), stranger("x"), []*token.Transaction{tx})
		if codeOf(errs[0]) != node.NotAccepted {
			t.Errorf("%s: a stranger is told %v", name, errs[0])
		}
		if first == "" {
			first = errs[0].Error()
		}
		if errs[0].Error() != first {
			t.Errorf("%s: a stranger is told %q, and %q of another", name, errs[0], first)
		}
		if _, errs = w.node.SubmitAllOf(context.Background(), all, []*token.Transaction{tx}); codeOf(errs[0]) == node.NotAccepted || errs[0] == nil {
			t.Errorf("%s: who may read is told %v", name, errs[0])
		}
	}
	// His own signature holds: he is told that the token is gone.
	if _, errs := w.node.SubmitAllOf(context.Background(), stranger("x"), []*token.Transaction{w.spend("alice", spent, until)}); codeOf(errs[0]) != ledger.TokenNotLive {
		t.Errorf("the holder is told %v", errs[0])
	}
	// Time is nobody's secret.
	if _, errs := w.node.SubmitAllOf(context.Background(), stranger("x"), []*token.Transaction{w.spend("thief", live[0], 1)}); codeOf(errs[0]) != ledger.Expired {
		t.Errorf("expired: %v", errs[0])
	}
	// The authority's keys are public.
	if _, errs := w.node.SubmitAllOf(context.Background(), stranger("x"), []*token.Transaction{w.world.Sign(&token.Suspend{Intermediary: w.bank, Sequence: 99}, until, nil)}); codeOf(errs[0]) != ledger.MissingSignature {
		t.Errorf("an unsigned suspension: %v", errs[0])
	}
}

// Strangers who flood the node with forgeries from several connections do not keep one that pays from paying, nor a bank.
func TestForgersDoNotTurnAwayPayers(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(40)
	var live []livestate.LiveToken
	w.view(func(s *livestate.State) { live = s.TokensOf(w.alice, 40) })
	base := soon()
	ctx, stop := context.WithCancel(context.Background())
	var flood sync.WaitGroup
	forgeries := make([]*token.Transaction, 2000)
	for i := range forgeries {
		forgeries[i] = w.spend("thief", live[i%len(live)], base+1000+uint64(i))
	}
	for _, name := range []string{"a", "a", "b", "b"} {
		flood.Go(func() {
			for ctx.Err() == nil {
				w.node.SubmitAllOf(ctx, stranger(name), forgeries)
			}
		})
	}
	for i, tx := range live {
		sender := stranger("payer")
		if i%2 == 1 {
			sender = node.Sender{Source: intake.Source{Class: intake.Access, Name: "bank"}}
		}
		if _, errs := w.node.SubmitAllOf(context.Background(), sender, []*token.Transaction{w.spend("alice", tx, base+uint64(i))}); errs[0] != nil {
			t.Errorf("payment %d: %v", i, errs[0])
		}
	}
	stop()
	flood.Wait()
	w.verify()
}

// One request of a stranger may hold more than his share: it goes through piece by piece, in order, each spending the one
// before, and is answered like one.
func TestARequestBeyondTheShare(t *testing.T) {
	w := newTown(t)
	w.raise()
	w.split(1)
	if err := w.node.Close(); err != nil {
		t.Fatal(err)
	}
	w.queue = 64
	w.open()
	var live []livestate.LiveToken
	w.view(func(s *livestate.State) { live = s.TokensOf(w.alice, 1) })
	until := soon()
	var txs []*token.Transaction
	for next := live[0]; len(txs) < 100; until++ {
		tx := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 1*money.Tenge, []token.ID{next.ID}, next.Amount, until)
		for i, o := range tx.Body.(*token.Transfer).Outputs {
			if o.Party == 0 {
				next.ID, next.Amount = token.OutputID(tx.ID(), i), o.Amount
			}
		}
		txs = append(txs, tx)
	}
	receipts, errs := w.node.SubmitAllOf(context.Background(), stranger("x"), txs)
	for i := range txs {
		if errs[i] != nil || receipts[i].ID != txs[i].ID() {
			t.Fatalf("transaction %d: %v", i, errs[i])
		}
	}
	w.verify()
}
