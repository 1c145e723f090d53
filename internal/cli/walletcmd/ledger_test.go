package walletcmd

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

var nouns = clitest.Nouns{authoritycmd.NewBankCommand, authoritycmd.NewPolicyCommand, NewWalletCommand, NewIssueCommand,
	NewRedeemCommand, NewPayCommand, NewBalanceCommand, NewHistoryCommand, NewSupplyCommand, NewTokenCommand, NewProofCommand,
	NewTxCommand, NewKeyCommand}

// town is a ledger with a bank that has a million tenge and three customers, of whom one is a shop.
type town struct {
	served.Ledger
	t *testing.T
}

func newTown(t *testing.T, flags ...string) town {
	t.Helper()
	l := town{served.Start(t, nouns, flags...), t}
	l.Done("bank", "admit", "Halyk")
	l.Done("issue", "Halyk", "1000000")
	l.Done("wallet", "new", "aigerim", "--bank", "Halyk", "--recovery")
	l.Done("wallet", "new", "marat", "--bank", "Halyk")
	l.Done("wallet", "new", "shop", "--bank", "Halyk", "--tier", "business", "--role", "merchant", "--category", "5411")
	l.Done("pay", "Halyk", "aigerim", "1000")
	return l
}

// balances are what wallets hold.
func (l town) balances(names ...string) map[string]money.Tiyn {
	l.t.Helper()
	var lines []struct {
		Name    string
		Balance money.Tiyn
	}
	l.Run(append([]string{"balance", "--json"}, names...)...).JSON(l.t, &lines)
	out := map[string]money.Tiyn{}
	for _, one := range lines {
		out[one.Name] = one.Balance
	}
	return out
}

// conserved wants that all that lives is what these wallets hold, whatever happened.
func (l town) conserved() {
	l.t.Helper()
	var supply struct{ Live money.Tiyn }
	l.Run("supply", "--json").JSON(l.t, &supply)
	sum := money.Tiyn(0)
	for _, held := range l.balances("Halyk", "aigerim", "marat", "shop") { // any order: a sum
		sum += held
	}
	if sum != supply.Live {
		l.t.Errorf("wallets hold %s, %s live", sum.Format(), supply.Live.Format())
	}
}

