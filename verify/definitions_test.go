package verify_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// drawn is an expression of a type, of this many levels: near what the grammar, the types and the bounds still allow.
func drawn(r *rand.Rand, kind string, deep int) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	in := func(kind string) string { // a part, now and then of another type, in brackets or not
		if r.IntN(60) == 0 {
			kind = one("int", "bool", "bytes", "string", "ints", "strings", "lists")
		}
		if part := drawn(r, kind, deep-1-r.IntN(2)); r.IntN(2) == 0 {
			return part
		} else {
			return "(" + part + ")"
		}
	}
	choice := func(kind string) string { return "(" + in("bool") + " ? " + in(kind) + " : " + in(kind) + ")" }
	if deep <= 0 {
		return one(leaves[kind]...)
	}
	item := one("x", "y", "args", "n")
	switch kind {
	case "int":
		return one("("+in("int")+one(" + ", " - ", " * ", " / ", " % ")+in("int")+")", "min("+in("int")+", "+in("int")+")", "part("+in("int")+", "+in("int")+", 100)",
			"size("+in(one("string", "bytes", "ints", "strings", "lists"))+")", in(one("string", "bytes", "ints"))+".size()", choice("int"),
			"("+in("ints")+")["+in("int")+"]", "("+in("lists")+")[0]["+in("int")+"]", "-("+in("int")+")", "next_due("+in("int")+", "+in("int")+")")
	case "bool":
		same := one("bytes", "string", "ints", "strings", "lists", "bool")
		return one(in("int")+one(" < ", " <= ", " > ", " >= ", " == ", " != ")+in("int"), in(same)+one(" == ", " != ")+in(same),
			in("bool")+one(" && ", " || ")+in("bool")+one(" && ", " || ")+in("bool"), "!("+in("bool")+")", in("int")+" in "+in("ints"), in("string")+" in "+in("strings"),
			"("+in("string")+")"+one(".startsWith(", ".endsWith(")+in("string")+")", "("+in("ints")+")"+one(".all(", ".exists(")+item+", "+item+" > "+in("int")+")",
			"("+in("strings")+")"+one(".all(", ".exists(")+item+", "+item+" == "+in("string")+" || size("+item+") > 3 && "+in("bool")+")",
			"verify("+in("bytes")+", "+in("bytes")+", "+in("bytes")+")", "included("+in("bytes")+", "+in("bytes")+", 1, 4, "+in("bytes")+")")
	case "bytes":
		return one("("+in("bytes")+" + "+in("bytes")+")", "sha256("+in("bytes")+")", "uint64("+in("int")+")", "bytes("+in("string")+")",
			"chain("+in("bytes")+", "+in("int")+", "+one("8", "4096", "4097", "args.n")+")", "empty("+in("int")+")",
			"replaced("+in("bytes")+", "+in("bytes")+", "+in("bytes")+", 0, 2, "+in("bytes")+")", choice("bytes"))
	case "string":
		return one(choice("string"), "("+in("strings")+")["+in("int")+"]")
	case "ints":
		return one("["+in("int")+", "+in("int")+"]", choice("ints"), "("+in("lists")+")[1]")
	case "strings":
		return one("["+in("string")+", "+in("string")+"]", choice("strings"))
	}
	return fmt.Sprintf("[%s, %s]", in("ints"), in("ints"))
}

var leaves = map[string][]string{
	"int": {"args.n", "1", "-1", "now", "day", "held.tenge", "0x1F", "--3", "-(4)", "created", "caller.tier", "9223372036854775807", "-9223372036854775808", ".now", "today",
		"1 + 2 + 3 * 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11 + 12 + 13 + 14 + 15 + 16 + 17 + 18 + 19 + 20 + 21 + 22 + 23 + 24 + 25", strings.Repeat("(", 22) + "args.n" + strings.Repeat(")", 22)},
	"bool":    {"true", "false", "args.f", "!args.f", "!!args.f"},
	"bytes":   {"args.b", "document", `b"abc"`, `b'\x00\377'`, "caller.id", "caller.key", "contract.network", `br'\x'`, `b""`, "authority"},
	"string":  {"args.s", "caller.role", `"абв"`, "'x'", "caller.region", `r'\n'`, `""`, "'''a'b'''", "purpose.tenge", `"\u0436"`},
	"ints":    {"args.list", "[1, 2, 3]", "[]", "[args.n]"},
	"strings": {"caller.vouched", `["a", "bc"]`, "[args.s]", "alice.vouched"},
	"lists":   {"[[1], [2, 3]]", "[args.list]", "[[]]"},
}

