package miningcmd

import (
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
			bar := cli.Progress(command, 0, "entries")
			result, err := logcopy.Fetch(command.Context(), logcopy.Options{URL: args[0], Dir: dir, Key: key,
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
// its secret key.
func openPoolRecords(dir string) (audit.Records, io.Closer, error) {
	if logcopy.Is(dir) {
		records, err := logcopy.Open(dir)
		return records, io.NopCloser(nil), err
	}
	if _, err := os.Stat(filepath.Join(dir, "log.key")); err != nil {
		if stored, err := txlog.StoredCheckpoint(vfs.OS, filepath.Join(dir, "shares")); err == nil &&
			stored.Origin != "" {
			log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: stored.Origin})
			if err != nil {
				return nil, nil, err
			}
			return log, log, nil
		}
	}
	log, err := openPoolLog(dir, "", false)
	if err != nil {
		return nil, nil, err
	}
	return log, log, nil
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
