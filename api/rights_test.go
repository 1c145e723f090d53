package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// rightsRoles are the columns of rights: nobody; an access that has expired, one that was revoked, and a session of a
// key that was replaced; the session of the wallet that is asked about, a delegation of it, and the session of another;
// the bank that registered it, and another; an auditor, whom a follower is too; and the authority.
var rightsRoles = []string{"nobody", "expired", "revoked", "rekeyed", "holder", "till", "other holder", "bank",
	"other bank", "auditor", "authority"}

// rights is the table of who is answered what, asked about alice's wallet, her tokens, payments and contract. An
// operation that is not in it fails the test.
var rights = map[string]string{
	//                          -   exp rev rek hol til oth ban oth aud aut
	"get-network":              "200 200 200 200 200 200 200 200 200 200 200",
	"get-genesis":              "200 200 200 200 200 200 200 200 200 200 200",
	"get-supply":               "200 200 200 200 200 200 200 200 200 200 200",
	"get-authority":            "200 200 200 200 200 200 200 200 200 200 200",
	"list-intermediaries":      "200 200 200 200 200 200 200 200 200 200 200",
	"list-errors":              "200 200 200 200 200 200 200 200 200 200 200",
	"explain":                  "200 200 200 200 200 200 200 200 200 200 200",
	"get-health":               "200 200 200 200 200 200 200 200 200 200 200",
	"get-livez":                "200 200 200 200 200 200 200 200 200 200 200",
	"get-readyz":               "200 200 200 200 200 200 200 200 200 200 200",
	"get-metrics":              "200 200 200 200 200 200 200 200 200 200 200",
	"get-banknotes":            "200 200 200 200 200 200 200 200 200 200 200",
	"get-pages":                "200 200 200 200 200 200 200 200 200 200 200",
	"list-demo-roles":          "200 200 200 200 200 200 200 200 200 200 200", // none is there
	"be-demo-role":             "404 404 404 404 404 404 404 404 404 404 404", // a network that is not the story's
	"be-demo-staff":            "404 404 404 404 404 404 404 404 404 404 404", // likewise
	"get-story":                "200 200 200 200 200 200 200 200 200 200 200",
	"list-agencies":            "200 200 200 200 200 200 200 200 200 200 200",
	"list-purses":              "200 200 200 200 200 200 200 200 200 200 200",
	"get-purse-revocations":    "200 200 200 200 200 200 200 200 200 200 200",
	"get-purse":                "404 404 404 404 404 404 404 404 404 404 404", // alice's wallet is none
	"list-purposes":            "200 200 200 200 200 200 200 200 200 200 200",
	"get-series":               "200 200 200 200 200 200 200 200 200 200 200", // few wallets are suppressed
	"list-definitions":         "200 200 200 200 200 200 200 200 200 200 200",
	"list-blocks":              "200 200 200 200 200 200 200 200 200 200 200",
	"stream-blocks":            "200 200 200 200 200 200 200 200 200 200 200",
	"get-checkpoint":           "200 200 200 200 200 200 200 200 200 200 200",
	"get-hash-tile":            "404 404 404 404 404 404 404 404 404 404 404", // the log is short: there is none
	"get-partial-hash-tile":    "200 200 200 200 200 200 200 200 200 200 200",
	"list-followers":           "200 200 200 200 200 200 200 200 200 200 200",
	"get-cluster":              "200 200 200 200 200 200 200 200 200 200 200",
	"get-prepare":              "204 204 204 204 204 204 204 204 204 204 204",
	"get-signers":              "204 204 204 204 204 204 204 204 204 204 204", // nothing has changed
	"get-fence":                "204 204 204 204 204 204 204 204 204 204 204",
	"list-market-questions":    "200 200 200 200 200 200 200 200 200 200 200",
	"get-wallet":               "401 401 401 401 200 200 403 200 403 200 200",
	"list-wallet-tokens":       "401 401 401 401 200 200 403 200 403 200 200",
	"get-wallet-history":       "401 401 401 401 200 200 403 200 403 200 200",
	"get-held":                 "401 401 401 401 200 200 403 200 403 200 200",
	"stream-wallet":            "401 401 401 401 200 200 403 200 403 200 200",
	"select-tokens":            "401 401 401 401 200 403 403 200 403 200 200",
	"release-tokens":           "401 401 401 401 204 403 403 204 403 204 204",
	"get-token":                "401 401 401 401 200 200 403 200 403 200 200",
	"prove-token":              "401 401 401 401 200 200 403 200 403 200 200",
	"get-transaction":          "401 401 401 401 200 200 403 403 403 200 200",
	"list-wallet-contracts":    "401 401 401 401 200 200 403 200 403 200 200",
	"get-purse-account":        "401 401 401 401 404 404 403 404 403 404 404", // she has no such purse
	"list-delegations":         "401 401 401 401 200 403 403 200 403 200 200",
	"get-backup":               "401 401 401 401 404 403 403 403 403 403 403", // she has laid none down
	"put-backup":               "401 401 401 401 200 403 403 403 403 403 403",
	"delete-backup":            "401 401 401 401 404 403 403 403 403 403 403",
	"end-delegation":           "401 401 401 401 404 403 403 403 403 403 403", // there is none of the id
	"check-transaction":        "401 401 401 401 409 403 403 403 403 403 403", // its token is spent
	"prove-transaction":        "401 401 401 401 200 200 403 403 403 200 200",
	"stream-events":            "401 401 401 401 200 200 200 403 403 403 403", // of a session's own wallet
	"list-applications":        "401 401 401 401 403 403 403 200 200 200 200",
	"get-application":          "404 404 404 404 404 404 404 404 404 404 404", // its id is the right to it
	"accept-application":       "401 401 401 401 403 403 403 404 404 403 403",
	"refuse-application":       "401 401 401 401 403 403 403 404 404 403 403",
	"list-drafts":              "401 401 401 401 200 200 200 200 200 200 200", // each sees what concerns it
	"get-draft":                "404 404 404 404 404 404 404 404 404 404 404", // its id is the right to it
	"sign-draft":               "404 404 404 404 404 404 404 404 404 404 404",
	"refuse-draft":             "404 404 404 404 404 404 404 404 404 404 404",
	"put-draft":                "403 403 403 403 403 403 403 403 403 403 403", // by what is signed
	"get-contract":             "401 401 401 401 200 200 403 200 403 200 200",
	"next-steps":               "401 401 401 401 200 200 403 200 403 200 200",
	"check-purpose":            "401 401 401 401 422 403 422 403 403 403 403", // no money of the purpose
	"list-contracts":           "401 401 401 401 403 403 403 403 403 200 200",
	"get-block":                "401 401 401 401 403 403 403 403 403 200 200",
	"get-entry-bundle":         "401 401 401 401 403 403 403 403 403 404 404",
	"get-partial-entry-bundle": "401 401 401 401 403 403 403 403 403 200 200",
	"feed":                     "401 401 401 401 403 403 403 403 403 200 200",
	"ask-architecture":         "401 401 401 401 403 403 403 403 403 200 200",
	"ask-breaks":               "401 401 401 401 403 403 403 403 403 404 404",
	"ask-concentration":        "401 401 401 401 403 403 403 403 403 404 404", // the folder is empty
	"ask-files":                "401 401 401 401 403 403 403 403 403 200 200",
	"ask-functions":            "401 401 401 401 403 403 403 403 403 422 422",
	"ask-garch":                "401 401 401 401 403 403 403 403 403 404 404",
	"ask-intraday":             "401 401 401 401 403 403 403 403 403 404 404",
	"ask-liquidity":            "401 401 401 401 403 403 403 403 403 404 404",
	"ask-paper":                "401 401 401 401 403 403 403 403 403 200 200",
	"ask-report":               "401 401 401 401 403 403 403 403 403 404 404",
	"ask-risk":                 "401 401 401 401 403 403 403 403 403 404 404",
	"ask-risks":                "401 401 401 401 403 403 403 403 403 422 422",
	"ask-spillover":            "401 401 401 401 403 403 403 403 403 404 404",
	"ask-summary":              "401 401 401 401 403 403 403 403 403 404 404",
	"ask-use":                  "401 401 401 401 403 403 403 403 403 422 422",
	"ask-volatility":           "401 401 401 401 403 403 403 403 403 404 404",
	// By a session of the staff: TestStaffReadWhatAnAccessReads and staff_test.go.
	"get-staff-session":    "401 401 401 401 401 401 401 401 401 401 401",
	"sign-out-staff":       "401 401 401 401 401 401 401 401 401 401 401",
	"confirm-staff":        "401 401 401 401 401 401 401 401 401 401 401",
	"list-staff":           "401 401 401 401 401 401 401 401 401 401 401",
	"invite-staff":         "401 401 401 401 401 401 401 401 401 401 401",
	"end-invitation":       "401 401 401 401 401 401 401 401 401 401 401",
	"set-staff-roles":      "401 401 401 401 401 401 401 401 401 401 401",
	"end-staff":            "401 401 401 401 401 401 401 401 401 401 401",
	"add-passkey":          "401 401 401 401 401 401 401 401 401 401 401",
	"remove-passkey":       "401 401 401 401 401 401 401 401 401 401 401",
	"make-staff-challenge": "401 401 401 401 401 401 401 401 401 401 401",
	"read-audit":           "401 401 401 401 403 403 403 403 403 200 200",
	// By what is signed, not by who asks.
	"join-staff":          "422 422 422 422 422 422 422 422 422 422 422",
	"sign-in-staff":       "422 422 422 422 422 422 422 422 422 422 422",
	"make-challenge":      "200 200 200 200 200 200 200 200 200 200 200",
	"delegate":            "401 401 401 401 401 401 401 401 401 401 401",
	"apply":               "401 401 401 401 401 401 401 401 401 401 401",
	"find-wallets":        "401 401 401 401 401 401 401 401 401 401 401",
	"open-session":        "401 401 401 401 401 401 401 401 401 401 401",
	"submit-transactions": "403 403 403 403 422 422 403 422 403 422 422",
	"cosign":              "4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx",
	"fence":               "4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx",
	"promise":             "4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx 4xx",
}