// crowded is a condition with about as many parts as an expression may have: lists, and loops beside and inside one another.
func crowded(r *rand.Rand) string {
	left := 170 + r.IntN(45)
	var parts []string
	for range r.IntN(7) {
		parts = append(parts, "[1]."+[]string{"all", "exists"}[r.IntN(2)]+"(x,args.f)")
		left -= 13
	}
	if n := r.IntN(4); n > 0 && left > 20 {
		parts, left = append(parts, strings.Repeat("[1].all(x,", n)+"true"+strings.Repeat(")", n)), left-12*n
	}
	for left > 6 {
		n := min(64, left-5)
		parts, left = append(parts, "["+strings.Repeat("1,", n)+"1].size()>1"), left-n-5
	}
	return strings.Join(parts, "||")
}

// expressing is a definition of one action that asks a drawn expression.
func expressing(r *rand.Rand) *contract.Definition {
	a := contract.Action{Name: "act", Document: contract.Any, Ends: true,
		Args: []contract.Field{{Name: "n", Type: token.IntValue}, {Name: "b", Type: token.BytesValue}, {Name: "list", Type: token.IntsValue}, {Name: "s", Type: token.TextValue}, {Name: "f", Type: token.BoolValue}}}
	switch deep := 1 + r.IntN(6); r.IntN(7) {
	case 0, 3:
		a.From = drawn(r, "int", deep)
	case 1, 4:
		a.When = drawn(r, "bool", deep)
	case 6:
		a.When = crowded(r)
	default:
		a.Document = drawn(r, "bytes", deep)
	}
	return &contract.Definition{Name: "drawn", Parties: []string{"alice"}, Assets: []string{"tenge"}, Create: contract.Action{Takes: []contract.Take{{Asset: "tenge", Amount: contract.Any}}},
		Actions: []contract.Action{a}, End: contract.End{At: "created + 30 * day", Pay: []contract.Share{{To: "alice", Share: 1}}}}
}

