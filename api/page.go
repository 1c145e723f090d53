package api

import (
	_ "embed"
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
