package tidy

import (
	"go/ast"
	gotoken "go/token"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// notOurs are words that docs/GLOSSARY.md has another for. A word is one of the words of a name: nextDesk has two.
var notOurs = map[string]string{
	"desk": "client", "desks": "client", "teller": "serialiser, scan", "breathe": "yield", "duty": "monitor, poller", "duties": "monitor",
	"drawer": "outbox", "morning": "daily report", "dialect": "protocol", "dialects": "protocol", "spoiled": "poisoned", "warmer": "prefetcher",
	"tell": "notify, report", "told": "reported, notified", "founding": "genesis, init",
}

// meansOneThing are words that mean something in these rooms alone.
var meansOneThing = map[string]struct {
	rooms   []string
	instead string
}{
	"marked":  {[]string{"bitcoin", "internal"}, "earmarked (money), annotated (downtime), tagged (a pool's)"},
	"marking": {nil, "earmarking"},
	"marker":  {[]string{"internal"}, "tagger"},
}

// notNamesOfFiles say nothing of what a file holds.
var notNamesOfFiles = []string{"watch.go", "sample.go", "found.go", "tell.go", "marks.go", "misc.go", "util.go", "utils.go", "helpers.go", "common.go"}

// ofOthers are keys of other people's formats: Bitcoin's RPC, NUT-17.
var ofOthers = []string{"scriptPubKey", "redeemScript", "subId"}

var camelKey = regexp.MustCompile(`^[a-z0-9]+[A-Z]`)

// One word, one thing: names of the code, of files and of JSON are those of the glossary.
func TestVocabulary(t *testing.T) {
	set, all := sources(t)
	declared := 0
	for _, s := range all {
		name := path.Base(s.path)
		if slices.Contains(notNamesOfFiles, name) || name == "words.go" && s.room != "words" {
			t.Errorf("%s: a file is named by what it holds", s.path)
		}
		for part := range strings.SplitSeq(strings.TrimSuffix(s.path, ".go"), "/") {
			for word := range strings.SplitSeq(part, "_") {
				if instead, bad := notOurs[word]; bad {
					t.Errorf("%s: %q is not a word of ours; %s", s.path, word, instead)
				}
			}
		}
		declarations(s.file, func(id *ast.Ident) {
			declared++
			if why := against(id.Name, s.room); why != "" {
				t.Errorf("%s: %s: %s (docs/GLOSSARY.md)", set.Position(id.Pos()), id.Name, why)
			}
		})
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			text, _ := strconv.Unquote(field.Tag.Value)
			key, _, _ := strings.Cut(reflect.StructTag(text).Get("json"), ",")
			if camelKey.MatchString(key) && !slices.Contains(ofOthers, key) {
				t.Errorf("%s: JSON key %q: ours are snake_case", set.Position(field.Pos()), key)
			}
			for word := range strings.SplitSeq(key, "_") {
				if instead, bad := notOurs[word]; bad && word != "told" {
					t.Errorf("%s: JSON key %q: %s", set.Position(field.Pos()), key, instead)
				}
			}
			return true
		})
	}
	if declared < 50_000 {
		t.Fatalf("looked at only %d names", declared)
	}
}

// against says what speaks against a name in a room; nothing when it is good.
func against(name, room string) string {
	for _, prefix := range []string{"Test", "Fuzz", "Benchmark", "Example"} { // sentences
		if rest, ok := strings.CutPrefix(name, prefix); ok && (rest == "" || !unicode.IsLower(rune(rest[0]))) {
			return ""
		}
	}
	words := wordsOf(name)
	for i, word := range words {
		if instead, bad := notOurs[word]; bad {
			return word + " is not a word of ours; " + instead
		}
		if one, known := meansOneThing[word]; known && !slices.Contains(one.rooms, room) {
			return word + " means something else; " + one.instead
		}
		if word == "most" && len(words) > 1 && (i == 0 || i == len(words)-1) {
			return "a bound is maxX"
		}
	}
	return ""
}

// wordsOf are the words of a name, in small letters.
func wordsOf(name string) (words []string) {
	runes, from := []rune(name), 0
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || runes[i] == '_' || unicode.IsUpper(runes[i]) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			words = append(words, strings.ToLower(strings.Trim(string(runes[from:i]), "_")))
			from = i
		}
	}
	return words
}

// declarations visits every name that a file declares.
func declarations(file *ast.File, visit func(*ast.Ident)) {
	names := func(list ...ast.Expr) {
		for _, e := range list {
			if id, ok := e.(*ast.Ident); ok {
				visit(id)
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			visit(n.Name)
		case *ast.TypeSpec:
			visit(n.Name)
		case *ast.ValueSpec:
			for _, id := range n.Names {
				visit(id)
			}
		case *ast.Field:
			for _, id := range n.Names {
				visit(id)
			}
		case *ast.AssignStmt:
			if n.Tok == gotoken.DEFINE {
				names(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == gotoken.DEFINE {
				names(n.Key, n.Value)
			}
		}
		return true
	})
}

// notInProse are words that no comment of the code and no page uses for what the glossary has another word for.
var notInProse = regexp.MustCompile(`(?i)\b(desks?|tellers?|drawer|dialects?|duty|duties|morning page|told off|breathes?)\b`)

// Prose keeps to the glossary, too: comments of what is not a test, and pages. The glossary itself names the words of before, and a code
// that was given out stays.
func TestVocabularyOfProse(t *testing.T) {
	set, all := sources(t)
	seen := 0
	for _, s := range all {
		if s.test || strings.HasPrefix(s.path, "internal/tidy/") || strings.HasPrefix(s.path, "internal/oldnames/") {
			continue
		}
		for _, group := range s.file.Comments {
			seen++
			if word := notInProse.FindString(group.Text()); word != "" {
				t.Errorf("%s: %q (docs/GLOSSARY.md)", set.Position(group.Pos()), word)
			}
		}
	}
	if seen < 5_000 {
		t.Errorf("only %d comments were read", seen)
	}
	pages, err := filepath.Glob("../../docs/*.md")
	more, moreErr := filepath.Glob("../../docs/*/*.md")
	if pages = append(pages, more...); err != nil || moreErr != nil || len(pages) < 30 {
		t.Fatal(err, moreErr, len(pages))
	}
	for _, page := range append(pages, "../../README.md") {
		if filepath.Base(page) == "GLOSSARY.md" {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.ReplaceAll(string(text), "unknown-dialect", ""), "\n") {
			if word := notInProse.FindString(line); word != "" {
				t.Errorf("%s:%d: %q (docs/GLOSSARY.md)", page, i+1, word)
			}
		}
	}
}
