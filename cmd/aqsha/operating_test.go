package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The operator's page is played as it is printed, block after block in one directory. Only the ports are others, which a
// machine that runs tests may have taken, and programs are found by this directory, so that no other test's are meant.
func TestTheOperatorsPageIsPlayedAsPrinted(t *testing.T) {
	if testing.Short() {
		t.Skip("plays a day of an operator")
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
	script := "set -e\ntrap 'pkill -KILL -f \"aqsha (up|follow) .*" + filepath.Base(dir) + "\" || true' EXIT\n"
	for i, b := range blocks {
		script += fmt.Sprintf("echo '== block %d'\n%s\n", i+1, b[1])
	}
	for _, port := range []string{"8420", "8430", "8440"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		free := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
		_ = l.Close()
		script = strings.ReplaceAll(script, "127.0.0.1:"+port, "127.0.0.1:"+free)
		if port == "8420" { // the leader's, which the page does not name at its start
			script = strings.ReplaceAll(script, "aqsha up --data leader", "aqsha up --listen 127.0.0.1:"+free+" --data leader")
			script = strings.ReplaceAll(script, "-f 'aqsha up --listen 127.0.0.1:"+free+" --data leader", "-f 'aqsha up --listen 127.0.0.1:"+free+" --data leader")
		}
	}
	run := exec.Command("bash", "-c", script)
	run.Dir = dir
	run.Env = append(os.Environ(), "AQSHA_DIR="+dir)
	out, err := run.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
		for _, name := range []string{"leader.log", "one.log", "two.log"} {
			if log, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				t.Logf("%s:\n%s", name, log)
			}
		}
	}
}
