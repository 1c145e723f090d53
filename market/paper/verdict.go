package paper

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// The five verdicts. Which of them a claim gets follows from what its check
// compares (see basisOf), never from a word in the file:
//
//   - confirmed: a source outside the paper (data, a dated fact, a protocol's
//     rule) gives the figure;
//   - consistent: the paper's other figures give it, and nothing else was asked;
//   - possible: only a bound was tested, and the figure lies inside it, or lies
//     outside one of mere plausibility (the finding then says "implausible");
//   - wrong: the check gives another figure;
//   - not checkable: there is no check, or the data for it are not there
//     (missing says which).
const (
	Confirmed    = "confirmed"
	Consistent   = "consistent"
	Possible     = "possible"
	Wrong        = "wrong"
	NotCheckable = "not checkable"
)

// Verdicts in the order in which they are told.
var Verdicts = []string{Confirmed, Consistent, Possible, Wrong, NotCheckable}

// basis is what a check rests on.
type basis struct {
	outside bool     // it names a fact, data or a rule
	bound   bool     // it compares with something that is not the paper's
	names   []string // of the paper's figures, sorted
}

// basisOf reads an expression. A comparison among the paper's own figures is a
// matter of consistency; one with a number or with what was computed from
// outside only bounds the figure.
func (e environment) basisOf(text string) (basis, error) {
	tree, err := parser.ParseExpr(text)
	if err != nil {
		return basis{}, err
	}
	var b basis
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.LSS || n.Op == token.GTR {
				b.bound = b.bound || e.foreign(n.X) || e.foreign(n.Y)
			}
		case *ast.CallExpr:
			b.outside = true // a rule of issuance, a calendar, a file
		case *ast.Ident:
			switch {
			case e.own[n.Name]:
				b.names = append(b.names, n.Name)
			case n.Name == "lorenz_possible":
				b.bound = true
			case e.functions[n.Name] == nil:
				b.outside = b.outside || !strings.HasPrefix(n.Name, "t1_")
			}
		}
		return true
	})
	slices.Sort(b.names)
	b.names = slices.Compact(b.names)
	return b, nil
}

// foreign reports whether a side of a comparison is a bare number or rests on
// a name that is not the paper's.
func (e environment) foreign(side ast.Expr) bool {
	any, own := false, true
	ast.Inspect(side, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok {
			any = true
			own = own && (e.own[name.Name] || strings.HasPrefix(name.Name, "t1_"))
		}
		return true
	})
	return !any || !own
}

// word is the verdict of a check that held or did not.
func (b basis) word(holds, soft bool) string {
	switch {
	case !holds && soft:
		return Possible
	case !holds:
		return Wrong
	case b.bound:
		return Possible
	case b.outside:
		return Confirmed
	}
	return Consistent
}

// identity names what a claim's check tests: the same figures tied by one
// equation are one identity, however often it is solved for another of them.
func (b basis) identity(c Claim) string {
	if c.Identity != "" {
		return c.Identity
	}
	names := append(slices.Clone(b.names), c.ID)
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}
