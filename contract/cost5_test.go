package contract

import (
	"bytes"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// listExpressions have lists that are written out, and what each costs by the words of R-DEF-COST5.
var listExpressions = []struct {
	text  string
	costs uint64
}{
	{`args.n in [1, 2, 3, 4, 5, 6, 7, 8]`, 1 + 1}, // the list is a constant
	{`args.n in [minute, hour, day]`, 1 + 1},      // and so is this
	{`args.n in []`, 1 + 1},                       // and this
	{`args.n in [now, 1]`, 1 + 1 + (3 + 1) + 1},   // one more for each variable
	{`args.n in [now, now, now]`, 3 + 1 + (3 + 2) + 1},
	{`[args.n, 1][1] > 0`, 1 + (3 + 1) + (4 + 1) + 2}, // CEL charges one for reading an item of what has no name
	{`size([args.n]) > 0`, 1 + (3 + 1) + 4 + 2},
	{`[args.n] == [args.n]`, 2*(1+3+1) + 1 + 1},
	{`[[args.n], [1]] == [[1], [args.n]]`, 2*(1+4+4) + 1 + 2*(1+8)}, // [1] is a constant, the list that has it is none
	{`args.t in ["a", "b"]`, 1 + 1 + 1},                             // by the longest of the items
	{`args.t in [args.t, "b"]`, 1 + 1 + (3 + 1) + 1 + 4},            // 2 items of 1,024 bytes
	{`args.b in [args.b, args.b]`, 3 + (3 + 1) + 1 + 2*8},
	{`args.l in [args.l, args.l]`, 3 + (3 + 1) + 1 + 2*8},
	{`[args.b].all(x, x == args.b)`, (3 + 1) + 1 + (1 + 8 + 2) + 4}, // what the list has is as long as what went in
	{`[[args.b]].all(x, x.all(y, y == args.b))`, 0},
	{`[args.n > 0 ? now : 7].exists(x, x == 7)`, 0},
	{`[[args.l]].all(x, x.all(y, y[0] in y || y == args.l))`, 0},
	{`[min(args.n, now)].all(x, x in [now, x, args.l[0]])`, 0},
	{`[size(args.t) > 0, true].all(x, x || x in [x])`, 0},
	{`(args.n > 0 ? [args.n, 2] : [3]).all(x, x in [x] && [x, x] == [x, x])`, 0},
	{`args.l.all(x, [x, x].all(y, y in [x, y, now]))`, 0},
	{`caller.vouched.all(x, x in [x, args.t] || args.t in caller.vouched)`, 0},
}

// Lists that are written out cost what the rules say, no expression more than was estimated, and none of them is refused for
// sizes that are not known.
func TestListsCostWhatTheyTake(t *testing.T) {
	t.Parallel()
	d := &Definition{Name: "lists", Parties: []string{"alice"}, Assets: []string{"tenge"}}
	a := &Action{Name: "act", Args: []Field{{"n", token.IntValue}, {"b", token.BytesValue}, {"l", token.IntsValue}, {"t", token.TextValue}}}
	variables := append(actionVariables(d, a), vouchedVariables(d)...)
	c, err := newCompiler(environmentOf(NewestRules), variables)
	if err != nil {
		t.Fatal(err)
	}
	tracked, err := newCompiler(environmentOf(NewestRules), variables)
	if err != nil {
		t.Fatal(err)
	}
	tracked.estimator.tracking = true
	items := make([]int64, token.MaxValueInts)
	for i := range items {
		items[i] = int64(i)
	}
	party := Party{Vouched: make([]string, maxVouched)}
	for i := range party.Vouched {
		party.Vouched[i] = strings.Repeat(string(rune('a'+i)), token.MaxName+1+token.MaxRole)
	}
	for _, e := range listExpressions {
		x, problem := c.compile("lists", e.text, cel.BoolType)
		if problem != nil {
			t.Errorf("%s: %v", e.text, problem)
			continue
		}
		if e.costs != 0 && x.cost != e.costs || x.cost > MaxActionCost {
			t.Errorf("%s costs %d, want %d", e.text, x.cost, e.costs)
		}
		if x, problem = tracked.compile("lists", e.text, cel.BoolType); problem != nil {
			t.Errorf("%s: %v", e.text, problem)
			continue
		}
		s := &scope{getters: c.getters, instance: &Instance{CreatedMillis: 5}, caller: &party, party: func(int) *Party { return &party }, now: 70,
			args: []token.Value{token.Int(7), token.Bytes(bytes.Repeat([]byte{7}, token.MaxValueBytes)), token.Ints(items), token.Text(strings.Repeat("t", token.MaxValueBytes))},
			held: []money.Tiyn{7}, left: []money.Tiyn{7}, paid: []money.Tiyn{7}}
		_, details, err := x.program.Eval(s)
		if err != nil {
			t.Errorf("%s: %v", e.text, err)
			continue
		}
		if actual := details.ActualCost(); actual == nil || *actual > x.cost {
			t.Errorf("%s cost %d, estimated %d", e.text, *actual, x.cost)
		}
	}
}

// costly is a definition whose action costs more under version 5 than under version 4: many small comparisons, and letters
// that are counted.
func costly(when string) *Definition {
	return &Definition{Name: "costly", Parties: []string{"alice"}, Assets: []string{"tenge"}, Terms: []Field{{"s", token.TextValue}, {"n", token.IntValue}},
		Create: Action{Takes: []Take{{"tenge", Any}}}, Actions: []Action{{Name: "act", Args: []Field{{"l", token.IntsValue}}, When: when, Ends: true}},
		End: End{At: "created + day", Pay: []Share{{To: "alice", Share: 1}}}}
}

// What is registered stays, whatever a later version says that it costs; new definitions are asked. Counting the letters of
// a text is charged by its length from version 5 on, and before it was one unit.
func TestWhatIsRegisteredIsNotAskedItsCostAgain(t *testing.T) {
	t.Parallel()
	d := costly("args.l.all(x, " + strings.Repeat("size(terms.s) > x && ", 4) + "size(terms.s) >= 0)")
	before, problems := CompileUnder(4, d)
	if problems != nil {
		t.Fatal(problems)
	}
	if before.Cost(0) > MaxActionCost {
		t.Fatalf("it costs %d before", before.Cost(0))
	}
	if _, problems := CompileUnder(5, d); problems == nil || !strings.Contains(problems.Error(), "worst-case cost") {
		t.Fatalf("a new one is taken under version 5: %v", problems)
	}
	after, problems := CompileRegistered(5, d)
	if problems != nil {
		t.Fatal(problems)
	}
	if after.ID() != before.ID() {
		t.Fatal("it is another definition")
	}
	p := token.Purpose{Name: "letters", Earmark: "true", UntilMillis: 1, Permits: []token.Permit{{When: strings.Repeat("size(payee.region) >= 0 && payee.vouched.all(x, payee.vouched.all(y, size(x) < 9 || size(y) < 9)) && ", 3) + "size(payee.role) >= 0"}}}
	if _, problems := CompilePurposeUnder(4, p); problems != nil {
		t.Fatal(problems)
	}
	if _, problems := CompilePurposeUnder(5, p); problems == nil {
		t.Fatal("a new purpose is taken under version 5")
	}
	if _, problems := CompileRegisteredPurpose(5, p); problems != nil {
		t.Fatal(problems)
	}
}

// What costs more than 64 bits hold is not cheap. Under the versions where sums began again at nothing it is taken as it was,
// and what version 5 says of it is known.
func TestSumsOfCostsDoNotWrap(t *testing.T) {
	t.Parallel()
	d := costly(strings.Repeat("args.l.all(x, ", 11) + "true" + strings.Repeat(")", 11))
	d.Actions[0].From = "created"
	for rules := uint32(1); rules <= NewestRules; rules++ {
		p, problems := CompileUnder(rules, d)
		switch {
		case rules >= 5 && (problems == nil || !strings.Contains(problems.Error(), "worst-case cost")):
			t.Errorf("version %d: %v", rules, problems)
		case rules < 5 && problems != nil:
			t.Errorf("version %d took it: %v", rules, problems)
		case rules < 5 && (len(p.Later()) == 0 || p.Cost(0) <= MaxActionCost):
			t.Errorf("version %d: it costs %d, and later %v", rules, p.Cost(0), p.Later())
		}
		if _, problems := CompileRegistered(rules, d); problems != nil {
			t.Errorf("version %d: registered: %v", rules, problems)
		}
	}
	half := total{1 << 63, 1 << 63}
	half.add(half)
	if now, later := half.exceeds(MaxActionCost, 5); !now || !later || half.units != 1<<64-1 {
		t.Errorf("twice half of 64 bits is %+v", half)
	}
	if now, later := half.exceeds(MaxActionCost, 4); now || !later {
		t.Errorf("under version 4 it was %v, later %v", now, later)
	}
}
