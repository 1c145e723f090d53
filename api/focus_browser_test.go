package api_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// sourcesOfPages are those of both pages, by path.
func sourcesOfPages(t *testing.T) map[string]string {
	t.Helper()
	sources := map[string]string{}
	err := filepath.WalkDir("../console/ui/src", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".tsx" {
			return err
		}
		content, err := os.ReadFile(path)
		sources[filepath.ToSlash(path)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sources
}

// focused is what has the focus: a text of it, "page" for none.
const focused = `(() => { const e = document.activeElement; return e === document.body ? "page" : e.textContent.trim(); })()`

// focus waits until what a selector names has the focus.
func (w *walletPage) focus(when, selector string) {
	w.t.Helper()
	var at string
	for range 100 {
		var is bool
		w.do(chromedp.Evaluate(fmt.Sprintf(`document.activeElement.matches(%q)`, selector), &is), chromedp.Evaluate(focused, &at))
		if is {
			return
		}
		w.do(chromedp.Evaluate(`new Promise((done) => setTimeout(done, 50))`, nil, awaited))
	}
	w.t.Fatalf("%s: the focus is at %q, want %s", when, at, selector)
}

// openers marks what opens something over a page, and says how many there are: dialogs' buttons and popovers'.
func (w *walletPage) openers() (n int) {
	w.t.Helper()
	w.do(chromedp.Evaluate(`(() => {
		document.querySelectorAll("details").forEach((d) => { d.open = true; });
		document.querySelectorAll("[data-opener]").forEach((e) => e.removeAttribute("data-opener"));
		const all = [...document.querySelectorAll("dialog")].map((d) => d.previousElementSibling).concat([...document.querySelectorAll("[popovertarget]")])
			.filter((e) => e.checkVisibility());
		all.forEach((e, i) => e.setAttribute("data-opener", i));
		return all.length;
	})()`, &n))
	return n
}

// overlays opens all that a page has over itself by the keyboard, and holds that each begins inside, on a field or on
// what does nothing, and gives the focus back however it is closed. It returns what dialogs asked.
func (w *walletPage) overlays(page string) (asked []string, popovers int) {
	w.t.Helper()
	for i := range w.openers() {
		opener := fmt.Sprintf("[data-opener=%q]", fmt.Sprint(i))
		var popover bool
		w.do(chromedp.Evaluate(fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.focus(); return e.hasAttribute("popovertarget"); })()`, opener), &popover))
		w.focus(page, opener)
		if popover {
			popovers++
			w.keys("\r")
			w.do(chromedp.Poll(`document.querySelector("[popover]:popover-open") !== null`, nil, often))
			w.keys("\x1b")
			w.do(chromedp.Poll(`document.querySelector("[popover]:popover-open") === null`, nil, often))
			w.focus(page+", a popover closed by Escape", opener)
			continue
		}
		for _, close := range []string{"\x1b", "\r"} { // Escape, and the button on which it begins
			w.keys("\r")
			w.do(chromedp.Poll(`document.querySelector("dialog[open]") !== null`, nil, often))
			w.focus(page+", a dialog begins", "dialog[open] input, dialog[open] select, dialog[open] button:not(.first)")
			var question string
			w.do(chromedp.Evaluate(`document.getElementById(document.querySelector("dialog[open]").getAttribute("aria-labelledby")).textContent`, &question))
			asked = append(asked, question)
			w.keys(close)
			w.do(chromedp.Poll(`document.querySelector("dialog[open]") === null`, nil, often))
			w.focus(fmt.Sprintf("%s, a dialog closed by %q", page, close), opener)
		}
	}
	return asked, popovers
}

// Every dialog and popover of every page, staff's and the wallet's: it begins inside, and gives the focus back. The
// sources have no other kind than those that the browser was seen to open, and none that it was not.
func TestWhatOpensOverAPageGivesTheFocusBack(t *testing.T) {
	t.Parallel()
	dialogs := 0
	for path, source := range sourcesOfPages(t) { // any order
		dialogs += strings.Count(source, "<Sure ")
		for kind, home := range map[string]string{"<dialog": "console/parts.tsx", "showModal": "console/parts.tsx",
			"popover=": "wallet/learnlink.tsx", "showPopover": "", "confirm(": "", "alert(": "", "prompt(": ""} { // any order
			if strings.Contains(source, " "+kind) || strings.Contains(source, "."+kind) {
				if home == "" || !strings.HasSuffix(path, home) {
					t.Errorf("%s has %q, which this test does not open", path, kind)
				}
			}
		}
	}
	d := newNodePage(t)
	d.device(true)
	d.show(d.link())
	d.speak("en")
	d.fill("Your name", "Aigul")
	d.press("Make a passkey and sign in")
	d.see("My account")
	questions := map[string]bool{}
	for _, page := range []string{"/", "/account", "/staff", "/audit"} {
		d.show(page)
		d.do(chromedp.Poll(`!document.querySelector("main .skeleton") && document.querySelector("main h1") !== null`, nil, often))
		asked, _ := d.overlays(page)
		for _, question := range asked {
			questions[question] = true
		}
	}
	if len(questions) != dialogs || dialogs == 0 {
		t.Errorf("%d dialogs were opened, and the sources have %d: %v", len(questions), dialogs, questions)
	}
	// What was done may take the button away: the focus stays in the page, at what is nearest.
	d.show("/staff")
	d.fill("Name", "Bolat")
	d.press("Make a link")
	d.see("Give this link to Bolat alone")
	d.byKeyboard("Close")
	d.focus("a note was closed", "h1")
	d.byKeyboard("Take back")
	d.see("Nobody is invited at present")
	d.focus("a line went", "h1")
	d.clean()
}

// byKeyboard presses a button as somebody does who goes by the keyboard.
func (w *walletPage) byKeyboard(text string) {
	w.t.Helper()
	w.do(chromedp.Poll(fmt.Sprintf(`(() => {
		const b = [...document.querySelectorAll("button")].find(b => b.textContent === %q && b.checkVisibility());
		b?.focus();
		return document.activeElement === b;
	})()`, text), nil, often))
	w.keys("\r")
}

// The wallet has no dialogs; its popovers give the focus back, on every page.
func TestPopoversOfTheWalletGiveTheFocusBack(t *testing.T) {
	t.Parallel()
	w := newWalletPage(t)
	w.escrow(t)
	w.takeAlice()
	met := 0
	for _, page := range pagesOfAWallet {
		if page == "receipt" {
			page = "receipt?id=" + w.money.ID().String()
		}
		w.turn(page)
		w.do(chromedp.Poll(`!document.querySelector("main .skeleton") && document.querySelector("main")?.innerText.length > 20`, nil))
		asked, popovers := w.overlays(page)
		if len(asked) > 0 {
			t.Errorf("%s has dialogs: %q", page, asked)
		}
		met += popovers
	}
	if met == 0 {
		t.Error("no page has a popover")
	}
	w.clean()
}
