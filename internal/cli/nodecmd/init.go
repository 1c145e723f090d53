package nodecmd

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

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
	"github.com/aqsha/aqsha/wallet"
)

// NewInitCommand makes the command "init".
func NewInitCommand() *cobra.Command {
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
	datadir.AddLedgerFlags(command)
	command.Flags().String("name", "tenge.localhost",
		"the network's name, and the origin of its log: no blanks, no plus")
	command.Flags().Bool("development", false, "no passphrase, open to read on loopback: never for real money")
	command.Flags().Bool("shared-keys", false, "one set of three keys for all four roles: for demonstrations")
	command.Flags().String("daily-cap", "100000000000", "most tenge issued in a day")
	command.Flags().Duration("delay", 24*time.Hour,
		"before a change of keys, cap or delay takes effect; root can veto meanwhile")
	command.Flags().Duration("rekey-delay", 24*time.Hour, "before a new key that an intermediary asks for takes effect")
	cli.Changing(command)
	return command
}

// runInit refuses a directory that has a network before it asks for anything. What a crash leaves half made is no
// network: config.toml is written last.
func runInit(command *cobra.Command, _ []string) error {
	dir := cli.Flag(command, "data")
	if _, err := os.Stat(filepath.Join(dir, datadir.ConfigFile)); err == nil {
		return cli.Usage(fmt.Errorf("%s holds a network already", dir))
	}
	n, err := NewNetworkOf(command)
	if err != nil {
		return err
	}
	development, _ := command.Flags().GetBool("development")
	// The passphrase is asked for last before anything is written: a network founded half has to be removed by hand.
	keyring, err := keyringForInit(command, development)
	if err != nil {
		return err
	}
	g, err := InitNetwork(command.Context(), dir, keyring, development, n)
	if err != nil {
		return err
	}
	shared := n.SharedKeys
	result := map[string]any{"network": g.Network(), "name": g.Name, "data": dir, "development": development}
	return cli.Show(command, result, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintf(w, "%s\n        %s\n", l.Text("init.network", "name", g.Name), g.Network())
		fmt.Fprintln(w, l.Text("init.founded", "dir", dir, "keys", filepath.Join(dir, "keys")))
		if development {
			fmt.Fprintln(w, l.Text("init.development"))
		}
		if shared {
			fmt.Fprintln(w, l.Text("init.shared"))
		}
		fmt.Fprintln(w, l.Text("init.next"))
	})
}

// NewNetworkOf reads the network that the flags describe.
func NewNetworkOf(command *cobra.Command) (n wallet.NewNetwork, err error) {
	n = wallet.NewNetwork{Name: cli.Flag(command, "name"), TimeMillis: wallet.SystemNow(),
		Day: params.DateOf(time.Now())}
	n.SharedKeys, _ = command.Flags().GetBool("shared-keys")
	if n.DailyCap, err = money.ParseTenge(cli.Flag(command, "daily-cap")); err != nil {
		return n, cli.Usage(fmt.Errorf("--daily-cap: %w", err))
	}
	for name, millis := range map[string]*uint64{"delay": &n.DelayMillis, "rekey-delay": &n.RekeyDelayMillis} {
		delay, _ := command.Flags().GetDuration(name)
		if delay < 0 {
			return n, cli.Usage(fmt.Errorf("--%s: %s, want a time that is not negative, such as 24h", name, delay))
		}
		*millis = uint64(delay.Milliseconds())
	}
	return n, nil
}

// keyringForInit opens the folder for new keys: encrypted under a passphrase, or openly without.
func keyringForInit(command *cobra.Command, development bool) (*wallet.Keyring, error) {
	secret, err := PassphraseForInit(command, development)
	if err != nil {
		return nil, err
	}
	return wallet.OpenKeyring(cli.Flag(command, "data"), secret, func(string) (string, error) { return secret, nil })
}

// PassphraseForInit is under what a new network's keys are kept; empty for a development network, and for no other.
func PassphraseForInit(command *cobra.Command, development bool) (string, error) {
	secret, err := datadir.Passphrase(command)
	switch {
	case err != nil:
		return "", err
	case development && secret != "":
		return "",
			cli.Usage(errors.New("a development network has no passphrase: leave out --development or the passphrase"))
	case !development && secret == "":
		if secret, err = datadir.NewPassphrase(""); err != nil {
			return "", cli.Usage(fmt.Errorf("%w; or --development for a network without", err))
		}
	}
	return secret, nil
}

// InitNetwork makes keys, genesis and the empty ledger; the configuration comes last. What fails leaves nothing
// behind; what a crash leaves is cleared at the next try.
func InitNetwork(ctx context.Context, dir string, keyring *wallet.Keyring, development bool,
	n wallet.NewNetwork) (g ledger.Genesis, err error) {
	lock, err := datadir.NewDirectory(ctx, dir)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if _, err := os.Stat(filepath.Join(dir, datadir.ConfigFile)); err == nil {
		return g, cli.Usage(fmt.Errorf("%s holds a network already", dir))
	}
	if _, err := os.Stat(filepath.Join(dir, datadir.InitFile)); err == nil {
		// A try that a crash has cut off: its log key has signed nothing that anybody has seen.
		if err := keyring.ForgetLogKey(); err != nil {
			return g, err
		}
	} else if _, err := os.Stat(filepath.Join(dir, "log")); err == nil {
		return g, cli.Usage(fmt.Errorf("%s holds a log, but no %s: bring that back, or choose another --data", dir,
			datadir.ConfigFile))
	}
	return g, initialising(dir, func() error {
		f, err := keyring.Genesis(n)
		if err != nil {
			return err
		}
		g = f.Genesis
		c := datadir.Config{Name: n.Name, Listen: datadir.DefaultListen, Development: development,
			Network: g.Network().String()}
		// The configuration is written last in it: a directory that has one has everything.
		if err := initLedger(dir, keyring, c, g); err != nil {
			return errors.Join(err, f.Undo())
		}
		return nil
	})
}

// initialising marks a directory, clears what an earlier initialising there left, and founds; what fails is cleared
// too.
func initialising(dir string, found func() error) error {
	mark := filepath.Join(dir, datadir.InitFile)
	if _, err := os.Stat(mark); err == nil {
		if err := removeLedger(dir); err != nil {
			return err
		}
	} else if err := durable.Create(vfs.OS, mark, []byte("a ledger is being founded here\n")); err != nil {
		return datadir.ReadOnlyDirectory(dir, err)
	}
	err := found()
	if err != nil {
		err = errors.Join(err, removeLedger(dir))
	}
	return errors.Join(err, durable.Remove(vfs.OS, mark))
}

// initLedger makes the log with its genesis, and the configuration.
func initLedger(dir string, keyring *wallet.Keyring, c datadir.Config, g ledger.Genesis) error {
	signer, err := keyring.LogSigner()
	if err != nil {
		return err
	}
	if err := node.Init(node.Config{Dir: dir, Options: txlog.Options{Origin: c.Name, Signers: []note.Signer{signer}}},
		g); err != nil {
		return err
	}
	return datadir.WriteConfig(dir, c)
}

// removeLedger removes what was made of a ledger.
func removeLedger(dir string) error {
	var errs []error
	for _, part := range node.LedgerParts {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, part)))
	}
	return errors.Join(errs...)
}
