package ledger_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/token"
)

var rewrite = flag.Bool("rewrite", false, "write what the tests draw into docs")

// openers try, each with all that it can sign, to have a wallet of its choice paid by marked money.
var openers = []struct {
	who string
	try func(f *fair) token.WalletID
}{
	{"a bank", func(f *fair) token.WalletID { return f.dressed(f.bank, "customer") }},
	{"another bank", func(f *fair) token.WalletID {
		tx, evil := f.World.Admit("Evil", f.policySequence(), f.Now+1000)
		f.tried(f.Try(tx), "")
		return f.dressed(evil, "accomplice")
	}},
	{"the authority", func(f *fair) token.WalletID { return f.dressed(token.Authority, "budget") }},
	{"the agency", func(f *fair) token.WalletID {
		f.vouch(f.agency, f.arbiter, "canteen", false)
		return f.arbiter
	}},
	{"another agency", func(f *fair) token.WalletID {
		other := token.RegisteredID(f.Must(&token.SetAgency{Sequence: f.policySequence(), Name: "other", Keys: f.setOf("other")}).ID())
		f.vouch(other, f.arbiter, "canteen", false)
		return f.arbiter
	}},
	{"that wallet", func(f *fair) token.WalletID { return f.canteen }},
}

// dressed is a wallet to which its registrar gave whatever a rule may ask.
func (f *fair) dressed(registrar token.WalletID, name string) token.WalletID {
	sequence := f.policySequence()
	if registrar != token.Authority {
		sequence = f.model.Intermediaries[registrar].Sequence
	}
	return token.RegisteredID(f.Must(&token.Register{Registrar: registrar, Sequence: sequence, Key: f.Key(name).Public(), Tier: 1,
		Attributes: token.Attributes{Role: "anything", Category: 5812, Region: "KZ-75"}}).ID())
}

// The table of docs/contracts.md says who opens a permit by what it may set. It is played: each tries on a ledger of its own, and
// `purpose explain` warns of just those that another bank or agency opens.
func TestWhoOpensAPermit(t *testing.T) {
	var page strings.Builder
	page.WriteString("| a permit that asks |")
	for _, o := range openers {
		fmt.Fprintf(&page, " %s |", o.who)
	}
	page.WriteString(" `explain` warns |\n|" + strings.Repeat("---|", len(openers)+2) + "\n")
	for _, when := range []string{
		`payee.role == "anything"`, `payee.category == 5812`, `payee.region == "KZ-75"`, `payee.tier == 1`,
		`payee.role == "anything" && payee.bank == authority`, `payee.role == "anything" && payee.bank == BANK`,
		`"ministry/canteen" in payee.vouched`, `payee.vouched.exists(v, v.endsWith("/canteen"))`,
		`payee.id == WALLET`, `payee.key == KEY`,
	} {
		fmt.Fprintf(&page, "| `%s` |", when)
		openedByAnother, warned := false, false
		for _, o := range openers {
			f := newFair(t)
			p := sim.Meals(f.treasury, f.Now)
			key := f.Key("canteen").Public()
			p.Name, p.Earmark, p.Permits = "tried", "true", []token.Permit{{When: strings.NewReplacer("BANK", bytesText(f.bank[:]), "WALLET", bytesText(f.canteen[:]), "KEY", bytesText(key[:])).Replace(when)}}
			rule, problems := contract.CompilePurpose(p)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			warned = len(rule.Unvouched()) > 0
			tried := f.purpose(p)
			f.Must(f.earmarked(f.treasury, f.school, 100, 0, tried))
			cell := ""
			if f.Try(f.Make(f.earmarked(f.school, o.try(f), 50, tried, 0))) == nil {
				cell, openedByAnother = "opens it", openedByAnother || strings.HasPrefix(o.who, "another")
			}
			fmt.Fprintf(&page, " %s |", cell)
		}
		said := ""
		if warned {
			said = "yes"
		}
		fmt.Fprintf(&page, " %s |\n", said)
		if openedByAnother != warned {
			t.Errorf("%s: another bank or agency opens it is %v, and explain warns is %v", when, openedByAnother, warned)
		}
	}
	const begin, end = "<!-- attributes -->\n", "<!-- /attributes -->"
	data, err := os.ReadFile("../docs/contracts.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	found, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatal("docs/contracts.md has no table of attributes")
	case found != page.String() && *rewrite:
		if err := os.WriteFile("../docs/contracts.md", []byte(before+begin+page.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case found != page.String():
		t.Errorf("docs/contracts.md says\n%s\nand the ledger\n%s", found, page.String())
	}
}

func bytesText(b []byte) string {
	text := `b"`
	for _, c := range b {
		text += fmt.Sprintf(`\x%02x`, c)
	}
	return text + `"`
}
