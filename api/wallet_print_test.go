package api_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// What the till prints, the day's sum and a receipt, is for paper: the day or both sides by their whole numbers, the
// amounts, black on white, and nothing that is pressed.
func TestTheTillPrintsItsDayAndReceipts(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	reference, paid := w.sold()
	w.press("Next customer")
	w.do(chromedp.WaitVisible(`[data-testid="day"]`, chromedp.ByQuery), chromedp.Evaluate(`globalThis.print = () => { globalThis.printed = true }`, nil))
	w.press("Print")
	w.do(chromedp.Poll(`globalThis.printed === true`, nil, often))
	w.onPaper("till-day", []string{"150.00", reference, w.alice.String(), "20"}, "Show the code", "As a file", "Columns")
	w.turn("receipt?id=" + paid.ID().String())
	w.see("150.00")
	w.onPaper("receipt", []string{"150.00", reference, w.alice.String(), w.bob.String(), paid.ID().String()}, "Print", "Check it here")
	w.clean()
}

// onPaper holds what the page has in print, and what not.
func (w *walletPage) onPaper(name string, has []string, hasNot ...string) {
	w.t.Helper()
	var pdf []byte
	var black bool
	w.do(emulation.SetEmulatedMedia().WithMedia("print").WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
	text := w.text("body")
	for _, want := range has {
		if !strings.Contains(text, want) {
			w.t.Errorf("%s: in print there is no %q:\n%s", name, want, text)
		}
	}
	for _, no := range hasNot {
		if strings.Contains(text, no) {
			w.t.Errorf("%s: in print there is %q:\n%s", name, no, text)
		}
	}
	w.do(chromedp.Evaluate(`(() => { const s = getComputedStyle(document.body); return s.color === "rgb(0, 0, 0)" && s.backgroundColor === "rgb(255, 255, 255)" && ![...document.querySelectorAll("button:not(.link), nav, header")].some((e) => e.checkVisibility())
		&& [...document.querySelectorAll("main *")].every((e) => !e.checkVisibility() || Math.max(...getComputedStyle(e).color.match(/[0-9]+/g).slice(0, 3)) < 170) })()`, &black))
	if !black {
		w.t.Errorf("%s: in print it is not dark on white, or has buttons", name)
	}
	w.picture("print-" + name)
	w.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().Do(ctx)
		return err
	}))
	if !strings.HasPrefix(string(pdf), "%PDF-") {
		w.t.Errorf("%s: it is not printed", name)
	}
	w.do(emulation.SetEmulatedMedia().WithMedia(""))
}

// A question about a contract takes the focus, and gives it back to what was pressed.
func TestAQuestionOnThePhoneGivesTheFocusBack(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.escrow(t)
	w.takeAlice()
	w.turn("rules")
	focus := func(want string) {
		t.Helper()
		w.do(chromedp.Poll(`document.activeElement.matches(`+want+`)`, nil, often))
	}
	w.do(chromedp.Poll(`(() => { const b = document.querySelector("[data-act=release]"); b?.focus(); return b !== null })()`, nil, often))
	w.keys("\r")
	focus(`"form button.first"`)
	w.keys("\t")
	w.keys("\r") // Cancel
	focus(`"[data-act=release]"`)
	w.clean()
}
