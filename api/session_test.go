package api_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// street is a town whose node is not open, at an origin of its own.
func street(t *testing.T) *town {
	t.Helper()
	return streetOf(t, false)
}

// streetOf is street at a node that is open to read, or not.
func streetOf(t *testing.T, open bool) *town {
	t.Helper()
	w := newTown(t, api.Options{Open: open})
	w.http.Close()
	w.http = httptest.NewUnstartedServer(nil)
	origin := "http://" + w.http.Listener.Addr().String()
	w.server = api.New(w.node, api.Options{Open: open, Origins: []string{origin}})
	w.http.Config.Handler = checked(t, w.server)
	w.http.Start()
	w.client = api.NewClient(w.http.URL, "")
	return w
}

func challengeBytes(t *testing.T, c api.Challenge) [token.SessionChallengeBytes]byte {
	t.Helper()
	raw, err := hex.DecodeString(c.Challenge)
	if err != nil {
		t.Fatal(err)
	}
	return [token.SessionChallengeBytes]byte(raw)
}

// answerTo signs a challenge for a wallet and an origin.
func (w *town) answerTo(t *testing.T, c api.Challenge, wallet token.WalletID, key, origin string) api.SignIn {
	t.Helper()
	raw, err := hex.DecodeString(c.Challenge)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := w.world.Key(key).Sign(token.SessionDigest(w.node.Network(), wallet, origin,
		[token.SessionChallengeBytes]byte(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return api.SignIn{Wallet: wallet, Origin: origin, Challenge: c.Challenge, Signature: signature}
}

func (w *town) challenge(t *testing.T, wallet token.WalletID) (c api.Challenge) {
	t.Helper()
	if status, body := w.postJSON(t, "/v1/sessions/challenges", map[string]any{"wallet": wallet},
		&c); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	return c
}

func (w *town) signIn(t *testing.T, in api.SignIn) (s api.Session, status int, body string) {
	t.Helper()
	status, body = w.postJSON(t, "/v1/sessions", in, &s)
	return s, status, body
}

// A wallet's own key opens what is read of that wallet, and nothing else.
func TestAWalletsKeyOpensItsOwnReads(t *testing.T) {
	w := street(t)
	w.submit(t, w.payBob(5*money.Tenge))
	others := w.world.Issue(2, w.bank, soon(), money.Tenge)
	w.submit(t, others)
	s, status, body := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
	if status != http.StatusOK || s.Wallet != w.alice {
		t.Fatalf("%d %s", status, body)
	}
	alice, bob := "/v1/wallets/"+w.alice.String(), "/v1/wallets/"+w.bob.String()
	spent, own := "/v1/tokens/"+token.OutputID(w.money.ID(), 0).String(), "/v1/transactions/"+w.money.ID().String()
	for path, want := range map[string]int{
		alice: 200, alice + "/tokens": 200, alice + "/history": 200, alice + "/held": 200, own: 200, spent: 200,
		bob: 403, bob + "/tokens": 403, bob + "/history": 403, bob + "/held": 403, bob + "/stream": 403,
		"/v1/transactions/" + others.ID().String(): 403, "/v1/transactions/" + strings.Repeat("0", 64): 403,
		spent + "/proof": 200, "/v1/tokens/" + token.OutputID(others.ID(), 0).String() + "/proof": 403,
		"/v1/blocks/2": 403, "/v1/contracts": 403, "/tile/entries/000.p/3": 403, "/v1/feed?from=0": 403,
	} {
		if status, _, body := w.call(t, "GET", path, "", s.Token, nil); status != want {
			t.Errorf("GET %s: %d %s, want %d", path, status, body, want)
		}
		if status, _, _ := w.call(t, "GET", path, "", "", nil); status != 401 {
			t.Errorf("GET %s without a session: %d", path, status)
		}
	}
	if status, _, body := w.call(t, "POST", alice+"/selections", "application/json", s.Token,
		[]byte(`{"amount":100}`)); status != 200 {
		t.Errorf("selection: %d %s", status, body)
	}
	w.problem(t, "GET", bob+"/stream", "", s.Token, nil, 403, "forbidden")
	w.problem(t, "POST", bob+"/selections", "application/json", s.Token, []byte(`{"amount":100}`), 403, "forbidden")
}

// Nobody is let in by another's challenge, key, origin or time, and no refusal tells which wallets there are.
func TestNoOtherSignatureOpensASession(t *testing.T) {
	w := street(t)
	good := w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL)
	if _, status, body := w.signIn(t, good); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	nobody := token.WalletID{9}
	foreign := newTown(t, api.Options{})
	flipped := w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL)
	flipped.Challenge = "00" + flipped.Challenge[2:]
	later := w.challenge(t, w.alice)
	raw, err := hex.DecodeString(later.Challenge)
	if err != nil {
		t.Fatal(err)
	}
	raw[20] ^= 0x7f // its end
	later.Challenge = hex.EncodeToString(raw)
	tries := map[string]api.SignIn{
		"the same again":        good,
		"another wallet's":      w.answerTo(t, w.challenge(t, w.alice), w.bob, "bob", w.http.URL),
		"another key":           w.answerTo(t, w.challenge(t, w.alice), w.alice, "bob", w.http.URL),
		"a relay's origin":      w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", "http://evil.example"),
		"an origin in capitals": w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", strings.ToUpper(w.http.URL)),
		"a wallet that is none": w.answerTo(t, w.challenge(t, nobody), nobody, "alice", w.http.URL),
		"a changed challenge":   flipped,
		"a challenge drawn out": w.answerTo(t, later, w.alice, "alice", w.http.URL),
		"another node's":        w.answerTo(t, foreign.challenge(t, w.alice), w.alice, "alice", w.http.URL),
		"a challenge too short": {Wallet: w.alice, Origin: w.http.URL, Challenge: "00"},
		"no signature":          {Wallet: w.alice, Origin: w.http.URL, Challenge: w.challenge(t, w.alice).Challenge},
		"a challenge of letters": {Wallet: w.alice, Origin: w.http.URL,
			Challenge: strings.Repeat("zz", token.SessionChallengeBytes)},
	}
	said := ""
	for what, in := range tries {
		_, status, body := w.signIn(t, in)
		if said == "" {
			said = body
		}
		if status != http.StatusUnauthorized || body != said {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
	// A signature for a session is none for a transaction, whatever its bytes.
	digest := token.SessionDigest(w.node.Network(), w.alice, w.http.URL, [token.SessionChallengeBytes]byte{})
	for role := range token.Role(16) {
		if digest == token.Digest(w.node.Network(), token.TransactionID{}, role) {
			t.Error("one digest for two uses")
		}
	}
	for _, forged := range []string{"aqs1.", "aqs1." + strings.Repeat("A", 86), "aqs1." + strings.Repeat("A", 300),
		"aqs1.!!!"} {
		if status, _, _ := w.call(t, "GET", "/v1/wallets/"+w.alice.String(), "", forged, nil); status != 401 {
			t.Errorf("%q: %d", forged, status)
		}
	}
}

// However many hand in one answer at the same time, one of them gets a session.
func TestAChallengeOpensOneSession(t *testing.T) {
	w := street(t)
	in := w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL)
	statuses := make([]int, 32)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() {
			<-begin
			_, statuses[i], _ = w.signIn(t, in)
		})
	}
	close(begin)
	all.Wait()
	opened := 0
	for _, status := range statuses {
		if status == http.StatusOK {
			opened++
		} else if status != http.StatusUnauthorized {
			t.Errorf("refused with %d", status)
		}
	}
	if opened != 1 {
		t.Errorf("%d sessions by one challenge", opened)
	}
}

