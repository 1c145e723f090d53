package copycmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/backups"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/words"
)

// NewBackupCommand makes the command "backup".
func NewBackupCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the ledger to a directory, while it runs or not",
		Long: `Copy the log and its signed checkpoint to DIR, verifying every signature and rule on the way.
The node may run meanwhile. A backup that is there already is continued; one of another network, or
of another history of this one, is refused and left as it is. Keys are not copied: keep them apart.
The copy is its owner's alone (0700).

What staff did is copied from the data directory itself (--data), not from a node elsewhere (--node): accounts,
roles and passkeys, which its audit trail adds up to. Sessions and links are not. So are the backups that wallets'
phones laid down there, sealed.`,
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
			if cli.Flag(command, "node") == "" { // this directory's own node, which keeps the log from being read here
				s.API.UseAccess(datadir.LeftAccess(cli.Flag(command, "data")))
			}
			c, lock, err := backupConfig(ctx, args[0], s.API)
			if err != nil {
				return err
			}
			result := backedUp{}
			result.Copied, err = nodecmd.CopyLog(command, args[0], c, s.Keyring, s.API, nil)
			if err == nil {
				err = keepDevelopment(ctx, args[0], c, s.API)
			}
			if err == nil && cli.Flag(command, "node") == "" {
				result.Staff, err = copyStaff(cli.Flag(command, "data"), args[0])
			}
			if err == nil && cli.Flag(command, "node") == "" {
				result.Phones, err = copyPhones(cli.Flag(command, "data"), args[0])
			}
			if err := errors.Join(err, lock.Close()); err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) { result.describe(w, cli.LanguageFor(command)) })
		}),
	}
	datadir.AddLedgerFlags(command)
	return command
}

// backedUp is what "aqsha backup" prints.
type backedUp struct {
	nodecmd.Copied
	Staff *staff.Copied `json:"staff,omitempty"` // nil where there is none to copy
	// Phones are the sealed backups that wallets' phones laid down at the node.
	Phones backups.Copied `json:"wallet_backups,omitzero"`
}

func (b backedUp) describe(w io.Writer, l words.Language) {
	b.Copied.Describe(w, l)
	if b.Staff != nil {
		fmt.Fprintln(w, " ", l.Text("copy.staff", "entries", b.Staff.Entries, "new", b.Staff.New, "at",
			terminal.Moment(b.Staff.Last)))
	}
	describePhones(w, l, b.Phones)
}

// copyPhones copies wallets' sealed backups between data directories: what is there in a later version stays.
func copyPhones(from, to string) (backups.Copied, error) {
	c, err := backups.Copy(vfs.OS, filepath.Join(from, backups.Folder), filepath.Join(to, backups.Folder))
	if err != nil {
		return c, fmt.Errorf("the ledger was copied, the wallets' sealed backups were not: %w", err)
	}
	return c, nil
}

func describePhones(w io.Writer, l words.Language, c backups.Copied) {
	if c.Wallets > 0 || c.Left > 0 {
		fmt.Fprintln(w, " ", l.Text("copy.phones", "wallets", c.Wallets, "new", c.New, "left", c.Left))
	}
}

// copyStaff copies the staff's trail between data directories; nil where there is none.
func copyStaff(from, to string) (*staff.Copied, error) {
	c, err := staff.Copy(vfs.OS, filepath.Join(from, staff.Folder), filepath.Join(to, staff.Folder))
	if err != nil {
		return nil, fmt.Errorf("the ledger was copied, the staff's trail was not: %w", err)
	}
	if c.Entries == 0 {
		return nil, nil
	}
	return &c, nil
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
	lock, undo, err := datadir.BeginDirectory(ctx, dir)
	if err != nil {
		return datadir.Config{}, nil, err
	}
	c := datadir.Config{Name: info.Name, Listen: datadir.DefaultListen, Development: info.Open,
		Leader: datadir.BackupLeader, Network: info.Network.String()}
	err = nodecmd.CopyGenesis(ctx, dir, from, "", c)
	if err == nil {
		err = datadir.MarkDevelopment(dir, c)
	}
	if err != nil {
		return c, nil, errors.Join(readsAll(err), undo())
	}
	return c, lock, nil
}

// readsAll says what a copy needs that a node refused.
func readsAll(err error) error {
	if problem := (*api.Problem)(nil); errors.As(err, &problem) &&
		(problem.Status == http.StatusForbidden || problem.Status == http.StatusUnauthorized) {
		return fmt.Errorf("a backup has the whole ledger: name an access that reads all of it (--access-file), or run "+
			"this as the owner of the node's directory: %w", err)
	}
	return err
}

// keepDevelopment has a backup that was continued say whether its network is a development one, which an earlier
// program's said wrongly.
func keepDevelopment(ctx context.Context, dir string, c datadir.Config, from *api.Client) error {
	info, err := from.Network(ctx)
	if err != nil || c.Development == info.Open {
		return err
	}
	c.Development = info.Open
	return datadir.WriteCopyConfig(dir, c)
}
