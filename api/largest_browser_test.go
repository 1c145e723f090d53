package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The largest amount there is, 2⁶³−1 tiyn, stands whole in every table of the node's own pages: a number of JavaScript would
// round it.
func TestTheLargestAmountStandsWhole(t *testing.T) {
	t.Parallel()
	d := newNodePage(t)
	d.office.options.Open = true
	d.office.restart(t)
	inner := d.office.http.Config.Handler
	const most = "9223372036854775807"
	answers := map[string]string{
		"/v1/supply":       `{"issued":` + most + `,"redeemed":0,"circulating":` + most + `,"live":` + most + `,"tokens":1,"wallets":1,"size":1}`,
		"/v1/series/value": `{"measure":"value","unit":"tiyn","step":"day","rows":[{"date":"2026-11-28","value":` + most + `}],"size":1}`,
		"/v1/series/payments": `{"measure":"payments","unit":"payments","step":"day","rows":[{"date":"2026-11-28","value":` + most +
			`}],"size":1}`,
		"/v1/series/refusals": `{"measure":"refusals","unit":"refusals","step":"day","rows":[{"date":"2026-11-28","value":` + most +
			`}],"size":1}`,
		"/v1/banknotes": `{"offices":[{"origin":"cash","verified":true,"circulating":` + most + `,"waiting":0,"owed":0,"reserve":` + most +
			`,"size":1,"blocks":1,"unverified":[],"unverified_gaps":[],"denominations":[{"amount":` + most + `,"issued":1,"redeemed":0,"outstanding":1,"worth":` +
			most + `}]}],"reserve":` + most + `}`,
		"/v1/purses": `{"figures":{"open":1,"ended":0,"payments":1,"settled_tiyn":` + most + `,"fraud_tiyn":` + most + `,"bonded_tiyn":` + most +
			`,"convicted":0,"opened":0},"locked_tiyn":` + most + `,"convicted":[],"opened":[],"bonds":[]}`,
	}
	d.office.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if answer, ours := answers[r.URL.Path]; ours {
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(answer))
			return
		}
		inner.ServeHTTP(rw, r)
	})
	unfold := chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true })`, nil)
	const money, count = "92,233,720,368,547,758.07", most
	for measure, want := range map[string]string{"value": money, "payments": count, "refusals": count} {
		d.show("/?measure=" + measure)
		d.speak("en")
		d.see(money) // in circulation
		d.do(unfold)
		d.see("November")
		if table := d.text(".scroll[aria-label] + p.acts, details .scroll"); !strings.Contains(table, want) {
			t.Errorf("%s: %s", measure, table)
		}
	}
	var shown string
	d.do(chromedp.Navigate(d.office.origin+"/explorer"), chromedp.WaitVisible(`#cash table`, chromedp.ByQuery),
		chromedp.Text("main", &shown, chromedp.ByQuery))
	if n := strings.Count(shown, "92\u202f233\u202f720\u202f368\u202f547\u202f758.07"); n < 10 {
		t.Errorf("the explorer shows it %d times:\n%s", n, shown)
	}
	d.clean()
}
