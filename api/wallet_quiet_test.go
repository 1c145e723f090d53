package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
)

// refusals notes every answer that a browser's console shows as a refusal: what is used as it is meant makes none.
func (w *walletPage) refusals(of *walletPage) {
	w.t.Helper()
	chromedp.ListenTarget(of.ctx, func(event any) {
		if e, is := event.(*log.EventEntryAdded); is && strings.Contains(e.Entry.Text, "responded with a status of") {
			w.note(fmt.Sprint("in the console: ", e.Entry.Text, " ", e.Entry.URL))
		}
	})
	of.do(log.Enable())
}

// The backup of two phones, a node that is started again, and a wallet that comes back from its code leave no refusal
// in a browser's console.
func TestOrdinaryUseLeavesTheConsoleEmpty(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	var handler atomic.Pointer[http.Handler]
	start := func() {
		w.server = api.New(w.node, api.Options{Origins: []string{w.http.URL}, Dir: t.TempDir()})
		t.Cleanup(func() { _ = w.server.Close() })
		h := w.server.Handler()
		handler.Store(&h)
	}
	start()
	var opened atomic.Int32 // streams of events that were answered
	w.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/events" {
			opened.Add(1)
		}
		(*handler.Load()).ServeHTTP(rw, r)
	})
	w.refusals(w)
	w.takeAlice()
	w.turn("safety")
	w.press("Switch the backup on")
	w.see("The backup is on")
	phone := w.another()
	w.refusals(phone)
	phone.begin(recoveryOf(w.world.Key("alice").Seed()))
	phone.see("came back from the backup")
	phone.knows(w.bob.String(), "Nurlan")
	w.until("the new phone goes on", func() bool { _, b := w.held(); return b.Version == 2 })
	w.knows(strings.Repeat("ef", 16), "Marat")
	w.until("the older phone is second", func() bool { _, b := w.held(); return b.Version == 3 })
	w.see("Nurlan")
	w.turn("safety")
	w.press("Switch it off and delete it")
	w.see("Switch the backup on")

	w.until("both phones hear", func() bool { return opened.Load() >= 2 })
	before := opened.Load()
	start() // what it knew of sessions is gone
	w.http.CloseClientConnections()
	w.until("both phones hear again", func() bool { return opened.Load() >= before+2 })
	w.payTen()
	w.see("Paid: 10.00")
	phone.turn("")
	phone.see("10.00")
	w.clean()
}
