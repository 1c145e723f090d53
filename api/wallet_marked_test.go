package api_test

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Marked money is chosen on the page that pays; whom it may not pay is said before anything is signed, and whom it may
// pay is paid what the rule says: plain money.
func TestMarkedMoneyIsPaidFromThePhone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	treasury, canteen := w.meals(t)
	w.take("treasury", treasury)
	w.see("Only for: school meals")
	order := func(payee token.WalletID) {
		w.turn("pay")
		w.fill("To whom", payee.String())
		w.do(chromedp.Evaluate(
			`{const s = [...document.querySelectorAll("main select")].at(-1); s.value = "1"; s.dispatchEvent(new Event("change", {bubbles: true}))}`, nil))
		w.fill("How much", "70")
		w.press("Look and confirm")
	}
	order(w.bob)
	w.see("purpose-forbids")
	w.picture("marked-refused")
	w.turn("")
	order(canteen)
	w.see("It may be spent here")
	w.picture("marked")
	w.press("Pay 70.00")
	w.see("Paid: 70.00")
	if got, left := w.balanceOf(canteen), w.balanceOf(treasury); got != 70*money.Tenge || left != 930*money.Tenge {
		t.Errorf("the canteen has %s, the treasury %s", got, left)
	}
	w.clean()
}