// inquiry is a request of the table.
type inquiry struct {
	method, path, contentType string
	body                      []byte
}

// TestRightsOfEveryRoute asks every operation of the description as everybody. Where nobody is answered, what is
// refused says nothing: of what is not there it is the same, to the byte, as of what is; and it names no amount, and no
// wallet but those that were asked about.
func TestRightsOfEveryRoute(t *testing.T) {
	w := street(t)
	contract := w.escrow(t)
	other, otherBank := w.world.Admit("other bank", 2, soon())
	w.submit(t, other)
	tokens := map[string]string{"expired": "expired", "revoked": "revoked", "bank": "bank", "other bank": "other",
		"auditor": "auditor", "authority": "authority"}
	list := []api.Access{
		{Name: "expired", Role: api.RoleAuthority, TokenSHA256: api.HashToken("expired"),
			Expires: time.Now().Add(-time.Second)},
		{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank, TokenSHA256: api.HashToken("bank")},
		{Name: "other", Role: api.RoleIntermediary, Intermediary: otherBank, TokenSHA256: api.HashToken("other")},
		{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("auditor")},
		{Name: "authority", Role: api.RoleAuthority, TokenSHA256: api.HashToken("authority")},
	}
	w.server = api.New(w.node, api.Options{Origins: []string{w.http.URL}, MarketDir: t.TempDir(), Dir: t.TempDir(),
		Access: append(list, api.Access{Name: "revoked", Role: api.RoleAuthority,
			TokenSHA256: api.HashToken("revoked")})})
	d := newDescription(t, w.server)
	w.http.Config.Handler = d.around(t, w.server.Handler())
	w.server.SetAccess(list)
	session := func(wallet token.WalletID, key string) string {
		s, status, body := w.signIn(t, w.answerTo(t, w.challenge(t, wallet), wallet, key, w.http.URL))
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		return s.Token
	}
	tokens["rekeyed"] = session(w.alice, "alice")
	w.newKey(t)
	register, carol := w.world.Register("bank", w.bank, 4, "carol", 0, soon())
	w.submit(t, register)
	tokens["holder"], tokens["other holder"] = session(w.alice, "alice 2"), session(carol, "carol")
	tokens["till"] = w.delegate(t, w.alice, "alice 2", "till").Token
	there := subject{w.alice.String(), token.OutputID(w.money.ID(), 0).String(), w.money.ID().String(),
		contract.String(), "1"}
	absent := subject{strings.Repeat("9", 32), strings.Repeat("9", 64), strings.Repeat("8", 64),
		strings.Repeat("7", 32), "99"}
	for _, p := range d.paths {
		for method, op := range p.ops {
			o := op.(map[string]any)
			id := o["operationId"].(string)
			row := strings.Fields(rights[id])
			if len(row) != len(rightsRoles) {
				t.Errorf("%s (%s %s) has no row in the table of rights: say who is answered what", id, method, p.path)
				continue
			}
			for i, role := range rightsRoles {
				w.holdRight(t, id, role, row[i], tokens[role], there.query(w, strings.ToUpper(method), p.path),
					absent.query(w, strings.ToUpper(method), p.path))
			}
		}
	}
	for id := range rights {
		if !strings.Contains(fmt.Sprint(d.doc["paths"]), "operationId:"+id+" ") {
			t.Errorf("the table of rights has %s, and the description has not", id)
		}
	}
}

