package main

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// undrafted change the ledger and write no draft, and why.
var undrafted = map[string]string{
	"tx submit":                "it submits a draft",
	"cash up":                  "an office pays whom its quotes name",
	"cash withdraw":            "the notes are taken for the payment at once",
	"purse open":               "the device's key, which is in no keyring, signs at once",
	"purse settle":             "links are signed; the ledger asks nobody's signature",
	"purse convict":            "links are signed; the ledger asks nobody's signature",
	"purse revocations":        "it changes nothing; signing the list wants the key of the log",
	"purse close":              "the ledger asks nobody's signature",
	"purse openers open":       "the openers' shares prove themselves; the ledger asks nobody's signature",
	"channel keep":             "it changes nothing: it writes a file from what the ledger proves",
	"wallet apply":             "the bank makes the draft",
	"bank applications accept": "its draft goes to the applicant",
	"bank applications serve":  "its drafts go to the applicants",
	"channel watch":            "a watchtower acts when nobody is there",
	"device charger":           "a device acts by itself",
	"device car":               "a device acts by itself",
}

// Every command that changes the ledger can write a draft instead, as the README promises. Which do is read from the
// sources: a function made by session.OnLedger, or by what is made of it, or one that opens a session to write.
func TestEveryCommandThatChangesTheLedgerCanDraft(t *testing.T) {
	changing := commandsThatChange(t)
	if len(changing) < 40 {
		t.Fatalf("only %d commands change the ledger by the sources: %v", len(changing), changing)
	}
	seen := map[string]bool{}
	everyCommand(newRootCommand(), func(c *cobra.Command) {
		path := strings.Join(pathOf(c), " ")
		if !slices.ContainsFunc(changing, func(s madeAt) bool { return s.is(c) }) {
			return
		}
		seen[path] = true
		has := c.Flags().Lookup("out") != nil
		switch _, excused := undrafted[path]; {
		case excused && has:
			t.Errorf("%s is excused from --out, and has it", path)
		case !excused && !has:
			t.Errorf("%s changes the ledger and has no --out", path)
		}
	})
	for path := range undrafted {
		if !seen[path] {
			t.Errorf("%s is excused from --out, and is no command that changes the ledger", path)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d commands change the ledger: %v", len(seen), seen)
	}
}

// madeAt is a command that changes the ledger, known by its Short.
type madeAt struct{ short string }

func (s madeAt) is(c *cobra.Command) bool { return c.Short == s.short }

// commandsThatChange reads from the sources which literals of commands have a function that changes the ledger. Where
// the Short comes as a parameter, all calls of the function that makes the command are looked at for it.
func commandsThatChange(t *testing.T) (sites []madeAt) {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.go", "../../internal/cli/*.go", "../../internal/cli/*/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	makers := map[string]bool{} // functions that make such a command of a Short that they are given
	var parsed []*ast.File
	set := gotoken.NewFileSet()
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(set, path, content, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	for _, file := range parsed {
		for _, declared := range file.Decls {
			function, ok := declared.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(function, func(n ast.Node) bool {
				literal, ok := n.(*ast.CompositeLit)
				if !ok || !changes(literal) {
					return true
				}
				if text := textOf(fieldOf(literal, "Short")); text != "" {
					sites = append(sites, madeAt{text})
				} else {
					makers[unexported(function.Name.Name)] = true
				}
				return true
			})
		}
	}
	for _, file := range parsed {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			// "verb" is what suspensions calls its own maker.
			if name := calledName(call); makers[name] || name == "verb" {
				for _, argument := range call.Args {
					if text := textOf(argument); strings.Contains(text, " ") {
						sites = append(sites, madeAt{text})
					}
				}
			}
			return true
		})
	}
	return sites
}

// changes says whether a literal of a command has a function that changes the ledger.
func changes(literal *ast.CompositeLit) bool {
	run := fieldOf(literal, "RunE")
	if run == nil {
		return false
	}
	found := false
	ast.Inspect(run, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		found = found || slices.Contains([]string{"onLedger", "forWallet", "withPayer"}, calledName(call))
		return true
	})
	return found
}

// calledName is the name of a called function, without its package and as it would be within it.
func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return unexported(f.Name)
	case *ast.SelectorExpr:
		return unexported(f.Sel.Name)
	}
	return ""
}

func unexported(name string) string { return strings.ToLower(name[:1]) + name[1:] }

func fieldOf(literal *ast.CompositeLit, name string) ast.Expr {
	for _, element := range literal.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok && key.Name == name {
				return pair.Value
			}
		}
	}
	return nil
}

func textOf(e ast.Expr) string {
	if literal, ok := e.(*ast.BasicLit); ok && literal.Kind == gotoken.STRING {
		return strings.Trim(literal.Value, "\"`")
	}
	if sum, ok := e.(*ast.BinaryExpr); ok && sum.Op == gotoken.ADD { // a text that goes over lines
		return textOf(sum.X) + textOf(sum.Y)
	}
	return ""
}
