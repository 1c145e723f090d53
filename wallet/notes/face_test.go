package notes_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/curve"
)

func (w *town) query(method, path, body string) (int, http.Header, map[string]any) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.client.URL()+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var value map[string]any
	_ = json.Unmarshal(raw, &value)
	return response.StatusCode, response.Header, value
}

// Refusals are 400 with detail and code, name field and rule; bodies are bounded; browsers of any origin may ask.
func TestTheFaceRefuses(t *testing.T) {
	town := newTown(t)
	for _, test := range []struct {
		path, body string
		status     int
		code       cash.Code
		detail     string
	}{
		{"/v1/swap", `{"inputs":[],"outputs":[]}`, 400, cash.Malformed, "inputs: must not be empty"},
		{"/v1/swap", `{"inputs":[{"amount":1.5}]}`, 400, cash.AmountLimits, "inputs.0.amount: "},
		{"/v1/swap", `{"inputs":[{"amount":1,"amount":1}]}`, 400, cash.Malformed, "inputs.0"},
		{"/v1/swap", `not json`, 400, cash.Malformed, "body: "},
		{"/v1/swap", `{"inputs":[{"amount":1,"id":"00aa","secret":"s","C":"02"}],"outputs":[]}`, 400, cash.UnknownKeyset, "inputs[0].id: "},
		{"/v1/mint/quote/aqsha", `{"amount":1,"unit":"sat"}`, 400, cash.UnknownUnit, "unit: must be kzt"},
		{"/v1/mint/quote/aqsha", `{"amount":0,"unit":"kzt"}`, 400, cash.AmountLimits, "amount: "},
		{"/v1/mint/quote/aqsha", `{"amount":1297501,"unit":"kzt"}`, 400, cash.AmountLimits, "amount: "},
		{"/v1/mint/quote/aqsha", `{"amount":1,"unit":"kzt","pubkey":"02AB"}`, 400, cash.KeyRequired, "pubkey: "},
		{"/v1/mint/quote/bolt11", `{"amount":1,"unit":"sat"}`, 404, 0, ""},
		{"/v1/mint/aqsha", `{"quote":"unknown","outputs":[]}`, 400, cash.Malformed, "quote: "},
		{"/v1/mint/aqsha/batch", `{"quotes":[],"outputs":[]}`, 400, cash.Malformed, "quotes: "},
		{"/v1/melt/quote/aqsha", `{"request":"lnbc1","unit":"kzt"}`, 400, cash.Malformed, "request: "},
		{"/v1/melt/quote/aqsha", `{"request":"aqsha:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb?amount=1&pay=2","unit":"kzt"}`, 400, cash.Malformed, "request: "},
		{"/v1/melt/quote/aqsha", `{"request":"aqsha:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa?amount=1","unit":"kzt"}`, 400, cash.Malformed, "request: "},
		{"/v1/checkstate", `{"Ys":["02"]}`, 400, cash.Malformed, "Ys[0]: "},
		{"/v1/restore", `{"outputs":[{"amount":1,"id":"x","B_":"03"}]}`, 400, cash.Malformed, "outputs[0].B_: "},
		{"/v1/swap", strings.Repeat(" ", 1<<20+1), 413, cash.Malformed, "body: "},
	} {
		status, _, body := town.query("POST", test.path, test.body)
		detail, _ := body["detail"].(string)
		code, _ := body["code"].(float64)
		if status != test.status || cash.Code(code) != test.code || !strings.HasPrefix(detail, test.detail) {
			t.Errorf("%s %.60s: %d %v", test.path, test.body, status, body)
		}
	}
	status, header, _ := town.query("OPTIONS", "/v1/swap", "")
	if status != 204 || header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(header.Get("Access-Control-Allow-Methods"), "POST") {
		t.Error(status, header)
	}
	if status, _, body := town.query("GET", "/v1/keys/01ff", ""); status != 400 || body["code"] != float64(cash.UnknownKeyset) {
		t.Error(status, body)
	}
	_, _, info := town.query("GET", "/v1/info", "")
	nuts, _ := info["nuts"].(map[string]any)
	for _, n := range []string{"4", "5", "7", "8", "9", "10", "11", "12", "14", "17", "19", "20", "29"} {
		if nuts[n] == nil {
			t.Errorf("info lacks NUT %s", n)
		}
	}
	for n, setting := range nuts {
		if s, is := setting.(map[string]any); is && s["supported"] == false {
			t.Errorf("NUT %s is there and false", n)
		}
	}
	if status, header, _ := town.query("GET", "/log/checkpoint", ""); status != 404 && header.Get("Content-Type") == "" {
		t.Error(status)
	}
}

// NUT-17: who watches a note hears that it is unspent, and then that it is spent.
func TestWatchingANote(t *testing.T) {
	town := newTown(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, w := town.newWallet(testWords)
	town.buy(w, 1000)
	token, err := w.Send(ctx, 1000, "", true, nil)
	if err != nil {
		t.Fatal(err)
	}
	y := cash.HexPoint(curve.HashToCurve([]byte(token.Proofs[0].Secret)))
	c, _, err := websocket.Dial(ctx, strings.Replace(town.client.URL(), "http", "ws", 1)+"/v1/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	read := func() map[string]any {
		_, raw, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var value map[string]any
		if err := json.Unmarshal(raw, &value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	say := func(text string) {
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	say(`{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"kind":"bolt11_mint_quote","subId":"a","filters":["x"]}}`)
	if answer := read(); answer["error"] == nil {
		t.Fatal(answer)
	}
	say(`{"jsonrpc":"2.0","id":2,"method":"subscribe","params":{"kind":"proof_state","subId":"b","filters":["` + y + `"]}}`)
	if answer := read(); answer["result"] == nil || answer["id"] != float64(2) {
		t.Fatal(answer)
	}
	state := func() any {
		params, _ := read()["params"].(map[string]any)
		payload, _ := params["payload"].(map[string]any)
		return payload["state"]
	}
	if got := state(); got != "UNSPENT" {
		t.Fatal(got)
	}
	_, other := town.newWallet("legal winner thank year wave sausage worth useful legal winner thank yellow")
	if _, err := other.Receive(ctx, token, nil); err != nil {
		t.Fatal(err)
	}
	if got := state(); got != "SPENT" {
		t.Fatal(got)
	}
	say(`{"jsonrpc":"2.0","id":3,"method":"unsubscribe","params":{"subId":"b"}}`)
	if answer := read(); answer["result"] == nil {
		t.Fatal(answer)
	}
}
