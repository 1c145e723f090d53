package copycmd

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/internal/cli/authoritycmd"
	"github.com/aqsha/aqsha/internal/cli/clitest"
	"github.com/aqsha/aqsha/internal/cli/clitest/served"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/walletcmd"
)

var nouns = clitest.Nouns{NewBackupCommand, NewRestoreCommand, NewPromoteCommand, NewSwitchoverCommand, NewDrillCommand,
	nodecmd.NewInitCommand, authoritycmd.NewBankCommand, walletcmd.NewIssueCommand}

// copies are a running ledger of five entries (genesis, two blocks of one transaction each) and a folder for what is made of it.
type copies struct {
	served.Ledger
	t   *testing.T
	dir string
}

func TestCopies(t *testing.T) {
	l := copies{served.Start(t, nouns), t, t.TempDir()}
	l.Done("bank", "admit", "Halyk")
	l.Done("backup", l.at("early"))
	l.Done("issue", "Halyk", "10000")
	l.Done("backup", l.at("backup"))
	for _, part := range []struct {
		name string
		test func(t *testing.T, l copies)
	}{
		{"OfOneLedger", aBackupIsOfOneLedger}, {"AsOfThen", aLedgerAsOfThen}, {"NothingIsLostUnasked", nothingIsLostUnasked},
		{"Promotions", promotionsThatAreRefused}, // last: what it makes a leader is no backup any more
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, copies{l.Ledger, t, l.dir}) })
	}
}

func (l copies) at(name string) string { return filepath.Join(l.dir, name) }

// on runs a command on one of the folders.
func (l copies) on(name string, line ...string) clitest.Ended {
	l.t.Helper()
	return clitest.Run(l.t, nouns, append(line, "--data", l.at(name))...)
}

// refuses wants a command refused with a code and that it makes no folder.
func (l copies) refuses(code, name string, line ...string) {
	l.t.Helper()
	_, before := os.Stat(l.at(name))
	e := l.on(name, append(line, "--json")...)
	if got, _ := e.Code(l.t); got != code {
		l.t.Errorf("%v: exit %d, %s, want %s\n%s", line, e.Exit, got, code, e.Err)
	}
	if _, after := os.Stat(l.at(name)); errors.Is(before, fs.ErrNotExist) && !errors.Is(after, fs.ErrNotExist) {
		l.t.Errorf("%v: refused, and %s was made", line, name)
	}
}

// came is what is read of a copy or a restoration.
type came struct {
	Size, New, Lost uint64
	Root            string
	Answered        uint64 `json:"lost_answered"`
	SetAside        string `json:"set_aside"`
	Entries         []struct{ What string }
}

func (l copies) restored(name string, line ...string) (c came) {
	l.t.Helper()
	l.on(name, append(append([]string{"restore"}, line...), "--json")...).JSON(l.t, &c)
	return c
}

