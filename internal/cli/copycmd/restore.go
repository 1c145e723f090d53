package copycmd

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
	"github.com/aqsha/aqsha/api/backups"
	"github.com/aqsha/aqsha/api/staff"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/nodecmd"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// restored is what "aqsha restore" prints.
type restored struct {
	nodecmd.Copied
	lost                 // entries that stand here and the source lacks
	Entries  []lostEntry `json:"entries,omitempty"`   // the first of them, if they can still be read here
	SetAside string      `json:"set_aside,omitempty"` // where the old log is
	Staff    staffBack   `json:"staff,omitzero"`
	// Phones are the sealed backups of wallets' phones that were brought back.
	Phones backups.Copied `json:"wallet_backups,omitzero"`
}

// staffBack is what came of the staff's trail.
type staffBack struct {
	staff.Copied
	Kept     bool   `json:"kept,omitempty"`      // the trail here knows more, or another history: it stays
	SetAside string `json:"set_aside,omitempty"` // where the damaged trail is
}

// lostEntry is an entry of the old log that the source lacks.
type lostEntry struct {
	Index       uint64               `json:"index"`
	What        string               `json:"what"`
	Transaction *token.TransactionID `json:"transaction,omitempty"`
}

// maxLost is how many lost entries are listed.
const maxLost = 100

// NewRestoreCommand makes the command "restore".
func NewRestoreCommand() *cobra.Command {
	var accept bool
	command := &cobra.Command{
		Use:   "restore SOURCE",
		Short: "Bring a data directory's ledger back from a backup or a follower",
		Long: `Copy the log from SOURCE, a backup's directory or the URL of a follower (@FILE holds it), into the data
directory, verifying everything. Keys and configuration there stay; a log that is there, perhaps
damaged, is set aside. Nothing may run on the directory. The source must be of the same network, and
its log must begin with everything that stands here; otherwise nothing is restored, unless --accept-loss:
then what is lost is listed. Both times it is said how much of it somebody may rely on (it was answered, or
acknowledged), how much a replaced leader had written that nobody was told of, and of how much that is not known here.

With --to-size or --to-time the ledger is restored as it stood then, up to the last block by that size or
time, every signature verified. What comes of it is a copy to read, as an auditor does; it follows nobody.
To go on from there after a disaster, "aqsha promote --accept-loss" makes it the leader of a new epoch.

Only a backup that says so is of a development network, open to read; those that earlier programs made do not
("development = true" in config.toml makes it one again).`,
		Example: `  aqsha restore /mnt/backup/tenge
  aqsha restore http://127.0.0.1:8430 --data ./pilot
  aqsha restore /mnt/archive/tenge --to-time 2026-11-28T17:30 --data ./as-of`,
		Args: cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			source, err := cli.TextOrFile(args[0])
			if err != nil {
				return cli.Usage(err)
			}
			// A backup's folder or a follower, told apart by its form: a folder that is not there is never taken for a
			// host.
			if strings.Contains(source, "://") {
				if source, err = cli.NodeURL("SOURCE", source); err != nil {
					return err
				}
			}
			to, err := pointOf(command)
			if err != nil {
				return err
			}
			return restore(command, source, to, accept)
		},
	}
	datadir.AddLedgerFlags(command)
	addPointFlags(command)
	command.Flags().BoolVar(&accept, "accept-loss", false, "restore even if entries that stand here are lost")
	return command
}

