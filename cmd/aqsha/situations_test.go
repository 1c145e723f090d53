package main

import (
	goflag "flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var updatePage = goflag.Bool("update", false, "write what the commands print into docs/situations.md")

const situationsPage = "../../docs/situations.md"

// passage is a part of the page: text, a file that it gives, or commands with what they print.
type passage struct {
	fence string // the line that opens it; empty for text
	body  string
}

// passages splits a page at its fences.
func passages(page string) (all []passage) {
	current := passage{}
	for _, line := range strings.SplitAfter(page, "\n") {
		switch {
		case current.fence == "" && strings.HasPrefix(line, "```"):
			all = append(all, current)
			current = passage{fence: strings.TrimSpace(line)}
		case current.fence != "" && strings.TrimSpace(line) == "```":
			all = append(all, current)
			current = passage{}
		default:
			current.body += line
		}
	}
	return append(all, current)
}

func (p passage) String() string {
	if p.fence == "" {
		return p.body
	}
	return p.fence + "\n" + p.body + "```\n"
}

// varies is what differs from run to run: ids, hashes, and times of this year.
var varies = regexp.MustCompile(`[0-9a-f]{16,}|` + time.Now().Format("2006") + `-[0-9]{2}-[0-9]{2} [0-9:]{8}|\b1[0-9]{12}\b`)

// sameBut says whether a command printed what the page has, in which … stands for what varies.
func sameBut(printed, page string) bool {
	parts := strings.Split(page, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, `[^\n]*?`) + "$").MatchString(printed)
}

// TestSituationsArePlayedAsPrinted plays docs/situations.md: the files of each situation are written into a folder of its
// own, its commands run there, and what they print must be what the page says. A command with "# is refused" after it is.
func TestSituationsArePlayedAsPrinted(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(situationsPage)
	if err != nil {
		t.Fatal(err)
	}
	sections := strings.Split(string(data), "\n## ")
	if len(sections) < 11 {
		t.Fatalf("%d situations", len(sections)-1)
	}
	played := make([]string, len(sections))
	played[0] = sections[0]
	scripts := t.TempDir()
	for i, section := range sections[1:] {
		name := strings.Map(func(r rune) rune {
			if strings.ContainsRune(" .,", r) {
				return '_'
			}
			return r
		}, strings.SplitN(section, "\n", 2)[0])
		script := "situation " + string(rune('a'+i)) + "\n"
		for _, p := range passages(section) {
			if words := strings.Fields(p.fence); len(words) == 2 {
				script += "-- " + words[1] + " --\n" + p.body
			}
		}
		if err := os.WriteFile(filepath.Join(scripts, name+".txtar"), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("play", func(t *testing.T) {
		testscript.Run(t, testscript.Params{Dir: scripts, Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"situation": func(ts *testscript.TestScript, _ bool, args []string) {
				i := int(args[0][0]-'a') + 1
				played[i] = playSection(ts, sections[i])
			}}})
	})
	if t.Failed() || !*updatePage {
		return
	}
	if err := os.WriteFile(situationsPage, []byte(strings.Join(played, "\n## ")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// playSection runs the commands of a section and returns it with what they print.
func playSection(ts *testscript.TestScript, section string) string {
	var page strings.Builder
	commands := 0
	for _, p := range passages(section) {
		if p.fence != "```console" {
			page.WriteString(p.String())
			continue
		}
		var body strings.Builder
		for _, command := range strings.Split("\n"+p.body, "\n$ ")[1:] {
			line, want, _ := strings.Cut(command, "\n")
			printed, err := runPrinted(ts, line)
			if refused := strings.HasSuffix(line, "  # is refused"); refused != (err != nil) {
				ts.Fatalf("%s: refused is %t\n%s", line, err != nil, printed)
			} else if refused { // the page shows the rule; what it means for a person follows after an empty line
				printed, _, _ = strings.Cut(printed, "\n\n")
			}
			want = strings.TrimSuffix(want, "\n")
			if !*updatePage && !sameBut(printed, want) {
				ts.Fatalf("%s prints\n%s\nand the page says\n%s", line, printed, want)
			}
			if !sameBut(printed, want) || want == "" {
				want = varies.ReplaceAllString(printed, "…")
			}
			body.WriteString("$ " + line + "\n")
			if want != "" {
				body.WriteString(want + "\n")
			}
			commands++
		}
		p.body = body.String()
		page.WriteString(p.String())
	}
	if commands == 0 {
		ts.Fatalf("a situation without commands")
	}
	return page.String()
}

// runPrinted runs a command of the page. Of what it prints, errors stand last.
func runPrinted(ts *testscript.TestScript, line string) (string, error) {
	line, _, _ = strings.Cut(line, "  #")
	words := splitWords(line)
	if words[0] == "sleep" { // a notice passes
		period, err := time.ParseDuration(words[1] + "s")
		ts.Check(err)
		time.Sleep(period)
		return "", nil
	}
	if words[0] != "aqsha" {
		ts.Fatalf("%q is no command of this program", line)
	}
	err := ts.Exec(words[0], words[1:]...)
	printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	return strings.TrimSuffix(printed, "\n"), err
}
