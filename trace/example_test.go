package trace_test

import (
	"fmt"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/trace"
)

// An issue, followed to where it lies.
func Example() {
	g := trace.New()
	tx, _ := token.New(&token.Issue{Sequence: 1, To: token.WalletID{5}, Amounts: []money.Tiyn{1000}}, 1)
	_ = g.Add(1, &ledger.Entry{Transaction: tx})
	t, _ := g.Of(token.OutputID(tx.ID(), 0), trace.Options{Forwards: 1})
	fmt.Println(t.Events, t.Flows[0].Amount, t.Places[0].Amount)
	// Output: 1 10.00 10.00
}
