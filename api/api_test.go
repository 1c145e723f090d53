package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// call sends a request and returns status, content type and body.
func (w *town) call(t *testing.T, method, path, contentType, access string, body []byte) (int, string, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, w.http.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), content
}

// problem expects a problem document with a code.
func (w *town) problem(t *testing.T, method, path, contentType, access string, body []byte, status int, code string) {
	t.Helper()
	got, kind, content := w.call(t, method, path, contentType, access, body)
	var p api.Problem
	if got != status || kind != "application/problem+json" || json.Unmarshal(content, &p) != nil || p.Code != code || p.Status != status || p.Type != "urn:aqsha:problem:"+code {
		t.Errorf("%s %s: %d %s %s; want %d with code %s", method, path, got, kind, content, status, code)
	}
}

func TestBothFormsOfSubmitting(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	tx := w.payBob(500 * money.Tenge)
	form, err := json.Marshal(tx)
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := w.call(t, "POST", "/v1/transactions", "application/json", "", form)
	var receipt node.Receipt
	if err := json.Unmarshal(body, &receipt); status != 200 || err != nil || receipt.ID != tx.ID() {
		t.Fatalf("%d %s", status, body)
	}
	// The same again, as CBOR beside one that is refused: the same receipt, and a problem, in order.
	unsigned, err := token.New(tx.Body, soon())
	if err != nil {
		t.Fatal(err)
	}
	answers, err := w.client.SubmitAll(context.Background(), []*token.Transaction{tx, unsigned, tx})
	if err != nil {
		t.Fatal(err)
	}
	if answers[0].Receipt == nil || *answers[0].Receipt != receipt || answers[2].Receipt == nil || *answers[2].Receipt != receipt {
		t.Errorf("sent again: %+v and %+v, first %+v", answers[0], answers[2], receipt)
	}
	if answers[1].Problem == nil || answers[1].Problem.Code != "missing-signature" {
		t.Errorf("unsigned: %+v", answers[1])
	}
}

func TestBadRequestsNameTheRule(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	tx := w.payBob(500)
	form, _ := json.Marshal(tx)
	altered := bytes.Replace(form, []byte(`"amount":500`), []byte(`"amount":501`), 1)
	unknown := bytes.Replace(form, []byte(`"payers"`), []byte(`"payors"`), 1)
	for _, tc := range []struct {
		path, contentType string
		body              []byte
		status            int
		code              string
	}{
		{"/v1/transactions", "application/json", []byte("{"), 400, "invalid-request"},
		{"/v1/transactions", "application/json", altered, 400, "not-canonical"}, // the id is not the body's
		{"/v1/transactions", "application/json", unknown, 400, "invalid-request"},
		{"/v1/transactions", "application/cbor-seq", []byte{0x82, 0x01, 0x80}, 400, "wrong-type"},
		{"/v1/transactions", "application/cbor-seq", tx.Encode()[:50], 400, "not-canonical"},
		{"/v1/transactions", "application/cbor-seq", nil, 400, "invalid-request"},
		{"/v1/transactions", "text/plain", []byte("x"), 415, "invalid-request"},
		{"/v1/wallets/" + w.alice.String() + "/selections", "application/json", []byte(`{"amount":0}`), 422, "amount-zero"},
		{"/v1/wallets/" + w.alice.String() + "/selections", "application/json", []byte(`{"amount":99999999999}`), 422, "insufficient-funds"},
		{"/v1/wallets/" + w.alice.String() + "/selections", "application/json", []byte(`{"amount":"1"}`), 422, "invalid-request"},
	} {
		w.problem(t, "POST", tc.path, tc.contentType, "", tc.body, tc.status, tc.code)
	}
	for path, code := range map[string]string{
		"/v1/wallets/00":                              "invalid-request",
		"/v1/wallets/" + strings.Repeat("0", 32):      "not-found",
		"/v1/tokens/" + strings.Repeat("0", 64):       "not-found",
		"/v1/transactions/" + strings.Repeat("0", 64): "not-found",
		"/v1/blocks/99":                               "not-found",
	} {
		status := http.StatusNotFound
		if code == "invalid-request" {
			status = http.StatusUnprocessableEntity
		}
		w.problem(t, "GET", path, "", "", nil, status, code)
	}
}

