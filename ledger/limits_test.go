package ledger_test

import (
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Limits as the design defines them: net per wallet, transaction and asset; negative counts to payment
// and day, positive is tested against the balance.

func TestLimitsCountNet(t *testing.T) {
	w := newTown(t)
	// All of alice's two million go in, 1,999,000 come back: she pays 1,000.
	w.expect("", w.payment(w.alice, w.rich, 1000*kzt))
	if got := w.model.Wallets[w.alice]; got.PaidToday != 1000*kzt || got.PaymentsToday != 1 {
		t.Errorf("paid %s in %d payments", got.PaidToday, got.PaymentsToday)
	}
	// Two payers of one transaction, each with his own net: alice 500,000 is the most she pays at once.
	both := func(fromAlice money.Tiyn) *token.Transfer {
		alice, rich, fromRich := w.model.Wallets[w.alice], w.model.Wallets[w.rich], 1_000_000*kzt
		return &token.Transfer{
			Parties: []token.WalletID{w.alice, w.rich, w.court}, Payers: 2, Inputs: append(w.tokensOf(w.alice), w.tokensOf(w.rich)...),
			Outputs: []token.Output{{Party: 2, Amount: fromAlice + fromRich}, {Party: 0, Amount: alice.Balance - fromAlice}, {Party: 1, Amount: rich.Balance - fromRich}},
		}
	}
	w.expect(ledger.LimitPayment, both(500_000*kzt+1))
	w.expect("", both(500_000*kzt))
	if got := w.model.Wallets[w.alice].PaidToday; got != 501_000*kzt {
		t.Errorf("alice paid %s today", got)
	}
	// What a wallet receives does not give back what it may pay.
	w.Must(w.payment(w.rich, w.alice, 400_000*kzt))
	w.expect(ledger.LimitDay, w.payment(w.alice, w.rich, 499_001*kzt))
	w.expect("", w.payment(w.alice, w.rich, 499_000*kzt))
}

func TestDayBeginsAtMidnightInKazakhstan(t *testing.T) {
	w := newTown(t)
	midnight := uint64(sim.StartMillis) + 19*3_600_000 // 19:00 UTC is 00:00 at +5
	w.Now = midnight - 1
	w.Must(w.payment(w.alice, w.rich, 500_000*kzt))
	w.Must(w.payment(w.alice, w.rich, 500_000*kzt))
	w.expect(ledger.LimitDay, w.payment(w.alice, w.rich, 1))
	w.Now = midnight
	w.expect("", w.payment(w.alice, w.rich, 1))
	if got := w.model.Wallets[w.alice]; got.PaidToday != 1 || got.PaymentsToday != 1 {
		t.Errorf("the counters did not begin anew: %+v", got)
	}
}

func TestOverItsLimitAWalletMayPayNotReceive(t *testing.T) {
	w := newTown(t)
	w.Must(&token.Update{Wallet: w.alice, Version: 1, Tier: 0}) // holds 2,000,000, may hold 12,975
	w.expect(ledger.LimitBalance, w.payment(w.rich, w.alice, 1))
	w.expect("", w.payment(w.alice, w.rich, 12_975*kzt))
	// Over its limit of the day likewise: a tier that allows less than was paid already.
	w.expect(ledger.LimitDay, w.payment(w.alice, w.rich, 1))
	w.Now += dayMillis
	w.expect("", w.payment(w.alice, w.rich, 1))
}

func TestExemptFromLimits(t *testing.T) {
	w := newTown(t)
	w.expect("", w.payment(w.bank, w.rich, 20_000_000*kzt)) // a treasury pays
	w.expect("", w.payment(w.rich, w.bank, 30_000_000*kzt)) // and receives without limits
	for range 30 {
		w.Must(w.payment(w.bank, w.rich, 1))
	}
	if got := w.model.Wallets[w.bank]; got.PaidToday != 0 || got.PaymentsToday != 0 {
		t.Errorf("a treasury's payments are counted: %+v", got)
	}
	// Seizure: alice pays at most 500,000 at once herself; a court in the limited tier receives.
	w.Must(&token.Update{Wallet: w.court, Version: 1, Tier: 0, Attributes: token.Attributes{Role: ledger.CourtRole}})
	w.freeze(w.alice, token.FreezeDebits)
	balance := w.model.Wallets[w.alice].Balance
	w.expect("", &token.Seize{Wallet: w.alice, Inputs: w.tokensOf(w.alice), Amount: balance - kzt, Change: kzt, Court: w.court, Case: "case 1"})
	if got := w.model.Wallets[w.alice]; got.PaidToday != 0 || got.Frozen == token.NotFrozen {
		t.Errorf("seized from: %+v", got)
	}
}

func TestConsolidationIsFreeSplittingIsNot(t *testing.T) {
	w := newTown(t)
	w.fund(w.bob, 100)
	toSelf := func(inputs []token.ID, amounts ...money.Tiyn) *token.Transfer {
		b := &token.Transfer{Parties: []token.WalletID{w.bob}, Payers: 1, Inputs: inputs}
		for _, a := range amounts {
			b.Outputs = append(b.Outputs, token.Output{Amount: a})
		}
		return b
	}
	w.Must(toSelf(w.tokensOf(w.bob), 50, 30, 20))
	if got := w.model.Wallets[w.bob]; got.PaymentsToday != 1 || got.PaidToday != 0 || got.Tokens != 3 {
		t.Errorf("splitting counts as a payment: %+v", got)
	}
	w.Must(toSelf(w.tokensOf(w.bob), 100))
	if got := w.model.Wallets[w.bob]; got.PaymentsToday != 1 || got.Tokens != 1 {
		t.Errorf("consolidation is free: %+v", got)
	}
	for range 19 {
		w.Must(toSelf(w.tokensOf(w.bob), 100)) // one for one is a payment: it costs the ledger an entry and gains nothing
	}
	w.expect(ledger.LimitPaymentsPerDay, toSelf(w.tokensOf(w.bob), 100))
	w.expect(ledger.LimitPaymentsPerDay, toSelf(w.tokensOf(w.bob), 50, 50))
}

func TestMergingKeepsTheLargestHops(t *testing.T) {
	w := newTown(t)
	w.Must(w.payment(w.alice, w.bob, 10))
	w.Must(w.payment(w.rich, w.bob, 10))
	worn := w.tokensOf(w.bob)[1]
	used := w.model.Tokens[worn]
	used.Hops = 7
	w.model.Tokens[worn] = used
	w.Must(w.payment(w.bob, w.rich, 20))
	for _, id := range w.tokensOf(w.rich) {
		if tok := w.model.Tokens[id]; tok.Amount == 20 && tok.Hops != 7 {
			t.Errorf("hops %d", tok.Hops)
		}
	}
}
