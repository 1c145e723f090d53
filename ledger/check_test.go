package ledger_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// What a check says of a payment is what becomes of it, for payments of every kind of fault, and a check changes nothing.
func TestACheckSaysWhatBecomesOfAPayment(t *testing.T) {
	model := ledger.NewModel()
	chain, _ := sim.NewWorld(1).Story(model)
	r := rand.New(rand.NewPCG(7, 7))
	tokens := slices.SortedFunc(maps.Keys(model.Tokens), func(a, b token.ID) int { return bytes.Compare(a[:], b[:]) })
	wallets := slices.SortedFunc(maps.Keys(model.Wallets), func(a, b token.WalletID) int { return bytes.Compare(a[:], b[:]) })
	x := ledger.NewExecutor(chain.Network, model)
	x.TrustSignatures, x.Strict = true, true
	height, now := chain.Leaf.Height+1, chain.Now+1000
	x.Begin(height, now)
	verdicts := map[token.Code]int{}
	codeOf := func(err *token.Error) token.Code {
		if err == nil {
			return ""
		}
		return err.Code
	}
	for range 600 {
		id := tokens[r.IntN(len(tokens))]
		of := model.Tokens[id] // of one that is spent by now, nobody's
		payer, payee := of.Wallet, wallets[r.IntN(len(wallets))]
		if r.IntN(10) == 0 {
			payer = wallets[r.IntN(len(wallets))]
		}
		if payer == payee || payer == (token.WalletID{}) {
			continue
		}
		amount := 1 + money.Tiyn(r.Int64N(int64(max(of.Amount, 2))))
		outputs := []token.Output{{Party: 1, Amount: amount, Asset: of.Asset}}
		if rest := of.Amount - amount; rest > 0 {
			outputs = append(outputs, token.Output{Party: 0, Amount: rest, Asset: of.Asset})
		}
		tx, err := token.New(&token.Transfer{Parties: []token.WalletID{payer, payee}, Payers: 1, Inputs: []token.ID{id}, Outputs: outputs}, now+uint64(r.IntN(3))*3_000_000)
		if err != nil {
			continue
		}
		before, held := maps.Clone(model.Tokens), maps.Clone(model.Wallets)
		says := codeOf(ledger.Check(chain.Network, model, height, now, tx))
		if !maps.Equal(before, model.Tokens) || !maps.Equal(held, model.Wallets) {
			t.Fatal("a check has changed the state")
		}
		becomes := codeOf(x.Apply(tx, nil))
		if says != becomes {
			t.Fatalf("checked %q, executed %q: %+v", says, becomes, tx.Body)
		}
		verdicts[becomes]++
	}
	if verdicts[""] < 10 || len(verdicts) < 5 {
		t.Errorf("too few kinds of verdicts: %v", verdicts)
	}
	if code := codeOf(ledger.Check(chain.Network, model, height, now, chain.Sign(&token.Veto{}, now))); code != ledger.NotAuthorised {
		t.Errorf("what is no payment: %q", code)
	}
}
