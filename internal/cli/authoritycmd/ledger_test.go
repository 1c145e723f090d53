package authoritycmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
	"github.com/aqsha/aqsha/token"
)

var nouns = clitest.Nouns{NewBankCommand, NewPolicyCommand, walletcmd.NewWalletCommand, walletcmd.NewIssueCommand,
	walletcmd.NewPayCommand}

// Banks are admitted under names that nobody has, lose their rights without their customers' losing theirs, and hand these over
// only when they are suspended.
func TestBanksOnALedger(t *testing.T) {
	l := served.Start(t, nouns)
	l.Done("bank", "admit", "Halyk")
	l.Done("bank", "admit", "Kaspi")
	if e := l.Run("bank", "admit", "Halyk"); e.Exit == 0 {
		t.Errorf("two banks of one name: %s", e.Out)
	}
	l.Done("issue", "Halyk", "1000")
	l.Done("wallet", "new", "aigerim", "--bank", "Halyk")
	l.Done("wallet", "new", "marat", "--bank", "Halyk")
	l.Done("pay", "Halyk", "aigerim", "100")
	if e := l.Run("bank", "move", "Halyk", "Kaspi", "aigerim"); e.Exit != 3 {
		t.Errorf("customers of a bank that is not suspended are moved: exit %d, %s", e.Exit, e.Out)
	}
	l.Done("bank", "suspend", "Halyk")
	if e := l.Run("wallet", "new", "dana", "--bank", "Halyk"); e.Exit != 3 {
		t.Errorf("a suspended bank opens a wallet: exit %d, %s", e.Exit, e.Out)
	}
	l.Done("pay", "aigerim", "marat", "5") // its customers' wallets work on
	l.Done("bank", "move", "Halyk", "Kaspi", "aigerim", "marat").Wants(t, 0, "Kaspi")
	l.Wrong("argument", "bank", "move", "Halyk", "Kaspi")
	var banks []api.IntermediaryView
	l.Run("bank", "list", "--json").JSON(t, &banks)
	suspended := map[string]bool{}
	for _, b := range banks {
		suspended[b.Name] = b.Suspended
	}
	if len(banks) != 2 || !suspended["Halyk"] || suspended["Kaspi"] {
		t.Errorf("%+v", banks)
	}
	l.Done("bank", "reinstate", "Halyk")
	l.Done("wallet", "new", "dana", "--bank", "Halyk")
	l.Run("bank", "renew", "nobody", "key").Wants(t, 3, "nobody")
	l.Wrong("argument", "bank", "renew", "Halyk")
}

// A policy that takes away others' time is proposed and not set; what is proposed waits, is seen, and is stopped by root; a file
// that is no policy changes nothing.
func TestPoliciesOnALedger(t *testing.T) {
	l := served.Start(t, nouns)
	l.Done("bank", "admit", "Halyk")
	var a api.AuthorityView
	l.Run("policy", "show", "--json").JSON(t, &a)
	file := func(name string, change func(p *token.Policy)) string {
		p := a.Policy
		change(&p)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	l.Done("policy", "set", file("same.json", func(p *token.Policy) { p.MaxOutputs-- }))
	var now api.AuthorityView
	if l.Run("policy", "show", "--json").JSON(t, &now); now.Policy.MaxOutputs != a.Policy.MaxOutputs-1 {
		t.Errorf("%d outputs, want %d", now.Policy.MaxOutputs, a.Policy.MaxOutputs-1)
	}
	shorter := file("shorter.json", func(p *token.Policy) { p.RekeyDelayMillis /= 2 })
	if e := l.Run("policy", "set", shorter); e.Exit != 3 {
		t.Errorf("a shorter delay at once: exit %d, %s", e.Exit, e.Out)
	}
	l.Done("policy", "propose", shorter)
	if l.Run("policy", "show", "--json").JSON(t, &now); len(now.Proposals) != 1 {
		t.Fatalf("%+v", now.Proposals)
	}
	l.Done("policy", "show").Wants(t, 0, "takes effect", "unless vetoed", "TIER", "rules: version")
	l.Done("policy", "veto", now.Proposals[0].ID.String())
	if e := l.Run("policy", "veto", now.Proposals[0].ID.String()); e.Exit != 3 {
		t.Errorf("vetoed twice: exit %d, %s", e.Exit, e.Out)
	}
	l.Wrong("", "policy", "veto", "12")
	l.Wrong("", "policy", "propose-cap", "much")
	l.Wrong("", "policy", "propose-delay", "soon")
	l.Done("policy", "propose-delay", "48h").Wants(t, 0)
	l.Done("policy", "propose-cap", "5000000")
	if l.Run("policy", "show", "--json").JSON(t, &now); len(now.Proposals) != 2 || now.DelayMillis != a.DelayMillis {
		t.Errorf("%+v", now.Proposals) // none has taken effect yet
	}
	for name, content := range map[string]string{"torn.json": `{"tiers": [`, "empty.json": "", "other.json": `[1, 2]`,
		"unknown.json": `{"colour": "red"}`} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if e := l.Run("policy", "set", path); e.Exit == 0 || !strings.Contains(e.Err, name) {
			t.Errorf("%s: exit %d, %s", name, e.Exit, e.Err)
		}
	}
	if e := l.Run("policy", "propose-rules", "99"); e.Exit == 0 {
		t.Errorf("rules that nobody knows: %s", e.Out)
	}
	l.Wrong("", "policy", "propose-rules", "newest")
	if e := l.Run("policy", "propose-keys", "kings", "k1"); e.Exit == 0 {
		t.Errorf("keys of a set that is none: %s", e.Out)
	}
}
