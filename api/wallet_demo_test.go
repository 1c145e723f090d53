package api_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// A step of the story leads to what it left: the browser becomes who it is about, and shows the object; another of the
// story's people takes its place, and a refusal is read as its payer reads it.
func TestTheStoryLeadsToItsPeople(t *testing.T) {
	w := newWalletPage(t)
	pay := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 700*money.Tenge,
		[]token.ID{token.OutputID(w.money.ID(), 0)}, 100_000*money.Tenge, soon())
	w.submit(t, pay)
	demo := w.demoOf()
	key, roles := demo.Seed, demo.Roles
	var stranger atomic.Bool // bob is none of them
	demo.Roles = func() []api.DemoRole {
		if stranger.Load() {
			return roles()[:1]
		}
		return roles()
	}
	demo.Seed = func(public token.PublicKey) (seed [32]byte, known bool) {
		if bob := w.world.Key("bob"); public == bob.Public() {
			return bob.Seed(), true
		}
		return key(public)
	}
	story := func() []api.StoryStep {
		return []api.StoryStep{{Name: "shopping", Title: "Shopping", State: "played", Links: []api.StoryLink{
			{Kind: "receipt", Role: "alice", Path: "/wallet/receipt?id=" + pay.ID().String()},
			{Kind: "refusal", Role: "bob", Path: "/wallet/#pay?network=" + w.world.Network.String() + "&to=" +
				w.alice.String() + "&amount=500000"},
			{Kind: "wallet", Role: "nobody", Path: "/wallet/"},
			{Kind: "wallet", Role: "alice", Path: "https://elsewhere.example/"}}}}
	}
	w.server = api.New(w.node, api.Options{Open: true, Demo: demo, Story: story,
		Origins: []string{w.http.URL, strings.Replace(w.http.URL, "127.0.0.1", "localhost", 1)}})
	w.http.Config.Handler = w.server.Handler()
	w.do(chromedp.Navigate(w.http.URL+"/"), chromedp.WaitVisible("h1", chromedp.ByQuery),
		chromedp.SetValue("select", "en", chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("select").dispatchEvent(new Event("change", {bubbles: true}))`, nil))
	follow := func(text string) {
		t.Helper()
		w.see("The story of this network")
		w.do(chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true })`, nil))
		w.see(text)
		if strings.Contains(w.text("body"), "elsewhere") {
			t.Error("a link leads to another site")
		}
		var to string
		w.do(chromedp.Evaluate(`[...document.querySelectorAll("a")].find((a) => a.textContent === "`+text+`").href`,
			&to))
		w.do(chromedp.Navigate(to), chromedp.WaitVisible("h1", chromedp.ByQuery))
	}
	follow("What alice paid")
	w.see("Be somebody of the story")
	w.picture("demo")
	w.press("alice")
	w.see("700.00")
	w.see("Check it here")
	if here := w.text("body"); strings.Contains(here, "Be somebody") {
		t.Error(here)
	}
	w.do(chromedp.Navigate(w.http.URL + "/"))
	follow("Be refused as bob")
	w.press("bob")
	w.see("5,000.00")
	w.press("Look and confirm")
	w.press("Pay 5,000.00")
	w.see("not enough money")
	w.do(chromedp.Navigate(w.http.URL + "/"))
	follow("The wallet of nobody")
	w.see("Nobody of this name")

	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.see("Be somebody of the story")

	// Whose wallet is none of the story's is asked to be nobody else, and keeps it.
	stranger.Store(true)
	w.do(chromedp.Navigate(w.http.URL+"/wallet/?as=alice"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.see("a wallet of your own")
	w.do(chromedp.Navigate(w.http.URL+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery))
	w.fill("Passphrase", "demonstration")
	w.press("Open")
	w.see("You can spend")
	w.clean()
}
