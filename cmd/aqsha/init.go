package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/txlog"
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
	development, _ := command.Flags().GetBool("development")
	book, err := bookForInit(command, development)
	if err != nil {
		return err
	}
	shared, _ := command.Flags().GetBool("shared-keys")
	dailyCap, err := money.ParseTenge(flag(command, "daily-cap"))
	if err != nil {
		return usageError{fmt.Errorf("--daily-cap: %w", err)}
	}
	delay, _ := command.Flags().GetDuration("delay")
	rekeyDelay, _ := command.Flags().GetDuration("rekey-delay")
	g, err := foundNetwork(dir, book, development, wallet.NewNetwork{
		Name: flag(command, "name"), TimeMillis: wallet.SystemNow(), Day: params.DateOf(time.Now()), SharedKeys: shared, DailyCap: dailyCap,
		DelayMillis: uint64(delay.Milliseconds()), RekeyDelayMillis: uint64(rekeyDelay.Milliseconds()),
	})
	if err != nil {
		return err
	}
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
		if secret, err = askPassphrase("passphrase for the new keys"); err != nil {
			return nil, usageError{fmt.Errorf("%w; or --development for a network without", err)}
		}
		again, err := askPassphrase("once more")
		if err != nil {
			return nil, err
		}
		if secret != again || secret == "" {
			return nil, usageError{errors.New("the passphrases differ, or are empty")}
		}
	}
	return wallet.OpenBook(flag(command, "data"), secret, func(string) (string, error) { return secret, nil })
}

// foundNetwork makes keys, genesis and the empty ledger; the configuration comes last, so that
// an interrupted founding is not taken for a network.
func foundNetwork(dir string, book *wallet.Book, development bool, n wallet.NewNetwork) (ledger.Genesis, error) {
	g, err := book.Genesis(n)
	if err != nil {
		return g, err
	}
	signer, err := book.LogSigner()
	if err != nil {
		return g, err
	}
	c := config{Name: n.Name, Listen: defaultListen, Development: development}
	if err := node.Found(node.Config{Dir: dir, Options: txlog.Options{Origin: n.Name, Signers: []note.Signer{signer}}}, g); err != nil {
		return g, err
	}
	f, err := os.OpenFile(filepath.Join(dir, configFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return g, err
	}
	return g, errors.Join(toml.NewEncoder(f).Encode(c), f.Sync(), f.Close())
}
