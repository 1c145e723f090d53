package wallet_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

var (
	mira = token.WalletID{0xaa, 1}
	shop = token.WalletID{0xbb, 2}
)

func nameOf(id token.WalletID) string {
	if id == mira {
		return "mira"
	}
	return id.String()
}

func describe(t *testing.T, l words.Language, body token.Body) map[string][]string {
	t.Helper()
	tx, err := token.New(body, 1_790_000_000_000)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{}
	for _, line := range wallet.Describe(l, tx, nameOf) {
		said[line.Label] = append(said[line.Label], line.Value)
	}
	return said
}

func TestAPaymentIsDescribed(t *testing.T) {
	said := describe(t, words.English, &token.Transfer{Parties: []token.WalletID{mira, shop}, Payers: 1, Inputs: []token.ID{{1}, {2}},
		Outputs: []token.Output{{Party: 1, Amount: 1500_50}, {Party: 0, Amount: 99}}, Memo: token.Plain("bread\u202e\n\x1b[2J")})
	for label, want := range map[string]string{
		"What": "payment", "Pays": "mira (" + mira.String() + ")", "Gets": shop.String() + ": 1\u202f500.50 ₸", "Comes back to": "mira (" + mira.String() + "): 0.99 ₸",
		"Money used": "2 tokens", "Remark": `"bread\u202e\n\x1b[2J"`, "Valid until": "2026-09-21 19:13:20 (UTC+05)",
	} {
		got := strings.Join(said[label], "; ")
		if got != want {
			t.Errorf("%s: %q, want %q", label, got, want)
		}
	}
	said = describe(t, words.Russian, &token.EarmarkedTransfer{Parties: []token.WalletID{mira, shop}, Inputs: []token.ID{{1}},
		Outputs: []token.EarmarkedOutput{{Party: 1, Amount: 700, From: 3}, {Party: 0, Amount: 5, From: 3, Becomes: 3}, {Party: 1, Amount: 1, From: 3, Becomes: 4}}, Document: &token.Hash{7}})
	if got := strings.Join(said["Получает"], "; "); !strings.Contains(got, "из назначения 3, станет свободными деньгами") || !strings.Contains(got, "станет назначением 4") {
		t.Error(got)
	}
	if got := strings.Join(said["Возвращается"], ""); !strings.HasSuffix(got, "из назначения 3") {
		t.Error(got)
	}
	if len(said["Документ (отпечаток)"]) != 1 {
		t.Error(said)
	}
}

// Who is set to order is said by name, and by each key, in each language; a name passes for nothing but a name.
func TestValidatorsAreDescribed(t *testing.T) {
	w := sim.NewWorld(1)
	dala := w.Validator("dala")
	dala.Name = "dala)(" // which looks like what is said of it
	tx := &token.Transaction{Body: &token.SetValidators{Sequence: 1, Validators: []token.Validator{dala}}}
	for _, l := range words.Languages {
		said := ""
		for _, line := range wallet.Describe(l, tx, func(token.WalletID) string { return "" }) {
			said += line.Value + "\n"
		}
		for _, want := range []string{`"dala)("`, dala.Vote.String(), dala.Checkpoint.String(), dala.Peer.String()} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: want %s in %s", l, want, said)
			}
		}
		if strings.Contains(said, "{") {
			t.Errorf("%s: raw, or a gap: %s", l, said)
		}
	}
}

// Nothing of a transaction is kept from its signer: for each field of each kind, two transactions that differ in it are
// described differently, and every label has words.
func TestEveryFieldIsShown(t *testing.T) {
	shown := 0
	for kind := token.KindTransfer; kind <= token.LastKind; kind++ {
		body := token.NewBody(kind)
		v := reflect.ValueOf(body).Elem()
		fill(v, 1)
		if tr, ok := body.(*token.Transfer); ok {
			tr.Payers = 1
			tr.Parties = append(tr.Parties, shop)
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.Name == "Inputs" || field.Name == "Payers" { // what they are worth is not said in the transaction
				continue
			}
			before := wallet.Describe(words.English, unchecked(body), nameOf)
			old := reflect.New(field.Type).Elem()
			old.Set(v.Field(i))
			fill(v.Field(i), 0)
			after := wallet.Describe(words.English, unchecked(body), nameOf)
			v.Field(i).Set(old)
			if reflect.DeepEqual(before, after) {
				t.Errorf("%s: %s is not shown", kind, field.Name)
			}
			shown++
		}
		for _, l := range words.Languages {
			for _, line := range wallet.Describe(l, unchecked(body), nameOf) {
				if strings.Contains(line.Label, "field.") || strings.Contains(line.Value, "kind.") || strings.Contains(line.Value, "field.") {
					t.Errorf("%s: %s has no words for %+v", l, kind, line)
				}
				if strings.ContainsFunc(line.Value, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%s: %q does not print", kind, line.Value)
				}
			}
		}
	}
	if shown < 60 {
		t.Errorf("only %d fields were looked at", shown)
	}
}

// unchecked wraps a body that need not follow the rules of form.
func unchecked(body token.Body) *token.Transaction { return &token.Transaction{Body: body} }

// fill gives everything in a value something, or with 0 something else.
func fill(v reflect.Value, with int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), with)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), with)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2-with, 2-with)) // as many as tell the two apart, too
		for i := range v.Len() {
			fill(v.Index(i), with)
		}
		if with == 0 && v.Type() == reflect.TypeFor[[]token.WalletID]() {
			v.Set(v.Slice(0, 1))
			fill(v.Index(0), 5)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), with)
		}
	case reflect.String:
		v.SetString("text" + strings.Repeat("x", with))
	case reflect.Bool:
		v.SetBool(with == 1)
	case reflect.Int, reflect.Int64, reflect.Int32:
		if v.Type() == reflect.TypeFor[money.Tiyn]() {
			v.SetInt(int64(10 + with))
			return
		}
		v.SetInt(0)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(2 + with))
	}
}
