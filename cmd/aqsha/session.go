package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/term"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// configFile is the configuration in a data directory.
const configFile = "config.toml"

// config is config.toml. Every key has a default.
type config struct {
	Name        string       `toml:"name"`                // of the network, and the origin of its log
	Listen      string       `toml:"listen"`              // address of the API
	Development bool         `toml:"development"`         // keys without a passphrase, open to read on loopback
	Access      []api.Access `toml:"access"`              // who may read, when not open
	Followers   []string     `toml:"followers,omitempty"` // public keys of followers whose cosignatures count, as "aqsha follow" prints them
	Acks        int          `toml:"acks,omitempty"`      // how many of them must have a payment before it is answered
	Leader      string       `toml:"leader,omitempty"`    // URL of the node whose log is copied here: a follower
	Peers       []string     `toml:"peers,omitempty"`     // URLs of nodes that are asked who leads
	URL         string       `toml:"url,omitempty"`       // at which others reach this node, where "listen" does not say it
	// At which followers can be asked, by name, as they say themselves: kept for a promotion.
	FollowerURLs map[string]string `toml:"follower_urls,omitempty"`
	KeyDays      int               `toml:"key_days,omitempty"` // how long keys live: this node's own, and the sets on the ledger; 0 is 730
	Origins      []string          `toml:"origins,omitempty"`  // where wallets dial this node (https://tenge.example.kz), besides the loopback address it listens on
	TLS          string            `toml:"tls,omitempty"`      // how TLS is spoken: self, files, acme, proxy=ADDRESS; empty listens on loopback only
	TLSCert      string            `toml:"tls_cert,omitempty"` // of files: certificate chain and key, in PEM
	TLSKey       string            `toml:"tls_key,omitempty"`
	TLSNames     []string          `toml:"tls_names,omitempty"`  // of acme: this host's
	Archive      string            `toml:"archive,omitempty"`    // directory to which a leader copies sealed segments of the log
	SegmentMiB   int               `toml:"segment_mib,omitzero"` // how large segments of the log are; 0 is 64
	Logger       *slog.Logger      `toml:"-"`                    // of a node that serves; nil logs to stderr
	LogLevel     string            `toml:"log_level,omitempty"`  // what is logged, unless --log-level says it: debug, info, warn or error
	Network      string            `toml:"network,omitempty"`    // whose ledger this is: "aqsha restore" brings no other back
	Market       string            `toml:"-"`                    // folder of market data, from the command line
	Reverify     bool              `toml:"-"`                    // every signature again at the start, likewise
	readOnly     vfs.FS            // if set, the ledger is read over it, and nothing is written
	levels       *slog.LevelVar    // of Logger, if it can be set
	promoted     bool              // the node starts for the first time since it was promoted

	// How far clocks may be apart before blocks are not dated by this one, or not taken from another; 0 is 10.
	ClockSeconds int  `toml:"clock_seconds,omitempty"`
	AcceptTime   bool `toml:"-"` // this machine's clock is right however long ago the last block was, from the command line
}

const defaultListen = "127.0.0.1:8420"

func readConfig(dir string) (config, error) {
	c := config{Listen: defaultListen}
	meta, err := toml.DecodeFile(filepath.Join(dir, configFile), &c)
	if errors.Is(err, os.ErrNotExist) {
		return c, usageError{fmt.Errorf("no network in %s: found one with \"aqsha init --data %s\", or name a node with --node URL", dir, dir)}
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(dir, configFile), err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return c, fmt.Errorf("%s: unknown key %q", filepath.Join(dir, configFile), unknown[0].String())
	}
	if c.ClockSeconds < 0 || c.ClockSeconds > mostClockSeconds {
		return c, usageError{fmt.Errorf("%s: clock_seconds: %d, want 0 (which is %d) to %d", filepath.Join(dir, configFile), c.ClockSeconds, int(node.DefaultClockBound.Seconds()), mostClockSeconds)}
	}
	if _, err := c.level(); err != nil {
		return c, usageError{fmt.Errorf("%s: %w", filepath.Join(dir, configFile), err)}
	}
	if err := c.checkNodes(); err != nil {
		return c, usageError{fmt.Errorf("%s: %w", filepath.Join(dir, configFile), err)}
	}
	return c, api.CheckAccess(c.Access)
}

// mostClockSeconds bounds clock_seconds: clocks that are further apart than an hour are not set at all.
const mostClockSeconds = 3600

