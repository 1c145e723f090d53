package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// onThePage has a browser verify what a node shows, and returns what it found.
func onThePage(ctx context.Context, t *testing.T, url, network string) (result, checks string) {
	t.Helper()
	err := chromedp.Run(ctx,
		chromedp.Navigate(url+"/explorer"),
		chromedp.WaitVisible(`#blocks tr`, chromedp.ByQuery),
		chromedp.Evaluate("document.getElementById('id').value = '"+network+"'", nil),
		chromedp.Click(`#verify`, chromedp.ByQuery),
		chromedp.WaitReady(`#checks[data-result]`, chromedp.ByQuery),
		chromedp.AttributeValue(`#checks`, "data-result", &result, nil, chromedp.ByQuery),
		chromedp.Text(`#checks`, &checks, chromedp.ByQuery),
	)
	if err != nil {
		t.Fatal(err)
	}
	return result, checks
}

// A browser that has a network's id from elsewhere verifies the log that a validator shows: under the signatures of the
// genesis's quorum, and behind changes of validators under those whom the changes lead to. With the links kept from it,
// or one of their bytes altered, it does not.
func TestABrowserVerifiesACluster(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium on this machine: make deps installs it")
	}
	c := newCouncil(t)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox)...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	network, err := c.clients[1].API.Network(ctx)
	if err != nil {
		t.Fatal(err)
	}
	id := network.Network.String()
	if result, checks := onThePage(ctx, t, c.running[1].url, id); result != "verified" ||
		!strings.Contains(checks, "the key that the genesis names") {
		t.Fatalf("%s: %s", result, checks)
	}
	c.first("cluster", "remove", "farmers", "--data", c.dirs[0])
	c.first("pay", "bank", "c0", "10", "--data", c.dirs[0])
	c.first("pay", "bank", "c0", "11", "--data", c.dirs[0]) // behind it all follow
	if result, checks := onThePage(ctx, t, c.running[1].url, id); result != "verified" ||
		!strings.Contains(checks, "behind a change of validators") {
		t.Fatalf("%s: %s", result, checks)
	}
	target, err := url.Parse(c.running[1].url)
	if err != nil {
		t.Fatal(err)
	}
	through := httputil.NewSingleHostReverseProxy(target)
	for name, alter := range map[string]func([]byte) []byte{
		"no links":             func([]byte) []byte { return nil },
		"an altered signature": func(b []byte) []byte { b[len(b)/4] ^= 1; return b },
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v1/signers" {
				through.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			r.Header.Del("Accept-Encoding")
			through.ServeHTTP(answer, r)
			_, _ = w.Write(alter(answer.Body.Bytes()))
		}))
		if result, checks := onThePage(ctx, t, server.URL, id); result != "failed" {
			t.Errorf("with %s: %s: %s", name, result, checks)
		}
		server.CloseClientConnections()
		server.Close()
	}
	for i := range c.running {
		c.running[i].stop(t)
	}
}
