package datadir

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// write makes a file, and its folder.
func write(t *testing.T, path, content string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A configuration comes back as it was written, and what is not in a file has its default.
func TestAConfigurationComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wrote := Config{Name: "tenge.example.kz", Listen: "10.0.0.1:8420", Acks: 0, LogLevel: "warn", ClockSeconds: 20, KeyDays: 90, SegmentMiB: 8,
		Access: []api.Access{}, Archive: "/mnt/archive", Origins: []string{"https://tenge.example.kz"}}
	if err := WriteConfig(dir, wrote); err != nil {
		t.Fatal(err)
	}
	read, err := ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	if read.Name != wrote.Name || read.Listen != wrote.Listen || read.LogLevel != "warn" || read.ClockSeconds != 20 || read.KeyDays != 90 ||
		read.SegmentMiB != 8 || read.Archive != wrote.Archive || len(read.Origins) != 1 {
		t.Errorf("wrote %+v, read %+v", wrote, read)
	}
	write(t, filepath.Join(dir, ConfigFile), `name = "x"`)
	if c, err := ReadConfig(dir); err != nil || c.Listen != DefaultListen {
		t.Errorf("the default of listen: %q, %v", c.Listen, err)
	}
}

// What a configuration cannot say is refused with its key; a directory without one is the caller's mistake.
func TestWhatAConfigurationCannotSay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var usage cli.UsageError
	if _, err := ReadConfig(dir); !errors.As(err, &usage) || !strings.Contains(err.Error(), "aqsha init") {
		t.Errorf("no configuration: %v", err)
	}
	for content, key := range map[string]string{
		`nam = "x"`:            `"nam"`,
		`clock_seconds = -1`:   "clock_seconds",
		`clock_seconds = 3601`: "clock_seconds",
		`log_level = "loud"`:   "log_level",
		`name = `:              ConfigFile,
		"[[access]]\nname = \"\"\nrole = \"auditor\"": "access",
	} {
		write(t, filepath.Join(dir, ConfigFile), content)
		if _, err := ReadConfig(dir); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", content, err)
		}
	}
}

// A backup lies neither within the ledger's own directory nor above it, whichever way the folder is named.
func TestABackupLiesOutside(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	data := filepath.Join(root, "net")
	write(t, filepath.Join(data, ConfigFile), `name = "x"`)
	write(t, filepath.Join(root, "old-backup", ConfigFile), `name = "x"`)
	if err := os.Symlink(data, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	for dir, refused := range map[string]bool{
		"backup": false, "old-backup": false, "net-2": false, "net": true, "net/backup": true, "net/a/b": true, ".": true, "..": true,
		"link": true, "link/backup": true, "backup/../net/x": true, "..net": false,
	} {
		if err := Outside(data, filepath.Join(root, dir)); (err != nil) != refused {
			t.Errorf("%s: %v, refused should be %t", dir, err, refused)
		}
	}
	if err := Outside(filepath.Join(root, "elsewhere"), root); err != nil {
		t.Errorf("a ledger that is not here: %v", err)
	}
}

// Who has a directory is named to the next at once; what was refused before anybody was waited for leaves nothing behind.
func TestADirectoryIsTakenOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "net")
	if _, _, err := TakeLedger(t.Context(), dir, AnyLedger); err == nil {
		t.Fatal("a ledger that is not there was taken")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the refusal made %s", dir)
	}
	write(t, filepath.Join(dir, ConfigFile), `name = "x"`)
	write(t, filepath.Join(dir, addressOf), "http://127.0.0.1:1\nabc\n")
	_, lock, err := TakeLedger(t.Context(), dir, AnyLedger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, addressOf)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the address of a node that was killed is still there")
	}
	var locked *vfs.LockedError
	if _, _, err := TakeLedger(t.Context(), dir, AnyLedger); !errors.As(err, &locked) {
		t.Errorf("taken twice: %v", err)
	}
	no := errors.New("not this one")
	if _, _, err := TakeLedger(t.Context(), dir, func(Config) error { return no }); !errors.Is(err, no) {
		t.Errorf("a check is said before the lock: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	_, lock, err = TakeLedger(t.Context(), dir, AnyLedger)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}

// Who only reads is waited for, and no longer than the caller wants.
func TestReadersAreWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := TakeDirectory(t.Context(), dir) // one that nobody ever took is read without a lock
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	reader, err := vfs.LockShared(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := TakeDirectory(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that gave up: %v", err)
	}
	taken := make(chan error, 1)
	go func() {
		lock, err := TakeDirectory(t.Context(), dir)
		if err == nil {
			err = lock.Close()
		}
		taken <- err
	}()
	select {
	case err := <-taken:
		t.Fatalf("taken from under a reader: %v", err)
	case <-time.After(5 * lockRetry):
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-taken; err != nil {
		t.Error(err)
	}
}

// Parts of a ledger that others could read are shut when it is taken; what the owner let a group do stays.
func TestALedgersPartsAreShut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, ConfigFile), `name = "x"`)
	for part, mode := range map[string]os.FileMode{"keys": 0o755, "log": 0o750, "index": 0o705} {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, part), 0o700), os.Chmod(filepath.Join(dir, part), mode)); err != nil {
			t.Fatal(err)
		}
	}
	_, lock, err := TakeLedger(t.Context(), dir, AnyLedger)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for part, want := range map[string]os.FileMode{"keys": 0o750, "log": 0o750, "index": 0o700} {
		info, err := os.Stat(filepath.Join(dir, part))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s is %v, want %v (%v)", part, info.Mode().Perm(), want, err)
		}
	}
}

