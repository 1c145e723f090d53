package contract

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Never lists what can never be computed in a definition that compiles: parts of expressions that read nothing and
// always fail, such as a division by zero, where they are always evaluated. The ledger's rules take such a
// definition, and refuse what it was made for: no contract of it can be made, or an action never called.
func (p *Program) Never() (all Problems) {
	d := p.Definition
	k := newChecker(NewestRules, d)
	c := k.compiler(nil)
	look := func(where, what string, x *expression) {
		if x == nil {
			return
		}
		if part, why := c.fails(x, x.tree); part != "" {
			all.add(where, "write something that can be computed",
				"`%s` can never be computed (%s): %s", part, why, what)
		}
	}
	const none = "no contract of this definition can be made"
	for i, x := range p.starts {
		look("state."+d.State[i].Name, none, x)
	}
	look("end.at", none, p.endsAt)
	for _, x := range p.create.expressions() {
		look("create", none, x)
	}
	for i := range p.actions {
		for _, x := range p.actions[i].expressions() {
			look("actions."+p.actions[i].name, p.actions[i].name+" can never be called", x)
		}
	}
	return all
}

// fails finds a part of an expression that is evaluated whenever the expression is, reads no variable and fails. What
// stands behind a condition may be there to be left out.
func (c *compiler) fails(x *expression, e ast.Expr) (part, why string) {
	if text := x.textOf(e); text != "" && e.Kind() != ast.LiteralKind && readsNothing(e) {
		if why := c.failure(text); why != "" {
			for _, inner := range evaluated(e) { // the smallest is the fault
				if part, why := c.fails(x, inner); part != "" {
					return part, why
				}
			}
			return text, why
		}
		return "", ""
	}
	for _, inner := range evaluated(e) {
		if part, why := c.fails(x, inner); part != "" {
			return part, why
		}
	}
	return "", ""
}

// evaluated are the parts of an expression that are evaluated whenever it is. Of "&&" and "||" neither side is sure to
// be, of a condition only what is asked, and of a loop over a list only the list, which may be empty.
func evaluated(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr: // one side may decide
			return nil
		case operators.Conditional:
			return call.Args()[:1]
		}
		parts := call.Args()
		if call.IsMemberFunction() {
			parts = append([]ast.Expr{call.Target()}, parts...)
		}
		return parts
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.ComprehensionKind:
		return []ast.Expr{e.AsComprehension().IterRange()}
	}
	return nil
}

// readsNothing says whether an expression has no variable of a contract in it. Units of time and the authority's id
// are constants; what a loop binds is taken for a variable, as it has no value by itself.
func readsNothing(e ast.Expr) bool {
	nothing := true
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(inner ast.Expr) {
		switch inner.Kind() {
		case ast.IdentKind:
			_, unit := units[inner.AsIdent()]
			nothing = nothing && (unit || inner.AsIdent() == "authority")
		case ast.SelectKind, ast.ComprehensionKind:
			nothing = false
		}
	}))
	return nothing
}

// failure evaluates an expression of constants, and says why it fails; nothing if it does not.
func (c *compiler) failure(text string) string {
	checked, issues := c.env.Compile(text)
	if issues.Err() != nil {
		return ""
	}
	program, err := c.env.Program(checked)
	if err != nil {
		return fmt.Sprint(err)
	}
	if _, _, err := program.Eval(cel.NoVars()); err != nil {
		return fmt.Sprint(err)
	}
	return ""
}
