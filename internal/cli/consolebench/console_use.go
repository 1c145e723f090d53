package consolebench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/console/bench"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	nodebench "github.com/aqsha/aqsha/node/bench"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// use is what a person with a wallet waits for, on a processor four times slower. Times are medians.
type use struct {
	TapMillis    float64 `json:"tap_to_receipt_millis"` // from the tap until "paid" is painted
	TapAim       float64 `json:"tap_to_receipt_aim_millis"`
	SignInMillis float64 `json:"sign_in_millis"` // from asking for a challenge until the session
	SignInAim    float64 `json:"sign_in_aim_millis"`
	LongMillis   float64 `json:"longest_task_millis"` // of all that the page did
	LongAim      float64 `json:"longest_task_aim_millis"`
	LongAt       string  `json:"longest_task_at"` // the page's heading then
}

// What a person's wait should be at most, in milliseconds.
const (
	tapAim    = 250
	signInAim = 150
	longAim   = 200
)

// useSlower is how many times slower the processor is.
const useSlower = 4

// hands are what a person does with a page: see a text, press a button, fill a field.
const hands = `
const shown = (text) => document.body.innerText.includes(text)
const until = async (look, what) => {
	for (const end = performance.now() + 20000; performance.now() < end;) {
		const found = look()
		if (found) return found
		await new Promise((r) => setTimeout(r, 20))
	}
	throw new Error("not on the page: " + what + "\n" + document.body.innerText)
}
const see = (text) => until(() => shown(text), text)
const button = (text) => until(() => [...document.querySelectorAll("button")].find((b) =>
	b.textContent.startsWith(text) && !b.disabled && b.checkVisibility()), text)
const press = async (text) => (await button(text)).click()
const fill = async (label, text) => {
	const of = () => [...document.querySelectorAll("label")].find((l) => l.textContent.includes(label) && l.htmlFor)
	const field = document.getElementById((await until(of, label)).htmlFor)
	const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set
	set.call(field, text)
	field.dispatchEvent(new Event("input", { bubbles: true }))
}
const go = async (href) => (await until(() => document.querySelector("nav a[href='" + href + "']"), href)).click()
`

// makeWallet opens the page as a person does who is there for the first time, and gives the new wallet's key, which
// the bank registers; givePaper puts in the bank's answer. hands are the words for pressing and filling.
const makeWallet = hands + `
await press("Make a wallet")
await fill("Passphrase", "seven sheep in the yard")
await fill("The same once more", "seven sheep in the yard")
await press("Go on")
await see("Your bank opens the wallet")
return document.querySelector("[data-testid='public-key']").textContent.trim()`

const givePaper = hands + `
await fill("Or its text", a.paper)
await press("Go on")
await see("You can spend")`

// pay pays by a shop's link and measures from the tap to the frame that shows the receipt.
const pay = hands + `
await go("/wallet/")
await go("/wallet/pay")
await fill("To whom", a.link)
await see(a.amount)
await press("Look and confirm")
const tap = await button("Pay " + a.amount)
await new Promise((r) => setTimeout(r, 300)) // nobody taps at once
const began = performance.now()
const paid = new Promise((done) => {
	const look = new MutationObserver(() => {
		if (!shown("Paid: " + a.amount)) return
		look.disconnect()
		requestAnimationFrame(() => setTimeout(() => done(performance.now() - began), 0))
	})
	look.observe(document.body, { subtree: true, childList: true, characterData: true })
})
tap.click()
return Promise.race([paid, new Promise((_, no) => setTimeout(() => no(new Error("not paid\n" +
	document.body.innerText)), 20000))])`

// signIns are how long each sign-in of the page took, from its first request to the end of its second.
const signIns = `
const of = (path) => performance.getEntriesByType("resource").filter((e) => new URL(e.name).pathname === path)
const asked = of("/v1/sessions/challenges"), opened = of("/v1/sessions")
return opened.map((e, i) => e.responseEnd - asked[i].startTime)`

