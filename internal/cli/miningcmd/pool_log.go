package miningcmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/chaincmd"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/logcopy"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func newPoolFetchCommand() *cobra.Command {
	var dir, key string
	command := &cobra.Command{
		Use:   "fetch URL",
		Short: "Fetch a pool's log, to recompute from it",
		Long: `Copies a pool's published log into a directory: the entries (C2SP tlog-tiles), the
checkpoint that the pool has signed, and its public key. Nothing secret is needed. Called
again it fetches what is new, and checks that the log begins with what was copied before:
a pool that has rewritten its log is shown to have signed both, and the two checkpoints
are kept as evidence. --key gives the key if it is known from elsewhere; otherwise the one
that the pool serves at the first time counts, and no other afterwards.`,
		Example: "  aqsha pool fetch http://pool.example:8080 --data copy\n  aqsha pool recompute --data copy " +
			"--verify --bitcoin http://127.0.0.1:8332",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			url, err := cli.NodeURL("URL", args[0]) // tried again, as a pool that starts is, it would be for ever
			if err != nil {
				return err
			}
			bar := cli.Progress(command, 0, "entries")
			result, err := logcopy.Fetch(command.Context(), logcopy.Options{URL: url, Dir: dir, Key: key,
				Progress: func(n, of uint64) {
					bar.ChangeMax64(int64(of))
					_ = bar.Set64(int64(n))
				}})
			// Ended before the error is looked at, so that what is said of it does not stand within the bar.
			_ = bar.Finish()
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("pool.fetched", "origin", result.Origin, "size",
					result.Size,
					"new", result.Size-result.Before, "key", result.Key))
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&dir, "data", "aqsha-pool-copy", "directory of the copy")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&key, "key", "", "the log's public key, if it is known from elsewhere")
	return command
}

// openPoolRecords opens what is recomputed from: a copy that was fetched, or a pool's own directory, with or without
// its secret key. Beside a pool that runs it reads what the pool has signed, and says so on standard error.
func openPoolRecords(command *cobra.Command, dir string) (audit.Records, io.Closer, error) {
	if logcopy.Is(dir) {
		records, err := logcopy.Open(dir)
		return records, io.NopCloser(nil), err
	}
	log, err := openOwnLog(dir)
	if errors.As(err, new(*vfs.LockedError)) {
		signed, err := openSigned(dir)
		if err != nil {
			return nil, nil, err
		}
		fmt.Fprintln(command.ErrOrStderr(), cli.LanguageFor(command).Text("pool.beside", "size", signed.size))
		return signed, signed.Reader, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return log, log, nil
}

// openOwnLog opens the log of a pool's directory, whose key may have been taken out.
func openOwnLog(dir string) (*txlog.Log, error) {
	if _, err := os.Stat(filepath.Join(dir, "log.key")); err != nil {
		if stored, err := txlog.StoredCheckpoint(vfs.OS, filepath.Join(dir, "shares")); err == nil &&
			stored.Origin != "" {
			return txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: stored.Origin})
		}
	}
	return openPoolLog(dir, "", false)
}

// signedLog is what of a log that another process writes is signed: what comes after it may not be durable yet.
type signedLog struct {
	*txlog.Reader
	size uint64
}

// Size is the number of entries that are signed.
func (l signedLog) Size() uint64 { return l.size }

// openSigned opens the log of a pool that runs, to its last checkpoint, and holds the entries against that. It takes no
// lock, and changes nothing.
func openSigned(dir string) (signedLog, error) {
	shares := filepath.Join(dir, "shares")
	// Before the entries: the log only grows, so that they reach at least so far.
	stored, err := txlog.StoredCheckpoint(vfs.OS, shares)
	if err != nil {
		return signedLog{}, err
	}
	reader, err := txlog.OpenReader(shares, txlog.Options{Origin: stored.Origin})
	if err != nil {
		return signedLog{}, err
	}
	l := signedLog{reader, stored.Size}
	if err := l.check(stored); err != nil {
		return signedLog{}, errors.Join(err, reader.Close())
	}
	return l, nil
}

// check holds the entries against what was signed.
func (l signedLog) check(signed txlog.Checkpoint) error {
	if got := l.Reader.Size(); got < signed.Size {
		return &txlog.BehindError{Size: got, Published: signed.Size}
	}
	var tree txlog.Tree
	for entry, err := range l.Entries(0, l.size) {
		if err != nil {
			return err
		}
		tree.Add(txlog.LeafHash(entry))
	}
	if tree.Root() != signed.Root {
		return fmt.Errorf("the log's %d entries have the root %s, signed is %s", l.size, tree.Root(), signed.Root)
	}
	return nil
}

// contradictionError says that a log convicts who has signed it.
type contradictionError struct{ count int }

func (e contradictionError) Error() string {
	return fmt.Sprintf("the log contradicts itself or the chain in %d places; they are listed above", e.count)
}
func (e contradictionError) ErrorCode() string { return "log-contradicts" }

// judge adds what the chain says and prints the evidence.
func judge(command *cobra.Command, auditor *audit.Auditor, node *chaincmd.NodeFlags) error {
	if node.URL != "" {
		client, network, err := node.Dial(command.Context())
		if err != nil {
			return err
		}
		defer client.Close()
		if err := auditor.CheckChain(command.Context(), network, client); err != nil {
			return err
		}
	}
	evidence := auditor.Contradictions()
	if len(evidence) == 0 {
		return nil
	}
	for _, c := range evidence {
		fmt.Fprintln(command.ErrOrStderr(), c)
	}
	return contradictionError{len(evidence)}
}
