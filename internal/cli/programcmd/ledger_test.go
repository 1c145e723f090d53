package programcmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
	"github.com/aqsha/aqsha/money"
)

var nouns = clitest.Nouns{authoritycmd.NewBankCommand, walletcmd.NewWalletCommand, walletcmd.NewIssueCommand,
	walletcmd.NewPayCommand, walletcmd.NewBalanceCommand, NewAgencyCommand, NewContractCommand, NewPurposeCommand, NewGrantCommand,
	NewOrderCommand, NewTraceCommand}

const meals = `purpose: meals
mark: payer.role == "treasury" && payer.bank == authority
permits:
  - {when: '"education/canteen" in payee.vouched', becomes: plain}
  - {when: payee.role == "school" && payee.bank == authority, becomes: same}
payment_most: 30000
total_most: 1000000
from: 2020-01-01
until: 2030-01-01
hops: 2
returns: treasury
`

// budget is a ledger with a treasury, a school, a canteen and a shop, and an agency that speaks of meals.
type budget struct {
	served.Ledger
	t   *testing.T
	dir string
}

func newBudget(t *testing.T) budget {
	t.Helper()
	b := budget{served.Start(t, nouns), t, t.TempDir()}
	b.Done("bank", "admit", "Halyk")
	b.Done("issue", "Halyk", "1000000")
	b.Done("agency", "grant", "education")
	b.Done("wallet", "new", "treasury", "--authority", "--tier", "state", "--role", "treasury")
	b.Done("wallet", "new", "school", "--authority", "--tier", "business", "--role", "school")
	b.Done("wallet", "new", "canteen", "--bank", "Halyk", "--tier", "business", "--role", "canteen")
	b.Done("wallet", "new", "toyshop", "--bank", "Halyk", "--tier", "business", "--role", "shop")
	b.Done("pay", "Halyk", "treasury", "100000")
	return b
}

func (b budget) file(name, content string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b budget) balance(name string) money.Tiyn {
	b.t.Helper()
	var lines []struct{ Balance money.Tiyn }
	b.Run("balance", name, "--json").JSON(b.t, &lines)
	return lines[0].Balance
}

// Marked money goes where its purpose lets it go and nowhere else, and who may say so of a wallet is its agency alone.
func TestAPurposeOnALedger(t *testing.T) {
	b := newBudget(t)
	path := b.file("meals.yaml", meals)
	b.Wrong("agency", "purpose", "register", path)
	b.Run("purpose", "register", path, "--agency", "nobody").Wants(t, 3, "nobody")
	for name, content := range map[string]string{
		"torn.yaml":    meals[:60] + "'",
		"other.yaml":   strings.Replace(meals, "hops: 2", "hopes: 2", 1),
		"rule.yaml":    strings.Replace(meals, `payee.role == "school"`, `payee.colour == "red"`, 1),
		"returns.yaml": strings.Replace(meals, "returns: treasury", "returns: nobody", 1),
	} {
		if e := b.Run("purpose", "register", b.file(name, content), "--agency", "education"); e.Exit == 0 {
			t.Errorf("%s is registered: %s", name, e.Out)
		}
	}
	b.Done("purpose", "register", path, "--agency", "education")
	b.Done("pay", "treasury", "school", "5000", "--mark", "meals")
	b.Refused("purpose-forbids", "pay", "school", "toyshop", "1000", "--purpose", "meals")
	b.Refused("insufficient-funds", "pay", "school", "toyshop", "1000") // it has no plain tenge
	b.Refused("purpose-forbids", "pay", "school", "canteen", "700", "--purpose", "meals")
	b.Refused("out-of-range", "agency", "vouch", "education", "canteen", "--as", "a canteen")
	b.Wrong("as", "agency", "vouch", "education", "canteen")
	b.Done("agency", "vouch", "education", "canteen", "--as", "canteen")
	b.Done("pay", "school", "canteen", "700", "--purpose", "meals")
	b.Done("agency", "vouch", "education", "canteen", "--as", "canteen", "--withdraw")
	b.Refused("out-of-range", "agency", "vouch", "education", "canteen", "--as", "canteen", "--withdraw")
	b.Refused("purpose-forbids", "pay", "school", "canteen", "1", "--purpose", "meals")
	if have := b.balance("canteen"); have != 70_000 {
		t.Errorf("the canteen has %s", have.Format())
	}
	var p api.PurposeView
	b.Run("purpose", "show", "meals", "--json").JSON(t, &p)
	if p.Entered != 500_000 || p.Left != 70_000 || p.Live != 430_000 {
		t.Errorf("entered %s, left %s, live %s", p.Entered.Format(), p.Left.Format(), p.Live.Format())
	}
	b.Done("purpose", "show", "meals").Wants(t, 0, "permit", "plain", "same", "4\u202f300.00")
	b.Done("purpose", "list").Wants(t, 0, "meals")
	b.Done("grant", "where", "meals").Wants(t, 0, "school")
	for _, language := range []string{"en", "kk", "ru"} {
		b.Done("purpose", "explain", "meals", "--lang", language)
	}
	svg := filepath.Join(b.dir, "m.svg")
	b.Done("trace", "meals", "--svg", svg)
	if drawn, err := os.ReadFile(svg); err != nil || !strings.Contains(string(drawn), "<svg") {
		t.Errorf("%v", err)
	}
	b.Run("trace", "nothing").Wants(t, 3, "nothing")
	b.Done("agency", "suspend", "education")
	if e := b.Run("agency", "vouch", "education", "toyshop", "--as", "canteen"); e.Exit != 3 {
		t.Errorf("a suspended agency vouches: exit %d, %s", e.Exit, e.Out)
	}
	b.Done("agency", "list").Wants(t, 0, "education")
}