// A wallet's new key ends the sessions of the old one.
func TestANewKeyEndsSessions(t *testing.T) {
	w := street(t)
	s, _, _ := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
	w.newKey(t)
	w.problem(t, "GET", "/v1/wallets/"+w.alice.String(), "", s.Token, nil, 401, "unauthorised")
	if _, status, body := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice 2",
		w.http.URL)); status != 200 {
		t.Errorf("the new key: %d %s", status, body)
	}
}

// What touches a wallet comes as it becomes durable, what was missed first.
func TestAWalletIsWatched(t *testing.T) {
	w := street(t)
	s, _, _ := w.signIn(t, w.answerTo(t, w.challenge(t, w.alice), w.alice, "alice", w.http.URL))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	watch := func(after string) *bufio.Scanner {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+"/v1/wallets/"+w.alice.String()+"/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.Token)
		if after != "" {
			r.Header.Set("Last-Event-ID", after)
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response, err)
		}
		t.Cleanup(func() { _ = response.Body.Close() })
		return bufio.NewScanner(response.Body)
	}
	next := func(lines *bufio.Scanner) string {
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				return id
			}
		}
		t.Fatal(errors.Join(errors.New("the stream ended"), lines.Err()))
		return ""
	}
	missed := watch("0") // from the beginning: her registration, and the bank's payment
	first, second := next(missed), next(missed)
	w.submit(t, w.world.Issue(2, w.bank, soon(), money.Tenge)) // not hers
	receipt := w.submit(t, w.payBob(5*money.Tenge))
	if got, want := next(missed), strconv.FormatUint(receipt.Index, 10); got != want {
		t.Errorf("after %s and %s came %s, want %s", first, second, got, want)
	}
	if got := next(watch(second)); got != strconv.FormatUint(receipt.Index, 10) {
		t.Errorf("after a gap: %s", got)
	}
}

