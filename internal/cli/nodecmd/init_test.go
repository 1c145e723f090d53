package nodecmd

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/datadir"
)

// leaves wants nothing of a ledger in a directory.
func leaves(t *testing.T, what, dir string) {
	t.Helper()
	for _, part := range []string{datadir.ConfigFile, datadir.InitFile, "log"} {
		if _, err := os.Stat(filepath.Join(dir, part)); err == nil {
			t.Errorf("%s has left %s", what, part)
		}
	}
}

// What an init that a crash cut off left is cleared at the next try; a log that may be somebody's money is not.
func TestAnInitThatWasCutOff(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "net")
	clitest.Put(t, "half", dir, "log", "tile")
	run(t, dir, "init", "--development").Wants(t, 2, "holds a log")
	if content, err := os.ReadFile(filepath.Join(dir, "log", "tile")); err != nil || string(content) != "half" {
		t.Errorf("the log that was there: %q, %v", content, err)
	}
	clitest.Put(t, "a ledger is being founded here\n", dir, datadir.InitFile)
	run(t, dir, "init", "--development").Wants(t, 0)
	if _, err := os.Stat(filepath.Join(dir, "log", "tile")); err == nil {
		t.Error("what a crash left is part of the new ledger's log")
	}
	if _, err := os.Stat(filepath.Join(dir, datadir.InitFile)); err == nil {
		t.Error("a ledger that is founded is marked as one that is being founded")
	}
	run(t, dir, "init", "--development").Wants(t, 2, "holds a network already")
}

// An init that fails leaves nothing of a ledger, and the next one is the first.
func TestAnInitThatFails(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "net")
	keys := clitest.Put(t, "a file where keys should be", dir, "keys")
	if e := run(t, dir, "init", "--development"); e.Exit == 0 {
		t.Errorf("founded without keys: %s", e.Out)
	}
	leaves(t, "an init without keys", dir)
	if err := os.Remove(keys); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "init", "--development").Wants(t, 0)
	run(t, clitest.Put(t, "", root, "file"), "init", "--development").Wants(t, 1, "file")
	run(t, filepath.Join(root, "file", "below"), "init", "--development").Wants(t, 1, "file")
}

// Of two who found a network in one directory at the same moment one has founded it, and the other hears so.
func TestTwoFoundOneNetwork(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "net")
	var all sync.WaitGroup
	var ended [3]clitest.Ended
	for i := range ended {
		all.Go(func() { ended[i] = run(t, dir, "init", "--development", "--json") })
	}
	all.Wait()
	var network string
	for _, e := range ended {
		if e.Exit == 0 {
			if network != "" {
				t.Error("founded twice")
			}
			var made struct{ Network string }
			e.JSON(t, &made)
			network = made.Network
		}
	}
	if c, err := datadir.ReadConfig(dir); err != nil || c.Network != network || network == "" {
		t.Errorf("the directory is of %q, and %q was said, %v", c.Network, network, err)
	}
}

// A network's keys lie open only where that was asked for, and not beside a passphrase that would protect nothing.
func TestANewNetworksPassphrase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	t.Setenv("AQSHA_PASSPHRASE", "of a test")
	run(t, dir, "init", "--development").Wants(t, 2, "no passphrase")
	leaves(t, "a network of both kinds", dir)
	t.Setenv("AQSHA_PASSPHRASE", "")
	run(t, dir, "init").Wants(t, 3, "--development")
	leaves(t, "a network without a passphrase", dir)
	run(t, dir, "init", "--development", "--shared-keys").Wants(t, 0, "one set of keys")
}
