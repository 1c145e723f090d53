package api_test

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/market/usage"
	"github.com/aqsha/aqsha/token"
)

// What is asked of the series on a network in which everything happened is what its log says, by each division and
// step; to who may not read everything, few wallets are not shown.
func TestSeriesAreAnswered(t *testing.T) {
	n, model, _ := storyNode(t)
	server := api.New(n, api.Options{Access: []api.Access{{Name: "auditor", Role: api.RoleAuditor,
		TokenSHA256: api.HashToken("auditor")}}})
	h := httptest.NewServer(checked(t, server))
	defer h.Close()
	w := &town{node: n, server: server, http: h}
	ask := func(access, path string) (s api.Series) {
		t.Helper()
		status, _, body := w.call(t, "GET", "/v1/series/"+path, "", access, nil)
		if err := json.Unmarshal(body, &s); err != nil || status != 200 || s.Size != n.Head().Size {
			t.Fatalf("%s: %d %s", path, status, body)
		}
		return s
	}
	const all = "?from=2025-01-01&to=2027-12-31"
	payments, value := paidIn(t, w)
	for _, step := range []string{"day", "week", "month"} {
		for _, by := range []string{"", "bank", "tier", "region", "purpose"} {
			query := all + "&step=" + step
			if by != "" {
				query += "&by=" + by
			}
			for measure, want := range map[string]int64{"payments": payments, "value": value} {
				sum := int64(0)
				for _, row := range ask("auditor", measure+query).Rows {
					sum += *row.Value
				}
				if sum != want {
					t.Errorf("%s by %q each %s: %d, want %d", measure, by, step, sum, want)
				}
			}
			if by == "purpose" {
				continue
			}
			last, held := "", int64(0)
			for _, row := range ask("auditor", "held"+query).Rows {
				if row.Date != last {
					last, held = row.Date, 0
				}
				held += *row.Value
			}
			if held != int64(model.Central.Circulating()) {
				t.Errorf("held by %q each %s: %d, circulating %s", by, step, held, model.Central.Circulating())
			}
		}
	}
	velocity := ask("auditor", "velocity"+all+"&step=month")
	if r := velocity.Rows[0]; velocity.Unit != "ratio" || r.Ratio == nil || *r.Ratio <= 0 {
		t.Errorf("%+v", velocity.Rows)
	}
	hidden := 0
	for _, row := range ask("", "value"+all+"&by=bank").Rows {
		if row.Suppressed != (row.Value == nil) {
			t.Errorf("%+v", row)
		}
		if row.Suppressed {
			hidden++
		}
	}
	if hidden == 0 {
		t.Error("a story of few wallets is told to everybody")
	}
	for path, code := range map[string]string{
		"held?by=purpose": "out-of-range", "rejections": "invalid-request", "refusals?by=bank": "out-of-range", "value?by=code": "out-of-range",
		"value?step=year": "invalid-request",
		"value?by=wallet": "invalid-request", "value?from=2026-13-01": "out-of-range",
		"value?from=20260101": "invalid-request", "value?from=2026-02-01&to=2026-01-01": "out-of-range",
		"value?from=1971-01-01&to=2026-01-01": "out-of-range",
	} {
		w.problem(t, "GET", "/v1/series/"+path, "", "auditor", nil, 422, code)
	}
}

// withToken sends a token with every request.
type withToken string

func (t withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	if r = r.Clone(r.Context()); t != "" {
		r.Header.Set("Authorization", "Bearer "+string(t))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// The market's tables of the digital tenge read a node's days as they are: what the log says to who may read
// everything, and to everybody else no figure of few wallets.
func TestTheMarketReadsTheSeries(t *testing.T) {
	n, _, _ := storyNode(t)
	server := api.New(n, api.Options{Access: []api.Access{{Name: "auditor", Role: api.RoleAuditor,
		TokenSHA256: api.HashToken("auditor")}}})
	h := httptest.NewServer(checked(t, server))
	defer h.Close()
	payments, value := paidIn(t, &town{node: n, server: server, http: h})
	today := time.UnixMilli(int64(n.Head().TimeMillis)).UTC()
	days := func(token string) *usage.TengeDays {
		d, err := usage.FetchDays(context.Background(), &http.Client{Transport: withToken(token)}, h.URL, today)
		if err != nil || d == nil {
			t.Fatalf("%+v, %v", d, err)
		}
		return d
	}
	d := days("auditor")
	if got := *d.Payments * float64(d.Shown); d.Suppressed != 0 || math.Abs(got-float64(payments)) > 1e-6 ||
		math.Abs(*d.ValueTiyn*float64(d.Shown)-float64(value)) > 1e-3 {
		t.Errorf("%+v, but %d payments of %d", d, payments, value)
	}
	d = days("")
	if d.Suppressed == 0 {
		t.Errorf("a story of few wallets is told to everybody: %+v", d)
	}
}

// paidIn counts payments to others in a node's log, and their value.
func paidIn(t *testing.T, w *town) (payments, value int64) {
	t.Helper()
	for height := range w.node.Head().Height + 1 {
		entries, err := w.entries(height)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if sum := paidBy(e); sum > 0 {
				payments, value = payments+1, value+sum
			}
		}
	}
	return payments, value
}

func paidBy(e ledger.Entry) (sum int64) {
	if e.Transaction == nil {
		return 0
	}
	switch b := e.Transaction.Body.(type) {
	case *token.Transfer:
		for _, o := range b.Outputs {
			if o.Party >= b.Payers {
				sum += int64(o.Amount)
			}
		}
	case *token.EarmarkedTransfer:
		for _, o := range b.Outputs {
			if o.Party > 0 {
				sum += int64(o.Amount)
			}
		}
	}
	return sum
}

// The day that goes on is shown to who may read everything alone: asked before and after a payment, it would tell of
// that payment.
func TestTodayIsNotForEverybody(t *testing.T) {
	w := newTown(t, api.Options{Access: []api.Access{{Name: "auditor", Role: api.RoleAuditor,
		TokenSHA256: api.HashToken("auditor")}}})
	ask := func(access, path string) (s api.Series) {
		_, _, body := w.call(t, "GET", "/v1/series/"+path, "", access, nil)
		if err := json.Unmarshal(body, &s); err != nil {
			t.Fatalf("%s", body)
		}
		return s
	}
	own, theirs := ask("auditor", "payments").Rows, ask("", "payments").Rows
	today := own[len(own)-1]
	if *today.Value != 1 {
		t.Errorf("%+v", today)
	}
	for _, row := range theirs {
		if row.Date >= today.Date || row.Value != nil && *row.Value != 0 {
			t.Errorf("everybody is told of %+v", row)
		}
	}
	if none := ask("auditor", "payments?from=2098-12-01&to=2099-01-01").Rows; len(none) != 0 {
		t.Errorf("of the future: %+v", none)
	}
}
