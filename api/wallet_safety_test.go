package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// another is a phone beside this one, with nothing of what the other one keeps.
func (w *walletPage) another(more ...chromedp.ExecAllocatorOption) *walletPage {
	w.t.Helper()
	p := &walletPage{town: w.town, t: w.t, ctx: browser(w.t, more...)}
	if err := chromedp.Run(p.ctx); err != nil { // the browser ends with the context of its first task
		w.t.Fatal(err)
	}
	p.do(network.Enable(), emulation.SetDeviceMetricsOverride(320, 640, 2, true), chromedp.Navigate(w.http.URL+"/wallet/"))
	p.speak("en")
	return p
}

// begin makes a key on a phone: from a code, or a new one.
func (w *walletPage) begin(code string) {
	w.t.Helper()
	if code == "" {
		w.press("Make a wallet")
	} else {
		w.press("I have a recovery code")
		w.fill("Type the recovery code", code)
		w.press("Go on")
	}
	w.fill("Passphrase", "seven sheep in the yard")
	w.fill("The same once more", "seven sheep in the yard")
	w.press("Go on")
}

// passphrase types it in the card of the page with a heading.
func (w *walletPage) passphrase(heading string) {
	w.t.Helper()
	w.do(chromedp.Evaluate(fmt.Sprintf(`{const f = [...document.querySelectorAll("section.card")].find(s => s.querySelector("h2")?.textContent.includes(%q)).querySelector("input"); f.focus()}`, heading), nil))
	w.typed("seven sheep in the yard")
}

// writeDown reads the code that the page shows and types the groups that are asked back.
func (w *walletPage) writeDown() string {
	w.t.Helper()
	var groups []string
	w.do(chromedp.WaitVisible(".groups", chromedp.ByQuery), chromedp.Evaluate(`[...document.querySelectorAll(".groups li")].map(l => l.textContent)`, &groups))
	w.press("I wrote it down")
	number := regexp.MustCompile(`Type group (\d+) of`)
	for range 3 {
		var n int
		label := w.text(".field label")
		if _, err := fmt.Sscan(number.FindStringSubmatch(label)[1], &n); err != nil {
			w.t.Fatal(err)
		}
		w.fill("Type group", groups[n-1])
		w.press("Go on")
		w.do(chromedp.Poll(fmt.Sprintf(`document.querySelector(".field label")?.textContent !== %q`, label), nil, often))
	}
	return strings.Join(groups, " ")
}

