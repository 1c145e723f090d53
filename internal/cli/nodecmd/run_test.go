package nodecmd

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/datadir"
)

var nouns = clitest.Nouns{NewInitCommand, NewAccessCommand, NewTLSCommand, NewUpCommand, NewFollowCommand, NewConsoleCommand}

func run(t *testing.T, dir string, line ...string) clitest.Ended {
	t.Helper()
	return clitest.Run(t, nouns, append(line, "--data", dir)...)
}

// A network is founded once, whole or not at all, with what was asked for; what cannot be meant founds none.
func TestANetworkIsFoundedOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	for _, wrong := range [][]string{
		{"--daily-cap", "much"}, {"--daily-cap", "-1"}, {"--delay", "-1h"}, {"--rekey-delay", "-24h"}, {"--delay", "soon"},
		{"--name", "two words"}, {"--name", ""},
	} {
		if e := run(t, dir, append([]string{"init", "--development"}, wrong...)...); e.Exit == 0 {
			t.Errorf("%v: %s", wrong, e.Out)
		}
		if _, err := os.Stat(filepath.Join(dir, datadir.ConfigFile)); err == nil {
			t.Fatalf("%v has founded a network", wrong)
		}
	}
	var made struct {
		Network, Name string
		Development   bool
	}
	run(t, dir, "init", "--development", "--name", "test.example", "--json").JSON(t, &made)
	if len(made.Network) != 64 || made.Name != "test.example" || !made.Development {
		t.Errorf("%+v", made)
	}
	before, err := os.ReadFile(filepath.Join(dir, datadir.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	run(t, dir, "init", "--development").Wants(t, 2, "holds a network already")
	if after, err := os.ReadFile(filepath.Join(dir, datadir.ConfigFile)); err != nil || string(after) != string(before) {
		t.Error("a second init has changed the first network's settings")
	}
	run(t, filepath.Join(t.TempDir(), "none"), "up").Wants(t, 2, "no network in")
	run(t, filepath.Join(t.TempDir(), "none"), "access", "list").Wants(t, 2, "no network in")
	if err := os.WriteFile(filepath.Join(dir, datadir.ConfigFile), before[:len(before)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if e := run(t, dir, "up"); e.Exit == 0 || !strings.Contains(e.Err, datadir.ConfigFile) {
		t.Errorf("torn settings: exit %d, %s", e.Exit, e.Err)
	}
}

// An access is of somebody, for a time, in a role; its token is shown once and kept as a hash. Several given at the same moment are
// all there.
func TestAccessesOfANode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	run(t, dir, "init", "--development").Wants(t, 0)
	run(t, dir, "access", "new", "x", "--role", "intermediary").Wants(t, 2, "--bank")
	run(t, dir, "access", "new", "x", "--bank", "Halyk").Wants(t, 2, "--bank")
	run(t, dir, "access", "new", "x", "--for", "soon").Wants(t, 2, "--for")
	run(t, dir, "access", "new", "x", "--for", "-3d").Wants(t, 2, "--for")
	if e := run(t, dir, "access", "new", "x", "--role", "king"); e.Exit == 0 {
		t.Errorf("a role that is none: %s", e.Out)
	}
	var all sync.WaitGroup
	tokens := make([]string, 5)
	for n := range tokens {
		all.Go(func() {
			var made struct{ Token string }
			e := run(t, dir, "access", "new", fmt.Sprint("reader-", n), "--json")
			if e.Exit != 0 || json.Unmarshal([]byte(e.Out), &made) != nil {
				t.Errorf("exit %d, %s%s", e.Exit, e.Out, e.Err)
			}
			tokens[n] = made.Token
		})
	}
	all.Wait()
	var list []struct {
		Name    string
		Expired bool
	}
	run(t, dir, "access", "list", "--json").JSON(t, &list)
	if len(list) != len(tokens) {
		t.Errorf("%+v", list)
	}
	kept, err := os.ReadFile(filepath.Join(dir, datadir.ConfigFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range tokens {
		if len(text) < 32 || strings.Contains(string(kept), text) {
			t.Errorf("the token %q is kept as it is", text)
		}
	}
	run(t, dir, "access", "new", "reader-1").Wants(t, 2, "already")
	file := filepath.Join(t.TempDir(), "token")
	run(t, dir, "access", "new", "auditor", "--out", file, "--for", "0").Wants(t, 0, "the token is in")
	run(t, dir, "access", "new", "other", "--out", file).Wants(t, 2, "is there already")
	run(t, dir, "access", "list").Wants(t, 0, "auditor", "never")
	run(t, dir, "access", "revoke", "auditor").Wants(t, 0)
	if e := run(t, dir, "access", "revoke", "auditor"); e.Exit == 0 {
		t.Errorf("revoked twice: %s", e.Out)
	}
}

// A period is of days or a duration, none below nothing and none for ever by chance.
func TestPeriods(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "0": 0, "0d": 0, "90s": 90 * time.Second} {
		if got, err := parseDays(text); err != nil || got != want {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "36501d", "1.5d", "90", "90 d", "-1h", "9999999999d", "1d2h", "∞"} {
		if got, err := parseDays(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
}

// A node's own authority is made for names that a certificate can have, once, and its certificates are of it; nothing is read in
// place of a torn file.
func TestCertificatesOfANode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "net")
	run(t, dir, "init", "--development").Wants(t, 0)
	run(t, dir, "tls", "show").Wants(t, 2, "no authority")
	if e := run(t, dir, "tls", "renew"); e.Exit == 0 {
		t.Errorf("renewed without an authority: %s", e.Out)
	}
	for _, name := range []string{"", "two words", "*", "a/b", strings.Repeat("a", 300)} {
		if e := run(t, dir, "tls", "init", name); e.Exit == 0 {
			t.Errorf("a certificate for %q", name)
		}
	}
	run(t, dir, "tls", "init").Wants(t, 2)
	run(t, dir, "up", "--tls", "magic").Wants(t, 2, "want self")
	run(t, dir, "up", "--listen", "0.0.0.0:0").Wants(t, 1, "loopback only")
	run(t, dir, "follow").Wants(t, 2)
	run(t, dir, "follow", "gopher://x").Wants(t, 2)
}