// Clocks and the file system of nodes that commands open. Tests of processes set them; nil is the system's.
var (
	nodeNow       func() uint64
	nodeMonotonic func() time.Duration
	nodeFS        vfs.FS
)

// addLedgerFlags gives a command the flags that say on which ledger it works.
func addLedgerFlags(command *cobra.Command) {
	command.PersistentFlags().String("data", "./aqsha-data", "data directory: network, keys and names")
	command.PersistentFlags().String("node", "", "URL of a running node, or of several, separated by commas: whichever leads is spoken to (default: the one that runs on the data directory, else none is needed)")
	command.PersistentFlags().String("access", "", "access token for a node that is not open to read (or AQSHA_ACCESS)")
	command.PersistentFlags().String("passphrase-file", "", "file with the passphrase of the keys (or AQSHA_PASSPHRASE, or asked)")
}

func flag(command *cobra.Command, name string) string {
	value, _ := command.Flags().GetString(name)
	return value
}

// passphrase finds the passphrase of the keys without asking; empty if there is none.
func passphrase(command *cobra.Command) (string, error) {
	if path := flag(command, "passphrase-file"); path != "" {
		content, err := os.ReadFile(path)
		return strings.TrimRight(string(content), "\r\n"), err
	}
	return os.Getenv("AQSHA_PASSPHRASE"), nil
}

// askPassphrase asks on the terminal.
func askPassphrase(prompt string) (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", errors.New("a passphrase is needed: --passphrase-file, AQSHA_PASSPHRASE, or a terminal to ask on")
	}
	fmt.Fprintf(os.Stderr, "%s: ", prompt)
	secret, err := term.ReadPassword(int(os.Stdin.Fd()))
	fmt.Fprintln(os.Stderr)
	return string(secret), err
}

// openBook opens the keys and names of the data directory.
func openBook(command *cobra.Command) (*wallet.Book, error) {
	known, err := passphrase(command)
	if err != nil {
		return nil, err
	}
	book, err := wallet.OpenBook(flag(command, "data"), known, func(path string) (string, error) {
		if known != "" {
			return known, nil
		}
		return askPassphrase("passphrase of " + filepath.Base(path))
	})
	if open, _ := command.Flags().GetBool("development"); err == nil && !open && !isDevelopment(flag(command, "data")) {
		book.EncryptNew(func() (string, error) { return newPassphrase(known) })
	}
	return book, err
}

// isDevelopment says whether a data directory is of a development network, whose keys are not worth a passphrase. One that is
// of no network yet may come to hold real money.
func isDevelopment(dir string) bool {
	var c struct {
		Development bool `toml:"development"`
	}
	_, err := toml.DecodeFile(filepath.Join(dir, configFile), &c)
	return err == nil && c.Development
}

// unencryptedKey is the refusal to leave a new key readable to whoever reads the disk.
const unencryptedKey token.Code = "unencrypted-key"

// newPassphrase asks twice for the passphrase of new keys, unless one is known.
func newPassphrase(known string) (string, error) {
	if known != "" {
		return known, nil
	}
	secret, err := askPassphrase("passphrase for the new key")
	if err != nil {
		return "", token.Errorf(unencryptedKey, "passphrase", "a key outside a development network is encrypted, and %v", err)
	}
	again, err := askPassphrase("once more")
	if err != nil {
		return "", err
	}
	if secret != again || secret == "" {
		return "", usageError{errors.New("the passphrases differ, or are empty")}
	}
	return secret, nil
}

// session is a command's access to a ledger.
type session struct {
	*wallet.Desk
	close func() error
}

// withSession runs a command on a ledger: at --node, at the node that runs on the data directory, or with
// the ledger opened in this process. Once the command has done what it says, what goes wrong in closing the ledger is
// a warning: a payment that is in the log was made, whether or not a snapshot could be written after it.
func withSession(command *cobra.Command, reading bool, act func(ctx context.Context, s *session) error) error {
	s, err := openSession(command, reading)
	if err != nil {
		return err
	}
	return finish(command, s, act(command.Context(), s))
}