// keysOf are the keys of a wallet, as the node has them.
func (w *walletPage) keysOf(id token.WalletID) (key token.PublicKey, detail ledger.Detail, version uint32) {
	w.t.Helper()
	err := w.node.View(context.Background(), func(state *livestate.State, _ node.Head) {
		wallet, _ := state.Wallet(id)
		key, version, detail = wallet.Key, wallet.Version, state.Detail(id)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return key, detail, version
}

// bankKey is the paper with which the bank gives a wallet a new key.
func (w *walletPage) bankKey(id token.WalletID, public string, recovery token.PublicKey) string {
	w.t.Helper()
	var key token.PublicKey
	if err := key.UnmarshalText([]byte(public)); err != nil {
		w.t.Fatal(err)
	}
	_, _, version := w.keysOf(id)
	tx := w.world.Sign(&token.Rekey{Wallet: id, Version: uint64(version), By: token.RoleIntermediary, Key: key, Recovery: recovery}, soon(),
		sim.One(token.RoleIntermediary, 0, w.world.Key("bank")))
	content, err := json.Marshal(map[string]any{"network": w.world.Network, "transaction": tx})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(content)
}

// payTen pays bob ten tenge.
func (w *walletPage) payTen() {
	w.t.Helper()
	w.turn("pay")
	w.fill("To whom", w.bob.String())
	w.fill("How much", "10")
	w.press("Look and confirm")
	w.press("Pay 10.00")
}

// A person puts a second key on paper; the phone is stolen; on another phone the second key takes the wallet back at once, and the
// thief's phone neither pays nor reads.
func TestALostPhone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.takeAlice()
	w.turn("safety")
	w.passphrase("A second key")
	w.press("Make a second key")
	w.press("Cancel")
	w.see("A second key, on paper")
	if _, detail, _ := w.keysOf(w.alice); detail.Recovery != token.NoKey {
		t.Fatal("a second key that was not written down is in force")
	}
	w.passphrase("A second key")
	w.press("Make a second key")
	second := w.writeDown()
	w.see("There is a second key")
	w.picture("second")
	old, detail, _ := w.keysOf(w.alice)
	if detail.Recovery == token.NoKey || old != w.world.Key("alice").Public() {
		t.Fatalf("the wallet has the recovery key %v and the key %v", detail.Recovery, old)
	}

	phone := w.another()
	phone.begin(second)
	phone.see("This is the second key") // it is found without the wallet's number
	phone.picture("take-back")
	phone.typePassphrase("seven sheep in the yart")
	phone.press("Make a new key")
	phone.see("does not open it")
	phone.typePassphrase("seven sheep in the yard")
	phone.press("Make a new key")
	phone.see("You can spend")
	phone.see("100,000.00")
	phone.payTen()
	phone.see("Paid: 10.00")
	if now, _, _ := w.keysOf(w.alice); now == old {
		t.Fatal("the wallet has the stolen key still")
	}
	w.payTen()
	w.see("This wallet has another key now")
	w.see("Not paid: 10.00")
	w.turn("home")
	w.see("Last seen here")
	if text := w.text("main"); strings.Contains(text, "You can spend") {
		t.Errorf("the phone whose key was replaced says what it can spend: %s", text)
	}
	w.picture("stolen")
	w.clean()
}

// A code that opens no wallet any more does not end in an empty one: the page says that none was found, and takes a number.
func TestACodeThatOpensNothing(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.do(chromedp.Navigate(w.http.URL + "/wallet/"))
	w.speak("en")
	w.begin(recoveryOf(w.world.Key("nobody").Seed()))
	w.see("This code opens no wallet now")
	w.picture("found-none")
	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.unlock()
	w.see("This code opens no wallet now") // after a reload, too
	w.press("Number of the wallet")
	w.fill("Number of the wallet", w.bob.String())
	w.press("Go on")
	w.see("knows no wallet of this number")
	w.press("Back")
	w.press("Open a new, empty wallet")
	w.see("Your bank opens the wallet")
	w.clean()
}

// A bank asks for a new key, for a phone that is not the owner's: one that brings a second key is not signed; the other waits, nothing
// is paid meanwhile, and the owner cancels it.
func TestANewKeyThatWaitsIsCancelled(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.takeAlice()
	phone, third := w, w.another()
	third.begin("")
	paper := third.text(`[data-testid="public-key"]`)
	third.fill("Or its text", w.bankKey(w.alice, paper, w.world.Key("clerk").Public()))
	third.press("Go on")
	third.see("gives somebody else a second key")
	third.fill("Or its text", w.bankKey(w.alice, paper, token.NoKey))
	third.press("Go on")
	third.see("A new key was asked for")
	third.picture("waits-for-key")
	phone.turn("")
	phone.see("Somebody asked for a new key")
	phone.payTen()
	phone.see("A new key waits until")
	phone.picture("key-waits-refused")
	phone.press("Safety")
	phone.see("If you did not ask for it")
	phone.press("Cancel it")
	phone.do(chromedp.Poll(`!document.body.innerText.includes("If you did not ask for it")`, nil, often))
	if _, detail, _ := w.keysOf(w.alice); detail.Rekey.DueMillis != 0 {
		t.Fatal("the bank's key waits on after it was cancelled")
	}
	phone.payTen()
	phone.see("Paid: 10.00")
	w.clean()
}

// typePassphrase fills in a passphrase on a page that asks for nothing else.
func (w *walletPage) typePassphrase(text string) {
	w.t.Helper()
	w.fill("Passphrase", text)
}

// Somebody has lost the phone and the code: a bank gives the wallet the key of a new phone, and after the delay it opens there by
// itself.
func TestABankGivesALostWalletANewKey(t *testing.T) {
	t.Parallel()
	world := sim.NewWorld(1)
	world.Genesis.Policy.RekeyDelayMillis = 1_000
	world.Refound()
	w := newWalletPageIn(t, world)
	w.do(chromedp.Navigate(w.http.URL + "/wallet/"))
	w.speak("en")
	w.begin("")
	w.fill("Or its text", w.bankKey(w.alice, w.text(`[data-testid="public-key"]`), token.NoKey))
	w.press("Go on")
	w.see("You can spend")
	w.see("100,000.00")
	w.payTen()
	w.see("Paid: 10.00")
	w.clean()
}

// The recovery key opens a session of its wallet, which ends with the wallet's next key; it delegates nothing.
func TestTheRecoveryKeySignsIn(t *testing.T) {
	w := newTown(t, api.Options{})
	w.server = api.New(w.node, api.Options{Origins: []string{w.http.URL}})
	w.http.Config.Handler = w.server.Handler()
	key, second := w.world.Key("alice"), w.world.Key("alice's second")
	w.submit(t, w.world.Sign(&token.Rekey{Wallet: w.alice, Version: 1, By: token.RoleWallet, Key: key.Public(), Recovery: second.Public()}, soon(),
		sim.One(token.RoleWallet, 0, key), sim.One(token.RolePossession, 0, key), sim.One(token.RolePossession, 1, second)))
	session, status, body := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice's second", w.http.URL))
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	reads := api.NewClient(w.http.URL, session.Token)
	if _, err := reads.Wallet(t.Context(), w.alice); err != nil {
		t.Error(err)
	}
	if _, err := reads.Wallet(t.Context(), w.bob); err == nil {
		t.Error("the session reads another's wallet")
	}
	if _, status, _ := w.signIn(t, w.answerTo(t, w.challenge(t, w.bob), w.bob, "alice's second", w.http.URL)); status != 401 {
		t.Errorf("the recovery key of alice opens bob's wallet: %d", status)
	}
	in := w.delegation(t, w.alice, "alice's second", "till", uint64(time.Now().Add(time.Hour).UnixMilli()))
	if status, body := w.postJSON(t, "/v1/sessions/delegations", in, &struct{}{}); status != 401 {
		t.Errorf("the recovery key delegates: %d %s", status, body)
	}
	_, _, version := (&walletPage{town: w, t: t}).keysOf(w.alice)
	w.submit(t, w.world.Sign(&token.Rekey{Wallet: w.alice, Version: uint64(version), By: token.RoleRecovery, Key: w.world.Key("alice 2").Public()}, soon(),
		sim.One(token.RoleRecovery, 0, second), sim.One(token.RolePossession, 0, w.world.Key("alice 2"))))
	if _, err := reads.Wallet(t.Context(), w.alice); err == nil {
		t.Error("the session goes on after the wallet has another key")
	}
}

// A term is explained where it stands: by the keyboard, by a finger, and closed by Escape, after which the focus is where it was.
func TestATermIsExplained(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.takeAlice()
	w.turn("safety")
	open := func(want bool) {
		t.Helper()
		w.do(chromedp.Poll(fmt.Sprintf(`(document.querySelector(":popover-open") !== null) === %v`, want), nil, often))
	}
	label := `document.activeElement.getAttribute("aria-label") === "What is that: second key?"`
	at := false
	for i := 0; i < 40 && !at; i++ {
		w.keys("\t")
		w.do(chromedp.Evaluate(label, &at))
	}
	if !at {
		t.Fatal("Tab never comes to what explains the second key")
	}
	w.keys("\r")
	open(true)
	w.see("A key that lies on paper")
	w.keys("\u001b")
	open(false)
	if w.do(chromedp.Evaluate(label, &at)); !at {
		t.Error("the focus is not put back")
	}
	var x, y float64
	w.do(emulation.SetTouchEmulationEnabled(true), chromedp.Evaluate(`{const r = document.activeElement.getBoundingClientRect(); window.tapAt = [r.x + r.width / 2, r.y + r.height / 2]}; window.tapAt[0]`, &x), chromedp.Evaluate(`window.tapAt[1]`, &y))
	w.do(input.DispatchTouchEvent(input.TouchStart, []*input.TouchPoint{{X: x, Y: y}}), input.DispatchTouchEvent(input.TouchEnd, []*input.TouchPoint{}))
	open(true)
	w.do(chromedp.Click("h1", chromedp.ByQuery))
	open(false)

	// From where the question arises to its card.
	w.do(chromedp.Evaluate(`document.querySelector('a[href="/wallet/learn?card=lost"]').click()`, nil))
	w.see("Have you the second key on paper")
	var shown []string
	w.do(chromedp.Evaluate(`[...document.querySelectorAll("details[open]")].map(d => d.id)`, &shown))
	if len(shown) != 1 || shown[0] != "card-lost" {
		t.Errorf("open are %v", shown)
	}
	w.clean()
}

// stateOf holds one state of the page in the languages and themes: what a checker of accessibility finds, words of another
// alphabet, and what does not fit the narrowest phone, in letters of usual size and of twice the size.
func (w *walletPage) stateOf(name string) {
	w.t.Helper()
	for i, in := range []struct{ language, theme string }{{"kk", "light"}, {"ru", "dark"}} {
		if i > 0 && strings.HasPrefix(name, "empty-") {
			continue // nothing but words, which the page has in its ordinary state too
		}
		w.speak(in.language)
		w.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: in.theme}}))
		for _, found := range w.axe() {
			w.t.Errorf("%s, %s, %s: %s", name, in.language, in.theme, found)
		}
		w.noLatin(name, in.language, "")
		w.picture(fmt.Sprintf("state-%s-%s", name, in.language))
		w.twice(name + "-" + in.language)
	}
	w.speak("en")
}

