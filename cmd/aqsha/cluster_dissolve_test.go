package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/freeport"
)

// positions is how long a validator's journal of executed blocks is, dissolved or not.
func positions(t *testing.T, pattern string) int {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	content, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return len(content)
}

// copyOf copies a directory.
func copyOf(t *testing.T, to, from string) string {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// lastOfTwo is the directory of a validator that orders alone after the other was removed, killed (SIGKILL) when it had
// decided blocks that its log lacks: CometBFT's part of the directory is newer than the rest. alice was paid 30.
func lastOfTwo(t *testing.T, dir string) string {
	t.Helper()
	net := filepath.Join(dir, "net")
	last, other := filepath.Join(net, "last"), filepath.Join(net, "other")
	port, err := freeport.Port() // and the next
	if err != nil {
		t.Fatal(err)
	}
	run1(t, "cluster", "init", "--validators", "last,other", "--peer-port", fmt.Sprint(port), "--development",
		"--shared-keys", "--data", net)
	stays, leaves := up(t, last), up(t, other)
	run1(t, "bank", "admit", "halyk", "--data", last)
	run1(t, "issue", "halyk", "1000", "--data", last)
	run1(t, "wallet", "new", "alice", "--bank", "halyk", "--data", last)
	run1(t, "cluster", "remove", "other", "--data", last)
	run1(t, "pay", "halyk", "alice", "10", "--data", last)
	leaves.stop(t)
	stays.stop(t)
	behind := copyOf(t, filepath.Join(dir, "behind"), last)
	stays = up(t, last)
	run1(t, "pay", "halyk", "alice", "20", "--data", last)
	stays.kill()
	data := filepath.Join(behind, "cluster", "data")
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	copyOf(t, data, filepath.Join(last, "cluster", "data"))
	return behind
}

// A validator that was alone, and has decided what its log lacks, is dissolved by commands that are killed (SIGKILL),
// each a little later than the one before, until one comes to its end. Whatever a kill leaves, the same command, run
// once more, makes a node of it that has everything that was answered, verifies and is paid at.
func TestADissolveMayBeKilledAnywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	last := lastOfTwo(t, dir)
	before := positions(t, filepath.Join(last, "cluster", "positions"))
	first := copyOf(t, filepath.Join(dir, "first"), last)
	begun := time.Now()
	run1(t, "cluster", "dissolve", "--data", first)
	step := time.Since(begun) / 5
	if positions(t, filepath.Join(first, "cluster.*", "positions")) <= before {
		t.Fatal("it was dissolved without the blocks that it has decided")
	}
	alone := up(t, first)
	run1(t, "pay", "halyk", "alice", "40", "--data", first)
	if out := run1(t, "balance", "alice", "--data", first); !strings.Contains(out, "70") {
		t.Fatal(out)
	}
	alone.stop(t)

	var again []string
	for ended := false; !ended; {
		tried := copyOf(t, filepath.Join(dir, fmt.Sprint(len(again))), last)
		command := aqsha("cluster", "dissolve", "--data", tried)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(len(again)+1)*step, func() { _ = command.Process.Kill() })
		err := command.Wait()
		if ended = kill.Stop(); ended && err != nil {
			t.Fatal(err)
		}
		again = append(again, tried)
	}
	// And where the log's key was kept and nothing else was done yet.
	keyed := copyOf(t, filepath.Join(dir, "keyed"), last)
	secret, err := os.ReadFile(filepath.Join(first, "keys", "log.secret"))
	if err == nil {
		err = os.WriteFile(filepath.Join(keyed, "keys", "log.secret"), secret, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, tried := range append(again, keyed) {
		if out, err := aqsha("cluster", "dissolve", "--data", tried).CombinedOutput(); err != nil &&
			!strings.Contains(string(out), "is no validator's directory") {
			t.Fatalf("%s, run again: %v\n%s", tried, err, out)
		}
		if out := run1(t, "verify", "--data", tried); !strings.Contains(out, "Verified") {
			t.Fatal(out)
		}
	}
	t.Logf("%d were killed, each %s later", len(again)-1, step.Round(time.Millisecond))
}
