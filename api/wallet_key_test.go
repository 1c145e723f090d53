package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// watchKeys counts what the page does with keys that sign, from before its own scripts run.
const watchKeys = `globalThis.keysHere = {made: 0, signed: 0, workers: []};
{
	const {importKey, sign} = SubtleCrypto.prototype;
	SubtleCrypto.prototype.importKey = function (form, key, algorithm, out, uses) {
		if (uses?.includes("sign")) keysHere.made++;
		return importKey.apply(this, arguments);
	};
	SubtleCrypto.prototype.sign = function () { keysHere.signed++; return sign.apply(this, arguments); };
	const Before = Worker;
	globalThis.Worker = class extends Before {
		constructor(url, options) { super(url, options); keysHere.workers.push(String(url)); }
	};
}`

// keepers counts the workers that have a key now, of all the browser's pages.
func (w *walletPage) keepers() (n int) {
	w.t.Helper()
	all, err := chromedp.Targets(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range all {
		if one.Type == "worker" {
			n++
		}
	}
	return n
}

// The unlocked key is in a worker: the page signs a payment and its sign-in without having it. Locked or loaded anew,
// nobody has it.
func TestTheKeyOfAWalletOnThePhoneIsInAWorker(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.do(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(watchKeys).Do(ctx)
		return err
	}), target.SetDiscoverTargets(true))
	w.takeAlice()
	w.payTen()
	w.see("Paid: 10.00")
	var here struct {
		Made, Signed int
		Workers      []string
	}
	w.do(chromedp.Evaluate(`keysHere`, &here))
	if here.Made != 0 || here.Signed != 0 || len(here.Workers) == 0 {
		t.Errorf("the page made %d keys that sign, signed %d times; workers %v",
			here.Made, here.Signed, here.Workers)
	}
	if n := w.keepers(); n != 1 {
		t.Errorf("%d workers while the wallet is open, want the one with the key", n)
	}
	w.turn("safety")
	w.press("Lock")
	w.see("Open the wallet")
	w.noKeeper("locked")
	w.unlock()
	w.see("Safety")
	w.payTen()
	w.see("Paid: 10.00")
	w.do(chromedp.Navigate(w.http.URL + "/wallet/"))
	w.see("Open the wallet")
	w.noKeeper("loaded anew")
	w.clean()
}

// noKeeper waits until no worker has a key.
func (w *walletPage) noKeeper(when string) {
	w.t.Helper()
	w.until(when+": no worker has the key", func() bool { return w.keepers() == 0 })
}

// held is what lies at the node for alice's wallet.
func (w *walletPage) held() (status int, b api.BackupView) {
	w.t.Helper()
	s, status, body := w.signIn(w.t, w.answerTo(w.t, w.challenge(w.t, w.alice), w.alice, "alice", w.http.URL))
	if status != http.StatusOK {
		w.t.Fatal(body)
	}
	status, _, content := w.call(w.t, "GET", "/v1/wallets/"+w.alice.String()+"/backup", "", s.Token, nil)
	if err := json.Unmarshal(content, &b); err != nil {
		w.t.Fatal(err)
	}
	return status, b
}

// A person switches the backup on; what changes is laid down sealed; a new phone with the code has it and goes on
// with it; switched off, nothing lies there.
func TestABackupOfThePhoneLiesWithTheBank(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.takeAlice()
	w.knows(w.bob.String(), "Serik of the bakery")
	w.turn("safety")
	w.see("Your bank cannot open it")
	if status, _ := w.held(); status != http.StatusNotFound {
		t.Errorf("before it is switched on: %d", status)
	}
	w.press("Switch the backup on")
	w.see("The backup is on")
	w.picture("backup")
	_, first := w.held()
	if first.Version != 1 || len(first.Sealed)%4096 != 0 || bytes.Contains(first.Sealed, []byte("Serik")) {
		t.Errorf("version %d of %d bytes", first.Version, len(first.Sealed))
	}
	w.knows(strings.Repeat("ab", 16), "Aunt Sholpan")
	w.until("the change is laid down", func() bool { _, b := w.held(); return b.Version == 2 })

	phone := w.another()
	phone.begin(recoveryOf(w.world.Key("alice").Seed()))
	phone.see("came back from the backup")
	phone.press("Close")
	phone.do(chromedp.Poll(`!document.body.innerText.includes("came back from the backup")`, nil))
	phone.turn("people")
	phone.see("Serik of the bakery")
	phone.see("Aunt Sholpan")
	phone.knows(strings.Repeat("cd", 16), "Nurlan")
	w.until("the new phone goes on", func() bool { _, b := w.held(); return b.Version == 3 })
	// The older phone lays down over what it does not know only after it has taken that in.
	w.knows(strings.Repeat("ef", 16), "Marat")
	w.until("the older phone is second", func() bool { _, b := w.held(); return b.Version == 4 })
	w.turn("people")
	w.see("Nurlan")
	w.see("Marat")
	w.turn("safety")
	w.press("Switch it off and delete it")
	w.see("Switch the backup on")
	if status, _ := w.held(); status != http.StatusNotFound {
		t.Errorf("after it was switched off: %d", status)
	}
	w.clean()
}