// Pages and documents beside the API are the same to everybody: of what is mounted and not described nothing depends on
// who asks.
func TestPagesAreTheSameToEverybody(t *testing.T) {
	w := street(t)
	w.server = api.New(w.node,
		api.Options{Access: []api.Access{{Name: "authority", Role: api.RoleAuthority,
			TokenSHA256: api.HashToken("authority")}}})
	w.http.Config.Handler = w.server.Handler()
	d := newDescription(t, w.server)
	pages := 0
	for _, pattern := range w.server.Routes() {
		method, path, spaced := strings.Cut(pattern, " ")
		if !spaced {
			t.Errorf("%q is mounted for every method", pattern)
			continue
		}
		path = strings.TrimSuffix(path, "{$}")
		if _, op := d.operation(method, strings.NewReplacer("{", "", "}", "").Replace(path)); op != nil ||
			path == "/tile/" || path == "/tile/entries/" {
			continue
		}
		if pages++; method != http.MethodGet {
			t.Errorf("%s is mounted beside the description", pattern)
		}
		status, _, nobody := w.query(t, inquiry{method: method, path: path}, "")
		status2, _, authority := w.query(t, inquiry{method: method, path: path}, "authority")
		if status != status2 || string(nobody) != string(authority) {
			t.Errorf("%s depends on who asks", pattern)
		}
	}
	if pages != len(undescribed) {
		t.Errorf("%d pages are mounted, and %d are known", pages, len(undescribed))
	}
}

