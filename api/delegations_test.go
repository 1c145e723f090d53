package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// delegation signs what lets a device read a wallet.
func (w *town) delegation(t *testing.T, wallet token.WalletID, key, name string, until uint64) api.DelegationRequest {
	t.Helper()
	c := w.challenge(t, wallet)
	signature, err := w.world.Key(key).Sign(token.DelegationDigest(w.node.Network(), wallet, w.http.URL, challengeBytes(t, c), until, name))
	if err != nil {
		t.Fatal(err)
	}
	return api.DelegationRequest{SignIn: api.SignIn{Wallet: wallet, Origin: w.http.URL, Challenge: c.Challenge, Signature: signature}, Name: name, Until: until}
}

func (w *town) delegate(t *testing.T, wallet token.WalletID, key, name string) (d api.Delegation) {
	t.Helper()
	until := uint64(time.Now().Add(time.Hour).UnixMilli())
	if status, body := w.postJSON(t, "/v1/sessions/delegations", w.delegation(t, wallet, key, name, until), &d); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	return d
}

// A till reads what its wallet is paid and does nothing else; the holder ends it, and so does another key of the wallet.
func TestATillReadsAndDoesNothingElse(t *testing.T) {
	w := street(t)
	d := w.delegate(t, w.alice, "alice", "Aliya's phone")
	alice, bob := "/v1/wallets/"+w.alice.String(), "/v1/wallets/"+w.bob.String()
	for path, want := range map[string]int{alice + "/history": 200, alice: 200, "/v1/transactions/" + w.money.ID().String(): 200, bob + "/history": 403, alice + "/delegations": 403} {
		if status, _, body := w.call(t, "GET", path, "", d.Token, nil); status != want {
			t.Errorf("GET %s: %d %s, want %d", path, status, body, want)
		}
	}
	w.problem(t, "POST", alice+"/selections", "application/json", d.Token, []byte(`{"amount":100}`), http.StatusForbidden, "forbidden")
	w.problem(t, "POST", alice+"/releases", "application/json", d.Token, []byte(`{"tokens":[]}`), http.StatusForbidden, "forbidden")
	w.problem(t, "DELETE", alice+"/delegations/"+d.ID, "", d.Token, nil, http.StatusForbidden, "forbidden")

	s, _, _ := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
	if status, _, body := w.call(t, "GET", alice+"/delegations", "", s.Token, nil); status != 200 || !strings.Contains(string(body), "Aliya's phone") || strings.Contains(string(body), d.Token) {
		t.Fatalf("%d %s", status, body)
	}
	other := w.delegate(t, w.alice, "alice", "")
	if status, _, body := w.call(t, "DELETE", alice+"/delegations/"+d.ID, "", s.Token, nil); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	of := w.delegate(t, w.bob, "bob", "")
	for _, id := range []string{d.ID, "zz", of.ID} { // it has ended, there was none, it is another wallet's
		w.problem(t, "DELETE", alice+"/delegations/"+id, "", s.Token, nil, http.StatusNotFound, "not-found")
	}
	if status, _, _ := w.call(t, "GET", bob+"/history", "", of.Token, nil); status != 200 {
		t.Errorf("another wallet's device was ended: %d", status)
	}
	w.problem(t, "GET", alice+"/history", "", d.Token, nil, http.StatusUnauthorized, "unauthorised")
	if status, _, _ := w.call(t, "GET", alice+"/history", "", other.Token, nil); status != 200 {
		t.Errorf("another device was ended too: %d", status)
	}
	w.newKey(t)
	w.problem(t, "GET", alice+"/history", "", other.Token, nil, http.StatusUnauthorized, "unauthorised")
}

