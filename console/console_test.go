package console

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, files fstest.MapFS, path string) (status int, body string, header func(string) string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler(files).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	content, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(content), w.Header().Get
}

// Every address of the wallet is its page, files are themselves, and nothing else can be reached.
func TestAddresses(t *testing.T) {
	files := fstest.MapFS{
		"dist/wallet/index.html": {Data: []byte("the page")}, "dist/wallet/icon.svg": {Data: []byte("<svg/>")},
		"dist/index.html": {Data: []byte("the others")}, "dist/assets/wallet-AbCd.js": {Data: []byte("script")},
		"dist/secret": {Data: []byte("secret")}, "secret": {Data: []byte("secret")},
	}
	for path, want := range map[string]string{ // any order: each by itself
		"/": "the others", "/staff": "the others", "/sign-in": "the others", "/index.html": "404 page not found\n",
		"/staff/deeper": "404 page not found\n",
		"/wallet/":      "the page", "/wallet/pay": "the page", "/wallet/pay/deeper": "the page",
		"/wallet/icon.svg": "<svg/>", "/assets/wallet-AbCd.js": "script",
		"/wallet/%2e%2e/secret": "the page", "/assets/..%2fsecret": "404 page not found\n",
		"/assets/..%2f..%2fsecret": "404 page not found\n", "/assets/": "404 page not found\n",
		"/secret": "404 page not found\n",
	} {
		if _, body, _ := get(t, files, path); body != want {
			t.Errorf("%s: %q, want %q", path, body, want)
		}
	}
	for _, path := range []string{"/wallet/", "/"} {
		if _, body, _ := get(t, fstest.MapFS{}, path); !strings.Contains(body, "make build") ||
			!strings.Contains(body, "/explorer") {
			t.Errorf("%s not built: %q", path, body)
		}
	}
}

// A browser hears with the page which words it is about to need: those of its own language.
func TestThePageNamesItsWords(t *testing.T) {
	files := fstest.MapFS{"dist/index.html": {Data: []byte("page")}, "dist/wallet/index.html": {Data: []byte("page")},
		"dist/wallet/icon.svg": {Data: []byte("<svg/>")}}
	for _, language := range []string{"kk", "ru", "en"} {
		for _, whose := range []string{"console", "wallet", "learn", "codes"} {
			files["dist/assets/"+whose+"."+language+"-AbCd.js"] = &fstest.MapFile{Data: []byte("words")}
		}
	}
	for _, c := range []struct{ path, accepted, want string }{
		{"/", "en-US,en;q=0.9", "console.en"}, {"/staff", "ru", "console.ru"}, {"/", "", "console.kk"},
		{"/wallet/", "de-DE,de;q=0.9,ru;q=0.5,en;q=0.3", "wallet.ru"}, {"/wallet/pay", "KK-Cyrl-KZ", "wallet.kk"},
		{"/wallet/", "x,,;q=1", "wallet.kk"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, c.path, nil)
		r.Header.Set("Accept-Language", c.accepted)
		handler(files).ServeHTTP(w, r)
		if got, want := w.Header().Get("Link"), "</assets/"+c.want+`-AbCd.js>; rel="modulepreload"`; got != want {
			t.Errorf("%s for %q: %s, want %s", c.path, c.accepted, got, want)
		}
		if w.Header().Get("Vary") != "Accept-Language" {
			t.Errorf("%s: a cache would give it to everybody", c.path)
		}
	}
	for _, path := range []string{"/assets/wallet.kk-AbCd.js", "/wallet/icon.svg"} {
		if _, _, header := get(t, files, path); header("Link") != "" {
			t.Errorf("%s names %s", path, header("Link"))
		}
	}
	if !Built() {
		t.Skip("the pages are not built here: make build builds them where Node is")
	}
	for _, whose := range []string{"console", "wallet"} {
		if found := wordsOf(built, whose); len(found) != len(languages) {
			t.Errorf("of %s the words are %v", whose, found)
		}
	}
}