// A contract is checked before it is registered, created with what it asks for and no more, acted in by whom it names, and pays
// what goes in to somebody or back.
func TestAContractOnALedger(t *testing.T) {
	b := newBudget(t)
	b.Done("contract", "check", "escrow").Wants(t, 0, "is sound")
	b.Run("contract", "check", filepath.Join(b.dir, "none.yaml")).Wants(t, 2, "none.yaml")
	template := b.Done("contract", "template", "escrow").Out
	b.Run("contract", "template", "gold").Wants(t, 2, "gold")
	if e := b.Run("contract", "check", b.file("bad.yaml", strings.Replace(template, "actions", "acts", 1))); e.Exit == 0 {
		t.Errorf("a definition without actions is sound: %s", e.Out)
	}
	b.Done("contract", "explain", "escrow", "--lang", "ru")
	b.Done("contract", "register", "escrow", "--bank", "Halyk")
	b.Refused("duplicate", "contract", "register", "escrow") // by whomever
	var view struct {
		Actions map[string]uint64
	}
	b.Run("contract", "check", "escrow", "--json").JSON(t, &view)
	if len(view.Actions) == 0 {
		t.Error("no action has a cost")
	}
	create := []string{"contract", "create", "escrow", "house", "--by", "treasury"}
	for _, wrong := range [][]string{
		{},
		{"--party", "buyer"},
		{"--party", "king=school", "--pay", "10"},
		{"--party", "buyer=treasury", "--party", "buyer=school", "--pay", "10"},
		{"--pay", "10", "--pay", "20"},
		{"--pay", "gold=10"},
		{"--term", "x"},
	} {
		e := b.Run(append(create, wrong...)...)
		if e.Exit != 2 {
			t.Errorf("%v: exit %d, %s%s", wrong, e.Exit, e.Out, e.Err)
		}
	}
	if have := b.balance("treasury"); have != 10_000_000 {
		t.Errorf("what was refused has paid: %s", have.Format())
	}
	b.Done("contract", "list")
	b.Run("contract", "show", "nothing").Wants(t, 3, "nothing")
	b.Run("contract", "act", "nothing", "pay", "--by", "school").Wants(t, 3, "nothing")
}

// Works wait for their buyer's acceptance, by whoever may give it; a certificate of one animal opens no other's grant.
func TestGrantsOnALedger(t *testing.T) {
	b := newBudget(t)
	b.Done("wallet", "new", "registry", "--bank", "Halyk", "--tier", "business", "--role", "registry")
	b.Done("contract", "register", "work", "--bank", "Halyk")
	b.Done("contract", "register", "grant", "--bank", "Halyk")
	work := []string{"grant", "work", "bridge", "--buyer", "treasury", "--supplier", "canteen", "--arbiter", "school"}
	b.Wrong("price", work...)
	b.Wrong("price", append(work, "--price", "many")...)
	b.Wrong("for", append(work, "--price", "5000", "--for", "soon")...)
	b.Done(append(work, "--price", "5000")...)
	act := b.file("act.txt", "accepted")
	b.Wrong("document", "grant", "accept", "bridge", "--by", "treasury")
	b.Refused("wrong-caller", "grant", "accept", "bridge", "--by", "canteen", "--document", act)
	if have := b.balance("canteen"); have != 0 {
		t.Errorf("paid before it was accepted: %s", have.Format())
	}
	b.Done("grant", "accept", "bridge", "--by", "treasury", "--document", act)
	if have := b.balance("canteen"); have != 500_000 {
		t.Errorf("accepted and paid %s", have.Format())
	}
	open := func(name, subject string) {
		t.Helper()
		b.Done("grant", "open", name, "--by", "treasury", "--farmer", "school", "--seller", "toyshop", "--registry", "registry",
			"--amount", "4000", "--subject", subject)
	}
	open("cow-41", "KZ-41-0077")
	open("cow-42", "KZ-41-0078")
	work[2] = "tunnel"
	b.Done(append(work, "--price", "1")...)
	b.Wrong("is no grant", "grant", "certify", "tunnel", "--document", act)
	certificate := b.file("c.json", b.Done("grant", "certify", "cow-41", "--document", act).Out)
	var c struct{ Document, Signature string }
	text, err := os.ReadFile(certificate)
	if err != nil || json.Unmarshal(text, &c) != nil || c.Signature == "" {
		t.Fatalf("%s, %v", text, err)
	}
	b.Refused("guard-not-met", "grant", "release", "cow-42", certificate, "--by", "toyshop")
	forged := b.file("f.json", b.Done("grant", "certify", "cow-41", "--document", act, "--key", "school").Out)
	b.Refused("guard-not-met", "grant", "release", "cow-41", forged, "--by", "toyshop")
	if e := b.Run("grant", "release", "cow-41", b.file("torn.json", string(text[:20])), "--by", "toyshop"); e.Exit == 0 {
		t.Error("a torn certificate opens a grant")
	}
	b.Done("grant", "release", "cow-41", certificate, "--by", "toyshop")
	if have := b.balance("toyshop"); have != 400_000 {
		t.Errorf("the seller has %s", have.Format())
	}
	if e := b.Run("grant", "release", "cow-41", certificate, "--by", "toyshop"); e.Exit != 3 {
		t.Errorf("released twice: exit %d, %s", e.Exit, e.Out)
	}
}
