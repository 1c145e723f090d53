package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// newRootCommand joins the commands of every line. Each noun lives in a file of its own.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "aqsha",
		Short: "A digital currency, Bitcoin mining and market measurement that anybody can check",
		Long: `Aqsha runs a retail central-bank digital currency (the digital tenge), mines Bitcoin
and runs mining farms, and measures markets, networks and machines. Whatever it
states can be re-derived from signed, append-only records with "aqsha verify".`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().Bool("json", false, "print results and errors as JSON")
	root.PersistentFlags().String("ca", "", "PEM file of an authority that nodes' certificates may be of, besides the system's (or AQSHA_CA)")
	root.PersistentPreRunE = func(command *cobra.Command, _ []string) error { return trustCAs(command) }
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newVersionCommand(),
		newMarketCommand(),
		newInitCommand(),
		newUpCommand(),
		newDemoCommand(),
		newBankCommand(),
		newWalletCommand(),
		newIssueCommand(),
		newRedeemCommand(),
		newPayCommand(),
		newBalanceCommand(),
		newHistoryCommand(),
		newTokenCommand(),
		newProofCommand(),
		newSupplyCommand(),
		newPolicyCommand(),
		newAgencyCommand(),
		newPurposeCommand(),
		newContractCommand(), newChannelCommand(), newDeviceCommand(), newPayPerUseCommand(), newGrantCommand(), newOrderCommand(), newTraceCommand(),
		newTxCommand(),
		newKeyCommand(),
		newAccessCommand(),
		newTLSCommand(),
		newVerifyCommand(),
		newFollowCommand(),
		newPromoteCommand(), newSwitchoverCommand(),
		newStatusCommand(),
		newBackupCommand(),
		newRestoreCommand(),
		newDrillCommand(),
		newChainCommand(),
		newMineCommand(),
		newPoolCommand(),
		newFarmCommand(),
		newBenchCommand(),
	)
	return root
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version and what it was built with",
		Example: "  aqsha version --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return show(command, map[string]string{"version": version()}, func(w io.Writer) { fmt.Fprintln(w, "aqsha", version()) })
		},
	}
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%s (%s)", info.Main.Version, info.GoVersion)
}