// twice holds that letters of twice the size fit, and that nothing is cut off.
func (w *walletPage) twice(name string) {
	w.t.Helper()
	var cut []string
	w.do(chromedp.Evaluate(`document.documentElement.style.fontSize = "200%"`, nil),
		// Whatever day it is today, the longest one fits.
		chromedp.Evaluate(`for (const e of document.querySelectorAll(".when")) { e.dataset.was = e.textContent; e.textContent = `+
			`{ kk: "30\u00a0желтоқсан, 23:58", ru: "30\u00a0сентября, 23:58" }[document.documentElement.lang] ?? "30\u00a0September, 23:58" }`, nil))
	w.picture("twice-" + name)
	w.do(chromedp.Evaluate(`[...document.querySelectorAll("main *, nav *")].filter(e => e.checkVisibility() && !e.closest(".hidden") && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && getComputedStyle(e).overflowX !== "visible" && !e.matches("input, select, svg, svg *, textarea")).map(e => e.tagName + " " + e.textContent.slice(0, 40))`, &cut),
		chromedp.Evaluate(`document.documentElement.style.fontSize = ""; for (const e of document.querySelectorAll(".when")) e.textContent = e.dataset.was`, nil))
	for _, e := range cut {
		w.t.Errorf("%s: cut off in letters of twice the size: %s", name, e)
	}
}