// Nobody gets a delegation by another's signature, time, name or wallet, nor a session's by its own.
func TestNoOtherSignatureDelegates(t *testing.T) {
	w := street(t)
	until := uint64(time.Now().Add(time.Hour).UnixMilli())
	for about, change := range map[string]func(in *api.DelegationRequest){
		"a longer time":     func(in *api.DelegationRequest) { in.Until++ },
		"another name":      func(in *api.DelegationRequest) { in.Name += "x" },
		"another wallet":    func(in *api.DelegationRequest) { in.Wallet = w.bob },
		"another origin":    func(in *api.DelegationRequest) { in.Origin = "https://evil.example" },
		"another signature": func(in *api.DelegationRequest) { in.Signature[9] ^= 1 },
		"a session's signature": func(in *api.DelegationRequest) {
			in.SignIn = w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL)
		},
	} {
		in := w.delegation(t, w.alice, "alice", "till", until)
		change(&in)
		if status, body := w.postJSON(t, "/v1/sessions/delegations", in, &struct{}{}); status != http.StatusUnauthorized || !strings.Contains(body, "sign-in-refused") {
			t.Errorf("%s: %d %s", about, status, body)
		}
	}
	for about, bad := range map[string]uint64{"over": uint64(time.Now().Add(-time.Second).UnixMilli()), "too long": uint64(time.Now().Add(32 * 24 * time.Hour).UnixMilli()), "for ever": 1<<63 - 1, "never": 0} {
		if status, body := w.postJSON(t, "/v1/sessions/delegations", w.delegation(t, w.alice, "alice", "", bad), &struct{}{}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "until_millis") {
			t.Errorf("%s: %d %s", about, status, body)
		}
	}
	good := w.delegation(t, w.alice, "alice", "till", until)
	if status, body := w.postJSON(t, "/v1/sessions/delegations", good, &struct{}{}); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if status, _ := w.postJSON(t, "/v1/sessions/delegations", good, &struct{}{}); status != http.StatusUnauthorized {
		t.Errorf("the same challenge again: %d", status)
	}
}

// Delegations and applications outlive the process; a wallet has so many delegations and no more.
func TestDelegationsOutliveTheProcess(t *testing.T) {
	w := street(t)
	dir := t.TempDir()
	start := func() { w.serveFrom(t, dir) }
	start()
	var last api.Delegation
	for range 16 {
		last = w.delegate(t, w.alice, "alice", "till")
	}
	until := uint64(time.Now().Add(time.Hour).UnixMilli())
	if status, body := w.postJSON(t, "/v1/sessions/delegations", w.delegation(t, w.alice, "alice", "", until), &struct{}{}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "too-many") {
		t.Errorf("%d %s", status, body)
	}
	asked := w.apply(t, w.bank, "dina")
	start()
	if status, _, body := w.call(t, "GET", "/v1/wallets/"+w.alice.String()+"/history", "", last.Token, nil); status != 200 {
		t.Errorf("after a restart: %d %s", status, body)
	}
	if status, _, body := w.call(t, "GET", "/v1/applications/"+asked.ID, "", "", nil); status != 200 {
		t.Errorf("after a restart: %d %s", status, body)
	}
}

