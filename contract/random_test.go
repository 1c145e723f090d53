package contract

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/props"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Random definitions: expressions out of a small grammar, some of which the checks refuse. What they
// accept must conserve money, end, stay within its cost, and give the same result twice.

type author struct {
	t *rapid.T
	d *Definition
	a *Action
}

func (w *author) one(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(w.t, label)
}

func (w *author) int(depth int) string {
	leaves := []string{"0", "1", "7", "1000", "now", "created", "terms.n", "day", "-3", "9223372036854775807"}
	for _, v := range w.d.State {
		leaves = append(leaves, "state."+v.Name)
	}
	if w.a != nil {
		for _, f := range w.a.Args {
			if f.Type == token.IntValue {
				leaves = append(leaves, "args."+f.Name)
			}
			if f.Type == token.BytesValue {
				leaves = append(leaves, "size(args."+f.Name+")")
			}
			if f.Type == token.IntsValue {
				leaves = append(leaves, "size(args."+f.Name+")", "args."+f.Name+"[0]")
			}
		}
		for _, asset := range w.d.Assets {
			leaves = append(leaves, "held."+asset, "left."+asset)
		}
	}
	if depth == 0 {
		return w.one("leaf", leaves...)
	}
	switch rapid.IntRange(0, 6).Draw(w.t, "int") {
	case 0:
		return fmt.Sprintf("%s %s %s", w.int(depth-1), w.one("op", "+", "-", "*", "/", "%"), w.int(depth-1))
	case 1:
		return fmt.Sprintf("min(%s, %s)", w.int(depth-1), w.int(depth-1))
	case 2:
		return fmt.Sprintf("part(%s, 3, 7)", w.int(depth-1))
	case 3:
		return fmt.Sprintf("(%s ? %s : %s)", w.bool(depth-1), w.int(depth-1), w.int(depth-1))
	case 4:
		return fmt.Sprintf("max(0, %s)", w.int(depth-1))
	}
	return w.one("leaf", leaves...)
}

func (w *author) bool(depth int) string {
	if depth == 0 {
		return w.one("truth", "true", "terms.n > 0", "now > created")
	}
	switch rapid.IntRange(0, 5).Draw(w.t, "bool") {
	case 0:
		return fmt.Sprintf("(%s %s %s)", w.bool(depth-1), w.one("junction", "&&", "||"), w.bool(depth-1))
	case 1:
		return "!" + w.bool(depth-1)
	case 2:
		return fmt.Sprintf("sha256(b\"a\" + terms.b) == terms.b || %s", w.bool(depth-1))
	case 3:
		return fmt.Sprintf("[%s, %s].exists(x, x > %s)", w.int(depth-1), w.int(depth-1), w.int(0))
	}
	return fmt.Sprintf("(%s %s %s)", w.int(depth-1), w.one("relation", "<", "<=", "==", "!=", ">"), w.int(depth-1))
}

func anyDefinition(t *rapid.T) *Definition {
	d := &Definition{Name: "random", Parties: []string{"alice", "bob", "carol"}, Assets: []string{"tenge"},
		Terms: []Field{{"n", token.IntValue}, {"b", token.BytesValue}}}
	if rapid.Bool().Draw(t, "two assets") {
		d.Assets = append(d.Assets, "marked")
	}
	w := &author{t: t, d: d}
	for i := range rapid.IntRange(0, 3).Draw(t, "state") {
		d.State = append(d.State, Var{fmt.Sprintf("v%d", i), w.one("start", "0", "1", "terms.n")})
	}
	for _, asset := range d.Assets {
		d.Create.Takes = append(d.Create.Takes, Take{asset, Any})
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "actions") {
		a := Action{Name: fmt.Sprintf("a%d", i), Ends: rapid.IntRange(0, 4).Draw(t, "ends") == 0}
		w.a = &a
		if rapid.Bool().Draw(t, "by") {
			a.By = []string{w.one("by", d.Parties...)}
		}
		for j := range rapid.IntRange(0, 2).Draw(t, "args") {
			a.Args = append(a.Args, Field{fmt.Sprintf("x%d", j), rapid.SampledFrom([]token.ValueType{token.IntValue, token.BytesValue, token.IntsValue}).Draw(t, "type")})
		}
		if rapid.Bool().Draw(t, "when") {
			a.When = w.bool(2)
		}
		if rapid.Bool().Draw(t, "takes") {
			a.Takes = []Take{{d.Assets[0], Any}}
		}
		for range rapid.IntRange(0, 3).Draw(t, "pay") {
			asset := w.one("asset", d.Assets...)
			amount := Rest
			switch rapid.IntRange(0, 2).Draw(t, "amount") {
			case 0:
				amount = fmt.Sprintf("min(%s, left.%s)", w.int(1), asset)
			case 1:
				amount = w.int(2)
			}
			a.Pay = append(a.Pay, Payout{To: w.one("to", "alice", "bob", "carol", Caller), Asset: asset, Amount: amount})
		}
		for _, v := range d.State {
			if rapid.Bool().Draw(t, "set") {
				a.Set = append(a.Set, Assign{v.Name, w.int(2)})
			}
		}
		d.Actions = append(d.Actions, a)
	}
	w.a = nil
	d.End = End{At: "created + 10 * day", Pay: []Share{{To: "alice", Share: rapid.Uint64Range(1, 5).Draw(t, "share")}, {To: "bob", Share: rapid.Uint64Range(1, 5).Draw(t, "share")}}}
	return d
}