func TestHeaders(t *testing.T) {
	files := fstest.MapFS{"dist/index.html": {Data: []byte("page")}, "dist/wallet/index.html": {Data: []byte("page")},
		"dist/assets/a.js": {Data: []byte("script")}}
	// any order: each by itself
	for path, cached := range map[string]string{"/wallet/": "no-cache", "/": "no-cache",
		"/assets/a.js": "public, max-age=31536000, immutable"} {
		_, _, header := get(t, files, path)
		csp := header("Content-Security-Policy")
		if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") ||
			!strings.Contains(csp, "frame-ancestors 'none'") ||
			!strings.Contains(csp, "require-trusted-types-for 'script'") {
			t.Errorf("%s: %s", path, csp)
		}
		if camera := strings.Contains(header("Permissions-Policy"), "camera=(self)"); camera != (path == "/wallet/") {
			t.Errorf("%s may use the camera: %v", path, camera)
		}
		if header("X-Content-Type-Options") != "nosniff" || header("Referrer-Policy") != "no-referrer" ||
			header("Cache-Control") != cached {
			t.Errorf("%s: nosniff %q, referrer %q, cache %q", path, header("X-Content-Type-Options"),
				header("Referrer-Policy"), header("Cache-Control"))
		}
	}
}

// What a browser loads first is small: the wallet opens on a cheap phone over a slow network.
func TestFirstLoadIsSmall(t *testing.T) {
	if !Built() {
		t.Skip("the pages are not built here: make build builds them where Node is")
	}
	// gzip; any order: each by itself
	for index, most := range map[string]int{"dist/wallet/index.html": 45 << 10, "dist/index.html": 80 << 10} {
		total, names := firstLoad(t, index)
		if total > most {
			t.Errorf("%s: %d bytes of %v, want at most %d", index, total, names, most)
		}
		t.Logf("%s: %d bytes compressed: %v", index, total, names)
	}
}

// What is loaded later comes in parts, none of which is large.
func TestLaterPartsAreSmall(t *testing.T) {
	if !Built() {
		t.Skip("the pages are not built here: make build builds them where Node is")
	}
	const most = 60 << 10 // gzip
	parts, err := fs.ReadDir(built, "dist/assets")
	if err != nil || len(parts) < 10 {
		t.Fatal(parts, err)
	}
	for _, part := range parts {
		content, err := fs.ReadFile(built, "dist/assets/"+part.Name())
		if err != nil {
			t.Fatal(err)
		}
		if size := compressed(t, content); size > most {
			t.Errorf("%s: %d bytes compressed, want at most %d", part.Name(), size, most)
		}
	}
}

// reached are the built files that a page names, and what those name, now or later.
func reached(t *testing.T, index string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	name := regexp.MustCompile(`[\w-]+(\.[\w-]+)*\.(js|css)\b`)
	var follow func(content []byte)
	follow = func(content []byte) {
		for _, n := range name.FindAll(content, -1) {
			part, err := fs.ReadFile(built, "dist/assets/"+string(n))
			if err != nil || found[string(n)] {
				continue
			}
			found[string(n)] = true
			follow(part)
		}
	}
	page, err := fs.ReadFile(built, index)
	if err != nil {
		t.Fatal(err)
	}
	follow(page)
	return found
}

// The worker names every file of the wallet, so that all of it is there without a connection, and none that the other
// pages have for themselves.
func TestTheWorkerKeepsEveryFile(t *testing.T) {
	if !Built() {
		t.Skip("the pages are not built here: make build builds them where Node is")
	}
	worker, err := fs.ReadFile(built, "dist/wallet/sw.js")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := fs.ReadDir(built, "dist/assets")
	if err != nil {
		t.Fatal(err)
	}
	wallets := reached(t, "dist/wallet/index.html")
	if len(wallets) < 10 || len(wallets) == len(parts) {
		t.Fatalf("the wallet reaches %d of %d files", len(wallets), len(parts))
	}
	for _, part := range parts {
		if kept := strings.Contains(string(worker), `"/assets/`+part.Name()+`"`); kept != wallets[part.Name()] {
			t.Errorf("the worker keeps %s: %v; the wallet loads it: %v", part.Name(), kept, wallets[part.Name()])
		}
	}
	_, _, header := get(t, fstest.MapFS{"dist/wallet/sw.js": {Data: worker}}, "/wallet/sw.js")
	if header("Cache-Control") != "no-cache" || header("Content-Type") != "text/javascript; charset=utf-8" ||
		!strings.Contains(header("Content-Security-Policy"), "trusted-types aqsha") {
		t.Errorf("cache %q, type %q", header("Cache-Control"), header("Content-Type"))
	}
}
