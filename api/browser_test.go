package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
)

// browser opens a real browser, or skips: "make test" installs one.
func browser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: make deps installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true))
	options = append(options, more...)
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// verdict names a network, unless it is empty, presses the page's button and returns what it found, in one word and in
// full.
func verdict(t *testing.T, ctx context.Context, url, network string) (result, checks string) {
	t.Helper()
	var shot []byte
	err := chromedp.Run(ctx,
		chromedp.Navigate(url+"/explorer"),
		chromedp.WaitVisible(`#blocks tr`, chromedp.ByQuery),
		chromedp.Evaluate("document.getElementById('id').value = '"+network+"'", nil),
		chromedp.Click(`#verify`, chromedp.ByQuery),
		chromedp.WaitReady(`#checks[data-result]`, chromedp.ByQuery),
		chromedp.AttributeValue(`#checks`, "data-result", &result, nil, chromedp.ByQuery),
		chromedp.Text(`#checks`, &checks, chromedp.ByQuery),
		chromedp.FullScreenshot(&shot, 100),
	)
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("AQSHA_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(dir+"/page-"+result+".png", shot, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return result, checks
}

func TestPageVerifiesInTheBrowser(t *testing.T) {
	w := newTown(t, api.Options{Open: true, Story: func() []api.StoryStep {
		return []api.StoryStep{{Name: "issue", Title: "The central bank issues", State: "played"},
			{Name: "rail", Title: "A railway", State: "not-built"}}
	}})
	ctx := browser(t) // after the town, so that it closes before
	if result, checks := verdict(t, ctx, w.http.URL, w.world.Network.String()); result != "verified" ||
		strings.Count(checks, "\n") < 4 {
		t.Fatalf("%s: %s", result, checks)
	}
	var issued, live string
	if err := chromedp.Run(ctx, chromedp.Text(`#issued`, &issued, chromedp.ByQuery),
		chromedp.Text(`#live`, &live, chromedp.ByQuery)); err != nil {
		t.Fatal(err)
	}
	if want := "1\u202f000\u202f000.00\u00a0₸"; issued != want || live != want {
		t.Fatalf("issued %q, live %q, want %q", issued, live, want)
	}
}

// A page that cannot fail proves nothing: with one bit of the hash tile altered on the way, it must.
func TestPageNoticesAnAlteredTile(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	target, _ := url.Parse(w.http.URL)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/tile/0/") {
			proxy.ServeHTTP(rw, r)
			return
		}
		record := httptest.NewRecorder()
		r.Header.Del("Accept-Encoding")
		proxy.ServeHTTP(record, r)
		body := record.Body.Bytes()
		body[33] ^= 1 // the hash of entry 1
		_, _ = rw.Write(body)
	}))
	t.Cleanup(server.Close)
	ctx := browser(t)
	if result, checks := verdict(t, ctx, server.URL, w.world.Network.String()); result != "failed" {
		t.Fatalf("%s: %s", result, checks)
	}
}

func TestDocsPageRenders(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	ctx := browser(t)
	var text string
	err := chromedp.Run(ctx, chromedp.Navigate(w.http.URL+"/docs"),
		chromedp.WaitReady(`body[data-ready]`, chromedp.ByQuery), chromedp.Text(`#list`, &text, chromedp.ByQuery))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/transactions", "/v1/wallets/{id}/history", "/v1/blocks/stream"} {
		if !strings.Contains(text, path) {
			t.Errorf("the page does not show %s", path)
		}
	}
}

// The page that verifies the log speaks the language that the node's other pages were put to, says all of it in that
// language, leads back to them, and fits a screen of 320 pixels.
func TestTheExplorerSpeaksThreeLanguages(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	ctx := browser(t)
	latin := regexp.MustCompile(`[A-Za-z]{3,}`)
	for _, c := range []struct{ language, title, verified, back string }{
		{"ru", "Проверить журнал", "путь хешей ведёт к подписанному корню", "Назад к обзору"},
		{"kk", "Журналды тексеру", "хештер жолы қол қойылған түбірге жетеді", "Шолуға қайту"},
		{"en", "Verify the log", "the path of hashes ends at the signed root", "Back to the overview"},
	} {
		var title, text, shown, back, checks, kept string
		var wide bool
		if err := chromedp.Run(ctx, emulation.SetDeviceMetricsOverride(320, 640, 1, false),
			chromedp.Navigate(w.http.URL+"/explorer"), chromedp.WaitVisible(`#blocks tr`, chromedp.ByQuery),
			chromedp.SetValue(`#language`, c.language, chromedp.ByQuery),
			chromedp.Evaluate(`document.querySelector("#language").dispatchEvent(new Event("change"))`, nil),
			chromedp.Poll(`document.documentElement.lang === "`+c.language+`" && document.title.includes("`+c.title+`")`, nil),
			chromedp.Reload(), chromedp.WaitVisible(`#blocks tr`, chromedp.ByQuery), // it is kept
			chromedp.Click(`#verify`, chromedp.ByQuery), chromedp.WaitReady(`#checks[data-result]`, chromedp.ByQuery),
			chromedp.Text(`h1`, &title, chromedp.ByQuery), chromedp.Text(`#checks`, &checks, chromedp.ByQuery),
			chromedp.Text(`header a`, &back, chromedp.ByQuery), chromedp.Text(`main`, &text, chromedp.ByQuery),
			chromedp.AttributeValue(`#id`, "placeholder", &shown, nil, chromedp.ByQuery),
			chromedp.Evaluate(`localStorage.getItem("aqsha-language")`, &kept),
			chromedp.Evaluate(`document.documentElement.scrollWidth > 320`, &wide)); err != nil {
			t.Fatal(c.language, err)
		}
		if !strings.Contains(title, c.title) || !strings.Contains(checks, c.verified) || back != c.back || wide ||
			kept != c.language || shown == "" {
			t.Errorf("%s: %q %q %q, wide %v, kept %s", c.language, title, back, checks, wide, kept)
		}
		for _, word := range latin.FindAllString(strings.ReplaceAll(text, w.node.Genesis().Name, ""), -1) {
			if c.language != "en" && !regexp.MustCompile(`^[0-9a-f]+$`).MatchString(word) {
				t.Errorf("in %s it says %q", c.language, word)
			}
		}
	}
}
