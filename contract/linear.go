package contract

import (
	"math/big"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// What the static checks prove of times and amounts: conditions are read as linear inequalities over whole numbers,
// what is not linear in them as a number that nobody knows, and variables are eliminated one by one (Fourier and
// Motzkin). It finds that conditions contradict each other in the rationals, hence in the integers, and never the
// converse.

// Verdict is what is known of a condition.
type Verdict int

const (
	// NotKnown is the zero value: what the checks cannot tell is never taken for proved.
	NotKnown Verdict = iota
	Proved           // it holds whenever it can be computed
	Refuted          // it never holds
)

// String is the verdict in English words.
func (v Verdict) String() string { return [...]string{"not known", "proved", "refuted"}[v] }

// linear is a sum of named numbers, each times a factor, and a constant.
type linear struct {
	factors  map[string]*big.Int
	constant *big.Int
}

func number0(n int64) linear { return linear{map[string]*big.Int{}, big.NewInt(n)} }

// plus is a + f·b.
func (a linear) plus(b linear, f *big.Int) linear {
	sum := linear{map[string]*big.Int{}, new(big.Int).Mul(b.constant, f)}
	sum.constant.Add(sum.constant, a.constant)
	for name, n := range a.factors { // any order: each by itself
		sum.factors[name] = new(big.Int).Set(n)
	}
	for name, n := range b.factors { // any order: each by itself
		product := new(big.Int).Mul(n, f)
		if old, ok := sum.factors[name]; ok {
			product.Add(product, old)
		}
		if product.Sign() == 0 {
			delete(sum.factors, name)
			continue
		}
		sum.factors[name] = product
	}
	return sum
}

var one, minusOne = big.NewInt(1), big.NewInt(-1)

// units are the constants of expressions.
var units = map[string]int64{"minute": 60_000, "hour": 3_600_000, "day": 86_400_000}

// linearOf reads a whole number as a sum. What is not a sum of known numbers is one that is named by its text.
func linearOf(e ast.Expr, text func(ast.Expr) string) (linear, bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		n, ok := e.AsLiteral().(types.Int)
		return number0(int64(n)), ok
	case ast.IdentKind:
		if n, ok := units[e.AsIdent()]; ok {
			return number0(n), true
		}
	case ast.CallKind:
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case "_+_", "_-_", "_*_":
			a, ok := linearOf(args[0], text)
			b, ok2 := linearOf(args[1], text)
			if !ok || !ok2 {
				return linear{}, false
			}
			switch e.AsCall().FunctionName() {
			case "_+_":
				return a.plus(b, one), true
			case "_-_":
				return a.plus(b, minusOne), true
			}
			if len(a.factors) == 0 {
				a, b = b, a
			}
			// Two unknowns multiplied are no sum: the product is one unknown more, by its text. Nothing false can
			// follow from that; something true may not be found.
			if len(b.factors) == 0 {
				return number0(0).plus(a, b.constant), true
			}
		case "-_":
			a, ok := linearOf(args[0], text)
			if !ok {
				return linear{}, false
			}
			return number0(0).plus(a, minusOne), true
		}
	}
	name := text(e)
	if name == "" {
		return linear{}, false
	}
	return linear{map[string]*big.Int{name: one}, new(big.Int)}, true
}

// inequalities of a condition: each says that a sum is not negative. A part that says something else is left out: what
// follows from the rest follows from all of it.
func inequalities(e ast.Expr, text func(ast.Expr) string) (all []linear) {
	for _, c := range conjuncts(e) {
		if c.Kind() == ast.LiteralKind && c.AsLiteral() == types.True {
			continue
		}
		part, _ := comparison(c, text)
		all = append(all, part...)
	}
	return all
}

// comparison reads one condition as inequalities s ≥ 0, two for an equation; false where it is none. Strict ones lose
// one, for all are whole numbers.
func comparison(e ast.Expr, text func(ast.Expr) string) ([]linear, bool) {
	if e.Kind() == ast.LiteralKind && e.AsLiteral() == types.False {
		return []linear{number0(-1)}, true
	}
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return nil, false
	}
	name := e.AsCall().FunctionName()
	if !slices.Contains([]string{"_<_", "_<=_", "_>_", "_>=_", "_==_"}, name) {
		return nil, false
	}
	a, ok := linearOf(e.AsCall().Args()[0], text)
	b, ok2 := linearOf(e.AsCall().Args()[1], text)
	if !ok || !ok2 {
		return nil, false
	}
	more, less := a.plus(b, minusOne), b.plus(a, minusOne) // a − b, b − a
	switch name {
	case "_<_":
		return []linear{less.plus(number0(1), minusOne)}, true
	case "_<=_":
		return []linear{less}, true
	case "_>_":
		return []linear{more.plus(number0(1), minusOne)}, true
	case "_>=_":
		return []linear{more}, true
	}
	return []linear{more, less}, true
}

// maxInequalities bounds what an elimination may grow to; beyond it nothing is known.
const maxInequalities = 256

