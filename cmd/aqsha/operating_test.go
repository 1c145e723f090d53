package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/freeport"
)

// The operator's page is played as it is printed, block after block in one directory. Only the ports are others, which a
// machine that runs tests may have taken.
func TestTheOperatorsPageIsPlayedAsPrinted(t *testing.T) {
	if _, err := exec.LookPath("pkill"); err != nil {
		t.Skip("pkill is not here: make deps installs it")
	}
	page, err := os.ReadFile("../../docs/OPERATING.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 8 {
		t.Fatalf("%d blocks", len(blocks))
	}
	dir := t.TempDir()
	script := "set -e\ntrap 'pkill -KILL -f \"aqsha (up|follow|switchover) .*--listen 127.0.0.1:(%s)\" || true' EXIT\n"
	for i, b := range blocks {
		script += fmt.Sprintf("echo '== block %d'\n%s\n", i+1, b[1])
	}
	// Programs are ended by their directories' names, which on a machine that does more than this another's may have.
	own := regexp.MustCompile(`\b(leader|one|two|three|again)\b`)
	script = own.ReplaceAllString(script, "${1}_"+fmt.Sprint(os.Getpid()))
	var all []string
	for _, port := range []string{"8420", "8430", "8440", "8450"} {
		free, err := freeport.Address("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		script = strings.ReplaceAll(script, "127.0.0.1:"+port, free)
		all = append(all, strings.TrimPrefix(free, "127.0.0.1:"))
	}
	script = strings.Replace(script, "%s", strings.Join(all, "|"), 1)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	named := t.TempDir()
	if err := os.Symlink(program, filepath.Join(named, "aqsha")); err != nil {
		t.Fatal(err)
	}
	// In a file: as an argument, its commands that kill by name would find the script itself.
	file := filepath.Join(named, "page")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.Command("bash", file)
	run.Dir = dir
	run.Env = append(os.Environ(), "PATH="+named+string(os.PathListSeparator)+os.Getenv("PATH"))
	run.WaitDelay = 5 * time.Second // what it started in the background may hold the pipe
	out, err := run.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
		logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
		for _, name := range logs {
			if log, err := os.ReadFile(name); err == nil {
				t.Logf("%s:\n%s", name, log)
			}
		}
	}
}