// paying is a definition whose action pays near what is covered, at times and in states near what is reached.
func paying(r *rand.Rand) *contract.Definition {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	amount := func() string {
		return one("args.x", "args.y", "terms.n", "1", "2", "args.x + args.y", "2 * args.x", "args.x - 1", "paid.tenge", "held.tenge", "left.tenge", "min(args.x, left.tenge)", "min(held.tenge, args.y)",
			"part(held.tenge, 1, 2)", "part(left.tenge, 3, 2)", "max(0, left.tenge - args.x)", "held.tenge - args.x", "(args.x > 0 ? args.x : args.y)", contract.Rest)
	}
	a := contract.Action{Name: "go", Args: []contract.Field{{Name: "x", Type: token.IntValue}, {Name: "y", Type: token.IntValue}}}
	var sum []string
	for range 1 + r.IntN(3) {
		n := amount()
		a.Pay, sum = append(a.Pay, contract.Payout{To: one("b", contract.Caller), Asset: "tenge", Amount: n}), append(sum, n)
	}
	total := strings.Join(sum, " + ")
	var when []string
	for range 1 + r.IntN(3) {
		when = append(when, one("args.x >= 0", "args.y >= 0", "args.x <= held.tenge", "args.y < held.tenge", "args.x + args.y <= held.tenge", "2 * args.x <= held.tenge", "terms.n <= args.x", "args.x == args.y",
			"terms.n < paid.tenge", "held.tenge >= 2", "args.x <= paid.tenge", "held.tenge > 3 + args.y", "(args.x > 1 || args.y > 1)", total+" <= held.tenge", "held.tenge == "+total, "state.s == 1", "state.s + 1 == 3",
			"!(state.s != 0)", "1 > 2", "now > ends", "args.x > args.y && args.y > args.x", "[1, 2].exists(i, i == state.s)"))
	}
	a.When = strings.Join(when, " && ")
	if takes := one("", contract.Any, "args.x", total); takes != "" {
		a.Takes = []contract.Take{{Asset: "tenge", Amount: takes}}
	}
	a.From, a.Until = one("", "", "5", "created + day", "ends", "now", "ends - terms.n"), one("", "", "4", "created + hour", "ends", "created + day")
	a.Extends, a.Ends = one("", "", "", "ends + day"), r.IntN(3) == 0
	d := &contract.Definition{Name: "paying", Parties: []string{"a", "b"}, Assets: []string{"tenge"}, Terms: []contract.Field{{Name: "n", Type: token.IntValue}}, State: []contract.Var{{Name: "s", Start: one("0", "1", "terms.n")}},
		Create:  contract.Action{By: []string{"a"}, When: one("", "terms.n > 0", "terms.n >= 0 && terms.n < 2 * day"), Takes: []contract.Take{{Asset: "tenge", Amount: contract.Any}}},
		Actions: []contract.Action{a, {Name: "set", Set: []contract.Assign{{Name: "s", Value: one("1", "2", "state.s + 1")}}}},
		End:     contract.End{At: one("created + 30 * day", "created + terms.n", "created + min(terms.n, day)"), Pay: []contract.Share{{To: "a", Share: 1}}}}
	if r.IntN(3) == 0 {
		d.End.Do = []string{one("go", "set")}
	}
	return d
}

// changed is a template with one of its texts put in the place of another, or with a letter less.
func changed(t *testing.T, r *rand.Rand) *contract.Definition {
	t.Helper()
	text, ok := contract.Template(contract.TemplateNames[r.IntN(len(contract.TemplateNames))])
	source, problems := contract.Parse(text)
	if !ok || problems != nil {
		t.Fatal(problems)
	}
	var all []reflect.Value
	var collect func(v reflect.Value)
	collect = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			all = append(all, v)
		case reflect.Struct:
			for i := range v.NumField() {
				collect(v.Field(i))
			}
		case reflect.Slice:
			for i := range v.Len() {
				collect(v.Index(i))
			}
		}
	}
	collect(reflect.ValueOf(&source.Definition).Elem())
	to := all[r.IntN(len(all))]
	switch was := to.String(); r.IntN(3) {
	case 0:
		to.SetString(all[r.IntN(len(all))].String())
	case 1:
		if was != "" {
			at := r.IntN(len(was))
			to.SetString(was[:at] + was[at+1:])
		}
	case 2:
		to.SetString(strings.Replace(was, []string{"<=", "==", "+", "held.", "args.", "1", " && "}[r.IntN(7)], []string{"<", ">=", "-", "left.", "terms.", "200", " || "}[r.IntN(7)], 1))
	}
	return &source.Definition
}

type definitionVectors struct {
	Comment string           `json:"comment"`
	Kind    string           `json:"kind"`
	Cases   []definitionCase `json:"cases"`
}

// definitionCase is a definition, or the rules of a purpose, and what registering it under a version comes to.
type definitionCase struct {
	About      string       `json:"about"`
	Rules      uint32       `json:"rules"`
	Definition string       `json:"definition,omitempty"` // its encoding, hexadecimal
	Purpose    *purposeCase `json:"purpose,omitempty"`
	Code       token.Code   `json:"code"`            // "" where it can be registered
	Costs      []uint64     `json:"costs,omitempty"` // of its actions, in order; 2⁵³ for all that is more
}

type purposeCase struct {
	Mark    string   `json:"mark"`
	Permits []string `json:"permits"`
}

