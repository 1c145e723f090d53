package api_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// demoOf are alice, with her key, and bob, whose key the story has not.
func (w *town) demoOf() *api.Demo {
	return &api.Demo{
		Roles: func() []api.DemoRole {
			return []api.DemoRole{{Name: "alice", Kind: "person", Wallet: w.alice},
				{Name: "bob", Kind: "shop", Wallet: w.bob}}
		},
		Staff: func() []api.DemoStaff {
			return []api.DemoStaff{
				{Name: "central-bank", Roles: []staff.Role{staff.Administrator, staff.Authority}},
				{Name: "dala-bank", Roles: []staff.Role{staff.Intermediary}, Bank: w.bank},
				{Name: "auditor", Roles: []staff.Role{staff.Auditor}}}
		},
		Seed: func(key token.PublicKey) (seed [32]byte, known bool) {
			if alice := w.world.Key("alice"); key == alice.Public() {
				return alice.Seed(), true
			}
			return seed, false
		},
	}
}

// On the story's own network a browser gets the key of one of its people, which pays; no other network has anybody,
// whatever its node is given, and whoever asks.
func TestOnlyTheStorysNetworkHasRoles(t *testing.T) {
	w := street(t)
	w.server = api.New(w.node, api.Options{Open: true, Demo: w.demoOf(), Origins: []string{w.http.URL}})
	w.http.Config.Handler = checked(t, w.server)
	roles := func(access string) (list api.DemoRoles) {
		t.Helper()
		status, _, body := w.call(t, "GET", "/v1/demo", "", access, nil)
		if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		return list
	}
	if list := roles(""); len(list.Roles) != 2 || list.Roles[0].Wallet != w.alice {
		t.Errorf("%+v", list)
	}
	status, _, body := w.call(t, "POST", "/v1/demo/alice", "application/json", "", []byte(`{}`))
	var key api.DemoKey
	if err := json.Unmarshal(body, &key); err != nil || status != http.StatusOK || key.Wallet != w.alice {
		t.Fatalf("%d %s", status, body)
	}
	seed, err := hex.DecodeString(key.Seed)
	if err != nil || len(seed) != 32 {
		t.Fatal(key.Seed, err)
	}
	own := token.NewPrivateKey([32]byte(seed))
	w.submit(t, w.world.Pay(w.alice, own, w.bob, money.Tenge, []token.ID{token.OutputID(w.money.ID(), 0)},
		100_000*money.Tenge, soon()))
	w.problem(t, "POST", "/v1/demo/bob", "application/json", "", []byte(`{}`), http.StatusNotFound, "not-found")
	w.problem(t, "POST", "/v1/demo/carol", "application/json", "", []byte(`{}`), http.StatusNotFound, "not-found")

	w.server = api.New(w.node, api.Options{Demo: w.demoOf(), Access: []api.Access{{Name: "authority",
		Role: api.RoleAuthority, TokenSHA256: api.HashToken("authority")}}})
	w.http.Config.Handler = checked(t, w.server)
	for _, access := range []string{"", "authority"} {
		if list := roles(access); len(list.Roles) != 0 {
			t.Errorf("a network that is not for development has %+v", list)
		}
		w.problem(t, "POST", "/v1/demo/alice", "application/json", access, []byte(`{}`), http.StatusNotFound,
			"not-found")
	}
}

