package authoritycmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
)

// application is one as a bank's list has it.
type application struct{ ID, Name, State string }

// Who asks a bank for a wallet hears why he gets none, and moves his cursor by none of it; what was refused stays so.
func TestApplicationsForWallets(t *testing.T) {
	t.Parallel()
	l := served.Start(t, nouns)
	l.Done("bank", "admit", "Halyk")
	node, _, err := datadir.Announced(l.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var banks []struct{ ID string }
	l.Done("bank", "list", "--json").JSON(t, &banks)
	var access struct{ Token string }
	clitest.Run(t, clitest.Nouns{nodecmd.NewAccessCommand}, "access", "new", "core", "--role", "intermediary", "--bank",
		"Halyk", "--data", l.Dir, "--json").JSON(t, &access)
	bank := func(line ...string) clitest.Ended {
		return l.Run(append(append([]string{"bank", "applications"}, line...), "--access", access.Token)...)
	}
	for bank().Exit != 0 { // until the node has taken the access in
	}
	word := filepath.Join(t.TempDir(), "word")
	if err := os.WriteFile(word, []byte("of a test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	applies := func(name string) chan clitest.Ended {
		ended := make(chan clitest.Ended, 1)
		dir := filepath.Join(t.TempDir(), name)
		go func() {
			ended <- clitest.Within(t.Context(), nouns, "wallet", "apply", name, "--bank", banks[0].ID, "--node", node,
				"--data", dir, "--passphrase-file", word)
		}()
		return ended
	}
	waiting := func(name string, ended chan clitest.Ended) application {
		t.Helper()
		for {
			select {
			case e := <-ended:
				t.Fatalf("exit %d, %s%s", e.Exit, e.Out, e.Err)
			default:
			}
			var list []application
			bank("--json").JSON(t, &list)
			for _, a := range list {
				if a.Name == name {
					return a
				}
			}
		}
	}
	for word, line := range map[string][]string{
		"--per-hour": {"serve", "--per-hour", "0"}, "36,000": {"serve", "--per-hour", "36001"},
		"--most": {"serve", "--most", "-1"},
	} {
		bank(line...).Wants(t, 2, word)
	}
	for _, line := range [][]string{{"accept", "5f1c"}, {"refuse", "5f1c"}, {"accept", strings.Repeat("0", 32)}} {
		if e := bank(line...); e.Exit != 2 && e.Exit != 3 {
			t.Errorf("%v: exit %d, %s%s", line, e.Exit, e.Out, e.Err)
		}
	}
	refused := applies("dana")
	a := waiting("dana", refused)
	bank().Wants(t, 0, a.ID, "dana")
	e := bank("refuse", a.ID, "--reason", strings.Repeat("r", 201))
	if e.Exit != 2 && e.Exit != 3 {
		t.Errorf("a reason without an end: exit %d, %s", e.Exit, e.Err)
	}
	bank("refuse", a.ID, "--reason", "come to\x1b[2J a branch").Wants(t, 0)
	if e := <-refused; e.Exit != 3 || !strings.Contains(e.Err, "a branch") || strings.ContainsRune(e.Err, 0x1b) {
		t.Errorf("exit %d, %q", e.Exit, e.Err)
	}
	if e := bank("accept", a.ID); e.Exit != 3 {
		t.Errorf("what was refused is accepted: exit %d, %s", e.Exit, e.Out)
	}
}