// subject is whom and what is asked about.
type subject struct{ wallet, token, transaction, contract, height string }

func (s subject) query(w *town, method, path string) inquiry {
	of := s.wallet
	switch {
	case strings.HasPrefix(path, "/v1/tokens/"):
		of = s.token
	case strings.HasPrefix(path, "/v1/transactions/"):
		of = s.transaction
	case strings.HasPrefix(path, "/v1/contracts/"):
		of = s.contract
	}
	index := "000"
	if strings.Contains(path, "{width}") {
		index = "000.p"
	}
	a := inquiry{method: method, path: strings.NewReplacer("{id}", of, "{height}", s.height, "{number}", "1",
		"{measure}", "value", "{level}", "0", "{index}", index, "{width}", "3", "{delegation}", strings.Repeat("d", 32),
		"{application}", strings.Repeat("a", 32), "{draft}", strings.Repeat("e", 64), "{purse}",
		strings.Repeat("b", 32), "{account}", strings.Repeat("c", 32), "{invitation}", strings.Repeat("f", 16),
		"{passkey}", strings.Repeat("b", 64)).Replace(path)}
	if path == "/v1/purposes/{number}/check" {
		a.path += "?payee=" + strings.Repeat("9", 32)
	}
	if path == "/v1/events" {
		a.path += "?topics=wallet"
	}
	if path == "/v1/feed" {
		a.path += "?from=0"
	}
	if strings.HasPrefix(path, "/v1/market/") && !strings.HasSuffix(path, "paper") {
		for _, question := range []string{"summary", "volatility", "garch", "risk", "report", "concentration", "breaks",
			"liquidity", "intraday"} {
			if strings.HasSuffix(path, "/"+question) {
				a.path += "?file=none.csv"
			}
		}
		if strings.HasSuffix(path, "/spillover") {
			a.path += "?files=none.csv,neither.csv"
		}
	}
	if method == http.MethodPost {
		a.contentType, a.body = "application/json", []byte(`{}`)
		switch path {
		case "/v1/explain":
			a.body = []byte(`{"code":"expired"}`)
		case "/v1/staff/challenges":
			a.body = []byte(`{"purpose":"confirm"}`)
		case "/v1/staff/invitations":
			a.body = []byte(`{"name":"mallory","roles":["administrator"]}`)
		case "/v1/staff/session/confirmations":
			a.body = []byte(
				`{"challenge":"00","passkey":{"id":"","client_data":"","authenticator":"","signature":"","account":""}}`)
		case "/v1/staff/session/passkeys":
			a.body = []byte(`{"name":"mine","challenge":"00","passkey":{"id":"","client_data":"","object":""}}`)
		case "/v1/staff/accounts", "/v1/staff/sessions":
		case "/v1/sessions/challenges":
			a.body = []byte(`{"wallet":"` + s.wallet + `"}`)
		case "/v1/sessions/wallets":
			a.body = []byte(`{"key":"` + w.world.Key("alice").Public().String() + `","origin":"` +
				w.http.URL + `","challenge":"00","signature":"` + strings.Repeat("0", 130) + `"}`)
		case "/v1/sessions/delegations":
			a.body = []byte(`{"wallet":"` + s.wallet + `","origin":"` +
				w.http.URL + `","challenge":"00","until_millis":` + fmt.Sprint(soon()) + `,"signature":"` +
				strings.Repeat("0", 130) + `"}`)
		case "/v1/applications":
			a.body = []byte(`{"bank":"` + w.bank.String() + `","key":"` + w.world.Key("dina").Public().String() +
				`","signature":"` + strings.Repeat("0", 130) + `"}`)
		case "/v1/drafts":
			a.body = []byte(`{"network":"` + w.node.Network().String() +
				`","transaction":{"kind":"close","valid_until":` + fmt.Sprint(soon()) + `,"body":{"wallet":"` +
				s.wallet + `","version":1,"by":"wallet"},"witnesses":[]}}`)
		case "/v1/drafts/{draft}/signatures":
			a.body = []byte(`{"role":"wallet","index":0,"signature":"` + strings.Repeat("0", 130) + `"}`)
		case "/v1/drafts/{draft}/refusals":
			a.body = []byte(`{"key":"` + w.world.Key("alice").Public().String() + `","signature":"` +
				strings.Repeat("0", 130) + `"}`)
		case "/v1/applications/{application}/acceptance":
			a.body = []byte(`{"draft":{}}`)
		case "/v1/applications/{application}/refusal":
			a.body = []byte(`{"reason":"no"}`)
		case "/v1/transactions/check":
			a.contentType, a.body = "application/cbor", w.payBob(1).Encode()
		case "/v1/sessions":
			a.body = []byte(`{"wallet":"` + s.wallet + `","origin":"` +
				w.http.URL + `","challenge":"00","signature":"` + strings.Repeat("0", 130) + `"}`)
		case "/v1/wallets/{id}/selections":
			a.body = []byte(`{"amount":1}`)
		case "/v1/wallets/{id}/releases":
			a.body = []byte(`{"tokens":[]}`)
		case "/v1/transactions":
			a.body = []byte(`{"kind":"close","valid_until":` + fmt.Sprint(soon()) + `,"body":{"wallet":"` +
				s.wallet + `","version":1,"by":"wallet"},"witnesses":[]}`)
		default:
			a.contentType, a.body = "text/plain", []byte("no note")
		}
	}
	if method == http.MethodPut {
		a.contentType, a.body = "application/json", []byte(`{"roles":["auditor"]}`)
		if strings.HasSuffix(path, "/backup") {
			a.body = []byte(`{"after":0,"sealed":"AQID"}`)
		}
	}
	return a
}