// knows gives a wallet a name.
func (w *walletPage) knows(wallet, name string) {
	w.t.Helper()
	w.turn("people")
	w.fill("Number of the wallet", wallet)
	w.fill("Name", name)
	w.press("Save")
	w.see(name)
}

// until waits for what is seen outside the page.
func (w *walletPage) until(what string, is func() bool) {
	w.t.Helper()
	end := time.Now().Add(30 * time.Second)
	for !is() {
		if time.Now().After(end) {
			w.t.Fatal("not seen: " + what)
		}
		w.do(chromedp.Evaluate(`new Promise((done) => setTimeout(done, 100))`, nil, awaited))
	}
}

// Who puts the recovery code off is told on each visit what he can lose, and the page asks for no more than a wallet of
// an unidentified person may hold; with the code on paper it asks for anything.
func TestLaterCapsTheWalletOnThePhone(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.do(chromedp.Navigate(w.http.URL + "/wallet/"))
	w.speak("en")
	w.begin("")
	paper, id := w.paper(w.text(`[data-testid="public-key"]`))
	w.fill("Or its text", paper)
	w.press("Go on")
	w.see("You can spend")
	treasury := token.OutputID(w.money.ID(), 1)
	w.submit(t, w.world.Pay(w.bank, w.world.Key("bank treasury"), id, 2_000*money.Tenge, []token.ID{treasury},
		900_000*money.Tenge, soon()))
	w.see("2,000.00\u00a0₸ would be lost with this phone")
	w.see("no higher level")
	w.picture("unsaved")
	for _, one := range []struct{ page, button string }{{"ask", "Go on"}, {"till", "Show the code"}} {
		w.turn(one.page)
		w.fill("How much", "10976")
		w.press(one.button)
		w.see("Without a recovery code on paper it asks for")
	}
	w.turn("ask")
	w.press("Go on") // an open sum may be any
	w.see("Type an amount")
	w.fill("How much", "150")
	w.press("Go on")
	w.see("Copy the link")
	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.unlock()
	w.see("2,000.00\u00a0₸ would be lost with this phone") // each visit
	w.press("Show the recovery code")
	w.see("A second key, on paper")
	w.passphrase("recovery code")
	w.press("Show the recovery code")
	w.writeDown()
	w.turn("ask")
	w.fill("How much", "10976")
	w.press("Go on")
	w.see("Copy the link")
	// Above what the wallet's own level may hold nobody could pay it: that is said before a code is shown.
	for _, one := range []struct{ page, button string }{{"till", "Show the code"}, {"ask", "Go on"}} {
		w.turn(one.page)
		w.fill("How much", "4998001")
		w.press(one.button)
		w.see("Your wallet may hold 5,000,000.00\u00a0₸ in all. There is room for 4,998,000.00\u00a0₸ now.")
		if text := w.text("main"); strings.Contains(text, "Copy the link") {
			t.Errorf("a code is shown of what the wallet may not hold: %s", text)
		}
	}
	w.turn("home")
	w.see("You can spend")
	if text := w.text("main"); strings.Contains(text, "would be lost") {
		t.Errorf("the code is on paper: %s", text)
	}
	w.clean()
}