func definitionOf(rules uint32, d *contract.Definition) definitionCase {
	c := definitionCase{Rules: rules, Definition: hex.EncodeToString(d.Encode())}
	read, err := contract.Decode(d.Encode())
	if err != nil {
		c.Code, c.About = "bad-definition", err.Error()
		return c
	}
	program, problems := contract.CompileUnder(rules, read)
	if len(problems) > 0 {
		c.Code, c.About = "bad-definition", problems[0].Where+": "+problems[0].What
		return c
	}
	c.About = "it can be registered"
	for i := range d.Actions {
		c.Costs = append(c.Costs, min(program.Cost(i), 1<<53))
	}
	return c
}

func purposeOf(rules uint32, p purposeCase) definitionCase {
	c := definitionCase{Rules: rules, Purpose: &p, About: "a purpose that can be registered"}
	full := token.Purpose{Name: "drawn", Earmark: p.Mark, UntilMillis: 1}
	for _, when := range p.Permits {
		full.Permits = append(full.Permits, token.Permit{When: when})
	}
	if _, problems := contract.CompilePurposeUnder(rules, full); len(problems) > 0 {
		c.Code, c.About = "bad-definition", "a purpose: "+problems[0].Where+": "+problems[0].What
	}
	return c
}

func drawnPurpose(r *rand.Rand) (p purposeCase) {
	rule := func() string {
		return strings.NewReplacer("args.n", "amount", "args.list", "[1, amount]", "args.b", "definition", "args.s", "payee.role", "args.f", "payee.tier > 1", "caller", "payer", "alice", "payee", "held.tenge", "amount", "created", "now", "contract.network", "document", "purpose.tenge", "payer.role").
			Replace(drawn(r, "bool", 1+r.IntN(5)))
	}
	p.Mark = rule()
	for range 1 + r.IntN(3) {
		p.Permits = append(p.Permits, rule())
	}
	return p
}

// Types, costs, coverage and reachability are decided alike by both implementations, under every version, for expressions, payouts and
// templates drawn near what is still allowed.
func TestJavaScriptJudgesDefinitionsAlike(t *testing.T) {
	t.Parallel()
	j := newJudge(t)
	r := rand.New(rand.NewPCG(*seed, 0x64656673))
	draws, seen := max(160, *blocks/10), map[string]int{}
	for n := range draws {
		rules := uint32(ledger.FirstRules) + r.Uint32N(ledger.LatestRules)
		var c definitionCase
		kind := []string{"expressions", "payouts", "templates", "purposes"}[n%4]
		switch kind {
		case "expressions":
			c = definitionOf(rules, expressing(r))
		case "payouts":
			c = definitionOf(rules, paying(r))
		case "templates":
			c = definitionOf(rules, changed(t, r))
		case "purposes":
			c = purposeOf(rules, drawnPurpose(r))
		}
		v := j.query(c)
		if v.Code != string(c.Code) || c.Definition != "" && !slices.Equal(v.Costs, c.Costs) {
			t.Errorf("%s under version %d: here %q %v (%s), in JavaScript %q %v %s\n%s%+v", kind, rules, c.Code, c.Costs, c.About, v.Code, v.Costs, v.What, c.Definition, c.Purpose)
		}
		seen[kind+" "+string(c.Code)]++
	}
	t.Logf("%d: %v", draws, seen)
	for _, kind := range []string{"expressions", "payouts", "templates", "purposes"} {
		if seen[kind+" "] == 0 || seen[kind+" bad-definition"] == 0 {
			t.Errorf("%v: the %s say little", seen, kind)
		}
	}
}

// definitionsOfEach is how many cases of each kind of problem the vectors have.
const definitionsOfEach = 3