// holdRight asks as a role about what is there and about what is not.
func (w *town) holdRight(t *testing.T, id, role, want, access string, there, absent inquiry) {
	t.Helper()
	status, _, body := w.query(t, there, access)
	var chosen node.Selection
	if id == "select-tokens" && json.Unmarshal(body, &chosen) == nil { // the next one finds them free
		for _, live := range chosen.Tokens {
			w.node.Release(w.alice, []token.ID{live.ID})
		}
	}
	if id == "put-backup" && status == http.StatusOK { // as above
		w.query(t, inquiry{method: http.MethodDelete, path: there.path}, access)
	}
	if got := fmt.Sprint(status); got != want && !(want == "4xx" && got[0] == '4') {
		t.Errorf("%s as %s: %d %.200s, want %s", id, role, status, body, want)
	}
	if status < 400 {
		return
	}
	var p api.Problem
	if json.Unmarshal(body, &p) == nil {
		for _, word := range strings.FieldsFunc(p.Detail, func(r rune) bool {
			return !strings.ContainsRune("0123456789abcdef.", r)
		}) {
			if len(word) == 32 && !strings.Contains(there.path+string(there.body), word) {
				t.Errorf("%s as %s names %s: %s", id, role, word, body)
			}
		}
		for _, amount := range []string{"100000", "10000000", "1000000.00", "40.00", "99960"} {
			if strings.Contains(p.Detail, amount) {
				t.Errorf("%s as %s tells an amount: %s", id, role, body)
			}
		}
	}
	if own := role == "holder" || role == "till" || role == "bank"; own ||
		status != http.StatusUnauthorized && status != http.StatusForbidden {
		return // what is his he knows
	}
	status2, _, body2 := w.query(t, absent, access)
	if status2 != status || string(body2) != string(body) {
		t.Errorf("%s as %s: %d %s of what is there, and %d %s of what is not", id, role, status, body, status2, body2)
	}
}

