package tidy

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// speakEnglish are rooms whose results are not in the catalogue yet: one that is taken out of this list cannot fall back.
var speakEnglish = []string{
	"internal/cli/benchcmd", "internal/cli/minebench",
}

// speakers are the lines whose rooms print results, writeFiles those of their rooms whose texts go into files, which have a
// language of their own, and that of benchmarks' figures.
var (
	speakers   = []string{"internal/cli", "market", "scenario", "farm"}
	writeFiles = []string{"market/document/", "market/report/", "market/speed/", "farm/simulate/"}
)

// saidAsItIs are texts with letters that are the same in every language, and those of files.
var saidAsItIs = []string{"aqsha:", "aqsha %s (%s, %s)\n", "# %s of Aqsha. Each key stands with an example; without it the default holds.\n",
	"# simulated prices, seed %d: no market's\n", "−CVaR₅", "to,amount,memo", "%s,%d,salary November\n", "    --repair %s: %s\n"}

// onStderrAlone are rooms, but for these files of theirs, that print errors and progress on stderr by any name.
var onStderrAlone = map[string]string{"internal/cli": "version.go"}

// printed is where formatted text goes to a writer: the functions, by the number of arguments before what is printed.
var printed = map[string]int{"fmt.Fprintf": 1, "fmt.Fprintln": 1, "fmt.Fprint": 1, "io.WriteString": 1}

// What a verb of a format is, and what is a word of English.
var (
	verb        = regexp.MustCompile(`%[-+# 0-9.*\[\]]*[a-zA-Z]`)
	englishWord = regexp.MustCompile(`[A-Za-z]{2,}`)
)

// What a command's result says is said in the reader's language: whatever is printed with words in it comes from the catalogue. What is
// printed on stderr is a progress, a log or an error, which may be in English.
func TestResultsAreSaidInTheReadersLanguage(t *testing.T) {
	set, all := sources(t)
	lookedAt, english := 0, map[string]int{}
	for _, s := range all {
		at := strings.TrimPrefix(filepath.ToSlash(set.Position(s.file.Pos()).Filename), "../../")
		if s.test || !slices.ContainsFunc(speakers, func(line string) bool { return strings.HasPrefix(at, line+"/") }) ||
			slices.ContainsFunc(writeFiles, func(room string) bool { return strings.HasPrefix(at, room) }) {
			continue
		}
		if but, is := onStderrAlone[s.room]; is && !strings.HasSuffix(set.Position(s.file.Pos()).Filename, but) {
			continue
		}
		for _, at := range englishOf(s.file, &lookedAt) {
			english[s.room]++
			if !slices.Contains(speakEnglish, s.room) {
				t.Errorf("%s says a result in English alone: use a text of words/*.json", set.Position(at))
			}
		}
	}
	for _, room := range speakEnglish {
		if english[room] == 0 {
			t.Errorf("%s says nothing in English alone any more: take it out of speakEnglish", room)
		}
	}
	if lookedAt < 300 {
		t.Errorf("only %d places were looked at", lookedAt)
	}
}

// englishOf finds where words are printed that no catalogue has.
func englishOf(file *ast.File, lookedAt *int) (found []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		before, prints := printed[qualified(call.Fun)]
		if qualified(call.Fun) == "session.ShowReceipt" {
			found = append(found, n.Pos())
		}
		if !prints || onStderr(call.Args[0]) {
			return true
		}
		*lookedAt++
		for _, arg := range call.Args[before:] {
			if text := literals(arg); englishWord.MatchString(verb.ReplaceAllString(text, "")) && !slices.Contains(saidAsItIs, text) {
				found = append(found, arg.Pos())
			}
		}
		return true
	})
	return found
}

// onStderr says whether a writer is a command's stderr, by its name.
func onStderr(writer ast.Expr) bool {
	if call, ok := writer.(*ast.CallExpr); ok {
		writer = call.Fun
	}
	switch w := writer.(type) {
	case *ast.SelectorExpr:
		return w.Sel.Name == "ErrOrStderr" || w.Sel.Name == "Stderr"
	case *ast.Ident:
		return w.Name == "progress" || w.Name == "stderr"
	}
	return false
}

// literals are the texts in an expression that is a literal, or literals joined by +.
func literals(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); e.Kind == token.STRING && err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return literals(e.X) + literals(e.Y)
	}
	return ""
}
