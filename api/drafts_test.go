package api_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/drafts"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/livestate"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// together is a payment to bob of alice and another, whose one token each is, that alice alone has signed. It returns
// the other's signature.
func (w *town) together(t *testing.T, amount money.Tiyn) (tx *token.Transaction, others token.Witness) {
	t.Helper()
	register, carol := w.world.Register("bank", w.bank, 3, "carol", 1, soon())
	w.submit(t, register)
	fund := w.world.Pay(w.alice, w.world.Key("alice"), carol, 1_000*money.Tenge,
		[]token.ID{token.OutputID(w.money.ID(), 0)}, 100_000*money.Tenge, soon())
	w.submit(t, fund)
	tx, err := token.New(&token.Transfer{Parties: []token.WalletID{w.alice, carol, w.bob}, Payers: 2,
		Inputs: []token.ID{token.OutputID(fund.ID(), 0), token.OutputID(fund.ID(), 1)},
		Outputs: []token.Output{{Party: 2, Amount: 2 * amount}, {Party: 1, Amount: 1_000*money.Tenge - amount},
			{Party: 0, Amount: 99_000*money.Tenge - amount}}}, soon())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.SignAs(w.node.Network(), token.RoleWallet, 1, w.world.Key("carol")); err != nil {
		t.Fatal(err)
	}
	others = tx.Witnesses[0]
	tx.Witnesses = nil
	if err := tx.SignAs(w.node.Network(), token.RoleWallet, 0, w.world.Key("alice")); err != nil {
		t.Fatal(err)
	}
	return tx, others
}

func (w *town) putDraft(t *testing.T, tx *token.Transaction) (int, api.DraftView, string) {
	t.Helper()
	content, err := json.Marshal(api.DraftRequest{Network: w.node.Network(), Transaction: tx})
	if err != nil {
		t.Fatal(err)
	}
	status, _, body := w.call(t, "POST", "/v1/drafts", "application/json", "", content)
	var d api.DraftView
	_ = json.Unmarshal(body, &d)
	return status, d, string(body)
}

func (w *town) signDraft(t *testing.T, id token.TransactionID, of token.Witness) (int, api.DraftView, string) {
	t.Helper()
	content, _ := json.Marshal(of)
	status, _, body := w.call(t, "POST", "/v1/drafts/"+id.String()+"/signatures", "application/json", "", content)
	var d api.DraftView
	_ = json.Unmarshal(body, &d)
	return status, d, string(body)
}

