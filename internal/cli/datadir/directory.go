package datadir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// addressOf is the file that says where the node that runs on a directory listens: its URL, and on a second line the
// word of this run (api.Options.Instance).
const addressOf = "node.url"

// maxAddress bounds that file, in bytes.
const maxAddress = 4 << 10

// TakeDirectory takes a ledger's directory: the one lock above the log, the keys and the configuration, without
// which nothing there is changed. Who has it is named; those who only read are waited for.
func TakeDirectory(ctx context.Context, dir string) (io.Closer, error) {
	for until := time.Now().Add(LockWait); ; {
		lock, err := vfs.OS.Lock(dir)
		var held *vfs.LockedError
		if err == nil || !errors.As(err, &held) || held.Holder != "" || time.Now().After(until) {
			return lock, ReadOnlyDirectory(dir, err)
		}
		if err := Pause(ctx); err != nil {
			return nil, err
		}
	}
}

// ReadOnlyDirectory says what to do about a directory in which nothing can be written.
func ReadOnlyDirectory(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf(
			"%s: nothing can be written there: give this user write permission, or choose another --data: %w", dir, err)
	}
	return err
}

// TakeLedger takes the directory of a ledger that is there, and reads its configuration. What check refuses is said
// before anybody is waited for, or named as the one who has the directory.
func TakeLedger(ctx context.Context, dir string, check func(c Config) error) (Config, io.Closer, error) {
	read := func() (Config, error) {
		c, err := ReadConfig(dir)
		if err == nil {
			err = check(c)
		}
		return c, err
	}
	if _, err := read(); err != nil {
		return Config{}, nil, err // nothing is made in a directory that holds no ledger
	}
	lock, err := TakeDirectory(ctx, dir)
	if err != nil {
		return Config{}, nil, err
	}
	c, err := read() // as whoever had the directory before left it
	if err != nil {
		return c, nil, errors.Join(err, lock.Close())
	}
	ForgetAddress(dir)
	if err := shutOut(dir); err != nil {
		return c, nil, errors.Join(err, lock.Close())
	}
	return c, lock, nil
}

// shutOut keeps everybody who is neither the owner nor of the group out of a ledger's parts, as they were made before
// files were their owner's alone: whoever reads them reads every payment. A group that the owner let in on purpose,
// such as auditors, stays.
func shutOut(dir string) error {
	for _, part := range append([]string{"keys", "names"}, node.LedgerParts...) {
		path := filepath.Join(dir, part)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o007 == 0 {
			continue
		}
		if err := os.Chmod(path, info.Mode().Perm()&^0o007); err != nil {
			return fmt.Errorf("%s can be read by everybody on this machine (%s) and cannot be shut: %w", path,
				info.Mode().Perm(), err)
		}
	}
	return nil
}

// AnyLedger checks nothing.
func AnyLedger(Config) error { return nil }

// NewDirectory makes a directory for a ledger, its owner's alone, and takes it.
func NewDirectory(ctx context.Context, dir string) (io.Closer, error) {
	if err := ShutDirectory(dir); err != nil {
		return nil, ReadOnlyDirectory(dir, err)
	}
	return TakeDirectory(ctx, dir)
}

// BeginDirectory is NewDirectory for what may fail before anything is there: undo lets go of the directory, and takes
// away what was made, unless something came to stand in it.
func BeginDirectory(ctx context.Context, dir string) (lock io.Closer, undo func() error, err error) {
	_, missed := os.Stat(dir)
	_, unlocked := os.Stat(filepath.Join(dir, lockFile))
	if lock, err = NewDirectory(ctx, dir); err != nil {
		return nil, nil, err
	}
	return lock, func() error {
		if unlocked != nil {
			_ = os.Remove(filepath.Join(dir, lockFile)) // while it is held: nobody else's
		}
		err := lock.Close()
		if missed != nil {
			_ = os.Remove(dir) // which an empty directory alone lets be done with it
		}
		return err
	}, nil
}

// lockFile is the lock above a directory (vfs.FS.Lock).
const lockFile = "LOCK"

// ShutDirectory makes a directory, or shuts one that is there to others. One that holds other things is left as it is:
// what is made in it is its owner's alone all the same.
func ShutDirectory(dir string) error {
	if err := vfs.OS.MkdirAll(dir); err != nil {
		return err
	}
	names, err := vfs.OS.List(dir)
	if err != nil {
		return err
	}
	ours := append([]string{ConfigFile, InitFile, RestoringFile, addressOf, accessFile, lockFile, "keys", "names",
		"payments", "channels", "staff", developmentFile}, node.LedgerParts...)
	for _, name := range names {
		if !slices.Contains(ours, name) && !strings.HasPrefix(name, SetAsidePrefix) {
			return nil
		}
	}
	return vfs.OS.Private(dir)
}

// ForgetAddress removes what a node that was killed left behind; the caller holds the directory, so none runs.
func ForgetAddress(dir string) {
	_ = os.Remove(filepath.Join(dir, addressOf))
	_ = os.Remove(filepath.Join(dir, accessFile))
}

