package api_test

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
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
		t.Errorf("the page made %d keys that sign and signed %d times; workers %v", here.Made, here.Signed, here.Workers)
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
	end := time.Now().Add(20 * time.Second)
	for w.keepers() != 0 {
		if time.Now().After(end) {
			w.t.Fatalf("%s: a worker has the key still", when)
		}
		w.do(chromedp.Evaluate(`new Promise((done) => setTimeout(done, 20))`, nil, awaited))
	}
}
