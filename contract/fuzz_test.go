package contract

import (
	"bytes"
	"testing"

	"cel.dev/cel-go/cel"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// What decodes encodes to the same bytes, and compiling it neither panics nor takes long.
func FuzzDecode(f *testing.F) {
	for _, name := range TemplateNames {
		f.Add(template(f, name).Definition.Encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Decode(data)
		if err != nil {
			return
		}
		if !bytes.Equal(d.Encode(), data) {
			t.Fatalf("%x decodes and encodes to %x", data, d.Encode())
		}
		if p, problems := Compile(d); problems == nil && p.ID() != d.ID() {
			t.Fatal("the program has another id")
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range TemplateNames {
		text, _ := Template(name)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source, problems := Parse(data)
		if problems != nil {
			return
		}
		if _, problems = source.Check(); problems != nil {
			return
		}
		if d, err := Decode(source.Definition.Encode()); err != nil || d.ID() != source.Definition.ID() {
			t.Fatalf("what is accepted does not decode: %v", err)
		}
	})
}

// Whatever an expression says, it is refused, or it evaluates within its estimated cost.
func FuzzExpression(f *testing.F) {
	for _, text := range explosive {
		f.Add(text, int64(7), []byte("seven"))
	}
	f.Add(`sha256(args.b + uint64(args.n)) == args.b && part(args.n, 3, 7) > 1`, int64(7), []byte("seven"))
	f.Add(`verify(alice.key, contract.id + args.b, args.b) || args.n in [1, 2, 3]`, int64(7), []byte("seven"))
	d := &Definition{Name: "fuzz", Parties: []string{"alice"}, Assets: []string{"tenge"}, End: End{At: "created + day", Pay: []Share{{To: "alice", Share: 1}}}}
	a := &Action{Name: "act", Args: []Field{{"n", token.IntValue}, {"b", token.BytesValue}, {"list", token.IntsValue}}}
	c, err := newCompiler(environmentOf(NewestRules), actionVariables(d, a))
	if err != nil {
		f.Fatal(err)
	}
	c.estimator.tracking = true
	f.Fuzz(func(t *testing.T, text string, n int64, b []byte) {
		x, problem := c.compile("fuzz", text, cel.BoolType)
		if problem != nil || x.cost > MaxActionCost || x.constant != nil || x.get != nil || len(b) > token.MaxValueBytes {
			return
		}
		party := Party{}
		s := &scope{getters: c.getters, instance: &Instance{CreatedMillis: 5}, caller: &party, party: func(int) *Party { return &party },
			args: []token.Value{token.Int(n), token.Bytes(b), token.Ints([]int64{n, 1, 2})},
			held: []money.Tiyn{7}, left: []money.Tiyn{7}, paid: []money.Tiyn{7}}
		first, details, err := x.program.Eval(s)
		if actual := details.ActualCost(); actual == nil || *actual > x.cost {
			t.Fatalf("%q cost %d, estimated %d", text, *actual, x.cost)
		}
		second, _, err2 := x.program.Eval(s)
		if (err == nil) != (err2 == nil) || (err == nil && first.Equal(second) != second.Equal(first)) {
			t.Fatalf("%q gave %v, then %v", text, first, second)
		}
	})
}

// explosive are expressions built to take long or grow large; each is refused at registration.
var explosive = []string{
	`args.list.all(a, args.list.all(b, args.list.all(c, args.list.all(d, a + b + c + d > 0))))`,
	`[args.b+args.b+args.b+args.b].all(a, [a+a+a+a].all(b, [b+b+b+b].all(c, [c+c+c+c].all(d, [d+d+d+d].all(e, sha256(e+e+e+e) == e)))))`,
	`args.list.all(a, verify(args.b, args.b, args.b))`,
	`"((((((((((((((((((((((((((((((((((((((((((((((((((((((((" == ((((((((((((((((((((((((((((((((((((((((((((((((1)`,
	`1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1 > 0`,
	`[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]] == []`,
	`{1: 2, 3: 4}.all(k, k > 0)`,
	`"aaaa".matches("(a+)+$")`,
	`[1, 2].map(x, [x, x]).size() > 0`,
	`dyn(1) == dyn("1")`,
	`1.5 < 2.5`,
	`1u < 2u`,
	`null == null`,
	`type(1) == int`,
	`timestamp("2026-01-01T00:00:00Z") > timestamp("2025-01-01T00:00:00Z")`,
	`[1, "a"].size() == 2`,
	`has(args.b)`,
}

func TestExplosiveExpressionsAreRefused(t *testing.T) {
	for _, text := range explosive {
		d := template(t, "htlc").Definition
		copied := *d
		copied.Actions = append([]Action{}, d.Actions...)
		copied.Actions[0].Args = []Field{{"secret", token.BytesValue}, {"b", token.BytesValue}, {"list", token.IntsValue}}
		copied.Actions[0].When = text
		if _, problems := Compile(&copied); len(problems) == 0 {
			t.Errorf("accepted: %s", text)
		}
	}
}

func FuzzParsePurpose(f *testing.F) {
	f.Add([]byte(mealsText))
	f.Fuzz(func(t *testing.T, data []byte) {
		source, problems := ParsePurpose(data)
		if problems == nil {
			_, _ = source.Check()
		}
	})
}
