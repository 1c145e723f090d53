package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
)

// Session is a command's access to a ledger: at a node by its URL, at the one that runs on the directory, or in this
// process with the directory's lock. End lets go of it and must be called.
type Session struct {
	*wallet.Client
	End func() error

	// unsaved is why no snapshot was written when the ledger was closed; nil of a ledger that is not open here.
	unsaved func() error
}

// WithSession runs a command on a ledger: at --node, at the node that runs on the data directory, or with
// the ledger opened in this process. Once the command has done what it says, what goes wrong in closing the ledger is
// a warning: a payment that is in the log was made, whether or not a snapshot could be written after it.
func WithSession(command *cobra.Command, reading bool, act func(ctx context.Context, s *Session) error) error {
	if _, err := cli.LanguageOf(command); err != nil { // before anything is done, whose result could not be said
		return err
	}
	if !reading {
		if err := checkOut(command); err != nil {
			return err
		}
		cli.Changing(command)
	}
	s, err := openSession(command, reading)
	if err != nil {
		return err
	}
	return Finish(command, s, act(command.Context(), s))
}

// WithPayer is WithSession for a payment, which asks a node nothing that its selection of tokens says too: two
// requests, where round trips are long. The first answer shows whether the node that runs on the data directory is
// still there; when it is not, nothing was done, and the payment is made as other commands work.
func WithPayer(command *cobra.Command, act func(ctx context.Context, s *Session) error) error {
	cli.Changing(command)
	url, instance := cli.Flag(command, "node"), ""
	if _, err := cli.LanguageOf(command); err != nil {
		return err
	}
	access, err := datadir.AccessOf(command)
	if err != nil {
		return err
	}
	if url == "" {
		// An access token is shown to nobody before it is known who is there.
		if url, instance, err = datadir.Announced(cli.Flag(command, "data")); err != nil || instance == "" ||
			access != "" {
			return WithSession(command, false, act)
		}
	}
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return err
	}
	ctx := command.Context()
	client := api.NewClient(url, access)
	client.WhileWaiting(cli.Waiting(command))
	client.ReadsWithin(readsWithin)
	if instance != "" {
		client.Expect(instance)
	}
	s := &Session{Client: wallet.LazyClient(ctx, client, keyring), End: func() error { return nil }}
	if err := act(ctx, s); !errors.As(err, new(*api.ElsewhereError)) {
		return Finish(command, s, err)
	}
	return WithSession(command, false, act)
}

// Finish closes the ledger of a command that came to its end, or failed.
func Finish(command *cobra.Command, s *Session, failed error) error {
	ended := s.End()
	if s.unsaved != nil {
		if cause := s.unsaved(); cause != nil { // nothing is lost by it: the exit code is the command's
			fmt.Fprintf(command.ErrOrStderr(), "warning: no snapshot could be written (the log has everything, the "+
				"next start takes longer): %v\n", cause)
		}
	}
	if failed != nil {
		return errors.Join(failed, ended)
	}
	if err := ended; err != nil {
		fmt.Fprintf(command.ErrOrStderr(), "aqsha: warning: done, but not everything could be put away: %v\n", err)
	}
	return nil
}

// readsWithin is how long a node may take to begin an answer that changes nothing: longer than it waits itself for a
// wallet's change.
const readsWithin = time.Minute

// hung says of a node that is announced and silent that it is waited for; a directory that no node has says nothing.
func hung(command *cobra.Command, dir string) (over func()) {
	url, _, err := datadir.Announced(dir)
	if err != nil {
		return func() {}
	}
	return sync.OnceFunc(cli.Waiting(command)(url))
}

// openSession finds who has the ledger. A node that announces itself in the directory is spoken to; without one the
// ledger is opened here; and when another process holds it and announces nothing, both are tried again until LockWait
// is over, since a command before this one may be at its end. A node that holds the directory and does not answer is
// said after readsWithin.
func openSession(command *cobra.Command, reading bool) (*Session, error) {
	ctx := command.Context()
	keyring, err := datadir.OpenKeyring(command)
	if err != nil {
		return nil, err
	}
	access, err := datadir.AccessOf(command)
	if err != nil {
		return nil, err
	}
	connect := func(url string) (*Session, error) {
		remote := api.NewClient(url, access)
		remote.WhileWaiting(cli.Waiting(command))
		remote.ReadsWithin(readsWithin)
		client, err := wallet.NewClient(ctx, remote, keyring)
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", url, err)
		}
		return &Session{Client: client, End: func() error { return nil }}, nil
	}
	if url := cli.Flag(command, "node"); url != "" {
		return connect(url)
	}
	dir, open := cli.Flag(command, "data"), openEmbedded
	if reading {
		open = OpenForReading
	}
	over := hung(command, dir)
	defer over()
	began := time.Now()
	for until := began.Add(datadir.LockWait); ; {
		url, err := datadir.OpenAnnounced(dir)
		silent := errors.Is(err, context.DeadlineExceeded)
		if !silent {
			over()
		}
		if err == nil {
			if s, err := connect(url); err == nil {
				return s, nil
			}
		}
		s, err := open(ctx, dir, keyring)
		var locked *vfs.LockedError
		if silent && errors.As(err, &locked) && time.Since(began) > readsWithin {
			return nil, cli.Unreached(fmt.Errorf("%s, the node that runs on %s, does not answer: it stands still (%w)",
				url, dir, err))
		}
		if !errors.As(err, &locked) || time.Now().After(until) {
			return s, err
		}
		if err := datadir.Pause(ctx); err != nil { // another command has the ledger open: it will be done soon
			return nil, err
		}
	}
}

