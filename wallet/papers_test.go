package wallet_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/internal/sim/disk"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// rent is a payment as a draft that nobody has signed.
func (w *town) rent(to token.WalletID) *wallet.Draft {
	w.t.Helper()
	var draft *wallet.Draft
	out := *w.Client
	out.Out = func(d *wallet.Draft) error { draft = d; return nil }
	out.Keyring, _ = wallet.OpenKeyring(w.t.TempDir(), "", nil)
	if _, err := out.Pay(w.t.Context(), w.payer, to, 500, token.Plain("rent")); !errors.Is(err, wallet.ErrDrafted) {
		w.t.Fatal(err)
	}
	return draft
}

// A bank's paper is anything until it is read. An applicant's key signs its own registration at the bank that was asked,
// and nothing else that comes; a refusal is told with the bank's reason.
func TestABanksPaperIsReadBeforeItIsSigned(t *testing.T) {
	w := newTown(t)
	shop := w.register("shop")
	asker, err := wallet.OpenKeyring(t.TempDir(), "", nil)
	w.must("a keyring", nil, err)
	var key token.PublicKey
	var answer func() api.ApplicationView
	signed := 0
	node := api.New(w.node, api.Options{Open: true}).Handler()
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v1/applications"):
			var asked api.ApplicationRequest
			if r.Method == http.MethodPost {
				if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
					t.Error(err)
				}
				key = asked.Key
			}
			out.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(out).Encode(answer()); err != nil {
				t.Error(err)
			}
			return
		case r.URL.Path == "/v1/transactions":
			signed++
		}
		node.ServeHTTP(out, r)
	}))
	t.Cleanup(server.Close)
	client, err := wallet.NewClient(t.Context(), api.NewClient(server.URL, ""), asker)
	w.must("a client", nil, err)
	paper := func(network token.NetworkID, body token.Body) string {
		tx, err := token.New(body, w.clock.Load()+60_000)
		w.must("a transaction", nil, err)
		content, err := json.Marshal(wallet.Draft{Network: network, Transaction: tx})
		w.must("a draft", nil, err)
		return string(content)
	}
	registration := func(of token.PublicKey, bank token.WalletID) token.Body {
		return &token.Register{Registrar: bank, Sequence: 1, Key: of, Tier: wallet.TierPerson}
	}
	stranger, err := w.Keyring.Key("shop")
	w.must("a key", nil, err)
	rent, err := json.Marshal(w.rent(shop))
	w.must("a draft", nil, err)
	for what, draft := range map[string]func() string{
		"a payment":               func() string { return string(rent) },
		"another's registration":  func() string { return paper(w.Network, registration(stranger.Public(), w.bank())) },
		"another bank's":          func() string { return paper(w.Network, registration(key, shop)) },
		"another network's":       func() string { return paper(token.NetworkID{1}, registration(key, w.bank())) },
		"empty":                   func() string { return "{}" },
		"null":                    func() string { return "null" },
		"unknown fields":          func() string { return `{"pay":1}` },
		"a paper and another":     func() string { return paper(w.Network, registration(key, w.bank())) + "{}" },
		"a list":                  func() string { return "[]" },
		"unsigned by the bank":    func() string { return paper(w.Network, registration(key, w.bank())) },
		"a transaction of no one": func() string { return `{"transaction":null}` },
	} {
		answer = func() api.ApplicationView {
			content := []byte(draft())
			if !json.Valid(content) { // what no server of ours sends inside its answer
				content = []byte(`"x"`)
			}
			return api.ApplicationView{ID: "a", State: api.ApplicationAccepted, Draft: content}
		}
		_, err := client.Apply(t.Context(), "timur", w.bank())
		if err == nil || signed > 0 && what != "unsigned by the bank" {
			t.Errorf("%s was signed: %v", what, err)
		}
		if asker.Has("timur") {
			t.Fatalf("%s made a wallet", what)
		}
		signed = 0
	}
	answer = func() api.ApplicationView {
		return api.ApplicationView{ID: "a", State: api.ApplicationRefused, Reason: "no such street"}
	}
	var refused *wallet.RefusedError
	if _, err := client.Apply(t.Context(), "timur", w.bank()); !errors.As(err, &refused) || fault.Code(err) != "application-refused" ||
		!strings.Contains(err.Error(), "no such street") {
		t.Errorf("%v", err)
	}
	// A name that a wallet could not have otherwise is refused before a bank is asked.
	answer = func() api.ApplicationView { t.Error("a bank was asked"); return api.ApplicationView{} }
	w.must("a name", nil, asker.Put(wallet.Name{Name: "aigerim", ID: w.payer}))
	for _, name := range []string{"any", "12", "aigerim", "\u0430igerim", "", "a/b", "Aigerim"} {
		if _, err := client.Apply(t.Context(), name, w.bank()); fault.Code(err) == "" {
			t.Errorf("applying as %q: %v", name, err)
		}
	}
}

