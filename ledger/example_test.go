package ledger_test

import (
	"fmt"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
)

// A bank is admitted and money issued to it; a day's cap refuses more. Whoever has the log derives the
// same state from it.
func Example() {
	state := ledger.NewModel()
	chain := sim.NewWorld(1).NewChain(state)
	admit, bank := chain.Admit("bank", 1, chain.Now+1000)
	issue := chain.Issue(1, bank, chain.Now+1000, 600_000_000*money.Tenge)
	again := chain.Issue(2, bank, chain.Now+1000, 600_000_000*money.Tenge)
	for _, refusal := range chain.Block(admit, issue, again) {
		if refusal != nil {
			fmt.Println(refusal.Code)
		}
	}
	derived := ledger.NewModel()
	fmt.Println(chain.Replay(derived), derived.LiveTotal() == state.LiveTotal(), state.Wallets[bank].Balance)
	// Output:
	// cap-reached
	// <nil> true 600000000.00
}
