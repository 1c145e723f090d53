package api_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
)

// Clients in other languages are generated from the description, and pay. 'make interop' installs the generators; what the
// generated clients and the node said to each other then stands in testdata/clients, and is held against the description of today
// wherever there are none.

// generators is where 'make interop' puts them.
const generators = "../.tools/clients"

// morePreciseThanDoubles is the least whole number that a double cannot hold: a client that reads amounts as doubles pays another.
const morePreciseThanDoubles = money.Tiyn(1<<53 + 1)

// wealth has two customers without limits, and more tiyn than a double can count.
type wealth struct {
	town
	carol, dave token.WalletID
}

func newWealth(t *testing.T, options api.Options, around func(http.Handler) http.Handler) *wealth {
	t.Helper()
	w := &wealth{town: town{world: sim.NewWorld(53)}}
	w.world.Genesis.DailyCap = 1 << 60
	w.world.Refound()
	config := node.Config{Dir: t.TempDir(), Options: txlog.Options{Origin: w.world.Genesis.Name, Signers: []note.Signer{w.world.LogSigner}, SegmentBytes: 1 << 20}}
	if err := node.Init(config, w.world.Genesis); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.node, err = node.Open(config); err != nil {
		t.Fatal(err)
	}
	w.http = httptest.NewUnstartedServer(nil)
	options.Origins = []string{"http://" + w.http.Listener.Addr().String()}
	w.server = api.New(w.node, options)
	w.http.Config.Handler = around(checked(t, w.server))
	w.http.Start()
	t.Cleanup(func() {
		w.http.CloseClientConnections()
		w.http.Close()
		if err := w.node.Close(); err != nil {
			t.Error(err)
		}
	})
	var tx *token.Transaction
	tx, w.bank = w.world.Admit("bank", 1, soon())
	w.submit(t, tx)
	tx, w.carol = w.world.Register("bank", w.bank, 1, "carol", 2, soon())
	w.submit(t, tx)
	tx, w.dave = w.world.Register("bank", w.bank, 2, "dave", 2, soon())
	w.submit(t, tx)
	issue := w.world.Issue(1, w.bank, soon(), 4*morePreciseThanDoubles+1)
	w.submit(t, issue)
	w.submit(t, w.world.Pay(w.bank, w.world.Key("bank treasury"), w.carol, 3*morePreciseThanDoubles, []token.ID{token.OutputID(issue.ID(), 0)}, 4*morePreciseThanDoubles+1, soon()))
	return w
}

// exchange is a request and its answer, as they were sent.
type exchange struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	Type    string `json:"type,omitempty"` // of the request
	Request string `json:"request,omitempty"`
	Status  int    `json:"status"`
	As      string `json:"as,omitempty"` // type of the answer
	Answer  string `json:"answer,omitempty"`
}

// transcript keeps what is said.
type transcript struct {
	mu   sync.Mutex
	said []exchange
}

func (r *transcript) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		sent, err := io.ReadAll(request.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request.Body = io.NopCloser(bytes.NewReader(sent))
		kept := &keptAnswer{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(kept, request)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.said = append(r.said, exchange{request.Method, request.URL.Path, request.Header.Get("Content-Type"), string(sent), kept.status, w.Header().Get("Content-Type"), kept.body.String()})
	})
}

// generated is a client of another language: how it is made and started.
type generated struct {
	name  string // of its transcript
	make  [][]string
	start []string
}

func clients(t *testing.T, tools string) []generated {
	t.Helper()
	bin, python := filepath.Join(tools, "node_modules/.bin"), filepath.Join(tools, "python/bin")
	return []generated{
		{"typescript", [][]string{{bin + "/openapi-ts", "-f", "openapi-ts.config.mjs"}, {bin + "/tsc", "-p", "."}}, []string{"node", "built/pay.js"}},
		{"python", [][]string{{python + "/openapi-python-client", "generate", "--path", "openapi.json", "--output-path", "client", "--meta", "none", "--config", "python.yaml"}}, []string{python + "/python3", "pay.py"}},
	}
}