// noRoom has the page's storage refuse what is written, as that of a full disk does: the transaction is aborted.
const noRoom = `{
	const {put} = IDBObjectStore.prototype;
	IDBObjectStore.prototype.put = function () {
		const request = put.apply(this, arguments);
		if (globalThis.full) {
			Object.defineProperty(this.transaction, "error", {value: new DOMException("full", "QuotaExceededError")});
			this.transaction.abort();
		}
		return request;
	};
}`

// A phone without room signs and sends nothing and says so, shows what it reads, and pays when there is room again.
func TestAPhoneWithoutRoomPaysNothing(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.do(chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(noRoom).Do(ctx)
		return err
	}))
	w.takeAlice()
	w.sent(0)
	w.do(chromedp.Evaluate(`globalThis.full = true`, nil))
	w.payTen()
	w.see("no room left")
	w.see("Nothing left your wallet")
	if sent := w.sent(0); sent != 0 || w.balanceOf(w.bob) != 0 {
		t.Errorf("%d payments were sent without room, and the payee has %s", sent, w.balanceOf(w.bob))
	}
	w.picture("full")
	w.turn("home")
	w.see("100,000.00")
	w.do(chromedp.Evaluate(`globalThis.full = false`, nil))
	w.payTen()
	w.see("Paid: 10.00")
	if w.balanceOf(w.bob) != 10*money.Tenge {
		t.Errorf("the payee has %s", w.balanceOf(w.bob))
	}
	w.clean()
}

// While a payment is looked at the connection goes: the page says so, keeps what was typed, and pays when it is back.
func TestAReviewWithoutAConnection(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.takeAlice()
	w.turn("pay")
	w.fill("To whom", w.bob.String())
	w.fill("How much", "10")
	w.fill("What for", strings.Repeat("ә", 129))
	w.see("too long")
	w.press("Look and confirm")
	w.see("too long") // it is neither cut nor sent
	w.fill("What for", strings.Repeat("ә", 128))
	w.press("Look and confirm")
	w.see("99,990.00")
	offline := func(is bool) chromedp.Action {
		return network.EmulateNetworkConditions(is, 0, -1, -1)
	}
	w.do(offline(true))
	w.see("No connection. What you typed stays")
	w.see("Pay 10.00")
	w.do(offline(false))
	w.do(chromedp.Poll(`!document.body.innerText.includes("No connection")`, nil, often))
	w.press("Pay 10.00")
	w.see("Paid: 10.00")

	// What a history shows beside a line stands in its address; a bank has its name.
	w.turn("history")
	w.do(chromedp.Evaluate(`document.querySelector("details summary").click()`, nil))
	w.do(chromedp.Poll(`(() => {
		const boxes = [...document.querySelectorAll("fieldset input")];
		boxes.filter((b) => !b.checked).forEach((b) => b.click());
		return boxes.length === 4 && location.search.includes("cols=");
	})()`, nil, often))
	w.see(w.money.ID().String())
	w.see("other wallet: " + w.bank.String())
	w.picture("columns")
	named := func(when string) {
		t.Helper()
		if text := w.text("main"); !strings.Contains(text, "\nbank\n") {
			t.Errorf("the bank's name is not in %s: %s", when, text)
		}
	}
	named("a history")
	// What the node named once has its name without a connection, too: the page is loaded anew, and nobody answers.
	w.do(network.SetBlockedURLs([]string{"*/v1/*"}), chromedp.Navigate(w.http.URL+"/wallet/"))
	w.unlock()
	w.see("no connection")
	w.turn("history")
	w.see("bank")
	named("a history without a connection")
	w.clean()
}

// A phone whose clock is ten minutes off says by how much, and pays by the network's time.
func TestAPhonesClockTenMinutesOff(t *testing.T) {
	t.Parallel()
	for _, minutes := range []int{10, -10} {
		w := newWalletPage(t)
		w.do(chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument(fmt.Sprintf(`{
				const now = Date.now.bind(Date);
				Date.now = () => now() + %d * 60000;
			}`, minutes)).Do(ctx)
			return err
		}))
		w.takeAlice()
		w.see("clock is 10 minutes off")
		w.payTen()
		w.see("Paid: 10.00")
		if w.balanceOf(w.bob) != 10*money.Tenge {
			t.Errorf("%d minutes: the payee has %s", minutes, w.balanceOf(w.bob))
		}
		w.clean()
	}
}
