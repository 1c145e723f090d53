package trace

import (
	"testing"

	"github.com/aqsha/aqsha/token"
)

// What comes into a contract and leaves it in one action is never held by it between entries, and belongs to it all the same.
func TestAContractsOwnActionsAreItsEvents(t *testing.T) {
	g := New()
	contract, payer, payee := token.WalletID{9}, token.WalletID{1}, token.WalletID{2}
	in, out := token.ID{1}, token.ID{2}
	g.event(1, token.WalletID{})
	g.make(in, payer, 100, 0)
	g.event(2, contract)
	if err := g.spend([]token.ID{in}); err != nil {
		t.Fatal(err)
	}
	g.make(out, payee, 100, 0)
	trace := g.Contract(contract, Options{Forwards: 1, Backwards: 1})
	if len(trace.Flows) == 0 || trace.Events == 0 {
		t.Fatalf("%+v: the payment through the contract is not there", trace)
	}
	var came, went bool
	for _, f := range trace.Flows {
		came = came || f.From == payer && f.To == contract && f.Amount == 100
		went = went || f.From == contract && f.To == payee && f.Amount == 100
	}
	if !came || !went {
		t.Errorf("%+v", trace.Flows)
	}
}
