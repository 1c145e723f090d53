package api_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// nodePage is a browser at the pages of a node that has staff, dialled by name.
type nodePage struct {
	*walletPage
	office *office
	down   atomic.Bool // nobody answers
}

func newNodePage(t *testing.T) *nodePage {
	t.Helper()
	if !console.Built() {
		t.Skip("the console's pages are not built here: make build builds them where Node is")
	}
	story := func() []api.StoryStep {
		return []api.StoryStep{{Name: "issue", Title: "The central bank issues", State: "played"}}
	}
	d := &nodePage{office: newOffice(t, api.Options{Story: story})}
	inner := d.office.http.Config.Handler
	d.office.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if d.down.Load() {
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(rw, r)
	})
	w := &walletPage{town: d.office.town, t: t, ctx: browser(t)}
	d.walletPage = w
	chromedp.ListenTarget(w.ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			w.note(e.ExceptionDetails.Error())
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, d.office.origin) && !strings.HasPrefix(e.Request.URL, "data:") {
				w.note("a request elsewhere: " + e.Request.URL)
			}
		}
	})
	if err := chromedp.Run(w.ctx); err != nil { // the browser ends with the context of its first task
		t.Fatal(err)
	}
	w.do(network.Enable(), runtime.Enable(), webauthn.Enable(), emulation.SetDeviceMetricsOverride(1280, 800, 1, false))
	return d
}

// device gives the browser a device that keeps passkeys and verifies its person.
func (d *nodePage) device(prf bool) (id webauthn.AuthenticatorID) {
	d.t.Helper()
	d.do(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		id, err = webauthn.AddVirtualAuthenticator(
			&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
				Ctap2version: webauthn.Ctap2versionCtap21,
				Transport:    webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
				HasPrf: prf, AutomaticPresenceSimulation: true, IsUserVerified: true}).Do(ctx)
		return err
	}))
	return id
}

// show opens an address of the node.
func (d *nodePage) show(path string) {
	d.t.Helper()
	d.do(chromedp.Navigate(d.office.origin+path), chromedp.WaitVisible("header select", chromedp.ByQuery))
}

// link is the machine's, as "aqsha console link" prints it.
func (d *nodePage) link() string {
	d.t.Helper()
	secret, _, err := staff.MakeMachineLink(vfs.OS, filepath.Join(d.office.dir, staff.Folder), rand.Reader, time.Now())
	if err != nil {
		d.t.Fatal(err)
	}
	return "/sign-in#join?" + secret
}

// The first administrator opens the machine's link, makes a passkey, signs out and in, invites somebody and changes
// him; what was done stands in the trail, which the browser holds against what it saw before. A device with and one
// without PRF do alike.
func TestAnAdministratorAtTheBrowser(t *testing.T) {
	for _, prf := range []bool{true, false} {
		t.Run(fmt.Sprint("prf ", prf), func(t *testing.T) {
			t.Parallel()
			d := newNodePage(t)
			d.device(prf)
			link := d.link()
			d.show(link)
			d.speak("en")
			d.see("Make your account")
			var shown string
			if d.do(chromedp.Location(&shown)); strings.Contains(shown, "join?") {
				t.Errorf("the link stays in the address: %s", shown)
			}
			d.fill("Your name", "Айгүл")
			d.press("Make a passkey and sign in")
			d.see("My account")
			d.see("Administrator")
			d.press("Sign out")
			d.see("Sign in with a passkey")
			d.press("Sign in with a passkey")
			d.see("Passkeys")
			d.show("/staff")
			d.see("Invitations that wait")
			d.fill("Name", "Bolat")
			d.press("Make a link")
			d.see("Give this link to Bolat alone")
			invitation := d.text(".done .id")
			d.show("/audit")
			d.see("looks here for the first time")
			d.see("Invited")
			d.show("/audit")
			d.see("still there, unchanged")
			d.do(chromedp.Evaluate(
				`localStorage.setItem("aqsha-trail", JSON.stringify({size: 2, root: "ab".repeat(32)}))`, nil))
			d.show("/audit")
			d.see("This is not what you saw before")
			// The link worked once.
			d.show("/staff")
			d.see("Айгүл")
			d.show(link)
			d.see("Make your account")
			d.fill("Your name", "Mallory")
			d.press("Make a passkey and sign in")
			d.see("This link does not work")
			d.join(invitation, "Bolat")
			d.clean()
		})
	}
}