// workshop is a folder with the node's description and the sources beside the generators.
func workshop(t *testing.T, w *town) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clients")
	if err := os.CopyFS(dir, os.DirFS("testdata/clients")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(toolsOf(t), "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	status, _, description := w.get(t, "/openapi.json", "")
	if status != http.StatusOK {
		t.Fatalf("%d %.200s", status, description)
	}
	if err := os.WriteFile(filepath.Join(dir, "openapi.json"), description, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// toolsOf is the generators' folder, or skips.
func toolsOf(t *testing.T) string {
	t.Helper()
	tools, err := filepath.Abs(generators)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"node_modules/.bin/openapi-ts", "node_modules/.bin/redocly", "python/bin/openapi-python-client", "python/bin/st"} {
		if _, err := os.Stat(filepath.Join(tools, tool)); err != nil {
			t.Skipf("SKIPPED: %s is not here; 'make interop' installs it", tool)
		}
	}
	return tools
}

func command(t *testing.T, dir string, env []string, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), args[0], args[1:]...)
	var printed bytes.Buffer
	c.Dir, c.Env, c.Stderr = dir, append(os.Environ(), env...), &printed
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%s", strings.Join(args, " "), err, out, printed.Bytes())
	}
	return out
}

// A client that was generated opens a session, pays an amount that no double holds, and reads what is left, to the tiyn.
func TestGeneratedClientsPay(t *testing.T) {
	tools := toolsOf(t)
	said := &transcript{}
	w := newWealth(t, api.Options{}, said.around)
	balance := 3 * morePreciseThanDoubles
	for _, c := range clients(t, tools) {
		dir := workshop(t, &w.town)
		said.said = nil
		for _, step := range c.make {
			printed := command(t, dir, nil, step...)
			t.Logf("%s: %s", c.name, printed)
		}
		seed := w.world.Key("carol").Seed()
		line := command(t, dir, []string{"AQSHA_NODE=" + w.http.URL, "AQSHA_WALLET=" + w.carol.String(), "AQSHA_TO=" + w.dave.String(),
			"AQSHA_SEED=" + hex.EncodeToString(seed[:]), fmt.Sprint("AQSHA_AMOUNT=", int64(morePreciseThanDoubles))}, c.start...)
		var paid struct {
			ID, Executed        token.TransactionID
			Paid, Before, After money.Tiyn
		}
		if err := json.Unmarshal(line, &paid); err != nil {
			t.Fatalf("%s printed %s: %v", c.name, line, err)
		}
		if paid.Executed != paid.ID || paid.Paid != morePreciseThanDoubles || paid.Before != balance || paid.After != balance-morePreciseThanDoubles {
			t.Errorf("%s: %+v of %d", c.name, paid, balance)
		}
		if _, known, err := w.node.Lookup(t.Context(), paid.ID); err != nil || !known {
			t.Errorf("%s: the ledger does not know it: %v", c.name, err)
		}
		balance -= morePreciseThanDoubles
		holdTranscript(t, newDescription(t, w.server), said.said, w)
		if os.Getenv("AQSHA_RECORD") != "" {
			text, err := json.MarshalIndent(said.said, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join("testdata/clients", c.name+".json"), append(text, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What generated clients sent, once, is what the description of today asks for, and what they were answered what it promises; the
// ledger's own code reads the same payment out of it, with a signature that holds.
func TestWhatGeneratedClientsSaidHolds(t *testing.T) {
	w := &wealth{town: town{world: sim.NewWorld(53)}}
	w.world.Genesis.DailyCap = 1 << 60
	w.world.Refound()
	d := newDescription(t, newTown(t, api.Options{}).server)
	for _, name := range []string{"typescript", "python"} {
		text, err := os.ReadFile("testdata/clients/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var said []exchange
		if err := json.Unmarshal(text, &said); err != nil {
			t.Fatal(err)
		}
		holdTranscript(t, d, said, w)
	}
}

func holdTranscript(t *testing.T, d *description, said []exchange, w *wealth) {
	t.Helper()
	payments := 0
	for _, e := range said {
		if err := d.asks(e.Method, e.Path, e.Type, []byte(e.Request)); err != nil {
			t.Errorf("%s %s: %v", e.Method, e.Path, err)
		}
		if err := d.holds(e.Method, e.Path, e.Status, e.As, []byte(e.Answer)); err != nil || e.Status >= 300 {
			t.Errorf("%s %s: %d: %v", e.Method, e.Path, e.Status, err)
		}
		if e.Path != "/v1/transactions" {
			continue
		}
		payments++
		var tx token.Transaction
		if err := json.Unmarshal([]byte(e.Request), &tx); err != nil {
			t.Fatal(err)
		}
		var receipt node.Receipt
		if err := json.Unmarshal([]byte(e.Answer), &receipt); err != nil || receipt.ID != tx.ID() {
			t.Errorf("%v: receipt of %s for %s", err, receipt.ID, tx.ID())
		}
		body, ok := tx.Body.(*token.Transfer)
		if !ok || body.Outputs[0].Amount != morePreciseThanDoubles {
			t.Errorf("%+v", tx.Body)
		}
		digest := token.Digest(w.world.Network, tx.ID(), token.RoleWallet)
		if key := w.world.Key("carol").Public(); len(tx.Witnesses) != 1 || !token.Verify(key, digest, &tx.Witnesses[0].Signature) {
			t.Error("the signature does not hold")
		}
	}
	if payments != 1 {
		t.Errorf("%d payments in %d exchanges", payments, len(said))
	}
}

// asks says what of a request is not as the document says.
func (d *description) asks(method, path, contentType string, body []byte) error {
	where, op := d.operation(method, path)
	if op == nil {
		return fmt.Errorf("not described")
	}
	want, ok := op["requestBody"].(map[string]any)
	if !ok {
		if len(body) != 0 {
			return fmt.Errorf("%d bytes where none are asked for", len(body))
		}
		return nil
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	if want["content"].(map[string]any)[kind] == nil {
		return fmt.Errorf("content type %q is not asked for", contentType)
	}
	return d.validate(fmt.Sprintf("openapi.json#%s/requestBody/content/%s/schema", where, strings.ReplaceAll(kind, "/", "~1")), body)
}

// redocly finds nothing to say of the description, by its recommended rules.
func TestTheDescriptionIsCleanForRedocly(t *testing.T) {
	tools := toolsOf(t)
	w := newTown(t, api.Options{MarketDir: t.TempDir()})
	out := command(t, workshop(t, w), []string{"REDOCLY_TELEMETRY=off"}, tools+"/node_modules/.bin/redocly", "lint", "--format", "json", "openapi.json")
	var found struct {
		Totals struct{ Errors, Warnings, Ignored int } `json:"totals"`
	}
	if err := json.Unmarshal(out[bytes.IndexByte(out, '{'):], &found); err != nil {
		t.Fatalf("%v: %.500s", err, out)
	}
	if found.Totals.Errors+found.Totals.Warnings+found.Totals.Ignored != 0 {
		t.Errorf("%s", out)
	}
}

// Whatever schemathesis makes of the description, no request is answered by a 500, and every answer is described. It asks a network
// in which everything happened, as an auditor. EXAMPLES says how many requests an operation gets at most in the random part.
func TestSchemathesisFindsNoFault(t *testing.T) {
	tools := toolsOf(t)
	n, _, chain := storyNode(t)
	h := httptest.NewUnstartedServer(nil)
	origin := "http://" + h.Listener.Addr().String()
	server := api.New(n, api.Options{MarketDir: t.TempDir(), Origins: []string{origin}, Access: []api.Access{{Name: "auditor", Role: api.RoleAuditor, TokenSHA256: api.HashToken("auditor")}}})
	d := newDescription(t, server)
	var mu sync.Mutex
	answers := map[string]int{}
	described := d.around(t, server.Handler())
	h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept := &keptAnswer{ResponseWriter: w, status: http.StatusOK}
		asked := r.Method + " " + r.URL.RequestURI()
		described.ServeHTTP(kept, r)
		mu.Lock()
		defer mu.Unlock()
		answers[strconv.Itoa(kept.status/100)+"xx"]++
		if kept.status == http.StatusInternalServerError {
			t.Errorf("%.300s: %.300s", asked, kept.body.Bytes())
		}
	})
	h.Start()
	t.Cleanup(h.Close)
	w := &town{world: chain.World, node: n, server: server, http: h}
	examples := os.Getenv("EXAMPLES")
	if examples == "" {
		examples = "3"
	}
	// Streams last; what the node says of them is read in TestEveryAnswerIsDescribed.
	out := command(t, workshop(t, w), nil, tools+"/python/bin/st", "run", "openapi.json", "--url", h.URL, "-H", "Authorization: Bearer auditor", "--seed", "1",
		"--max-examples", examples, "--phases", "coverage,fuzzing", "--checks", "not_a_server_error", "--continue-on-failure", "--workers", "2", "--request-timeout", "20",
		"--exclude-path-regex", "stream|/v1/events|/v1/feed")
	t.Logf("%s\nanswers: %v", out, answers)
	if answers["2xx"] < 50 || answers["4xx"] < 500 {
		t.Errorf("hardly anything was asked: %v", answers)
	}
}