// A draft's file is read whole or refused; two holders who sign it at once keep each other's signature; and one that is
// there is not overwritten by another.
func TestDraftsInFiles(t *testing.T) {
	w := newTown(t)
	draft, dir := w.rent(w.register("shop")), t.TempDir()
	file := filepath.Join(dir, "rent.json")
	w.must("writing", nil, draft.WriteNew(file))
	if err := draft.WriteNew(file); !errors.Is(err, fs.ErrExist) {
		t.Errorf("another draft over it: %v", err)
	}
	content, err := os.ReadFile(file)
	w.must("reading", nil, err)
	text := string(content)
	for what, damaged := range map[string]string{"empty": "", "half": text[:len(text)/2], "two": text + text,
		"unknown": strings.Replace(text, "{", `{"also":1,`, 1), "no transaction": "{}", "a list": "[]", "null": "null",
		"too long": text + strings.Repeat(" ", 1<<20), "bits": strings.Replace(text, `"network": "`, `"network": "zz`, 1)} {
		path := filepath.Join(dir, "damaged.json")
		w.must("writing", nil, os.WriteFile(path, []byte(damaged), 0o600))
		if d, err := wallet.ReadDraft(path); err == nil {
			t.Errorf("%s is read: %+v", what, d)
		}
		if err := wallet.UpdateDraft(path, func(*wallet.Draft) error { return nil }); err == nil {
			t.Errorf("%s is signed", what)
		}
		if now, _ := os.ReadFile(path); string(now) != damaged {
			t.Errorf("%s was written over", what)
		}
	}
	if err := wallet.UpdateDraft(filepath.Join(dir, "none.json"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	broken := errors.New("broken")
	if err := wallet.UpdateDraft(file, func(d *wallet.Draft) error { d.Transaction = nil; return broken }); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	// Eight keys that all may sign: a list made for the test, as the ledger's own sets have three.
	keyring, err := wallet.OpenKeyring(t.TempDir(), "", nil)
	w.must("a keyring", nil, err)
	var keys []token.Signer
	group := &draft.Signatories[0]
	group.Keys, group.Threshold = nil, 8
	for i := range 8 {
		key, err := keyring.NewKey(fmt.Sprint("holder-", i))
		w.must("a key", nil, err)
		keys, group.Keys = append(keys, key), append(group.Keys, key.Public())
	}
	w.must("writing", nil, draft.Write(file))
	var all sync.WaitGroup
	for _, key := range keys {
		all.Go(func() {
			if err := wallet.UpdateDraft(file, func(d *wallet.Draft) error { _, err := d.Sign(key); return err }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	read, err := wallet.ReadDraft(file)
	if err != nil || len(read.Missing()) != 0 {
		t.Errorf("of eight who signed at once %v are missing, %v", read.Missing(), err)
	}
}

// A key is made for one registration. An interrupted run of the same finds its key again, at whatever operation the disk
// failed; another registration of that name is refused.
func TestAKeyIsMadeForOneThing(t *testing.T) {
	for at := 1; at < 40; at++ {
		d := disk.New(uint64(at))
		open := func() *wallet.Keyring {
			b, err := wallet.OpenKeyringOn(d.FS(), "town", "", nil)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		d.CrashAt(at)
		first, err := func() (token.Signer, error) {
			b, err := wallet.OpenKeyringOn(d.FS(), "town", "", nil)
			if err != nil {
				return nil, err
			}
			return b.KeyFor("dana", "wallet dana")
		}()
		crashed := err != nil
		if crashed && !errors.Is(err, disk.ErrCrashed) {
			t.Fatalf("at operation %d: %v", at, err)
		}
		if crashed {
			d.Restart()
		}
		d.CrashAt(1 << 20)
		again, err := open().KeyFor("dana", "wallet dana")
		if err != nil || !crashed && again.Public() != first.Public() {
			t.Fatalf("at operation %d, again: %v", at, err)
		}
		var taken *wallet.KeyExistsError
		if _, err := open().KeyFor("dana", "agency dana"); !errors.As(err, &taken) || fault.Code(err) != "key-exists" {
			t.Fatalf("for another thing: %v", err)
		}
		for range 2 { // it is taken once; that it is taken again harms nobody
			if err := open().TookKey("dana"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := open().KeyFor("dana", "wallet dana"); !errors.As(err, &taken) {
			t.Fatalf("a key that the ledger has: %v", err)
		}
		if !crashed {
			return
		}
	}
	t.Error("no run came to its end")
}

// Sessions are kept by node and wallet, each its last one; what has ended, or is no list of sessions, keeps none, and
// does not keep new ones from being kept.
func TestSessionsAreKept(t *testing.T) {
	dir := t.TempDir()
	keyring, err := wallet.OpenKeyring(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := wallet.SessionKeys(keyring)
	later := uint64(time.Now().Add(time.Hour).UnixMilli())
	session := func(n byte, secret string, ends uint64) api.Session {
		return api.Session{Wallet: token.WalletID{n}, Token: secret, Expires: ends}
	}
	file := filepath.Join(dir, "sessions.json")
	for _, torn := range []string{"", "{", "null", "[]", `{"http://a":3}`, strings.Repeat("x", 1<<22)} {
		if err := os.WriteFile(file, []byte(torn), 0o600); err != nil {
			t.Fatal(err)
		}
		if kept := keys.Kept(); len(kept) != 0 {
			t.Errorf("%.9q keeps %v", torn, kept)
		}
		if len(torn) < 1<<20 {
			keys.Keep("http://a", session(1, "x", later))
			if kept := keys.Kept(); len(kept["http://a"]) != 1 {
				t.Errorf("after %.9q %v are kept", torn, kept)
			}
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for _, s := range []api.Session{session(1, "old", later), session(2, "other", later), session(1, "new", later),
		session(3, "ended", 1)} {
		keys.Keep("http://a", s)
	}
	keys.Keep("http://b", session(1, "at b", later))
	kept := keys.Kept()
	secrets := func(base string) (list []string) {
		for _, s := range kept[base] {
			list = append(list, s.Token)
		}
		slices.Sort(list)
		return list
	}
	if !slices.Equal(secrets("http://a"), []string{"new", "other"}) || !slices.Equal(secrets("http://b"), []string{"at b"}) {
		t.Errorf("%v", kept)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the sessions: %v, %v", info.Mode(), err)
	}
	for n := range 200 {
		keys.Keep("http://a", api.Session{Wallet: token.WalletID{byte(n), 1}, Token: "t", Expires: later})
	}
	if kept = keys.Kept(); len(kept["http://a"]) > 70 {
		t.Errorf("%d sessions of one node are kept", len(kept["http://a"]))
	}
}

// Keys of a wallet are its own and those made for it later, of no other; a wallet that has no name here has none.
func TestWhoseKeysOpenSessions(t *testing.T) {
	keyring, err := wallet.OpenKeyring(t.TempDir(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	public := map[string]token.PublicKey{}
	for _, name := range []string{"dana", "dana-new", "dana-new-2", "danabek", "bank-treasury", "timur"} {
		key, err := keyring.NewKey(name)
		if err != nil {
			t.Fatal(err)
		}
		public[name] = key.Public()
	}
	for i, n := range []wallet.Name{{Name: "dana"}, {Name: "danabek"}, {Name: "bank", Bank: true}, {Name: "elsewhere"}} {
		n.ID = token.WalletID{byte(i + 1)}
		if err := keyring.Put(n); err != nil {
			t.Fatal(err)
		}
	}
	keys := wallet.SessionKeys(keyring)
	if got := keys.Wallets(); !slices.Equal(got, []token.WalletID{{1}, {2}, {3}}) {
		t.Errorf("sessions of %v", got)
	}
	if got, err := keyring.OwnWallets(); err != nil || !slices.Equal(got, []token.WalletID{{1}, {2}}) {
		t.Errorf("own wallets %v, %v", got, err)
	}
	for id, want := range map[token.WalletID][]string{{1}: {"dana", "dana-new", "dana-new-2"}, {2}: {"danabek"},
		{3}: {"bank-treasury"}, {4}: nil, {9}: nil} {
		var got []token.PublicKey
		for _, open := range keys.KeysOf(id) {
			key, err := open()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, key.Public())
		}
		if len(got) != len(want) {
			t.Errorf("wallet %v has %d keys, want %v", id[0], len(got), want)
			continue
		}
		for i, name := range want { // its own name's first: the others cost a passphrase more
			if !slices.Contains(got, public[name]) || i == 0 && got[0] != public[name] {
				t.Errorf("wallet %v has no key %s, or another first", id[0], name)
			}
		}
	}
}

// A network that is not founded leaves no key that it made, and keeps those that were there; the log's key of one that is
// founded is not taken for another's.
func TestKeysOfANetworkThatIsNotFounded(t *testing.T) {
	dir := t.TempDir()
	keyring, err := wallet.OpenKeyring(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.NewKey("authority-2"); err != nil {
		t.Fatal(err)
	}
	list := func() (names []string) {
		files, err := filepath.Glob(filepath.Join(dir, "keys", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			names = append(names, filepath.Base(f))
		}
		return names
	}
	before := list()
	network := wallet.NewNetwork{Name: "a.town", TimeMillis: startMillis, Day: params.DateOf(time.UnixMilli(startMillis)),
		SharedKeys: true, DailyCap: 1_000 * money.Tenge, DelayMillis: 3_600_000, RekeyDelayMillis: 3_600_000}
	for what, change := range map[string]func(n *wallet.NewNetwork){
		"no name":       func(n *wallet.NewNetwork) { n.Name = "" },
		"a blank":       func(n *wallet.NewNetwork) { n.Name = "a town" },
		"a plus":        func(n *wallet.NewNetwork) { n.Name = "a+town" },
		"no day":        func(n *wallet.NewNetwork) { n.Day = "" },
		"no cap":        func(n *wallet.NewNetwork) { n.DailyCap = -1 },
		"no log's key":  func(n *wallet.NewNetwork) { n.LogKey = "nobody" },
		"before limits": func(n *wallet.NewNetwork) { n.Day = "1900-01-01" },
	} {
		n := network
		change(&n)
		if _, err := keyring.Genesis(n); err == nil {
			t.Errorf("%s: founded", what)
		}
		if got := list(); !slices.Equal(got, before) {
			t.Errorf("%s left %v", what, got)
		}
	}
	pending, err := keyring.Genesis(network)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := keyring.LogSigner()
	if err != nil || !keyring.HasLogKey() {
		t.Fatal(err)
	}
	var there *wallet.LogKeyError
	if _, err := keyring.Genesis(network); !errors.As(err, &there) || fault.Code(err) != "log-key-exists" {
		t.Errorf("a second network over it: %v", err)
	}
	other, err := wallet.OpenKeyring(t.TempDir(), "under words",
		func(string) (string, error) { return "under words", nil })
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, wallet.LogKeyFile)
	secret, key, err := other.ReadLogKey(path, pending.Genesis.LogKey)
	if err != nil || key.KeyHash() != signer.KeyHash() {
		t.Fatalf("%v", err)
	}
	if err := other.KeepLogKey(secret); err != nil {
		t.Fatal(err)
	}
	if kept, err := other.LogSigner(); err != nil || kept.KeyHash() != signer.KeyHash() {
		t.Errorf("kept under a passphrase: %v", err)
	}
	if _, _, err := other.ReadLogKey(path, "nobody"); err == nil {
		t.Error("a genesis that names no key")
	}
	if err := pending.Undo(); err != nil {
		t.Fatal(err)
	}
	if got := list(); !slices.Equal(got, before) || keyring.HasLogKey() {
		t.Errorf("undone, it left %v", got)
	}
	if err := keyring.ForgetLogKey(); err != nil {
		t.Errorf("no log's key to forget: %v", err)
	}
	if _, _, err := other.ReadLogKey(path, pending.Genesis.LogKey); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the key is gone: %v", err)
	}
}
