package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// restored is what "aqsha restore" prints.
type restored struct {
	copied
	Lost     uint64      `json:"lost"`                // entries that were published or acknowledged here and the source lacks
	Entries  []lostEntry `json:"entries,omitempty"`   // the first of them, if they can still be read here
	SetAside string      `json:"set_aside,omitempty"` // where the old log is
}

// lostEntry is an entry of the old log that the source lacks.
type lostEntry struct {
	Index       uint64               `json:"index"`
	What        string               `json:"what"`
	Transaction *token.TransactionID `json:"transaction,omitempty"`
}

// mostLost is how many lost entries are listed.
const mostLost = 100

func newRestoreCommand() *cobra.Command {
	var accept bool
	command := &cobra.Command{
		Use:   "restore SOURCE",
		Short: "Bring a data directory's ledger back from a backup or a follower",
		Long: `Copy the log from SOURCE, a backup's directory or the URL of a follower (@FILE holds it), into the data
directory, verifying everything. Keys and configuration there stay; a log that is there, perhaps
damaged, is set aside. Nothing may run on the directory. The source must be of the same network, and
its log must begin with everything that was published or acknowledged here; otherwise nothing is
restored, unless --accept-loss: then what is lost is listed.

With --to-size or --to-time the ledger is restored as it stood then, up to the last block by that size or
time, every signature verified. What comes of it is a copy to read, as an auditor does; it follows nobody.
To go on from there after a disaster, "aqsha promote --accept-loss" makes it the leader of a new epoch.`,
		Example: `  aqsha restore /mnt/backup/tenge
  aqsha restore http://127.0.0.1:8430 --data ./pilot
  aqsha restore /mnt/archive/tenge --to-time 2026-11-28T17:30 --data ./as-of`,
		Args: exactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			source, err := textOrFile(args[0])
			if err != nil {
				return usageError{err}
			}
			to, err := pointOf(command)
			if err != nil {
				return err
			}
			return restore(command, source, to, accept)
		},
	}
	addLedgerFlags(command)
	addPointFlags(command)
	command.Flags().BoolVar(&accept, "accept-loss", false, "restore even if entries that were published or acknowledged are lost")
	return command
}

func restore(command *cobra.Command, source string, to point, accept bool) (err error) {
	ctx, dir := command.Context(), flag(command, "data")
	book, err := openBook(command)
	if err != nil {
		return err
	}
	lock, err := takeToRestore(ctx, dir)
	if err != nil {
		return err
	}
	defer func() {
		if lock != nil { // else nothing was made yet
			err = errors.Join(err, lock.Close())
		}
	}()
	from, closeSource, err := openSource(ctx, source, accessOf(command), book)
	if err != nil {
		return err
	}
	defer closeSource()
	info, err := from.Network(ctx)
	if err != nil {
		return err
	}
	if info.Head, err = to.find(ctx, from, info.Head); err != nil {
		return err
	}
	if lock, err = relock(ctx, dir, lock); err != nil {
		return err
	}
	forgetAddress(dir)
	c, err := configToRestore(dir, info)
	if err != nil {
		return err
	}
	result := restored{}
	if err := result.compare(ctx, dir, source, c, from, info, accept); err != nil {
		return err
	}
	c.Name, c.Network = info.Name, info.Network.String()
	if err := keepConfig(dir, c); err != nil {
		return err
	}
	if result.SetAside, err = setAside(dir); err != nil {
		return err
	}
	if result.copied, err = copyBack(command, dir, source, c, book, from, to, info.Head.Size); err != nil {
		return err
	}
	if !to.whole() {
		c.Leader, c.Followers, c.Acks = backupLeader, nil, 0 // a copy of the past: nobody leads with it by mistake
	}
	if node.Replaced(vfs.OS, dir) {
		c.Leader = source // it was replaced while it was away: it follows now
	}
	if err := writeConfig(dir, c); err != nil {
		return err
	}
	if err := durable.Remove(vfs.OS, filepath.Join(dir, restoringFile)); err != nil {
		return err
	}
	return show(command, result, func(w io.Writer) { result.describe(w, dir, c, book) })
}

func (r *restored) describe(w io.Writer, dir string, c config, book *wallet.Book) {
	r.copied.describe(w)
	if c.Leader == backupLeader {
		fmt.Fprintf(w, "  It is a copy of the past, to read: aqsha supply --data %s\n", dir)
	} else if c.Leader != "" && checkURL("leader", c.Leader) != nil {
		fmt.Fprintf(w, "  It was replaced as the leader: follow the one that leads now with \"aqsha follow URL --data %s\".\n", dir)
	} else if c.Leader != "" {
		fmt.Fprintf(w, "  It is a follower of %s: start it with \"aqsha follow --data %s\".\n", c.Leader, dir)
	}
	if r.SetAside != "" {
		fmt.Fprintf(w, "  the old log is in %s\n", r.SetAside)
	}
	if r.Lost > 0 {
		fmt.Fprintf(w, "  LOST: %d entries that had been published or acknowledged\n", r.Lost)
		for _, e := range r.Entries {
			fmt.Fprintf(w, "    %s\n", e)
		}
		if more := int(r.Lost) - len(r.Entries); len(r.Entries) > 0 && more > 0 {
			fmt.Fprintf(w, "    and %d more\n", more)
		}
	}
	if !book.HasLogKey() && c.Leader == "" {
		fmt.Fprintln(w, "  The log's signing key is not here: put keys/log.secret back before \"aqsha up\".")
	}
}