// contradict says whether no numbers satisfy all inequalities.
//
// Eliminating a number with a lower and b upper bounds leaves a·b inequalities in place of a + b, which is why it may
// grow beyond all measure, and why the number that stands in the fewest goes first. Factors are integers of any size:
// with rounding it could prove what is not so. The order is fixed by names, so that every node comes to the same
// verdict.
func contradict(all []linear) bool {
	for {
		names := map[string]int{}
		for _, l := range all {
			if len(l.factors) == 0 && l.constant.Sign() < 0 {
				return true
			}
			for name := range l.factors { // any order: counted
				names[name]++
			}
		}
		if len(names) == 0 {
			return false
		}
		// The one that stands in the fewest, by name among equals.
		pick := ""
		for name, n := range names { // any order: the least is one
			if pick == "" || n < names[pick] || n == names[pick] && name < pick {
				pick = name
			}
		}
		var next, above, below []linear
		for _, l := range all {
			switch f, ok := l.factors[pick]; {
			case !ok:
				next = append(next, l)
			case f.Sign() > 0:
				above = append(above, l)
			default:
				below = append(below, l)
			}
		}
		if len(next)+len(above)*len(below) > maxInequalities {
			return false
		}
		for _, a := range above {
			for _, b := range below {
				scaled := number0(0).plus(a, new(big.Int).Neg(b.factors[pick]))
				next = append(next, scaled.plus(b, a.factors[pick]))
			}
		}
		all = next
	}
}

// judge says what facts make of a condition. A condition is proved when the converse of each of its parts contradicts
// the facts.
func judge(facts []linear, e ast.Expr, text func(ast.Expr) string) Verdict {
	if contradict(append(slices.Clip(facts), inequalities(e, text)...)) {
		return Refuted
	}
	for _, c := range conjuncts(e) {
		if c.Kind() == ast.LiteralKind && c.AsLiteral() == types.True {
			continue
		}
		parts, ok := comparison(c, text)
		if !ok {
			return NotKnown
		}
		for _, part := range parts { // not part ≥ 0 is −part − 1 ≥ 0
			if !contradict(append(slices.Clip(facts), number0(-1).plus(part, minusOne))) {
				return NotKnown
			}
		}
	}
	return Proved
}

// facts are what holds whenever an action is called, as sums that are at least 0: of the clock (now ≥ created ≥ 0), of
// money (held ≥ 0, paid ≥ 0, held ≥ paid: what comes with a call is in what is held), of the end (ends is what it was
// at creation, or later where an action puts it off), and what creating demanded of the terms, which never change.
func (k *checker) facts() (all []linear) {
	p, name := k.program, func(n string) linear { return linear{map[string]*big.Int{n: one}, new(big.Int)} }
	all = append(all, name("now").plus(name("created"), minusOne), name("created"))
	for _, asset := range k.definition.Assets {
		held, paid := name("held."+asset), name("paid."+asset)
		all = append(all, held, paid, held.plus(paid, minusOne))
	}
	if end, ok := linearOf(p.endsAt.tree, p.endsAt.textOf); ok {
		all = append(all, name("ends").plus(end, minusOne))
		if !k.renewable() {
			all = append(all, end.plus(name("ends"), minusOne))
		}
	}
	if p.create.when == nil {
		return all
	}
	for _, c := range conjuncts(p.create.when.tree) {
		parts, _ := comparison(c, p.create.when.textOf)
		for _, part := range parts {
			if onlyTerms(part) {
				all = append(all, part)
			}
		}
	}
	return all
}

// onlyTerms says whether an inequality of the creation still holds later: it speaks of what is fixed.
func onlyTerms(l linear) bool {
	for name := range l.factors { // any order: all are asked
		if member, ok := strings.CutPrefix(name, "terms."); (!ok || !wellNamed(member)) && name != "created" {
			return false
		}
	}
	return true
}

// contradictory says why an action's times and guard never hold together, and what to write, or nothing.
func (k *checker) contradictory(a *action, facts []linear) (why, write string) {
	now := linear{map[string]*big.Int{"now": one}, new(big.Int)}
	before := int64(-1) // now < ends, but where the end itself does the action
	if _, does := find(k.definition.End.Do, a.name); does {
		before = 0
	}
	ends := linear{map[string]*big.Int{"ends": one}, big.NewInt(before)}
	all := append(slices.Clone(facts), ends.plus(now, minusOne))
	if a.from != nil {
		if from, ok := linearOf(a.from.tree, a.from.textOf); ok {
			all = append(all, now.plus(from, minusOne))
		}
		if contradict(all) {
			return "from is the end or later, when the contract is gone",
				"write a time before the end, such as ends - day; what nobody has taken by then is paid as `end` " +
					"says: write there who has it"
		}
	}
	if a.until != nil {
		if until, ok := linearOf(a.until.tree, a.until.textOf); ok {
			all = append(all, until.plus(now, minusOne).plus(number0(-1), one)) // now < until
		}
		if contradict(all) {
			return "from is not before until", "write times between which there is one"
		}
	}
	if a.when != nil && judge(all, a.when.tree, a.when.textOf) == Refuted {
		return "its conditions contradict each other, or its times",
			"correct the guard or the times, or remove the action"
	}
	return "", ""
}
