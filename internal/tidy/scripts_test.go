package tidy

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// constructor is the name of a function that makes a command for others to join.
var constructor = regexp.MustCompile(`^New([A-Z]\w*)Command$`)

// nouns says of which room of commands a noun is, such as "pay", and of which a verb that a room adds to the noun of
// another, such as "bench pool". They are read from the functions New…Command: the tree is joined from these.
func nouns(all []source) map[string]string {
	rooms, words := map[string]string{}, map[string]string{} // by the constructor's middle: the room, the word
	for _, s := range all {
		if s.test || !strings.HasPrefix(s.path, "internal/cli/") && !strings.HasPrefix(s.path, "cmd/aqsha/") {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil || f.Recv != nil {
				continue
			}
			if name := constructor.FindStringSubmatch(f.Name.Name); name != nil {
				if word := firstUse(f); word != "" {
					rooms[name[1]], words[name[1]] = s.room, word
				}
			}
		}
	}
	out := map[string]string{}
	for name, word := range words { // any order: the keys differ
		noun := ""
		for other, of := range words { // the longest that it begins with is its noun
			if other != name && strings.HasPrefix(name, other) && len(of) > len(noun) && word != of {
				noun = of
			}
		}
		out[strings.TrimSpace(noun+" "+word)] = rooms[name]
	}
	return out
}

// firstUse is the first word of the first command that a function makes.
func firstUse(f *ast.FuncDecl) (word string) {
	ast.Inspect(f.Body, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok || word != "" {
			return word == ""
		}
		key, isKey := pair.Key.(*ast.Ident)
		value, isText := pair.Value.(*ast.BasicLit)
		if isKey && isText && key.Name == "Use" {
			text, _ := strconv.Unquote(value.Value)
			word, _, _ = strings.Cut(text, " ")
		}
		return true
	})
	return word
}

// called are a program's name and the two words behind it, flags before them passed over.
var called = regexp.MustCompile(`\baqsha((?: +--?[a-z][a-z-]*(?:=\S+)?)*) +([a-z][a-z0-9-]*)(?: +([a-z][a-z0-9-]*))?`)

// roomsOf are the rooms whose commands a line of a script runs, each once.
func roomsOf(line string, nouns map[string]string) map[string]bool {
	line = strings.TrimSpace(strings.TrimLeft(line, "!? "))
	if !strings.HasPrefix(line, "exec ") && !strings.HasPrefix(line, "waitfor ") {
		return nil // what is expected, or a file
	}
	rooms := map[string]bool{}
	for _, match := range called.FindAllStringSubmatch(line, -1) {
		room, ok := nouns[match[2]+" "+match[3]]
		if !ok {
			room, ok = nouns[match[2]]
		}
		if ok {
			rooms[room] = true
		}
	}
	return rooms
}

// scriptLines counts, for each room of commands, the lines of the scripts in cmd/aqsha/testdata that run its commands.
func scriptLines(t *testing.T, all []source) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "cmd", "aqsha", "testdata", "script", "*.txtar"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	nouns, lines := nouns(all), map[string]int{}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			for room := range roomsOf(line, nouns) { // any order: counted
				lines[room]++
			}
		}
	}
	return lines
}

// A line of a script is counted for the room whose command it runs, once, and what is expected of it for none.
func TestLinesOfScriptsAreCounted(t *testing.T) {
	_, all := sources(t)
	nouns := nouns(all)
	for line, want := range map[string]string{
		"exec aqsha pay aigerim shop 5 --data net":             "internal/cli/walletcmd",
		"! exec aqsha --json --lang=kk pay aigerim shop 5":     "internal/cli/walletcmd",
		"exec aqsha bench ledger":                              "internal/cli/benchcmd",
		"exec aqsha bench pool --json":                         "internal/cli/minebench",
		"exec aqsha bench sha256d":                             "internal/cli/minebench",
		"exec aqsha farm orders run":                           "internal/cli/controlcmd",
		"exec aqsha farm list --data own":                      "internal/cli/farmcmd",
		"exec aqsha farm power bid x":                          "internal/cli/plancmd",
		"exec aqsha verify report 0":                           "internal/cli/sealcmd",
		"exec aqsha verify farm 0":                             "internal/cli/farmcmd",
		"exec aqsha verify --log x":                            "internal/cli/verifycmd",
		"waitfor 'x' aqsha cash booked $NOTED":                 "internal/cli/cashcmd",
		"exec sh -c 'A=1 aqsha tx show a | wc; aqsha pay b c'": "internal/cli/walletcmd",
		"stderr '^aqsha: pay nobody'":                          "",
		"# exec aqsha pay aigerim":                             "",
		"exec aqsha nothing":                                   "",
	} {
		got := roomsOf(line, nouns)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !got[want]) {
			t.Errorf("%s: %v, want %q", line, got, want)
		}
	}
}

// Every room of commands is played by a script.
func TestEveryRoomOfCommandsIsPlayed(t *testing.T) {
	_, all := sources(t)
	lines := scriptLines(t, all)
	for noun, room := range nouns(all) { // any order: each by itself
		if lines[room] == 0 {
			t.Errorf("no script runs a command of %s, of which is %q", room, noun)
		}
	}
}
