package contract

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

func index(name string, i int) string { return name + "[" + strconv.Itoa(i) + "]" }

// covered checks an action's payouts of an asset. A payout is covered if its amount cannot exceed
// what is left by its form (the rest; min(…, left.tenge); a part of what is held), or if the guard
// says that all of them together do not exceed what is held, or if the action takes just that sum.
func (k *checker) covered(i, asset int, where string) {
	a := &k.program.actions[i]
	name := k.definition.Assets[asset]
	// Payouts that cover themselves by their form need no guard; but once one does need it, the guard must speak of
	// the sum of all before it too, as they all come out of what is held.
	var sum []string // the texts of what is added up, up to the last payout that needs the guard
	needed := 0
	first, uncovered, rest := true, -1, false
	// an amount after the first reads what is left, which is another number there than in the guard
	reads, moves := false, false
	for j, p := range a.pay {
		if p.asset != asset {
			continue
		}
		if rest {
			k.problems.add(where+"."+index("pay", j), "put it before the payout of the rest",
				"nothing of %s is left after the rest was paid", name)
			return
		}
		if p.amount == nil {
			rest = true
			continue
		}
		reads = reads || len(sum) > 0 && p.amount.readsLeft()
		sum = append(sum, p.amount.textOf(p.amount.tree))
		if !coveredBy(p.amount.tree, name, first) {
			needed, moves = len(sum), reads
			if uncovered < 0 {
				uncovered = j
			}
		}
		first = false
	}
	if needed == 0 {
		return
	}
	total := sum[:needed]
	moves = moves && k.rules >= 4
	if !moves && k.coveredByGuard(a, asset, total) {
		return
	}
	verdict := NotKnown
	if k.rules >= 4 && !moves {
		verdict = k.coverage(a, asset, needed)
	}
	if verdict == Proved {
		return
	}
	amount, all := a.pay[uncovered].amount.text, strings.Join(total, " + ")
	k.problems.add(where+"."+index("pay", uncovered)+".amount",
		"write min("+amount+", left."+name+"), or add to `when`: "+all+" <= held."+name,
		"%s is "+map[Verdict]string{NotKnown: "not shown to be", Refuted: "never"}[verdict]+" covered by what is held",
		amount)
}

// coveredByGuard says whether the action takes just a sum of amounts, or its guard keeps the sum within what is held.
func (k *checker) coveredByGuard(a *action, asset int, total []string) bool {
	if take := a.takes[asset].amount; take != nil && k.sums(take, take.tree, total) {
		return true
	}
	return a.when != nil && slices.ContainsFunc(conjuncts(a.when.tree), func(c ast.Expr) bool {
		return k.bounds(a.when, c, k.definition.Assets[asset], total)
	})
}

// readsLeft says whether an expression reads what is left of an asset, which each payout changes.
func (x *expression) readsLeft() bool {
	return slices.ContainsFunc(x.names, func(name string) bool { return strings.HasPrefix(name, "left.") })
}

// coverage says what the linear analysis makes of the first payouts of an asset: that together they never exceed what
// is held when the action is called (proved), that they always do (refuted), or neither. A payout of less than nothing
// is refused when it is computed, so that each counts as not negative here.
func (k *checker) coverage(a *action, asset, first int) Verdict {
	name := func(n string) linear { return linear{map[string]*big.Int{n: one}, new(big.Int)} }
	held := name("held." + k.definition.Assets[asset])
	facts := k.facts()
	if a.when != nil {
		facts = append(facts, inequalities(a.when.tree, a.when.textOf)...)
	}
	for i, take := range a.takes {
		paid := name("paid." + k.definition.Assets[i])
		switch {
		case take.any:
		case take.amount == nil:
			facts = append(facts, number0(0).plus(paid, minusOne))
		default:
			if amount, ok := linearOf(take.amount.tree, take.amount.textOf); ok {
				facts = append(facts, amount.plus(paid, minusOne), paid.plus(amount, minusOne))
			}
		}
	}
	sum := number0(0)
	for _, p := range a.pay {
		if p.asset != asset || first == 0 {
			continue
		}
		first--
		amount, ok := linearOf(p.amount.tree, p.amount.textOf)
		if !ok {
			return NotKnown
		}
		facts, sum = append(facts, amount), sum.plus(amount, one)
	}
	fits := held.plus(sum, minusOne) // held − sum ≥ 0
	switch {
	case contradict(append(slices.Clip(facts), number0(-1).plus(fits, minusOne))):
		return Proved
	case contradict(append(slices.Clip(facts), fits)):
		return Refuted
	}
	return NotKnown
}

