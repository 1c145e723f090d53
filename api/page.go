package api

import (
	_ "embed"
	"io"
	"net/http"

	"github.com/aqsha/aqsha/console"
)

// These pages are plain HTML with their scripts: no build step, nothing fetched from elsewhere. The
// first verifies with the browser's own cryptography, believing nothing that the node computes. The others are package
// console's.
var (
	//go:embed page.html
	page []byte
	//go:embed explorer.js
	pageScript []byte
	//go:embed docs.html
	docsPage []byte
)

func (s *Server) mountPages(mux *routes) {
	mux.HandleFunc("GET /explorer", servePage(page, "'self'"))
	mux.HandleFunc("GET /explorer.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(pageScript)
	})
	mux.HandleFunc("GET /docs", servePage(docsPage, "'unsafe-inline'"))
	pages := console.Handler()
	for _, page := range console.Pages {
		mux.Handle("GET "+page, pages)
	}
	mux.Handle("GET /wallet/", pages)
	mux.Handle("GET /assets/", pages)
	list := operation("get-pages", "/v1/pages", "The files of the node's pages with their SHA-256", byAnybody)
	list.Description = "A line for each file in the form of sha256sum, ascending by name; index.html is served under " +
		"its folder's address. \"aqsha version\" prints the SHA-256 of this text. It is empty where the program was " +
		"built without its pages. A node that serves other files can answer with another's list: compare the files."
	list.Responses = text("Lines of 64 hexadecimal digits, two spaces and a name")
	s.serveRaw(mux, list, "", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = io.WriteString(w, console.Manifest())
	})
}

// servePage serves a page whose scripts come from where it says.
func servePage(content []byte, scripts string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src "+scripts+"; style-src "+
			"'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(content)
	}
}
