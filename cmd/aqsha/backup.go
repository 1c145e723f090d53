package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
)

func newBackupCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the ledger to a directory, while it runs or not",
		Long: `Copy the log and its signed checkpoint to DIR, verifying every signature and rule on the way.
The node may run meanwhile. A backup that is there already is continued; one of another network, or
of another history of this one, is refused and left as it is. Keys are not copied: keep them apart.
The copy is its owner's alone (0700).`,
		Example: `  aqsha backup /mnt/backup/tenge
  aqsha backup ./backup --node https://tenge.example.kz`,
		Args: exactArgs(1),
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			if err := outside(flag(command, "data"), args[0]); err != nil {
				return err
			}
			c, lock, err := backupConfig(ctx, args[0], s.Client)
			if err != nil {
				return err
			}
			result, err := copyLog(command, args[0], c, s.Book, s.Client, nil)
			if err := errors.Join(err, lock.Close()); err != nil {
				return err
			}
			return show(command, result, result.describe)
		}),
	}
	addLedgerFlags(command)
	return command
}

// backupLeader stands for the leader in a backup's configuration.
const backupLeader = "backup"

// outside refuses a backup that would lie within the directory of the ledger that it is a backup of.
func outside(data, dir string) error {
	if _, err := os.Stat(filepath.Join(data, configFile)); err != nil {
		return nil // a ledger elsewhere
	}
	// A folder above it, such as / by a slip, would be filled with the parts of a ledger.
	above, err := filepath.Rel(absolute(dir), absolute(data))
	if _, begun := os.Stat(filepath.Join(dir, configFile)); begun != nil && err == nil && above != "." && above != ".." && !strings.HasPrefix(above, ".."+string(filepath.Separator)) {
		return usageError{fmt.Errorf("%s holds the ledger's own directory %s: name a folder for the backup alone, best on another disk", dir, data)}
	}
	within, err := filepath.Rel(absolute(data), absolute(dir))
	if err != nil || within == ".." || strings.HasPrefix(within, ".."+string(filepath.Separator)) {
		return nil
	}
	if within == "." {
		return usageError{fmt.Errorf("%s is a leader's data directory, not a backup", dir)}
	}
	return usageError{fmt.Errorf("%s lies in the ledger's own directory %s: a backup belongs on another disk", dir, data)}
}

// absolute is a path from the root, with links followed as far as it exists.
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

// backupConfig begins a backup, or continues one, in a directory that it takes.
func backupConfig(ctx context.Context, dir string, from *api.Client) (config, io.Closer, error) {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		c, lock, err := takeLedger(ctx, dir, func(c config) error {
			if c.Leader == "" {
				return usageError{fmt.Errorf("%s is a leader's data directory, not a backup", dir)}
			}
			return nil
		})
		if err == nil {
			if err = shutDirectory(dir); err != nil {
				err = errors.Join(err, lock.Close())
			}
		}
		return c, lock, err
	}
	info, err := from.Network(ctx)
	if err != nil {
		return config{}, nil, err
	}
	lock, err := newDirectory(ctx, dir)
	if err != nil {
		return config{}, nil, err
	}
	c := config{Name: info.Name, Listen: defaultListen, Development: info.Open, Leader: backupLeader, Network: info.Network.String()}
	if err := copyGenesis(ctx, dir, from, "", c); err != nil {
		return c, nil, errors.Join(err, lock.Close())
	}
	return c, lock, nil
}
