package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/aqsha/aqsha/internal/freeport"
)

// A page's blocks of commands are played as they are printed, one after the other in a folder of the page's own. What a
// reader has done before stands in a comment before the block, which the page does not show:
//
//	<!-- play: aqsha init --development -->
//
// and a block that cannot be played here says why:
//
//	<!-- not played: it asks machines of your own -->
//
// Commands that last (a node, a pool, a charger) are started and left running till the page ends; ports are exchanged
// for free ones.

// documents are the pages; those that have a player of their own are in playedElsewhere.
var playedElsewhere = map[string]string{
	"../../docs/OPERATING.md":  "TestTheOperatorsPageIsPlayedAsPrinted",
	"../../docs/situations.md": "TestSituationsArePlayedAsPrinted",
}

// block is commands of a page.
type block struct {
	line    int
	text    string
	before  string // what a reader has done
	skipped string // why it is not played
}

var (
	comment  = regexp.MustCompile(`(?s)^<!-- (play|not played): (.*?) ?-->`)
	indented = regexp.MustCompile(`^(?:    [^\n]*\n)+`)
	fenced   = regexp.MustCompile("(?s)^```(?:sh|console)?\n(.*?\n)```")
	command  = regexp.MustCompile(`(?m)^(aqsha|make|curl|go) `)
	lasting  = regexp.MustCompile(
		`^aqsha (up|follow|mine|chain up|pool up|device charger|farm watch|farm simulate)( |$)`)
	// A page may speak of more machines than a test has room for.
	manyMachines = regexp.MustCompile(`--machines 3000\b`)
	remark       = regexp.MustCompile(`\s+# .*$`)
	loopback     = regexp.MustCompile(`127\.0\.0\.1:([0-9]{4,5})`)
)

// blocksOf finds the blocks of commands of a page.
func blocksOf(page string) (all []block) {
	var marks block
	for at, line := 0, 1; at < len(page); {
		rest := page[at:]
		size := strings.IndexByte(rest, '\n') + 1
		if size == 0 {
			size = len(rest)
		}
		text := ""
		if m := comment.FindStringSubmatch(rest); m != nil {
			size = len(m[0])
			if m[1] == "play" {
				marks.before += m[2] + "\n"
			} else {
				marks.skipped = m[2]
			}
		} else if m := indented.FindString(rest); m != "" && (at < 2 || page[at-2:at] == "\n\n" ||
			strings.HasSuffix(page[:at], "-->\n")) {
			size, text = len(m), regexp.MustCompile(`(?m)^    `).ReplaceAllString(m, "")
		} else if m := fenced.FindStringSubmatch(rest); m != nil {
			size, text = len(m[0]), m[1]
		} else if strings.HasPrefix(rest, "```") { // another language: nothing of it is a command
			if end := strings.Index(rest[3:], "\n```"); end >= 0 {
				size = 3 + end + 4
			}
		}
		if command.MatchString(text) {
			marks.line, marks.text = line, text
			all = append(all, marks)
			marks = block{}
		}
		line += strings.Count(page[at:at+size], "\n")
		at += size
	}
	return all
}

func TestDocumentsArePlayedAsPrinted(t *testing.T) {
	pages, _ := filepath.Glob("../../docs/*.md")
	uses, _ := filepath.Glob("../../docs/uses/*.md")
	pages = append(append([]string{"../../README.md"}, pages...), uses...)
	files := scriptsFiles(t)
	played, skipped, nowhere := 0, []string{}, 0
	for _, page := range pages {
		if playedElsewhere[page] != "" {
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := blocksOf(string(text))
		name := strings.TrimPrefix(page, "../../")
		for _, b := range blocks {
			if b.skipped != "" {
				scripts := regexp.MustCompile(`\w+\.txtar`).FindAllString(b.skipped, -1)
				if len(scripts) == 0 {
					nowhere++
				}
				for _, m := range scripts {
					if _, err := os.Stat("testdata/script/" + m); err != nil {
						t.Errorf("%s:%d is played by a script that is not there: %v", name, b.line, err)
					}
				}
				skipped = append(skipped, fmt.Sprintf("%s:%d: %s", name, b.line, b.skipped))
			} else {
				played++
			}
		}
		if slices.ContainsFunc(blocks, func(b block) bool { return b.skipped == "" }) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				playPage(t, blocks, files)
			})
		}
	}
	t.Logf("%d blocks are played, %d are not:\n%s", played, len(skipped), strings.Join(skipped, "\n"))
	// What is played by no script of its own either is what nobody would notice.
	if played < 15 || len(skipped) > 20 || nowhere > 3 {
		t.Errorf("%d blocks played and %d not, %d of these by no script", played, len(skipped), nowhere)
	}
}

