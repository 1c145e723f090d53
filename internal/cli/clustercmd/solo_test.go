package clustercmd

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/cluster"
	"github.com/aqsha/aqsha/cluster/status"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/token"
)

// Two validators that run: who they are, what may not be made of them, and how one of them becomes a node again.
func TestValidatorsThatRun(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	run(t, root+"/net", "init", "--development", "--shared-keys", "--validators", "solo", "--peer-port", port, "--port",
		"1").Wants(t, 0)
	dir := filepath.Join(root, "net", "solo")
	l := served.At(t, dir, nouns)
	l.Done("bank", "admit", "halyk")
	var seen status.Status
	l.Done("cluster", "status", "--json").JSON(t, &seen)
	if seen.Member != "solo" || seen.Needed != 1 || seen.Reached != 1 || seen.Outside || len(seen.Members) != 1 ||
		!seen.Members[0].Self || seen.Height == 0 {
		t.Errorf("%+v", seen)
	}
	l.Done("cluster", "status").Wants(t, 0, "solo", "itself")
	file := func(name string, v token.Validator) string {
		content, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	charter, err := cluster.ReadCharter(dir)
	if err != nil {
		t.Fatal(err)
	}
	present, err := charter.Members[0].Validator()
	if err != nil {
		t.Fatal(err)
	}
	own := file("own.json", present)
	stranger := present
	stranger.Name = "stranger"
	for word, line := range map[string][]string{
		"nobody is no validator":        {"remove", "nobody"},
		"cluster dissolve":              {"remove", "solo"},
		"has these keys already":        {"rotate", own},
		"stranger is no validator":      {"rotate", file("stranger.json", stranger)},
		"validators order this ledger":  {"set", own, "--adopt"},
		"change by add, remove and rot": {"set", own},
		"torn.json":                     {"add", filepath.Join(root, "torn.json")},
	} {
		if err := os.WriteFile(filepath.Join(root, "torn.json"), []byte(`{"name": "x", "vote": "ed25`), 0o600); err != nil {
			t.Fatal(err)
		}
		l.Wrong(word, append([]string{"cluster"}, line...)...)
	}
	l.Refused("repeated", "cluster", "add", own)
	l.Refused("repeated", "cluster", "add", file("twin.json", stranger))
	// A draft of what would halt the ledger is made, with a warning of it: whoever signs it may know better.
	run(t, filepath.Join(root, "next"), "prepare", "next", "--from", dir).Wants(t, 0)
	draft := filepath.Join(root, "draft.json")
	e := l.Done("cluster", "add", filepath.Join(root, "next", publicFile), "--reason", "joins", "--out", draft)
	if !strings.Contains(e.Err, "of these 2 validators 1 run now") {
		t.Errorf("no warning:\n%s%s", e.Out, e.Err)
	}
	content, err := os.ReadFile(draft)
	if err != nil || !strings.Contains(string(content), "joins") {
		t.Errorf("%s, %v", content, err)
	}
	run(t, dir, "dissolve").Wants(t, 3, "is in use by process")
	l.Run("cluster", "status", "--node", "http://127.0.0.1:1").Wants(t, 5)
}

// Founding is of all validators or of none: where one's directory cannot be made, the others' go too, and what stood
// there stays.
func TestAClusterIsFoundedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	full := filepath.Join(root, "full")
	if err := os.MkdirAll(filepath.Join(full, "kept"), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, full, "init", "--development", "--validators", "a,b").Wants(t, 2, "is not empty")
	if names, err := os.ReadDir(full); err != nil || len(names) != 1 || names[0].Name() != "kept" {
		t.Errorf("%v, %v", names, err)
	}
	for word, line := range map[string][]string{
		"listed twice": {"--validators", "a,b,a"},
		"--name":       {"--validators", "a,b", "--name", "two words"},
		"1 to 16":      {"--validators", strings.Join(strings.Split("abcdefghijklmnopq", ""), ",")},
	} {
		dir := filepath.Join(root, "net")
		if e := run(t, dir, append([]string{"init", "--development"}, line...)...); e.Exit != 2 && e.Exit != 3 ||
			!strings.Contains(e.Err, word) {
			t.Errorf("%v: exit %d, want %q in %s", line, e.Exit, word, e.Err)
		}
		names, _ := os.ReadDir(dir)
		names = slices.DeleteFunc(names, func(e os.DirEntry) bool { return e.Name() == "LOCK" })
		if len(names) > 0 {
			t.Errorf("%v has left %v", line, names)
		}
	}
	// After refusals the same directory is founded.
	run(t, filepath.Join(root, "net"), "init", "--development", "--validators", "a,b", "--host",
		"a=10.0.0.1,b=2001:db8::2").Wants(t, 0, "[2001:db8::2]:26656")
	s, err := cluster.ReadSettings(filepath.Join(root, "net", "a"))
	if err != nil || s.Listen != "10.0.0.1:26656" || len(s.Peers) != 1 ||
		!strings.HasSuffix(s.Peers[0], "@[2001:db8::2]:26656") {
		t.Errorf("%+v, %v", s, err)
	}
	for _, dir := range []string{filepath.Join(root, "none"), full} {
		clitest.Run(t, nouns, "cluster", "status", "--data", dir).Wants(t, 2, "no network in")
	}
}