// What is paid is what was said, to whom it was said, once; what a rule or a slip of the hand forbids moves nothing.
func TestPaymentsOnALedger(t *testing.T) {
	l := newTown(t)
	l.Done("wallet", "new", "timur", "--bank", "Halyk", "--tier", "unidentified")
	l.Done("pay", "aigerim", "shop", "250.50", "--memo", "bread")
	l.Done("pay", "aigerim", "marat", "0.01")
	want := map[string]money.Tiyn{"aigerim": 74949, "marat": 1, "shop": 25050, "Halyk": 99_900_000}
	same := func(after string) {
		t.Helper()
		for name, have := range l.balances("aigerim", "marat", "shop", "Halyk") {
			if have != want[name] {
				t.Errorf("after %s %s has %s, want %s", after, name, have.Format(), want[name].Format())
			}
		}
		l.conserved()
	}
	same("two payments")
	for _, wrong := range [][]string{{"1.001", "2 decimals"}, {"-5", "amount"}, {"0", "amount"}, {"x", "amount"},
		{"1e3", "amount"}, {"99999999999999999999", "amount"}} {
		if e := l.Run("pay", "aigerim", "shop", wrong[0]); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%s: exit %d, %s", wrong[0], e.Exit, e.Err)
		}
	}
	l.Run("pay", "aigerim", "nobody", "1").Wants(t, 3, "nobody")
	l.Wrong("want FROM TO AMOUNT", "pay", "aigerim", "shop")
	l.Refused("insufficient-funds", "pay", "marat", "shop", "5")
	l.Refused("limit-balance", "pay", "Halyk", "timur", "900000")
	l.Wrong("memo", "pay", "aigerim", "shop", "1", "--memo", strings.Repeat("x", token.MaxMemo+1))
	same("what was refused")

	_, first, _ := strings.Cut(l.Done("pay", "aigerim", "shop", "10", "--idempotency-key", "order-1").Out, "\n")
	again := l.Done("pay", "aigerim", "shop", "10", "--idempotency-key", "order-1").Wants(t, 0, "had paid before")
	if !strings.Contains(again.Out, first) {
		t.Errorf("the second answer:\n%s\nthe first:\n%s", again.Out, first)
	}
	if e := l.Run("pay", "aigerim", "shop", "11", "--idempotency-key", "order-1"); e.Exit != 3 {
		t.Errorf("another payment under the same key: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	want["aigerim"], want["shop"] = want["aigerim"]-1000, want["shop"]+1000
	same("one payment with a key, three times")

	l.Done("redeem", "Halyk", "999000")
	want["Halyk"] = 0
	same("the bank has redeemed what it had")
	l.Refused("insufficient-funds", "redeem", "Halyk", "1")
}

// A wallet changes by whom the rules let change it: frozen it pays nothing, a new key that its bank asks for waits and can be
// cancelled, and what is left over is not closed away.
func TestAWalletsLife(t *testing.T) {
	l := newTown(t)
	l.Wrong("who registers", "wallet", "new", "nobody")
	l.Wrong("who registers", "wallet", "new", "nobody", "--bank", "Halyk", "--authority")
	l.Wrong("the policy has", "wallet", "new", "nobody", "--bank", "Halyk", "--tier", "royal")
	l.Wrong("--public-key", "wallet", "new", "nobody", "--bank", "Halyk", "--public-key", "ed25519:12")
	l.Wrong("32 hexadecimal", "wallet", "name", "me", "12")
	l.Done("wallet", "new", "court", "--authority", "--tier", "state", "--role", "court")

	l.Wrong("case", "wallet", "freeze", "aigerim")
	l.Done("wallet", "freeze", "aigerim", "--case", "12/2026")
	l.Refused("frozen", "pay", "aigerim", "shop", "1")
	l.Done("wallet", "show", "aigerim").Wants(t, 0, "frozen")
	l.Refused("wrong-case", "wallet", "seize", "aigerim", "5", "court", "--case", "13/2026")
	l.Done("wallet", "seize", "aigerim", "5", "court", "--case", "12/2026")
	if have := l.balances("court"); have["court"] != 500 {
		t.Errorf("the court has %s", have["court"].Format())
	}
	l.Refused("wrong-case", "wallet", "unfreeze", "aigerim", "--case", "13/2026")
	l.Done("wallet", "unfreeze", "aigerim", "--case", "12/2026")
	l.Done("pay", "aigerim", "shop", "1")

	l.Wrong("--by", "wallet", "rekey", "aigerim", "--by", "thief")
	l.Done("wallet", "rekey", "aigerim", "--by", "intermediary", "--key", "taken").Wants(t, 0, "aigerim")
	if e := l.Run("pay", "aigerim", "shop", "1", "--json"); e.Exit != 3 { // blocked while another key waits
		t.Errorf("paid while a key waits: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	l.Done("wallet", "show", "aigerim", "--json")
	l.Done("wallet", "cancel", "aigerim", "--by", "recovery")
	l.Done("pay", "aigerim", "shop", "1")
	l.Done("wallet", "rekey", "aigerim", "--by", "recovery")
	l.Done("pay", "aigerim", "shop", "1")

	l.Done("wallet", "update", "shop", "--region", "KZ-35")
	var view api.WalletView
	l.Run("wallet", "show", "shop", "--json").JSON(t, &view)
	if view.Attributes.Region != "KZ-35" || view.Attributes.Category != 5411 || view.Attributes.Role != "merchant" {
		t.Errorf("%+v", view.Attributes) // what was not given stays
	}
	if e := l.Run("wallet", "close", "shop"); e.Exit != 3 {
		t.Errorf("a wallet with money is closed: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	l.Done("wallet", "close", "marat")
	if e := l.Run("pay", "aigerim", "marat", "1"); e.Exit != 0 && e.Exit != 3 {
		t.Errorf("a closed payee: exit %d, %s", e.Exit, e.Err)
	}
	l.Done("wallet", "held", "marat")
	l.Wrong("amount", "wallet", "take", "marat", "many")
	l.Done("wallet", "list").Wants(t, 0, "shop", "Halyk", "court")
}

// A file of payments pays each row once, whatever it is called and however often it is run; what is wrong in it is named by its
// line before anything is paid.
func TestABatchOnALedger(t *testing.T) {
	l := newTown(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for content, word := range map[string]string{
		"to,amount\nshop,1\nshop,1.001\n": "line 3",
		"to,amount\nshop\n":               "line 2",
		"to\nshop\n":                      "amount",
		"to,amount,colour\nshop,1,red\n":  "colour",
		"":                                "row",
	} {
		e := l.Run("pay", "aigerim", "--batch", file("bad.csv", content))
		if e.Exit == 0 || !strings.Contains(e.Err+e.Out, word) {
			t.Errorf("%q: exit %d, %s%s, want %q", content, e.Exit, e.Out, e.Err, word)
		}
	}
	if have := l.balances("aigerim")["aigerim"]; have != 100_000 {
		t.Fatalf("a batch that was refused has paid: %s", have.Format())
	}
	// Rows are judged one by one: who is not here is refused, and the others are paid.
	l.Run("pay", "aigerim", "--batch", file("one.csv", "to,amount\nshop,1\nnobody,2\n")).Wants(t, 3, "nobody", "1 of 2")
	l.Done("pay", "Halyk", "aigerim", "1")
	pays := file("pays.csv", "to,amount,memo,id\nshop,100,a,1\nmarat,50.50,b,2\nmarat,5000,too much,3\n")
	var outcomes []wallet.Outcome
	e := l.Run("pay", "aigerim", "--batch", pays, "--json")
	if err := json.Unmarshal([]byte(e.Out), &outcomes); err != nil || len(outcomes) != 3 || e.Exit != 3 {
		t.Fatalf("exit %d, %v\n%s%s", e.Exit, err, e.Out, e.Err)
	}
	if outcomes[0].Problem != nil || outcomes[1].Problem != nil || outcomes[2].Problem == nil {
		t.Errorf("%+v", outcomes)
	}
	want := money.Tiyn(100_000 - 10_000 - 5050)
	if have := l.balances("aigerim")["aigerim"]; have != want {
		t.Errorf("after the batch %s, want %s", have.Format(), want.Format())
	}
	copied := file("copy.csv", "to,amount,memo,id\nshop,100,a,1\nmarat,50.50,b,2\nmarat,5,another,4\n")
	l.Run("pay", "aigerim", "--batch", copied)
	if have := l.balances("aigerim")["aigerim"]; have != want-500 {
		t.Errorf("rows of the same id, again in another file: %s, want %s", have.Format(), (want - 500).Format())
	}
	l.Wrong("does not apply", "pay", "aigerim", "--batch", pays, "--idempotency-key", "x")
	l.Wrong("does not apply", "pay", "aigerim", "shop", "1", "--only-new")
	l.conserved()
}

// A draft says all that it does, in words that move no cursor; it is signed by who names it, on the network that it is of, and
// handed in once.
func TestDraftsOnALedger(t *testing.T) {
	l := newTown(t)
	draft := filepath.Join(t.TempDir(), "draft.json")
	l.Done("pay", "aigerim", "shop", "20", "--memo", "see\x1b[2Jhere", "--out", draft)
	if have := l.balances("aigerim")["aigerim"]; have != 100_000 {
		t.Fatalf("a draft has paid: %s", have.Format())
	}
	shown := l.Done("tx", "show", draft)
	if strings.ContainsRune(shown.Out+shown.Err, 0x1b) {
		t.Errorf("%q", shown.Out)
	}
	shown.Wants(t, 0, "20.00", "aigerim", "shop")
	d, err := wallet.ReadDraft(draft)
	if err != nil {
		t.Fatal(err)
	}
	id := d.Transaction.ID().String()
	l.Wrong("has signed the draft already", "tx", "sign", draft, "--key", "aigerim", "--yes", id) // by the command that made it
	first := l.Done("tx", "submit", draft).Out
	if again := l.Done("tx", "submit", draft).Out; again != first {
		t.Errorf("handed in twice: %s and %s", first, again)
	}
	if have := l.balances("aigerim")["aigerim"]; have != 98_000 {
		t.Errorf("%s", have.Format())
	}
	l.Done("tx", "show", id).Wants(t, 0, id)
	l.Wrong("", "tx", "show", filepath.Join(t.TempDir(), "none.json"))
	torn := filepath.Join(t.TempDir(), "torn.json")
	content, err := os.ReadFile(draft)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(torn, content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	l.Wrong("torn.json", "tx", "submit", torn)
	l.Wrong("torn.json", "tx", "show", torn)
}

// A token's proof holds for its network and no other, whole and not in part; lists say when they are cut.
func TestTokensAndTheirProofs(t *testing.T) {
	l := newTown(t)
	for range 3 {
		l.Done("pay", "Halyk", "aigerim", "10")
	}
	var tokens api.WalletTokens
	l.Run("token", "list", "aigerim", "--json").JSON(t, &tokens)
	if len(tokens.Tokens) != 4 || tokens.More {
		t.Fatalf("%+v", tokens)
	}
	l.Done("token", "list", "aigerim", "--limit", "2").Wants(t, 0, "and more")
	id := tokens.Tokens[0].ID.String()
	l.Done("token", "show", id).Wants(t, 0, "10.00")
	l.Wrong("token", "token", "show", "12")
	file := filepath.Join(t.TempDir(), "a.proof")
	e := l.Done("token", "prove", id, "--file", file)
	_, network, _ := strings.Cut(strings.TrimSpace(e.Out), "--network ")
	l.Done("wallet", "list") // a ledger that went on changes no proof
	check := func(path, network string) clitest.Ended {
		return clitest.Run(t, nouns, "proof", "check", path, "--network", network)
	}
	check(file, network).Wants(t, 0)
	if e := check(file, strings.Repeat("1", 64)); e.Exit == 0 {
		t.Errorf("a proof of another network holds: %s", e.Out)
	}
	check(file, "12").Wants(t, 2, "--network")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range []int{0, 1, len(content) / 2, len(content) - 1} {
		if err := os.WriteFile(file, content[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if e := check(file, network); e.Exit == 0 {
			t.Errorf("a proof of %d of %d bytes holds", cut, len(content))
		}
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if e := check(file, network); e.Exit == 0 {
		t.Error("a proof with another bit holds")
	}
}

// A history has the latest first, each line once over its pages, and says in the reader's language what it was, and with whom.
func TestHistories(t *testing.T) {
	l := newTown(t)
	for n := range 5 {
		l.Done("pay", "aigerim", "shop", fmt.Sprint(n+1), "--memo", fmt.Sprintf("no %d\x1b[2J", n))
	}
	var seen []uint64
	before := uint64(0)
	for range 10 {
		var h api.History
		l.Run("history", "aigerim", "--limit", "2", "--before", fmt.Sprint(before), "--json").JSON(t, &h)
		for _, line := range h.Lines {
			if n := len(seen); n > 0 && seen[n-1] <= line.Index {
				t.Errorf("%d after %d", line.Index, seen[n-1])
			}
			seen = append(seen, line.Index)
		}
		if before = h.Next; before == 0 {
			break
		}
	}
	if len(seen) != 7 { // registered, paid by the bank, five payments
		t.Errorf("%d lines: %v", len(seen), seen)
	}
	english := l.Done("history", "aigerim").Out
	if !strings.Contains(english, "shop") || !strings.Contains(english, `no 4\x1b[2J`) || strings.ContainsRune(english, 0x1b) {
		t.Errorf("%q", english)
	}
	if kazakh := l.Done("history", "aigerim", "--lang", "kk").Out; kazakh == english {
		t.Errorf("in Kazakh:\n%s", kazakh)
	}
	l.Run("history", "nobody").Wants(t, 3, "nobody")
	l.Wrong("--limit", "history", "aigerim", "--limit", "x")
}

// A customer whose key is nobody else's signs his wallet's registration by himself, on the network that it is of, after he has
// been shown it or by the transaction's own id; a bank without him opens none.
func TestADraftThatACustomerSigns(t *testing.T) {
	l := newTown(t)
	home, dir := t.TempDir(), t.TempDir()
	public := strings.TrimSpace(clitest.Run(t, nouns, "key", "new", "timur", "--development", "--data", home).Wants(t, 0).Out)
	clitest.Run(t, nouns, "key", "new", "timur", "--development", "--data", home).Wants(t, 1, "exists")
	draft := filepath.Join(dir, "timur.json")
	l.Wrong("--out FILE", "wallet", "new", "timur", "--bank", "Halyk", "--public-key", public)
	l.Wrong("--recovery", "wallet", "new", "timur", "--bank", "Halyk", "--public-key", public, "--recovery", "--out", draft)
	l.Done("wallet", "new", "timur", "--bank", "Halyk", "--public-key", public, "--out", draft)
	if e := l.Run("tx", "submit", draft); e.Exit == 0 {
		t.Fatalf("a wallet is opened without its holder: %s", e.Out)
	}
	d, err := wallet.ReadDraft(draft)
	if err != nil {
		t.Fatal(err)
	}
	id, network := d.Transaction.ID().String(), d.Network.String()
	sign := func(more ...string) clitest.Ended {
		return clitest.Run(t, nouns, append([]string{"tx", "sign", draft, "--key", "timur", "--data", home}, more...)...)
	}
	sign("--yes", strings.Repeat("0", 64)).Wants(t, 2, "--yes")
	e := sign("--yes", id, "--network", strings.Repeat("a", 64), "--json")
	if code, _ := e.Code(t); code != "wrong-network" || e.Exit != 3 {
		t.Errorf("exit %d, %s", e.Exit, e.Err)
	}
	sign("--yes", id, "--network", network).Wants(t, 0, "complete", public)
	l.Done("tx", "submit", draft)
	var view api.WalletView
	l.Run("wallet", "name", "timur", id[:32]).Wants(t, 3, "is taken")
	l.Run("wallet", "show", "timur", "--json").JSON(t, &view)
	if view.Key.String() != public {
		t.Errorf("the wallet's key is %s, want %s", view.Key, public)
	}
}
