package api_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// recoveryOf is the code that brings a key's wallet back, as the page writes it.
func recoveryOf(seed [32]byte) string {
	sum := sha256.Sum256(append([]byte("aqsha recovery v1\x00"), seed[:]...))
	n := new(big.Int).SetBytes(append(seed[:], sum[:3]...))
	digits := n.Text(32)
	digits = strings.Repeat("0", 56-len(digits)) + digits
	return strings.Map(func(r rune) rune {
		return rune("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[strings.IndexRune("0123456789abcdefghijklmnopqrstuv", r)])
	}, digits)
}

// speak chooses a language of the page.
func (w *walletPage) speak(language string) {
	w.t.Helper()
	w.do(chromedp.WaitVisible("h1", chromedp.ByQuery), chromedp.SetValue("header select", language, chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("header select").dispatchEvent(new Event("change", {bubbles: true}))`, nil),
		chromedp.Poll(fmt.Sprintf(`document.documentElement.lang === %q`, language), nil))
}

// takeAlice brings alice's wallet to the phone by her recovery code.
func (w *walletPage) takeAlice() {
	w.t.Helper()
	w.take("alice", w.alice)
}

// take brings a wallet to the phone by its recovery code.
func (w *walletPage) take(key string, wallet token.WalletID) {
	w.t.Helper()
	w.do(chromedp.Navigate(w.http.URL + "/wallet/"))
	w.speak("en")
	w.press("I have a recovery code")
	w.fill("Type the recovery code", recoveryOf(w.world.Key(key).Seed()))
	w.press("Go on")
	w.fill("Passphrase", "seven sheep in the yard")
	w.fill("The same once more", "seven sheep in the yard")
	w.press("Go on")
	w.see("You can spend") // the code alone finds the wallet
}

// turn shows a page of the wallet without loading anything anew, as its own links do.
func (w *walletPage) turn(page string) {
	w.t.Helper()
	w.do(chromedp.Evaluate(fmt.Sprintf(`history.pushState(null, "", "/wallet/%s"); dispatchEvent(new PopStateEvent("popstate"))`, page), nil), chromedp.WaitVisible("h1", chromedp.ByQuery))
}

func (w *walletPage) unlock() {
	w.t.Helper()
	w.fill("Passphrase", "seven sheep in the yard")
	w.press("Open")
}

// pay makes a payment of one token, whose first output is the payee's and whose second is the change.
func (w *walletPage) pay(from token.ID, held, amount money.Tiyn, payer, payee string, memo string) *token.Transaction {
	w.t.Helper()
	ids := map[string]token.WalletID{"alice": w.alice, "bob": w.bob}
	tx := w.world.Sign(&token.Transfer{Parties: []token.WalletID{ids[payer], ids[payee]}, Payers: 1, Inputs: []token.ID{from},
		Outputs: []token.Output{{Party: 1, Amount: amount}, {Party: 0, Amount: held - amount}}, Memo: token.Plain(memo)}, soon())
	if err := tx.SignAs(w.node.Network(), token.RoleWallet, 0, w.world.Key(payer)); err != nil {
		w.t.Fatal(err)
	}
	w.submit(w.t, tx)
	return tx
}

// Without a connection the wallet opens, shows what it saw last and when, its own code, and takes a payment that waits and is
// made once when there is a connection again.
func TestAWalletWorksWithoutAConnection(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	var down atomic.Bool
	inner := w.http.Config.Handler
	w.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(rw, r)
	})
	w.takeAlice()
	w.see("100,000.00")
	w.do(chromedp.Evaluate(`navigator.serviceWorker.ready.then(() => true)`, nil, awaited))
	w.do(chromedp.Poll(`caches.keys().then(async (names) => names.length === 1 && (await (await caches.open(names[0])).keys()).length > 10)`, nil, chromedp.WithPollingTimeout(20*time.Second)))
	down.Store(true)
	w.http.CloseClientConnections()
	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.unlock()
	w.see("no connection")
	w.see("100,000.00")
	w.picture("offline")
	w.press("Ask for money")
	w.fill("How much", "12")
	w.press("Go on")
	w.do(chromedp.WaitVisible("svg.code", chromedp.ByQuery))
	w.turn("pay")
	w.fill("To whom", w.bob.String())
	w.fill("How much", "150")
	w.press("Look and confirm")
	w.press("Pay 150.00")
	w.see("Waits: 150.00")
	w.picture("waits")
	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.unlock()
	w.see("not paid yet")
	if got := w.balanceOf(w.alice); got != 100_000*money.Tenge {
		t.Fatalf("%s: something was paid without a connection", got)
	}
	down.Store(false)
	w.see("99,850.00")
	w.do(chromedp.Poll(`!document.body.innerText.includes("not paid yet")`, nil))
	if got, sent := w.balanceOf(w.alice), w.sent(0); got != 99_850*money.Tenge || sent != 1 {
		t.Errorf("%s after one payment of 150, sent %d times", got, sent)
	}
	w.clean()
}

// A payment that waits is paid while its own page is open; one that takes long is said to be under way; one whose answers are lost
// takes nothing twice from what remains; and Pay in the bar begins another on the page of one that is paid.
func TestAPaymentsPageFollowsIt(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	var down atomic.Bool
	var looks atomic.Int32 // how often the wallet was read whole
	var hold sync.RWMutex  // over answers to payments
	inner := w.http.Config.Handler
	w.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		if r.URL.Path == "/v1/transactions" {
			hold.RLock()
			defer hold.RUnlock()
		}
		inner.ServeHTTP(rw, r)
		if strings.HasSuffix(r.URL.Path, "/tokens") {
			looks.Add(1)
		}
	})
	w.takeAlice()
	w.see("100,000.00")
	down.Store(true)
	w.http.CloseClientConnections()
	w.payTen()
	w.see("Waits: 10.00")
	down.Store(false)
	w.see("Paid: 10.00")
	w.do(chromedp.Click(`nav a[href="/wallet/pay"]`, chromedp.ByQuery))
	w.see("To whom")
	w.sent(1_000)
	hold.Lock()
	w.payTen()
	w.see("It is being paid")
	left := w.text("[data-testid=left]")
	hold.Unlock()
	w.see("No answer yet")
	seen := looks.Load()
	w.until("the wallet is read again", func() bool { return looks.Load() > seen+2 })
	if now := w.text("[data-testid=left]"); now != left {
		t.Errorf("what remains was %s before it was paid, and %s after", left, now)
	}
	w.sent(0)
	w.see("Paid: 10.00")
	if got := w.balanceOf(w.alice); got != 99_980*money.Tenge {
		t.Errorf("%s after two payments of 10", got)
	}
	w.clean()
}

// A shop's till: part of what was asked, the rest, a second payment and its refund; a cashier's device sees it and cannot spend,
// until the owner ends it.
func TestATill(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	bobs := w.payBob(5_000 * money.Tenge)
	w.submit(t, bobs)
	w.takeAlice()
	w.turn("till")
	w.press("1")
	w.press("5")
	w.press("0")
	w.picture("till-pad")
	w.press("Show the code")
	w.do(chromedp.WaitVisible("svg.code", chromedp.ByQuery))
	reference := strings.Fields(w.text(`[data-testid="till-state"] .dim`))[0]
	w.picture("till-code")
	first := w.pay(token.OutputID(bobs.ID(), 0), 5_000*money.Tenge, 100*money.Tenge, "bob", "alice", reference)
	w.see("50.00\u00a0₸ is missing")
	w.picture("till-part")
	second := w.pay(token.OutputID(first.ID(), 1), 4_900*money.Tenge, 50*money.Tenge, "bob", "alice", reference)
	w.see("Paid: 150.00")
	w.picture("till-paid")
	w.pay(token.OutputID(second.ID(), 1), 4_850*money.Tenge, 150*money.Tenge, "bob", "alice", reference)
	w.see("Paid twice")
	w.picture("till-twice")
	w.press("Give back 150.00")
	w.see("150.00")
	w.press("Look and confirm")
	w.press("Pay 150.00")
	w.see("Paid: 150.00")
	w.turn("till")
	w.do(chromedp.Poll(`document.querySelector('[data-testid="day"]')?.innerText.startsWith("150.00")`, nil))
	w.see("given back 150.00")
	w.picture("till-day")

	w.turn("safety")
	w.fill("Name of the device", "Aliya")
	w.press("Let a device see")
	link := w.text(`[data-testid="delegation"]`)
	cashier := &walletPage{town: w.town, t: t, ctx: browser(t)}
	if err := chromedp.Run(cashier.ctx); err != nil { // the browser ends with the context of its first task
		t.Fatal(err)
	}
	cashier.do(network.Enable(), emulation.SetDeviceMetricsOverride(320, 640, 2, true), chromedp.Navigate(link))
	cashier.speak("en")
	cashier.do(chromedp.Poll(`document.querySelector('[data-testid="day"]')?.innerText.startsWith("150.00")`, nil))
	cashier.picture("till-cashier")
	var navigation int
	cashier.do(chromedp.Evaluate(`document.querySelectorAll("nav").length`, &navigation), chromedp.Navigate(w.http.URL+"/wallet/pay"), chromedp.WaitVisible(`[data-testid="day"]`, chromedp.ByQuery))
	if navigation != 0 {
		t.Error("the cashier's device has pages that spend")
	}
	w.press("Done")
	w.do(chromedp.Click(`button[aria-label="End Aliya"]`, chromedp.ByQuery))
	cashier.see("may not see the till any more")
	w.clean()
}

// awaited waits for a promise.
var awaited = func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

// Two tabs of a browser hear of a payment by one connection; when the tab that holds it closes, the other takes it over.
func TestTabsShareOneStream(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	var open, most, begun atomic.Int32
	inner := w.http.Config.Handler
	w.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/events" {
			most.Store(max(most.Load(), open.Add(1)))
			begun.Add(1)
			defer open.Add(-1)
		}
		inner.ServeHTTP(rw, r)
	})
	w.takeAlice()
	ctx, closeTab := chromedp.NewContext(w.ctx)
	second := &walletPage{town: w.town, t: t, ctx: ctx}
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	second.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	second.unlock()
	second.see("100,000.00")
	change := w.payBob(7 * money.Tenge)
	w.submit(t, change)
	w.see("99,993.00")
	second.see("99,993.00")
	if most.Load() != 1 || begun.Load() != 1 {
		t.Errorf("%d streams were open at once, %d in all, want one", most.Load(), begun.Load())
	}
	w.do(chromedp.Navigate("about:blank"))
	w.pay(token.OutputID(change.ID(), 1), 99_993*money.Tenge, 3*money.Tenge, "alice", "bob", "")
	second.see("99,990.00")
	second.do(chromedp.ActionFunc(func(context.Context) error {
		for begun.Load() < 2 {
			time.Sleep(20 * time.Millisecond)
		}
		return nil
	}))
	closeTab()
}

// What binds the wallet is seen and ended; a payment's receipt is checked on the phone; a phone that was lost opens nothing after
// the wallet has a new key, and the new key pays.
func TestAPersonKeepsAWalletSafe(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.escrow(t)
	w.takeAlice()
	w.turn("receipt?id=" + w.money.ID().String())
	w.press("Check it here")
	w.see("It holds")
	w.press("Give ")
	w.fill("Name", "My bank")
	w.press("Save")
	w.see("My bank")
	w.turn("history?way=in")
	w.see("My bank")

	w.turn("rules")
	w.see("40.00")
	w.press("Stop it: let the money go")
	w.press("Yes, let the money go")
	w.see("Nothing binds this wallet")

	w.turn("safety")
	w.see("SHA-256 " + console.Digest()) // of what this node serves
	w.do(chromedp.Evaluate(`{const f = [...document.querySelectorAll("section.card")].find(s => s.innerText.includes("A phone was lost")).querySelector("input"); f.focus()}`, nil))
	w.typed("seven sheep in the yard")
	w.press("Make a new key")
	w.see("Write down the recovery code")
	w.press("Later")
	var key token.PublicKey
	if err := w.node.View(t.Context(), func(state *livestate.State, _ node.Head) {
		alice, _ := state.Wallet(w.alice)
		key = alice.Key
	}); err != nil || key == w.world.Key("alice").Public() {
		t.Fatal("the wallet has its old key still", err)
	}
	for _, tenge := range []string{"10", "11"} { // now, and opened again: the same sum once more would be asked about
		w.turn("pay")
		w.fill("To whom", w.bob.String())
		w.fill("How much", tenge)
		w.press("Look and confirm")
		w.press("Pay " + tenge + ".00")
		w.see("Paid: " + tenge + ".00")
		w.do(chromedp.Navigate(w.http.URL+"/wallet/people"), chromedp.WaitVisible("h1", chromedp.ByQuery))
		w.unlock()
		w.see("My bank") // what the old key had sealed is there
	}
	if got := w.balanceOf(w.alice); got != 99_939*money.Tenge {
		t.Errorf("%s after an escrow of 40 and payments of 10 and 11", got)
	}
	w.clean()
}

// Somebody asks a bank from the phone; the first paper has become void, for the bank registered somebody else meanwhile, and the
// page asks again by itself.
func TestAPersonAsksABankFromThePhone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.server.SetAccess([]api.Access{{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank, TokenSHA256: api.HashToken("bank")}})
	w.do(chromedp.Navigate(w.http.URL + "/wallet/"))
	w.speak("en")
	w.press("Make a wallet")
	w.fill("Passphrase", "seven sheep in the yard")
	w.fill("The same once more", "seven sheep in the yard")
	w.press("Go on")
	w.see("Ask a bank from here")
	w.fill("Your name", "Dina")
	w.press("Ask")
	w.see("opens here by itself")
	w.picture("applied")
	bank := api.NewClient(w.http.URL, "bank")
	answer := func(sequence uint64) api.ApplicationView {
		for {
			list, err := bank.Applications(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range list {
				if a.State != api.ApplicationWaits {
					continue
				}
				r := w.world.Sign(&token.Register{Registrar: w.bank, Sequence: sequence, Key: a.Key, Tier: 0}, soon(), sim.One(token.RoleIntermediary, 0, w.world.Key("bank")))
				draft, err := json.Marshal(map[string]any{"network": w.world.Network, "transaction": r})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := bank.AcceptApplication(t.Context(), a.ID, draft); err != nil {
					t.Fatal(err)
				}
				return a
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	first := answer(2) // a sequence that bob's registration has used
	if second := answer(3); second.ID == first.ID || second.Key != first.Key || second.Name != "Dina" {
		t.Errorf("asked again: %+v after %+v", second, first)
	}
	w.see("You can spend")
	w.clean()
}

// The device's own lock opens the wallet where it keeps a secret for pages, and says so where it does not; the passphrase opens it
// in any case.
func TestAWalletOpensByTheDevicesLock(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.http.URL = strings.Replace(w.http.URL, "127.0.0.1", "localhost", 1) // a passkey is of a name
	device := func(prf bool) webauthn.AuthenticatorID {
		var id webauthn.AuthenticatorID
		w.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
			if err = webauthn.Enable().Do(ctx); err == nil {
				id, err = webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
					Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, HasPrf: prf, AutomaticPresenceSimulation: true, IsUserVerified: true}).Do(ctx)
			}
			return err
		}))
		return id
	}
	plain := device(false)
	w.takeAlice()
	set := func() {
		w.turn("safety")
		w.see("The phone's own lock")
		w.do(chromedp.Evaluate(`{const f = [...document.querySelectorAll("section.card")].find(s => s.innerText.includes("The phone's own lock")).querySelector("input"); f.focus()}`, nil))
		w.typed("seven sheep in the yard")
		w.press("Use the phone's lock")
	}
	set()
	w.see("keeps no secret for pages")
	w.do(webauthn.RemoveVirtualAuthenticator(plain))
	device(true)
	w.turn("")
	set()
	w.see("lock opens this wallet")
	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.see("Open the wallet")
	w.press("Open with the phone's lock")
	w.see("100,000.00")
	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.unlock()
	w.see("100,000.00")
	w.clean()
}

// axePath is the checker of accessibility, where npm put it.
const axePath = "../console/ui/node_modules/axe-core/axe.min.js"

// pagesOfAWallet are all pages with the words that say they are there.
var pagesOfAWallet = []string{"", "pay", "ask", "more", "history", "receipt", "rules", "drafts", "people", "till", "safety", "learn?card=lost"}

// axe says what a checker of accessibility finds on the page that is shown.
func (w *walletPage) axe() (found []string) {
	w.t.Helper()
	var own []string
	w.do(chromedp.Evaluate(ownRules, &own), chromedp.Evaluate(`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.target + " " + (n.any[0]?.message ?? ""))))`, &found, awaited))
	return append(found, own...)
}

// ownRules are what axe-core has no rule for: one heading says where one is, and what came of an act is said aloud by a
// region that speaks, not only shown.
const ownRules = `(() => {
	const shown = (e) => e.checkVisibility() && !e.closest(".hidden");
	const all = (q) => [...document.querySelectorAll(q)].filter(shown);
	const name = (e) => e.tagName + " " + (e.id || e.textContent || "").trim().slice(0, 40);
	const wrong = [];
	const heads = [...document.querySelectorAll("h1")].filter((e) => e.checkVisibility()); // one may be heard alone
	if (heads.length !== 1) wrong.push("own-one-h1: " + heads.map(name).join("; "));
	if (all("main").length !== 1) wrong.push("own-one-main: " + all("main").length);
	for (const e of all("main .problem, main .refused, main .done"))
		if (!e.closest("[role=alert], [role=status], [aria-live], dialog") && !e.querySelector("[role=alert], [role=status]"))
			wrong.push("own-result-is-said: " + name(e));
	for (const e of all("main input, main select, main textarea"))
		if (!e.labels?.length && !e.matches("[aria-label], [aria-labelledby]")) wrong.push("own-label: " + name(e));
	return wrong;
})()`

// axeSource is the checker itself.
func axeSource(t *testing.T) []byte {
	t.Helper()
	source, err := os.ReadFile(axePath)
	if err != nil {
		t.Skip("the console's packages are not here: make test fetches them where npm is")
	}
	return source
}

// Every page, in each language, is one that a screen reader can tell, in both themes; none is wider than the narrowest phone or
// has a word of another alphabet left in it.
func TestEveryPageCanBeReadByAll(t *testing.T) {
	source := axeSource(t)
	t.Parallel()
	w := newWalletPage(t)
	contract := w.escrow(t)
	w.takeAlice()
	w.do(chromedp.Evaluate(string(source), nil))
	widths := []int64{320} // what fits the narrowest phone fits
	if os.Getenv("AQSHA_SCREENSHOTS") != "" {
		widths = append(widths, 390, 1280)
	}
	receipt := "receipt?id=" + w.money.ID().String()
	for _, language := range []string{"en", "kk", "ru"} {
		w.turn("")
		w.speak(language)
		for _, theme := range []string{"light", "dark"} {
			if theme == "dark" && language != "kk" {
				continue // colours are the same in each language
			}
			w.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}))
			for _, page := range pagesOfAWallet {
				address := page
				if page == "receipt" {
					address = receipt
				}
				w.turn(address)
				w.do(chromedp.Poll(`!document.querySelector("main .skeleton") && document.querySelector("main")?.innerText.length > 20`, nil))
				for _, found := range w.axe() {
					t.Errorf("%s, %s, %s: %s", page, language, theme, found)
				}
				for _, width := range widths {
					w.do(emulation.SetDeviceMetricsOverride(width, 640, 1, width < 1000))
					w.picture(fmt.Sprintf("%s-%s-%s-%d", map[bool]string{true: "home", false: strings.TrimSuffix(page, "?card=lost")}[page == ""], language, theme, width))
				}
				w.do(emulation.SetDeviceMetricsOverride(320, 640, 1, true))
				w.noLatin(page, language, contract.String())
			}
		}
	}
	w.clean()
}

// latinWords are those that a page in Kazakh or Russian may have: names of things and numbers that people are given.
var latinWords = map[string]bool{"aqsha": true, "english": true, "escrow": true, "release": true, "refund": true, "dispute": true, "settle": true,
	"version": true} // of the command "aqsha version"

// noLatin holds that no text of a page was left in another alphabet than the language's.
func (w *walletPage) noLatin(page, language, contract string) {
	w.t.Helper()
	if language == "en" {
		return
	}
	var text string
	w.do(chromedp.Evaluate(`{const copy = document.querySelector("#app").cloneNode(true); copy.querySelectorAll(".id, [lang], header .dim, .rule-text, .quoted, .groups, select.names").forEach(e => e.remove()); [...copy.querySelectorAll("*")].flatMap(e => [e.getAttribute("aria-label") ?? "", ...[...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data)]).join(" ")}`, &text))
	text = regexp.MustCompile(`[0-9a-f]{4}…[0-9a-f]{4}`).ReplaceAllString(text, "") // the ends of an id
	if month := regexp.MustCompile(`\bM\d{1,2}\b`).FindString(text); month != "" {
		w.t.Errorf("%s in %s: the month %q", page, language, month)
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') }) {
		if len(word) >= 3 && !latinWords[strings.ToLower(word)] {
			w.t.Errorf("%s in %s: the word %q", page, language, word)
		}
	}
}

// By the keyboard alone a person opens the wallet and pays: every step is reached by Tab and done by Enter, and where the focus is
// can be seen.
func TestAPersonPaysByTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.takeAlice()
	w.turn("pay")
	w.tabTo("label", "To whom")
	w.typed(w.bob.String())
	w.tabTo("label", "How much")
	w.typed("25")
	w.keys("\r")
	w.see("What remains")
	w.tabTo("button", "Pay 25.00")
	w.keys("\r")
	w.see("Paid: 25.00")
	if got := w.balanceOf(w.alice); got != 99_975*money.Tenge {
		t.Errorf("%s are left of 100,000 after a payment of 25", got)
	}
	w.tabTo("button", "Money")
	w.keys("\r")
	w.see("You can spend")
}

// tabTo presses Tab until the focus is at what a label or button says, and holds that the focus can be seen there.
func (w *walletPage) tabTo(kind, text string) {
	w.t.Helper()
	var at struct {
		Text    string
		Outline string
	}
	for range 60 {
		w.keys("\t")
		w.do(chromedp.Evaluate(`{const e = document.activeElement; ({Text: (e.labels?.[0] ?? e).textContent, Outline: getComputedStyle(e).outlineStyle})}`, &at))
		if strings.Contains(at.Text, text) {
			if at.Outline == "none" {
				w.t.Errorf("the focus at the %s %q cannot be seen", kind, text)
			}
			return
		}
	}
	w.t.Fatalf("Tab never comes to the %s %q; it is at %q", kind, text, at.Text)
}

func (w *walletPage) keys(keys string) {
	w.t.Helper()
	w.do(chromedp.KeyEvent(keys))
}

func (w *walletPage) typed(text string) {
	w.t.Helper()
	w.do(input.InsertText(text))
}