// Two payers sign one payment through the node: who must sign sees it waiting, everybody else does not, the last
// signature pays once, and what is wrong is refused and changes nothing.
func TestTwoPayersSignThroughTheNode(t *testing.T) {
	w := street(t)
	tx, others := w.together(t, 100*money.Tenge)
	carol := tx.Body.(*token.Transfer).Parties[1]
	unsigned, _ := token.New(tx.Body, tx.ValidUntil)
	forged, _ := token.New(tx.Body, tx.ValidUntil)
	changed := *tx.Body.(*token.Transfer)
	changed.Memo = token.Plain("another")
	altered, err := token.New(&changed, tx.ValidUntil)
	if err != nil {
		t.Fatal(err)
	}
	altered.Add(tx.Witnesses[0])
	if err := forged.SignAs(w.node.Network(), token.RoleWallet, 0, w.world.Key("bob")); err != nil {
		t.Fatal(err)
	}
	for about, bad := range map[string]*token.Transaction{"nobody signed": unsigned, "another's key": forged,
		"altered after a signature": altered} {
		if status, _, body := w.putDraft(t, bad); status != http.StatusForbidden ||
			!strings.Contains(body, string(node.NotAccepted)) {
			t.Errorf("%s: %d %s", about, status, body)
		}
	}
	other, _ := json.Marshal(api.DraftRequest{Network: token.NetworkID{1}, Transaction: tx})
	w.problem(t, "POST", "/v1/drafts", "application/json", "", other, http.StatusUnprocessableEntity, "out-of-range")
	w.problem(t, "POST", "/v1/drafts", "application/json", "", []byte(`{}`), http.StatusBadRequest,
		"wrong-type")

	status, d, body := w.putDraft(t, tx)
	if status != http.StatusOK || d.State != drafts.Waiting || d.Missing["wallet"] != 1 || d.ID != tx.ID() {
		t.Fatalf("%d %s", status, body)
	}
	if strings.Contains(body, strings.TrimPrefix(w.world.Key("carol").Public().String(), "ed25519:")) {
		t.Error("who puts up a draft is told the key of another's wallet")
	}
	if encoded, err := hex.DecodeString(d.Encoded); err != nil || string(encoded) != string(tx.Encode()) {
		t.Errorf("%s", d.Encoded)
	}
	for name, wallet := range map[string]token.WalletID{"alice": w.alice, "carol": carol, "bob": w.bob} {
		_, _, body := w.call(t, "GET", "/v1/drafts", "", w.session(t, wallet, name), nil)
		var list api.Drafts
		if err := json.Unmarshal(body, &list); err != nil ||
			len(list.Drafts) != map[string]int{"alice": 1, "carol": 1, "bob": 0}[name] {
			t.Errorf("%s sees %s", name, body)
		}
		if own := w.world.Key(name).Public(); len(list.Drafts) == 1 &&
			list.Drafts[0].Signatories[0].Keys[map[string]int{"alice": 0, "carol": 1}[name]] != own {
			t.Errorf("%s does not find her key: %s", name, body)
		}
	}
	size := w.node.Head().Size
	for about, c := range map[string]struct {
		of     token.Witness
		status int
		code   string
	}{
		"signed twice": {tx.Witnesses[0], 409, "signed-already"},
		"foreign key":  {forgedAt(forged.Witnesses[0], 1), 403, "bad-signature"},
		"no such role": {token.Witness{Role: token.RoleIssue, Signature: others.Signature}, 403, "not-authorised"},
	} {
		if status, _, body := w.signDraft(t, tx.ID(), c.of); status != c.status || !strings.Contains(body, c.code) {
			t.Errorf("%s: %d %s", about, status, body)
		}
	}
	if w.node.Head().Size != size {
		t.Error("something was executed before all have signed")
	}
	status, d, body = w.signDraft(t, tx.ID(), others)
	if status != http.StatusOK || d.State != drafts.Executed || d.Receipt == nil || d.Receipt.ID != tx.ID() {
		t.Fatalf("%d %s", status, body)
	}
	if status, _, body := w.signDraft(t, tx.ID(), others); status != http.StatusConflict ||
		!strings.Contains(body, "draft-ended") {
		t.Errorf("%d %s", status, body)
	}
	if status, again, _ := w.putDraft(t, tx); status != http.StatusConflict || again.Receipt != nil {
		t.Errorf("put up again after its end: %d", status)
	}
	if got := w.balanceOf(t, w.bob); got != 200*money.Tenge {
		t.Errorf("bob has %s", got)
	}
}

func (w *town) balanceOf(t testing.TB, id token.WalletID) (held money.Tiyn) {
	t.Helper()
	if err := w.node.View(context.Background(), func(state *livestate.State, _ node.Head) {
		of, _ := state.Wallet(id)
		held = of.Balance
	}); err != nil {
		t.Fatal(err)
	}
	return held
}

func forgedAt(w token.Witness, index uint16) token.Witness {
	w.Index = index
	return w
}

// A signer refuses with his key and says why; the payment cannot be made then, and who put it up reads why.
func TestADraftIsRefusedThroughTheNode(t *testing.T) {
	w := street(t)
	tx, others := w.together(t, 5*money.Tenge)
	if status, _, body := w.putDraft(t, tx); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	signature, err := w.world.Key("carol").Sign(token.DraftRefusalDigest(w.node.Network(), tx.ID(), "not mine"))
	if err != nil {
		t.Fatal(err)
	}
	var d api.DraftView
	if status, body := w.postJSON(t, "/v1/drafts/"+tx.ID().String()+"/refusals",
		api.DraftWord{Key: w.world.Key("carol").Public(), Reason: "mine", Signature: signature},
		&d); status != http.StatusForbidden {
		t.Errorf("another reason: %d %s", status, body)
	}
	if status, body := w.postJSON(t, "/v1/drafts/"+tx.ID().String()+"/refusals",
		api.DraftWord{Key: w.world.Key("carol").Public(), Reason: "not mine", Signature: signature},
		&d); status != http.StatusOK || d.State != drafts.Refused || d.Refusals[0].Reason != "not mine" {
		t.Fatalf("%d %s", status, body)
	}
	if d.Refusals[0].Key != token.NoKey {
		t.Error("the key of a wallet is told to anybody")
	}
	if status, _, body := w.signDraft(t, tx.ID(), others); status != http.StatusConflict {
		t.Errorf("%d %s", status, body)
	}
}