// Pause waits a little before the next try.
func Pause(ctx context.Context) error {
	select {
	case <-time.After(lockRetry):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// NewInstance draws the word of a run.
func NewInstance() string {
	var word [16]byte
	_, _ = rand.Read(word[:])
	return hex.EncodeToString(word[:])
}

// Announce notes where a node listens, for other commands on the same directory.
func Announce(dir string, l net.Listener, instance string) (url string, withdraw func(), err error) {
	url = "http://" + l.Addr().String()
	path := filepath.Join(dir, addressOf)
	return url, func() { _ = os.Remove(path) }, durable.Replace(vfs.OS, path, []byte(url+"\n"+instance+"\n"))
}

// accessFile holds the access token of the run that address names, for commands that copy the whole ledger from the
// directory while the node has it.
const accessFile = "node.access"

// LeaveAccess draws an access token of this run and leaves it in the directory, its owner's alone.
func LeaveAccess(dir string) (hash string, withdraw func(), err error) {
	path, access := filepath.Join(dir, accessFile), api.NewToken()
	return api.HashToken(access), func() { _ = os.Remove(path) }, durable.Replace(vfs.OS, path, []byte(access+"\n"))
}

// LeftAccess is the access token that the node which runs on a directory left there; empty if it left none that this
// user may read.
func LeftAccess(dir string) string {
	content, err := durable.Read(vfs.OS, filepath.Join(dir, accessFile), maxAddress)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// Announced reads where the node that runs on a directory says that it listens, and the word of its run.
func Announced(dir string) (url, instance string, err error) {
	content, err := durable.Read(vfs.OS, filepath.Join(dir, addressOf), maxAddress)
	if err != nil {
		return "", "", err
	}
	url, instance, _ = strings.Cut(strings.TrimSpace(string(content)), "\n")
	return url, instance, nil
}

// OpenAnnounced says where the node that runs on a directory listens, if it is that one that answers there: after a
// node was killed, another ledger's may have its address.
func OpenAnnounced(dir string) (url string, err error) {
	url, instance, err := Announced(dir)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), HealthWait)
	defer cancel()
	answered, err := api.NewClient(url, "").Instance(ctx)
	if err == nil && (instance == "" || answered != instance) {
		err = fmt.Errorf("%s is another node's by now", url)
	}
	return url, err
}

// HealthWait is how long an announced node may take to say that it is there.
const HealthWait = 5 * time.Second

// BackupLeader stands for the leader in a backup's configuration.
const BackupLeader = "backup"

// Outside refuses a backup that would lie within the directory of the ledger that it is a backup of.
func Outside(data, dir string) error {
	if _, err := os.Stat(filepath.Join(data, ConfigFile)); err != nil {
		return nil //nolint:nilerr // a ledger elsewhere
	}
	// A folder above it, such as / by a slip, would be filled with the parts of a ledger.
	above, err := filepath.Rel(absolute(dir), absolute(data))
	if _, begun := os.Stat(filepath.Join(dir, ConfigFile)); begun != nil && err == nil && above != "." &&
		above != ".." && !strings.HasPrefix(above, ".."+string(filepath.Separator)) {
		return cli.Usage(fmt.Errorf("%s holds the ledger's own directory %s: name a folder for the backup alone, "+
			"best on another disk", dir, data))
	}
	within, err := filepath.Rel(absolute(data), absolute(dir))
	if err != nil || within == ".." || strings.HasPrefix(within, ".."+string(filepath.Separator)) {
		return nil //nolint:nilerr // no way from one to the other, and so not within
	}
	if within == "." {
		return cli.Usage(fmt.Errorf("%s is a leader's data directory, not a backup", dir))
	}
	return cli.Usage(fmt.Errorf("%s lies in the ledger's own directory %s: a backup belongs on another disk", dir,
		data))
}

// absolute is a path from the root, with links followed as far as it exists. What does not exist yet has no links: two
// spellings of one place are the same text.
func absolute(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	for head, tail := path, ""; ; head, tail = filepath.Dir(head), filepath.Join(filepath.Base(head), tail) {
		if real, err := filepath.EvalSymlinks(head); err == nil {
			return filepath.Join(real, tail)
		}
		if head == filepath.Dir(head) {
			return path
		}
	}
}

// InitFile marks a directory in which a network is being founded. Whoever finds it there, with the directory in
// hand, knows that a crash came between, and that what was made of a ledger was never used.
const InitFile = "founding"

// QueryWait is how long a node may take to say how far it is, and SilentWait one that did not to hear who leads.
const (
	QueryWait  = 3 * time.Second
	SilentWait = time.Second
)

// RestoringFile holds the configuration as it was before a restoration that has not ended: until then the directory
// is a copy, and nobody leads with half a log.
const RestoringFile = "restoring.toml"

// SetAsidePrefix begins the name of a folder with an old log.
const SetAsidePrefix = "set-aside-"

// How long a command waits for others that have the data directory open, and between tries.
const (
	LockWait  = 2 * time.Minute
	lockRetry = 20 * time.Millisecond
)
