package words_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rooms whose refusals have words. A room that begins to refuse belongs here.
var refusing = []string{"token", "ledger", "contract", "node", "api", "txlog", "index", "livestate", "internal/durable", "pool", "bitcoin", "cmd/aqsha", "internal/cli", "wallet", "cash", "purse"}

var isCode = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// codesOfTheSources reads every refusal code from the sources, with the first place that names it: constants of a type Code or
// Verdict, constants of package api that begin with "code", what ErrorCode returns, and what is refused by a literal.
func codesOfTheSources(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, room := range refusing {
		root := filepath.Join("..", filepath.FromSlash(room))
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			set := gotoken.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				for _, code := range codesAt(n, room) {
					if _, known := found[code]; !known {
						found[code] = set.Position(n.Pos()).String()
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 150 {
		t.Fatalf("found only %d codes in the sources", len(found))
	}
	return found
}

// codesAt are the codes that a piece of syntax names.
func codesAt(n ast.Node, room string) (codes []string) {
	switch n := n.(type) {
	case *ast.ValueSpec:
		typed := slices.Contains([]string{"Code", "Verdict"}, nameOf(n.Type))
		for i, value := range n.Values {
			if number, ok := value.(*ast.BasicLit); ok && typed && room == "cash" && number.Kind == gotoken.INT { // as the standard numbers them
				codes = append(codes, "cash-"+number.Value)
			}
			if typed || room == "api" && n.Type == nil && strings.HasPrefix(n.Names[i].Name, "code") {
				codes = append(codes, literals(value)...)
			}
		}
	case *ast.FuncDecl:
		if n.Name.Name == "ErrorCode" && n.Recv != nil {
			ast.Inspect(n.Body, func(inner ast.Node) bool {
				if r, ok := inner.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
					codes = append(codes, literals(r.Results[0])...)
				}
				return true
			})
		}
	case *ast.CallExpr:
		at, refuses := map[string]int{"refuse": 0, "Errorf": 0, "newProblem": 1}[nameOf(n.Fun)]
		if refuses && len(n.Args) > at+2 {
			codes = append(codes, literals(n.Args[at])...)
		}
	}
	return codes
}

// nameOf is the last part of a name: Code of token.Code.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func literals(e ast.Expr) []string {
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != gotoken.STRING {
		return nil
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil || !isCode.MatchString(value) {
		return nil
	}
	return []string{value}
}
