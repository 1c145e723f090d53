package contract

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

const mealsText = `
purpose: meals
mark: payer.role == "treasury"
permits:
  - {when: payee.role == "canteen", becomes: plain}
  - {when: payee.role == "school", becomes: same}
payment_most: 300.50
from: 2026-09-01
until: 2027-05-31T00:00:00+05:00
hops: 2
returns: treasury
contracts: [school-meals]
`

func TestPurposesAreRead(t *testing.T) {
	s, problems := ParsePurpose([]byte(mealsText))
	if problems != nil {
		t.Fatal(problems)
	}
	p := s.Purpose
	if p.Name != "meals" || p.MaxPayment != 300*money.Tenge+50 || p.Hops != 2 || s.Returns != "treasury" || s.Becomes[1] != "same" || s.Contracts[0] != "school-meals" {
		t.Errorf("%+v", s)
	}
	if p.FromMillis != 1_788_202_800_000 || p.UntilMillis != 1_811_703_600_000 {
		t.Errorf("from %d until %d", p.FromMillis, p.UntilMillis)
	}
	if _, problems := s.Check(); problems != nil {
		t.Error(problems)
	}
}

func TestBadPurposesSayWhere(t *testing.T) {
	for change, want := range map[string]string{
		"hops: 2\x00hops: many":                                   "hops: \"many\" is no number of payments",
		"from: 2026-09-01\x00from: soon":                          "from: \"soon\" is no time",
		"payment_most: 300.50\x00payment_most: much":              "payment_most: ",
		"becomes: plain\x00turns: plain":                          "permits[0].turns: no such key",
		"returns: treasury\x00about: nothing":                     "returns: missing",
		"payee.role == \"canteen\"\x00payee.rolle == \"canteen\"": "write payee.role",
	} {
		old, text, _ := strings.Cut(change, "\x00")
		s, problems := ParsePurpose([]byte(strings.Replace(mealsText, old, text, 1)))
		if problems == nil {
			_, problems = s.Check()
		}
		if len(problems) == 0 || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%q: %v, want %q", text, problems, want)
		}
	}
}

func TestBadDefinitionsOfForm(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "neither YAML nor JSON",
		"[1, 2]":                         "want a mapping",
		"contract: &a x\nabout: *a":      "want a single value",
		"contract: x\ncontract: y":       "stands twice",
		"contract: x\nparty: [a]":        "no such key",
		"contract: x\nterms: {a: float}": `"float" is no type`,
		"contract: x\nend: {at: 1, pay: {a: half}}": "no number of shares",
		"contract: x\nactions: {a: {ends: maybe}}":  "is neither",
	} {
		_, problems := Parse([]byte(text))
		if len(problems) == 0 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%q: %v, want %q", text, problems, want)
		}
	}
	if _, problems := Parse(make([]byte, maxSource+1)); len(problems) == 0 {
		t.Error("too long a source was read")
	}
}

func TestValuesAreRead(t *testing.T) {
	for _, c := range []struct {
		kind token.ValueType
		text string
		want token.Value
	}{
		{token.IntValue, "-5", token.Int(-5)}, {token.IntValue, "1500.50KZT", token.Int(150_050)}, {token.IntValue, "2026-01-01T00:00:00Z", token.Int(1_767_225_600_000)},
		{token.BoolValue, "true", token.Bool(true)}, {token.TextValue, "сәлем", token.Text("сәлем")}, {token.BytesValue, "00ff", token.Bytes([]byte{0, 255})},
	} {
		got, err := ParseValue(c.kind, c.text, 0)
		if err != nil || got.Type != c.want.Type || got.Int != c.want.Int || got.Text != c.want.Text {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
	if v, err := ParseValue(token.IntsValue, "1, 2,3", 0); err != nil || len(v.Ints) != 3 || v.Ints[2] != 3 {
		t.Errorf("%+v, %v", v, err)
	}
	for _, c := range []struct {
		kind token.ValueType
		text string
	}{{token.IntValue, "1.5"}, {token.IntValue, "1KZTx"}, {token.BytesValue, "0"}, {token.BoolValue, "yes please"}, {token.IntsValue, "1,,2"}} {
		if v, err := ParseValue(c.kind, c.text, 0); err == nil {
			t.Errorf("%s was read as %+v", c.text, v)
		}
	}
}

func TestTemplatesHaveOtherNames(t *testing.T) {
	for _, name := range []string{"vat-split", "vat_split"} {
		if _, ok := Template(name); !ok {
			t.Errorf("no template %s", name)
		}
	}
	if _, ok := Template("../doc.go"); ok {
		t.Error("a file that is no template")
	}
}
