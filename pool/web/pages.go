package web

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/accounts"
	"github.com/aqsha/aqsha/pool/worker"
)

// Pages for people: the pool's own, and a user's by its address. Plain HTML without scripts, in
// English, Kazakh and Russian; nothing is fetched from elsewhere.

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"btc": btc, "rate": hashRate,
	"when": when}).ParseFS(pageFiles, "pages/*.html"))

// languages are those of the pages; the first is for everybody else.
var languages = []string{"en", "kk", "ru"}

// page is what a page shows.
type page struct {
	Language string
	Words    map[string]string
	Pool     pool.Stats
	Scheme   string
	Blocks   []accounts.BlockView
	User     *pool.UserView
	Workers  []worker.Stats
	Payouts  []accounts.PayoutView
	More     bool // there are more workers than shown
	Now      time.Time
	Path     string // of the page, for the links to its languages
	URL      string // of the pool as the reader has reached it: where its log is fetched from
}

// Numbers on a page.
const (
	blocksOnPage  = 20
	payoutsOnPage = 50
)

// languageOf takes ?lang=, or what the browser prefers.
func languageOf(r *http.Request) string {
	asked := append([]string{r.URL.Query().Get("lang")}, strings.Split(r.Header.Get("Accept-Language"), ",")...)
	for _, one := range asked {
		for _, known := range languages {
			if strings.HasPrefix(strings.TrimSpace(one), known) {
				return known
			}
		}
	}
	return languages[0]
}

func (p *site) newPage(r *http.Request) *page {
	now := time.Now()
	language, scheme := languageOf(r), "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return &page{Language: language, Words: words[language], Pool: p.ShownStats(now), Scheme: p.Scheme(),
		Now: now.UTC(), Path: r.URL.EscapedPath(), URL: scheme + "://" + r.Host}
}

func (p *site) servePoolPage(w http.ResponseWriter, r *http.Request) {
	one := p.newPage(r)
	one.Blocks = p.NewestBlocks(blocksOnPage)
	render(w, http.StatusOK, "pool.html", one)
}

// findUser leads from the pool page's field to a user's page.
func (p *site) findUser(w http.ResponseWriter, r *http.Request) {
	address, _ := worker.SplitName(strings.TrimSpace(r.URL.Query().Get("address")))
	canonical, _, err := p.Network().Canonical(address)
	if err != nil {
		canonical = "unknown"
	}
	http.Redirect(w, r, "/user/"+canonical+"?lang="+languageOf(r), http.StatusSeeOther)
}

func (p *site) serveUserPage(w http.ResponseWriter, r *http.Request) {
	one := p.newPage(r)
	user, ok := p.User(r.PathValue("address"), one.Now)
	if !ok {
		render(w, http.StatusNotFound, "unknown.html", one)
		return
	}
	one.User = &user
	list := p.WorkersPage(pool.DefaultWorkersPage, 0, user.Address, one.Now)
	one.Workers, one.More = list.Workers, list.Next != ""
	one.Payouts = p.Payouts(user.Address, payoutsOnPage)
	render(w, http.StatusOK, "user.html", one)
}

func render(w http.ResponseWriter, status int, name string, one *page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, one)
}