// restore brings a ledger back. Everything that can be refused is, before anything is set aside: network, the point
// that was asked for, its signatures, the history that is here. What is here is moved, not deleted; until the end a
// file (RestoringFile) says that the directory is between, and the command, run again, goes on.
func restore(command *cobra.Command, source string, to point, accept bool) (err error) {
	ctx, dir := command.Context(), cli.Flag(command, "data")
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return err
	}
	if err := notItself(source, dir); err != nil {
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
	from, closeSource, err := openSource(command, source, keyring)
	if err != nil {
		return err
	}
	defer closeSource()
	info, err := from.Network(ctx)
	if err != nil {
		return err
	}
	if info.Head, err = to.find(ctx, from, info.Head); err == nil {
		err = signedToTheEnd(ctx, source, from, to) // before anything is set aside: a later failure leaves no log here
	}
	if err != nil {
		return err
	}
	if lock, err = relock(ctx, dir, lock); err != nil {
		return err
	}
	datadir.ForgetAddress(dir)
	c, err := configToRestore(dir, info)
	if err != nil {
		return err
	}
	var result restored
	if err = result.compare(ctx, dir, source, c, from, info, accept); err != nil {
		return err
	}
	c.Name, c.Network = info.Name, info.Network.String()
	if err := keepConfig(dir, c); err != nil {
		return err
	}
	if result.SetAside, err = setAside(dir); err != nil {
		return err
	}
	if result.Copied, err = copyBack(command, dir, source, c, keyring, from, to, info.Head.Size); err != nil {
		return err
	}
	if to.whole() && !strings.Contains(source, "://") {
		if err := result.beside(source, dir); err != nil {
			return err
		}
	}
	c = configAfter(dir, source, c, to)
	if err := datadir.WriteCopyConfig(dir, c); err != nil {
		return err
	}
	if err := durable.Remove(vfs.OS, filepath.Join(dir, datadir.RestoringFile)); err != nil {
		return err
	}
	show := func(w io.Writer) { result.describe(w, cli.LanguageFor(command), dir, c, keyring) }
	return cli.Show(command, result, show)
}

// beside brings back what lies beside a ledger in a copy's folder: the staff's trail and wallets' sealed backups.
func (r *restored) beside(source, dir string) (err error) {
	if r.Staff, err = staffFrom(source, dir); err != nil {
		return err
	}
	r.Phones, err = copyPhones(source, dir)
	return err
}

// configAfter is the configuration of a directory that was restored.
func configAfter(dir, source string, c datadir.Config, to point) datadir.Config {
	if !to.whole() {
		// a copy of the past: nobody leads with it by mistake
		c.Leader, c.Followers, c.Acks = datadir.BackupLeader, nil, 0
	}
	if node.Replaced(vfs.OS, dir) {
		c.Leader = leaderFrom(source) // it was replaced while it was away: it follows now
	}
	return c
}

// leaderFrom is whom a copy of a source follows: a node, or nobody where the source is a directory.
func leaderFrom(source string) string {
	if strings.Contains(source, "://") {
		return source
	}
	return datadir.BackupLeader
}

// staffFrom brings the staff's trail back from a backup's directory. One that stands here and knows more than the
// backup stays; one that is damaged is set aside, as a log is.
func staffFrom(source, dir string) (s staffBack, err error) {
	from, to := filepath.Join(source, staff.Folder), filepath.Join(dir, staff.Folder)
	s.Copied, err = staff.Copy(vfs.OS, from, to)
	if errors.Is(err, staff.ErrCopyDiffers) {
		return staffBack{Kept: true}, nil
	}
	if damaged := (*staff.UnreadableCopyError)(nil); !errors.As(err, &damaged) {
		return s, err
	}
	s.SetAside = filepath.Join(dir, datadir.SetAsidePrefix+staff.Folder+"-"+
		time.Now().UTC().Format("20060102T150405.000000000"))
	if err := vfs.OS.Rename(to, s.SetAside); err != nil {
		return s, err
	}
	s.Copied, err = staff.Copy(vfs.OS, from, to)
	return s, err
}

func (s staffBack) describe(w io.Writer, l words.Language) {
	switch {
	case s.Kept:
		fmt.Fprintln(w, " ", l.Text("copy.staff-stays"))
	case s.Entries > 0:
		fmt.Fprintln(w, " ", l.Text("copy.staff-as-of", "at", terminal.Moment(s.Last)))
	}
	if s.SetAside != "" {
		fmt.Fprintln(w, " ", l.Text("copy.staff-damaged", "path", s.SetAside))
	}
}