// used makes a wallet on a phone, has it pay, and measures what its person waits for: medians over all rounds of the
// taps and of signing in, and the longest task of any round, which is when the page does not answer.
func (p *pagesNode) used(ctx context.Context, browser *bench.Browser, rounds int) (u use, err error) {
	u = use{TapAim: tapAim, SignInAim: signInAim, LongAim: longAim}
	var taps, ins []float64
	for range rounds {
		tab, err := browser.Open(ctx, p.url+"/wallet/", bench.Visit{Slower: useSlower})
		if err != nil {
			return u, err
		}
		tap, signed, longest, err := p.onePerson(ctx, tab)
		tab.Close(ctx)
		if err != nil {
			return u, err
		}
		taps, ins = append(taps, tap...), append(ins, signed...)
		if longest.Millis > u.LongMillis {
			u.LongMillis, u.LongAt = longest.Millis, longest.Heading
		}
	}
	if len(ins) == 0 {
		return u, errors.New("the wallet has not signed in")
	}
	u.TapMillis, u.SignInMillis = nodebench.Median(taps), nodebench.Median(ins)
	return u, nil
}

// paymentsEach is how often one person pays.
const paymentsEach = 3

// onePerson is one round: a wallet is made, registered and funded, pays several times and signs in. Times are in
// milliseconds.
func (p *pagesNode) onePerson(ctx context.Context, tab *bench.Tab) (taps, signed []float64, longest bench.Task,
	err error) {
	var public string
	if err := tab.Run(ctx, makeWallet, nil, &public); err != nil {
		return nil, nil, longest, err
	}
	paper, id, err := p.paper(public)
	if err != nil {
		return nil, nil, longest, err
	}
	if err := tab.Run(ctx, givePaper, map[string]string{"paper": paper}, nil); err != nil {
		return nil, nil, longest, err
	}
	if err := p.fund(ctx, id, 100*money.Tenge); err != nil {
		return nil, nil, longest, err
	}
	if err := tab.Run(ctx, hands+`await see("100.00")`, nil, nil); err != nil {
		return nil, nil, longest, err
	}
	// Another amount each time: the button says it, and the one before is not pressed again.
	for i := range paymentsEach {
		link := fmt.Sprintf("%s/wallet/#pay?network=%s&to=%s&amount=%d", p.url, p.world.Network, p.payee, 500+i)
		var millis float64
		if err := tab.Run(ctx, pay, map[string]string{"link": link, "amount": fmt.Sprintf("5.%02d", i)},
			&millis); err != nil {
			return nil, nil, longest, err
		}
		taps = append(taps, millis)
	}
	if err := tab.Run(ctx, signIns, nil, &signed); err != nil {
		return nil, nil, longest, err
	}
	longest, err = tab.LongestTask(ctx)
	return taps, signed, longest, err
}

// paper is the bank's: the registration of a key, signed by the bank alone.
func (p *pagesNode) paper(public string) (text string, id token.WalletID, err error) {
	var key token.PublicKey
	if err := key.UnmarshalText([]byte(public)); err != nil {
		return "", id, err
	}
	p.registered++
	tx := p.world.Sign(&token.Register{Registrar: p.bank, Sequence: p.registered, Key: key, Tier: 1}, p.soon(),
		sim.One(token.RoleIntermediary, 0, p.world.Key("bank")))
	content, err := json.Marshal(map[string]any{"network": p.world.Network, "transaction": tx})
	return string(content), token.RegisteredID(tx.ID()), err
}

// fund issues an amount and has the bank pay it to a wallet.
func (p *pagesNode) fund(ctx context.Context, to token.WalletID, amount money.Tiyn) error {
	issue := p.world.Issue(p.sequence, p.bank, p.soon(), amount)
	if err := p.submit(ctx, issue); err != nil {
		return err
	}
	p.sequence++
	return p.submit(ctx, p.world.Pay(p.bank, p.world.Key("bank treasury"), to, amount,
		[]token.ID{token.OutputID(issue.ID(), 0)}, amount, p.soon()))
}

// rows are what describeConsole shows of it.
func (u use) rows(l words.Language) [][]string {
	row := func(name string, got, aim float64) []string {
		return []string{name, inMillis(l, got), inMillis(l, aim)}
	}
	return [][]string{row(l.Text("bench-pages.tap"), u.TapMillis, u.TapAim),
		row(l.Text("bench-pages.sign-in"), u.SignInMillis, u.SignInAim),
		row(l.Text("bench-pages.longest", "at", u.LongAt), u.LongMillis, u.LongAim)}
}
