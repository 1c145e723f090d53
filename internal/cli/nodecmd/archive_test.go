package nodecmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/token"
)

var (
	ours   = token.NetworkID{1}
	theirs = token.NetworkID{2}
)

// fails wants an error that says a text; none for an empty text.
func fails(t *testing.T, what, text string, err error) {
	t.Helper()
	if text == "" && err != nil || text != "" && (err == nil || !strings.Contains(err.Error(), text)) {
		t.Errorf("%s: %v, want %q", what, err, text)
	}
}

// A leader archives into a folder of its own and of its own network: never over a ledger, within one, or over another
// network's archive.
func TestWhereALeaderArchives(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	dir := at("net", "node")
	clitest.Put(t, "name = \"x\"\n", dir, datadir.ConfigFile)
	clitest.Put(t, "leader = \"backup\"\nnetwork = \""+ours.String()+"\"\n", at("own"), datadir.ConfigFile)
	clitest.Put(t, "leader = \"backup\"\nnetwork = \""+theirs.String()+"\"\nname = \"theirs.example\"\n", at("foreign"),
		datadir.ConfigFile)
	clitest.Put(t, "name = \"leads\"\n", at("ledger"), datadir.ConfigFile)
	clitest.Put(t, "leader = \"http://127.0.0.1:1\"\n", at("follower"), datadir.ConfigFile)
	clitest.Put(t, "leader = \"back", at("torn"), datadir.ConfigFile)
	clitest.Put(t, "", at("file"))
	if err := os.MkdirAll(at("folder", datadir.ConfigFile), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"": "", at("new", "deep"): "", at("own"): "",
		at("foreign"):           "theirs.example",
		at("ledger"):            "own directory",
		at("follower"):          "own directory",
		at("torn"):              datadir.ConfigFile,
		at("folder"):            datadir.ConfigFile,
		at("file"):              "file",
		dir:                     "leader's data directory",
		filepath.Join(dir, "x"): "lies in",
		at("net"):               "holds the ledger's own directory",
	} {
		c := datadir.Config{Archive: path, Network: ours.String()}
		fails(t, path, want, openArchive(dir, c))
	}
	if info, err := os.Stat(at("new", "deep")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the archive that was made is not its owner's alone: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil {
		t.Error("what was refused was made")
	}
}

// An archive says whose it is from its first start on, and never becomes another's.
func TestAnArchiveIsNamedOnce(t *testing.T) {
	t.Parallel()
	c := datadir.Config{Name: "tenge.example", Archive: filepath.Join(t.TempDir(), "a"), Development: true}
	if err := nameArchive(datadir.Config{}, ours); err != nil {
		t.Fatal(err)
	}
	if err := openArchive(t.TempDir(), c); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := nameArchive(c, ours); err != nil {
			t.Fatal(err)
		}
		there, err := datadir.ReadConfig(c.Archive)
		if err != nil || there.Network != ours.String() || there.Leader != datadir.BackupLeader || !there.Development ||
			there.Name != c.Name || there.Archive != "" {
			t.Errorf("%+v, %v", there, err)
		}
	}
	fails(t, "another network's", "holds network", nameArchive(c, theirs))
	// A network that is no development network any more, or never was, is not restored as one that everybody may read.
	c.Development = false
	if err := nameArchive(c, ours); err != nil {
		t.Fatal(err)
	}
	if there, err := datadir.ReadConfig(c.Archive); err != nil || there.Development {
		t.Errorf("the archive says still that anybody may read it: %v", err)
	}
	clitest.Put(t, "[", c.Archive, datadir.ConfigFile)
	fails(t, "torn", datadir.ConfigFile, nameArchive(c, ours))
}

// Only the first start after a promotion is one.
func TestAPromotionIsFreshOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clitest.Put(t, "", dir, PromotedFile)
	for _, want := range []bool{true, false} {
		if got, err := justPromoted(dir); err != nil || got != want {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	clitest.Put(t, "", dir, PromotedFile, "something") // which cannot be taken away: it would be said of a later copy
	if got, err := justPromoted(dir); err == nil || got {
		t.Errorf("%v, %v", got, err)
	}
}