func (r *restored) describe(w io.Writer, l words.Language, dir string, c datadir.Config, keyring *wallet.Keyring) {
	said := func(key string, pairs ...any) { fmt.Fprintln(w, " ", l.Text("copy."+key, pairs...)) }
	r.Copied.Describe(w, l)
	if c.Leader == datadir.BackupLeader && node.Replaced(vfs.OS, dir) {
		said("replaced", "dir", dir)
	} else if c.Leader == datadir.BackupLeader {
		said("past", "dir", dir)
	} else if c.Leader != "" {
		said("follows", "leader", c.Leader, "dir", dir)
	}
	if r.SetAside != "" {
		said("old-log", "path", r.SetAside)
	}
	r.Staff.describe(w, l)
	describePhones(w, l, r.Phones)
	if r.Lost > 0 {
		said("lost", "count", r.Lost, "what", r.lost.in(l))
		for _, e := range r.Entries {
			fmt.Fprintln(w, "   ", e.in(l))
		}
		if more := int(r.Lost) - len(r.Entries); len(r.Entries) > 0 && more > 0 {
			fmt.Fprintln(w, "   ", l.Count("result.and-more", more))
		}
	}
	if !keyring.HasLogKey() && c.Leader == "" {
		said("no-log-key")
	}
}

// String says it in English, as errors do.
func (e lostEntry) String() string { return e.in(words.English) }

func (e lostEntry) in(l words.Language) string {
	if e.Transaction == nil {
		return l.Text("copy.lost-entry", "index", e.Index, "what", session.KindText(l, e.What))
	}
	return l.Text("copy.lost-transaction", "index", e.Index, "what",
		session.KindText(l, e.What), "id", e.Transaction)
}

// notItself refuses to restore a directory from itself: it would be held here, and said to be in use.
func notItself(source, dir string) error {
	a, err := os.Stat(source)
	if err != nil {
		return nil //nolint:nilerr // said when it is opened
	}
	if b, err := os.Stat(dir); err == nil && os.SameFile(a, b) {
		return cli.Usage(fmt.Errorf("%s is the directory that is to be restored: %s", source, whatToRestore))
	}
	return nil
}

// takeToRestore takes a directory that is there; one that is not is made when the source has answered.
func takeToRestore(ctx context.Context, dir string) (io.Closer, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return datadir.TakeDirectory(ctx, dir)
}

// relock makes and takes the directory, if it was not there to be taken first.
func relock(ctx context.Context, dir string, lock io.Closer) (io.Closer, error) {
	if lock != nil {
		return lock, datadir.ShutDirectory(dir)
	}
	return datadir.NewDirectory(ctx, dir)
}

// maxConfig bounds a configuration, in bytes.
const maxConfig = 1 << 20

// configToRestore is the configuration that the directory has when everything is back.
func configToRestore(dir string, info api.Network) (datadir.Config, error) {
	var c datadir.Config
	content, err := durable.Read(vfs.OS, filepath.Join(dir, datadir.RestoringFile), maxConfig)
	if err == nil {
		return c, toml.Unmarshal(content, &c)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c, err = datadir.ReadConfig(dir)
	// One that cannot be read is not done without: who may read, and who must acknowledge, stands in it.
	if errors.Is(err, datadir.ErrNoNetwork) {
		return datadir.Config{Name: info.Name, Listen: datadir.DefaultListen, Development: info.Open}, nil
	}
	return c, err
}

// keepConfig keeps the configuration until the restoration ends.
func keepConfig(dir string, c datadir.Config) error {
	content, err := datadir.EncodeConfig(c)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(dir, datadir.RestoringFile), content)
}

// copyBack copies the log as a copy's.
func copyBack(command *cobra.Command, dir, source string, c datadir.Config, keyring *wallet.Keyring, from *api.Client,
	to point, size uint64) (nodecmd.Copied, error) {
	c.Leader, c.Followers, c.Acks = leaderFrom(source), nil, 0
	if err := nodecmd.CopyGenesis(command.Context(), dir, from, "", c); err != nil {
		return nodecmd.Copied{}, err
	}
	if !to.whole() {
		return nodecmd.CopyLogTo(command, dir, c, keyring, from, size)
	}
	return nodecmd.CopyLog(command, dir, c, keyring, from, nil)
}

