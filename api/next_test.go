package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// direct registers a wallet of the authority's with a role.
func (w *town) direct(t testing.TB, sequence uint64, name, role string) token.WalletID {
	t.Helper()
	tx := w.world.Sign(&token.Register{Sequence: sequence, Key: w.world.Key(name).Public(), Tier: 2,
		Attributes: token.Attributes{Role: role}}, soon(),
		w.world.By(token.RolePolicy, 2), sim.One(token.RolePossession, 0, w.world.Key(name)))
	w.submit(t, tx)
	return token.RegisteredID(tx.ID())
}

// meals makes purpose 1, and gives the wallet "treasury" 1,000 tenge of it: who may be paid with that is "canteen".
func (w *town) meals(t testing.TB) (treasury, canteen token.WalletID) {
	t.Helper()
	agency := w.world.Sign(&token.SetAgency{Sequence: 2, Name: "ministry",
		Keys: token.KeySet{Threshold: 1, Keys: []token.PublicKey{w.world.Key("ministry").Public()}}}, soon(),
		w.world.By(token.RolePolicy, 2), sim.One(token.RolePossession, 0, w.world.Key("ministry")))
	w.submit(t, agency)
	treasury, canteen = w.direct(t, 3, "treasury", "treasury"), w.direct(t, 4, "canteen", "canteen")
	w.submit(t, w.world.Sign(&token.RegisterPurpose{Agency: token.RegisteredID(agency.ID()), Sequence: 1,
		Purpose: sim.Meals(w.bank, uint64(time.Now().UnixMilli())-1000)}, soon(),
		sim.One(token.RoleAgency, 0, w.world.Key("ministry"))))
	fund := w.world.Pay(w.alice, w.world.Key("alice"), treasury, 1_000*money.Tenge,
		[]token.ID{token.OutputID(w.money.ID(), 0)}, 100_000*money.Tenge, soon())
	w.submit(t, fund)
	w.submit(t, w.world.Sign(&token.EarmarkedTransfer{Parties: []token.WalletID{treasury},
		Inputs:  []token.ID{token.OutputID(fund.ID(), 0)},
		Outputs: []token.EarmarkedOutput{{Amount: 1_000 * money.Tenge, Becomes: 1}}}, soon(),
		sim.One(token.RoleWallet, 0, w.world.Key("treasury"))))
	return treasury, canteen
}

func (w *town) session(t *testing.T, wallet token.WalletID, key string) string {
	t.Helper()
	s, status, body := w.signIn(t, w.answerTo(t, w.challenge(t, wallet), wallet, key, w.http.URL))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	return s.Token
}

// Who has marked money is told whom he may pay with it and what it becomes, as a payment would; who has none learns
// nothing of anybody by asking.
func TestWhomMarkedMoneyMayPay(t *testing.T) {
	for _, open := range []bool{false, true} {
		w := streetOf(t, open)
		treasury, canteen := w.meals(t)
		own, other := w.session(t, treasury, "treasury"), w.session(t, w.bob, "bob")
		ask := func(session string, payee token.WalletID, more string) (int, string) {
			status, _, body := w.call(t, "GET", "/v1/purposes/1/check?payee="+payee.String()+more, "", session, nil)
			return status, string(body)
		}
		size := w.node.Head().Size
		var c api.SpendingCheck
		status, body := ask(own, canteen, "&amount=70000")
		if err := json.Unmarshal([]byte(body), &c); err != nil || status != 200 ||
			c != (api.SpendingCheck{Purpose: 1}) {
			t.Errorf("%d %s", status, body)
		}
		for _, q := range []struct {
			session string
			payee   token.WalletID
			more    string
			status  int
			code    string
		}{
			{own, canteen, "", 200, ""},
			{own, w.bob, "", 422, "purpose-forbids"},
			{own, token.WalletID{7}, "", 422, "unknown-wallet"},
			{own, treasury, "", 422, "out-of-range"},
			{own, canteen, "&amount=100001", 422, "insufficient-funds"},
			{own, canteen, "&amount=-1", 422, "invalid-request"},
			{own, canteen, "&amount=9223372036854775808", 422, "invalid-request"},
			{"", canteen, "", 401, "unauthorised"},
		} {
			if q.session == "" && open {
				q.status, q.code = 403, "forbidden"
			}
			if status, _, body := w.call(t, "GET", "/v1/purposes/1/check?payee="+q.payee.String()+q.more, "", q.session,
				nil); status != q.status || q.code != "" && codeIn(body) != q.code {
				t.Errorf("%+v: %d %s", q, status, body)
			}
		}
		_, first := ask(other, canteen, "")
		for _, payee := range []token.WalletID{w.alice, treasury, {7}} {
			if status, body := ask(other, payee, ""); status != 422 || body != first {
				t.Errorf("bob, who has none, is told of %s: %d %s, of the canteen %s", payee, status, body, first)
			}
		}
		if got := w.node.Head().Size; got != size {
			t.Errorf("the log grew from %d to %d", size, got)
		}
	}
}

