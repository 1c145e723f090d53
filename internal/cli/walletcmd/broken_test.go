package walletcmd

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// road leads to a town's node, and ends after so many transactions were sent on it.
type road struct {
	url   string
	left  atomic.Int64 // that get through; what comes after is lost
	after atomic.Bool  // it arrives, and the answer is lost
}

func roadTo(t *testing.T, l town) *road {
	t.Helper()
	node, _, err := datadir.Announced(l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(node)
	if err != nil {
		t.Fatal(err)
	}
	r, proxy := &road{}, httputil.NewSingleHostReverseProxy(target)
	r.left.Store(1 << 30)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodPost && strings.HasSuffix(q.URL.Path, "/transactions") && r.left.Add(-1) < 0 {
			if r.after.Load() {
				proxy.ServeHTTP(httptest.NewRecorder(), q)
			}
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// A town that several look at: whatever is cut off, refused or altered, each customer has what was paid, once.
func TestATownWhoseRoadsEnd(t *testing.T) {
	t.Parallel()
	l := newTown(t)
	for _, part := range []struct {
		name string
		test func(t *testing.T, l town)
	}{
		{"Batches", batchesThatAreCutOff}, {"Keys", keysOfPaymentsThatAreCutOff}, {"Signers", listsOfSigners},
		{"Shared", draftsAtANode},
	} {
		t.Run(part.name, func(t *testing.T) {
			l.t = t
			part.test(t, l)
			l.conserved()
		})
	}
}

// A batch that is cut off, before its first payment, among them, or when the answer is on its way, says how many are
// known to be made; run again it makes the others, and none twice.
func batchesThatAreCutOff(t *testing.T, l town) {
	r, dir := roadTo(t, l), t.TempDir()
	for name, c := range map[string]struct {
		through int64
		after   bool
	}{
		"before the first": {0, false}, "in the first answer": {0, true}, "after two": {2, false},
		"in the third answer": {2, true},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".csv")
		rows := "id,to,amount\n"
		for i, to := range []string{"shop,1.01", "marat,1.02", "shop,1.03", "marat,1.04"} {
			rows += fmt.Sprintf("%s %d,%s\n", name, i, to)
		}
		if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
			t.Fatal(err)
		}
		before := l.balances("aigerim", "marat", "shop")
		r.left.Store(c.through)
		r.after.Store(c.after)
		line := []string{"pay", "aigerim", "--batch", path, "--batch-name", name, "--node", r.url}
		e := l.Run(line...)
		if e.Exit != 4 && e.Exit != 5 || e.Out != "" || !strings.Contains(e.Err, "of 4 payments are known to be made") ||
			!strings.Contains(e.Err, "nobody is paid twice") {
			t.Errorf("%s: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
		}
		r.left.Store(1 << 30)
		var outcomes []struct{ Again bool }
		l.Done(append(line, "--json")...).JSON(t, &outcomes)
		if len(outcomes) != 4 {
			t.Errorf("%s: %+v", name, outcomes)
		}
		if e := l.Run(line...); e.Exit != 3 {
			t.Errorf("%s: a third run: exit %d, %s%s", name, e.Exit, e.Out, e.Err)
		}
		after := l.balances("aigerim", "marat", "shop")
		for who, got := range map[string]money.Tiyn{"aigerim": -410, "marat": 206, "shop": 204} {
			if after[who]-before[who] != got {
				t.Errorf("%s: %s has %s more, want %s", name, who, (after[who] - before[who]).Format(), got.Format())
			}
		}
	}
}

// A payment under a key is made once, wherever the road ended.
func keysOfPaymentsThatAreCutOff(t *testing.T, l town) {
	r := roadTo(t, l)
	for key, after := range map[string]bool{"lost on the way": false, "lost on the way back": true} {
		before := l.balances("shop")["shop"]
		r.after.Store(after)
		r.left.Store(0)
		line := []string{"pay", "aigerim", "shop", "5", "--idempotency-key", key, "--node", r.url}
		if e := l.Run(line...); e.Exit != 4 && e.Exit != 5 {
			t.Errorf("%s: exit %d, %s%s", key, e.Exit, e.Out, e.Err)
		}
		r.left.Store(1 << 30)
		for range 2 {
			l.Done(line...)
		}
		if now := l.balances("shop")["shop"]; now-before != 500 {
			t.Errorf("%s: paid %s", key, (now - before).Format())
		}
		l.Refused("idempotency-key-reused", "pay", "aigerim", "shop", "6", "--idempotency-key", key)
		l.Refused("idempotency-key-reused", "pay", "aigerim", "marat", "5", "--idempotency-key", key)
	}
	for word, line := range map[string][]string{
		"at most 200": {"--idempotency-key", strings.Repeat("k", 201)}, "is empty": {"--idempotency-key", ""},
		"--memo: 300": {"--idempotency-key", "m", "--memo", strings.Repeat("m", 300)},
	} {
		l.Wrong(word, append([]string{"pay", "aigerim", "shop", "1"}, line...)...)
	}
}

// Who signs a draft is what the ledger says: a draft that names others is shown to nobody as if it were right, people
// or programs, and is signed by none; where no ledger is at hand it is said whose word the list is.
func listsOfSigners(t *testing.T, l town) {
	dir := t.TempDir()
	draft := filepath.Join(dir, "issue.json")
	l.Done("issue", "Halyk", "5", "--out", draft)
	type view struct {
		Network     string
		Transaction struct{ ID string }
		Signatories []struct{ Threshold int }
		Missing     map[string]int
		Checked     bool
	}
	var here, away view
	l.Done("tx", "show", draft, "--json").JSON(t, &here)
	clitest.Run(t, nouns, "tx", "show", draft, "--json", "--data", filepath.Join(dir, "none")).JSON(t, &away)
	if !here.Checked || away.Checked || here.Transaction.ID != away.Transaction.ID || len(here.Network) != 64 {
		t.Errorf("here %+v, away %+v", here, away)
	}
	clitest.Run(t, nouns, "tx", "show", draft, "--data", filepath.Join(dir, "none")).Wants(t, 0, here.Network, "5.00")
	d, err := wallet.ReadDraft(draft)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(list []ledger.Signatory) []ledger.Signatory{
		"nobody": func([]ledger.Signatory) []ledger.Signatory { return nil },
		"fewer":  func(list []ledger.Signatory) []ledger.Signatory { list[0].Threshold--; return list },
		"another's key": func(list []ledger.Signatory) []ledger.Signatory {
			list[0].Keys[0] = d.Signatories[0].Keys[1]
			return list
		},
	} {
		altered, err := wallet.ReadDraft(draft)
		if err != nil {
			t.Fatal(err)
		}
		altered.Signatories = change(altered.Signatories)
		path := filepath.Join(dir, "altered.json")
		if err := altered.Write(path); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range [][]string{{"tx", "show", path}, {"tx", "sign", path, "--key", "issue-1", "--yes",
			here.Transaction.ID}} {
			e := l.Run(append(line, "--json")...)
			if code, _ := e.Code(t); code != "wrong-draft" || e.Exit != 3 || e.Out != "" {
				t.Errorf("%s: %v: exit %d, %s, %s", name, line, e.Exit, code, e.Out)
			}
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("%s: it was signed", name)
		}
	}
}

// A draft at a node is the one whose id was named, or none; who refuses it, and who has no key in it, is told apart.
func draftsAtANode(t *testing.T, l town) {
	dir := t.TempDir()
	draft, customer := filepath.Join(dir, "new.json"), filepath.Join(dir, "customer")
	var key struct{ Public string }
	clitest.Run(t, nouns, "key", "new", "timur", "--development", "--data", customer, "--json").JSON(t, &key)
	l.Done("wallet", "new", "timur", "--bank", "Halyk", "--public-key", key.Public, "--out", draft)
	d, err := wallet.ReadDraft(draft)
	if err != nil {
		t.Fatal(err)
	}
	id := d.Transaction.ID().String()
	fetched := filepath.Join(dir, "fetched.json")
	l.Wrong("64 hexadecimal digits", "tx", "fetch", "91ab", fetched)
	if e := l.Run("tx", "fetch", strings.Repeat("0", 64), fetched); e.Exit != 3 {
		t.Errorf("exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	l.Wrong("none.json", "tx", "share", filepath.Join(dir, "none.json"))
	clitest.Run(t, nouns, "tx", "share", draft, "--data", filepath.Join(dir, "none")).Wants(t, 5, "no node runs")
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case q.URL.Path == "/v1/network":
			_ = json.NewEncoder(w).Encode(map[string]any{"network": d.Network})
		case strings.Contains(q.URL.Path, "/drafts"):
			other := *d.Transaction
			other.ValidUntil++
			_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "network": d.Network, "state": "waiting",
				"transaction": &other})
		default:
			_, _ = w.Write([]byte("{}"))
		}
	}))
	defer liar.Close()
	for _, line := range [][]string{{"fetch", id, fetched}, {"refuse", id, "--key", "issue-1"}} {
		e := l.Run(append(append([]string{"tx"}, line...), "--node", liar.URL)...)
		if e.Exit == 0 || e.Exit == 4 {
			t.Errorf("another draft under its id: %v: exit %d, %s", line, e.Exit, e.Out)
		}
	}
	if _, err := os.Stat(fetched); err == nil {
		t.Fatal("another draft was written")
	}
	l.Done("tx", "share", draft)
	l.Done("tx", "waiting").Wants(t, 0, id)
	l.Refused("unknown-name", "tx", "waiting", "--wallet", "nobody")
	var list []struct{ ID string }
	if l.Done("tx", "waiting", "--wallet", "marat", "--json").JSON(t, &list); len(list) != 0 {
		t.Errorf("it waits for a customer: %+v", list)
	}
	l.Done("tx", "fetch", id, fetched)
	if e := l.Run("tx", "fetch", id, fetched); e.Exit == 0 {
		t.Errorf("it was written over: %s", e.Out)
	}
	if got, err := wallet.ReadDraft(fetched); err != nil || got.Transaction.ID() != d.Transaction.ID() ||
		len(got.Signatories) != len(d.Signatories) {
		t.Errorf("%+v, %v", got, err)
	}
	l.Wrong("nobody", "tx", "refuse", id, "--key", "nobody")
	if e := l.Run("tx", "refuse", id, "--key", "marat"); e.Exit != 3 {
		t.Errorf("a customer refuses it: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	node, _, err := datadir.Announced(l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	refuse := []string{"tx", "refuse", id, "--key", "timur", "--data", customer, "--node", node, "--reason"}
	if e := clitest.Run(t, nouns, append(refuse, strings.Repeat("r", 201))...); e.Exit != 2 && e.Exit != 3 {
		t.Errorf("a reason without an end: exit %d, %s", e.Exit, e.Err)
	}
	e := clitest.Run(t, nouns, append(refuse, "one zero\x1b[2J too many")...)
	if strings.ContainsRune(e.Out+e.Err, 0x1b) || e.Exit != 0 {
		t.Errorf("exit %d, %q%q", e.Exit, e.Out, e.Err)
	}
	if e := l.Run("tx", "submit", fetched); e.Exit != 3 {
		t.Errorf("it lacks a signature: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
}

// A name that is noted means one wallet, to whoever reads it: no number, no word of a command's own, nothing that looks
// like another's.
func TestNamesThatAreNoted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id := func(b byte) string { return token.WalletID{b}.String() }
	name := func(name, id string) clitest.Ended {
		return clitest.Run(t, nouns, "wallet", "name", name, id, "--data", dir, "--json")
	}
	for _, good := range []string{"timur", "shop-2", "Бахыт", "7eleven"} {
		name(good, id(1)).Wants(t, 0, good, id(1))
	}
	for bad, code := range map[string]string{
		"12345": "bad-name", "any": "bad-name", "ME": "bad-name", "me": "bad-name", "": "bad-name", "two words": "bad-name",
		"../keys": "bad-name", id(2): "bad-name", "timur": "name-taken", "Timur": "name-taken",
		"тimur": "bad-name", "\x1b[2J": "bad-name",
	} {
		e := name(bad, id(2))
		if got, _ := e.Code(t); got != code || e.Exit != 3 {
			t.Errorf("%q: exit %d, %s, want %s\n%s", bad, e.Exit, got, code, e.Err)
		}
	}
	for _, bad := range []string{"", "12", id(2) + "0", strings.Repeat("z", 32)} {
		name("aigerim", bad).Wants(t, 2, "32 hexadecimal digits")
	}
	var all sync.WaitGroup
	var done atomic.Int64
	for i := range 6 {
		all.Go(func() {
			if name("asel", id(byte(10+i))).Exit == 0 {
				done.Add(1)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 {
		t.Errorf("one name was given to %d wallets", done.Load())
	}
}

// A key that a program holds is used when the program is one that holds it: what prints something else, or nothing, is
// no key, and no name is taken for it.
func TestKeysOfPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	key := func(line ...string) clitest.Ended {
		return clitest.Run(t, nouns, append(append([]string{"key"}, "--data", data), line...)...)
	}
	program := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var made struct{ Public string }
	key("new", "own", "--development", "--json").JSON(t, &made)
	good := program("good", "echo "+made.Public)
	key("external", "held", good, "--slot", "4").Wants(t, 0, made.Public)
	for name, path := range map[string]string{
		"nothing": program("nothing", "true"), "rubbish": program("rubbish", "echo rubbish"),
		"fails":   program("fails", "exit 7"),
		"endless": program("endless", "exec yes ed25519:"), "none": filepath.Join(dir, "none"), "folder": dir,
		"half": program("half", "echo "+made.Public[:40]), "zero": program("zero", "echo ed25519:"+strings.Repeat("0", 64)),
	} {
		if e := key("external", "x", path); e.Exit == 0 {
			t.Errorf("%s is a key: %s", name, e.Out)
		}
	}
	for _, taken := range []string{"held", "HELD", "own"} {
		if e := key("external", taken, good); e.Exit == 0 {
			t.Errorf("%s is taken twice: %s", taken, e.Out)
		}
		if e := key("new", taken, "--development"); e.Exit == 0 {
			t.Errorf("%s is taken twice: %s", taken, e.Out)
		}
	}
	key("external", "x", good).Wants(t, 0) // nothing that was refused has its name
	key("new", "unencrypted").Wants(t, 3, "unencrypted-key")
}
