package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// The version of cel-go belongs to the version of the rules: these vectors pin what expressions
// give and cost, and what definitions and actions come to.

type expressionVector struct {
	Expression string `json:"expression"`
	N          int64  `json:"n"`
	B          string `json:"b"` // hexadecimal
	Result     string `json:"result"`
	Cost       uint64 `json:"cost"`
}

type templateVector struct {
	Template   string   `json:"template"`
	Definition string   `json:"definition"` // hexadecimal
	ID         string   `json:"id"`
	Costs      []uint64 `json:"costs"`
}

type contractVectors struct {
	Expressions []expressionVector `json:"expressions"`
	Templates   []templateVector   `json:"templates"`
	Message     string             `json:"message"` // "reading", of which the next is the digest that is signed
	Digest      string             `json:"digest"`
	Shares      [][]money.Tiyn     `json:"shares"` // of 0, 1, 100 and 2^63−1, by 3:2:2
}

// What expressions give and cost, and what templates are, under the rules that came before and the newest.
func TestVectors(t *testing.T) {
	for rules, file := range map[uint32]string{4: "contract.json", 5: "contract-5.json"} {
		t.Run(file, func(t *testing.T) { checkVectors(t, rules, file) })
	}
}

// templateUnder is a template as a version of the rules takes it.
func templateUnder(t *testing.T, rules uint32, name string) *Program {
	p := template(t, name)
	if since, _ := TemplateSince(name); rules < since {
		earlier, ok := EarlierTemplate(name)
		if !ok {
			t.Fatalf("no earlier %s", name)
		}
		p = earlier
	}
	p, problems := CompileUnder(rules, p.Definition)
	if problems != nil {
		t.Fatal(problems)
	}
	return p
}

