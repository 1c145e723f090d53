package contract

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/aqsha/aqsha/money"
)

// Thresholds lists, ascending, the amounts at which what the rule says of a payment may change: numbers that stand in
// its permits, and what it pays at most at once. Between two of them a rule that compares amounts with numbers gives
// one answer.
func (r *Rule) Thresholds() (all []money.Tiyn) {
	if r.Purpose.MaxPayment != 0 {
		all = append(all, r.Purpose.MaxPayment)
	}
	for _, x := range r.permits {
		if !slices.Contains(x.names, "amount") {
			continue
		}
		ast.PreOrderVisit(x.tree, ast.NewExprVisitor(func(e ast.Expr) {
			if e.Kind() != ast.LiteralKind {
				return
			}
			if n, ok := e.AsLiteral().(types.Int); ok && n >= 0 {
				all = append(all, money.Tiyn(n))
			}
		}))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
