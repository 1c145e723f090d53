package farms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/farms"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/orders"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// yard is a farm of simulated machines at two sites, watched for twenty minutes, in which one machine of each site
// stopped answering.
type yard struct {
	*testing.T
	server *farms.Server
	dir    string
	units  []*simulate.Unit
	tokens map[string]string
	schema map[string]*jsonschema.Schema
	seen   map[string]bool // operations that were answered with success
}

const settings = `four_eyes = 4
[[people]]
name = "operator"
secret_sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
[[people]]
name = "owner"
secret_sha256 = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
`

// inYard plays in a bubble of time.
func inYard(t *testing.T, play func(y *yard)) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "farm.toml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		now := usage.At(time.Now())
		units := simulate.Units(8, 3, protocol.Braiins, now, nil)
		var machines []fleet.Machine
		byID := map[string]*simulate.Unit{}
		for i, u := range units {
			u.Machine.Protocol, u.Machine.Since = protocol.Braiins, time.Now().Unix()
			u.Machine.Place = fleet.Place{Site: []string{"north", "south"}[i%2], Container: "c1",
				Rack: fmt.Sprint("r", i/2)}
			machines, byID[u.Machine.ID] = append(machines, u.Machine), u
		}
		for _, u := range units[:2] {
			u.Break(simulate.Fault{Kind: simulate.Offline, From: now + 10*usage.Minute, To: now + usage.Day})
		}
		b, err := records.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if _, _, err := b.Fleet.Merge(machines); err != nil {
			t.Fatal(err)
		}
		if err := b.Fleet.Save(); err != nil {
			t.Fatal(err)
		}
		m, err := monitor.New(b, monitor.Options{Log: slog.New(slog.DiscardHandler),
			Query: func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) {
				r, ok := byID[m.ID].Reading(usage.At(time.Now()))
				if !ok {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return r, nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
		defer stop()
		if err := m.Run(ctx); err != nil {
			t.Fatal(err)
		}
		y := &yard{T: t, server: farms.New(m, nil, slog.New(slog.DiscardHandler)), dir: dir, units: units,
			tokens: map[string]string{"nobody": ""}, schema: map[string]*jsonschema.Schema{}, seen: map[string]bool{}}
		for _, r := range farms.Roles {
			y.grant(string(r), r, "*", time.Time{})
		}
		y.grant("north operator", farms.Operator, "north", time.Time{})
		y.grant("expired", farms.Owner, "*", time.Now().Add(-time.Second))
		y.grant("revoked", farms.Owner, "*", time.Time{})
		if status, _ := y.ask("revoked", "GET", "/v1/accesses", ""); status != http.StatusOK {
			t.Fatal("before it was revoked:", status)
		}
		if err := farms.RevokeAccess(dir, "revoked"); err != nil {
			t.Fatal(err)
		}
		y.tokens["unknown"] = api.NewToken()
		play(y)
	})
}

func (y *yard) grant(name string, role farms.Role, selector string, expires time.Time) {
	y.Helper()
	token, err := farms.AddAccess(y.dir, farms.Access{Name: name, Role: role, Selector: selector, Expires: expires})
	if err != nil {
		y.Fatal(err)
	}
	y.tokens[name] = token
}

