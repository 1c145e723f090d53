package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// parseSize reads how many entries a signed checkpoint covers.
func parseSize(signed []byte) (uint64, error) {
	c, err := txlog.ParseSigned(signed)
	return c.Size, err
}

func newBackupCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the ledger to a directory, while it runs or not",
		Long: `Copy the log and its signed checkpoint to DIR, verifying every signature and rule on the way.
The node may run meanwhile. A backup that is there already is continued. Keys are not copied:
keep them apart.`,
		Example: `  aqsha backup /mnt/backup/tenge
  aqsha backup ./backup --node https://tenge.example.kz`,
		Args: exactArgs(1),
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			c, err := backupConfig(ctx, args[0], s.Client)
			if err != nil {
				return err
			}
			result, err := copyLog(command, args[0], c, s.Book, s.Client, nil)
			if err != nil {
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

// backupConfig begins a backup, or continues one.
func backupConfig(ctx context.Context, dir string, from *api.Client) (config, error) {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		c, err := readConfig(dir)
		if err == nil && c.Leader == "" {
			err = usageError{fmt.Errorf("%s is a leader's data directory, not a backup", dir)}
		}
		return c, err
	}
	info, err := from.Network(ctx)
	if err != nil {
		return config{}, err
	}
	c := config{Name: info.Name, Listen: defaultListen, Development: info.Open, Leader: backupLeader}
	return c, copyGenesis(ctx, dir, from, "", c)
}

// restored is what "aqsha restore" prints.
type restored struct {
	copied
	Lost     uint64 `json:"lost"`                // entries that the old log had published and the source lacks
	SetAside string `json:"set_aside,omitempty"` // where the old log is
}

func newRestoreCommand() *cobra.Command {
	var accept bool
	command := &cobra.Command{
		Use:   "restore SOURCE",
		Short: "Bring a data directory's ledger back from a backup or a follower",
		Long: `Copy the log from SOURCE, a backup's directory or the URL of a follower (@FILE holds it), into the data
directory, verifying everything. Keys and configuration there stay; a log that is there, perhaps
damaged, is set aside. When the old log had published more than the source has, nothing is
restored unless --accept-loss: entries that were acknowledged would be missing.`,
		Example: `  aqsha restore /mnt/backup/tenge
  aqsha restore http://127.0.0.1:8430 --data ./pilot`,
		Args: exactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			source, err := textOrFile(args[0])
			if err != nil {
				return usageError{err}
			}
			return restore(command, source, accept)
		},
	}
	addLedgerFlags(command)
	command.Flags().BoolVar(&accept, "accept-loss", false, "restore even if entries that were published are lost")
	return command
}

func restore(command *cobra.Command, source string, accept bool) error {
	ctx, dir := command.Context(), flag(command, "data")
	book, err := openBook(command)
	if err != nil {
		return err
	}
	from, closeSource, err := openSource(ctx, source, accessOf(command), book)
	if err != nil {
		return err
	}
	defer closeSource()
	info, err := from.Network(ctx)
	if err != nil {
		return err
	}
	c, err := readConfig(dir)
	if errors.As(err, new(usageError)) {
		c, err = config{Name: info.Name, Listen: defaultListen, Development: info.Open}, nil
	}
	if err != nil {
		return err
	}
	lock, err := vfs.OS.Lock(dir) // nobody runs on it
	if err != nil {
		return err
	}
	result := restored{}
	published, err := txlog.StoredCheckpoint(vfs.OS, filepath.Join(dir, "log"))
	if err == nil && published.Size > info.Head.Size {
		result.Lost = published.Size - info.Head.Size
	}
	if result.Lost > 0 && !accept {
		_ = lock.Close()
		return fmt.Errorf("the log here had published %d entries, %s has %d: %d would be lost; another source may have them (or --accept-loss)", published.Size, source, info.Head.Size, result.Lost)
	}
	if result.SetAside, err = setAside(dir); err != nil {
		return errors.Join(err, lock.Close())
	}
	if err := lock.Close(); err != nil {
		return err
	}
	// As a copy first; then it is what it was.
	copying := c
	copying.Leader, copying.Followers, copying.Acks = source, nil, 0
	if err := copyGenesis(ctx, dir, from, "", copying); err != nil {
		return err
	}
	if result.copied, err = copyLog(command, dir, copying, book, from, nil); err != nil {
		return err
	}
	if node.Replaced(vfs.OS, dir) {
		c.Leader = source // it was replaced while it was away: it follows now
	}
	if err := writeConfig(dir, c); err != nil {
		return err
	}
	return show(command, result, func(w io.Writer) {
		result.describe(w)
		if c.Leader != "" {
			fmt.Fprintf(w, "  It is a follower of %s: start it with \"aqsha follow --data %s\".\n", c.Leader, dir)
		}
		if result.SetAside != "" {
			fmt.Fprintf(w, "  the old log is in %s\n", result.SetAside)
		}
		if result.Lost > 0 {
			fmt.Fprintf(w, "  LOST: %d entries that had been published\n", result.Lost)
		}
		if !book.HasLogKey() && c.Leader == "" {
			fmt.Fprintln(w, "  The log's signing key is not here: put keys/log.secret back before \"aqsha up\".")
		}
	})
}

// openSource opens what a ledger is restored from.
func openSource(ctx context.Context, source, access string, book *wallet.Book) (*api.Client, func(), error) {
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		return api.NewClient(source, access), func() {}, nil
	}
	c, err := readConfig(source)
	if err != nil {
		return nil, nil, err
	}
	c.Leader = backupLeader // read it, whatever it is
	n, err := openNode(source, c, book, nil)
	if err != nil {
		return nil, nil, err
	}
	return api.Local(api.New(n, api.Options{Open: true})), func() { _ = n.Close() }, nil
}

// setAside moves a log and what was made from it out of the way.
func setAside(dir string) (string, error) {
	aside := filepath.Join(dir, "set-aside-"+time.Now().UTC().Format("20060102T150405.000000000"))
	moved := false
	for _, part := range node.LedgerParts {
		from := filepath.Join(dir, part)
		if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return "", err
		}
		if err := os.Rename(from, filepath.Join(aside, part)); err != nil {
			return "", err
		}
		moved = true
	}
	if !moved {
		return "", nil
	}
	return aside, nil
}
