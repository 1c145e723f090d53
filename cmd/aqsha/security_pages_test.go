package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/console"
)

// surf is a browser that notes what no page of a node may do.
type surf struct {
	ctx    context.Context
	origin string

	mu     sync.Mutex // over faults
	faults []string
}

func (s *surf) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// reports has the page keep what its policy has stopped.
const reports = `window.stopped = []; addEventListener("securitypolicyviolation", (e) => stopped.push(e.violatedDirective + " " + e.blockedURI))`

func newSurf(t *testing.T, origin string) *surf {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: make deps installs it")
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	s := &surf{ctx: ctx, origin: origin}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, origin+"/") && !strings.HasPrefix(e.Request.URL, "data:") &&
				!strings.HasPrefix(e.Request.URL, "blob:"+origin) {
				s.note("a request elsewhere: %s", e.Request.URL)
			}
		case *runtime.EventExceptionThrown:
			s.note("an exception: %s", e.ExceptionDetails.Error())
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.APITypeError || e.Type == runtime.APITypeAssert {
				s.note("an error on the console: %v", e.Args)
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError || e.Entry.Source == log.SourceSecurity {
				s.note("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
			}
		}
	})
	if err := chromedp.Run(ctx, network.Enable(), runtime.Enable(), log.Enable(),
		chromedp.ActionFunc(func(ctx context.Context) error {
			_, err := page.AddScriptToEvaluateOnNewDocument(reports).Do(ctx)
			return err
		})); err != nil {
		t.Fatal(err)
	}
	return s
}

// look opens a page, opens what is folded there, waits until nothing loads any more, and returns the links.
func (s *surf) look(t *testing.T, path string) (links []string) {
	t.Helper()
	var stopped []string
	if err := chromedp.Run(s.ctx, chromedp.Navigate(s.origin+path), chromedp.WaitVisible("h1", chromedp.ByQuery),
		chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true })`, nil),
		chromedp.Poll(`!document.querySelector(".skeleton")`, nil),
		chromedp.Evaluate(`[...document.querySelectorAll("a[href]")].map((a) => a.href)`, &links),
		chromedp.Evaluate("stopped", &stopped)); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, what := range stopped {
		s.note("%s: the policy has stopped %s", path, what)
	}
	return links
}

// Every page of the running program, in every language, and every page that one of them leads to, asks nobody but the
// node, breaks no policy and says no error; and what a page might be made to do is stopped.
func TestNoPageAsksElsewhere(t *testing.T) {
	t.Parallel()
	if !console.Built() {
		t.Skip("the console's pages are not built here: make build builds them where Node is")
	}
	dir := filepath.Join(t.TempDir(), "net")
	run1(t, "init", "--development", "--shared-keys", "--data", dir)
	node := up(t, dir)
	t.Cleanup(node.kill)
	s := newSurf(t, strings.Replace(node.url, "127.0.0.1", "localhost", 1))
	seen := map[string]bool{}
	for _, language := range []string{"en", "kk", "ru"} {
		queue := []string{"/", "/sign-in", "/account", "/staff", "/audit", "/explorer", "/docs", "/wallet/", "/wallet/pay",
			"/wallet/ask", "/wallet/history", "/wallet/rules", "/wallet/people", "/wallet/till", "/wallet/safety",
			"/wallet/learn", "/wallet/drafts", "/wallet/receipt?id=" + strings.Repeat("a", 64), "/?measure=refusals"}
		if language != "en" {
			queue = []string{"/", "/sign-in", "/explorer", "/wallet/"} // each in its own words; the rest differs in nothing
		}
		for len(queue) > 0 {
			path := queue[0]
			queue = queue[1:]
			if seen[language+path] {
				continue
			}
			seen[language+path] = true
			for _, link := range s.look(t, path) {
				to, own := strings.CutPrefix(link, s.origin)
				to, _, _ = strings.Cut(to, "#")
				if !own {
					t.Errorf("%s leads to %s", path, link)
				} else if language == "en" && !strings.Contains("/openapi.json /checkpoint /metrics ", to+" ") {
					queue = append(queue, to)
				}
			}
			if path == "/" {
				var spoken string
				next := fmt.Sprintf(`(() => { const s = document.querySelector("header select"); s.value = %q; s.dispatchEvent(new Event("change", {bubbles: true})); })()`, language)
				if err := chromedp.Run(s.ctx, chromedp.Evaluate(next, nil),
					chromedp.Poll(fmt.Sprintf(`document.documentElement.lang === %q`, language), nil),
					chromedp.Evaluate("document.documentElement.lang", &spoken)); err != nil || spoken != language {
					t.Fatal(spoken, err)
				}
			}
		}
	}
	if len(seen) < 27 {
		t.Errorf("only %d pages were looked at", len(seen))
	}
	s.mu.Lock()
	for _, fault := range s.faults {
		t.Error(fault)
	}
	s.faults = nil
	s.mu.Unlock()
	s.stops(t)
}

// stops tries what an attacker's text within a page would: a crawl that notices nothing shows nothing.
func (s *surf) stops(t *testing.T) {
	t.Helper()
	var tried string
	for _, path := range []string{"/", "/wallet/", "/explorer", "/docs"} {
		s.look(t, path)
		if err := chromedp.Run(s.ctx, chromedp.Evaluate(`(async () => {
			const done = []
			await fetch("https://evil.example/").then(() => done.push("fetch"), () => {})
			try { document.body.innerHTML = "<img src=x onerror=stolen()>"; done.push("html") } catch {}
			const script = document.createElement("script")
			try { script.text = "window.stolen = 1"; document.body.append(script); if (window.stolen) done.push("script") } catch {}
			const image = new Image()
			await new Promise((next) => { image.onload = () => { done.push("image"); next() }; image.onerror = next; image.src = "https://evil.example/x.png" })
			return JSON.stringify({ done, stopped: stopped.length })
		})()`, &tried, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) })); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var got struct {
			Done    []string
			Stopped int
		}
		if err := json.Unmarshal([]byte(tried), &got); err != nil || len(got.Done) != 0 || got.Stopped < 3 {
			t.Errorf("%s: %s, %v: want each stopped by the policy", path, tried, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		t.Error("the browser noted none of it")
	}
}
