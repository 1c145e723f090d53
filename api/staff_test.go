package api_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/sim/passkey"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// office is a town whose node has staff.
type office struct {
	*town
	dir     string
	origin  string // at which it is dialled by name
	options api.Options
}

func newOffice(t *testing.T, options api.Options) *office {
	t.Helper()
	o := &office{town: newTown(t, api.Options{}), dir: t.TempDir(), options: options}
	o.origin = strings.Replace(o.http.URL, "127.0.0.1", "localhost", 1)
	o.options.Dir, o.options.Origins = o.dir, []string{o.http.URL, o.origin}
	o.restart(t)
	t.Cleanup(func() {
		if err := o.server.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

// restart serves the same folder with a new server.
func (o *office) restart(t *testing.T) {
	t.Helper()
	if err := o.server.Close(); err != nil {
		t.Fatal(err)
	}
	o.server = api.New(o.node, o.options)
	o.http.Config.Handler = checked(t, o.server)
}

// clerk is somebody at a browser: with a device, and the cookie that the browser keeps.
type clerk struct {
	*office
	*passkey.Device
	id     string
	cookie string
}

// ask sends a request as a page of the node does. What changes the request is applied last.
func (c *clerk) ask(t *testing.T, method, path string, body any, change ...func(r *http.Request)) (int, []byte) {
	t.Helper()
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, c.http.URL+path, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method != http.MethodGet {
		r.Header.Set("Origin", c.origin)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.cookie != "" {
		r.Header.Set("Cookie", "aqsha-staff="+c.cookie)
	}
	for _, one := range change {
		one(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for _, cookie := range response.Cookies() {
		if cookie.Name == "aqsha-staff" {
			c.cookie = cookie.Value
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" {
				t.Errorf("the cookie is %v", cookie)
			}
		}
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// want asks and holds the status; the answer is decoded into value, if there is one.
func (c *clerk) want(t *testing.T, status int, method, path string, body, value any) {
	t.Helper()
	got, answer := c.ask(t, method, path, body)
	if got != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
	}
	if value != nil {
		if err := json.Unmarshal(answer, value); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
	}
}

// refused asks and holds the refusal.
func (c *clerk) refused(t *testing.T, status int, code token.Code, method, path string, body any) {
	t.Helper()
	var p api.Problem
	c.want(t, status, method, path, body, &p)
	if p.Code != string(code) {
		t.Errorf("%s %s: %s, want %s", method, path, p.Code, code)
	}
}

func (c *clerk) challenge(t *testing.T, purpose staff.Purpose, link string) (api.StaffChallenge, []byte) {
	t.Helper()
	var challenge api.StaffChallenge
	c.want(t, 200, "POST", "/v1/staff/challenges", map[string]any{"purpose": purpose, "link": link}, &challenge)
	raw, err := hex.DecodeString(challenge.Challenge)
	if err != nil || challenge.Site != "localhost" {
		t.Fatalf("%+v, %v", challenge, err)
	}
	return challenge, raw
}

func madeOf(m passkey.Made) map[string]any {
	return map[string]any{"id": hex.EncodeToString(m.ID), "client_data": hex.EncodeToString(m.ClientData),
		"object": hex.EncodeToString(m.Object)}
}

func usedOf(s passkey.Signed) map[string]any {
	return map[string]any{"id": hex.EncodeToString(s.ID), "client_data": hex.EncodeToString(s.ClientData),
		"authenticator": hex.EncodeToString(s.Authenticator),
		"signature":     hex.EncodeToString(s.Signature), "account": hex.EncodeToString(s.Handle)}
}

// join makes an account with a link.
func (o *office) join(t *testing.T, link, name string) *clerk {
	t.Helper()
	c := &clerk{office: o}
	challenge, raw := c.challenge(t, staff.ToJoin, link)
	handle, err := hex.DecodeString(challenge.Account)
	if err != nil {
		t.Fatal(err)
	}
	c.Device = passkey.New(handle)
	var session api.StaffSession
	c.want(t, 200, "POST", "/v1/staff/accounts", map[string]any{"link": link, "name": name,
		"challenge": challenge.Challenge, "passkey": madeOf(c.Make(o.origin, challenge.Site, raw))}, &session)
	c.id = session.Account.ID
	return c
}

// first is the first administrator, by the machine's link.
func (o *office) first(t *testing.T) *clerk {
	t.Helper()
	link, _, err := staff.MakeMachineLink(vfs.OS, filepath.Join(o.dir, staff.Folder), rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return o.join(t, link, "Aigul")
}

func (c *clerk) signIn(t *testing.T) api.StaffSession {
	t.Helper()
	challenge, raw := c.challenge(t, staff.ToSignIn, "")
	var session api.StaffSession
	c.want(t, 200, "POST", "/v1/staff/sessions", map[string]any{"challenge": challenge.Challenge,
		"passkey": usedOf(c.Sign(c.origin, challenge.Site, raw))}, &session)
	return session
}

func (c *clerk) invite(t *testing.T, name string, bank token.WalletID, roles ...staff.Role) *clerk {
	t.Helper()
	var link api.StaffLink
	body := map[string]any{"name": name, "roles": roles}
	if bank != (token.WalletID{}) {
		body["bank"] = bank
	}
	c.want(t, 200, "POST", "/v1/staff/invitations", body, &link)
	return c.join(t, link.Link, name)
}

// The first administrator comes by the machine's link and lets others in; who they are outlives a restart of the node,
// and so does a session; another role, and the end of an account, end its sessions at once.
func TestStaffAreLetIn(t *testing.T) {
	o := newOffice(t, api.Options{})
	admin := o.first(t)
	auditor := admin.invite(t, "Bolat", token.WalletID{}, staff.Auditor)
	o.restart(t)
	var session api.StaffSession
	auditor.want(t, 200, "GET", "/v1/staff/session", nil, &session)
	if session.Account.Name != "Bolat" || !slices.Equal(session.Account.Roles, []staff.Role{staff.Auditor}) ||
		len(session.Account.Passkeys) != 1 || len(session.Account.Passkeys[0].Key) != 0 {
		t.Errorf("%+v", session)
	}
	auditor.want(t, 200, "GET", "/v1/blocks/0", nil, nil)
	admin.refused(t, 403, "forbidden", "GET", "/v1/blocks/0", nil)
	auditor.refused(t, 403, "forbidden", "GET", "/v1/staff", nil)
	auditor.refused(t, 403, "forbidden", "POST", "/v1/staff/invitations",
		map[string]any{"name": "Carol", "roles": []string{"auditor"}})
	auditor.refused(t, 403, "forbidden", "DELETE", "/v1/staff/accounts/"+admin.id, nil)
	var account api.StaffAccount
	admin.want(t, 200, "PUT", "/v1/staff/accounts/"+auditor.id+"/roles", map[string]any{"roles": []string{"authority"}},
		&account)
	if !slices.Equal(account.Roles, []staff.Role{staff.Authority}) {
		t.Errorf("%+v", account)
	}
	auditor.refused(t, 401, "unauthorised", "GET", "/v1/staff/session", nil)
	auditor.signIn(t)
	admin.want(t, 204, "DELETE", "/v1/staff/accounts/"+auditor.id, nil, nil)
	auditor.refused(t, 401, "unauthorised", "GET", "/v1/blocks/0", nil)
	admin.refused(t, 409, staff.LastAdministrator, "DELETE", "/v1/staff/accounts/"+admin.id, nil)
	admin.refused(t, 404, staff.NoAccount, "DELETE", "/v1/staff/accounts/"+strings.Repeat("0", 32), nil)
	var list api.StaffList
	admin.want(t, 200, "GET", "/v1/staff", nil, &list)
	if len(list.Accounts) != 2 || list.Accounts[0].ID != admin.id || list.Accounts[1].Ended == 0 ||
		len(list.Invitations) != 0 {
		t.Errorf("%+v", list)
	}
	before := admin.cookie
	admin.want(t, 204, "DELETE", "/v1/staff/session", nil, nil)
	if admin.cookie != "" {
		t.Error("the cookie was left")
	}
	admin.cookie = before
	admin.refused(t, 401, "unauthorised", "GET", "/v1/staff/session", nil)
}

// An invitation that was ended lets nobody in; a passkey is added and removed; and what cannot be is refused with its
// code.
func TestInvitationsAndPasskeys(t *testing.T) {
	o := newOffice(t, api.Options{})
	admin := o.first(t)
	var link api.StaffLink
	admin.want(t, 200, "POST", "/v1/staff/invitations", map[string]any{"name": "Bolat", "roles": []string{"auditor"}},
		&link)
	admin.want(t, 204, "DELETE", "/v1/staff/invitations/"+link.ID, nil, nil)
	admin.want(t, 204, "DELETE", "/v1/staff/invitations/"+link.ID, nil, nil) // it is as good as ended
	admin.refused(t, 404, staff.NoInvitation, "DELETE", "/v1/staff/invitations/0123456789abcdef", nil)
	nobank := map[string]any{"name": "Kanat", "roles": []string{"intermediary"}, "bank": strings.Repeat("ab", 16)}
	admin.refused(t, 404, node.NotFound, "POST", "/v1/staff/invitations", nobank)
	admin.refused(t, 404, node.NotFound, "PUT", "/v1/staff/accounts/"+admin.id+"/roles",
		map[string]any{"roles": []string{"administrator", "intermediary"}, "bank": nobank["bank"]})
	stranger := &clerk{office: o}
	stranger.refused(t, 403, staff.LinkRefused, "POST", "/v1/staff/challenges",
		map[string]any{"purpose": "join", "link": link.Link})
	challenge, raw := admin.challenge(t, staff.ToAdd, "")
	if !slices.Equal(challenge.Exclude, []string{hex.EncodeToString(admin.ID)}) {
		t.Errorf("%+v", challenge)
	}
	spare := passkey.New(admin.Handle)
	body := map[string]any{"name": "spare", "challenge": challenge.Challenge,
		"passkey": madeOf(spare.Make(o.origin, challenge.Site, raw))}
	admin.want(t, 204, "POST", "/v1/staff/session/passkeys", body, nil)
	admin.refused(t, 401, staff.PasskeyRefused, "POST", "/v1/staff/session/passkeys", body) // the challenge was used
	admin.want(t, 204, "DELETE", "/v1/staff/accounts/"+admin.id+"/passkeys/"+hex.EncodeToString(admin.ID), nil, nil)
	admin.refused(t, 409, staff.LastPasskey, "DELETE", "/v1/staff/accounts/"+admin.id+"/passkeys/"+
		hex.EncodeToString(spare.ID), nil)
	challenge, raw = admin.challenge(t, staff.ToSignIn, "")
	admin.refused(t, 401, staff.PasskeyRefused, "POST", "/v1/staff/sessions",
		map[string]any{"challenge": challenge.Challenge, "passkey": usedOf(admin.Sign(o.origin, challenge.Site, raw))})
	admin.Device = spare
	admin.signIn(t)
	challenge, raw = admin.challenge(t, staff.ToConfirm, "")
	var session api.StaffSession
	admin.want(t, 200, "POST", "/v1/staff/session/confirmations",
		map[string]any{"challenge": challenge.Challenge, "passkey": usedOf(admin.Sign(o.origin, challenge.Site, raw))},
		&session)
	if session.Fresh < uint64(time.Now().Add(4*time.Minute).UnixMilli()) {
		t.Errorf("%+v", session)
	}
	admin.refused(t, 401, staff.PasskeyRefused, "POST", "/v1/staff/sessions",
		map[string]any{"challenge": "zz", "passkey": usedOf(spare.Sign(o.origin, "localhost", raw))})
	admin.refused(t, 422, token.OutOfRange, "POST", "/v1/staff/invitations",
		map[string]any{"name": "Dana", "roles": []string{"authority", "auditor"}})
	status, answer := stranger.ask(t, "POST", "/v1/staff/challenges", map[string]any{"purpose": "sign-in"},
		func(r *http.Request) { r.Header.Set("Origin", o.http.URL) })
	if status != 422 || !strings.Contains(string(answer), string(staff.PasskeyNeedsName)) {
		t.Errorf("at an address: %d %s", status, answer)
	}
}

// Every privileged act wants a passkey that was used within five minutes; the node keeps until when over a restart.
func TestPrivilegedActsWantAFreshPasskey(t *testing.T) {
	o := newOffice(t, api.Options{})
	admin := o.first(t)
	path := filepath.Join(o.dir, staff.Folder, "sessions.json")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stale := regexp.MustCompile(`"fresh_until_millis":\d+`).ReplaceAll(content,
		fmt.Appendf(nil, `"fresh_until_millis":%d`, time.Now().UnixMilli()))
	if bytes.Equal(stale, content) {
		t.Fatalf("%s", content)
	}
	if err := o.server.Close(); err != nil { // which stores them as they are
		t.Fatal(err)
	}
	if err := os.WriteFile(path, stale, 0o600); err != nil {
		t.Fatal(err)
	}
	o.server = api.New(o.node, o.options)
	o.http.Config.Handler = checked(t, o.server)
	invite := map[string]any{"name": "Bolat", "roles": []string{"auditor"}}
	admin.want(t, 200, "GET", "/v1/staff", nil, nil)
	admin.refused(t, 403, staff.ConfirmFirst, "POST", "/v1/staff/invitations", invite)
	admin.refused(t, 403, staff.ConfirmFirst, "DELETE", "/v1/staff/invitations/0", nil)
	admin.refused(t, 403, staff.ConfirmFirst, "PUT", "/v1/staff/accounts/"+admin.id+"/roles",
		map[string]any{"roles": []string{"administrator"}})
	admin.refused(t, 403, staff.ConfirmFirst, "DELETE", "/v1/staff/accounts/"+admin.id, nil)
	admin.refused(t, 403, staff.ConfirmFirst, "DELETE", "/v1/staff/accounts/"+admin.id+"/passkeys/0", nil)
	admin.refused(t, 403, staff.ConfirmFirst, "POST", "/v1/staff/session/passkeys",
		map[string]any{"name": "spare", "challenge": "", "passkey": map[string]any{"id": "", "client_data": "",
			"object": ""}})
	challenge, raw := admin.challenge(t, staff.ToConfirm, "")
	admin.want(t, 200, "POST", "/v1/staff/session/confirmations",
		map[string]any{"challenge": challenge.Challenge, "passkey": usedOf(admin.Sign(o.origin, challenge.Site, raw))},
		nil)
	admin.want(t, 200, "POST", "/v1/staff/invitations", invite, nil)
}

// A cookie counts for the node's own pages alone: a browser sends it along whatever page asks.
func TestTheCookieCountsForOwnPagesAlone(t *testing.T) {
	o := newOffice(t, api.Options{})
	admin := o.first(t)
	set := func(name, value string) func(r *http.Request) {
		return func(r *http.Request) {
			if r.Header.Del(name); value != "" {
				r.Header.Set(name, value)
			}
		}
	}
	body := map[string]any{"name": "Mallory", "roles": []string{"administrator"}}
	for about, change := range map[string][]func(r *http.Request){
		"no origin":            {set("Origin", "")},
		"nothing of a browser": {set("Origin", ""), set("Sec-Fetch-Site", "")},
		"another site":         {set("Sec-Fetch-Site", "cross-site")},
		"a neighbour":          {set("Sec-Fetch-Site", "same-site")},
		"an origin of others":  {set("Origin", "https://evil.example"), set("Sec-Fetch-Site", "")},
		"no origin at all":     {set("Origin", "null"), set("Sec-Fetch-Site", "")},
		"the name of TLS":      {set("Cookie", "__Host-aqsha-staff="+admin.cookie)},
		"a cookie cut":         {set("Cookie", "aqsha-staff="+admin.cookie[:42])},
		"a cookie forged":      {set("Cookie", "aqsha-staff="+strings.Repeat("A", 43))},
		"another access":       {set("Authorization", "Bearer nobody")},
	} {
		if status, answer := admin.ask(t, "POST", "/v1/staff/invitations", body, change...); status != 401 &&
			status != 403 {
			t.Errorf("%s: %d %s", about, status, answer)
		}
	}
	for _, site := range []string{"cross-site", "same-site"} {
		if status, answer := admin.ask(t, "GET", "/v1/staff", nil, set("Sec-Fetch-Site", site)); status != 401 {
			t.Errorf("read from %s: %d %s", site, status, answer)
		}
	}
	if status, _ := admin.ask(t, "GET", "/v1/staff", nil, set("Sec-Fetch-Site", "none")); status != 200 {
		t.Errorf("an address that was typed: %d", status)
	}
	var list api.StaffList
	if admin.want(t, 200, "GET", "/v1/staff", nil, &list); len(list.Invitations) != 0 {
		t.Errorf("%+v", list)
	}
}

// One address gets so much wrong and no more, also when it does it right then; another address is not kept out.
func TestWhoGuessesIsKeptOut(t *testing.T) {
	o := newOffice(t, api.Options{Proxy: "127.0.0.1"})
	from := func(address string) func(r *http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Forwarded-For", address) }
	}
	c := &clerk{office: o}
	body := map[string]any{"purpose": "join", "link": "guess"}
	for i := range 21 {
		status, answer := c.ask(t, "POST", "/v1/staff/challenges", body, from("203.0.113.9"))
		if want := map[bool]int{true: 403, false: 429}[i < 20]; status != want {
			t.Fatalf("guess %d: %d %s, want %d", i, status, answer, want)
		}
	}
	if status, answer := c.ask(t, "POST", "/v1/staff/challenges", map[string]any{"purpose": "sign-in"},
		from("203.0.113.9")); status != 429 {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := c.ask(t, "POST", "/v1/staff/challenges", map[string]any{"purpose": "sign-in"},
		from("203.0.113.10")); status != 200 {
		t.Errorf("another address: %d %s", status, answer)
	}
}

// What staff did stands in the trail, what they sent to the ledger's side before it is done too; it can be verified
// from the answers, and is for administrators and those who may read all.
func TestTheTrailOfStaff(t *testing.T) {
	o := newOffice(t, api.Options{Access: []api.Access{{Name: "auditor", Role: api.RoleAuditor,
		TokenSHA256: api.HashToken("auditor")}}})
	admin := o.first(t)
	bank := admin.invite(t, "Bolat", o.bank, staff.Intermediary)
	var early api.AuditTrail
	admin.want(t, 200, "GET", "/v1/audit", nil, &early)
	if status, answer := bank.ask(t, "POST", "/v1/wallets/"+o.alice.String()+"/releases",
		map[string]any{"tokens": []string{}}); status != 204 {
		t.Fatalf("%d %s", status, answer)
	}
	bank.refused(t, 403, "forbidden", "GET", "/v1/audit", nil)
	var trail api.AuditTrail
	admin.want(t, 200, "GET", "/v1/audit?limit=2&since="+itoa(early.Size), nil, &trail)
	if e := trail.Entries[0].Entry; e.Act != staff.Acted || e.By != bank.id ||
		e.What != "POST /v1/wallets/"+o.alice.String()+"/releases" {
		t.Errorf("%+v", e)
	}
	if by := trail.Entries[0].ByName; by != "Bolat" {
		t.Errorf("who released tokens is called %q", by)
	}
	proof := []txlog.Hash{}
	for _, h := range trail.Consistency {
		proof = append(proof, txlog.Hash(h))
	}
	if err := txlog.VerifyConsistency(early.Size, trail.Size, rootOf(t, early.Root), rootOf(t, trail.Root),
		proof); err != nil {
		t.Error(err)
	}
	if leaf := txlog.LeafHash([]byte(early.Entries[len(early.Entries)-1].Record)); early.Size == 1 &&
		leaf != rootOf(t, early.Root) {
		t.Error("the first record is not the tree of one")
	}
	var older api.AuditTrail
	admin.want(t, 200, "GET", "/v1/audit?limit=2&before="+itoa(trail.Entries[1].Index), nil, &older)
	if len(older.Entries) != 2 || older.Entries[0].Index+1 != trail.Entries[1].Index {
		t.Errorf("%+v", older.Entries)
	}
	if status, _, answer := o.get(t, "/v1/audit", "auditor"); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	if status, _, answer := o.get(t, "/v1/audit", ""); status != 401 {
		t.Errorf("%d %s", status, answer)
	}
}

func itoa(n uint64) string { b, _ := json.Marshal(n); return string(b) }

func rootOf(t *testing.T, text string) txlog.Hash {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 {
		t.Fatalf("%q", text)
	}
	return txlog.Hash(raw)
}

// Whoever signs in gets what an access of the same role gets at every operation, and an administrator who has no other
// role gets what everybody gets, the staff's own operations apart.
func TestStaffReadWhatAnAccessReads(t *testing.T) {
	o := newOffice(t, api.Options{})
	o.options.MarketDir = t.TempDir()
	o.options.Access = []api.Access{
		{Name: "bank", Role: api.RoleIntermediary, Intermediary: o.bank, TokenSHA256: api.HashToken("bank")},
		{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("auditor")},
		{Name: "authority", Role: api.RoleAuthority, TokenSHA256: api.HashToken("authority")},
	}
	o.restart(t)
	admin := o.first(t)
	people := map[string]*clerk{"": admin, "bank": admin.invite(t, "Bolat", o.bank, staff.Intermediary),
		"auditor":   admin.invite(t, "Carol", token.WalletID{}, staff.Auditor),
		"authority": admin.invite(t, "Dana", token.WalletID{}, staff.Authority)}
	contract := o.escrow(t)
	there := subject{o.alice.String(), token.OutputID(o.money.ID(), 0).String(), o.money.ID().String(),
		contract.String(), "1"}
	compared := 0
	for _, p := range newDescription(t, o.server).paths {
		if strings.HasPrefix(p.path, "/v1/staff") || p.path == "/v1/audit" || strings.Contains(p.path, "stream") ||
			p.path == "/v1/events" || p.path == "/v1/feed" {
			continue // streams do not end by themselves; accesses of theirs are those of other reads
		}
		for method, op := range p.ops {
			id := op.(map[string]any)["operationId"].(string)
			a := there.query(o.town, strings.ToUpper(method), p.path)
			for access, c := range people {
				want, _, other := o.query(t, a, access)
				o.free(id, other)
				var body any
				if a.body != nil {
					body = json.RawMessage(a.body)
					if a.contentType != "application/json" {
						continue
					}
				}
				got, answer := c.ask(t, a.method, a.path, body)
				if access == "" && want == 401 && got == 403 {
					want = 403 // known, and not let
				}
				o.free(id, answer)
				if got != want {
					t.Errorf("%s: staff as %q: %d %.200s, the access %d", id, access, got, answer, want)
				}
				compared++
			}
		}
	}
	if compared < 200 {
		t.Errorf("only %d answers were compared", compared)
	}
}

// free lets go of what a selection has set aside, so that the next finds it.
func (o *office) free(operation string, answer []byte) {
	var chosen node.Selection
	if operation == "select-tokens" && json.Unmarshal(answer, &chosen) == nil {
		for _, live := range chosen.Tokens {
			o.node.Release(o.alice, []token.ID{live.ID})
		}
	}
}

// A node without a folder, or with a trail that is damaged, serves; nobody of the staff signs in.
func TestANodeWithoutStaffServes(t *testing.T) {
	o := newOffice(t, api.Options{})
	o.options.Dir = ""
	o.restart(t)
	c := &clerk{office: o}
	c.refused(t, 503, staff.StoreClosed, "POST", "/v1/staff/challenges", map[string]any{"purpose": "sign-in"})
	c.refused(t, 401, "unauthorised", "GET", "/v1/staff/session", nil)
	c.want(t, 200, "GET", "/v1/network", nil, nil)
}
