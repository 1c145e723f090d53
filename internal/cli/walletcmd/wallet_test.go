package walletcmd

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/drafts"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// shown describes a wallet under a policy of one tier.
func shown(l words.Language, view api.WalletView, tier token.Tier, now uint64) string {
	var out bytes.Buffer
	describeWallet(&out, l, "Halyk", view, &ledger.Authority{Policy: token.Policy{Tiers: []token.Tier{tier}}}, now)
	return out.String()
}

// What was paid today is that of the ledger's present day: yesterday's is not counted against today's limit.
func TestAWalletsDay(t *testing.T) {
	const day = 86_400_000
	view := api.WalletView{Wallet: ledger.Wallet{Balance: 500 * money.Tenge, Tokens: 3}}
	view.Day, view.PaidToday, view.PaymentsToday = 20_000, 70*money.Tenge, 2
	tier := token.Tier{Name: "person", MaxPayment: 100 * money.Tenge, MaxDay: 300 * money.Tenge}
	for now, want := range map[uint64]string{
		20_000*day + 5: "70.00 ₸ in 2 payments", 20_001 * day: "0.00 ₸ in 0 payments",
	} {
		text := shown(words.English, view, tier, now)
		if !strings.Contains(text, want) || !strings.Contains(text, "500.00 ₸ in 3 tokens") {
			t.Errorf("at %d: want %q in\n%s", now, want, text)
		}
	}
	text := shown(words.Russian, view, tier, 20_000*day)
	for _, want := range []string{"70.00 ₸, 2 платежа", "500.00 ₸, 3 токена", "за раз", "100.00 ₸", "300.00 ₸", "без предела"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	if view.Treasury = true; strings.Contains(shown(words.English, view, tier, 0), "at once") {
		t.Error("a treasury has no tier's limits")
	}
	view.Testimonies = []string{"ministry/canteen\x1b[2J"}
	if text := shown(words.English, view, tier, 0); strings.Contains(text, "\x1b") || !strings.Contains(text, "vouched") {
		t.Errorf("what agencies wrote is shown as it is: %q", text)
	}
}

// A wallet's state names all that is special about it, once each.
func TestStatesOfAWallet(t *testing.T) {
	for _, c := range []struct {
		change func(w *api.WalletView)
		want   string
	}{
		{func(*api.WalletView) {}, "active"},
		{func(w *api.WalletView) { w.Treasury = true }, "treasury"},
		{func(w *api.WalletView) { w.Frozen = token.FreezeDebits }, "debits frozen"},
		{func(w *api.WalletView) { w.Treasury, w.Frozen = true, token.FreezeAll }, "treasury, frozen"},
		{func(w *api.WalletView) { w.Held = true }, "holds money for another wallet"},
		{func(w *api.WalletView) { w.Rekeying = true }, "new key from 1970-01-01"},
	} {
		var w api.WalletView
		c.change(&w)
		if got := stateOf(words.English, w); !strings.HasPrefix(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
		for _, l := range words.Languages[1:] {
			if got := stateOf(l, w); got == "" || strings.ContainsAny(got, "qwertyuiop") {
				t.Errorf("%s: %q", l, got)
			}
		}
	}
}

// Who can stop what waits depends on who asked: of a reserve nobody but the issue set can.
func TestWhoCancels(t *testing.T) {
	for _, l := range words.Languages {
		issue, others := whoCancels(l, token.RoleIssue), whoCancels(l, token.RoleIntermediary)
		if issue == others || strings.HasPrefix(issue, "result.") || strings.HasPrefix(others, "result.") {
			t.Errorf("%s: %q, %q", l, issue, others)
		}
	}
}

// A draft at a node says what it still lacks, in the same order each time.
func TestWhatADraftLacks(t *testing.T) {
	view := api.DraftView{State: drafts.Waiting, Missing: map[string]int{"policy": 2, "issue": 1}}
	for range 20 {
		if got := draftState(words.English, view); got != "waiting for 1 × issue, 2 × policy" {
			t.Fatal(got)
		}
	}
	view.State = drafts.Executed
	if got := draftState(words.English, view); got != string(drafts.Executed) {
		t.Error(got)
	}
	if got := joinRoles(words.English, []token.Role{token.RolePolicy, token.RoleIssue}); got != "policy, issue" {
		t.Error(got)
	}
	if got := joinRoles(words.Russian, []token.Role{token.RolePolicy, token.RoleWallet}); got != "ключи политики, ключ кошелька" {
		t.Error(got)
	}
	var out bytes.Buffer
	printLines(&out, []wallet.Line{{Label: "Amount", Value: "5.00"}, {Label: "To", Value: "shop"}})
	if out.String() != "Amount  5.00\nTo      shop\n" {
		t.Errorf("%q", out.String())
	}
}

// What a receipt or a proof says comes with what it does not show; a memo in it is a stranger's text.
func TestWhatAProofShows(t *testing.T) {
	var out bytes.Buffer
	describeReceipt(&out, words.English, &proof.ReceiptResult{Name: "tenge", Index: 7, Kind: "transfer", Memo: "rent\x1b[2J", LogSize: 9,
		Payers: []token.WalletID{{1}}, Paid: []proof.Paid{{Wallet: token.WalletID{2}, Amount: 5 * money.Tenge}}, Shows: []string{"it is in the log"},
		DoesNotShow: []string{"that it was not spent"}})
	text := out.String()
	for _, want := range []string{"entry 7, payment", "5.00 ₸", "signed by", "  + the transaction stands in the log", "  − that what it made is still unspent"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in %s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("a memo moves the reader's terminal")
	}
	if _, err := tokenID("nothing"); err == nil {
		t.Error("a token's id of no digits")
	}
	if id, err := tokenID(strings.Repeat("0a", 32)); err != nil || id == (token.ID{}) {
		t.Errorf("%v, %v", id, err)
	}
}

// Only attributes that were given are changed.
func TestAttributesThatWereGiven(t *testing.T) {
	command := walletUpdate()
	if err := command.ParseFlags([]string{"--category", "5411"}); err != nil {
		t.Fatal(err)
	}
	a := token.Attributes{Category: 1, Region: "KZ-75", Role: "person"}
	readAttributes(command, &a)
	if a != (token.Attributes{Category: 5411, Region: "KZ-75", Role: "person"}) {
		t.Errorf("%+v", a)
	}
	if err := command.ParseFlags([]string{"--region", "", "--role", "merchant"}); err != nil {
		t.Fatal(err)
	}
	readAttributes(command, &a)
	if a != (token.Attributes{Category: 5411, Role: "merchant"}) {
		t.Errorf("%+v", a)
	}
}

// What a proof or receipt shows is said in the reader's language; the English text is what the check itself says, sentence by sentence.
func TestTheCatalogueSaysWhatAProofShows(t *testing.T) {
	sentences := func(name string) (all []string) {
		for i := 0; slices.Contains(words.English.Keys(), name+strconv.Itoa(i)); i++ {
			all = append(all, words.English.Text(name+strconv.Itoa(i)))
		}
		return all
	}
	for name, said := range map[string][2][]string{"token": {proof.TokenShows, proof.TokenDoesNotShow}, "receipt": {proof.ReceiptShows, proof.ReceiptDoesNotShow}} {
		if got := sentences("proof-shows." + name + "-"); !slices.Equal(got, said[0]) {
			t.Errorf("%s shows %q, the catalogue has %q", name, said[0], got)
		}
		if got := sentences("proof-hides." + name + "-"); !slices.Equal(got, said[1]) {
			t.Errorf("%s does not show %q, the catalogue has %q", name, said[1], got)
		}
	}
}
