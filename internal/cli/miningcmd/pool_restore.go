package miningcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/pool/logcopy"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// poolRestore makes a pool's log whole from a copy of it.
type poolRestore struct {
	dir, from string
	discard   bool
}

// poolRestored is what it says.
type poolRestored struct {
	Entries   uint64 `json:"entries"`
	Before    uint64 `json:"entries_before"`
	Common    uint64 `json:"entries_in_common"`
	Discarded uint64 `json:"entries_discarded"`
	Shares    uint64 `json:"shares_discarded"`
	Kept      string `json:"kept"` // directory of what was there
}

func newPoolRestoreCommand() *cobra.Command {
	r := &poolRestore{}
	command := &cobra.Command{
		Use: "restore", Short: "Make a pool's log whole from a copy that was fetched", Args: cobra.NoArgs,
		Long: `Writes a pool's log anew from a copy ("aqsha pool fetch"), after an older one was put back from a
backup. The copy must be signed with this pool's key, and have more of the log than the directory. What
was there, log and books, is kept beside; the books follow from the log at the next start. The pool must
not run.

Entries that the pool has written since the backup was put back are not in the copy. With shares among
them, which miners were promised, nothing is done without --discard.`,
		Example: "  aqsha pool fetch http://mirror.example --data copy\n  aqsha pool restore --data aqsha-pool " +
			"--from copy",
		RunE: func(command *cobra.Command, _ []string) error {
			result, err := r.run(command)
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) {
				// What was there is kept and named: whoever restored from the wrong copy finds the way back.
				fmt.Fprintln(w, cli.LanguageFor(command).Text("pool.restored", "entries", result.Entries, "before",
					result.Before, "discarded", result.Discarded, "shares", result.Shares, "kept", result.Kept))
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&r.dir, "data", "aqsha-pool", "the pool's data directory")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&r.from, "from", "aqsha-pool-copy", "directory of the copy")
	flags.BoolVar(&r.discard, "discard", false, "also when shares were logged that the copy does not have")
	return command
}

// restoredLog is where a log is written before it takes its place.
const restoredLog = "shares.restored"

func (r *poolRestore) run(command *cobra.Command) (*poolRestored, error) {
	ctx := command.Context()
	options, err := poolLogOptions(r.dir, "", false)
	if err != nil {
		return nil, err
	}
	if len(options.Signers) == 0 {
		return nil, cli.Usage(fmt.Errorf("--data: no key of a pool's log in %s", r.dir))
	}
	if err := sameKey(r.dir, r.from); err != nil {
		return nil, err
	}
	source, err := logcopy.Open(r.from)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	shares, fresh := filepath.Join(r.dir, "shares"), filepath.Join(r.dir, restoredLog)
	result := &poolRestored{Entries: source.Size()}
	if _, err := os.Stat(shares); err == nil { // else a restore was cut off between two names
		if err := r.compare(shares, options, source, result); err != nil {
			return nil, err
		}
	}
	if err := os.RemoveAll(fresh); err != nil {
		return nil, err
	}
	bar := cli.Progress(command, int(source.Size()), "entries")
	err = writeLog(ctx, fresh, options, source, func(n, _ uint64) { _ = bar.Set64(int64(n)) })
	_ = bar.Finish()
	if err != nil {
		return nil, err
	}
	if result.Kept, err = freeName(filepath.Join(r.dir, "before-restore")); err != nil {
		return nil, err
	}
	return result, r.exchange(result.Kept, shares, fresh)
}

// sameKey tells whether a copy is of the log of a directory.
func sameKey(dir, copied string) error {
	var keys [2]string
	for i, at := range []string{dir, copied} {
		raw, err := durable.Read(vfs.OS, filepath.Join(at, "log.pub"), 4096)
		if err != nil {
			return fmt.Errorf("the log's public key: %w", err)
		}
		keys[i] = strings.TrimSpace(string(raw))
	}
	if keys[0] != keys[1] {
		return cli.Usage(fmt.Errorf("--from: the copy is of the log of %s, the pool's is %s", keys[1], keys[0]))
	}
	return nil
}

// compare holds the log that is there against the copy. Opening it fails while a pool runs.
func (r *poolRestore) compare(shares string, options txlog.Options, source *logcopy.Copy, result *poolRestored) error {
	log, err := txlog.Open(shares, options)
	if err != nil {
		return err
	}
	defer log.Close()
	result.Before = log.Size()
	low, high := uint64(0), min(log.Size(), source.Size()) // the common beginning, by its roots
	roots, err := source.Roots(high)
	if err != nil {
		return err
	}
	for low < high {
		middle := low + (high-low+1)/2
		root, err := log.Root(middle)
		if err != nil {
			return err
		}
		if root == roots(middle) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	result.Common, result.Discarded = low, log.Size()-low
	if result.Common == source.Size() {
		return cli.Usage(
			fmt.Errorf("--from: the copy has %d entries, which the log has all; there is nothing to restore",
				source.Size()))
	}
	for entry, err := range log.Entries(low, log.Size()) {
		if err != nil {
			return err
		}
		if sharelog.IsShare(entry) {
			result.Shares++
		}
	}
	if result.Shares > 0 && !r.discard {
		return cli.Usage(fmt.Errorf("%d shares were logged from entry %d on that the copy does not have; --discard "+
			"gives them up", result.Shares, low))
	}
	return nil
}

func writeLog(ctx context.Context, dir string, options txlog.Options, source *logcopy.Copy,
	progress func(n, of uint64)) error {
	log, err := txlog.Open(dir, options)
	if err != nil {
		return err
	}
	if err := source.WriteTo(ctx, log, progress); err != nil {
		return errors.Join(err, log.Close())
	}
	_, err = log.Publish()
	return errors.Join(err, log.Close())
}

// freeName is a name that is not taken.
func freeName(base string) (string, error) {
	for n := 1; n < 1000; n++ {
		name := fmt.Sprintf("%s-%d", base, n)
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s-1 and on: remove some", base)
}

// exchange puts the new log in the place of the old one. The books go first: without them the old log gives them anew.
// Between the last two names there is no log, which a pool refuses to begin with (see openPoolLogAfter).
func (r *poolRestore) exchange(kept, shares, fresh string) error {
	if err := vfs.OS.MkdirAll(kept); err != nil {
		return err
	}
	for _, name := range []string{"books.sqlite-wal", "books.sqlite-shm", "books.sqlite", "shares"} {
		if err := vfs.OS.Rename(filepath.Join(r.dir, name), filepath.Join(kept, name)); err != nil &&
			!errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := vfs.OS.Rename(fresh, shares); err != nil {
		return err
	}
	return errors.Join(vfs.OS.SyncDir(kept), vfs.OS.SyncDir(r.dir))
}
