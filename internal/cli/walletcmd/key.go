package walletcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
)

// NewKeyCommand makes the command "key".
func NewKeyCommand() *cobra.Command {
	command := &cobra.Command{Use: "key",
		Short: "Keys of the data directory: make one, or name a program that holds one"}
	datadir.AddLedgerFlags(command)
	make := &cobra.Command{
		Use: "new NAME", Short: "Make a key, and print its public half",
		Long: `Make a key, and print its public half. The key file is encrypted under a passphrase (--passphrase-file,
AQSHA_PASSPHRASE, or asked): who has the file has the money. Only keys of a development network may do without.`,
		Example: `  aqsha key new issue-4
  aqsha key new timur --data timur --development   # a toy's key: not encrypted`, Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			keyring, err := datadir.OpenKeyring(command)
			if err != nil {
				return err
			}
			key, err := keyring.NewKey(args[0])
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"name": args[0], "public": key.Public()},
				func(w io.Writer) { fmt.Fprintln(w, key.Public()) })
		},
	}
	make.Flags().Bool("development", false,
		"leave the key unencrypted: it is for a development network, never for real money")
	external := &cobra.Command{
		Use:   "external NAME PROGRAM [ARG…]",
		Short: "Use a key that another program holds, such as a hardware module's tool",
		Long: `Use a key that another program holds. It is called as "PROGRAM ARG… public", and prints the public
key (ed25519: and 64 hexadecimal digits), and as "PROGRAM ARG… sign DIGEST" with 64 hexadecimal
digits, and prints the signature: 01 and the 64 bytes of Ed25519, in hexadecimal.`,
		Example: "  aqsha key external issue-1 /usr/local/bin/hsm-sign --slot 4", Args: cobra.MinimumNArgs(2),
		RunE: func(command *cobra.Command, args []string) error {
			keyring, err := datadir.OpenKeyring(command)
			if err != nil {
				return err
			}
			key, err := keyring.AddCommand(args[0], args[1:]...)
			if err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"name": args[0], "public": key.Public()},
				func(w io.Writer) { fmt.Fprintln(w, key.Public()) })
		},
	}
	// What follows the program is its own, dashes and all.
	external.Flags().SetInterspersed(false)
	cli.Changing(make, external)
	command.AddCommand(make, external)
	return command
}