// join is somebody else's browser, which opens an invitation and reads what an auditor reads.
func (d *nodePage) join(invitation, name string) {
	d.t.Helper()
	d.do(network.ClearBrowserCookies(), chromedp.Navigate(invitation),
		chromedp.WaitVisible("header select", chromedp.ByQuery))
	d.see("Make your account")
	d.fill("Your name", name)
	d.press("Make a passkey and sign in")
	d.see("Auditor")
	d.show("/staff")
	d.see("This is not yours to see")
}

// A privileged act with a passkey that is no longer fresh asks for it again and is then done; the last administrator
// cannot be ended; and a session that was ended elsewhere shows the way in.
func TestAPrivilegedActAsksForThePasskey(t *testing.T) {
	t.Parallel()
	d := newNodePage(t)
	d.device(false)
	d.show(d.link())
	d.speak("en")
	d.fill("Your name", "Aigul")
	d.press("Make a passkey and sign in")
	d.see("My account")
	d.show("/staff")
	d.see("Invitations that wait")
	var asked atomic.Int64
	inner := d.office.http.Config.Handler
	d.office.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete && asked.Add(1) == 1 { // as the node answers five minutes later
			rw.Header().Set("Content-Type", "application/problem+json")
			rw.WriteHeader(http.StatusForbidden)
			_, _ = rw.Write([]byte(`{"type":"urn:aqsha:problem:confirm-first","title":"Forbidden","status":403,"code":"confirm-first"}`))
			return
		}
		inner.ServeHTTP(rw, r)
	})
	d.do(chromedp.Evaluate(`document.querySelector("main details").open = true`, nil))
	d.press("End the account")
	d.see("cannot come back")
	d.do(chromedp.Evaluate(`document.querySelector("dialog[open] button.first").click()`, nil))
	d.see("Nobody else is an administrator")
	if asked.Load() != 2 {
		t.Errorf("the node was asked %d times", asked.Load())
	}
	trail, err := d.trail()
	if err != nil || !strings.Contains(trail, `"confirmed"`) {
		t.Errorf("%s, %v: want the passkey used again", trail, err)
	}
	d.do(network.ClearBrowserCookies())
	d.show("/staff")
	d.see("Sign in first")
	d.clean()
}

// trail is what the browser gets of the trail, past the pages.
func (d *nodePage) trail() (string, error) {
	var text string
	err := chromedp.Run(d.ctx, chromedp.Evaluate(`fetch("/v1/audit").then(r => r.text())`, &text, awaited))
	return text, err
}

// Every page, each with somebody signed in and with nobody, in three languages and both themes: a screen reader can say
// it, it is not wider than its screen, and no word of another alphabet is left in it.
func TestEveryPageOfTheNodeCanBeReadByAll(t *testing.T) {
	source := axeSource(t)
	t.Parallel()
	d := newNodePage(t)
	d.device(true)
	d.show(d.link())
	d.speak("en")
	d.fill("Your name", "Айгүл")
	d.press("Make a passkey and sign in")
	d.see("My account")
	look := func(state, page, language, theme string) {
		d.do(chromedp.Poll(`!document.querySelector("main .skeleton") && document.querySelector("main h1") && document.querySelector("main")?.innerText.length > 20`, nil, often),
			chromedp.Evaluate(string(source), nil))
		for _, found := range d.axe() {
			t.Errorf("%s, %s, %s, %s: %s", state, page, language, theme, found)
		}
		for _, width := range []int64{320, 390, 1280} {
			d.do(emulation.SetDeviceMetricsOverride(width, 800, 1, width < 1000))
			var rows int
			d.do(chromedp.Evaluate(`new Set([...document.querySelectorAll("nav a")].map((a) => a.offsetTop)).size`,
				&rows))
			if width < 700 && rows != 1 {
				t.Errorf("%s, %s, %s: at %d pixels the menu takes %d lines", state, page, language, width, rows)
			}
			d.picture(fmt.Sprintf("console-%s-%s-%s-%s-%d", state, strings.Trim(page, "/")+"page", language, theme,
				width))
		}
		d.noLatin(page, language, "")
	}
	states := map[string][]string{"signed-in": {"/", "/account", "/staff", "/audit"},
		"nobody": {"/", "/sign-in", "/staff", "/audit"}, "invited": {"/sign-in#join?" + strings.Repeat("A", 43)}}
	for _, state := range []string{"signed-in", "nobody", "invited"} {
		if state == "nobody" {
			d.do(network.ClearBrowserCookies())
		}
		for _, language := range []string{"en", "kk", "ru"} {
			for _, theme := range []string{"light", "dark"} {
				if theme == "dark" && language != "kk" {
					continue // colours are the same in each language
				}
				d.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme",
					Value: theme}}))
				for _, page := range states[state] {
					d.show(page)
					d.speak(language)
					look(state, strings.SplitN(page, "#", 2)[0], language, theme)
				}
			}
		}
	}
	d.clean()
	// The description for programs is plain HTML, and the menu leads citizens to it.
	for _, width := range []int64{320, 390, 1280} {
		d.do(emulation.SetDeviceMetricsOverride(width, 800, 1, width < 1000), chromedp.Navigate(d.office.origin+"/docs"),
			chromedp.WaitReady(`body[data-ready="yes"]`, chromedp.ByQuery))
		d.picture(fmt.Sprintf("docs-%d", width))
	}
}