func (e lostEntry) String() string {
	if e.Transaction == nil {
		return fmt.Sprintf("entry %d: %s", e.Index, e.What)
	}
	return fmt.Sprintf("entry %d: %s, transaction %s", e.Index, e.What, e.Transaction)
}

// takeToRestore takes a directory that is there; one that is not is made when the source has answered.
func takeToRestore(ctx context.Context, dir string) (io.Closer, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return takeDirectory(ctx, dir)
}

// relock makes and takes the directory, if it was not there to be taken first.
func relock(ctx context.Context, dir string, lock io.Closer) (io.Closer, error) {
	if lock != nil {
		return lock, shutDirectory(dir)
	}
	return newDirectory(ctx, dir)
}

// restoringFile holds the configuration as it was before a restoration that has not ended: until then the directory
// is a copy, and nobody leads with half a log.
const restoringFile = "restoring.toml"

// maxConfig bounds a configuration, in bytes.
const maxConfig = 1 << 20

// configToRestore is the configuration that the directory has when everything is back.
func configToRestore(dir string, info api.Network) (config, error) {
	var c config
	content, err := durable.Read(vfs.OS, filepath.Join(dir, restoringFile), maxConfig)
	if err == nil {
		return c, toml.Unmarshal(content, &c)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c, err = readConfig(dir)
	if errors.As(err, new(usageError)) {
		return config{Name: info.Name, Listen: defaultListen, Development: info.Open}, nil
	}
	return c, err
}

// keepConfig keeps the configuration until the restoration ends.
func keepConfig(dir string, c config) error {
	content, err := encodeConfig(c)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(dir, restoringFile), content)
}

// copyBack copies the log as a copy's.
func copyBack(command *cobra.Command, dir, source string, c config, book *wallet.Book, from *api.Client, to point, size uint64) (copied, error) {
	c.Leader, c.Followers, c.Acks = source, nil, 0
	if err := copyGenesis(command.Context(), dir, from, "", c); err != nil {
		return copied{}, err
	}
	if !to.whole() {
		return copyLogTo(command, dir, c, book, from, size)
	}
	return copyLog(command, dir, c, book, from, nil)
}

// compare finds what would be lost: what was published or acknowledged here, and does not stand in the source.
func (r *restored) compare(ctx context.Context, dir, source string, c config, from *api.Client, info api.Network, accept bool) error {
	here, err := openPast(dir, c)
	if err != nil {
		if accept {
			return nil
		}
		return fmt.Errorf("what was published here cannot be read (%w): whether %s has all of it cannot be said (--accept-loss restores it all the same)", err, source)
	}
	if here == nil {
		if c.Network != "" && c.Network != info.Network.String() && !accept {
			return token.Errorf(wrongNetwork, "source", "%s is network %s (%s), this directory is of network %s (%s)", source, info.Network, info.Name, c.Network, c.Name)
		}
		return nil
	}
	defer here.close()
	common := uint64(0)
	if here.network == (token.NetworkID{}) || here.network == info.Network {
		if common, err = here.common(ctx, from, info.Head); err != nil {
			return err
		}
	}
	if r.Lost = here.size - common; r.Lost == 0 {
		return nil
	}
	if r.Entries, err = here.list(common); err != nil || accept {
		return err
	}
	listed := ""
	for _, e := range r.Entries[:min(len(r.Entries), 10)] {
		listed += "\n  " + e.String()
	}
	if common == 0 {
		return token.Errorf(wrongNetwork, "source", "%s is network %s (%s), not the one here: all %d entries would be lost (--accept-loss)%s", source, info.Network, info.Name, r.Lost, listed)
	}
	return token.Errorf(wouldLose, "source", "%d entries were published or acknowledged here; %s has %d, and of those here only the first %d: %d would be lost; another source may have them (or --accept-loss)%s",
		here.size, source, info.Head.Size, common, r.Lost, listed)
}

// openSource opens what a ledger is restored from.
func openSource(ctx context.Context, source, access string, book *wallet.Book) (*api.Client, func(), error) {
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		return api.NewClient(source, access), func() {}, nil
	}
	s, err := openForReading(ctx, source, book)
	if err != nil {
		return nil, nil, err
	}
	return s.Client, func() { _ = s.close() }, nil
}

// setAsidePrefix begins the name of a folder with an old log.
const setAsidePrefix = "set-aside-"

// setAside moves a log and what was made from it out of the way.
func setAside(dir string) (string, error) {
	aside := filepath.Join(dir, setAsidePrefix+time.Now().UTC().Format("20060102T150405.000000000"))
	moved := false
	for _, part := range node.LedgerParts {
		from := filepath.Join(dir, part)
		if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := vfs.OS.MkdirAll(aside); err != nil {
			return "", err
		}
		if err := vfs.OS.Rename(from, filepath.Join(aside, part)); err != nil {
			return "", err
		}
		moved = true
	}
	if !moved {
		return "", nil
	}
	return aside, vfs.OS.SyncDir(dir)
}