// scriptsFiles writes the files that stand in the commands' test scripts, a folder for each script.
func scriptsFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	scripts, _ := filepath.Glob("testdata/script/*.txtar")
	for _, script := range scripts {
		archive, err := txtar.ParseFile(script)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			path := filepath.Join(dir, strings.TrimSuffix(filepath.Base(script), ".txtar"), f.Name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// lastingInBash starts a command and waits until it has printed something.
const lastingInBash = `set -e
started=()
trap '[ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null || true; wait' EXIT
lasts() {
	n=$((n + 1))
	"$@" > lasts.$n.log 2>&1 &
	started+=($!)
	for i in $(seq 150); do
		[ -s lasts.$n.log ] && return 0
		kill -0 $! 2>/dev/null || { cat lasts.$n.log; return 1; }
		sleep 0.1
	done
}
`

func playPage(t *testing.T, blocks []block, files string) {
	script := lastingInBash
	for _, b := range blocks {
		if b.skipped != "" {
			continue
		}
		script += fmt.Sprintf("echo '== line %d'\n%s", b.line, b.before)
		for line := range strings.SplitSeq(strings.ReplaceAll(b.text, "\\\n", " "), "\n") {
			line = strings.TrimSpace(remark.ReplaceAllString(line, ""))
			line = manyMachines.ReplaceAllString(line, "--machines 28")
			switch {
			case strings.HasPrefix(line, "aqsha chain address"): // the reader puts it where the page says ADDRESS
				line = "export ADDRESS=$(" + line + ")"
			case lasting.MatchString(line):
				line = "lasts " + line
			}
			line = regexp.MustCompile(`\bADDRESS([ .]|$)`).ReplaceAllString(line, "$$ADDRESS$1")
			script += line + "\n"
		}
	}
	ports := map[string]string{}
	script = loopback.ReplaceAllStringFunc(script, func(address string) string {
		if ports[address] == "" {
			free, err := freeport.Address("127.0.0.1")
			if err != nil {
				t.Fatal(err)
			}
			ports[address] = free
		}
		return ports[address]
	})
	if strings.Contains(script, "chain up") {
		if _, err := os.Stat(filepath.Join(tools, "btcd")); err != nil {
			t.Skip("btcd is not here: make deps installs it")
		}
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	named := t.TempDir()
	if err := os.Symlink(program, filepath.Join(named, "aqsha")); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("bash", "-c", script)
	run.Dir = t.TempDir()
	run.Env = append(os.Environ(), "FILES="+files, "PATH="+
		strings.Join([]string{named, tools, os.Getenv("PATH")}, string(os.PathListSeparator)))
	run.WaitDelay = 5 * time.Second
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out[max(0, len(out)-3000):])
	}
}

// The security model names for each row tests that are there.
func TestTheSecurityModelNamesTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("../../docs/SECURITY-MODEL.md")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	err = filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
			declared[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.SplitSeq(string(page), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Asset ") {
			continue
		}
		rows++
		names := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(line, -1)
		if len(names) == 0 {
			t.Errorf("no test is named: %.80s", line)
		}
		for _, m := range names {
			if !declared[m[1]] {
				t.Errorf("there is no %s", m[1])
			}
		}
	}
	if rows < 15 {
		t.Errorf("%d rows", rows)
	}
}
