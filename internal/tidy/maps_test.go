package tidy

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// anyOrder marks a range over a map whose result does not depend on the order, and says why.
const anyOrder = "// any order: "

// A range over a map visits in random order. In the pure core, where every node must come to the same
// state, each one says why that does not matter.
func TestPureCoreDoesNotRangeOverMaps(t *testing.T) {
	config := &packages.Config{Mode: packages.NeedName | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedFiles | packages.NeedImports | packages.NeedDeps, Dir: "../.."}
	var patterns []string
	for _, room := range pure {
		patterns = append(patterns, "./"+room+"/...")
	}
	loaded, err := packages.Load(config, patterns...)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, p := range loaded {
		if len(p.Syntax) == 0 {
			continue // a room that is not built yet
		}
		seen++
		for _, file := range p.Syntax {
			checkMapRanges(t, p, file)
		}
	}
	if seen < 3 {
		t.Fatalf("only %d packages were loaded", seen)
	}
}

func checkMapRanges(t *testing.T, p *packages.Package, file *ast.File) {
	marked := map[int]bool{}
	for _, group := range file.Comments {
		for _, comment := range group.List {
			if strings.HasPrefix(comment.Text, anyOrder) {
				marked[p.Fset.Position(comment.Pos()).Line] = true
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok {
			return true
		}
		kind := p.TypesInfo.TypeOf(loop.X)
		if kind == nil {
			return true
		}
		at := p.Fset.Position(loop.Pos())
		if _, isMap := kind.Underlying().(*types.Map); isMap && !slices.Contains([]bool{marked[at.Line], marked[at.Line-1]}, true) {
			t.Errorf("%s: ranges over a map without saying why any order will do (%q)", at, anyOrder)
		}
		return true
	})
}
