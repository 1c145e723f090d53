package words_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/words"
)

// measuring are the lines that touch nobody's money: their refusals say themselves what is wrong, and are listed by it.
var measuring = map[string]string{"farm": "", "planner": "", "internal/strict": "", "internal/cli/farmcmd": "",
	"internal/cli/controlcmd": "", "internal/cli/farmdir": "",
	"api/farms": "", "internal/cli/plancmd": "",
	"market": "market-", "internal/cli/marketcmd": "market-",
	"internal/cli/sealcmd": "market-"}

// measuredCodes reads, from the sources, each code of these lines and the rules that it is said with.
func measuredCodes(t *testing.T) map[string][]string {
	t.Helper()
	rules := map[string][]string{}
	for room, prefix := range measuring {
		err := filepath.WalkDir(filepath.Join("..", filepath.FromSlash(room)),
			func(path string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") ||
					strings.HasSuffix(path, "_test.go") {
					return err
				}
				set := gotoken.NewFileSet()
				file, err := parser.ParseFile(set, path, nil, 0)
				if err != nil {
					return err
				}
				ast.Inspect(file, func(n ast.Node) bool {
					code, rule := measuredAt(n)
					if code == "" {
						return true
					}
					if !isCode.MatchString(code) {
						t.Errorf("%s: code %q is not kebab-case", set.Position(n.Pos()), code)
					}
					if code = prefix + code; !slices.Contains(rules[code], rule) && rule != "" {
						rules[code] = append(rules[code], rule)
					}
					return true
				})
				return nil
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(rules) < 100 {
		t.Fatalf("found only %d codes in the sources", len(rules))
	}
	return rules
}

// measuredAt are the code and the rule that a piece of syntax refuses with: Refuse(code, field, rule, …), or a Problem
// of a plan's file with the rule last. One that is said by another's error has its place only.
func measuredAt(n ast.Node) (code, rule string) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if nameOf(n.Fun) == "Refuse" && len(n.Args) >= 3 {
			return text(n.Args[0]), text(n.Args[2])
		}
	case *ast.CompositeLit:
		if nameOf(n.Type) == "Problem" && len(n.Elts) == 5 {
			return text(n.Elts[0]), cmp.Or(text(n.Elts[4]), "%s")
		}
	}
	return "", ""
}

// text is a string literal's, or that of literals put together.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, _ := strconv.Unquote(e.Value)
		return s
	case *ast.BinaryExpr:
		if x, y := text(e.X), text(e.Y); x != "" && y != "" {
			return x + y
		}
	}
	return ""
}

// registry is the part of docs/CODES.md about these lines.
func registry(t *testing.T) string {
	var b strings.Builder
	b.WriteString(
		"\n## Of farms, plans and markets\n\nThese touch nobody's money. What is said names the field, and the value where a % stands; the command line exits with 3.\n\n")
	b.WriteString("| Code | What is said |\n|---|---|\n")
	rules := measuredCodes(t)
	for _, code := range slices.Sorted(maps.Keys(rules)) {
		slices.Sort(rules[code])
		said := strings.NewReplacer("|", "\\|", "\n", " ").Replace(strings.Join(rules[code], "; "))
		fmt.Fprintf(&b, "| `%s` | %s |\n", code, said)
	}
	return b.String()
}

// A code of these lines is none of those that have words: the same code would mean two things.
func TestCodesOfMeasuringAreTheirOwn(t *testing.T) {
	worded := codesOfTheSources(t)
	for code := range measuredCodes(t) {
		if place, ok := worded[code]; ok {
			t.Errorf("%s is a code of %s too", code, place)
		}
	}
}

// Whatever code the product prints is explained, in every language, by the name under which it is printed: codes of the
// rules and commands, of farms, plans and markets, and the numbers of digital cash.
func TestEveryCodeThatIsPrintedIsExplained(t *testing.T) {
	printed := slices.Concat(slices.Collect(maps.Keys(codesOfTheSources(t))),
		slices.Collect(maps.Keys(measuredCodes(t))))
	numbers := 0
	for _, code := range printed {
		if number, ok := strings.CutPrefix(code, "cash-"); ok && strings.Trim(number, "0123456789") == "" {
			printed = append(printed, number) // as the office's answer has it
			numbers++
		}
	}
	families := map[string]string{}
	for code := range measuredCodes(t) {
		if !strings.HasPrefix(code, "farm-") && !strings.HasPrefix(code, "market-") {
			families[code] = "farm-*"
		}
	}
	listed, err := json.MarshalIndent(families, "", "  ") // in order
	if err != nil {
		t.Fatal(err)
	}
	listed = append(listed, '\n')
	if *update {
		if err := os.WriteFile("families.json", listed, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile("families.json"); err != nil || !bytes.Equal(have, listed) {
		t.Errorf(
			"families.json does not list the codes of farms and plans that the sources have (%v): run this test with -update", err)
	}
	for _, code := range printed {
		for _, l := range words.Languages {
			e, known := l.Explain(code)
			if !known || e.Code != code || e.Title == "" || strings.Contains(e.Title+e.Means+e.Do, "code.") {
				t.Errorf("%s: %s is printed and not explained: %+v", l, code, e)
			}
		}
	}
	if numbers < 20 {
		t.Errorf("found only %d numbers of digital cash", numbers)
	}
}
