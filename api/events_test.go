package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// heard is an event as a listener got it.
type heard struct{ id, event, data string }

// listen reads events of a stream until so many have come, or until it ends.
func (w *town) listen(t *testing.T, topics, last, access string, most int) (list []heard) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+"/v1/events?topics="+topics, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+access)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var one heard
	for lines := bufio.NewScanner(response.Body); len(list) < most && lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			one.id = value
		case "event":
			one.event = value
		case "data":
			one.data = value
			list = append(list, one)
		}
	}
	return list
}

// One stream has several topics; wherever it is cut, the id of the last event tells where all of them go on, and nothing is
// missed or comes twice.
func TestEventsGoOnWhereTheyWereCut(t *testing.T) {
	w := street(t)
	s, _, _ := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
	last, input, left := "0.0.0", token.OutputID(w.money.ID(), 0), 100_000*money.Tenge
	blocks, entries := map[string]int{}, map[string]int{}
	take := func(events []heard) {
		for _, e := range events {
			last = e.id
			if e.event == "block" {
				blocks[e.data]++
			} else {
				entries[e.data]++
			}
		}
	}
	for i := range 6 {
		pay := w.world.Pay(w.alice, w.world.Key("alice"), w.bob, money.Tenge, []token.ID{input}, left, soon())
		w.submit(t, pay)
		input, left = token.OutputID(pay.ID(), 1), left-money.Tenge
		take(w.listen(t, "wallet,blocks", last, s.Token, 1+i%3))
	}
	height := int(w.node.Head().Height)
	if strings.Count(last, ".") != 3 {
		t.Errorf("the id %s does not say how far each of four topics was heard", last)
	}
	last = strings.Join(strings.Split(last, ".")[:3], ".") // as an older node said it
	for len(blocks) < height || len(entries) < 8 {         // registration, the bank's payment, six
		take(w.listen(t, "blocks,wallet", last, s.Token, 1))
	}
	for data, n := range entries {
		if n != 1 {
			t.Errorf("%d times %s", n, data)
		}
	}
	for data, n := range blocks {
		if n != 1 {
			t.Errorf("%d times %s", n, data)
		}
	}
}

// Topics are for those who may hear them, and an id that is ahead of this node's is said to be.
func TestTopicsHaveRights(t *testing.T) {
	w := street(t)
	w.server.SetAccess([]api.Access{{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank, TokenSHA256: api.HashToken("bank")}})
	s, _, _ := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
	for _, c := range []struct {
		topics, access, last, code string
		status                     int
	}{
		{"wallet", "", "", "unauthorised", 401}, {"applications", s.Token, "", "forbidden", 403}, {"wallet", "bank", "", "forbidden", 403}, {"blocks,nosuch", "bank", "", "out-of-range", 422},
		{"", "bank", "", "out-of-range", 422}, {"blocks", "", "7", "out-of-range", 422}, {"blocks", "", "999999.0.0", "out-of-range", 422},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/v1/events?topics="+c.topics, nil)
		r.Header.Set("Authorization", "Bearer "+c.access)
		r.Header.Set("Last-Event-ID", c.last)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var p api.Problem
		if err := json.NewDecoder(response.Body).Decode(&p); err != nil || response.StatusCode != c.status || p.Code != c.code {
			t.Errorf("%s as %q after %q: %d %v %v", c.topics, c.access, c.last, response.StatusCode, p, err)
		}
		response.Body.Close()
	}
}

// On a node that is open to read a wallet is heard too, by the session of its key.
func TestAnOpenNodeTellsAWalletsEvents(t *testing.T) {
	w := street(t)
	w.server = api.New(w.node, api.Options{Open: true, Origins: []string{w.http.URL}})
	w.http.Config.Handler = checked(t, w.server)
	s, status, body := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if reported := w.listen(t, "wallet", "0.0.0", s.Token, 2); len(reported) != 2 || !strings.Contains(reported[1].data, w.money.ID().String()) {
		t.Errorf("heard %v", reported)
	}
}

// apply asks a bank for a wallet of a key.
func (w *town) apply(t *testing.T, bank token.WalletID, key string) (a api.ApplicationView) {
	t.Helper()
	if status, body := w.postJSON(t, "/v1/applications", w.application(t, bank, key), &a); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	return a
}

