package tidy

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// readsFlag are functions and methods that read a flag by its name.
var readsFlag = regexp.MustCompile(`^(Flag|[A-Z]\w+Flag|Changed|Lookup|` +
	`Get(Bool|String|Int|Int64|Uint|Uint32|Uint64|Float64|Duration|StringArray|StringSlice))$`)

// A flag that is read by a name is named where commands are made too: a name that is misspelt would read as a flag that nobody gave.
func TestFlagsThatAreReadAreThere(t *testing.T) {
	set, files := sources(t)
	named, read := map[string]bool{}, map[string]token.Position{}
	for _, s := range files {
		if s.test || !strings.HasPrefix(s.room, "internal/cli") && !strings.HasPrefix(s.room, "cmd/aqsha") {
			continue
		}
		ofReads := map[*ast.BasicLit]bool{}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr:
					name = f.Sel.Name
				case *ast.Ident:
					name = f.Name
				}
				for _, argument := range n.Args[:min(2, len(n.Args))] {
					if literal, ok := argument.(*ast.BasicLit); ok && readsFlag.MatchString(name) {
						ofReads[literal] = true
						read[unquoted(t, literal)] = set.Position(literal.Pos())
					}
				}
			case *ast.BasicLit:
				if n.Kind == token.STRING && !ofReads[n] {
					named[unquoted(t, n)] = true
				}
			}
			return true
		})
	}
	if len(read) < 80 {
		t.Fatalf("only %d flags that are read by name were found", len(read))
	}
	for name, at := range read {
		if !named[name] {
			t.Errorf("%s reads --%s, which no command has", at, name)
		}
	}
}

func unquoted(t *testing.T, literal *ast.BasicLit) string {
	t.Helper()
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