// withPayer is withSession for a payment, which asks a node nothing that its selection of tokens says too: two requests, where
// round trips are long. The first answer shows whether the node that runs on the data directory is still there; when it is
// not, nothing was done, and the payment is made as other commands work.
func withPayer(command *cobra.Command, act func(ctx context.Context, s *session) error) error {
	url, access := flag(command, "node"), accessOf(command)
	instance := ""
	if url == "" {
		var err error
		// An access token is shown to nobody before it is known who is there.
		if url, instance, err = announced(flag(command, "data")); err != nil || instance == "" || access != "" {
			return withSession(command, false, act)
		}
	}
	book, err := openBook(command)
	if err != nil {
		return err
	}
	ctx := command.Context()
	client := api.NewClient(url, access)
	if instance != "" {
		client.Expect(instance)
	}
	s := &session{wallet.LazyDesk(ctx, client, book), func() error { return nil }}
	if err := act(ctx, s); !errors.As(err, new(*api.ElsewhereError)) {
		return finish(command, s, err)
	}
	return withSession(command, false, act)
}

// finish closes the ledger of a command that came to its end, or failed.
func finish(command *cobra.Command, s *session, failed error) error {
	if failed != nil {
		return errors.Join(failed, s.close())
	}
	if err := s.close(); err != nil {
		fmt.Fprintf(command.ErrOrStderr(), "aqsha: warning: done, but not everything could be put away: %v\n", err)
	}
	return nil
}

func openSession(command *cobra.Command, reading bool) (*session, error) {
	ctx := command.Context()
	book, err := openBook(command)
	if err != nil {
		return nil, err
	}
	connect := func(url string) (*session, error) {
		desk, err := wallet.NewDesk(ctx, api.NewClient(url, accessOf(command)), book)
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", url, err)
		}
		return &session{desk, func() error { return nil }}, nil
	}
	if url := flag(command, "node"); url != "" {
		return connect(url)
	}
	dir, open := flag(command, "data"), openEmbedded
	if reading {
		open = openForReading
	}
	for until := time.Now().Add(lockWait); ; {
		if url, err := openAnnounced(dir); err == nil {
			if s, err := connect(url); err == nil {
				return s, nil
			}
		}
		s, err := open(ctx, dir, book)
		var locked *vfs.LockedError
		if !errors.As(err, &locked) || time.Now().After(until) {
			return s, err
		}
		if err := pause(ctx); err != nil { // another command has the ledger open: it will be done soon
			return nil, err
		}
	}
}

// How long a command waits for others that have the data directory open, and between tries.
const (
	lockWait  = 2 * time.Minute
	lockRetry = 20 * time.Millisecond
)

