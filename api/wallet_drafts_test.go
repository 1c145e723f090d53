package api_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// A payment of two waits on the phone of who has not signed: he reads how much leaves his wallet and who gets what,
// signs, and it is paid; of another he says that he does not sign, and why.
func TestAPaymentOfSeveralIsSignedOnThePhone(t *testing.T) {
	source := axeSource(t)
	t.Parallel()
	w := newWalletPage(t)
	tx, _ := w.together(t, 100*money.Tenge)
	carol := tx.Body.(*token.Transfer).Parties[1]
	if status, _, body := w.putDraft(t, tx); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	w.take("carol", carol)
	w.see("A payment waits for signatures")
	w.press("To sign")
	w.see("You would pay")
	w.see("200.00") // the shop gets
	w.do(chromedp.Evaluate(string(source), nil))
	w.stateOf("draft")
	w.press("Sign: pay 100.00")
	w.see("All have signed. It is paid.")
	w.stateOf("draft-done")
	if got, left := w.balanceOf(w.bob), w.balanceOf(carol); got != 200*money.Tenge || left != 900*money.Tenge {
		t.Errorf("bob has %s, carol %s", got, left)
	}
	again, err := token.New(&token.Transfer{Parties: []token.WalletID{w.alice, carol, w.bob}, Payers: 2,
		Inputs:  []token.ID{token.OutputID(tx.ID(), 2), token.OutputID(tx.ID(), 1)},
		Outputs: []token.Output{{Party: 2, Amount: 99_800 * money.Tenge}}}, soon())
	if err == nil {
		err = again.SignAs(w.node.Network(), token.RoleWallet, 0, w.world.Key("alice"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if status, _, body := w.putDraft(t, again); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	w.turn("")
	w.turn("drafts")
	w.see("Sign: pay 900.00")
	w.press("I do not sign")
	w.fill("Why not?", "too much")
	w.press("I do not sign")
	w.see("It was refused")
	w.see("too much")
	var d api.DraftView
	if d, err = w.client.Draft(t.Context(), again.ID()); err != nil || d.State != "refused" ||
		d.Refusals[0].Reason != "too much" {
		t.Errorf("%+v, %v", d, err)
	}
	w.clean()
}