// compare finds what would be lost: what stands here, and not in the source.
func (r *restored) compare(ctx context.Context, dir, source string, c datadir.Config, from *api.Client,
	info api.Network, accept bool) error {
	here, err := openPast(dir, c)
	if err != nil {
		if accept {
			return nil
		}
		return fmt.Errorf("what stands here cannot be read (%w): whether %s has all of it cannot be said "+
			"(--accept-loss restores it all the same)", err, source)
	}
	if here == nil {
		if c.Network != "" && c.Network != info.Network.String() && !accept {
			return token.Errorf(datadir.WrongNetwork, "source",
				"%s is network %s (%s), this directory is of network %s (%s)", source, info.Network, info.Name,
				c.Network, c.Name)
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
	if here.size == common {
		return nil
	}
	r.judge(dir, c, here.signed, common, here.size)
	if common == info.Head.Size { // it has the beginning of what is here, as far as it shows
		if err := nodecmd.ShowsAll(ctx, from); err != nil {
			return err
		}
	}
	if r.Entries, err = here.list(common); err != nil || accept {
		return err
	}
	listed := ""
	for _, e := range r.Entries[:min(len(r.Entries), 10)] {
		listed += "\n  " + e.String()
	}
	if common == 0 {
		return token.Errorf(datadir.WrongNetwork, "source",
			"%s is network %s (%s), not the one here: all %d entries would be lost (--accept-loss): %s%s", source,
			info.Network, info.Name, r.Lost, &r.lost, listed)
	}
	return token.Errorf(datadir.WouldLose, "source",
		"%d entries stand here; %s shows %d, and of those here only the first %d: %d would be lost: %s. Another "+
			"source may have them (or --accept-loss)%s",
		here.size, source, info.Head.Size, common, r.Lost, &r.lost, listed)
}

// openSource opens what a ledger is restored from.
func openSource(command *cobra.Command, source string, keyring *wallet.Keyring) (*api.Client, func(), error) {
	access, err := datadir.AccessOf(command)
	if err != nil {
		return nil, nil, err
	}
	if strings.Contains(source, "://") {
		return api.NewClient(source, access), func() {}, nil
	}
	if err := holdsCopy(source); err != nil {
		return nil, nil, err
	}
	s, err := session.OpenForReading(command.Context(), source, keyring)
	if err != nil {
		return nil, nil, err
	}
	return s.API, func() { _ = s.End() }, nil
}

// signedToTheEnd refuses a source that no checkpoint covers, where all of it is wanted: a copy that was itself restored
// to a point in the past holds no signature of where it ends.
func signedToTheEnd(ctx context.Context, source string, from *api.Client, to point) error {
	if !to.whole() || strings.Contains(source, "://") {
		return nil // a node that has none yet says so itself
	}
	if _, err := from.Checkpoint(ctx); !CodeIs(err, node.NotFound) {
		return err
	}
	return cli.Usage(fmt.Errorf("%s has no signed checkpoint, as a copy that was restored to a size or a time has none: "+
		"restore from the backup that it was made from, with --to-size or --to-time", source))
}

const whatToRestore = "name the directory of a backup, or the URL of a node that has the ledger"

// holdsCopy refuses a source in which there is nothing to restore, in words of restoring: the file that is missed
// there is no concern of whoever names a backup.
func holdsCopy(source string) error {
	info, err := os.Stat(source)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return cli.Usage(fmt.Errorf("there is no %s: %s", source, whatToRestore))
	case err != nil:
		return err
	case !info.IsDir():
		return cli.Usage(fmt.Errorf("%s is a file: %s", source, whatToRestore))
	}
	if _, err := os.Stat(filepath.Join(source, datadir.ConfigFile)); errors.Is(err, fs.ErrNotExist) {
		return cli.Usage(fmt.Errorf("%s has no %s, so it is no backup and no data directory: %s",
			source, datadir.ConfigFile, whatToRestore))
	}
	return nil
}

// setAside moves a log and what was made from it out of the way.
func setAside(dir string) (string, error) {
	aside := filepath.Join(dir, datadir.SetAsidePrefix+time.Now().UTC().Format("20060102T150405.000000000"))
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