// The client signs in by itself with the keys that it has.
func TestAClientSignsInByItself(t *testing.T) {
	w := street(t)
	c := api.NewClient(w.http.URL, "")
	if _, err := c.Wallet(t.Context(), w.alice); err == nil {
		t.Fatal("read without a key")
	}
	c.UseKeys(w.node.Network(), ring{w})
	view, err := c.Wallet(t.Context(), w.alice)
	if err != nil || view.Balance != 100_000*money.Tenge {
		t.Fatalf("%+v, %v", view, err)
	}
	if _, err := c.Transaction(t.Context(), w.money.ID()); err != nil {
		t.Error(err)
	}
	if _, err := c.Wallet(t.Context(), w.bob); err == nil {
		t.Error("read another's wallet")
	}
	w.newKey(t)
	if _, err := c.Wallet(t.Context(), w.alice); err != nil {
		t.Errorf("after a new key: %v", err)
	}
}

// Kept and Keep: this ring forgets.
func (ring) Kept() map[string][]api.Session { return nil }
func (ring) Keep(string, api.Session)       {}

// ring is alice's keys, old and new.
type ring struct{ *town }

func (r ring) Wallets() []token.WalletID { return []token.WalletID{r.alice} }

func (r ring) KeysOf(id token.WalletID) (list []func() (token.Signer, error)) {
	for _, name := range []string{"alice", "alice 2"} {
		list = append(list, func() (token.Signer, error) { return r.world.Key(name), nil })
	}
	return list
}

// postJSON posts a value and reads the answer if it is one.
func (w *town) postJSON(t *testing.T, path string, in, out any) (int, string) {
	t.Helper()
	content, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := w.call(t, "POST", path, "application/json", "", content)
	if status == http.StatusOK {
		if err := json.Unmarshal(body, out); err != nil {
			t.Fatal(err)
		}
	}
	return status, string(body)
}

// newKey gives alice another key at once, as the old one may.
func (w *town) newKey(t *testing.T) {
	t.Helper()
	body := &token.Rekey{Wallet: w.alice, Version: 1, By: token.RoleWallet, Key: w.world.Key("alice 2").Public()}
	w.submit(t, w.world.Sign(body, soon(), sim.One(token.RoleWallet, 0, w.world.Key("alice")),
		sim.One(token.RolePossession, 0, w.world.Key("alice 2"))))
}
