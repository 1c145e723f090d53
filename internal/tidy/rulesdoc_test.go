package tidy

import (
	"encoding/json"
	"fmt"
	"go/constant"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const rulesPage = "../../docs/RULES.md"

// ownCodes are those of refusals that are not the rules': of a node's door, or of one program's own.
var ownCodes = map[string]string{"amount-negative": "cannot be written in an encoding"}

// inner are constants of the core that bound nothing of the log: caches, and what people write.
var inner = []string{"contract.maxSource", "contract.maxMemory"}

// The page of the rules has a paragraph for every code and every bound of the core, and each paragraph names vectors that show it.
func TestRulesPageIsWhole(t *testing.T) {
	content, err := os.ReadFile(rulesPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	codes, bounds := coreConstants(t)
	for _, code := range codes {
		if !strings.Contains(page, "`"+code+"`") {
			t.Errorf("the page does not say when a refusal is %s", code)
		}
	}
	checkBounds(t, page, bounds)
	paragraphs := strings.Split(page, "**R-")[1:]
	if len(paragraphs) < 50 {
		t.Fatalf("only %d paragraphs", len(paragraphs))
	}
	ids := map[string]bool{}
	for _, p := range paragraphs {
		id, text, found := strings.Cut(p, ".**")
		if !found || ids[id] {
			t.Errorf("R-%.20s: no id, or one that stands twice", id)
		}
		ids[id] = true
		text, _, _ = strings.Cut(text, "\n## ")
		_, shown, found := strings.Cut(text, "→")
		files := regexp.MustCompile("`([a-z0-9-]+\\.json)`").FindAllStringSubmatch(shown, -1)
		if !found || len(files) == 0 {
			t.Errorf("R-%s names no vector", id)
		}
		for _, f := range files {
			if _, err := os.Stat(filepath.Join("../../testdata/vectors", f[1])); err != nil {
				t.Errorf("R-%s: %v", id, err)
			}
		}
		// Each code that a paragraph gives stands in one of the files that it names.
		for _, m := range regexp.MustCompile("`([a-z]+(?:-[a-z]+)*)`").FindAllStringSubmatch(text, -1) {
			code := m[1]
			if !slices.Contains(codes, code) || unseen[code] != "" || unseen[id+" "+code] != "" {
				continue
			}
			if !slices.ContainsFunc(files, func(f []string) bool { return refusals(t, f[1])[code] }) {
				t.Errorf("R-%s: no vector that it names is refused for %s", id, code)
			}
		}
	}
}

// coreConstants are the values of the core's codes and the bounds by name.
func coreConstants(t *testing.T) (codes []string, bounds map[string]string) {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps, Dir: "../.."},
		"./token", "./contract", "./ledger")
	if err != nil {
		t.Fatal(err)
	}
	bounds = map[string]string{}
	for _, p := range loaded {
		for _, name := range p.Types.Scope().Names() {
			c, ok := p.Types.Scope().Lookup(name).(*types.Const)
			if !ok {
				continue
			}
			switch full := p.Name + "." + name; {
			case strings.HasSuffix(c.Type().String(), "token.Code"):
				if code := constant.StringVal(c.Val()); ownCodes[code] == "" {
					codes = append(codes, code)
				}
			case (strings.HasPrefix(name, "Max") || strings.HasPrefix(name, "max") || strings.HasPrefix(name, "Min")) && c.Val().Kind() == constant.Int && !slices.Contains(inner, full):
				bounds[full] = thousands(c.Val().ExactString())
			}
		}
	}
	if len(codes) < 70 || len(bounds) < 40 {
		t.Fatalf("found %d codes and %d bounds", len(codes), len(bounds))
	}
	return codes, bounds
}

// checkBounds compares the page's table of bounds, or writes it.
func checkBounds(t *testing.T, page string, bounds map[string]string) {
	t.Helper()
	before, rest, ok1 := strings.Cut(page, "<!-- bounds -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- /bounds -->")
	if !ok1 || !ok2 {
		t.Fatal("the page has no place for the bounds")
	}
	var names []string
	for name := range bounds { // any order: sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	table := "| | |\n|---|---:|\n"
	for _, name := range names {
		table += fmt.Sprintf("| `%s` | %s |\n", name, bounds[name])
	}
	want := before + "<!-- bounds -->\n" + table + "<!-- /bounds -->" + after
	if want == page {
		return
	}
	if !*update {
		t.Error("the table of bounds is out of date: go test ./internal/tidy -run RulesPage -update")
		return
	}
	if err := os.WriteFile(rulesPage, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// thousands writes digits in groups of three.
func thousands(digits string) string {
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// unseen are codes that no file of vectors can have, and why.
var unseen = map[string]string{
	"ADMIT duplicate":    "ids are hashes: nobody can make one twice",
	"uncommon-signature": "of a node's door: the log's rule takes such signatures; zip215.json says which they are",
	"purpose-expired":    "such money returns before any transaction of its block, but where more falls due than fits one",
	"too-large":          "a vector of 65,001 bytes says no more than the number",
	"unknown-asset":      "of the assets of the encoding only plain and marked tenge can come to be",
}

// refusals are the codes for which a file of vectors refuses anything.
func refusals(t *testing.T, name string) map[string]bool {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../testdata/vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	type cases []struct {
		Code string `json:"code"`
	}
	var vectors struct {
		Cases       cases
		Logs        []struct{ Cases cases }
		Expressions []struct{ Result string }
	}
	if err := json.Unmarshal(content, &vectors); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	codes := map[string]bool{}
	for _, log := range vectors.Logs {
		vectors.Cases = append(vectors.Cases, log.Cases...)
	}
	for _, c := range vectors.Cases {
		codes[c.Code] = true
	}
	for _, e := range vectors.Expressions {
		codes[e.Result] = true
	}
	return codes
}