func (w *town) application(t *testing.T, bank token.WalletID, key string) api.ApplicationRequest {
	t.Helper()
	public := w.world.Key(key).Public()
	signature, err := w.world.Key(key).Sign(token.ApplicationDigest(w.node.Network(), bank, public, key))
	if err != nil {
		t.Fatal(err)
	}
	return api.ApplicationRequest{Bank: bank, Key: public, Name: key, Signature: signature}
}

// Somebody asks a bank for a wallet; the bank hears of it, answers with a paper that it has signed, and the key signs it too.
func TestABankAnswersAnApplication(t *testing.T) {
	w := street(t)
	tx, other := w.world.Admit("other bank", 2, soon())
	w.submit(t, tx)
	w.server.SetAccess([]api.Access{
		{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank, TokenSHA256: api.HashToken("bank")},
		{Name: "other", Role: api.RoleIntermediary, Intermediary: other, TokenSHA256: api.HashToken("other")},
	})
	asked := w.apply(t, w.bank, "dina")
	if again := w.apply(t, w.bank, "dina"); again.ID != asked.ID {
		t.Errorf("the same key asked again: %s and %s", asked.ID, again.ID)
	}
	reported := w.listen(t, "applications", "0.0.0", "bank", 1)
	if len(reported) != 1 || !strings.Contains(reported[0].data, asked.ID) {
		t.Fatalf("the bank hears %v", reported)
	}
	path := "/v1/applications/" + asked.ID
	paper := func(bank token.WalletID, key string) []byte {
		r := w.world.Sign(&token.Register{Registrar: bank, Sequence: 3, Key: w.world.Key(key).Public(), Tier: 1}, soon(), sim.One(token.RoleIntermediary, 0, w.world.Key("bank")))
		content, err := json.Marshal(map[string]any{"draft": map[string]any{"network": w.world.Network, "transaction": r}})
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	w.problem(t, "POST", path+"/acceptance", "application/json", "other", paper(w.bank, "dina"), 404, "not-found")
	w.problem(t, "POST", path+"/acceptance", "application/json", "bank", paper(w.bank, "mallory"), 422, "out-of-range")
	w.problem(t, "POST", path+"/acceptance", "application/json", "bank", paper(other, "dina"), 422, "out-of-range")
	if status, _, body := w.call(t, "POST", path+"/acceptance", "application/json", "bank", paper(w.bank, "dina")); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	w.problem(t, "POST", path+"/refusal", "application/json", "bank", []byte(`{"reason":"no"}`), 422, "out-of-range")
	_, _, body := w.call(t, "GET", path, "", "", nil)
	var a api.ApplicationView
	var d struct {
		Transaction *token.Transaction `json:"transaction"`
	}
	if json.Unmarshal(body, &a) != nil || json.Unmarshal(a.Draft, &d) != nil || a.State != api.ApplicationAccepted {
		t.Fatalf("%s", body)
	}
	if err := d.Transaction.SignAs(w.node.Network(), token.RolePossession, 0, w.world.Key("dina")); err != nil {
		t.Fatal(err)
	}
	w.submit(t, d.Transaction)
	if reported := w.listen(t, "applications", reported[0].id, "bank", 1); len(reported) != 1 || !strings.Contains(reported[0].data, "accepted") {
		t.Errorf("after the answer the bank hears %v", reported)
	}
}

// Applications are signed by their key, for a bank that opens wallets, and so many wait and no more.
func TestApplicationsAreBounded(t *testing.T) {
	w := street(t)
	for about, change := range map[string]func(in *api.ApplicationRequest){
		"another name": func(in *api.ApplicationRequest) { in.Name = "somebody" }, "another key": func(in *api.ApplicationRequest) { in.Key = w.world.Key("eve").Public() },
		"another signature": func(in *api.ApplicationRequest) { in.Signature[3] ^= 1 },
	} {
		in := w.application(t, w.bank, "dina")
		change(&in)
		if status, body := w.postJSON(t, "/v1/applications", in, &struct{}{}); status != 401 || !strings.Contains(body, "sign-in-refused") {
			t.Errorf("%s: %d %s", about, status, body)
		}
	}
	if status, body := w.postJSON(t, "/v1/applications", w.application(t, token.WalletID{9}, "dina"), &struct{}{}); status != 404 {
		t.Errorf("no such bank: %d %s", status, body)
	}
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		w.apply(t, w.bank, key)
	}
	if status, body := w.postJSON(t, "/v1/applications", w.application(t, w.bank, "f"), &struct{}{}); status != http.StatusTooManyRequests || !strings.Contains(body, "overloaded") {
		t.Errorf("a sixth from one address: %d %s", status, body)
	}
}
