package datadir

import (
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
)

// AccessOf is the access token for a node.
func AccessOf(command *cobra.Command) (string, error) {
	return cli.Secret(command, "access", "AQSHA_ACCESS")
}

// AddLedgerFlags gives a command the flags that say on which ledger it works.
func AddLedgerFlags(command *cobra.Command) {
	command.PersistentFlags().String("data", "./aqsha-data", "data directory: network, keys and names")
	cli.NodesFlag(command.PersistentFlags(), new(string), "node",
		"URL of a running node, or of several, separated by commas, or @FILE that holds one: whichever leads is "+
			"spoken to (default: the one that runs on the data directory, else none is needed)")
	cli.SecretFlags(command.PersistentFlags(), "access", "AQSHA_ACCESS",
		"the access token for a node that is not open to read")
	command.PersistentFlags().String("passphrase-file", "",
		"file with the passphrase of the keys (or AQSHA_PASSPHRASE, or asked)")
}
