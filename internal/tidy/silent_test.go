package tidy

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
	"testing"
)

// minSpoken is the number of lines from which a function has a comment inside that says why.
const minSpoken = 30

// lengthOf counts the lines of a declaration.
func lengthOf(set *token.FileSet, d ast.Node) int {
	return set.Position(d.End()).Line - set.Position(d.Pos()).Line + 1
}

// isSilent: the function has no comment between its braces.
func isSilent(file *ast.File, f *ast.FuncDecl) bool {
	return !slices.ContainsFunc(file.Comments, func(g *ast.CommentGroup) bool {
		return g.Pos() > f.Body.Lbrace && g.End() < f.Body.Rbrace
	})
}

// TestSilent lists, with -v, the long functions that do not say why inside, by room. How many there may be is said with
// the other counters.
func TestSilent(t *testing.T) {
	set, sources := sources(t)
	slices.SortStableFunc(sources, func(a, b source) int { return cmp.Compare(a.room, b.room) })
	room, n := "", 0
	for _, s := range sources {
		if s.test || ast.IsGenerated(s.file) {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil || lengthOf(set, f) < minSpoken || !isSilent(s.file, f) {
				continue
			}
			if n++; s.room != room {
				room = s.room
				t.Logf("%s:", room)
			}
			t.Logf("  %s:%d %s, %d lines", s.path, set.Position(f.Pos()).Line, f.Name.Name, lengthOf(set, f))
		}
	}
	t.Logf("%d in all", n)
}