// ask sends a request and holds the answer against the description.
func (y *yard) ask(who, method, path, body string) (status int, answer []byte) {
	y.Helper()
	token, known := y.tokens[who]
	if !known {
		y.Fatalf("nobody is called %q", who)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	y.server.ServeHTTP(w, r)
	answer = w.Body.Bytes()
	y.hold(method, path, w.Code, w.Header().Get("Content-Type"), answer)
	return w.Code, answer
}

// into asks for what must be answered.
func (y *yard) into(out any, who, method, path, body string) {
	y.Helper()
	status, answer := y.ask(who, method, path, body)
	if status != http.StatusOK {
		y.Fatalf("%s %s as %s: %d %s", method, path, who, status, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		y.Fatal(err)
	}
}

// hold holds an answer against the description.
func (y *yard) hold(method, path string, status int, kind string, body []byte) {
	y.Helper()
	if status >= 400 {
		var p api.Problem
		if err := json.Unmarshal(body, &p); err != nil || kind != "application/problem+json" || p.Code == "" ||
			p.Status != status {
			y.Errorf("%s %s: %d %s %s", method, path, status, kind, body)
		}
		return
	}
	pattern, id := y.operation(method, path)
	y.seen[id] = true
	if status == http.StatusNoContent {
		return
	}
	if y.schema[id] == nil {
		text, err := json.Marshal(y.server.OpenAPI())
		if err != nil {
			y.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			y.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		c.AssertFormat()
		if err := c.AddResource("openapi.json", doc); err != nil {
			y.Fatal(err)
		}
		y.schema[id], err = c.Compile("openapi.json#/paths/" + strings.ReplaceAll(pattern, "/", "~1") + "/" +
			strings.ToLower(method) + fmt.Sprint("/responses/", status) + "/content/application~1json/schema")
		if err != nil {
			y.Fatalf("%s: %v", id, err)
		}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		y.Fatal(err)
	}
	if err := y.schema[id].Validate(value); err != nil {
		y.Errorf("%s %s is not as described: %v\n%.300s", method, path, err, body)
	}
}

// operation is what the description has of a request.
func (y *yard) operation(method, path string) (pattern, id string) {
	y.Helper()
	path, _, _ = strings.Cut(path, "?")
	asked := strings.Split(path, "/")
	for pattern, item := range y.server.OpenAPI().Paths {
		parts := strings.Split(pattern, "/")
		same := len(parts) == len(asked)
		for i := range min(len(parts), len(asked)) {
			same = same && (parts[i] == asked[i] || strings.HasPrefix(parts[i], "{"))
		}
		op := map[string]any{"GET": item.Get, "POST": item.Post, "DELETE": item.Delete}
		if _, there := op[method]; same && there {
			switch {
			case method == "GET" && item.Get != nil:
				return pattern, item.Get.OperationID
			case method == "POST" && item.Post != nil:
				return pattern, item.Post.OperationID
			case method == "DELETE" && item.Delete != nil:
				return pattern, item.Delete.OperationID
			}
		}
	}
	y.Fatalf("%s %s is answered and not described", method, path)
	return "", ""
}

// callers are the columns of rights.
var callers = []string{"nobody", "unknown", "expired", "revoked", "viewer", "technician", "operator", "owner",
	"north operator"}

// rights says what each is answered about a machine at the site south, and the alert, ticket and order of it.
var rights = map[string]string{
	//                    -   unk exp rev vie tec ope own north
	"get-farm":           "401 401 401 401 200 200 200 200 200",
	"list-machines":      "401 401 401 401 200 200 200 200 200",
	"get-machine":        "401 401 401 401 200 200 200 200 404",
	"list-polls":         "401 401 401 401 200 200 200 200 404",
	"list-alerts":        "401 401 401 401 200 200 200 200 200",
	"get-month":          "401 401 401 401 200 200 200 200 200",
	"acknowledge-alerts": "401 401 401 401 403 200 200 200 404",
	"list-tickets":       "401 401 401 401 403 200 200 200 200",
	"open-tickets":       "401 401 401 401 403 200 200 200 404",
	"note-ticket":        "401 401 401 401 403 200 200 200 404",
	"close-ticket":       "401 401 401 401 403 200 200 200 404",
	"list-orders":        "401 401 401 401 403 200 200 200 200",
	"give-order":         "401 401 401 401 403 403 200 200 404",
	"confirm-order":      "401 401 401 401 403 403 403 200 403", // who gave it; not of farm.toml
	"withdraw-order":     "401 401 401 401 403 403 200 200 404",
	"list-accesses":      "401 401 401 401 403 403 403 200 403",
	"new-access":         "401 401 401 401 403 403 403 200 403",
	"revoke-access":      "401 401 401 401 403 403 403 204 403",
}

// request prepares an operation about the site south.
func (y *yard) request(id string, n int) (method, path, body string) {
	y.Helper()
	machine := y.units[1].Machine.ID
	fresh := func() string { // a ticket that is open
		var opened farms.Tickets
		body := fmt.Sprintf(`{"selector":"%s","kind":"hot"}`, y.units[3].Machine.ID)
		y.into(&opened, "owner", "POST", "/v1/tickets", body)
		return fmt.Sprint("/v1/tickets/", opened.Tickets[0].ID)
	}
	order := func(selector string) string {
		var given farms.Order
		y.into(&given, "operator", "POST", "/v1/orders", `{"selector":"`+selector+`","action":"sleep"}`)
		return fmt.Sprint("/v1/orders/", given.ID)
	}
	switch id {
	case "get-farm", "list-machines", "list-alerts", "list-tickets", "list-orders", "list-accesses":
		return "GET", map[string]string{"get-farm": "/v1/farm", "list-machines": "/v1/machines",
			"list-alerts": "/v1/alerts", "list-tickets": "/v1/tickets?all=true", "list-orders": "/v1/orders?all=true",
			"list-accesses": "/v1/accesses"}[id], ""
	case "get-machine":
		return "GET", "/v1/machines/" + machine, ""
	case "list-polls":
		return "GET", "/v1/machines/" + machine + "/polls", ""
	case "get-month":
		return "GET", "/v1/months/" + time.Now().UTC().Format("2006-01"), ""
	case "acknowledge-alerts":
		return "POST", "/v1/alerts/acknowledgements", `{"selector":"` + machine + `","note":"cable"}`
	case "open-tickets":
		for _, t := range y.openTickets() {
			y.into(&struct{}{}, "owner", "POST", fmt.Sprintf("/v1/tickets/%d/close", t), `{"outcome":"nothing-found"}`)
		}
		return "POST", "/v1/tickets", `{"selector":"` + machine + `"}`
	case "note-ticket":
		path := fresh()
		y.into(&struct{}{}, "owner", "POST", path+"/close", `{"outcome":"repaired"}`)
		return "POST", fresh() + "/notes", `{"text":"fan ordered","part":"fan","cost_tiyn":450000}`
	case "close-ticket":
		for _, t := range y.openTickets() {
			y.into(&struct{}{}, "owner", "POST", fmt.Sprintf("/v1/tickets/%d/close", t), `{"outcome":"nothing-found"}`)
		}
		return "POST", fresh() + "/close", `{"outcome":"repaired","text":"fan changed"}`
	case "give-order":
		return "POST", "/v1/orders", `{"selector":"` + machine + `","action":"reboot"}`
	case "confirm-order":
		return "POST", order("*") + "/confirm", ""
	case "withdraw-order":
		return "POST", order(machine) + "/withdraw", ""
	case "new-access":
		return "POST", "/v1/accesses", fmt.Sprintf(`{"name":"new %d","role":"viewer"}`, n)
	case "revoke-access":
		y.grant(fmt.Sprint("old ", n), farms.Viewer, "*", time.Time{})
		return "DELETE", fmt.Sprintf("/v1/accesses/old%%20%d", n), ""
	}
	y.Fatalf("%s is in no test", id)
	return "", "", ""
}

func (y *yard) openTickets() (ids []int64) {
	var list farms.Tickets
	y.into(&list, "owner", "GET", "/v1/tickets", "")
	for _, t := range list.Tickets {
		ids = append(ids, t.ID)
	}
	return ids
}

// Every operation is answered to whom it is for and refused to all others; every answer is as the description says.
func TestRights(t *testing.T) {
	inYard(t, func(y *yard) {
		var ids []string
		for _, item := range y.server.OpenAPI().Paths {
			if item.Get != nil {
				ids = append(ids, item.Get.OperationID)
			}
			if item.Post != nil {
				ids = append(ids, item.Post.OperationID)
			}
			if item.Delete != nil {
				ids = append(ids, item.Delete.OperationID)
			}
		}
		if len(ids) != len(rights) {
			y.Errorf("%d operations are described, the table has %d", len(ids), len(rights))
		}
		slices.Sort(ids)
		for _, id := range ids {
			want := strings.Fields(rights[id])
			if len(want) != len(callers) {
				y.Fatalf("%s is not in the table of rights", id)
			}
			for i, who := range callers {
				if id == "note-ticket" || id == "open-tickets" || id == "close-ticket" {
					for _, open := range y.openTickets() {
						y.into(&struct{}{}, "owner", "POST", fmt.Sprintf("/v1/tickets/%d/close", open),
							`{"outcome":"nothing-found"}`)
					}
				}
				method, path, body := y.request(id, i)
				if status, answer := y.ask(who, method, path, body); fmt.Sprint(status) != want[i] {
					y.Errorf("%s (%s %s) as %s: %d, want %s: %s", id, method, path, who, status, want[i], answer)
				}
			}
			if !y.seen[id] {
				y.Errorf("%s was never answered", id)
			}
		}
		// Nothing is served beside the description.
		for _, pattern := range y.server.Patterns() {
			method, path, _ := strings.Cut(pattern, " ")
			if strings.HasPrefix(path, "/openapi") {
				continue
			}
			if _, id := y.operation(method, path); rights[id] == "" {
				y.Errorf("%s is served and has no rights", pattern)
			}
		}
	})
}

// Lists come in pages that make the whole; an access to a part of the farm sees that part alone.
func TestPagesAndParts(t *testing.T) {
	inYard(t, func(y *yard) {
		var ids []string
		path := "/v1/machines?limit=3"
		for pages := 1; ; pages++ {
			var page farms.Machines
			y.into(&page, "viewer", "GET", path, "")
			for _, m := range page.Machines {
				ids = append(ids, m.ID)
				if m.Address != "" || m.Worker != "" {
					y.Error("a viewer is shown where machines answer")
				}
			}
			if page.Next == "" {
				if pages != 3 {
					y.Errorf("%d pages of at most 3 for 8 machines", pages)
				}
				break
			}
			path = "/v1/machines?limit=3&after=" + page.Next
		}
		if len(ids) != 8 || !slices.IsSorted(ids) || len(slices.Compact(ids)) != 8 {
			y.Errorf("machines %v", ids)
		}
		for _, bad := range []string{"/v1/machines?limit=0", "/v1/machines?limit=1001", "/v1/alerts?after=x",
			"/v1/machines/" + ids[0] + "/polls?from=2020-01-01T00:00:00Z", "/v1/months/2026-1",
			"/v1/months/2026-10?by=owner"} {
			if status, answer := y.ask("owner", "GET", bad, ""); status != http.StatusUnprocessableEntity {
				y.Errorf("%s: %d %s", bad, status, answer)
			}
		}
		var polls, rest farms.Polls
		machine := "/v1/machines/" + y.units[2].Machine.ID + "/polls"
		y.into(&polls, "viewer", "GET", machine+"?limit=15", "")
		if len(polls.Polls) != 15 || polls.Next == nil {
			y.Fatalf("%d polls, next %v", len(polls.Polls), polls.Next)
		}
		y.into(&rest, "viewer", "GET", machine+"?from="+polls.Next.Format(time.RFC3339Nano), "")
		if all := append(polls.Polls, rest.Polls...); len(all) < 38 || len(all) > 40 || all[15].At != *polls.Next {
			y.Errorf("%d polls in twenty minutes", len(all))
		}

		var part farms.Machines
		y.into(&part, "north operator", "GET", "/v1/machines", "")
		for _, m := range part.Machines {
			if !strings.HasPrefix(m.Place, "north/") || m.Address == "" {
				y.Errorf("an operator of north sees %+v", m)
			}
		}
		var alerts farms.Alerts
		y.into(&alerts, "north operator", "GET", "/v1/alerts", "")
		if len(part.Machines) != 4 || len(alerts.Alerts) != 1 || alerts.Alerts[0].Machine != y.units[0].Machine.ID {
			y.Errorf("%d machines, alerts %+v", len(part.Machines), alerts)
		}
		var at struct {
			records.Overview
			Joined []farms.JoinedFarm `json:"joined"`
		}
		y.into(&at, "viewer", "GET", "/v1/farm", "")
		if at.Whole.Machines != 8 || at.Whole.Answering != 6 || at.Whole.Alerts != 2 || len(at.Sites) != 2 ||
			at.Sites[0].Machines+at.Sites[1].Machines != 8 ||
			at.Sites[0].RateMHs+at.Sites[1].RateMHs != at.Whole.RateMHs {
			y.Errorf("%+v", at)
		}
		month := "/v1/months/" + time.Now().UTC().Format("2006-01")
		if status, _ := y.ask("north operator", "GET", month+"?selector=south", ""); status != http.StatusNotFound {
			y.Error("the month of another part:", status)
		}
	})
}

// Above four_eyes machines two people of farm.toml are needed, whoever has accesses; and an order that is written down
// through the API is one that 'farm orders run' finds due.
func TestOrdersNeedTwoPeople(t *testing.T) {
	inYard(t, func(y *yard) {
		y.grant("stranger", farms.Owner, "*", time.Time{})
		all := `{"selector":"*","action":"sleep"}`
		if status, answer := y.ask("stranger", "POST", "/v1/orders", all); status != 403 ||
			!strings.Contains(string(answer), `"farm-person"`) {
			y.Errorf("%d %s", status, answer)
		}
		var o farms.Order
		y.into(&o, "operator", "POST", "/v1/orders", `{"selector":"*","action":"sleep"}`)
		if o.State != orders.Waiting || len(o.First().Machines) != 8 {
			y.Errorf("%+v", o)
		}
		path := fmt.Sprintf("/v1/orders/%d/confirm", o.ID)
		if status, answer := y.ask("operator", "POST", path, ""); status != 403 ||
			!strings.Contains(string(answer), `"farm-second-person"`) {
			y.Errorf("%d %s", status, answer)
		}
		y.into(&o, "owner", "POST", path, "")
		begun, _, err := orders.Claim(vfs.OS, y.dir, "runner", time.Now().UTC(), func() error { return nil })
		if o.State != orders.Due || err != nil || len(begun) != 1 || begun[0].ID != o.ID {
			y.Errorf("%+v %v %v", o, begun, err)
		}
		for _, bad := range []string{`{"selector":"*","action":"password"}`, `{"selector":"*","action":"pool"}`,
			`{"selector":"*"}`, `{"selector":"*","action":"sleep","unknown":1}`,
			`{"selector":"*","action":"sleep","until":"2000-01-01T00:00:00Z"}`, `[]`, ``} {
			if status, answer := y.ask("operator", "POST", "/v1/orders", bad); status < 400 || status >= 500 {
				y.Errorf("%s: %d %s", bad, status, answer)
			}
		}
		if status, _ := y.ask("operator", "POST", "/v1/orders",
			`{"selector":"`+strings.Repeat("x", 100<<10)+`"}`); status != http.StatusRequestEntityTooLarge {
			y.Error("a body of 100 KiB:", status)
		}
	})
}

// The folder has no token; a file of accesses that is damaged opens nothing; names and parts are checked.
func TestAccessesAreKept(t *testing.T) {
	inYard(t, func(y *yard) {
		path := filepath.Join(y.dir, "accesses.json")
		content, err := os.ReadFile(path)
		if err != nil {
			y.Fatal(err)
		}
		for name, token := range y.tokens {
			if token != "" && bytes.Contains(content, []byte(token)) {
				y.Errorf("the token of %s is in the file", name)
			}
		}
		for _, bad := range []farms.Access{{Role: farms.Viewer, Selector: "*"},
			{Name: "a", Role: "king", Selector: "*"},
			{Name: "a", Role: farms.Owner, Selector: "north"}, {Name: "viewer", Role: farms.Viewer, Selector: "*"},
			{Name: "a", Role: farms.Viewer}, {Name: "a", Role: farms.Viewer, Selector: "nope"},
			{Name: "a", Role: farms.Viewer, Selector: "north/c"},
			{Name: "a", Role: farms.Viewer, Selector: "*", TokenSHA256: "00"}} {
			if _, err := farms.AddAccess(y.dir, bad); err == nil {
				y.Errorf("%+v was taken", bad)
			}
		}
		if err := os.WriteFile(path, []byte("[{"), 0o600); err != nil {
			y.Fatal(err)
		}
		if status, _ := y.ask("owner", "GET", "/v1/farm", ""); status != http.StatusUnauthorized {
			y.Error("with a damaged file:", status)
		}
	})
}

// Joined farms are read over HTTP with their tokens; one that is down is said to be, with what it answered last.
func TestJoinedFarms(t *testing.T) {
	inYard(t, func(y *yard) {
		// The client is of another process: outside of the bubble's time, as any farm elsewhere.
		tokens := filepath.Join(y.dir, "token")
		if err := os.WriteFile(tokens, []byte(y.tokens["technician"]+"\n"), 0o600); err != nil {
			y.Fatal(err)
		}
		h := httptest.NewServer(y.server)
		defer h.Close()
		j := records.JoinedFarm{Name: "aktobe", URL: h.URL, TokenFile: tokens}
		c, err := farms.NewClient(j)
		if err != nil {
			y.Fatal(err)
		}
		defer c.Close()
		machines, err := c.Machines(y.Context())
		if err != nil || len(machines) != 8 || machines[0].Address == "" {
			y.Errorf("%d machines, %v", len(machines), err)
		}
		alerts, err := c.Alerts(y.Context())
		if err != nil || len(alerts) != 2 {
			y.Errorf("%+v, %v", alerts, err)
		}
		if _, err := c.Tickets(y.Context()); err != nil {
			y.Error(err)
		}
		joined := farms.NewJoined([]records.JoinedFarm{j, {Name: "absent", URL: h.URL, TokenFile: tokens + ".none"}},
			slog.New(slog.DiscardHandler))
		joined.Read(y.Context())
		list := joined.Farms()
		if !list[0].Reached || list[0].Overview.Whole.Machines != 8 || list[1].Reached || list[1].Problem == "" {
			y.Errorf("%+v", list)
		}
		if err := farms.RevokeAccess(y.dir, "technician"); err != nil {
			y.Fatal(err)
		}
		joined.Read(y.Context())
		if list = joined.Farms(); list[0].Reached || list[0].Overview == nil ||
			!strings.Contains(list[0].Problem, "unauthorised") {
			y.Errorf("%+v", list[0])
		}
	})
}

// A file of accesses that anybody wrote is refused or understood, and never opens what it does not say.
func FuzzAccesses(f *testing.F) {
	f.Add([]byte(`[{"name":"a","role":"viewer","selector":"*","token_sha256":"` + api.HashToken("x") + `"}]`))
	f.Add([]byte(`[{"name":"a","role":"owner","selector":"north"}]`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "accesses.json"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		list, err := farms.ReadAccesses(dir)
		for _, a := range list {
			if err != nil || a.Name == "" || !slices.Contains(farms.Roles, a.Role) || a.Selector == "" ||
				a.Role == farms.Owner && a.Selector != "*" {
				t.Errorf("%+v %v", a, err)
			}
		}
	})
}
