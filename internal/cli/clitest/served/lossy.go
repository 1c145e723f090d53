package served

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"

	"github.com/aqsha/aqsha/internal/cli/datadir"
)

// Lossy is a node in front of the ledger's, until the test is over: it hands every request on, and loses the answers
// to the first so many that send transactions.
func (l Ledger) Lossy(answers int64) (node string) {
	l.t.Helper()
	base, _, err := datadir.Announced(l.Dir)
	if err != nil {
		l.t.Fatal(err)
	}
	to, err := url.Parse(base)
	if err != nil {
		l.t.Fatal(err)
	}
	var lost atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodPost && r.Request.URL.Path == "/v1/transactions" && lost.Add(1) <= answers {
			panic(http.ErrAbortHandler) // the connection ends, and whoever sent does not know what became of it
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	l.t.Cleanup(server.Close)
	return server.URL
}
