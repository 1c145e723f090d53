package tidy

import (
	"go/ast"
	"strings"
	"testing"
)

// A function is described once, under its own name: where two changes of one docstring were joined, both may have stayed, one
// of them false, and where a function was moved its docstring may have stayed above another.
func TestADocstringIsOfItsFunctionAndThereOnce(t *testing.T) {
	set, all := sources(t)
	docs := 0
	for _, s := range all {
		names := map[string]bool{}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				names[f.Name.Name] = true
			}
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Doc == nil {
				continue
			}
			docs++
			name, before, begins := f.Name.Name, "", 0
			for _, c := range f.Doc.List {
				line := strings.TrimPrefix(c.Text, "// ")
				if strings.HasPrefix(line, name+" ") && (before == "" || strings.HasSuffix(before, ".")) {
					begins++
				}
				before = line
			}
			if begins > 1 {
				t.Errorf("%s: %s is described %d times", set.Position(f.Doc.Pos()), name, begins)
			}
			if first, _, _ := strings.Cut(strings.TrimPrefix(f.Doc.List[0].Text, "// "), " "); !s.test && first != name && names[first] {
				t.Errorf("%s: what stands above %s describes %s", set.Position(f.Doc.Pos()), name, first)
			}
		}
	}
	if docs < 1000 {
		t.Errorf("only %d docstrings were found", docs)
	}
}