// A new directory is its owner's alone; one that holds other things keeps its mode.
func TestANewDirectoryIsItsOwners(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for name, c := range map[string]struct {
		holds []string
		want  os.FileMode
	}{
		"new": {nil, 0o700}, "a ledger's": {[]string{ConfigFile, "LOCK", SetAsidePrefix + "1"}, 0o700}, "home": {[]string{"photo.jpg"}, 0o755},
	} {
		dir := filepath.Join(root, name)
		if c.holds != nil {
			for _, file := range c.holds {
				write(t, filepath.Join(dir, file), "")
			}
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		lock, err := NewDirectory(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != c.want {
			t.Errorf("%s: %v, want %v (%v)", name, info.Mode().Perm(), c.want, err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
}

// of is a command with a ledger's flags, as given.
func of(t *testing.T, args ...string) *cobra.Command {
	t.Helper()
	command := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) error { return nil }}
	AddLedgerFlags(command)
	command.SetArgs(args)
	command.SetOut(io.Discard)
	if err := command.Execute(); err != nil {
		t.Fatal(err)
	}
	return command
}

// The passphrase comes from the file that is named, else from the environment, without the end of the line and nothing else.
func TestWhereThePassphraseComesFrom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "word")
	write(t, file, " two words \r\n")
	t.Setenv("AQSHA_PASSPHRASE", "of the environment")
	if word, err := Passphrase(of(t, "--passphrase-file", file)); err != nil || word != " two words " {
		t.Errorf("of a file: %q, %v", word, err)
	}
	if word, err := Passphrase(of(t)); err != nil || word != "of the environment" {
		t.Errorf("of the environment: %q, %v", word, err)
	}
	if word, err := Passphrase(of(t, "--passphrase-file", file+"-2")); err == nil || word != "" {
		t.Errorf("of a file that is not there: %q, %v", word, err)
	}
}

// Keys of a development network lie open, those of any other are encrypted, and where there is no passphrase none is made.
func TestNewKeysAreEncryptedUnlessForDevelopment(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("AQSHA_PASSPHRASE", "")
	for content, made := range map[string]bool{`development = true`: true, `development = false`: false, ``: false, `development = `: false} {
		write(t, filepath.Join(dir, ConfigFile), content)
		if isDevelopment(dir) != made {
			t.Errorf("%s: development %t", content, !made)
		}
		keyring, err := OpenKeyring(of(t, "--data", dir))
		if err != nil {
			t.Fatal(err)
		}
		_, err = keyring.KeyOrNew("k" + strings.Repeat("x", len(content)))
		if (err == nil) != made {
			t.Errorf("%q: a new key: %v", content, err)
		}
	}
}

// The followers with which a leader answered last count beside the configuration's until they are the same.
func TestMembersOfBefore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, _ := followerKey(t, "one", "x")
	two, _ := followerKey(t, "two", "x")
	c := Config{Followers: []string{one, two}, Acks: 1}
	if before, err := membersBefore(dir, c); err != nil || before.Acks != 0 || before.Followers != nil {
		t.Errorf("nothing was kept: %+v, %v", before, err)
	}
	write(t, filepath.Join(dir, membersFile), `followers = ["`+one+`", "`+two+`"]`+"\nacks = 1\n")
	if before, err := membersBefore(dir, c); err != nil || before.Followers != nil {
		t.Errorf("the same was kept: %+v, %v", before, err)
	}
	write(t, filepath.Join(dir, membersFile), `followers = ["`+one+`"]`+"\nacks = 1\n")
	if before, err := membersBefore(dir, c); err != nil || before.Acks != 1 || len(before.Followers) != 1 || before.Followers[0].Name() != "one" {
		t.Errorf("another list was kept: %+v, %v", before, err)
	}
	write(t, filepath.Join(dir, membersFile), `followers = ["nonsense"]`)
	if _, err := membersBefore(dir, c); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a list that cannot be read: %v", err)
	}
}

// A validator's directory is written by its cluster alone, and has no followers.
func TestAValidatorsDirectory(t *testing.T) {
	t.Parallel()
	var usage cli.UsageError
	nc, err := NodeConfig(t.TempDir(), Config{Followers: []string{"nonsense"}}, nil, nil)
	if !errors.As(err, &usage) || nc.Sequencer != nil {
		t.Errorf("a follower that is none: %v", err)
	}
	if _, err := clusterNode(nc, "dir", Config{}); !errors.As(err, &usage) || !strings.Contains(err.Error(), "aqsha up --data dir") {
		t.Errorf("without its cluster: %v", err)
	}
}
