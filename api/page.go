package api

import (
	"embed"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/console"
	"github.com/aqsha/aqsha/words"
)

// These pages are plain HTML with their scripts: no build step, nothing fetched from elsewhere. The
// first verifies with the browser's own cryptography, believing nothing that the node computes. The others are package
// console's.
//
//go:embed page.html explorer.js explorer.css docs.html docs.js docs.css
var plainPages embed.FS

// plainTypes are where each is served, and what it is.
var plainTypes = map[string]string{"page.html": "text/html", "docs.html": "text/html", "explorer.js": "text/javascript",
	"docs.js": "text/javascript", "explorer.css": "text/css", "docs.css": "text/css"}

// mountPages serves the files of the node's pages, which are embedded. Caches ask again each time (no-cache), as the
// pages and the API are of one version.
func (s *Server) mountPages(mux *routes) {
	for _, name := range slices.Sorted(maps.Keys(plainTypes)) {
		kind, address := plainTypes[name], "/"+name
		switch name {
		case "page.html":
			address = "/explorer"
		case "docs.html":
			address = "/docs"
		}
		content, err := plainPages.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		mux.HandleFunc("GET "+address, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind+"; charset=utf-8")
			w.Header().Set("Cache-Control", "no-cache")
			console.Guard(w.Header())
			_, _ = w.Write(content)
		})
	}
	for _, l := range words.Languages {
		content := explorerWords(l)
		mux.HandleFunc("GET /explorer."+string(l)+".json", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Cache-Control", "no-cache")
			console.Guard(w.Header())
			_, _ = w.Write(content)
		})
	}
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

// explorerWords are the explorer's texts in a language, by key, as JSON: one catalogue for pages and programs.
func explorerWords(l words.Language) []byte {
	texts := map[string]string{}
	for _, key := range l.Keys() {
		if key, ours := strings.CutPrefix(key, "explorer."); ours {
			texts[key] = l.Text("explorer." + key)
		}
		if gap, ours := strings.CutPrefix(key, "cash-gap."); ours {
			texts["gap."+gap] = l.Text(key)
		}
	}
	content, err := json.Marshal(texts)
	if err != nil {
		panic(err) // a map of texts
	}
	return content
}