func codeIn(body []byte) string {
	var p api.Problem
	_ = json.Unmarshal(body, &p)
	return p.Code
}

// A contract's parties are told what each may do, from when, and why not yet; what is said possible is then executed.
func TestWhatMayBeDoneWithAContract(t *testing.T) {
	w := street(t)
	id := w.escrow(t)
	buyer, seller := w.session(t, w.alice, "alice"), w.session(t, w.bob, "bob")
	next := func(session string) map[string]api.StepView {
		status, _, body := w.call(t, "GET", "/v1/contracts/"+id.String()+"/next", "", session, nil)
		var n api.NextSteps
		if err := json.Unmarshal(body, &n); err != nil || status != 200 || n.Version != 1 || n.Contract != id {
			t.Fatalf("%d %s", status, body)
		}
		steps := map[string]api.StepView{}
		for _, s := range n.Steps {
			steps[s.Action] = s
		}
		return steps
	}
	of, to := next(buyer), next(seller)
	if s := of["release"]; !s.Possible || s.Open || s.Caller != w.alice || fmt.Sprint(s.By) != "[buyer arbiter]" ||
		!s.Ends {
		t.Errorf("%+v", s)
	}
	if s := to["release"]; s.Possible || s.Problem == nil || s.Problem.Code != "wrong-caller" {
		t.Errorf("%+v", s)
	}
	if s := to["divide"]; s.Possible || s.Problem.Code != "wrong-caller" || len(s.Args) != 1 {
		t.Errorf("%+v", s)
	}
	w.problem(t, "GET", "/v1/contracts/"+id.String()+"/next?as="+w.bob.String(), "", buyer, nil, http.StatusForbidden,
		"forbidden")
	w.submit(t, w.world.Sign(&token.Act{Contract: id, Version: 1, Action: "release", Caller: w.alice,
		Paid: []money.Tiyn{0}}, soon(), sim.One(token.RoleWallet, 0, w.world.Key("alice"))))
	// of what has ended nobody is a party
	w.problem(t, "GET", "/v1/contracts/"+id.String()+"/next", "", buyer, nil, http.StatusForbidden, "forbidden")
}

// On a node that is open to read too, a session is told what its own wallet may do; without one each action is looked at
// for the first party that may.
func TestStepsAreOfTheSessionsOwnWallet(t *testing.T) {
	w := streetOf(t, true)
	id := w.escrow(t)
	for session, possible := range map[string]bool{"": true, w.session(t, w.bob, "bob"): false} {
		_, _, body := w.call(t, "GET", "/v1/contracts/"+id.String()+"/next", "", session, nil)
		var n api.NextSteps
		if err := json.Unmarshal(body, &n); err != nil || len(n.Steps) == 0 {
			t.Fatalf("%v %s", err, body)
		}
		for _, s := range n.Steps {
			if s.Action == "release" && (s.Possible != possible || (s.Caller == w.bob) == possible) {
				t.Errorf("with the session %q: %+v", session, s)
			}
		}
	}
}
