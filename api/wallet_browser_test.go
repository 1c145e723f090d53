package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// walletPage is a phone with the wallet's page of a network that is not open.
type walletPage struct {
	*town
	t         *testing.T
	ctx       context.Context
	mu        sync.Mutex // holds what follows: the server and the browser tell of it
	submitted int        // payments that were sent
	cut       int        // answers of submissions that get lost, of those to come
	faults    []string
}

// note keeps what the page should not have done.
func (w *walletPage) note(fault string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, fault)
}

// sent is how many payments were sent since it was asked last, and loses the answers of so many to come.
func (w *walletPage) sent(cut int) (sent int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent, w.submitted, w.cut = w.submitted, 0, cut
	return sent
}

// lost counts a payment, and says whether nobody is to hear what became of it.
func (w *walletPage) lost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.submitted++
	w.cut--
	return w.cut >= 0
}

// clean holds that the page did nothing that it should not have done.
func (w *walletPage) clean() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, fault := range w.faults {
		w.t.Error(fault)
	}
}

func newWalletPage(t *testing.T) *walletPage {
	return newWalletPageIn(t, sim.NewWorld(1))
}

// newWalletPageIn is a phone with the wallet's page in a world, whose genesis may have been changed.
func newWalletPageIn(t *testing.T, world *sim.World) *walletPage {
	if !console.Built() {
		t.Skip("the console's pages are not built here: make build builds them where Node is")
	}
	// What a page has set aside and neither spends nor frees stays away for ever: no page's next payment waits for the clock.
	w := &walletPage{town: newTownIn(t, world, api.Options{}, func(c *node.Config) { c.Hold = time.Hour }), t: t}
	w.server = api.New(w.node, api.Options{Origins: []string{w.http.URL, strings.Replace(w.http.URL, "127.0.0.1", "localhost", 1)}})
	inner := w.server.Handler()
	w.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/transactions" && r.Method == http.MethodPost {
			if w.lost() { // it is done, and nobody hears of it
				inner.ServeHTTP(&deaf{header: http.Header{}}, r)
				panic(http.ErrAbortHandler)
			}
		}
		inner.ServeHTTP(rw, r)
	})
	w.ctx = browser(t)
	chromedp.ListenTarget(w.ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			w.note(e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError {
				w.note(fmt.Sprint("console: ", e.Args))
			}
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, w.http.URL) && !strings.HasPrefix(e.Request.URL, "data:") {
				w.note("a request elsewhere: " + e.Request.URL)
			}
		}
	})
	if err := chromedp.Run(w.ctx); err != nil { // the browser ends with the context of its first task
		t.Fatal(err)
	}
	w.do(network.Enable(), runtime.Enable(), emulation.SetDeviceMetricsOverride(320, 640, 2, true))
	return w
}

// deaf takes an answer that nobody gets.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(b []byte) (int, error) { return len(b), nil }
func (d *deaf) WriteHeader(int)             {}

func (w *walletPage) do(actions ...chromedp.Action) {
	w.t.Helper()
	// On a machine that does much else at the same time a page takes many times as long.
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var page string
		_ = chromedp.Run(w.ctx, chromedp.Text("body", &page, chromedp.ByQuery))
		w.clean()
		w.t.Fatalf("%v\nthe page says:\n%s", err, page)
	}
}

// press presses the button with a text, and fill fills the field with a label.
func (w *walletPage) press(text string) {
	w.t.Helper()
	w.do(chromedp.Poll(fmt.Sprintf(`(() => {
		const b = [...document.querySelectorAll("button")].find(b => b.textContent.includes(%q) && !b.disabled && b.checkVisibility());
		b?.click();
		return b !== undefined;
	})()`, text), nil, often))
}

func (w *walletPage) fill(label, text string) {
	w.t.Helper()
	field := fmt.Sprintf(`document.evaluate("//input[@id = //label[contains(., " + JSON.stringify(%q) + ")]/@for]", document, null, 9).singleNodeValue`, label)
	done := false
	for range 20 { // a page that has just come takes the focus to its heading, perhaps from under the typing
		w.do(chromedp.Poll(fmt.Sprintf(`(() => { const f = %s; f?.focus(); f?.select(); return f !== null && document.activeElement === f; })()`, field), nil, often),
			input.InsertText(text), chromedp.Evaluate(field+`?.value === `+fmt.Sprintf("%q", text), &done))
		if done {
			return
		}
	}
	w.t.Fatalf("%q is not typed under %q", text, label)
}

func (w *walletPage) see(text string) {
	w.t.Helper()
	w.do(chromedp.Poll(fmt.Sprintf(`document.body.innerText.includes(%q)`, text), nil, often))
}

// often is how often a page is looked at: not with its frames, of which a tab in the background has none.
var often = chromedp.WithPollingInterval(50 * time.Millisecond)

func (w *walletPage) text(selector string) (text string) {
	w.t.Helper()
	w.do(chromedp.Text(selector, &text, chromedp.ByQuery))
	return strings.TrimSpace(text)
}

