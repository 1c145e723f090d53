package api_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// sold opens the till's order of 150 tenge, which bob pays: what he still has stands in the second output of the payment.
func (w *walletPage) sold() (reference string, paid *token.Transaction) {
	w.t.Helper()
	bobs := w.payBob(5_000 * money.Tenge)
	w.submit(w.t, bobs)
	w.takeAlice()
	w.turn("till")
	w.fill("How much", "150")
	w.press("Show the code")
	w.do(chromedp.WaitVisible("svg.code", chromedp.ByQuery))
	reference = w.text(`[data-testid="till-state"] .dim`)
	paid = w.pay(token.OutputID(bobs.ID(), 0), 5_000*money.Tenge, 150*money.Tenge, "bob", "alice", reference)
	w.see("Paid: 150.00")
	return reference, paid
}

// order shows an order of the day again.
func (w *walletPage) order(reference string) {
	w.t.Helper()
	w.turn("till")
	w.press(reference)
	w.do(chromedp.WaitVisible(`[data-testid="till-state"]`, chromedp.ByQuery))
}

// giveBackPart types what goes back of the one payment that is shown.
func (w *walletPage) giveBackPart(amount string) {
	w.t.Helper()
	w.openPart()
	w.fill("How much goes back", amount)
	w.press("Go on")
}

// openPart opens the form for a part.
func (w *walletPage) openPart() {
	w.t.Helper()
	w.do(chromedp.Poll(`(() => { const d = document.querySelector("main details:has(form)"); if (d) d.open = true; return d !== null })()`, nil, often))
}

// The shopkeeper says how much of a payment goes back. The parts of one payment, over a reload and another phone of the
// wallet, add up to what came and no more.
func TestPartsOfAPaymentGoBackAtTheTill(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	reference, _ := w.sold()
	before := w.balanceOf(w.bob)
	w.giveBackPart("150.01")
	w.see("Of this payment 150.00\u00a0₸ is left")
	w.picture("refund-part")
	w.giveBackPart("40")
	w.press("Look and confirm")
	w.press("Pay 40.00")
	w.see("Paid: 40.00")

	w.do(chromedp.Navigate(w.http.URL+"/wallet/till"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.unlock()
	w.do(chromedp.WaitVisible(`[data-testid="day"]`, chromedp.ByQuery))
	w.press(reference)
	w.see("Given back: 40.00\u00a0₸. What stays: 110.00")
	w.giveBackPart("40")
	w.press("Look and confirm")
	w.see("The same sum of it went back already")
	w.do(chromedp.Poll(`(() => { const c = document.querySelector('main input[type="checkbox"]'); if (!c.checked) c.click(); return c.checked })()`, nil, often))
	w.press("Pay 40.00")
	w.see("Paid: 40.00")

	second := &walletPage{town: w.town, t: t, ctx: browser(t)}
	if err := chromedp.Run(second.ctx); err != nil { // the browser ends with the context of its first task
		t.Fatal(err)
	}
	second.do(network.Enable())
	second.takeAlice()
	second.order(reference)
	second.see("Given back: 80.00\u00a0₸. What stays: 70.00")
	second.giveBackPart("70.01")
	second.see("Of this payment 70.00\u00a0₸ is left")
	w.order(reference) // the first phone reads it before the second gives the rest back
	w.giveBackPart("0.01")
	second.giveBackPart("70")
	second.press("Look and confirm")
	second.press("Pay 70.00")
	second.see("Paid: 70.00")
	w.press("Look and confirm")
	w.press("Pay 0.01")
	w.see("This payment was given back already")
	if got := w.balanceOf(w.bob) - before; got != 150*money.Tenge {
		t.Errorf("%s went back, of 150", got)
	}
	w.clean()
}

// Two phones of one wallet give the same payment back in the same instant: both have signed before either is executed. It
// goes back once, and the other phone says that it was given back already.
func TestTwoPhonesGiveAPaymentBackOnce(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	reference, _ := w.sold()
	before := w.balanceOf(w.bob)
	second := &walletPage{town: w.town, t: t, ctx: browser(t)}
	if err := chromedp.Run(second.ctx); err != nil { // the browser ends with the context of its first task
		t.Fatal(err)
	}
	second.do(network.Enable())
	second.takeAlice()
	second.order(reference)
	var both sync.WaitGroup
	both.Add(2)
	var came atomic.Int32
	inner := w.http.Config.Handler
	w.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/transactions" && came.Add(1) <= 2 {
			both.Done()
			both.Wait()
		}
		inner.ServeHTTP(rw, r)
	})
	for _, phone := range []*walletPage{w, second} {
		phone.press("Give back 150.00")
		phone.press("Look and confirm")
	}
	w.press("Pay 150.00")
	second.press("Pay 150.00")
	var done, refused int
	for _, phone := range []*walletPage{w, second} {
		phone.do(chromedp.Poll(`/Paid: 150\.00|given back already/.test(document.body.innerText)`, nil, often))
		if page := phone.text("main"); strings.Contains(page, "Paid: 150.00") {
			done++
		} else {
			refused++
		}
	}
	if got := w.balanceOf(w.bob) - before; done != 1 || refused != 1 || got != 150*money.Tenge {
		t.Errorf("%d phones paid and %d were refused; %s went back, of 150", done, refused, got)
	}
	w.clean()
}