func anyValue(t *rapid.T, kind token.ValueType) token.Value {
	switch kind {
	case token.IntValue:
		return token.Int(rapid.OneOf(rapid.Int64(), rapid.Int64Range(0, 2000)).Draw(t, "int"))
	case token.BytesValue:
		return token.Bytes(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
	case token.IntsValue:
		return token.Ints(rapid.SliceOfN(rapid.Int64Range(-5, 5000), 0, token.MaxValueInts).Draw(t, "ints"))
	}
	t.Fatalf("no values of type %s", kind)
	panic("unreachable")
}

func TestRandomDefinitionsConserveAndEnd(t *testing.T) {
	accepted, acted := 0, 0
	props.Check(t, func(t *rapid.T) {
		d := anyDefinition(t)
		first, problems := Compile(d)
		if problems != nil {
			return
		}
		accepted++
		decoded, err := Decode(d.Encode())
		if err != nil {
			t.Fatal(err)
		}
		second, problems := compile(NewestRules, decoded, true)
		if problems != nil {
			t.Fatalf("accepted once, then: %v", problems)
		}
		paid := make([]money.Tiyn, len(d.Assets))
		var in, out money.Tiyn
		for i := range paid {
			paid[i] = money.Tiyn(rapid.Int64Range(0, 5000).Draw(t, "in"))
			in += paid[i]
		}
		terms := []token.Value{anyValue(t, token.IntValue), anyValue(t, token.BytesValue)}
		p, err := tryBegin(t, first, paid, terms...)
		if err != nil {
			return
		}
		q, err := tryBegin(t, second, paid, terms...)
		if err != nil {
			t.Fatalf("created once, then: %v", err)
		}
		for range rapid.IntRange(0, 8).Draw(t, "calls") {
			i := rapid.IntRange(0, len(d.Actions)-1).Draw(t, "action")
			var args []token.Value
			for _, f := range d.Actions[i].Args {
				args = append(args, anyValue(t, f.Type))
			}
			brought := make([]money.Tiyn, len(d.Assets))
			if len(d.Actions[i].Takes) > 0 {
				brought[0] = money.Tiyn(rapid.Int64Range(0, 3000).Draw(t, "brought"))
			}
			by := rapid.SampledFrom(d.Parties).Draw(t, "by")
			p.now += rapid.Uint64Range(0, 86_400_000).Draw(t, "later")
			q.now = p.now
			one, two := p.act(by, d.Actions[i].Name, brought, args...), q.act(by, d.Actions[i].Name, brought, args...)
			if code(one) != code(two) {
				t.Fatalf("%v, then %v", one, two)
			}
			if one == nil {
				acted++
				in += brought[0]
			}
			if d.Actions[i].Ends && one == nil {
				break
			}
		}
		p.end()
		q.end()
		for _, name := range d.Parties {
			out += p.got[name]
			if p.got[name] != q.got[name] {
				t.Fatalf("%s got %d, then %d", name, p.got[name], q.got[name])
			}
		}
		if in != out {
			t.Fatalf("in %d, out %d", in, out)
		}
		withinCost(t, second)
	}, func() string {
		if accepted < 10 || acted < 10 {
			return fmt.Sprintf("only %d definitions were accepted and %d actions done", accepted, acted)
		}
		return ""
	})
}

// withinCost evaluates every expression as it stands after the last call and compares what that
// cost with the estimate.
func withinCost(t *rapid.T, p *Program) {
	for i := range p.actions {
		a := &p.actions[i]
		p.scope.getters = a.getters
		p.scope.args = nil
		for _, f := range a.args {
			p.scope.args = append(p.scope.args, anyValue(t, f.Type))
		}
		for _, x := range a.expressions() {
			if x.constant != nil || x.get != nil {
				continue
			}
			_, details, _ := x.program.Eval(&p.scope)
			if actual := details.ActualCost(); actual == nil || *actual > x.cost {
				t.Fatalf("%s cost %v, estimated %d", x.text, *actual, x.cost)
			}
		}
	}
}
