package programcmd

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/trace"
	"github.com/aqsha/aqsha/words"
)

func given(t *testing.T, flags ...string) *cobra.Command {
	t.Helper()
	command := newContractCreate()
	if err := command.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	return command
}

// What is paid in goes to the asset that is named, or to the first; what is given twice is refused, not overwritten.
func TestWhatIsPaidIn(t *testing.T) {
	for _, c := range []struct {
		flags  string
		assets string
		want   []money.Tiyn
		says   string
	}{
		{"", "kzt", []money.Tiyn{0}, ""},
		{"--pay 5", "kzt", []money.Tiyn{500}, ""},
		{"--pay 5", "kzt meals", []money.Tiyn{500, 0}, ""},
		{"--pay meals=1.50 --pay 5", "kzt meals", []money.Tiyn{500, 150}, ""},
		{"--pay 5 --pay 7", "kzt", nil, "paid twice"},
		{"--pay kzt=5 --pay 7", "kzt", nil, "paid twice"},
		{"--pay cows=5", "kzt meals", nil, "assets are kzt, meals"},
		{"--pay 5", "", nil, "assets are"},
		{"--pay five", "kzt", nil, "--pay:"},
		{"--pay 1.001", "kzt", nil, "--pay:"},
	} {
		got, err := paidOf(given(t, strings.Fields(c.flags)...), strings.Fields(c.assets))
		if c.says == "" && (err != nil || !slices.Equal(got, c.want)) || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s of %s: %v, %v; want %v %s", c.flags, c.assets, got, err, c.want, c.says)
		}
	}
}

// NAME=VALUE may hold further signs of equality; a name that stands twice, and a word without a value, are mistakes.
func TestPairs(t *testing.T) {
	pairs, err := pairsOf(given(t, "--term", "price=5KZT", "--term", "note=a=b", "--term", "empty="), "term")
	if err != nil || !maps.Equal(pairs, map[string]string{"price": "5KZT", "note": "a=b", "empty": ""}) {
		t.Errorf("%v, %v", pairs, err)
	}
	for says, flags := range map[string][]string{"want NAME=VALUE": {"--term", "price"}, "given twice": {"--term", "a=1", "--term", "a=2"}} {
		var usage cli.UsageError
		if _, err := pairsOf(given(t, flags...), "term"); !errors.As(err, &usage) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", flags, err, says)
		}
	}
}

// A contract is shown with everything that it holds, in columns, in each language.
func TestAContractIsShown(t *testing.T) {
	text, _ := contract.Template("escrow")
	source, problems := contract.Parse(text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d := &source.Definition
	c := api.ContractView{Name: "escrow", Held: make([]money.Tiyn, len(d.Assets))}
	c.Version, c.Renewals, c.EndsMillis = 3, 2, 1_796_000_000_000
	c.State = make([]int64, len(d.State))
	for i := range d.Parties {
		c.Parties = append(c.Parties, token.WalletID{byte(i + 1)})
	}
	for range d.Terms {
		c.Terms = append(c.Terms, token.Int(7))
	}
	c.Held[0] = 1500 * money.Tenge
	assets := make([]assetView, len(d.Assets))
	assets[0] = assetView{Purpose: "ministry/meals\x1b[2J", Number: 4, UntilMillis: 1_796_000_000_000}
	nameOf := func(id token.WalletID) string { return "party\x1b[1m" + string('a'+id[0]) }
	for l, wants := range map[words.Language][]string{
		words.English: {"version 3, until ", "after 2 of at most", "  party ", "  term ", "  holds ", "1 500.00 ₸ of purpose ministry/meals", "(4)"},
		words.Kazakh:  {"3-нұсқа", "  тарап ", "  талап ", "  қаражат "},
		words.Russian: {"версия 3", "продлён 2 раз", "  сторона ", "  условие ", "  деньги "},
	} {
		var out bytes.Buffer
		describeContract(&out, l, nameOf, c, d, assets)
		said := strings.ReplaceAll(out.String(), "\u00a0", " ")
		for _, want := range wants {
			if !strings.Contains(strings.ReplaceAll(said, "\u202f", " "), want) {
				t.Errorf("%s: want %q in\n%s", l, want, said)
			}
		}
		if strings.Contains(said, "\x1b") {
			t.Errorf("%s: names move the reader's terminal", l)
		}
		names := append(slices.Clone(d.Parties), append(fieldsOf(d), d.Assets...)...)
		for _, line := range strings.Split(strings.TrimSpace(said), "\n")[1:] {
			rest := string([]rune(line)[2+labelWidth(l)+1:])
			if name, _, _ := strings.Cut(rest, " "); !slices.Contains(names, name) {
				t.Errorf("%s: no name stands in the second column of %q", l, line)
			}
		}
	}
}

// fieldsOf are the names of a definition's terms and state.
func fieldsOf(d *contract.Definition) (names []string) {
	for _, f := range d.Terms {
		names = append(names, f.Name)
	}
	for _, v := range d.State {
		names = append(names, v.Name)
	}
	return names
}

// Values are written as they are given: bytes as digits, texts as texts.
func TestValues(t *testing.T) {
	for want, v := range map[string]token.Value{"7": token.Int(7), "-1": token.Int(-1), "0aff": token.Bytes([]byte{10, 255})} {
		if got := valueText(v); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, d := range map[string]time.Duration{"30d": 30 * 24 * time.Hour, "1d": 24 * time.Hour, "25h0m0s": 25 * time.Hour, "0s": 0, "90s": 0} {
		if got := spanText(d); d != 0 && got != want || d == 0 && got != "0s" {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// Where a purpose's money is, and by whom it left, in the reader's language.
func TestWhereMoneyIs(t *testing.T) {
	r := whereResult{Purpose: "railway", Entered: 10 * money.Tenge, Left: 4 * money.Tenge, Live: 6 * money.Tenge,
		Places: []trace.Place{{Wallet: token.WalletID{1}, Amount: 6 * money.Tenge}},
		Freed:  []trace.Flow{{From: token.WalletID{1}, To: token.WalletID{2}, Amount: 4 * money.Tenge}}}
	nameOf := func(id token.WalletID) string { return map[byte]string{1: "prime", 2: "bridges"}[id[0]] }
	for l, want := range map[words.Language]string{
		words.English: "railway: 10.00 ₸ were marked, 4.00 ₸ have left, 6.00 ₸ carry the mark now\n  prime holds 6.00 ₸\n" +
			"  bridges was paid 4.00 ₸ by prime, free of the mark\n",
		words.Russian: "railway: помечено 10.00 ₸, вышло 4.00 ₸, сейчас под назначением 6.00 ₸\n  у prime 6.00 ₸\n" +
			"  bridges получил 4.00 ₸ от prime, уже без назначения\n",
	} {
		var out bytes.Buffer
		if describeWhere(&out, l, nameOf, r); strings.ReplaceAll(out.String(), "\u00a0", " ") != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
}

// A word is a file's where it has a dot, or where a file is there; AGENCY/PURPOSE is not.
func TestFilesAndNames(t *testing.T) {
	for word, want := range map[string]bool{"meals.yaml": true, "ministry/meals": false, "meals": false, "./meals": true, "/": true, "/none/there": false} {
		if isFile(word) != want {
			t.Errorf("%s: %t", word, !want)
		}
	}
}
