package paper

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// environment names values: the paper's own claims, facts, what data gave.
type environment struct {
	values    map[string]float64
	own       map[string]bool // names that are the paper's figures
	functions map[string]func(float64) (float64, error)
	dates     map[string]string // by coin: the day on which its supply reached Table 1's
}

// missingName is an expression's name that has no value.
type missingName string

func (m missingName) Error() string { return fmt.Sprintf("%q has no value", string(m)) }

// couldBeData: names from data files may be missing, others are mistakes.
func (e environment) couldBeData(name string) bool { return strings.HasPrefix(name, "data_") }

// evaluate computes an arithmetic expression: + − × ÷, < and > (1 or 0),
// parentheses, names and functions of one argument.
func (e environment) evaluate(text string) (float64, error) {
	tree, err := parser.ParseExpr(text)
	if err != nil {
		return 0, fmt.Errorf("expression %q: %w", text, err)
	}
	return e.walk(tree)
}

// walk evaluates a claim's formula: numbers, names of the data, functions of one argument and arithmetic, nothing else
// of Go's syntax. A name that is not known is told apart, as the claim then cannot be checked and is not false.
func (e environment) walk(node ast.Expr) (float64, error) {
	switch n := node.(type) {
	case *ast.ParenExpr:
		return e.walk(n.X)
	case *ast.BasicLit:
		return strconv.ParseFloat(n.Value, 64)
	case *ast.Ident:
		if v, ok := e.values[n.Name]; ok {
			return v, nil
		}
		return 0, missingName(n.Name)
	case *ast.CallExpr:
		name, ok := n.Fun.(*ast.Ident)
		if !ok || len(n.Args) != 1 {
			return 0, fmt.Errorf("functions take one argument")
		}
		// Names alone, from a list of ours: a formula reaches nothing else.
		f := e.functions[name.Name]
		if f == nil {
			return 0, missingName(name.Name)
		}
		x, err := e.walk(n.Args[0])
		if err != nil {
			return 0, err
		}
		return f(x)
	case *ast.BinaryExpr:
		a, err := e.walk(n.X)
		if err != nil {
			return 0, err
		}
		b, err := e.walk(n.Y)
		if err != nil {
			return 0, err
		}
		return apply(n.Op, a, b)
	}
	return 0, fmt.Errorf("%T is not part of an expression", node)
}

// apply computes one operation; a comparison is 1 or 0. Only what the claims need is an operator: any other, and a
// division by zero, makes the claim an error and not a verdict.
func apply(operator token.Token, a, b float64) (float64, error) {
	truth := func(yes bool) (float64, error) {
		if yes {
			return 1, nil
		}
		return 0, nil
	}
	switch operator {
	case token.ADD:
		return a + b, nil
	case token.SUB:
		return a - b, nil
	case token.MUL:
		return a * b, nil
	case token.QUO:
		if b == 0 {
			return 0, fmt.Errorf("division by zero")
		}
		return a / b, nil
	case token.LSS:
		return truth(a < b)
	case token.GTR:
		return truth(a > b)
	}
	return 0, fmt.Errorf("operator %s is not part of an expression", operator)
}