// Somebody who may not see a page is said so in a state that can be read by all; a page that nobody answers any more
// says as of when it is.
func TestAPageThatIsForbiddenOrStale(t *testing.T) {
	source := axeSource(t)
	t.Parallel()
	d := newNodePage(t)
	d.device(false)
	admin := d.office.first(t)
	var link api.StaffLink
	admin.want(t, 200, "POST", "/v1/staff/invitations",
		map[string]any{"name": "Bolat", "roles": []string{"intermediary"}, "bank": d.office.bank}, &link)
	d.show("/sign-in#join?" + link.Link)
	d.speak("en")
	d.fill("Your name", "Bolat")
	d.press("Make a passkey and sign in")
	d.see("My account")
	for _, page := range []string{"/staff", "/audit"} {
		d.show(page)
		d.see("This is not yours to see")
		d.do(chromedp.Evaluate(string(source), nil))
		for _, found := range d.axe() {
			t.Errorf("%s: %s", page, found)
		}
		d.picture("console-forbidden-" + strings.Trim(page, "/"))
	}
	d.show("/")
	d.see("In circulation")
	d.see("1,000,000.00")
	d.see("The story of this network")
	d.do(chromedp.Evaluate(`[...document.querySelectorAll("summary")].find(s => `+
		`s.textContent === "Pages of this node").click()`, nil))
	d.see("SHA-256 " + console.Digest()) // of what this node serves
	d.down.Store(true)
	d.office.http.CloseClientConnections()
	d.do(chromedp.SetValue("main select", "value", chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelector("main select").dispatchEvent(new Event("change", {bubbles: true}))`,
			nil))
	d.see("Nobody was reached")
	d.see("no connection")
	d.see("1,000,000.00") // what was seen stays
	d.down.Store(false)
	d.press("Try again")
	d.do(chromedp.Poll(`!document.body.innerText.includes("Nobody was reached")`, nil, often))
	if trail, err := d.trail(); err != nil || strings.Contains(trail, `"entries"`) {
		t.Errorf("a bank's staff read the trail: %s", trail)
	}
}

// By the keyboard alone somebody signs in and comes to the trail.
func TestStaffByTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	d := newNodePage(t)
	d.device(true)
	d.show(d.link())
	d.speak("en")
	d.tabTo("label", "Your name")
	d.typed("Aigul")
	d.keys("\r")
	d.see("My account")
	d.do(chromedp.Navigate("about:blank"))
	d.show("/")
	d.see("In circulation")
	at, outline := "", ""
	for range 20 {
		d.keys("\t")
		d.do(chromedp.Evaluate(`document.activeElement.textContent`, &at),
			chromedp.Evaluate(`getComputedStyle(document.activeElement).outlineStyle`, &outline))
		if at == "Audit" {
			break
		}
	}
	if at != "Audit" || outline == "none" {
		t.Fatalf("Tab comes to %q, whose outline is %s", at, outline)
	}
	d.keys("\r")
	d.see("Who did what")
	d.clean()
}
