package contract

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/aqsha/aqsha/token"
)

// Unvouched lists what a purpose opens on a word that any bank may set: role, category, region and tier are set by who
// registered the wallet, and a permit or mark that asks for them and for nobody in particular believes every bank.
// Asking also for what an agency vouches for ("ministry/canteen" in payee.vouched), for payee.bank == authority, for
// one bank, one wallet or one key, each of the same party, or for the definition of the contract that pays, is asking
// somebody in particular.
func (r *Rule) Unvouched() (all []Unvouched) {
	add := func(where string, x *expression) {
		for _, way := range alternatives(x.tree) {
			if named := attributesIn(way); len(named) > 0 {
				all = append(all, Unvouched{where, named})
				return
			}
		}
	}
	add("mark", r.earmark)
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

// attributesIn lists the attributes that a condition reads of parties of whom none of its conjuncts asks who vouches.
// Only a conjunct vouches: under an "or" the question could be passed by. One that asks for a contract's definition
// covers all parties, since the definition is what they are held to.
func attributesIn(e ast.Expr) (named []string) {
	all := conjuncts(e)
	vouched := map[string]bool{}
	for _, c := range all {
		if who := voucherOf(c); who != "" {
			vouched[who] = true
		}
	}
	for _, c := range all {
		ast.PreOrderVisit(c, ast.NewExprVisitor(func(part ast.Expr) {
			if part.Kind() != ast.IdentKind {
				return
			}
			owner, member, _ := strings.Cut(part.AsIdent(), ".")
			if slices.Contains(byOthers, member) && !vouched[owner] && !vouched["contract"] &&
				!slices.Contains(named, part.AsIdent()) {
				named = append(named, part.AsIdent())
			}
		}))
	}
	return named
}

// byOthers are the members of a party that any bank sets by itself, and what any agency may say.
var byOthers = []string{"role", "category", "region", "tier", "vouched"}

// particular are the members that tell somebody in particular, where they are compared with what is written out.
var particular = []string{"bank", "id", "key"}

// voucherOf is the party of which a condition asks somebody in particular, "contract" if it asks for a contract's
// definition, or nothing. Comparing one party with another asks nobody: any bank has customers that are alike.
func voucherOf(c ast.Expr) string {
	if c.Kind() != ast.CallKind {
		return ""
	}
	name, args := c.AsCall().FunctionName(), c.AsCall().Args()
	if name != "_==_" && name != "@in" {
		return ""
	}
	for i, arg := range args {
		other := args[1-i]
		switch {
		case ofContract(arg, other):
			return "contract"
		case arg.Kind() != ast.IdentKind || !writtenOut(other):
		default:
			owner, member, _ := strings.Cut(arg.AsIdent(), ".")
			if slices.Contains(particular, member) || member == "vouched" && name == "@in" && i == 1 {
				return owner
			}
		}
	}
	return ""
}

// ofContract says whether a comparison asks for a paying contract: its definition, written out, or that there is one.
func ofContract(e, other ast.Expr) bool {
	definition := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == "definition" }
	if definition(e) {
		id, ok := other.AsLiteral().(types.Bytes)
		return ok && len(id) == len(token.Hash{}) || other.Kind() == ast.ListKind && writtenOut(other)
	}
	length, ok := number(other)
	return ok && length == int64(len(token.Hash{})) && e.Kind() == ast.CallKind &&
		e.AsCall().FunctionName() == "size" &&
		len(e.AsCall().Args()) == 1 && definition(e.AsCall().Args()[0])
}

// writtenOut says whether an expression is fixed by who writes it: it reads nothing but the authority's id.
func writtenOut(e ast.Expr) bool {
	fixed := true
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(part ast.Expr) {
		if part.Kind() == ast.IdentKind && part.AsIdent() != "authority" || part.Kind() == ast.ComprehensionKind {
			fixed = false
		}
	}))
	return fixed
}
