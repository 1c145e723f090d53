package contract

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
)

// Unvouched lists what a purpose opens on a word that any bank may set: role, category and region are set by who registered
// the wallet, and a permit or mark that asks for them and for nobody in particular believes every bank. Asking also
// for payee.bank == authority, for one bank, one wallet or one key, or for the definition of the contract that pays, is asking
// somebody in particular.
func (r *Rule) Unvouched() (all []Unvouched) {
	add := func(where string, x *expression) {
		for _, way := range alternatives(x.tree) {
			named, vouched := attributesIn(way)
			if len(named) > 0 && !vouched {
				all = append(all, Unvouched{where, named})
				return
			}
		}
	}
	add("mark", r.mark)
	for i, x := range r.permits {
		add(index("permits", i), x)
	}
	return all
}

// Unvouched is a rule that rests on attributes alone.
type Unvouched struct {
	Where      string   `json:"where"`      // mark, or permits[1]
	Attributes []string `json:"attributes"` // such as payee.role
}

// alternatives splits a || b.
func alternatives(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "_||_" {
		var all []ast.Expr
		for _, arg := range e.AsCall().Args() {
			all = append(all, alternatives(arg)...)
		}
		return all
	}
	return []ast.Expr{e}
}

// attributesIn lists the attributes that a condition reads, and says whether one of its conjuncts asks who vouches.
func attributesIn(e ast.Expr) (named []string, vouched bool) {
	for _, c := range conjuncts(e) {
		ast.PreOrderVisit(c, ast.NewExprVisitor(func(part ast.Expr) {
			if part.Kind() != ast.IdentKind {
				return
			}
			_, member, _ := strings.Cut(part.AsIdent(), ".")
			if slices.Contains([]string{"role", "category", "region"}, member) && !slices.Contains(named, part.AsIdent()) {
				named = append(named, part.AsIdent())
			}
		}))
		if c.Kind() != ast.CallKind {
			continue
		}
		if name := c.AsCall().FunctionName(); name != "_==_" && name != "@in" {
			continue
		}
		for _, arg := range c.AsCall().Args() {
			if arg.Kind() == ast.IdentKind && (slices.Contains([]string{"payee.bank", "payee.id", "payee.key", "payer.bank", "payer.id", "payer.key"}, arg.AsIdent()) || arg.AsIdent() == "definition") {
				vouched = true
			}
			if arg.Kind() == ast.CallKind && arg.AsCall().FunctionName() == "size" && len(arg.AsCall().Args()) == 1 &&
				arg.AsCall().Args()[0].Kind() == ast.IdentKind && arg.AsCall().Args()[0].AsIdent() == "definition" {
				vouched = true
			}
		}
	}
	return named, vouched
}