func TestRequestsAreLimitedInSize(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	status, _, _ := w.call(t, "POST", "/v1/transactions", "application/cbor-seq", "", make([]byte, 9<<20))
	if status != http.StatusRequestEntityTooLarge {
		t.Fatalf("nine megabytes: %d", status)
	}
}

func TestWhoMayReadWhat(t *testing.T) {
	w := newTown(t, api.Options{})
	other := token.WalletID{1}
	list := []api.Access{
		{Name: "audit", Role: api.RoleAuditor, TokenSHA256: api.HashToken("a")},
		{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank, TokenSHA256: api.HashToken("b")},
		{Name: "other", Role: api.RoleIntermediary, Intermediary: other, TokenSHA256: api.HashToken("o")},
		{Name: "past", Role: api.RoleAuditor, TokenSHA256: api.HashToken("p"), Expires: time.Now().Add(-time.Second)},
		{Name: "still", Role: api.RoleAuditor, TokenSHA256: api.HashToken("s"), Expires: time.Now().Add(time.Hour)},
	}
	if err := api.CheckAccess(list); err != nil {
		t.Fatal(err)
	}
	w.http.Config.Handler = checked(t, api.New(w.node, api.Options{Access: list}))
	wallet, made := "/v1/wallets/"+w.alice.String(), "/v1/tokens/"+token.OutputID(w.money.ID(), 0).String()
	entries := "/tile/entries/000.p/3"
	for _, tc := range []struct {
		path, access string
		status       int
	}{
		{"/v1/network", "", 200}, {"/v1/supply", "", 200}, {"/checkpoint", "", 200}, {"/tile/0/000.p/3", "", 200}, {"/v1/blocks", "", 200}, {"/health", "", 200},
		{wallet, "", 401}, {wallet, "wrong", 401}, {wallet, "a", 200}, {wallet, "b", 200}, {wallet, "o", 403}, {wallet, "p", 401}, {wallet, "s", 200},
		{wallet + "/tokens", "o", 403}, {wallet + "/history", "o", 403}, {wallet + "/history", "b", 200}, {wallet + "/tokens", "", 401},
		{made, "", 401}, {made, "o", 403}, {made, "b", 200}, {made + "/proof", "o", 403},
		{"/v1/transactions/" + w.money.ID().String(), "b", 403}, {"/v1/transactions/" + w.money.ID().String(), "a", 200},
		{"/v1/blocks/2", "", 401}, {"/v1/blocks/2", "a", 200}, {entries, "", 401}, {entries, "b", 403}, {entries, "a", 200},
	} {
		if status, _, body := w.call(t, "GET", tc.path, "", tc.access, nil); status != tc.status {
			t.Errorf("GET %s as %q: %d %s, want %d", tc.path, tc.access, status, body, tc.status)
		}
	}
	w.problem(t, "POST", wallet+"/selections", "application/json", "o", []byte(`{"amount":1}`), 403, "forbidden")
}

func TestOpenNodesListenOnLoopbackOnly(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	if l, err := w.server.Listen("0.0.0.0:0"); !errors.Is(err, api.ErrOpenBeyondLoopback) {
		t.Fatalf("%v, %v", l, err)
	}
}

func TestMarketQuestions(t *testing.T) {
	w := newTown(t, api.Options{Open: true, MarketDir: t.TempDir()})
	if status, kind, body := w.call(t, "GET", "/v1/market/architecture", "", "", nil); status != 200 || kind != "application/json" || !json.Valid(body) {
		t.Errorf("%d %s %s", status, kind, body)
	}
	w.problem(t, "GET", "/v1/market/nonsense", "", "", nil, 404, "no-route")
	w.problem(t, "GET", "/v1/market/volatility?file=..%2Fsecret.csv", "", "", nil, 422, "market-file-name")
	w.http.Config.Handler = api.New(w.node, api.Options{}).Handler()
	w.problem(t, "GET", "/v1/market/architecture", "", "", nil, 401, "unauthorised")
}

