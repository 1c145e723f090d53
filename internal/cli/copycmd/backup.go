package copycmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/session"
)

// NewBackupCommand makes the command "backup".
func NewBackupCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the ledger to a directory, while it runs or not",
		Long: `Copy the log and its signed checkpoint to DIR, verifying every signature and rule on the way.
The node may run meanwhile. A backup that is there already is continued; one of another network, or
of another history of this one, is refused and left as it is. Keys are not copied: keep them apart.
The copy is its owner's alone (0700).`,
		Example: `  aqsha backup /mnt/backup/tenge
  aqsha backup ./backup --node https://tenge.example.kz`,
		Args: cli.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			// A copy within the directory that it is of would be lost with it.
			if err := datadir.Outside(cli.Flag(command, "data"), args[0]); err != nil {
				return err
			}
			if info, err := os.Stat(args[0]); err == nil && !info.IsDir() {
				return cli.Usage(fmt.Errorf("%s is a file: name a directory, which may be there or not", args[0]))
			}
			if err := nodecmd.ShowsAll(ctx, s.API); err != nil {
				return err
			}
			c, lock, err := backupConfig(ctx, args[0], s.API)
			if err != nil {
				return err
			}
			result, err := nodecmd.CopyLog(command, args[0], c, s.Keyring, s.API, nil)
			if err := errors.Join(err, lock.Close()); err != nil {
				return err
			}
			return cli.Show(command, result, result.Describe)
		}),
	}
	datadir.AddLedgerFlags(command)
	return command
}

// backupConfig begins a backup, or continues one, in a directory that it takes.
func backupConfig(ctx context.Context, dir string, from *api.Client) (datadir.Config, io.Closer, error) {
	if _, err := os.Stat(filepath.Join(dir, datadir.ConfigFile)); err == nil {
		c, lock, err := datadir.TakeLedger(ctx, dir, func(c datadir.Config) error {
			// A leader's directory holds what others rely on: continued as a backup it would be overwritten.
			if c.Leader == "" {
				return cli.Usage(fmt.Errorf("%s is a leader's data directory, not a backup", dir))
			}
			return nil
		})
		if err == nil {
			if err = datadir.ShutDirectory(dir); err != nil {
				err = errors.Join(err, lock.Close())
			}
		}
		return c, lock, err
	}
	info, err := from.Network(ctx)
	if err != nil {
		return datadir.Config{}, nil, err
	}
	lock, err := datadir.NewDirectory(ctx, dir)
	if err != nil {
		return datadir.Config{}, nil, err
	}
	c := datadir.Config{Name: info.Name, Listen: datadir.DefaultListen, Development: info.Open,
		Leader: datadir.BackupLeader, Network: info.Network.String()}
	if err := nodecmd.CopyGenesis(ctx, dir, from, "", c); err != nil {
		return c, nil, errors.Join(err, lock.Close())
	}
	return c, lock, nil
}
