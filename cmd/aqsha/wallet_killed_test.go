package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// The moments at which a node dies that a phone pays at: the payment has not come, has come and is not answered, or is
// durable and its answer is under way.
const (
	diesBefore = "before it came"
	diesWithin = "when it came"
	diesAfter  = "when it was durable"
)

// fatal stands between a phone and a node, and has the node killed at one payment. A browser's own connection would not
// say when the payment has come.
type fatal struct {
	target *url.URL
	when   string
	kill   func()

	mu    sync.Mutex // over what follows
	armed bool
	dead  bool
}

func (f *fatal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	through := httputil.NewSingleHostReverseProxy(f.target)
	through.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	through.FlushInterval = -1
	if r.Method != http.MethodPost || r.URL.Path != "/v1/transactions" || !f.take() {
		through.ServeHTTP(w, r)
		return
	}
	switch f.when {
	case diesBefore:
		f.kill()
	case diesWithin:
		began := make(chan struct{})
		go func() {
			defer func() { _ = recover() }() // the node is gone
			close(began)
			through.ServeHTTP(httptest.NewRecorder(), r.Clone(context.Background()))
		}()
		<-began
		f.kill()
	case diesAfter:
		through.ServeHTTP(httptest.NewRecorder(), r)
		f.kill()
	}
	f.mu.Lock()
	f.dead = true
	f.mu.Unlock()
	panic(http.ErrAbortHandler) // nobody hears of it
}

// take says whether this payment is the one, which is the first after it was armed.
func (f *fatal) take() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	armed := f.armed
	f.armed = false
	return armed
}

func (f *fatal) died() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dead
}

// phone is a browser at the wallet's page.
type phone struct {
	t   *testing.T
	ctx context.Context
}

func (p phone) do(actions ...chromedp.Action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		var page string
		_ = chromedp.Run(p.ctx, chromedp.Text("body", &page, chromedp.ByQuery))
		p.t.Fatalf("%v\nthe page says:\n%s", err, page)
	}
}

var looking = chromedp.WithPollingInterval(50 * time.Millisecond)

func (p phone) see(text string) {
	p.t.Helper()
	p.do(chromedp.Poll(fmt.Sprintf(`document.body.innerText.includes(%q)`, text), nil, looking))
}

func (p phone) press(text string) {
	p.t.Helper()
	p.do(chromedp.Poll(fmt.Sprintf(`(() => {
		const b = [...document.querySelectorAll("button")].find((b) => b.textContent.includes(%q) && !b.disabled);
		b?.click();
		return b !== undefined;
	})()`, text), nil, looking))
}

func (p phone) fill(label, text string) {
	p.t.Helper()
	field := fmt.Sprintf(`document.evaluate("//input[@id = //label[contains(., " + JSON.stringify(%q) + ")]/@for]",
		document, null, 9).singleNodeValue`, label)
	for done := false; !done; { // a page that has just come takes the focus to its heading
		taken := fmt.Sprintf(`(() => { const f = %s; f?.focus(); f?.select(); return document.activeElement === f; })()`, field)
		p.do(chromedp.Poll(taken, nil, looking), input.InsertText(text),
			chromedp.Evaluate(fmt.Sprintf(`%s?.value === %q`, field, text), &done))
	}
}

// bring opens a wallet by its recovery code.
func (p phone) bring(node, code string) {
	p.t.Helper()
	p.do(chromedp.Navigate(node+"/wallet/"), chromedp.WaitVisible("h1", chromedp.ByQuery),
		chromedp.SetValue("header select", "en", chromedp.ByQuery), chromedp.Evaluate(
			`document.querySelector("header select").dispatchEvent(new Event("change", {bubbles: true}))`, nil))
	p.press("I have a recovery code")
	p.fill("Type the recovery code", code)
	p.press("Go on")
	p.fill("Passphrase", "seven sheep in the yard")
	p.fill("The same once more", "seven sheep in the yard")
	p.press("Go on")
	p.see("You can spend")
}

// codeOf is the recovery code of a wallet's key, as a person wrote it down.
func codeOf(t *testing.T, dir, name string) string {
	t.Helper()
	keyring, err := wallet.OpenKeyring(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keyring.Key(name)
	if err != nil {
		t.Fatal(err)
	}
	seed := key.(token.PrivateKey).Seed()
	sum := sha256.Sum256(append([]byte("aqsha recovery v1\x00"), seed[:]...))
	digits := new(big.Int).SetBytes(append(seed[:], sum[:3]...)).Text(32)
	digits = strings.Repeat("0", 56-len(digits)) + digits
	return strings.Map(func(r rune) rune {
		return rune("0123456789ABCDEFGHJKMNPQRSTVWXYZ"[strings.IndexRune("0123456789abcdefghijklmnopqrstuv", r)])
	}, digits)
}

// built is the program, built for this test alone.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "aqsha")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// A node is killed while a phone pays, at each moment, and started again on its folder: the page says that nobody has
// answered yet, sends the same again, says that it is paid, and it is paid once.
func TestANodeThatDiesWhileAPhonePays(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: make deps installs it")
	}
	if !console.Built() {
		t.Skip("the console's pages are not built here: make build builds them where Node is")
	}
	program := built(t)
	c := newCustomers(t, 2)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := free.Addr().String()
	_ = free.Close()
	f := &fatal{target: &url.URL{Scheme: "http", Host: listen}}
	door := httptest.NewServer(f)
	defer func() { door.CloseClientConnections(); door.Close() }()
	config := filepath.Join(c.dir, "config.toml")
	text, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(config, append(fmt.Appendf(nil, "origins = [%q]\n", door.URL), text...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	start := func() *process { return served(t, exec.Command(program, "up", "--data", c.dir, "--listen", listen)) }
	p := start()
	f.kill = func() { p.kill() }
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("lang", "en"))...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	w := phone{t, ctx}
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	w.bring(door.URL, codeOf(t, c.dir, "c0"))
	for i, when := range []string{diesBefore, diesWithin, diesAfter} {
		w.press("Pay")
		w.fill("To whom", c.ids[1].String())
		w.fill("How much", "10")
		w.press("Look and confirm")
		f.mu.Lock()
		f.when, f.armed, f.dead = when, true, false
		f.mu.Unlock()
		w.press("Pay 10.00")
		w.see("No answer yet")
		if !f.died() {
			t.Fatalf("%s: the node was not killed", when)
		}
		p = start()
		w.see("Paid: 10.00")
		want := startMoney + money.Tiyn(i+1)*10*money.Tenge
		balanceIs(t, c.dir, "c1", want)
		if list := run1(t, "history", "c1", "--data", c.dir); strings.Count(list, " 10.00") != i+1 {
			t.Errorf("%s: %d payments were to come:\n%s", when, i+1, list)
		}
		w.press("Money")
	}
	p.stop(t)
}