// sums says whether an expression is the sum of amounts. What has no text is like nothing.
func (k *checker) sums(x *expression, e ast.Expr, amounts []string) bool {
	if k.rules < 3 { // judged by the text alone, whatever binds first in it
		return x.textOf(e) == strings.Join(amounts, " + ")
	}
	for i := len(amounts) - 1; i > 0; i-- {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "_+_" || amounts[i] == "" ||
			x.textOf(e.AsCall().Args()[1]) != amounts[i] {
			return false
		}
		e = e.AsCall().Args()[0]
	}
	return amounts[0] != "" && x.textOf(e) == amounts[0]
}

// bounds says whether a condition keeps a sum of amounts within what is held. Under rules before version 3 it goes by
// the text alone.
func (k *checker) bounds(x *expression, e ast.Expr, asset string, amounts []string) bool {
	if k.rules < 3 {
		total := strings.Join(amounts, " + ")
		switch x.textOf(e) {
		case total + " <= held." + asset, "held." + asset + " >= " + total, total + " == held." + asset, "held." +
			asset + " == " + total:
			return true
		}
		return false
	}
	if e.Kind() != ast.CallKind {
		return false
	}
	held := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == "held."+asset }
	args := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case "_<=_":
		return held(args[1]) && k.sums(x, args[0], amounts)
	case "_>=_":
		return held(args[0]) && k.sums(x, args[1], amounts)
	case "_==_":
		return held(args[1]) && k.sums(x, args[0], amounts) || held(args[0]) && k.sums(x, args[1], amounts)
	}
	return false
}

// coveredBy says whether an amount cannot exceed what is left of an asset, by its form. held and paid stand for what
// there was before any payout, so they cover the first alone; left covers each.
func coveredBy(e ast.Expr, asset string, first bool) bool {
	if e.Kind() == ast.IdentKind {
		name := e.AsIdent()
		return name == "left."+asset || (first && (name == "held."+asset || name == "paid."+asset))
	}
	if e.Kind() != ast.CallKind {
		return false
	}
	call := e.AsCall()
	args := call.Args()
	is := func(i int) bool { return coveredBy(args[i], asset, first) }
	switch call.FunctionName() {
	case "min":
		return is(0) || is(1)
	case "max":
		return is(0) && zero(args[1]) || zero(args[0]) && is(1)
	case "_?_:_":
		return is(1) && is(2)
	case "part":
		numerator, ok := number(args[1])
		denominator, ok2 := number(args[2])
		return is(0) && ok && ok2 && numerator >= 0 && numerator <= denominator
	case "_-_":
		return is(0) && notNegative(args[1])
	}
	return false
}

// number is a whole number that is written as one.
func number(e ast.Expr) (int64, bool) {
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	n, ok := e.AsLiteral().(types.Int)
	return int64(n), ok
}

func zero(e ast.Expr) bool {
	n, ok := number(e)
	return ok && n == 0
}

// notNegative says whether a number is at least nothing whenever it can be computed, by its form.
func notNegative(e ast.Expr) bool {
	if n, ok := number(e); ok {
		return n >= 0
	}
	switch e.Kind() {
	case ast.IdentKind:
		name, _, _ := strings.Cut(e.AsIdent(), ".")
		return name == "held" || name == "left" || name == "paid"
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case "part", "size":
			return true
		case "max":
			return notNegative(call.Args()[0]) || notNegative(call.Args()[1])
		case "min":
			return notNegative(call.Args()[0]) && notNegative(call.Args()[1])
		}
	}
	return false
}

// conjuncts splits a && b && c.
func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "_&&_" {
		var all []ast.Expr
		for _, arg := range e.AsCall().Args() {
			all = append(all, conjuncts(arg)...)
		}
		return all
	}
	return []ast.Expr{e}
}
