package api

import (
	_ "embed"
	"net/http"
)

// page is plain HTML with its script: no build step. The script verifies with the browser's own
// cryptography, believing nothing the node computes.
//
//go:embed page.html
var page []byte

func (s *Server) mountPage(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(page)
	})
}
