package pool

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/aqsha/aqsha/money"
)

// Pages for people: the pool's own, and a user's by its address. Plain HTML without scripts, in
// English, Kazakh and Russian; nothing is fetched from elsewhere.

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"btc": btc, "rate": hashRate, "when": when}).ParseFS(pageFiles, "pages/*.html"))

// languages are those of the pages; the first is for everybody else.
var languages = []string{"en", "kk", "ru"}

// page is what a page shows.
type page struct {
	Language string
	Words    map[string]string
	Pool     Stats
	Scheme   string
	Blocks   []BlockView
	User     *UserView
	Workers  []WorkerStats
	Payouts  []PayoutView
	More     bool // there are more workers than shown
	Now      time.Time
	Path     string // of the page, for the links to its languages
}

// PayoutView is a payment to a user from the wallet.
type PayoutView struct {
	Time        time.Time     `json:"time"`
	Amount      money.Satoshi `json:"amount_satoshi"`
	Transaction string        `json:"transaction,omitempty"` // that has paid; while it is open, the one that was sent last
	Open        bool          `json:"open,omitempty"`        // it is on its way: not deep enough in the chain, or not in it
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

func (p *Pool) newPage(r *http.Request) *page {
	now := time.Now()
	s := p.WorkerStats(now)
	s.Workers = nil
	language := languageOf(r)
	return &page{Language: language, Words: words[language], Pool: s, Scheme: p.config.Scheme, Now: now.UTC(), Path: r.URL.EscapedPath()}
}

func (p *Pool) servePoolPage(w http.ResponseWriter, r *http.Request) {
	one := p.newPage(r)
	blocks := p.Blocks()
	for i := len(blocks) - 1; i >= 0 && len(one.Blocks) < blocksOnPage; i-- {
		one.Blocks = append(one.Blocks, blocks[i])
	}
	render(w, http.StatusOK, "pool.html", one)
}

// findUser leads from the pool page's field to a user's page.
func (p *Pool) findUser(w http.ResponseWriter, r *http.Request) {
	address, _ := splitName(strings.TrimSpace(r.URL.Query().Get("address")))
	canonical, _, err := p.network.Canonical(address)
	if err != nil {
		canonical = "unknown"
	}
	http.Redirect(w, r, "/user/"+canonical+"?lang="+languageOf(r), http.StatusSeeOther)
}

func (p *Pool) serveUserPage(w http.ResponseWriter, r *http.Request) {
	one := p.newPage(r)
	user, ok := p.User(r.PathValue("address"), one.Now)
	if !ok {
		render(w, http.StatusNotFound, "unknown.html", one)
		return
	}
	one.User = &user
	list := p.workersPage(workersPage, 0, user.Address, one.Now)
	one.Workers, one.More = list.Workers, list.Next != ""
	one.Payouts = p.payouts(user.Address, payoutsOnPage)
	render(w, http.StatusOK, "user.html", one)
}

// payouts lists the newest payments to an address.
func (p *Pool) payouts(address string, most int) (list []PayoutView) {
	p.registry.mu.Lock()
	user := p.registry.users[address]
	p.registry.mu.Unlock()
	a := p.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(a.state.Payments) - 1; i >= 0 && len(list) < most; i-- {
		one := a.state.Payments[i]
		for _, payee := range one.Payees {
			if payee.User != user {
				continue
			}
			view := PayoutView{Time: time.UnixMilli(one.TimeMillis).UTC(), Amount: payee.Amount, Open: one.Open()}
			if id, _, paid := one.Transaction(); paid {
				view.Transaction = id.String()
			} else if n := len(one.Sent); view.Open && n > 0 {
				view.Transaction = one.Sent[n-1].TxID.String()
			}
			if view.Open || view.Transaction != "" { // else its users are owed again
				list = append(list, view)
			}
		}
	}
	return list
}

func render(w http.ResponseWriter, status int, name string, one *page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, name, one)
}