// openEmbedded opens the ledger in this process and speaks to it through the same API.
func openEmbedded(ctx context.Context, dir string, keyring *wallet.Keyring) (*Session, error) {
	c, lock, err := datadir.TakeLedger(ctx, dir, datadir.AnyLedger)
	if err != nil {
		return nil, err
	}
	s, err := openLocal(ctx, dir, c, keyring, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// readsHere stands for the leader of a ledger that is only read: it takes no transactions, and no key is needed.
const readsHere = "this directory, which is open for reading"

// OpenForReading opens the ledger in this process to read what is there now. Nothing is written, so neither a secret
// nor a permission is needed for that; what has to be rebuilt is rebuilt in memory.
func OpenForReading(ctx context.Context, dir string, keyring *wallet.Keyring) (*Session, error) {
	c, err := datadir.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	lock, err := vfs.LockShared(dir)
	if err != nil {
		return nil, err
	}
	overlay := vfs.NewOverlay(vfs.OS)
	c.ReadOnly, c.Leader = overlay, readsHere
	s, err := openLocal(ctx, dir, c, keyring, closers{overlay, lock})
	if err != nil {
		return nil, errors.Join(err, overlay.Close(), lock.Close())
	}
	return s, nil
}

// closers close in order.
type closers []io.Closer

// Close closes all of them, whatever fails on the way.
func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// openLocal opens the ledger of a directory that is held; held is let go with the session, last, when nothing writes
// any more.
func openLocal(ctx context.Context, dir string, c datadir.Config, keyring *wallet.Keyring,
	held io.Closer) (*Session, error) {
	n, err := datadir.OpenNode(dir, c, keyring, nil)
	if err != nil {
		return nil, err
	}
	closed := cli.EndInTime(ctx, os.Stderr)
	options := api.Options{Open: true, Within: !c.Development}
	client, err := wallet.NewClient(ctx, api.Local(api.New(n, options)), keyring)
	if err != nil {
		err = errors.Join(err, n.Close())
		closed()
		return nil, err
	}
	return &Session{Client: client, End: func() error {
		err := n.Close()
		closed()
		return errors.Join(err, held.Close())
	}, unsaved: func() error {
		_, cause := n.SnapshotFailure()
		return cause
	}}, nil
}

// ShowReceipt is ShowDone for what only operators read, in English.
func ShowReceipt(command *cobra.Command, receipt node.Receipt, err error, format string, args ...any) error {
	return ShowDone(command, receipt, err, fmt.Sprintf(strings.TrimSuffix(format, "\n"), args...))
}

// ShowDone prints what became of a transaction: done says what was done, in the reader's language. A draft was written
// and not sent; its file is named, and nothing is said to be done. Every other error goes on, with its exit code.
func ShowDone(command *cobra.Command, receipt node.Receipt, err error, done string) error {
	l := cli.LanguageFor(command)
	drafted := errors.Is(err, wallet.ErrDrafted)
	if err != nil && !drafted {
		return err
	}
	if drafted {
		return cli.Show(command, map[string]any{"id": receipt.ID, "draft": cli.Flag(command, "out")},
			func(w io.Writer) {
				fmt.Fprintln(w, l.Text("result.draft", "file", cli.Flag(command, "out")))
			})
	}
	return cli.Show(command, receipt, func(w io.Writer) {
		if done != "" {
			fmt.Fprintln(w, done)
		}
		fmt.Fprintln(w, "  ", l.Text("result.receipt", "id", receipt.ID, "entry", receipt.Index, "block",
			receipt.Height))
	})
}

// AddDraftFlag lets a command write a draft for other key holders to sign.
func AddDraftFlag(command *cobra.Command) {
	command.Flags().String("out", "", "write a draft to this file for other key holders to sign, instead of submitting")
	command.Flags().Bool("force", false, "write the draft over a file that is there")
	cli.Changing(command)
}

// checkOut refuses a draft's file that cannot be written, before anything is done: a folder, and one that is there,
// which may hold signatures of others.
func checkOut(command *cobra.Command) error {
	flag, path := command.Flags().Lookup("force"), cli.Flag(command, "out")
	if flag == nil || path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return cli.Usage(fmt.Errorf("--out: %s is a folder; name a file in it", path))
	case err == nil && flag.Value.String() != "true":
		return cli.Usage(fmt.Errorf("--out: %s is there already, and may hold signatures; name another file, or say "+
			"--force", path))
	}
	return nil
}

// ChangesLedger gives all commands of a noun that change the ledger the flag for a draft, by their verbs.
func ChangesLedger(noun *cobra.Command, verbs ...string) {
	for _, command := range noun.Commands() {
		if slices.Contains(verbs, command.Name()) {
			AddDraftFlag(command)
		}
	}
}

// errSubmitsNothing ends a command whose way of working would submit something in spite of --out.
var errSubmitsNothing = errors.New("--out: this would need another transaction submitted first; nothing was submitted")

// Drafting makes the session write drafts when the command was asked to. Such a session submits nothing, whatever way a
// command takes: who asks for a draft wants to look at it first.
func (s *Session) Drafting(command *cobra.Command) *Session {
	if path := cli.Flag(command, "out"); path != "" {
		s.Out = func(d *wallet.Draft) error { return d.Write(path) }
		s.API.SubmitNothing(errSubmitsNothing)
	}
	return s
}