// A draft that its signers refused, or that waits, and that was completed and executed without the node's drafts is
// executed, in the list and by itself: the ledger's word goes before a signer's.
func TestADraftExecutedElsewhereIsExecuted(t *testing.T) {
	for about, refuse := range map[string]bool{"refused": true, "waiting": false} {
		w := street(t)
		tx, others := w.together(t, 5*money.Tenge)
		if status, _, body := w.putDraft(t, tx); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		if refuse {
			signature, err := w.world.Key("carol").Sign(token.DraftRefusalDigest(w.node.Network(), tx.ID(), ""))
			if err != nil {
				t.Fatal(err)
			}
			var d api.DraftView
			if status, body := w.postJSON(t, "/v1/drafts/"+tx.ID().String()+"/refusals",
				api.DraftWord{Key: w.world.Key("carol").Public(), Signature: signature}, &d); d.State != drafts.Refused {
				t.Fatalf("%d %s", status, body)
			}
		}
		tx.Add(others)
		receipt := w.submit(t, tx)
		var list api.Drafts
		_, _, body := w.call(t, "GET", "/v1/drafts", "", w.session(t, w.alice, "alice"), nil)
		if err := json.Unmarshal(body, &list); err != nil || len(list.Drafts) != 1 ||
			list.Drafts[0].State != drafts.Executed || list.Drafts[0].Receipt == nil ||
			*list.Drafts[0].Receipt != receipt {
			t.Errorf("%s, in the list: %s", about, body)
		}
		var one api.DraftView
		_, _, body = w.call(t, "GET", "/v1/drafts/"+tx.ID().String(), "", "", nil)
		if err := json.Unmarshal(body, &one); err != nil || one.State != drafts.Executed {
			t.Errorf("%s, by itself: %s", about, body)
		}
	}
}

