package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func newInitCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "init",
		Short: "Found a network: keys of the authority, genesis and an empty ledger",
		Long: `Found a network in the data directory. The authority gets four sets of three keys
(root, issue, policy, enforcement), of each of which two must sign, and the log a
signing key. Key files are encrypted under a passphrase, unless --development asks
for a network whose keys lie open and which anybody on this machine may read.`,
		Example: `  aqsha init --development
  AQSHA_PASSPHRASE=… aqsha init --name tenge.example.kz --data ./pilot`,
		Args: cobra.NoArgs,
		RunE: runInit,
	}
	addLedgerFlags(command)
	command.Flags().String("name", "tenge.localhost", "the network's name, and the origin of its log: no blanks, no plus")
	command.Flags().Bool("development", false, "no passphrase, open to read on loopback: never for real money")
	command.Flags().Bool("shared-keys", false, "one set of three keys for all four roles: for demonstrations")
	command.Flags().String("daily-cap", "100000000000", "most tenge issued in a day")
	command.Flags().Duration("delay", 24*time.Hour, "before a change of keys, cap or delay takes effect; root can veto meanwhile")
	command.Flags().Duration("rekey-delay", 24*time.Hour, "before a new key that an intermediary asks for takes effect")
	return command
}

func runInit(command *cobra.Command, _ []string) error {
	dir := flag(command, "data")
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return usageError{fmt.Errorf("%s holds a network already", dir)}
	}
	n, err := newNetworkOf(command)
	if err != nil {
		return err
	}
	development, _ := command.Flags().GetBool("development")
	book, err := bookForInit(command, development)
	if err != nil {
		return err
	}
	g, err := foundNetwork(command.Context(), dir, book, development, n)
	if err != nil {
		return err
	}
	shared := n.SharedKeys
	result := map[string]any{"network": g.Network(), "name": g.Name, "data": dir, "development": development}
	return show(command, result, func(w io.Writer) {
		fmt.Fprintf(w, "Network %s\n        %s\nfounded in %s. Keys are in %s.\n", g.Name, g.Network(), dir, filepath.Join(dir, "keys"))
		if development {
			fmt.Fprint(w, developmentWarning)
		}
		if shared {
			fmt.Fprint(w, sharedWarning)
		}
		fmt.Fprintln(w, "Next: aqsha up, aqsha bank admit NAME, aqsha issue NAME AMOUNT")
	})
}

// newNetworkOf reads the network that the flags describe.
func newNetworkOf(command *cobra.Command) (n wallet.NewNetwork, err error) {
	n = wallet.NewNetwork{Name: flag(command, "name"), TimeMillis: wallet.SystemNow(), Day: params.DateOf(time.Now())}
	n.SharedKeys, _ = command.Flags().GetBool("shared-keys")
	if n.DailyCap, err = money.ParseTenge(flag(command, "daily-cap")); err != nil {
		return n, usageError{fmt.Errorf("--daily-cap: %w", err)}
	}
	for name, millis := range map[string]*uint64{"delay": &n.DelayMillis, "rekey-delay": &n.RekeyDelayMillis} {
		delay, _ := command.Flags().GetDuration(name)
		if delay < 0 {
			return n, usageError{fmt.Errorf("--%s: %s, want a time that is not negative, such as 24h", name, delay)}
		}
		*millis = uint64(delay.Milliseconds())
	}
	return n, nil
}

const (
	developmentWarning = "WARNING: a development network. Its keys are not encrypted, and everybody on this machine may read everything.\n"
	sharedWarning      = "WARNING: the authority's four roles share one set of keys. A real network keeps them apart.\n"
)

// bookForInit opens the folder for new keys: encrypted under a passphrase, or openly without.
func bookForInit(command *cobra.Command, development bool) (*wallet.Book, error) {
	secret, err := passphrase(command)
	if err != nil {
		return nil, err
	}
	switch {
	case development && secret != "":
		return nil, usageError{errors.New("a development network has no passphrase: leave out --development or the passphrase")}
	case !development && secret == "":
		if secret, err = newPassphrase(""); err != nil {
			return nil, usageError{fmt.Errorf("%w; or --development for a network without", err)}
		}
	}
	return wallet.OpenBook(flag(command, "data"), secret, func(string) (string, error) { return secret, nil })
}

// foundingFile marks a directory in which a network is being founded. Whoever finds it there, with the directory in
// hand, knows that a crash came between, and that what was made of a ledger was never used.
const foundingFile = "founding"

// foundNetwork makes keys, genesis and the empty ledger; the configuration comes last. What fails leaves nothing
// behind; what a crash leaves is cleared at the next try.
func foundNetwork(ctx context.Context, dir string, book *wallet.Book, development bool, n wallet.NewNetwork) (g ledger.Genesis, err error) {
	lock, err := newDirectory(ctx, dir)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
		return g, usageError{fmt.Errorf("%s holds a network already", dir)}
	}
	if _, err := os.Stat(filepath.Join(dir, foundingFile)); err == nil {
		if err := book.ForgetLogKey(); err != nil {
			return g, err
		}
	} else if _, err := os.Stat(filepath.Join(dir, "log")); err == nil {
		return g, usageError{fmt.Errorf("%s holds a log, but no %s: bring that back, or choose another --data", dir, configFile)}
	}
	return g, founding(dir, func() error {
		f, err := book.Genesis(n)
		if err != nil {
			return err
		}
		g = f.Genesis
		c := config{Name: n.Name, Listen: defaultListen, Development: development, Network: g.Network().String()}
		if err := foundLedger(dir, book, c, g); err != nil {
			return errors.Join(err, f.Undo())
		}
		return nil
	})
}

// founding marks a directory, clears what an earlier founding there left, and founds; what fails is cleared too.
func founding(dir string, found func() error) error {
	mark := filepath.Join(dir, foundingFile)
	if _, err := os.Stat(mark); err == nil {
		if err := removeLedger(dir); err != nil {
			return err
		}
	} else if err := durable.Create(vfs.OS, mark, []byte("a ledger is being founded here\n")); err != nil {
		return readOnlyDirectory(dir, err)
	}
	err := found()
	if err != nil {
		err = errors.Join(err, removeLedger(dir))
	}
	return errors.Join(err, durable.Remove(vfs.OS, mark))
}

// foundLedger makes the log with its genesis, and the configuration.
func foundLedger(dir string, book *wallet.Book, c config, g ledger.Genesis) error {
	signer, err := book.LogSigner()
	if err != nil {
		return err
	}
	if err := node.Found(node.Config{Dir: dir, Options: txlog.Options{Origin: c.Name, Signers: []note.Signer{signer}}}, g); err != nil {
		return err
	}
	return writeConfig(dir, c)
}

// removeLedger removes what was made of a ledger.
func removeLedger(dir string) error {
	var errs []error
	for _, part := range node.LedgerParts {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, part)))
	}
	return errors.Join(errs...)
}