// query sends a request; of a stream the status is enough.
func (w *town) query(t *testing.T, a inquiry, access string) (int, string, []byte) {
	t.Helper()
	if a.method == http.MethodGet {
		return w.get(t, a.path, access)
	}
	return w.call(t, a.method, a.path, a.contentType, access, a.body)
}

// An answer that the log is not long enough for is refused as one that cannot be given yet, and at once to who may read
// nothing.
func TestAnAnswerThatCannotBeGivenYet(t *testing.T) {
	w := newTown(t, api.Options{})
	access := api.Access{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("auditor")}
	w.http.Config.Handler = checked(t, api.New(w.node, api.Options{Access: []api.Access{access}}))
	path := "/v1/wallets/" + w.alice.String() + "?min_size=9223372036854775808"
	w.problem(t, "GET", path, "", "auditor", nil, http.StatusConflict, "not-yet")
	w.problem(t, "GET", path, "", "", nil, http.StatusUnauthorized, "unauthorised")
}

// A folder of market data that is not there any more is no fault of the node.
func TestAMarketFolderThatIsGone(t *testing.T) {
	w := newTown(t, api.Options{Open: true, MarketDir: "/nosuch"})
	for _, question := range []string{"files", "use", "paper", "functions"} {
		w.problem(t, "GET", "/v1/market/"+question, "", "", nil, http.StatusNotFound, "no-market-data")
	}
}

// A refusal for what the payee holds does not say how much that is.
func TestARefusalDoesNotTellWhatThePayeeHolds(t *testing.T) {
	w := newTown(t, api.Options{})
	first := w.payBob(7_777 * money.Tenge)
	w.submit(t, first)
	text, err := json.Marshal(w.world.Pay(w.alice, w.world.Key("alice"), w.bob, 8_000*money.Tenge,
		[]token.ID{token.OutputID(first.ID(), 1)}, 92_223*money.Tenge, soon()))
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := w.call(t, "POST", "/v1/transactions", "application/json", "", text)
	var p api.Problem
	if err := json.Unmarshal(body, &p); err != nil || status != http.StatusUnprocessableEntity ||
		p.Code != "limit-balance" || strings.Contains(p.Detail, "7777") {
		t.Errorf("%d %s", status, body)
	}
}
