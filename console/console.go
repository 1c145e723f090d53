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

// policy lets a page load what this server serves and nothing else. The camera is for codes; a wallet's page is never
// shown within another page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' " +
	"blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types aqsha"

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Aqsha</title>
<p>This program was built without its pages. With Node.js 20 or newer and npm on the machine, "make build" builds them.</p></html>
`

// Built says whether the pages were there when the program was built.
func Built() bool {
	_, err := fs.Stat(built, "dist/wallet/index.html")
	return err == nil
}

// Handler serves /wallet/ and /assets/. Every address below /wallet/ that is no file is the wallet's page, which knows
// what it shows there.
func Handler() http.Handler { return handler(built) }

func handler(files fs.FS) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		content, err := fs.ReadFile(files, "dist/assets/"+path.Base(r.PathValue("name")))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		serve(w, r.PathValue("name"), content)
	})
	mux.HandleFunc("GET /wallet/", func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/wallet")
		if content, err := fs.ReadFile(files, "dist/wallet"+name); err == nil && name != "" {
			serve(w, name, content)
			return
		}
		content, err := fs.ReadFile(files, "dist/wallet/index.html")
		if err != nil {
			content = []byte(notBuilt)
		}
		serve(w, "index.html", content)
	})
	return mux
}

// types are those of the files that vite writes; a system's own table may lack them.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg":         "image/svg+xml",
	".webmanifest": "application/manifest+json", ".json": "application/json",
}

func serve(w http.ResponseWriter, name string, content []byte) {
	h := w.Header()
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	if t, ok := types[path.Ext(name)]; ok {
		h.Set("Content-Type", t)
	} else {
		h.Set("Content-Type", "application/octet-stream")
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(content)
}