// Definitions and purposes that can be registered, and that cannot, a few for each thing that can be wrong.
func TestDefinitionVectors(t *testing.T) {
	t.Parallel()
	v := definitionVectors{Comment: "definitions and rules of purposes, the version under which they are to be registered, and what their actions cost or that they are refused (RULES.md, R-DEF and the paragraphs after it)", Kind: "definitions"}
	r, counts := rand.New(rand.NewPCG(26, 2)), map[string]int{}
	keep := func(c definitionCase) {
		kind := fmt.Sprint(c.Rules/3, c.Definition == "", c.Code)
		if c.Code != "" { // what is wrong, without what is said of this one
			words := strings.FieldsFunc(c.About, func(r rune) bool { return r < 'a' || r > 'z' })
			kind += strings.Join(words[max(0, len(words)-4):], " ")
		}
		if counts[kind]++; counts[kind] <= definitionsOfEach && len(v.Cases) < 260 {
			v.Cases = append(v.Cases, c)
		}
	}
	for _, text := range boundary {
		d := expressing(rand.New(rand.NewPCG(1, 1)))
		d.Actions[0].From, d.Actions[0].Document, d.Actions[0].When = "created", contract.Any, text
		for rules := uint32(ledger.FirstRules); rules <= ledger.LatestRules; rules++ {
			v.Cases = append(v.Cases, definitionOf(rules, d))
		}
	}
	for range 300 {
		rules := uint32(ledger.FirstRules) + r.Uint32N(ledger.LatestRules)
		keep(definitionOf(rules, expressing(r)))
		keep(definitionOf(rules, paying(r)))
		keep(definitionOf(rules, changed(t, r)))
		keep(purposeOf(rules, drawnPurpose(r)))
	}
	var made bytes.Buffer
	encoder := json.NewEncoder(&made)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	const path = "../testdata/vectors/definitions.json"
	if *update {
		if err := os.WriteFile(path, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(kept, made.Bytes()) {
		t.Errorf("%s differs from what the code gives (%v): the rules have changed", path, err)
	}
}

// endless would be taken 64¹¹ times, which 64 bits do not hold.
var endless = strings.Repeat("args.list.all(x, ", 11) + "true" + strings.Repeat(")", 11)

// boundary are conditions that cost just what an action may, or just more, under some version; and texts just within the bounds of form.
var boundary = []string{
	`verify(args.b, args.b, args.b) && verify(args.b, args.b, args.b) && verify(args.b, args.b, args.b) && verify(args.b, args.b, args.b) && verify(args.b, args.b, args.b)`,
	`verify(args.b, args.b, args.b) && verify(args.b, args.b, args.b) && verify(args.b, args.b, args.b) && verify(args.b, args.b, args.b) && verify(args.b, args.b, args.b) && verify(args.b, args.b, b"")`,
	`args.list.all(x, args.list.all(y, x + y > 0))`,
	`args.list.all(x, args.list.all(y, x + y > 0 || size(args.s) > 3))`,
	`args.list.all(x, args.list.all(y, args.list.exists(z, x + y > z)))`,
	`size(chain(args.b, args.n, 4096)) == 32`, `size(chain(args.b, args.n, args.n)) == 32`,
	endless, "args.n > 0 && " + endless,
	`caller.bank == authority`, `included(args.b, authority, 1, 2, args.b)`,
	strings.Repeat("(", 23) + "args.f" + strings.Repeat(")", 23), strings.Repeat("(", 24) + "args.f" + strings.Repeat(")", 24),
	"args.n" + strings.Repeat(" + 1", 22) + " > 0", "args.n" + strings.Repeat(" + 1", 23) + " > 0",
	strings.Repeat("1 + (", 11) + "args.n" + strings.Repeat(")", 11) + " > 0", strings.Repeat("1 + (", 12) + "args.n" + strings.Repeat(")", 12) + " > 0",
	"args.n in [" + strings.Repeat("1,", 63) + "1]", "args.n in [" + strings.Repeat("1,", 64) + "1]",
	"args.f || size([" + strings.Repeat("1,", 60) + "1]) == size([" + strings.Repeat("1,", 60) + "1]) || size([" + strings.Repeat("1,", 63) + "1]) > 2",
	"args.f || size([" + strings.Repeat("1,", 63) + "1]) == size([" + strings.Repeat("1,", 63) + "1]) || size([" + strings.Repeat("1,", 63) + "1]) > 2",
	strings.Repeat("args.list.all(x, ", 18) + "false" + strings.Repeat(")", 18), strings.Repeat("args.list.all(x, ", 19) + "false" + strings.Repeat(")", 19),
	`args.s == "` + strings.Repeat("ж", 249) + `"`, `args.s == "` + strings.Repeat("ж", 250) + `"`,
}