// files are the names of a folder's files with digests of what they hold, to say whether it was left as it was. What
// is made from the log whenever it is opened (tiles), and the room that it has reserved, are no part of it.
func files(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Size() > 1<<20 || strings.Contains(path, "/tiles/") {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s %x\n", path, sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// A backup is continued by its own ledger alone, and lies where the ledger does not: nothing is written over what is no backup.
func aBackupIsOfOneLedger(t *testing.T, l copies) {
	var again came
	if err := os.CopyFS(l.at("going"), os.DirFS(l.at("early"))); err != nil {
		t.Fatal(err)
	}
	l.Run("backup", l.at("going"), "--json").JSON(t, &again)
	if again.Size != 5 || again.New != 2 {
		t.Errorf("continued: %+v", again)
	}
	l.Run("backup", l.at("going"), "--json").JSON(t, &again)
	if again.Size != 5 || again.New != 0 {
		t.Errorf("continued with nothing new: %+v", again)
	}
	l.Wrong("own directory", "backup", filepath.Join(l.Dir, "copy"))
	l.Wrong("a leader's data directory", "backup", l.Dir)
	file := l.at("file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.Wrong("is a file", "backup", file)
	other := served.Start(t, nouns)
	before := files(t, l.at("backup"))
	if e := other.Run("backup", l.at("backup")); e.Exit != 3 {
		t.Errorf("another network's backup is continued: exit %d, %s%s", e.Exit, e.Out, e.Err)
	}
	if after := files(t, l.at("backup")); after != before {
		t.Errorf("a backup that was refused is not as it was:\n%s\n%s", before, after)
	}
	l.restored("led", l.at("backup"))
	l.Wrong("a leader's data directory", "backup", l.at("led")) // restored where nobody was followed
	other.Done("backup", l.at("other"))
	l.refuses("wrong-network", "led", "restore", l.at("other"))
	if info, err := os.Stat(l.at("backup")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v: others may read it", info.Mode(), err)
	}
	secret := filepath.Join(other.Dir, "keys", "log.secret")
	l.on("backup", "promote", "--log-key", secret).Wants(t, 2, "--log-key")
	if _, err := os.Stat(filepath.Join(l.at("backup"), "keys", "log.secret")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the key of another log stays here")
	}
}

// A ledger stands as it did at a size or a time, to the last block by then; a point that it does not have makes nothing.
func aLedgerAsOfThen(t *testing.T, l copies) {
	source := l.at("backup")
	roots := map[uint64]string{}
	for asked, want := range map[string]uint64{"2": 1, "4": 3, "5": 5} {
		c := l.restored("size-"+asked, source, "--to-size", asked)
		if c.Size != want || c.Lost != 0 {
			t.Errorf("to %s entries: %+v, want %d", asked, c, want)
		}
		if known := roots[c.Size]; known != "" && known != c.Root {
			t.Errorf("two roots of %d entries", c.Size)
		}
		roots[c.Size] = c.Root
	}
	if c := l.restored("now", source, "--to-time", time.Now().Add(time.Hour).Format(time.RFC3339)); c.Size != 5 || c.Root != roots[5] {
		t.Errorf("by a time that is to come: %+v", c)
	}
	l.refuses("no-such-point", "none", "restore", source, "--to-size", "6")
	l.refuses("no-such-point", "none", "restore", source, "--to-time", "2001-01-01")
	l.refuses("usage", "none", "restore", source, "--to-size", "2", "--to-time", "2001-01-01")
	l.refuses("usage", "none", "restore", l.at("nowhere"))
	l.refuses("usage", "none", "restore", "ftp://a")
	l.refuses("usage", "none", "restore", "@"+l.at("nowhere"))
	for _, name := range []string{"size-4", "size-2"} {
		c, err := datadir.ReadConfig(l.at(name))
		if err != nil || c.Leader != datadir.BackupLeader || c.Acks != 0 {
			t.Errorf("%s leads by mistake: %+v, %v", name, c, err)
		}
	}
	l.refuses("usage", "none", "restore", l.at("size-4"))
	if c := l.restored("size-4", source, "--to-size", "5"); c.Size != 5 || c.SetAside == "" {
		t.Errorf("over a copy of the past: %+v", c)
	}
	key := filepath.Join(l.Dir, "keys", "log.secret")
	var p struct {
		Epoch, Size uint64
		Root        string
	}
	l.on("size-2", "promote", "--log-key", key, "--accept-loss", "--json").JSON(t, &p)
	if p.Epoch != 1 || p.Size != 1 || p.Root != roots[1] {
		t.Errorf("what goes on from there begins with %+v", p)
	}
}

// What stands in a folder is lost to a restoration only where that is accepted, is listed then, and is set aside; a refusal, for
// whatever reason, leaves the folder as it was.
func nothingIsLostUnasked(t *testing.T, l copies) {
	if c := l.restored("here", l.at("backup")); c.Size != 5 || c.SetAside != "" {
		t.Errorf("into no folder: %+v", c)
	}
	l.restored("past", l.at("backup"), "--to-size", "3")
	before := files(t, l.at("here"))
	l.refuses("usage", "here", "restore", l.at("past"), "--accept-loss") // it would fail half way
	l.on("here", "restore", l.at("early")).Wants(t, 3, "2 would be lost", "entry 4: issue")
	l.Refused("locked", "restore", l.at("backup"))
	if files(t, l.at("here")) != before {
		t.Error("a restoration that was refused has changed the folder")
	}
	c := l.restored("here", l.at("early"), "--accept-loss")
	if c.Size != 3 || c.Lost != 2 || c.Answered != 2 || len(c.Entries) != 2 || c.Entries[1].What != "issue" {
		t.Errorf("%+v", c)
	}
	if _, err := os.Stat(filepath.Join(c.SetAside, "log")); err != nil {
		t.Errorf("the old log is gone: %v", err)
	}
	if c := l.restored("here", l.at("backup")); c.Size != 5 || c.Lost != 0 {
		t.Errorf("back: %+v", c)
	}
	if err := os.WriteFile(filepath.Join(l.at("here"), "log", "checkpoint"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.on("here", "restore", l.at("backup"), "--accept-loss").Wants(t, 0, "5 entries")
}

// A follower becomes the leader once, with the log's key and nobody else's; each refusal leaves it a follower.
func promotionsThatAreRefused(t *testing.T, l copies) {
	key := filepath.Join(l.Dir, "keys", "log.secret")
	for word, flags := range map[string][]string{
		"signing key is needed":       {},
		"--log-key":                   {"--log-key", l.at("none")},
		"not an epoch":                {"--log-key", key, "--instead-of", "3"},
		"--instead-of":                {"--log-key", key, "--instead-of", "-1:aa"},
		"--ask: \"elsewhere\" is not": {"--log-key", key, "--ask", "elsewhere"},
		"knows of no other":           {"--log-key", key, "--without", "nobody", "--accept-loss"},
	} {
		l.on("backup", append([]string{"promote"}, flags...)...).Wants(t, 2, word)
	}
	if c, err := datadir.ReadConfig(l.at("backup")); err != nil || c.Leader != datadir.BackupLeader {
		t.Errorf("a refused promotion has made a leader: %+v, %v", c, err)
	}
	if _, err := os.Stat(filepath.Join(l.at("backup"), "keys", "log.secret")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a refused promotion leaves the log's key behind")
	}
	l.on("backup", "switchover").Wants(t, 2, "signing key is needed")
	l.on("none", "switchover").Wants(t, 2, "no network in")
	l.Wrong("leader's already", "switchover")
	l.on("backup", "promote", "--log-key", key).Wants(t, 0, "accesses: none here")
	l.on("backup", "promote", "--log-key", key).Wants(t, 2, "leader's already")
	l.on("backup", "switchover", "--log-key", key).Wants(t, 2, "leader's already")
}

// A drill that cannot be played is refused before a network is founded for one that is named before it.
func TestDrillsThatAreNone(t *testing.T) {
	for word, line := range map[string]string{
		"is no drill":   "leader-lost leader-lots",
		"1 to 100":      "leader-lost --clients 101",
		"--clients":     "destroy --clients 0",
		"--for":         "leader-lost --for 0s",
		"--for: want a": "destroy --for -1s",
		"up to 1h":      "destroy --for 2h",
	} {
		clitest.Run(t, nouns, append([]string{"drill"}, strings.Fields(line)...)...).Wants(t, 2, word)
	}
}