// Drafts outlive the process. One whose last signature came and whose execution nobody heard of, because the node died
// in between, is handed in by the next process, and paid once.
func TestADraftIsHandedInAfterACrash(t *testing.T) {
	w := street(t)
	dir := t.TempDir()
	start := func() { w.serveFrom(t, dir) }
	start()
	tx, others := w.together(t, 100*money.Tenge)
	if status, _, body := w.putDraft(t, tx); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	start()
	name := filepath.Join(dir, "drafts", tx.ID().String()+".json")
	var kept drafts.Draft
	content, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(content, &kept)
	}
	if err != nil {
		t.Fatal(err)
	}
	if refused := kept.Sign(w.node.Network(), others, soon()-60_000); refused != nil || kept.State != drafts.Complete {
		t.Fatal(refused)
	}
	content, _ = json.Marshal(&kept)
	if err := os.WriteFile(name, content, 0o600); err != nil { // as it is between the signature and the ledger's answer
		t.Fatal(err)
	}
	for range 2 { // and again: the ledger knows it by its id
		start()
		l, err := w.server.ListenHere()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- w.server.Serve(ctx, l) }()
		for until := time.Now().Add(20 * time.Second); ; {
			if text, _ := os.ReadFile(name); strings.Contains(string(text), `"state":"executed"`) {
				break
			}
			if time.Now().After(until) {
				t.Fatal("nobody handed it in")
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
		<-served
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.balanceOf(t, w.bob); got != 200*money.Tenge {
		t.Errorf("bob has %s", got)
	}
}

// Who must sign hears of a draft, and of each change of it, also of those made while nobody listened; whom it does not
// concern hears nothing of it. A node that was begun anew goes on counting.
func TestSignersHearOfDrafts(t *testing.T) {
	w := street(t)
	tx, others := w.together(t, 100*money.Tenge)
	carol := tx.Body.(*token.Transfer).Parties[1]
	sessions := map[string]string{"alice": w.session(t, w.alice, "alice"), "bob": w.session(t, w.bob, "bob"),
		"carol": w.session(t, carol, "carol")}
	if status, _, body := w.putDraft(t, tx); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	hears := func(about, who, last string, ids ...token.TransactionID) string {
		t.Helper()
		events := w.listen(t, "drafts", last, sessions[who], len(ids))
		for i, e := range events {
			var d api.DraftView
			if err := json.Unmarshal([]byte(e.data), &d); err != nil || e.event != "draft" || d.ID != ids[i] {
				t.Errorf("%s: %s hears %+v", about, who, e)
			}
			last = e.id
		}
		return last
	}
	first := hears("put up", "carol", "0.0.0.0", tx.ID())
	if status, _, body := w.signDraft(t, tx.ID(), others); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	events := w.listen(t, "drafts", first, sessions["carol"], 1)
	if !strings.Contains(events[0].data, `"executed"`) {
		t.Errorf("what was missed: %+v", events)
	}
	hears("who put it up", "alice", "0.0.0.0", tx.ID())
	input := token.OutputID(tx.ID(), 0) // bob's
	own, err := token.New(&token.Transfer{Parties: []token.WalletID{w.bob, carol, w.alice}, Payers: 2,
		Inputs:  []token.ID{input, token.OutputID(tx.ID(), 1)},
		Outputs: []token.Output{{Party: 2, Amount: 1_100 * money.Tenge}}}, soon())
	if err != nil {
		t.Fatal(err)
	}
	if err := own.SignAs(w.node.Network(), token.RoleWallet, 0, w.world.Key("bob")); err != nil {
		t.Fatal(err)
	}
	if status, _, body := w.putDraft(t, own); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	hears("the payee of the first", "bob", "0.0.0.0", own.ID())
	hears("who signs both", "carol", "0.0.0.0", tx.ID(), own.ID())
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/v1/events?topics=drafts", nil)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body.Close(); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %d", response.StatusCode)
	}
}

// Two officers of the authority issue through the node; the bank whose keys sign sees its own drafts and no other's.
func TestOfficersSignThroughTheNode(t *testing.T) {
	w := street(t)
	bankAccess := api.Access{Name: "bank", Role: api.RoleIntermediary, Intermediary: w.bank,
		TokenSHA256: api.HashToken("bank")}
	w.server = api.New(w.node, api.Options{Origins: []string{w.http.URL},
		Access: []api.Access{bankAccess, {Name: "authority", Role: api.RoleAuthority,
			TokenSHA256: api.HashToken("authority")}}})
	w.http.Config.Handler = checked(t, w.server)
	officers := w.world.By(token.RoleIssue, 2)
	issue, err := token.New(&token.Issue{Sequence: 2, To: w.bank, Amounts: []money.Tiyn{500}}, soon())
	if err != nil {
		t.Fatal(err)
	}
	sign := func(tx *token.Transaction, s sim.Signature) {
		if err := tx.SignAs(w.node.Network(), s.Role, s.Index, s.Key); err != nil {
			t.Fatal(err)
		}
	}
	sign(issue, officers[0])
	if status, _, body := w.putDraft(t, issue); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	register, err := token.New(&token.Register{Registrar: w.bank, Sequence: 3, Key: w.world.Key("dina").Public()},
		soon())
	if err != nil {
		t.Fatal(err)
	}
	sign(register, sim.Signature{Role: token.RoleIntermediary, Index: 0, Key: w.world.Key("bank")})
	if status, d, body := w.putDraft(t, register); status != http.StatusOK || d.Missing["possession"] != 1 {
		t.Fatalf("%d %s", status, body)
	}
	for access, want := range map[string]int{"authority": 2, "bank": 1} {
		_, _, body := w.call(t, "GET", "/v1/drafts", "", access, nil)
		var list api.Drafts
		if err := json.Unmarshal(body, &list); err != nil || len(list.Drafts) != want {
			t.Errorf("%s: %s", access, body)
		}
	}
	sign(issue, officers[1])
	// the file went round, and comes with both
	if status, d, body := w.putDraft(t, issue); status != http.StatusOK || d.State != drafts.Executed {
		t.Errorf("%d %s", status, body)
	}
}