// At the story's own network a browser signs in as its staff without a passkey; the session, the account and the trail say
// that they are the demo's. The same folder opens nothing to them at a closed network, a follower or a restored one, and
// lets the first administrator in there.
func TestTheStorysStaffSignInThereAlone(t *testing.T) {
	o := newOffice(t, api.Options{Open: true})
	o.options.Demo = o.demoOf()
	o.restart(t)
	bank, auditor := &clerk{office: o}, &clerk{office: o}
	var session api.StaffSession
	for name, who := range map[string]*clerk{"central-bank": bank, "dala-bank": {office: o}, "auditor": auditor} {
		who.want(t, 200, "POST", "/v1/staff/demo/"+name, map[string]any{}, &session)
		who.want(t, 200, "GET", "/v1/staff/session", nil, &session)
		if !session.Account.Demo || session.Account.Part != name || len(session.Account.Passkeys) != 0 {
			t.Errorf("%s: %+v", name, session)
		}
	}
	auditor.refused(t, 403, "forbidden", "GET", "/v1/staff", nil)
	bank.refused(t, 404, "not-found", "POST", "/v1/staff/demo/chairman", map[string]any{})
	status, answer := bank.ask(t, "POST", "/v1/staff/demo/auditor", map[string]any{}, func(r *http.Request) {
		r.Header.Del("Origin")
	})
	if status != 403 || !strings.Contains(string(answer), "cross-site") {
		t.Errorf("a request of no page: %d %s", status, answer)
	}
	var trail api.AuditTrail
	bank.want(t, 200, "GET", "/v1/audit", nil, &trail)
	said := map[string]int{}
	for _, e := range trail.Entries {
		said[string(e.Entry.Act)+" "+e.Entry.Demo]++
	}
	if len(said) != 6 || said["demo-joined auditor"] != 1 || said["demo-signed-in central-bank"] != 1 {
		t.Errorf("the trail says %v", said)
	}
	if !o.server.WantsAdministrator() {
		t.Error("a role of the demo counts as an administrator")
	}
	bank.want(t, 200, "POST", "/v1/staff/invitations", map[string]any{"name": "Bolat", "roles": []string{"auditor"}}, nil)
	own := o.first(t)
	bank.refused(t, 403, staff.DemoRole, "PUT", "/v1/staff/accounts/"+own.id+"/roles",
		map[string]any{"roles": []string{"administrator", "authority"}})

	for about, options := range map[string]api.Options{
		"a closed network":                       {Demo: o.options.Demo},
		"a follower, or what was restored of it": {Open: true},
		"one without staff":                      {Open: true, Demo: &api.Demo{Roles: o.options.Demo.Roles}},
		"a closed one that was never for a demo": {},
	} {
		options.Dir, options.Origins = o.options.Dir, o.options.Origins
		o.options = options
		o.restart(t)
		var mine api.StaffSession
		own.want(t, 200, "GET", "/v1/staff/session", nil, &mine)
		if mine.Account.Demo {
			t.Errorf("%s: an own account is the demo's", about)
		}
		for _, name := range []string{"central-bank", "dala-bank", "auditor"} {
			own.refused(t, 404, "not-found", "POST", "/v1/staff/demo/"+name, map[string]any{})
		}
		var roles api.DemoRoles
		own.want(t, 200, "GET", "/v1/demo", nil, &roles)
		if len(roles.Staff) != 0 {
			t.Errorf("%s has %+v", about, roles.Staff)
		}
		if options.Demo == nil || !options.Open {
			bank.refused(t, 401, "unauthorised", "GET", "/v1/staff/session", nil)
		}
	}
}

// At the demo's own network the way in offers its staff; who chooses one is shown as the demo's, sees what the role sees,
// and does what a fresh passkey is asked for by being chosen again; a link of the story leads to the role it is about.
func TestTheStorysStaffAtTheBrowser(t *testing.T) {
	t.Parallel()
	d := newNodePage(t)
	d.office.options.Open, d.office.options.Demo = true, d.office.demoOf()
	d.office.options.Story = func() []api.StoryStep {
		return []api.StoryStep{{Name: "audit", Title: "An auditor signs", State: "played",
			Links: []api.StoryLink{{Kind: "trail", Role: "auditor", Path: "/audit"}}}}
	}
	d.office.restart(t)
	var stale atomic.Bool // as the node answers five minutes later
	inner := d.office.http.Config.Handler
	d.office.http.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invitations") && stale.CompareAndSwap(true, false) {
			rw.Header().Set("Content-Type", "application/problem+json")
			rw.WriteHeader(http.StatusForbidden)
			_, _ = rw.Write([]byte(`{"type":"urn:aqsha:problem:confirm-first","title":"Forbidden","status":403,"code":"confirm-first"}`))
			return
		}
		inner.ServeHTTP(rw, r)
	})
	d.show("/sign-in")
	d.speak("en")
	d.see("Be somebody of the story")
	d.picture("demo-staff")
	d.press("central-bank")
	d.see("You are a role of the demonstration")
	d.see("Administrator, Central bank")
	stale.Store(true)
	d.show("/staff")
	d.see("Invitations that wait")
	d.fill("Name", "Bolat")
	d.press("Make a link")
	d.see("Give this link to Bolat alone")
	d.show("/")
	d.see("The story of this network")
	d.do(chromedp.Evaluate(`document.querySelectorAll("details").forEach((d) => { d.open = true })`, nil))
	var to string
	d.do(chromedp.Evaluate(`[...document.querySelectorAll("li a")][0].href`, &to))
	d.do(chromedp.Navigate(to), chromedp.WaitVisible("header select", chromedp.ByQuery))
	d.see("Stay who I am")
	d.press("auditor")
	d.see("Role of the demonstration chosen")
	d.see("auditor")
	d.clean()
}