func checkVectors(t *testing.T, rules uint32, file string) {
	a := &Action{Name: "act", Args: []Field{{"n", token.IntValue}, {"b", token.BytesValue}, {"list", token.IntsValue}}}
	d := &Definition{Name: "vectors", Parties: []string{"alice"}, Assets: []string{"tenge"}}
	c, err := newCompiler(environmentOf(rules), actionVariables(d, a))
	if err != nil {
		t.Fatal(err)
	}
	party := Party{ID: named("alice"), Key: token.NewPrivateKey([32]byte{1}).Public(), Tier: 2, Attributes: token.Attributes{Category: 5411, Region: "KZ-75", Role: "canteen"}}
	signature, err := token.NewPrivateKey([32]byte{1}).Sign(MessageDigest([]byte("reading")))
	if err != nil {
		t.Fatal(err)
	}
	var v contractVectors
	texts := []string{
		"args.n + 1", "args.n - 9", "args.n * args.n", "args.n / 0", "args.n / -2", "args.n % 3", "-args.n", "9223372036854775807 + args.n", "-9223372036854775808 / -1",
		"part(args.n, 16, 116)", "part(9223372036854775807, 9223372036854775807, 9223372036854775807)", "part(-1, 1, 1)", "min(args.n, 3) + max(args.n, 3)",
		"args.n in [1, 7]", "args.n > 5 || args.n / 0 > 1", "args.n < 5 && args.n / 0 > 1", "args.list[1]", "args.list[9]", "args.list.all(x, x > 0)", "args.list.exists(x, x == 2)",
		"sha256(args.b)", "uint64(args.n) + args.b", "uint64(-1)", "size(args.b) + size(\"қарызға\")", "bytes(\"ақша\")", "caller.role == \"canteen\" && caller.category == 5411 && caller.region.startsWith(\"KZ\")",
		"caller.tier", "caller.id", "now / day", "created + 3 * day + hour + minute", "held.tenge - left.tenge + paid.tenge", "document", "contract.id",
		"verify(caller.key, b\"reading\", args.b)", "verify(caller.key, b\"another\", args.b)", "verify(b\"\", b\"\", b\"\")",
		"contract.network", "chain(document, 0, 8)", "chain(document, args.n, 8)", "chain(document, args.n, 6)", "chain(document, -1, 6)", "chain(args.b, 1, 1)", "chain(document, args.n, 4096)",
	}
	if rules >= 5 {
		texts = append(texts, "next_due(now, 1)", "next_due(now, 31)", "next_due(1706659200000, 31)", "next_due(now, -1)", "next_due(now, -7)", "next_due(now, day)", "next_due(now, 0)", "next_due(now, -8)", "next_due(-1, 1)",
			"next_due(4503599627370496, 31)", "next_due(4503599627370497, 31)", "next_due(9223372036854775807, 32)", "next_due(951764400000, 29)",
			"args.n in [now, created, 7]", "args.n in [minute, hour, day]", "args.n in []", "[args.n, 8][0]", "size([document, args.b])", "[[args.n], [8]] == [[7], [8]]", "[args.n] in [[1], [7]]", "[args.n, 8].all(x, [x, now].exists(y, y > x))",
			"caller.role in [\"canteen\", \"қарыз\"]", "caller.role in [caller.region, \"canteen\"]", "args.b in [document, args.b]", "[args.b].all(x, x == args.b)", "created + day")
	}
	for _, text := range texts {
		for _, kind := range []*cel.Type{cel.IntType, cel.BoolType, cel.BytesType} {
			x, problem := c.compile("", text, kind)
			if problem != nil {
				continue
			}
			s := &scope{getters: c.getters, instance: &Instance{ID: named("contract"), CreatedMillis: 5}, caller: &party, network: token.NetworkID{9}, now: 1_700_000_000_000,
				document: make([]byte, 32), args: []token.Value{token.Int(7), token.Bytes(signature[:]), token.Ints([]int64{1, 2, 3})},
				held: []money.Tiyn{100}, left: []money.Tiyn{40}, paid: []money.Tiyn{5}}
			e := expressionVector{Expression: text, N: 7, B: hex.EncodeToString(signature[:]), Cost: x.cost}
			switch out, err := x.value(s); {
			case err != nil:
				e.Result = string(err.Code)
			default:
				e.Result = fmt.Sprint(out.Value())
				if b, ok := out.(types.Bytes); ok {
					e.Result = hex.EncodeToString(b)
				}
			}
			v.Expressions = append(v.Expressions, e)
		}
	}
	for _, name := range TemplateNames {
		p := templateUnder(t, rules, name)
		e := templateVector{Template: name, Definition: hex.EncodeToString(p.Definition.Encode()), ID: p.ID().String()}
		for i := range p.actions {
			e.Costs = append(e.Costs, p.Cost(i))
		}
		v.Templates = append(v.Templates, e)
	}
	digest := MessageDigest([]byte("reading"))
	v.Message, v.Digest = hex.EncodeToString([]byte("reading")), hex.EncodeToString(digest[:])
	for _, amount := range []money.Tiyn{0, 1, 100, 1<<63 - 1} {
		var line []money.Tiyn
		for _, s := range Shares(&Definition{Parties: []string{"a", "b", "c"}, End: End{Pay: []Share{{To: "a", Share: 3}, {To: "b", Share: 2}, {To: "c", Share: 2}}}}, nil, amount) {
			line = append(line, s.Amount)
		}
		v.Shares = append(v.Shares, line)
	}
	compareVectors(t, file, v)
}

func compareVectors(t *testing.T, file string, v any) {
	t.Helper()
	path := filepath.Join("..", "testdata", "vectors", file)
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		if err := os.WriteFile(path, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, made.Bytes()) {
		t.Errorf("%s differs from what the code gives: the rules have changed", path)
	}
}

func TestHashOfTheMessageIsNoOther(t *testing.T) {
	if MessageDigest(nil) == sha256.Sum256(nil) {
		t.Error("a message's digest is its hash")
	}
}
