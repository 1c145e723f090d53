package console

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// built is console/dist: all that vite wrote, and a file that is always there so that it can be embedded.
//
//go:embed all:dist
var built embed.FS

// policy lets a page load what this server serves and nothing else. None is ever shown within another page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' " +
	"blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types aqsha"

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Aqsha</title>
<p>This program was built without its pages. With Node.js 20 or newer and npm on the machine, "make build" builds them.
<p><a href="/explorer">Verify the log</a>, <a href="/docs">the API</a>.</html>
`

// Built says whether the pages were there when the program was built.
func Built() bool {
	_, err := fs.Stat(built, "dist/wallet/index.html")
	return err == nil
}

// Pages are the addresses of the node's pages for people who do not come for their wallet; one page knows what each
// shows.
var Pages = []string{"/{$}", "/sign-in", "/account", "/staff", "/audit"}

// Handler serves /wallet/, /assets/ and Pages. Every address below /wallet/ that is no file is the wallet's page, which
// knows what it shows there.
func Handler() http.Handler { return handler(built) }

func handler(files fs.FS) http.Handler {
	mux := http.NewServeMux()
	consoleWords, walletWords := wordsOf(files, "console"), wordsOf(files, "wallet")
	mux.HandleFunc("GET /assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		content, err := fs.ReadFile(files, "dist/assets/"+path.Base(r.PathValue("name")))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		// Names of assets have their content's hash: another content is another address. Pages themselves are asked
		// for each time.
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		serve(w, r.PathValue("name"), content, noCamera)
	})
	for _, page := range Pages {
		mux.HandleFunc("GET "+page, func(w http.ResponseWriter, r *http.Request) {
			content, err := fs.ReadFile(files, "dist/index.html")
			if err != nil {
				// The program is whole without its pages: it says how they are built instead of failing to.
				content = []byte(notBuilt)
			}
			consoleWords.hint(w, r)
			serve(w, "index.html", content, noCamera)
		})
	}
	mux.HandleFunc("GET /wallet/", func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/wallet")
		if content, err := fs.ReadFile(files, "dist/wallet"+name); err == nil && name != "" {
			serve(w, name, content, camera)
			return
		}
		content, err := fs.ReadFile(files, "dist/wallet/index.html")
		if err != nil {
			content = []byte(notBuilt)
		}
		walletWords.hint(w, r)
		serve(w, "index.html", content, camera)
	})
	return mux
}

// catalogue are the files with a page's words, by language.
type catalogue map[string]string

// languages are those of the pages, the one first that nobody who asked for another gets.
var languages = []string{"kk", "ru", "en"}

// wordsOf finds the catalogue of a page among what vite wrote.
func wordsOf(files fs.FS, whose string) catalogue {
	c := catalogue{}
	for _, language := range languages {
		names, err := fs.Glob(files, "dist/assets/"+whose+"."+language+"-*.js")
		if err == nil && len(names) == 1 {
			c[language] = strings.TrimPrefix(names[0], "dist")
		}
	}
	return c
}

// hint tells a browser which words the page is about to ask for, so that they come beside its scripts and not after
// them (RFC 8288; HTML, link type modulepreload). Who chose another language on the page than in the browser's own
// settings loads a few kilobytes that are not read.
func (c catalogue) hint(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept-Language")
	if name, ok := c[languageOf(r.Header.Get("Accept-Language"))]; ok {
		w.Header().Set("Link", "<"+name+`>; rel="modulepreload"`)
	}
}

// languageOf is the first of a browser's languages that the pages speak, as the pages themselves choose it. Browsers
// list theirs in order.
func languageOf(header string) string {
	for tag := range strings.SplitSeq(header, ",") {
		for _, language := range languages {
			if tag = strings.TrimSpace(tag); len(tag) >= 2 && strings.EqualFold(tag[:2], language) {
				return language
			}
		}
	}
	return languages[0]
}

// types are those of the files that vite writes; a system's own table may lack them.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg":         "image/svg+xml",
	".webmanifest": "application/manifest+json", ".json": "application/json",
}

// What a page may have of the device: the wallet scans codes.
const (
	camera   = "camera=(self), microphone=(), geolocation=()"
	noCamera = "camera=(), microphone=(), geolocation=()"
)

func serve(w http.ResponseWriter, name string, content []byte, permissions string) {
	h := w.Header()
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	if t, ok := types[path.Ext(name)]; ok {
		h.Set("Content-Type", t)
	} else {
		h.Set("Content-Type", "application/octet-stream")
	}
	guard(h, permissions)
	_, _ = w.Write(content)
}

// Guard sets what a browser is told of every page of a node: where it may load from and send to, and that no other site
// shows it, opens it or hears where somebody came from.
func Guard(h http.Header) { guard(h, noCamera) }

func guard(h http.Header, permissions string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", permissions)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}