// Every state of the pages that is no ordinary one: before there is a wallet, empty, without a connection, refused, waiting,
// forbidden.
func TestEveryStateCanBeReadByAll(t *testing.T) {
	source := axeSource(t)
	t.Parallel()
	w := newWalletPage(t)
	w.do(chromedp.Navigate(w.http.URL + "/wallet/"))
	w.speak("en")
	w.do(chromedp.Evaluate(string(source), nil))
	w.stateOf("first")
	w.press("I have a recovery code")
	w.fill("Type the recovery code", "no code")
	w.press("Go on")
	w.see("no recovery code")
	w.stateOf("restore-wrong")
	w.fill("Type the recovery code", recoveryOf(w.world.Key("carol").Seed()))
	w.press("Go on")
	w.fill("Passphrase", "short")
	w.press("Go on")
	w.see("At least 8 characters")
	w.stateOf("make-short")
	w.fill("Passphrase", "seven sheep in the yard")
	w.fill("The same once more", "seven sheep in the yard")
	w.press("Go on")
	w.see("This code opens no wallet now")
	w.stateOf("found-none")
	w.press("Open a new, empty wallet")
	w.fill("Or its text", "{}")
	w.press("Go on")
	w.see("no paper of a bank")
	w.stateOf("bank-wrong")
	register, carol := w.world.Register("bank", w.bank, 3, "carol", 1, soon())
	w.submit(t, register)
	w.press("I had a wallet before")
	w.fill("Number of the wallet", carol.String())
	w.press("Go on")
	w.see("The wallet was opened")
	w.stateOf("new-home")
	for _, page := range []string{"history", "rules", "drafts", "people", "till", "receipt?id=1"} {
		w.turn(page)
		w.do(chromedp.Poll(`!document.querySelector("main .skeleton")`, nil, often))
		w.stateOf("empty-" + strings.TrimSuffix(page, "?id=1"))
	}
	w.payTen()
	w.see("not enough money")
	w.stateOf("refused")
	w.turn("")
	w.turn("safety")
	w.passphrase("A second key")
	w.press("Make a second key")
	w.do(chromedp.WaitVisible(".groups", chromedp.ByQuery))
	w.stateOf("second-key")
	w.press("Cancel")
	w.http.CloseClientConnections()
	w.do(network.EmulateNetworkConditions(true, 0, 0, 0))
	w.turn("")
	w.see("no connection")
	w.stateOf("stale")
	w.payTen()
	w.see("Waits: 10.00")
	w.stateOf("waits")
	w.clean()
}
