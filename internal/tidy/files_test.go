package tidy

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// writesFiles are the functions of package os that make or change files by the side of internal/durable.
var writesFiles = []string{"WriteFile", "Rename", "Create", "OpenFile", "CreateTemp", "Truncate", "Link", "Symlink", "Mkdir", "MkdirAll"}

// floor may: durable and the file system under it, which the log and its index write through too.
var floor = []string{"internal/durable/", "txlog/", "index/"}

// Every file is written through internal/durable, so that there is one place to read what a crash can do, and one
// simulator that crashes it. Who is on the list still writes in a way of his own.
func TestFilesAreWrittenThroughDurable(t *testing.T) {
	set, all := sources(t)
	found := map[string]bool{}
	for _, s := range all {
		if s.test || slices.ContainsFunc(floor, func(room string) bool { return strings.HasPrefix(s.path, room) }) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := call.X.(*ast.Ident)
			if !ok || x.Name != "os" || !slices.Contains(writesFiles, call.Sel.Name) {
				return true
			}
			found[s.path] = true
			if !slices.Contains(ownWriters, s.path) {
				t.Errorf("%s: os.%s: write files through internal/durable", set.Position(n.Pos()), call.Sel.Name)
			}
			return true
		})
	}
	for _, path := range ownWriters {
		if !found[path] {
			t.Errorf("%s writes no file of its own any more: take it off the list (ownWriters)", path)
		}
	}
	if !slices.IsSorted(ownWriters) {
		t.Error("ownWriters is not in order")
	}
}
