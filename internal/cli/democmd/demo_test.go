package democmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/scenario"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// An address that is asked for goes before that of the configuration; a story that is told once takes any.
func TestWhereTheDemoListens(t *testing.T) {
	for _, c := range []struct {
		configured, asked string
		once              bool
		want              string
	}{
		{"127.0.0.1:8420", "", false, "127.0.0.1:8420"}, {"127.0.0.1:8420", "127.0.0.1:9", false, "127.0.0.1:9"},
		{"127.0.0.1:8420", "", true, "127.0.0.1:0"}, {"127.0.0.1:8420", "127.0.0.1:9", true, "127.0.0.1:9"},
	} {
		if got := demoAddress(c.configured, c.asked, c.once); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// Starting over deletes a network for development, and nothing that is not one.
func TestStartingOver(t *testing.T) {
	command := &cobra.Command{}
	command.SetContext(t.Context())
	network := func(development bool) string {
		dir := filepath.Join(t.TempDir(), "net")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := datadir.WriteConfig(dir, datadir.Config{Name: "x", Listen: datadir.DefaultListen, Development: development}); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	real := network(false)
	var usage cli.UsageError
	if err := resetDemo(command, real); !errors.As(err, &usage) {
		t.Errorf("a real network: %v", err)
	}
	if _, err := os.Stat(real); err != nil {
		t.Error("a real network was deleted")
	}
	play := network(true)
	if err := resetDemo(command, play); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(play); !os.IsNotExist(err) {
		t.Error("the network for development is still there")
	}
	if err := resetDemo(command, filepath.Join(t.TempDir(), "none")); err != nil {
		t.Errorf("nothing to delete: %v", err)
	}
}

// The page shows of each step whether it was played, waits, or is not built.
func TestHowFarTheStoryIs(t *testing.T) {
	dir := t.TempDir()
	act := func(context.Context, *scenario.Stage) error { return nil }
	steps := []scenario.Step{{Name: "issue", Title: "A", Play: act}, {Name: "pay", Title: "B", Play: act}, {Name: "sale", Title: "C"}}
	states := func() (all []string) {
		for i, s := range storySteps(steps, dir) {
			if s.Name != steps[i].Name || s.Title != steps[i].Title {
				t.Errorf("%+v", s)
			}
			all = append(all, s.State)
		}
		return all
	}
	if got := states(); got[0] != "waiting" || got[1] != "waiting" || got[2] != "not-built" {
		t.Error(got)
	}
	if err := os.WriteFile(filepath.Join(dir, "story.json"), []byte(`{"done": {"issue": true}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := states(); got[0] != "played" || got[1] != "waiting" || got[2] != "not-built" {
		t.Error(got)
	}
}

// Staff may be chosen where the story was played, and nowhere else: not on a closed network, not in a copy of a leader's
// or a backup's ledger, not where the story's record or its keys are not.
func TestWhereTheStorysStaffAre(t *testing.T) {
	dir := t.TempDir()
	keyring, err := wallet.OpenKeyring(dir, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []datadir.Config{{}, {Development: true, Leader: "http://127.0.0.1:1"},
		{Development: true, Leader: datadir.BackupLeader}, {Development: true, Peers: []string{"http://127.0.0.1:1"}}} {
		if demoOf(dir, c, keyring) != nil {
			t.Errorf("%+v has people of a story", c)
		}
	}
	demo := demoOf(dir, datadir.Config{Development: true}, keyring)
	if got := demo.Staff(); len(got) != 0 {
		t.Errorf("before the story: %+v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "story.json"), []byte(`{"done": {"banks": true}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := demo.Staff(); len(got) != 0 {
		t.Errorf("without its keys: %+v", got)
	}
	bank := token.WalletID{7}
	if err := keyring.Put(wallet.Name{Name: scenario.ClerkOf, ID: bank}); err != nil {
		t.Fatal(err)
	}
	if got := demo.Staff(); len(got) != 3 || got[1].Bank != bank || got[1].Name != scenario.ClerkOf {
		t.Errorf("%+v", got)
	}
	if err := os.Remove(filepath.Join(dir, "story.json")); err != nil {
		t.Fatal(err)
	}
	if got := demo.Staff(); len(got) != 0 {
		t.Errorf("without its record, as in a copy: %+v", got)
	}
}

// The page has each step's title in every language: it is read by whoever speaks it.
func TestStepsOfThePageHaveTheirTitles(t *testing.T) {
	t.Parallel()
	for _, step := range storySteps(scenario.Steps(), t.TempDir()) {
		if len(step.Titles) != len(words.Languages) || step.Titles["en"] != step.Title || step.Titles["ru"] == step.Title ||
			step.Titles["kk"] == step.Title || step.Titles["kk"] == step.Titles["ru"] {
			t.Errorf("%s: %q has the titles %v", step.Name, step.Title, step.Titles)
		}
	}
}