// openEmbedded opens the ledger in this process and speaks to it through the same API.
func openEmbedded(ctx context.Context, dir string, book *wallet.Book) (*session, error) {
	c, lock, err := takeLedger(ctx, dir, anyLedger)
	if err != nil {
		return nil, err
	}
	s, err := openLocal(ctx, dir, c, book, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// readsHere stands for the leader of a ledger that is only read: it takes no transactions, and no key is needed.
const readsHere = "this directory, which is open for reading"

// openForReading opens the ledger in this process to read what is there now. Nothing is written, so neither a secret
// nor a permission is needed for that; what has to be rebuilt is rebuilt in memory.
func openForReading(ctx context.Context, dir string, book *wallet.Book) (*session, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	lock, err := vfs.LockShared(dir)
	if err != nil {
		return nil, err
	}
	overlay := vfs.NewOverlay(vfs.OS)
	c.readOnly, c.Leader = overlay, readsHere
	s, err := openLocal(ctx, dir, c, book, closers{overlay, lock})
	if err != nil {
		return nil, errors.Join(err, overlay.Close(), lock.Close())
	}
	return s, nil
}

// closers close in order.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// openLocal opens the ledger of a directory that is held; held is let go with the session.
func openLocal(ctx context.Context, dir string, c config, book *wallet.Book, held io.Closer) (*session, error) {
	n, err := openNode(dir, c, book, nil)
	if err != nil {
		return nil, err
	}
	closed := endInTime(ctx, os.Stderr)
	desk, err := wallet.NewDesk(ctx, api.Local(api.New(n, api.Options{Open: true})), book)
	if err != nil {
		err = errors.Join(err, n.Close())
		closed()
		return nil, err
	}
	return &session{desk, func() error {
		err := n.Close()
		closed()
		if _, cause := n.SnapshotFailure(); cause != nil { // nothing is lost by it: the exit code is the command's
			fmt.Fprintf(os.Stderr, "warning: no snapshot could be written (the log has everything, the next start takes longer): %v\n", cause)
		}
		return errors.Join(err, held.Close())
	}}, nil
}

// openNode opens the ledger of a data directory that the caller holds: to write, or as the copy of another's.
func openNode(dir string, c config, book *wallet.Book, logger *slog.Logger) (*node.Node, error) {
	nc, err := nodeConfig(dir, c, book, logger)
	if err != nil {
		return nil, err
	}
	return node.Open(nc)
}

// keyDays is how long a key lives unless the configuration says otherwise.
const keyDays = 730

func nodeConfig(dir string, c config, book *wallet.Book, logger *slog.Logger) (node.Config, error) {
	nc := node.Config{Dir: dir, Logger: logger, Reverify: c.Reverify, Acks: c.Acks, Leader: c.Leader, Options: txlog.Options{Origin: c.Name, FS: nodeFS}, ReadOnly: c.readOnly != nil,
		Now: nodeNow, Monotonic: nodeMonotonic, ClockBound: time.Duration(c.ClockSeconds) * time.Second, AcceptTime: c.AcceptTime, TrustClock: c.Development}
	if c.readOnly != nil {
		nc.Options.FS = c.readOnly
	}
	nc.Options.SegmentBytes = int64(c.SegmentMiB) << 20
	var err error
	if nc.Followers, err = verifiersOf(c.Followers); err != nil {
		return nc, usageError{fmt.Errorf("%s: %w", configFile, err)}
	}
	nc.MembersID = c.members().ID()
	if c.KeyDays == 0 {
		c.KeyDays = keyDays
	}
	nc.Keys, nc.KeyDays = book.KeyLives(c.KeyDays), c.KeyDays
	nc.SnapshotVerifiers = book.FollowerKeys()
	if c.Leader != "" {
		nc.Followers, nc.Acks = nil, 0 // the leader's, kept for a promotion
		return nc, nil
	}
	signer, err := book.LogSigner()
	if err != nil {
		return nc, err
	}
	nc.Options.Signers, nc.Archive = []note.Signer{signer}, c.Archive
	nc.Whole = c.promoted
	nc.Before, err = membersBefore(dir, c)
	return nc, err
}

// writeConfig replaces a data directory's configuration.
func writeConfig(dir string, c config) error {
	content, err := encodeConfig(c)
	if err != nil {
		return err
	}
	return durable.Replace(vfs.OS, filepath.Join(dir, configFile), content)
}

func encodeConfig(c config) ([]byte, error) {
	var content bytes.Buffer
	err := toml.NewEncoder(&content).Encode(c)
	return content.Bytes(), err
}

// resolve reads names or ids of arguments.
func (s *session) resolve(texts ...string) ([]token.WalletID, error) {
	ids := make([]token.WalletID, len(texts))
	for i, text := range texts {
		id, err := s.Book.Resolve(text)
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return ids, nil
}

// showReceipt prints what became of a transaction.
func showReceipt(command *cobra.Command, receipt node.Receipt, err error, format string, args ...any) error {
	drafted := errors.Is(err, wallet.ErrDrafted)
	if err != nil && !drafted {
		return err
	}
	if drafted {
		return show(command, map[string]any{"id": receipt.ID, "draft": flag(command, "out")}, func(w io.Writer) {
			fmt.Fprintf(w, "draft %s: pass it to the key holders (aqsha tx sign), then submit it (aqsha tx submit)\n", flag(command, "out"))
		})
	}
	return show(command, receipt, func(w io.Writer) {
		fmt.Fprintf(w, format, args...)
		fmt.Fprintf(w, "   transaction %s, entry %d, block %d\n", receipt.ID, receipt.Index, receipt.Height)
	})
}

// addDraftFlag lets a command write a draft for other key holders to sign.
func addDraftFlag(command *cobra.Command) {
	command.Flags().String("out", "", "write a draft to this file for other key holders to sign, instead of submitting")
}

// changesLedger gives all commands of a noun that change the ledger the flag for a draft, by their verbs.
func changesLedger(noun *cobra.Command, verbs ...string) {
	for _, command := range noun.Commands() {
		if slices.Contains(verbs, command.Name()) {
			addDraftFlag(command)
		}
	}
}

// drafting makes the session write drafts when the command was asked to.
func (s *session) drafting(command *cobra.Command) *session {
	if path := flag(command, "out"); path != "" {
		s.Out = func(d *wallet.Draft) error { return d.Write(path) }
	}
	return s
}