func TestHistoryPages(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	receipt := w.submit(t, w.payBob(500))
	first, err := w.client.History(context.Background(), w.alice, 0, 2, receipt.Index+1)
	if err != nil || len(first.Lines) != 2 || first.Lines[0].Net != -500 || first.Lines[0].ID != receipt.ID || first.Size < receipt.Index+1 {
		t.Fatalf("%+v, %v", first, err)
	}
	rest, err := w.client.History(context.Background(), w.alice, first.Next, 10, 0)
	if err != nil || len(rest.Lines) != 1 || rest.Next != 0 || rest.Lines[0].Transaction.Body.Kind() != token.KindRegister {
		t.Fatalf("%+v, %v", rest, err)
	}
}

func TestBlocksAreStreamed(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	response, err := http.Get(w.http.URL + "/v1/blocks/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	receipt := w.submit(t, w.payBob(500))
	want := fmt.Sprintf("id: %d", receipt.Height)
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if lines.Text() == want {
			return
		}
	}
	t.Fatal("the stream ended without the block")
}

// What the API hands out suffices to verify the ledger without believing the node.
func TestVerifyOverTheAPI(t *testing.T) {
	w := newTown(t, api.Options{Open: true})
	w.submit(t, w.payBob(500))
	ctx := context.Background()
	checkpoint, err := w.client.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	evidence := node.Evidence{Checkpoint: checkpoint, Network: w.world.Network, Entries: func(size uint64) iter.Seq2[[]byte, error] { return w.client.Entries(ctx, size) }}
	report, _, err := node.Verify(ctx, evidence, nil)
	if err != nil || report.Issued != 1_000_000*money.Tenge || report.Transactions["transfer"] != 2 {
		t.Fatalf("%+v, %v", report, err)
	}
	evidence.Network[0] ^= 1
	if _, _, err := node.Verify(ctx, evidence, nil); err == nil {
		t.Fatal("verified as another network")
	}
}

// FuzzBodies sends any bytes in both forms: an answer in the described form, never a crash.
func FuzzBodies(f *testing.F) {
	w := newTown(f, api.Options{Open: true})
	tx := w.payBob(500)
	form, _ := json.Marshal(tx)
	f.Add(form)
	f.Add(tx.Encode())
	f.Add([]byte(`{"kind":"transfer","valid_until":1,"body":{},"witnesses":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, kind := range []string{"application/json", "application/cbor-seq"} {
			r, _ := http.NewRequest(http.MethodPost, "http://x/v1/transactions", bytes.NewReader(body))
			r.Header.Set("Content-Type", kind)
			recorder := &recorder{header: http.Header{}}
			w.server.Handler().ServeHTTP(recorder, r)
			if !json.Valid(recorder.Bytes()) || recorder.status >= 500 {
				t.Fatalf("%s: %d %s", kind, recorder.status, recorder.Bytes())
			}
		}
	})
}

type recorder struct {
	bytes.Buffer
	header http.Header
	status int
}

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }

// The key sets on the ledger say since when they stand; /health and the metrics warn of those that are old. The world
// was founded long ago, its bank admitted just now.
func TestHealthWarnsOfOldKeys(t *testing.T) {
	w := newTownOf(t, api.Options{Open: true}, func(c *node.Config) { c.KeyDays = 40 })
	health, err := w.client.Health(t.Context())
	if err != nil || len(health.Warnings) != 4 || !strings.Contains(health.Warnings[1], "the life of the authority's issue keys (2 of 3) ended on 2026-02-10") {
		t.Errorf("%q, %v", health.Warnings, err)
	}
	if _, _, body := w.call(t, "GET", "/metrics", "", "", nil); !strings.Contains(string(body), "\naqsha_warnings 4\n") {
		t.Error("the metrics do not count them")
	}
	authority, err := w.client.Authority(t.Context())
	if err != nil || authority.Sets[1].SinceMillis != sim.StartMillis {
		t.Errorf("%+v, %v", authority.Sets, err)
	}
	banks, err := w.client.Intermediaries(t.Context())
	if err != nil || len(banks) != 1 || banks[0].SinceMillis <= sim.StartMillis {
		t.Errorf("%+v, %v", banks, err)
	}
}
