package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// saysProblems are the calls that say a problem, with the place of what is written instead; the format is the next.
var saysProblems = map[string]int{"add": 1, "problem": 2, "fail": 0, "bound": 1}

// tellsWhy are functions whose texts come into a problem.
var tellsWhy = map[string]bool{"NameProblem": true, "impossible": true, "contradictory": true, "walk": true, "advice": true}

// textOfExpression is an expression of text, with X for what is computed.
func textOfExpression(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.BinaryExpr:
		return textOfExpression(e.X) + textOfExpression(e.Y)
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" {
			return textOfExpression(e.Args[0])
		}
	}
	return "X"
}

// problemTexts are the texts of problems in the sources of this package, by where they stand.
func problemTexts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set, texts := token.NewFileSet(), map[string]string{}
	keep := func(e ast.Expr) { texts[set.Position(e.Pos()).String()] = textOfExpression(e) }
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(set, path, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				at, says := saysProblems[calledName(call.Fun)]
				if says && len(call.Args) > at+1 {
					keep(call.Args[at])
					keep(call.Args[at+1])
				}
			}
			f, ok := n.(*ast.FuncDecl)
			if !ok || !tellsWhy[f.Name.Name] {
				return true
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ReturnStmt:
					for _, e := range n.Results {
						keep(e)
					}
				case *ast.AssignStmt:
					if name, ok := n.Lhs[0].(*ast.Ident); ok && name.Name == "problem" && n.Tok == token.ASSIGN {
						keep(n.Rhs[0])
					}
				}
				return true
			})
			return true
		})
	}
	return texts
}

func calledName(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// Every text of a problem has words in each language: whatever a check of a definition or of a purpose says of its
// own, a person reads in his language.
func TestEveryProblemHasWords(t *testing.T) {
	verb := regexp.MustCompile(`%[a-z]`)
	letters := regexp.MustCompile(`[A-Za-z]{2}`)
	looked := 0
	for at, format := range problemTexts(t) { // any order
		english := verb.ReplaceAllString(format, "X")
		if !letters.MatchString(english) {
			continue // computed as a whole, and looked at where that is done
		}
		looked++
		for _, l := range []Language{Kazakh, Russian} {
			if text := problemText(l, english); text == english {
				t.Errorf("%s: %q has no words in %s", at, english, l)
			}
		}
	}
	if looked < 120 {
		t.Errorf("only %d texts were looked at", looked)
	}
	for i, f := range problemForms {
		n := strings.Count(f.english, "{}")
		if strings.Count(f.kazakh, "{}") != n || strings.Count(f.russian, "{}") != n {
			t.Errorf("%q has other values in other languages", f.english)
		}
		for _, earlier := range problemForms[:i] {
			if earlier.english == f.english {
				t.Errorf("%q stands twice", f.english)
			}
		}
	}
}

// A problem says where it is, what is wrong and what to write instead in one language, with the values it is about; what
// a library says stays its own.
func TestAProblemInALanguage(t *testing.T) {
	for _, c := range []struct {
		p         Problem
		l         Language
		want, not string
	}{
		{Problem{Where: "actions.release.by", What: `"nobody" is no party`, Write: "write one of buyer, seller, or anyone"},
			Kazakh, `actions.release.by: "nobody" деген тарап жоқ; мыналардың бірін жазыңыз: buyer, seller, немесе anyone`, "no party"},
		{Problem{Where: "actions.pay", What: "`1 / 0` can never be computed (division by zero): pay can never be called"},
			Russian, "`1 / 0` нельзя вычислить никогда (division by zero): pay нельзя вызвать никогда", "can never"},
		{Problem{Where: "end", What: "something of a library"}, Russian, "end: something of a library", "write"},
		{Problem{Where: "end", What: "no type", Write: "choose another name"}, English, "end: no type; choose another name", "тип"},
	} {
		if got := c.p.In(c.l); !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%s: %q, want %q", c.l, got, c.want)
		}
	}
}