// A payment is tried without effect: what it would get is what it gets, and only for its own payer.
func TestAPaymentIsCheckedWithoutEffect(t *testing.T) {
	w := street(t)
	s, _, _ := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
	try := func(tx *token.Transaction) (int, string) {
		status, _, body := w.call(t, "POST", "/v1/transactions/check", "application/cbor", s.Token, tx.Encode())
		return status, string(body)
	}
	size := w.node.Head().Size
	good := w.payBob(5 * money.Tenge)
	for range 3 {
		if status, body := try(good); status != 200 || !strings.Contains(body, good.ID().String()) {
			t.Fatalf("%d %s", status, body)
		}
	}
	own := []token.ID{token.OutputID(w.money.ID(), 0)}
	for about, c := range map[string]struct {
		tx   *token.Transaction
		code string
	}{
		"no such payee":  {w.world.Pay(w.alice, w.world.Key("alice"), token.WalletID{7}, 1, own, 100_000*money.Tenge, soon()), "unknown-wallet"},
		"no such token":  {w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 1, []token.ID{{7}}, 1, soon()), "token-not-live"},
		"over the limit": {w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 100_000*money.Tenge, own, 100_000*money.Tenge, soon()), "limit-"},
		"late":           {w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 1, own, 100_000*money.Tenge, 1), "expired"},
		"another payer":  {w.world.Pay(w.bob, w.world.Key("bob"), w.alice, 1, own, 100_000*money.Tenge, soon()), "forbidden"},
		"no payment":     {w.world.Issue(2, w.bank, soon(), 1), "forbidden"},
	} {
		status, body := try(c.tx)
		if status < 400 || !strings.Contains(body, `"code":"`+c.code) {
			t.Errorf("%s: %d %s, want %s", about, status, body, c.code)
		}
		if c.code == "forbidden" {
			continue
		}
		if _, err := w.node.Submit(t.Context(), c.tx); err == nil || !strings.Contains(err.Error(), c.code) {
			t.Errorf("%s: sent it gets %v, checked %s", about, err, body)
		}
	}
	if got := w.node.Head().Size; got != size {
		t.Errorf("the log grew from %d to %d", size, got)
	}
	w.submit(t, good)
	if status, body := try(good); status < 400 || !strings.Contains(body, "token-not-live") {
		t.Errorf("after it was made: %d %s", status, body)
	}
}

// Where everybody may read a device's delegation is what it reads by all the same: it sees its wallet alone, and once it
// was ended it is refused, so that an ended cashier's till says so and shows nothing more.
func TestAnEndedDelegationReadsNothingOfAnOpenNode(t *testing.T) {
	w := streetOf(t, true)
	d := w.delegate(t, w.alice, "alice", "Aliya's phone")
	alice, bob := "/v1/wallets/"+w.alice.String(), "/v1/wallets/"+w.bob.String()
	for path, want := range map[string]int{alice + "/history": 200, bob + "/history": 403} { // any order
		if status, _, body := w.call(t, "GET", path, "", d.Token, nil); status != want {
			t.Errorf("GET %s: %d %s, want %d", path, status, body, want)
		}
	}
	if status, _, body := w.call(t, "DELETE", alice+"/delegations/"+d.ID, "", "", nil); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	for _, path := range []string{alice + "/history", "/v1/events?topics=wallet&wallet=" + w.alice.String()} {
		w.problem(t, "GET", path, "", d.Token, nil, http.StatusUnauthorized, "unauthorised")
	}
	if status, _, body := w.call(t, "GET", alice+"/history", "", "", nil); status != 200 {
		t.Errorf("without a delegation everybody reads here: %d %s", status, body)
	}
}

// A name with marks that are not shown, or one that is too long, is refused in words of its own, whoever is named.
func TestNamesAreRefusedInTheirOwnWords(t *testing.T) {
	w := street(t)
	until := uint64(time.Now().Add(time.Hour).UnixMilli())
	for name, code := range map[string]string{
		"Ай\u202eгерім": "text-hides", "\u2066Dina": "text-hides", "Di\u200bna": "text-hides", "Di\nna": "text-hides",
		strings.Repeat("a", 65): "text-too-long", strings.Repeat("Ә", 33): "text-too-long", strings.Repeat("Ә", 200): "text-too-long",
	} {
		in := w.application(t, w.bank, "dina")
		in.Name = name
		for path, sent := range map[string]any{"/v1/applications": in, "/v1/sessions/delegations": w.delegation(t, w.alice, "alice", name, until)} {
			status, body := w.postJSON(t, path, sent, &struct{}{})
			if status != http.StatusUnprocessableEntity || !strings.Contains(body, code) {
				t.Errorf("%s %q: %d %s, want %s", path, name, status, body, code)
			}
		}
		var rule *token.Error
		if err := staff.CheckText("name", name, staff.MaxName); !errors.As(err, &rule) || string(rule.Code) != code {
			t.Errorf("%q: %v, want %s", name, err, code)
		}
	}
	if err := staff.CheckText("name", "Айгерім 👩\u200d🌾", staff.MaxName); err != nil {
		t.Errorf("a joiner that scripts write with: %v", err)
	}
}
