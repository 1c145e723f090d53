package nodecmd

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
)

// door notes what it was told to ask for.
type door struct{ origins []string }

func (d *door) SetOrigins(origins []string) { d.origins = origins }
func (d *door) SetAccess([]api.Access)      {}
func (d *door) SetMembers(api.Members)      {}

// What was taken in counts as taken in: the same file again changes nothing, what waits for a restart is named each time, and a
// file that goes back to what was there before is a change.
func TestAReloadRemembersWhatItTookIn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		text = "leader = \"http://127.0.0.1:1\"\n" + text
		if err := os.WriteFile(filepath.Join(dir, datadir.ConfigFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("listen = \"127.0.0.1:7001\"\n")
	c, err := datadir.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Levels = new(slog.LevelVar)
	r := &reloading{dir: dir, c: c, server: new(door), logger: slog.New(slog.DiscardHandler)}
	reload := func(changed, later []string, level slog.Level) {
		t.Helper()
		gotChanged, gotLater, err := r.reload()
		if err != nil || !slices.Equal(gotChanged, changed) || !slices.Equal(gotLater, later) || c.Levels.Level() != level {
			t.Fatalf("changed %v, later %v, level %s, %v; want %v, %v, %s", gotChanged, gotLater, c.Levels.Level(), err, changed, later, level)
		}
	}
	loud := "listen = \"127.0.0.1:7002\"\nlog_level = \"debug\"\norigins = [\"https://other.example\"]\n"
	write(loud)
	reload([]string{"origins", "log_level"}, []string{"listen"}, slog.LevelDebug)
	reload(nil, []string{"listen"}, slog.LevelDebug)
	write("log_level = \"loud\"\n")
	if _, _, err := r.reload(); err == nil {
		t.Fatal("a level that is none was taken in")
	}
	write("listen = \"127.0.0.1:7001\"\n")
	reload([]string{"origins", "log_level"}, nil, slog.LevelInfo)
}