// picture keeps a screenshot where they are wanted, and holds that nothing is wider than the screen.
func (w *walletPage) picture(name string) {
	w.t.Helper()
	var over int
	var wide []string
	var shot []byte
	w.do(chromedp.Evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`, &over))
	if over > 0 {
		w.do(chromedp.Evaluate(`[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth).map((e) => e.tagName + " " + e.textContent.slice(0, 40))`, &wide))
		w.t.Errorf("%s: %d pixels wider than the screen: %q", name, over, wide)
	}
	if dir := os.Getenv("AQSHA_SCREENSHOTS"); dir != "" {
		var tall bool
		w.do(chromedp.Evaluate(`document.documentElement.scrollHeight > 10000`, &tall))
		if tall { // more than a browser draws in one picture
			w.do(chromedp.CaptureScreenshot(&shot))
		} else {
			w.do(chromedp.FullScreenshot(&shot, 100))
		}
		if err := os.WriteFile(dir+"/wallet-"+name+".png", shot, 0o644); err != nil {
			w.t.Fatal(err)
		}
	}
}

// paper is the bank's: the registration of a key, signed by the bank alone.
func (w *walletPage) paper(public string) (string, token.WalletID) {
	w.t.Helper()
	var key token.PublicKey
	if err := key.UnmarshalText([]byte(public)); err != nil {
		w.t.Fatal(err)
	}
	tx := w.world.Sign(&token.Register{Registrar: w.bank, Sequence: 3, Key: key, Tier: 1}, soon(), sim.One(token.RoleIntermediary, 0, w.world.Key("bank")))
	content, err := json.Marshal(map[string]any{"network": w.world.Network, "transaction": tx})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content), token.RegisteredID(tx.ID())
}

// A person makes a wallet on a phone, lets a bank open it, is paid, pays a shop by its code with fifty taps while answers are lost,
// reads a refusal, locks it, and opens it again after a reload.
func TestAPersonPaysFromAPhone(t *testing.T) {
	w := newWalletPage(t)
	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery), chromedp.SetValue("select", "en", chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("select").dispatchEvent(new Event("change", {bubbles: true}))`, nil))
	w.see("Money of the central bank")
	w.picture("first")
	w.press("Make a wallet")
	w.fill("Passphrase", "short")
	w.fill("The same once more", "short")
	w.press("Go on")
	w.see("At least 8 characters")
	w.fill("Passphrase", "seven sheep in the yard")
	w.fill("The same once more", "seven sheep in the yard")
	w.press("Go on")
	w.see("Your bank opens the wallet")
	var stretched, inPage bool // the passphrase, in a worker and not in the page
	loaded := func(name string) string {
		return `performance.getEntriesByType("resource").some((e) => e.name.includes("/` + name + `-"))`
	}
	w.do(chromedp.Evaluate(loaded("stretcher"), &stretched), chromedp.Evaluate(loaded("argon2"), &inPage))
	if !stretched || inPage {
		t.Errorf("a worker stretched the passphrase: %v, the page: %v", stretched, inPage)
	}
	w.picture("bank")
	paper, id := w.paper(w.text(`[data-testid="public-key"]`))
	w.fill("Or its text", "{}")
	w.press("Go on")
	w.see("This is no paper of a bank")
	w.fill("Or its text", paper)
	w.press("Go on")
	w.see("You can spend")

	treasury := token.OutputID(w.money.ID(), 1)
	w.submit(t, w.world.Pay(w.bank, w.world.Key("bank treasury"), id, 2_000*money.Tenge, []token.ID{treasury}, 900_000*money.Tenge, soon()))
	w.see("2,000.00")
	w.picture("home")

	// The shop's code, as a link; the button is pressed fifty times, and the first two answers are lost.
	request := fmt.Sprintf("%s/wallet/#pay?network=%s&to=%s&amount=15005&reference=bread", w.http.URL, w.world.Network, w.alice)
	w.press("Pay")
	w.fill("To whom", request)
	w.see("150.05")
	w.press("Look and confirm")
	w.picture("confirm")
	w.sent(2)
	w.do(chromedp.Evaluate(`{const b = [...document.querySelectorAll("button")].find(b => b.textContent.startsWith("Pay 150.05")); for (let i = 0; i < 50; i++) b.click()}`, nil))
	w.see("Paid: 150.05")
	w.picture("paid")
	if sent := w.sent(0); sent != 3 {
		t.Errorf("%d submissions, want two whose answers were lost and one", sent)
	}
	if got := w.balanceOf(id); got != 1_849*money.Tenge+95 {
		t.Fatalf("%s are left of 2,000 after one payment of 150.05", got)
	}

	// The same request again: it says so, and is not paid without a word.
	w.press("Money")
	w.press("Pay")
	w.fill("To whom", request)
	w.press("Look and confirm")
	w.see("You paid the same already")
	w.press("Pay 150.05")
	w.see("Say whether it is to be paid once more")
	if sent := w.sent(0); sent != 0 {
		t.Errorf("%d submissions of what was paid already", sent)
	}
	w.picture("paid-before")
	w.turn("home")

	// More than there is: words, and nothing is gone.
	w.press("Pay")
	w.fill("To whom", w.alice.String())
	w.fill("How much", "5000")
	w.press("Look and confirm")
	w.press("Pay 5,000.00")
	w.see("not enough money")
	w.see("Nothing left your wallet")
	w.picture("refused")

	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.fill("Passphrase", "seven sheep in the yart")
	w.press("Open")
	w.see("does not open it")
	w.fill("Passphrase", "seven sheep in the yard")
	w.press("Open")
	w.see("bread")
	w.see("1,849.95")
	w.clean()
}

// balanceOf asks the node itself.
func (w *walletPage) balanceOf(id token.WalletID) money.Tiyn { return w.town.balanceOf(w.t, id) }
